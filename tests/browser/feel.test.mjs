// What a player's hands notice: keys, sticks and fingers answer at once however far the server is, and the net graph says
// how far that is. Counts pictures rather than milliseconds, so that a slow machine is no failure.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { launch, PATIENCE_MS, startArena, visit } from './support.mjs';

/** A round trip of many pictures, even on a slow machine. */
const FAR = '?lag=900';
/** Inputs in a row that come in time: some seconds of flight. */
const CALM_INPUTS = 80;

let browser;
let server;
before(async () => {
  browser = await launch();
  server = await startArena();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

describe('the arena in the hands of a player', { timeout: 240_000 }, () => {
  it('turns, flies and fires in the picture after a key, though the server is far', async () => {
    const ada = await join(FAR);
    try {
      const turned = await picturesUntilChange(ada.page, 'KeyA', 'angle');
      assert.ok(turned <= 1, `it turns in picture ${turned}`);
      const flown = await picturesUntilChange(ada.page, 'KeyW', 'place');
      assert.ok(flown <= 1, `it flies in picture ${flown}`);
      const fired = await picturesUntilChange(ada.page, 'Space', 'bullets');
      assert.ok(fired <= 1, `it fires in picture ${fired}`);
      const ping = await ada.page.evaluate(() => window.arena.client.network.roundTripMs);
      assert.ok(ping > 850, `the server is ${ping} ms away`);
      assert.deepEqual(ada.errors, []);
    } finally {
      await ada.close();
    }
  });

  it('shows each shot once, and no longer than it flies', async () => {
    const ada = await join('?lag=300');
    try {
      await watch(ada.page);
      await ada.page.keyboard.press('Space');
      await ada.page.waitForFunction(() => window.pictures.some(({ bullets }) => bullets > 0));
      await ada.page.waitForFunction(() => window.pictures.at(-1).bullets === 0, undefined, { timeout: PATIENCE_MS });
      await ada.page.waitForTimeout(600);
      const counts = await ada.page.evaluate(() => window.pictures.map(({ bullets }) => bullets));
      assert.equal(Math.max(...counts), 1);
      const runs = counts.filter((count, at) => count === 1 && counts[at - 1] !== 1).length;
      assert.equal(runs, 1, 'it is handed over to the server without a gap');
    } finally {
      await ada.close();
    }
  });

  it('ends a shot on the rock that it meets on screen, and has it from the server that it hit', async () => {
    const rocks = await startArena(['--asteroids', '300']);
    const ada = await join('?lag=400', { script: plugInPad, on: rocks });
    try {
      await ada.page.evaluate(watchShots);
      await ada.page.waitForFunction(aimAndFire, undefined, { timeout: PATIENCE_MS, polling: 50 });
      const { gaps } = await ada.page.evaluate(() => window.shots);
      assert.ok(gaps.length > 2, 'it was seen to fly');
      assert.ok(Math.min(...gaps) > -1, `it is seen ${-Math.min(...gaps)} units deep in a rock`);
      assert.deepEqual(ada.errors, []);
    } finally {
      await ada.close();
      await rocks.stop();
    }
  });

  it('is never corrected in calm flight', async () => {
    const ada = await join('?lag=250');
    try {
      for (const key of ['KeyW', 'KeyA']) await ada.page.keyboard.down(key);
      const flight = await ada.page.evaluate(calmFlight, [CALM_INPUTS, PATIENCE_MS]);
      assert.ok(flight.flownUnits > 40, `it flies: ${flight.flownUnits} units`);
      assert.equal(flight.corrections, 0, `in ${flight.inputs} inputs that came in time`);
      assert.equal(await ada.page.evaluate(() => window.arena.client.stats.desyncs), 0);
    } finally {
      await ada.close();
    }
  });

  it('flies where the browser knows no WebAssembly', async () => {
    const ada = await join('', { script: () => delete window.WebAssembly });
    try {
      const from = await placeOf(ada.page);
      await ada.page.keyboard.down('KeyW');
      await ada.page.waitForFunction(
        ([x, y]) => {
          const position = window.arena.ship?.motion?.position;
          return position !== undefined && Math.hypot(position[0] - x, position[1] - y) > 16 * 60;
        },
        from,
        { timeout: PATIENCE_MS },
      );
      assert.equal(await ada.page.evaluate(() => window.arena.client.predicted), undefined);
      assert.deepEqual(ada.errors, []);
    } finally {
      await ada.close();
    }
  });

  it('is steered by a gamepad', async () => {
    const ada = await join('', { script: plugInPad });
    try {
      await press(ada.page, { axes: [0, 1] });
      await ada.page.waitForFunction(() => Math.abs(window.arena.ship?.heading.angle - 256) < 6, undefined, {
        timeout: PATIENCE_MS,
      });
      await watch(ada.page);
      await press(ada.page, { axes: [0, 0], buttons: [0] });
      await ada.page.waitForFunction(() => window.pictures.some(({ bullets }) => bullets > 0), undefined, {
        timeout: PATIENCE_MS,
      });
    } finally {
      await ada.close();
    }
  });

  it('is steered by thumbs', async () => {
    const ada = await join('', { options: { viewport: { width: 780, height: 360 }, hasTouch: true, isMobile: true } });
    try {
      const touch = await ada.page.context().newCDPSession(ada.page);
      const put = (type, points) => touch.send('Input.dispatchTouchEvent', { type, touchPoints: points });
      // A thumb comes down somewhere on the left, and pulls down.
      await put('touchStart', [{ x: 180, y: 200, id: 1 }]);
      await put('touchMove', [{ x: 180, y: 260, id: 1 }]);
      await ada.page.waitForFunction(() => Math.abs(window.arena.ship?.heading.angle - 256) < 6, undefined, {
        timeout: PATIENCE_MS,
      });
      await watch(ada.page);
      const fire = await ada.page.locator('.touch__button--fire').boundingBox();
      await put('touchStart', [
        { x: 180, y: 260, id: 1 },
        { x: fire.x + fire.width / 2, y: fire.y + fire.height / 2, id: 2 },
      ]);
      await ada.page.waitForFunction(() => window.pictures.some(({ bullets }) => bullets > 0), undefined, {
        timeout: PATIENCE_MS,
      });
      await put('touchEnd', []);
    } finally {
      await ada.close();
    }
  });

  it('shows in the net graph how the connection does, and makes it worse there', async () => {
    const ada = await join('');
    try {
      const graph = ada.page.locator('.net-graph');
      assert.equal(await graph.isVisible(), false);
      await ada.page.keyboard.press('F3');
      await graph.waitFor({ timeout: PATIENCE_MS });
      await ada.page.locator('.net-graph__state', { hasText: /WebSocket · in step \([1-9]/ }).waitFor({ timeout: PATIENCE_MS });
      assert.ok(await ada.page.evaluate(isDrawn), 'there is something in the picture');

      await ada.page.fill('.net-graph__lag', 'no network');
      await ada.page.keyboard.press('Enter');
      assert.equal(await ada.page.getAttribute('.net-graph__lag', 'aria-invalid'), 'true');
      await ada.page.fill('.net-graph__lag', '400');
      await ada.page.keyboard.press('Enter');
      await ada.page.waitForFunction(() => window.arena.client.network.roundTripMs > 380, undefined, { timeout: PATIENCE_MS });
      await ada.page.keyboard.press('F3');
      assert.equal(await graph.isVisible(), false);
      assert.deepEqual(ada.errors, []);
    } finally {
      await ada.close();
    }
  });
});

/** Joins with this query, after a script of the test's own has run in the page. */
async function join(query, { script, options, on = server } = {}) {
  const contexts = {
    newContext: async (wanted) => {
      const context = await browser.newContext(wanted);
      if (script !== undefined) await context.addInitScript(script);
      return context;
    },
  };
  const visitor = await visit(contexts, `${on.address}/${query}`, 'Ada', options);
  // The clock is set, and the ship at rest.
  await visitor.page.waitForFunction(() => window.arena.client.network.inputsSent > 20, undefined, { timeout: PATIENCE_MS });
  return visitor;
}

/** Notes of each picture from now on where the own ship is in it, and how many bullets there are. */
async function watch(page) {
  await page.evaluate(() => {
    window.pictures = [];
    requestAnimationFrame(function note() {
      // The game has drawn by now: it asked for the picture before.
      const { ship, world } = window.arena;
      const bullets = world.entities.filter(({ bullet }) => bullet !== undefined).length;
      if (ship !== undefined) window.pictures.push({ place: ship.motion.position.join(), angle: ship.heading.angle, bullets });
      requestAnimationFrame(note);
    });
    window.addEventListener('keydown', () => {
      window.pressedAt = window.pictures.length;
    });
  });
}

/** How many pictures after a key something of the own ship has changed; 0: in the very next one. */
async function picturesUntilChange(page, key, what) {
  await watch(page);
  await page.waitForTimeout(300);
  await page.keyboard.down(key);
  const pictures = await page.waitForFunction(
    (name) => {
      const at = window.pressedAt;
      if (at === undefined) return undefined;
      const before = window.pictures[at - 1][name];
      const changed = window.pictures.findIndex((picture, number) => number >= at && picture[name] !== before);
      return changed < 0 ? undefined : String(changed - at);
    },
    what,
    { timeout: PATIENCE_MS },
  );
  await page.keyboard.up(key);
  // Until it is at rest again.
  await page.waitForTimeout(1500);
  return Number(await pictures.jsonValue());
}

/**
 * In the page: how often the ship was corrected while this many inputs in a row came in time. What comes late on a slow
 * machine is no calm flight: the count then starts again, a while after it is known.
 */
function calmFlight([inputsWanted, patienceMs]) {
  const { client, ship } = window.arena;
  const [startX, startY] = ship.motion.position;
  const untilMs = performance.now() + patienceMs;
  const settleInputs = 30;
  let late = client.network.inputsLate;
  let from = client.network.inputsSent + settleInputs;
  let corrected = client.network.corrections.count;
  let flownUnits = 0;
  return new Promise((done, failed) => {
    requestAnimationFrame(function look(nowMs) {
      const { inputsLate, inputsSent, corrections } = client.network;
      const [x, y] = window.arena.ship.motion.position;
      flownUnits = Math.max(flownUnits, Math.hypot(x - startX, y - startY) / 16);
      if (inputsLate !== late) {
        late = inputsLate;
        from = inputsSent + settleInputs;
      }
      if (inputsSent < from) corrected = corrections.count;
      const inputs = inputsSent - from;
      if (inputs >= inputsWanted) done({ corrections: corrections.count - corrected, inputs, flownUnits });
      else if (nowMs > untilMs) failed(new Error(`no calm flight: ${inputsLate} of ${inputsSent} inputs came late`));
      else requestAnimationFrame(look);
    });
  });
}

async function placeOf(page) {
  return page.evaluate(() => [...window.arena.ship.motion.position]);
}

/** A gamepad whose sticks and buttons the test moves. */
function plugInPad() {
  window.pad = { connected: true, mapping: 'standard', axes: [0, 0, 0, 0], buttons: [] };
  navigator.getGamepads = () => [window.pad];
}

async function press(page, { axes, buttons = [] }) {
  await page.evaluate(
    ([sticks, pressed]) => {
      window.pad.axes = [...sticks, 0, 0];
      window.pad.buttons = Array.from({ length: 17 }, (_, at) => ({ pressed: pressed.includes(at), value: 0 }));
    },
    [axes, buttons],
  );
}

/** In the page: notes of each picture how near the own shots are to the next rock, in units; 0 where they touch it. */
function watchShots() {
  const RADII = [0, 14, 24, 38, 56];
  const BULLET = 4;
  window.shots = { gaps: [], hits: 0 };
  window.arena.client.on('hit', () => {
    window.shots.hits += 1;
  });
  requestAnimationFrame(function note() {
    const { entities } = window.arena.world;
    for (const { bullet, motion: flying } of entities) {
      if (bullet === undefined) continue;
      let gap = Number.POSITIVE_INFINITY;
      for (const { asteroid, motion } of entities) {
        if (asteroid === undefined) continue;
        const [x, y] = [0, 1].map((axis) => flying.position[axis] - motion.position[axis]);
        gap = Math.min(gap, Math.hypot(x, y) / 16 - RADII[asteroid.size] - BULLET);
      }
      window.shots.gaps.push(gap);
    }
    requestAnimationFrame(note);
  });
}

/** In the page: points the ship at where a bullet would meet the rock that is easiest to hit; whether one was hit. */
function aimAndFire() {
  const BULLET_STEPS_PER_TICK = (600 * 16) / 20;
  const { ship, world } = window.arena;
  if (ship === undefined) return false;
  let best = { share: 0, radians: 0 };
  for (const { asteroid, motion } of world.entities) {
    if (asteroid === undefined) continue;
    const way = [0, 1].map((axis) => motion.position[axis] - ship.motion.position[axis]);
    const distance = Math.hypot(...way);
    const ticks = distance / BULLET_STEPS_PER_TICK;
    const [x, y] = way.map((part, axis) => part + (motion.velocity[axis] - ship.motion.velocity[axis]) * ticks);
    const share = asteroid.size / distance;
    // Far enough to be seen to fly, and no farther than it does.
    if (distance > 200 * 16 && distance < 450 * 16 && share > best.share) best = { share, radians: Math.atan2(y, x) };
  }
  if (best.share === 0) return false;
  const off = best.radians - (ship.heading.angle / 1024) * 2 * Math.PI;
  const isAimed = Math.abs(Math.atan2(Math.sin(off), Math.cos(off))) < 0.02;
  window.pad.axes = [Math.cos(best.radians), Math.sin(best.radians), 0, 0];
  window.pad.buttons = [{ pressed: isAimed, value: Number(isAimed) }];
  return window.shots.hits > 0;
}

/** Whether the net graph's picture has anything in it. */
function isDrawn() {
  const canvas = document.querySelector('.net-graph__picture');
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  return data.some((value) => value > 0);
}
