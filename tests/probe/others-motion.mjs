// How others move on screen: without steps back, without standing still, and how soon after their key.

import { CENTRE, distance, NEUTRAL, Page, STEPS_PER_UNIT } from './page.mjs';

const PRESSES = 20;
/** A ship that is farther from home than this flies back, lest it gets out of sight. */
const ASIDE_STEPS = 200 * STEPS_PER_UNIT;
const RUNNER = 'runner';

/** Watches a ship that is always under way, for so long. */
export async function smoothness({ url, rules, seconds }) {
  const page = await Page.open(url, 'watcher', 2, rules);
  await page.restAt(CENTRE, 60);
  await page.until(() => page.other(RUNNER) !== undefined);
  await page.forSeconds(3);
  const [pictures, held] = [page.client.stats.pictures, page.client.stats.heldPictures];
  let [seen, stood, back, missing] = [0, 0, 0, 0];
  let before;
  page.onPicture = () => {
    const runner = page.other(RUNNER);
    if (runner === undefined) {
      missing += 1;
      before = undefined;
      return;
    }
    const [x, y] = runner.motion.position;
    const [velocityX, velocityY] = runner.motion.velocity;
    if (before !== undefined) {
      seen += 1;
      const [stepX, stepY] = [x - before[0], y - before[1]];
      if (stepX === 0 && stepY === 0) stood += 1;
      else if (stepX * velocityX + stepY * velocityY < 0) back += 1;
    }
    before = [x, y];
  };
  await page.forSeconds(seconds);
  page.onPicture = () => {};
  const { stats } = page.client;
  const result = {
    pictures: seen,
    missing,
    backwardSteps: back,
    stoodShare: stood / Math.max(seen, 1),
    heldShare: (stats.heldPictures - held) / (stats.pictures - pictures),
    renderDelayMs: page.client.renderDelayMs,
    pingMs: page.client.pingMs,
  };
  page.leave();
  return result;
}

/** From one player's key to the motion on the other's screen: the median, in milliseconds. */
export async function keyToOthers({ url, rules }) {
  const mover = await Page.open(url, 'mover', 4, rules);
  const watcher = await Page.open(url, 'watcher', 5, rules);
  const home = [CENTRE[0], CENTRE[1] - 3000];
  await Promise.all([mover.restAt(home, 60), watcher.restAt([CENTRE[0], CENTRE[1] + 3000], 60)]);
  const tookMs = [];
  for (let press = 0; press < PRESSES; press += 1) {
    if (distance(mover.ship, home) > ASIDE_STEPS) await mover.restAt(home, 60);
    await mover.rest();
    await watcher.until(() => watcher.other('mover') !== undefined);
    await watcher.forSeconds(0.5);
    const [x, y] = watcher.other('mover').motion.position;
    const pressedMs = performance.now();
    mover.controls = () => ({ ...NEUTRAL, thrust: true });
    await watcher.until(() => {
      const now = watcher.other('mover').motion.position;
      return now[0] !== x || now[1] !== y;
    });
    tookMs.push(performance.now() - pressedMs);
    mover.controls = () => NEUTRAL;
  }
  mover.leave();
  watcher.leave();
  tookMs.sort((one, other) => one - other);
  return { medianMs: tookMs[Math.floor(tookMs.length / 2)], mostMs: tookMs.at(-1), pingMs: watcher.client.pingMs };
}
