// How the player's own ship answers: in which picture after the key, and how often the server knew better.

import { seeded } from '../../web-client/engine/seeded.ts';
import { CENTRE, NEUTRAL, Page, STEPS_PER_UNIT } from './page.mjs';

/** Presses a key so often, then flies about for so long, and counts what had to be corrected. */
export async function ownMotion({ url, rules, presses, seconds, seed }) {
  const random = seeded(seed);
  const page = await Page.open(url, 'flyer', 1, rules);
  await page.forSeconds(3);
  const ownMotionFrames = await framesToMotion(page, presses, random);
  const { network } = page.client;
  const before = { ...network.corrections };
  const [sent, late] = [network.inputsSent, network.inputsLate];
  network.corrections.most = 0;
  const untilMs = performance.now() + seconds * 1000;
  while (performance.now() < untilMs) {
    const controls = { thrust: random() < 0.7, fire: random() < 0.5, turn: Math.round((random() * 2 - 1) * 40) };
    page.controls = () => controls;
    await page.forSeconds(0.1 + random() * 0.9);
  }
  page.controls = () => NEUTRAL;
  await page.forSeconds(1);
  const { count, sum, most } = network.corrections;
  const corrections = count - before.count;
  const result = {
    corrections,
    correctionUnitsMean: corrections === 0 ? 0 : (sum - before.sum) / corrections / STEPS_PER_UNIT,
    correctionUnitsMax: most / STEPS_PER_UNIT,
    inputs: network.inputsSent - sent,
    inputsLate: network.inputsLate - late,
    ownMotionFrames,
    pingMs: page.client.pingMs,
    leadMs: network.leadMs(performance.now()),
  };
  page.leave();
  return result;
}

/** The most pictures that it took from a key to the ship's motion. */
async function framesToMotion(page, presses, random) {
  let most = 0;
  for (let press = 0; press < presses; press += 1) {
    await page.rest();
    await page.forSeconds(random() * 0.1);
    const [x, y] = page.ship.motion.position;
    page.controls = () => ({ ...NEUTRAL, thrust: true });
    const began = page.pictures;
    await page.until(() => page.ship.motion.position[0] !== x || page.ship.motion.position[1] !== y);
    most = Math.max(most, page.pictures - began);
    page.controls = () => NEUTRAL;
    await page.forSeconds(0.05);
  }
  // Whoever was not asked to press may have somebody at its heels, and is never at rest.
  if (presses > 0) await page.restAt(CENTRE, 400);
  return most;
}
