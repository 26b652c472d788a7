/**
 * Brings keyboard, mouse, touch and gamepad together into the controls of one tick.
 *
 * Whatever was used last steers: a key for turning takes the helm from the mouse, moving the mouse takes it back.
 */

import type { Camera } from '../camera.ts';
import { STEPS_PER_UNIT } from '../field.ts';
import type { Controls, Entity } from '../protocol.ts';
import { turnByKey, turnTowards } from './aim.ts';
import { type PadState, readGamepad } from './gamepad.ts';
import { HeadingEstimate } from './heading-estimate.ts';
import type { Keyboard } from './keyboard.ts';
import type { Mouse } from './mouse.ts';
import type { Touch } from './touch.ts';

/** What a player without a ship asks for. */
const NEUTRAL: Controls = { thrust: false, fire: false, turn: 0 };

/** The mouse steers only outside this radius around the ship, in units: closer, a twitch would be half a turn. */
const AIM_UNITS_MIN = 12;

/** Which tick controls are for. */
export interface Moment {
  readonly tick: number;
  /** The tick is due: what is said for it now is what counts. Else it is only what the player wants so far. */
  readonly isFinal: boolean;
  /** Where the ship points in the tick before, where that is known; else it is estimated. */
  readonly heading: number | undefined;
}

/** The player at the helm. */
export class Pilot {
  /** Where the own ship points, turns under way included. */
  readonly heading = new HeadingEstimate();
  readonly #keyboard: Keyboard;
  readonly #mouse: Mouse;
  readonly #touch: Touch;
  readonly #camera: Camera;
  /** Pixels of the canvas per CSS pixel. */
  pixelRatio = 1;
  /** Whether the engine burns by the newest controls. */
  thrusts = false;
  #mouseSteers = false;
  #side = 0;
  #sideSince = 0;

  constructor(keyboard: Keyboard, mouse: Mouse, touch: Touch, camera: Camera) {
    this.#keyboard = keyboard;
    this.#mouse = mouse;
    this.#touch = touch;
    this.#camera = camera;
  }

  /** The controls of a tick. */
  controls(ship: Entity | undefined, moment: Moment, nowMs: number): Controls {
    const controls = this.#controls(ship, moment, nowMs);
    if (moment.isFinal) for (const device of [this.#keyboard, this.#mouse, this.#touch]) device.endTick();
    return controls;
  }

  #controls(ship: Entity | undefined, { tick, heading }: Moment, nowMs: number): Controls {
    if (ship?.motion === undefined || ship.heading === undefined) {
      this.heading.clear();
      this.thrusts = false;
      return NEUTRAL;
    }
    if (heading === undefined) this.heading.observe(ship.heading.angle);
    else this.heading.clear();
    const pad = readGamepad(navigator.getGamepads?.() ?? []);
    const turn = this.#turn(ship.motion.position, tick, heading ?? this.heading.heading, pad);
    if (heading === undefined) this.heading.turn(turn, nowMs);
    this.thrusts = this.#keyboard.thrust || this.#mouse.thrust || this.#touch.thrust || pad.thrust;
    return {
      thrust: this.thrusts,
      fire: this.#keyboard.fire || this.#mouse.fire || this.#touch.fire || pad.fire,
      turn,
    };
  }

  #turn(position: readonly [number, number], tick: number, heading: number, pad: PadState): number {
    if (this.#mouse.takeMoved()) this.#mouseSteers = true;
    const side = this.#keyboard.side;
    if (side !== this.#side) this.#sideSince = tick;
    this.#side = side;
    if (side !== 0) {
      this.#mouseSteers = false;
      return turnByKey(side, tick - this.#sideSince);
    }
    const stick = this.#touch.aimRadians ?? pad.aimRadians;
    if (stick !== undefined) {
      this.#mouseSteers = false;
      return turnTowards(heading, stick);
    }
    if (!this.#mouseSteers) return 0;
    const x = this.#mouse.x * this.pixelRatio - this.#camera.screenX(position[0] / STEPS_PER_UNIT);
    const y = this.#mouse.y * this.pixelRatio - this.#camera.screenY(position[1] / STEPS_PER_UNIT);
    if (Math.hypot(x, y) < AIM_UNITS_MIN * this.#camera.scale) return 0;
    return turnTowards(heading, Math.atan2(y, x));
  }
}
