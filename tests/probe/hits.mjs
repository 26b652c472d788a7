// Does a shot hit that looked like a hit? A resting page shoots at a ship that crosses in front of it, where its own
// bullet and that ship will meet on its screen. Shots that do not meet there are nobody's fault, and are not counted.

import { CENTRE, distance, NEUTRAL, Page, STEPS_PER_UNIT, turnTo } from './page.mjs';

/** Colour of the shooter, by which its hits are known. */
const COLOUR = 3;
const TARGET = 'target';
/** Speed of a bullet as it leaves the muzzle, in steps per tick. */
const MUZZLE_SPEED = 480;
/** A bullet and a ship touch at this distance of their centres. */
const TOUCH_UNITS = 15 + 4;
/** What counts as a hit on screen: the middle of the ship, not its rim, which is a matter of rounding. */
const LOOKS_HIT_UNITS = 12;
/** Targets farther from here are not shot at: they are about to turn. */
const ASIDE_UNITS = 220;
/** From where it is last seen to the middle of what it meets, a bullet has not so far. */
const AHEAD_TICKS = 1.5;
/** A pause in which the target mends, in seconds. */
const MEND_S = 9;
const STEADY_PICTURES = 20;
/** The present is on average so far beyond the tick whose input is asked for: a third of a tick from picture to picture. */
const BEYOND_TICKS = 0.17;

/** Shoots so often, and counts how often the server said that it hit. */
export async function hits({ url, rules, shots }) {
  const page = await Page.open(url, 'shooter', COLOUR, rules);
  await page.until(() => page.ship !== undefined);
  await page.restAt(CENTRE, 60);
  const said = { hits: 0 };
  page.client.on('hit', ({ colour }) => {
    if (colour === COLOUR) said.hits += 1;
  });
  const gunner = new Gunner(page);
  let [counted, hit, unclear] = [0, 0, 0];
  let most = 0;
  const missed = [];
  while (counted < shots) {
    if (unclear > 3 * shots + 3) throw new Error(`${unclear} shots went elsewhere on screen`);
    const before = said.hits;
    const closest = await gunner.shoot();
    // The server's word takes a round trip, and then as long as pictures are behind.
    await page.forSeconds(1.5);
    if (closest > LOOKS_HIT_UNITS) {
      unclear += 1;
    } else {
      counted += 1;
      most = Math.max(most, closest);
      if (said.hits > before) hit += 1;
      else missed.push(closest);
    }
    await page.forSeconds(MEND_S - 1.5);
  }
  const { client } = page;
  const result = {
    hits: hit,
    shots: counted,
    unclear,
    closestUnitsMax: most,
    missedByUnits: missed,
    touchUnits: TOUCH_UNITS,
    pingMs: client.pingMs,
    renderDelayMs: client.renderDelayMs,
    leadMs: client.network.leadMs(performance.now()),
  };
  page.leave();
  return result;
}

class Gunner {
  #page;
  #steady = 0;
  #velocity = [0, 0];
  #closest = Number.POSITIVE_INFINITY;
  #isWatching = false;

  constructor(page) {
    this.#page = page;
    page.onPicture = () => this.#look();
  }

  /** Waits for the moment and shoots once. Returns how near bullet and target came on screen, in units. */
  async shoot() {
    const page = this.#page;
    let firedAt;
    this.#closest = Number.POSITIVE_INFINITY;
    page.controls = (tick, isFinal) => {
      if (firedAt !== undefined) return NEUTRAL;
      const controls = this.#aim();
      if (isFinal && controls.fire) {
        firedAt = tick;
        this.#isWatching = true;
      }
      // What is asked for a picture only must not let off anything.
      return isFinal ? controls : { ...controls, fire: false };
    };
    await page.until(() => firedAt !== undefined, 60_000);
    await page.forSeconds(1.1);
    this.#isWatching = false;
    return this.#closest;
  }

  #look() {
    const target = this.#page.other(TARGET);
    if (target === undefined) {
      this.#steady = 0;
      return;
    }
    const [x, y] = target.motion.velocity;
    const change = Math.hypot(x - this.#velocity[0], y - this.#velocity[1]);
    this.#steady = change < 1 && Math.hypot(x, y) > 230 ? this.#steady + 1 : 0;
    this.#velocity = [x, y];
    if (!this.#isWatching) return;
    for (const { bullet, motion } of this.#page.client.world.entities) {
      if (bullet === undefined || motion === undefined) continue;
      this.#closest = Math.min(this.#closest, nearest(motion, target.motion) / STEPS_PER_UNIT);
    }
  }

  #aim() {
    const page = this.#page;
    const { ship } = page;
    const target = page.other(TARGET);
    const state = page.client.predicted;
    if (ship === undefined || target === undefined || state === undefined) return NEUTRAL;
    const ticksSince = ((page.drawingMs - page.nowMs) * page.client.tickRate) / 1000;
    // A bullet leaves from where the ship was a tick ago.
    const since = ticksSince - BEYOND_TICKS - 1;
    const [x, y] = [0, 1].map(
      (axis) => target.motion.position[axis] + target.motion.velocity[axis] * since - state[axis],
    );
    const [velocityX, velocityY] = target.motion.velocity;
    // |place + velocity · t| = speed · t, for the smaller t that is not past.
    const a = velocityX ** 2 + velocityY ** 2 - MUZZLE_SPEED ** 2;
    const b = x * velocityX + y * velocityY;
    const c = x ** 2 + y ** 2;
    const ticks = (-b - Math.sqrt(Math.max(b * b - a * c, 0))) / a;
    const way = [x + velocityX * ticks, y + velocityY * ticks];
    const turn = turnTo(state[4], way);
    const isMine =
      this.#steady > STEADY_PICTURES &&
      Math.abs(turn) < 40 &&
      ticks > 0 &&
      ticks < 16 &&
      Math.abs(target.motion.position[0] - CENTRE[0]) < ASIDE_UNITS * STEPS_PER_UNIT &&
      distance(ship, CENTRE) < 300 * STEPS_PER_UNIT;
    return { thrust: false, fire: isMine, turn };
  }
}

/**
 * How near two come about now, in steps, as both go straight: pictures are a third of a tick apart, and in the one in which
 * a bullet would be as near as it gets it has ended already, on the rim of what it meets.
 */
function nearest(one, other) {
  const apart = [0, 1].map((axis) => one.position[axis] - other.position[axis]);
  const step = [0, 1].map((axis) => one.velocity[axis] - other.velocity[axis]);
  const squared = step[0] ** 2 + step[1] ** 2;
  const at = squared === 0 ? 0 : -(apart[0] * step[0] + apart[1] * step[1]) / squared;
  const ticks = Math.min(Math.max(at, -0.2), AHEAD_TICKS);
  return Math.hypot(apart[0] + step[0] * ticks, apart[1] + step[1] * ticks);
}
