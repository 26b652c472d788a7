// The arena's page without a screen: the engine, the rules and the prediction that it has, a picture every sixtieth of a
// second, and nobody who draws it.

import { readFile } from 'node:fs/promises';
import { connect, WasmRules } from '../../web-client/engine/index.ts';
import { headingDifference, radiansToHeading, TURN_STEPS_MAX } from '../../web-client/game/field.ts';
import { arenaPrediction } from '../../web-client/game/prediction.ts';
import { protocol } from '../../web-client/game/protocol.ts';

const PICTURE_MS = 1000 / 60;
const PATIENCE_MS = 30_000;

/** The middle of the world, in steps. */
export const CENTRE = [2048 * 16, 2048 * 16];
export const STEPS_PER_UNIT = 16;
export const NEUTRAL = { thrust: false, fire: false, turn: 0 };

/** A player's page. */
export class Page {
  /** What the player wants; asked for each tick, and before pictures. */
  controls = () => NEUTRAL;
  /** Called after each picture. */
  onPicture = () => {};
  pictures = 0;
  /** When the newest picture was drawn. */
  nowMs = 0;
  /** When the one that is drawn just now is. */
  drawingMs = 0;
  #dueMs = performance.now();
  #timer;

  static async open(url, name, colour, rulesFile) {
    const rules = WasmRules.compile(await readFile(rulesFile));
    const page = new Page(url, name, colour, rules);
    await page.until(() => page.ship !== undefined && page.client.predicted !== undefined);
    return page;
  }

  constructor(url, name, colour, rules) {
    this.client = connect({
      url,
      protocol,
      join: { name, colour },
      transport: 'websocket',
      input: (tick, isFinal) => this.controls(tick, isFinal),
      prediction: arenaPrediction(
        rules,
        () => {},
        () => {},
      ),
    });
    this.#picture();
  }

  /** The player's own ship as it is drawn. */
  get ship() {
    for (const { seat } of this.client.world.entities) {
      if (seat !== undefined) return this.client.world.find(seat.ship);
    }
    return undefined;
  }

  /** The ship of another pilot as it is drawn. */
  other(name) {
    for (const entity of this.client.world.entities) if (entity.ship?.name === name) return entity;
    return undefined;
  }

  /** Waits until something holds after a picture. */
  async until(holds, patienceMs = PATIENCE_MS) {
    const untilMs = performance.now() + patienceMs;
    while (!holds()) {
      if (this.client.state.kind === 'closed') throw new Error(this.client.state.sentence);
      if (performance.now() > untilMs) throw new Error(`waited in vain for ${holds}`);
      await this.picture();
    }
  }

  /** Waits for the next picture. */
  picture() {
    return new Promise((drawn) => {
      this.#waiting.push(drawn);
    });
  }

  async forSeconds(seconds) {
    const untilMs = performance.now() + seconds * 1000;
    while (performance.now() < untilMs) await this.picture();
  }

  /** Flies to a place, in steps, and comes to rest there or nearby. */
  async restAt(place, withinUnits) {
    this.controls = () => (this.ship === undefined ? NEUTRAL : towards(this.ship, place));
    const isNear = () => Math.hypot(...lacking(this.ship, place)) < withinUnits * STEPS_PER_UNIT;
    await this.until(() => this.ship !== undefined && isNear());
    await this.rest();
  }

  /** Lets go of everything until nothing moves. */
  async rest() {
    this.controls = () => NEUTRAL;
    await this.until(() => this.ship?.motion.velocity.every((part) => part === 0) ?? false);
    // Until what is drawn has come to it as well.
    await this.forSeconds(0.5);
  }

  leave() {
    clearTimeout(this.#timer);
    this.client.leave();
  }

  #waiting = [];

  #picture() {
    this.drawingMs = performance.now();
    this.client.advance(this.drawingMs);
    this.nowMs = this.drawingMs;
    this.pictures += 1;
    this.onPicture(this.nowMs);
    for (const drawn of this.#waiting.splice(0)) drawn();
    this.#dueMs = Math.max(this.#dueMs + PICTURE_MS, this.nowMs);
    this.#timer = setTimeout(() => this.#picture(), this.#dueMs - this.nowMs);
  }
}

/** The turn that brings a heading nearest to a direction in one tick. */
export function turnTo(heading, [x, y]) {
  const off = headingDifference(heading, radiansToHeading(Math.atan2(y, x)));
  return Math.round(Math.min(Math.max(off, -TURN_STEPS_MAX), TURN_STEPS_MAX));
}

export function distance({ motion }, [x, y]) {
  return Math.hypot(motion.position[0] - x, motion.position[1] - y);
}

function towards(ship, place) {
  const turn = turnTo(ship.heading.angle, lacking(ship, place));
  return { thrust: Math.abs(turn) < TURN_STEPS_MAX, fire: false, turn };
}

/** The way from where a ship would come to rest if it let go now: it loses a sixteenth of its speed in a tick. */
function lacking({ motion }, place) {
  return [0, 1].map((axis) => place[axis] - motion.position[axis] - motion.velocity[axis] * 15);
}
