/**
 * Where the screen looks: follows a ship smoothly, leads a little into its motion, and shakes when something breaks.
 *
 * Positions are world units; `x` and `y` are the middle of the screen. Smoothing does not depend on the frame rate.
 */

import { VIEW_HEIGHT_UNITS, VIEW_WIDTH_UNITS } from './field.ts';

/** How far the camera runs ahead of the ship, in seconds of its motion. */
const LEAD_S = 0.22;

/** Most units of lead: the server sends no more than this beyond the view. */
const LEAD_UNITS_MAX = 90;

/** Time constants: how fast the lead follows a change of velocity, and the camera its target. */
const LEAD_SETTLES_S = 0.45;
const FOLLOW_SETTLES_S = 0.09;

/** A target further away than this is a new life elsewhere: jump rather than fly there. */
const JUMP_UNITS = 500;

/** Largest shake, in units, and the time in which it dies down. */
const SHAKE_UNITS_MAX = 9;
const SHAKE_SETTLES_S = 0.16;

/** The view onto the world. */
export class Camera {
  x: number;
  y: number;
  /** Pixels of the canvas per world unit. */
  scale = 1;
  /** Size of the canvas in its own pixels. */
  width = 0;
  height = 0;
  /** Whether the screen may shake. */
  mayShake = true;

  #leadX = 0;
  #leadY = 0;
  #shake = 0;
  #shakePhase = 0;

  constructor(x: number, y: number) {
    this.x = x;
    this.y = y;
  }

  /** Takes a canvas size in pixels and chooses the scale that shows as much as a player may see. */
  resize(width: number, height: number): void {
    this.width = width;
    this.height = height;
    this.scale = scaleToFit(width, height);
  }

  /** Moves towards a ship at `x`, `y` with the given velocity in units per second. */
  follow(x: number, y: number, velocityX: number, velocityY: number, elapsedS: number): void {
    const leadBy = settle(elapsedS, LEAD_SETTLES_S);
    this.#leadX += (clampLead(velocityX * LEAD_S) - this.#leadX) * leadBy;
    this.#leadY += (clampLead(velocityY * LEAD_S) - this.#leadY) * leadBy;
    const targetX = x + this.#leadX;
    const targetY = y + this.#leadY;
    if (Math.abs(targetX - this.x) > JUMP_UNITS || Math.abs(targetY - this.y) > JUMP_UNITS) {
      this.jump(x, y);
      return;
    }
    // The velocity is added first, so that smoothing lags behind changes of motion and not behind motion itself.
    this.x += velocityX * elapsedS;
    this.y += velocityY * elapsedS;
    const by = settle(elapsedS, FOLLOW_SETTLES_S);
    this.x += (targetX - this.x) * by;
    this.y += (targetY - this.y) * by;
  }

  /** Looks at a place at once. */
  jump(x: number, y: number): void {
    this.x = x;
    this.y = y;
    this.#leadX = 0;
    this.#leadY = 0;
  }

  /** Starts a shake of the given strength, 0 to 1; a stronger one that is under way stays. */
  shake(strength: number): void {
    if (this.mayShake) this.#shake = Math.max(this.#shake, Math.min(strength, 1));
  }

  /** Lets a shake die down. */
  advance(elapsedS: number): void {
    this.#shake *= 1 - settle(elapsedS, SHAKE_SETTLES_S);
    if (this.#shake < 0.01) this.#shake = 0;
    this.#shakePhase += elapsedS;
  }

  /** Displacement of the picture by the shake, in units. Two slow incommensurate waves, so it rocks rather than jitters. */
  get shakeX(): number {
    return this.#shake * SHAKE_UNITS_MAX * Math.sin(this.#shakePhase * 61);
  }

  get shakeY(): number {
    return this.#shake * SHAKE_UNITS_MAX * Math.cos(this.#shakePhase * 47);
  }

  /** Canvas pixel of a world position. */
  screenX(x: number): number {
    return (x - this.x - this.shakeX) * this.scale + this.width / 2;
  }

  screenY(y: number): number {
    return (y - this.y - this.shakeY) * this.scale + this.height / 2;
  }

  /** Whether a disc touches the screen. */
  sees(x: number, y: number, radius: number): boolean {
    const margin = radius + SHAKE_UNITS_MAX;
    return (
      Math.abs(x - this.x) * 2 < this.width / this.scale + margin * 2 &&
      Math.abs(y - this.y) * 2 < this.height / this.scale + margin * 2
    );
  }
}

/** The smallest scale at which the screen shows nothing that the server does not send. */
export function scaleToFit(width: number, height: number): number {
  return Math.max(width / VIEW_WIDTH_UNITS, height / VIEW_HEIGHT_UNITS, 0.05);
}

function clampLead(units: number): number {
  return Math.max(-LEAD_UNITS_MAX, Math.min(LEAD_UNITS_MAX, units));
}

/** The part of a gap that closes in `elapsedS` when it shrinks to a third in `settlesS`. */
function settle(elapsedS: number, settlesS: number): number {
  return 1 - Math.exp(-elapsedS / settlesS);
}
