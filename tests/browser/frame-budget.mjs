// Measures what the engine costs a page: decoding, interpolating and predicting with about two hundred entities in view, the
// heap over minutes, and the frame rate. Prints one JSON object. A ship near the edge of the world sees fewer: it looks for a
// better place first, only pictures with about two hundred count for the engine's work, and how many those were is said.
//
//   cargo build --release --bin arena, then, after `npm ci` in tests/browser,
//   ARENA=../../target/release/arena node tests/browser/frame-budget.mjs [seconds]

import { launch, startArena, visit } from './support.mjs';

const seconds = Number(process.argv[2] ?? 300);
/** A world so full that a view holds two hundred, unless it reaches beyond an edge. */
const CROWD = ['--pilots', '16', '--asteroids', '1650'];
const JOINS_MAX = 20;
const ENTITIES_MIN = 180;
const ENTITIES_MAX = 240;
const SIZE = { width: 1280, height: 720 };
const HEAP_EVERY_MS = 5_000;

const browser = await launch(['--enable-precise-memory-info', '--js-flags=--expose-gc']);
const server = await startArena(CROWD);
try {
  const { page, errors } = await visitCrowd();
  // The page is warm, the clock set, and the fresh ship's shield gone.
  await page.waitForTimeout(10_000);
  await page.evaluate(watch);
  const heaps = [];
  const endMs = Date.now() + seconds * 1000;
  while (Date.now() < endMs) {
    await page.keyboard.press('Space');
    await page.keyboard.down(heaps.length % 2 === 0 ? 'KeyA' : 'KeyD');
    await page.waitForTimeout(HEAP_EVERY_MS);
    await page.keyboard.up(heaps.length % 2 === 0 ? 'KeyA' : 'KeyD');
    heaps.push(await page.evaluate(heapBytes));
  }
  const seen = await page.evaluate(() => window.seen);
  const isFull = (_, picture) => seen.entities[picture] >= ENTITIES_MIN && seen.entities[picture] <= ENTITIES_MAX;
  const work = seen.workMs.filter(isFull).sort((one, other) => one - other);
  const inView = seen.entities.filter(isFull).sort((one, other) => one - other);
  const share = (part) => work[Math.min(work.length - 1, Math.floor(work.length * part))] ?? null;
  const second = heaps.slice(Math.floor(heaps.length / 4));
  console.log(
    JSON.stringify({
      seconds,
      pictures_per_second: Number((seen.workMs.length / ((seen.endMs - seen.startMs) / 1000)).toFixed(1)),
      entities: { pictures: work.length, median: inView[Math.floor(inView.length / 2)] ?? null },
      engine_ms: { median: share(0.5), p90: share(0.9), p99: share(0.99), most: share(1) },
      heap_mib: { first: mib(second[0]), last: mib(second.at(-1)), slope_kib_per_minute: slope(second) },
      allocated_kib_per_second: Math.round(seen.grownBytes / 1024 / seconds),
      desyncs: await page.evaluate(() => window.arena.client.stats.desyncs),
      errors,
    }),
  );
} finally {
  await browser.close();
  await server.stop();
}

/** Joins until there is a ship that sees a crowd. */
async function visitCrowd() {
  for (let join = 1; ; join += 1) {
    const visitor = await visit(browser, server.address, `Ada ${join}`, { viewport: SIZE });
    await visitor.page.waitForTimeout(1_000);
    const inView = await visitor.page.evaluate(() => window.arena.client.world.entities.length);
    if (inView >= ENTITIES_MIN + 15 || join === JOINS_MAX) return visitor;
    await visitor.close();
  }
}

/** In the page: notes what each picture cost the engine, and how the heap grows between collections. */
function watch() {
  const { client } = window.arena;
  const seen = { workMs: [], entities: [], startMs: performance.now(), endMs: 0, grownBytes: 0 };
  window.seen = seen;
  let before = client.stats.workMs;
  let heap = performance.memory.usedJSHeapSize;
  requestAnimationFrame(function note(nowMs) {
    const { workMs } = client.stats;
    // In steps of a microsecond: sums of many small numbers have longer tails than clocks.
    seen.workMs.push(Math.round((workMs - before) * 1000) / 1000);
    before = workMs;
    seen.endMs = nowMs;
    seen.entities.push(client.world.entities.length);
    const now = performance.memory.usedJSHeapSize;
    if (now > heap) seen.grownBytes += now - heap;
    heap = now;
    requestAnimationFrame(note);
  });
}

/** In the page: what is left of the heap after a collection, and without what the measurement itself keeps. */
function heapBytes() {
  window.gc();
  return performance.memory.usedJSHeapSize - 24 * window.seen.workMs.length;
}

function mib(bytes) {
  return Number((bytes / 2 ** 20).toFixed(2));
}

/** Least squares over samples at an even pace, in KiB per minute. */
function slope(samples) {
  const middle = (samples.length - 1) / 2;
  const mean = samples.reduce((sum, bytes) => sum + bytes, 0) / samples.length;
  let [up, down] = [0, 0];
  samples.forEach((bytes, at) => {
    up += (at - middle) * (bytes - mean);
    down += (at - middle) ** 2;
  });
  return Math.round((up / down / 1024) * (60_000 / HEAP_EVERY_MS));
}
