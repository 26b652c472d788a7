/**
 * Where the own ship points by now, including turns that the server has not answered yet.
 *
 * What the screen shows of the ship is older than the player's latest turns, and steering by it would overshoot. Turns
 * add up exactly, so the estimate adds them itself, and compares with the ship as it arrives: that heading must be one
 * that the estimate had within the last second. Where it isn't for a while (a lost input, a new life), the ship is right.
 */

import { headingDifference, wrapHeading } from '../field.ts';

/** How many ticks back a heading that arrives may be from. */
const MEMORY_TICKS = 24;

/** A difference of this many steps is still the same heading: pictures lie between ticks. */
const TOLERANCE_STEPS = 5;

/** Ticks of disagreement before the estimate gives in. */
const PATIENCE_TICKS = 8;

/** The heading of the own ship at the newest input. */
export class HeadingEstimate {
  readonly #memory = new Float64Array(MEMORY_TICKS);
  #heading = 0;
  #previous = 0;
  #turnedAtMs = 0;
  #disagreements = 0;
  #isSet = false;

  /** The newest heading, in steps. */
  get heading(): number {
    return this.#heading;
  }

  /** Whether there is an estimate at all. */
  get isSet(): boolean {
    return this.#isSet;
  }

  /** The heading to draw: on its way from the tick before to the newest, for motion without stairs. */
  drawn(nowMs: number, tickMs: number): number {
    const part = Math.max(0, Math.min(1, (nowMs - this.#turnedAtMs) / tickMs));
    return wrapHeading(this.#previous + headingDifference(this.#previous, this.#heading) * part);
  }

  /** Forgets everything: there is no ship. */
  clear(): void {
    this.#isSet = false;
  }

  /** Starts from a known heading. */
  reset(heading: number): void {
    this.#heading = wrapHeading(heading);
    this.#previous = this.#heading;
    this.#memory.fill(this.#heading);
    this.#disagreements = 0;
    this.#isSet = true;
  }

  /** Notes the turn that was just sent; once per tick. */
  turn(steps: number, nowMs: number): void {
    this.#previous = this.#heading;
    this.#heading = wrapHeading(this.#heading + steps);
    this.#turnedAtMs = nowMs;
    this.#memory.copyWithin(1, 0);
    this.#memory[0] = this.#heading;
  }

  /** Compares with the ship as it arrived; once per tick. */
  observe(heading: number): void {
    if (!this.#isSet) {
      this.reset(heading);
      return;
    }
    this.#disagreements = this.#hasHad(heading) ? 0 : this.#disagreements + 1;
    if (this.#disagreements >= PATIENCE_TICKS) this.reset(heading);
  }

  /** Whether the estimate passed this heading within its memory. */
  #hasHad(heading: number): boolean {
    for (let at = 0; at + 1 < MEMORY_TICKS; at += 1) {
      const later = this.#memory[at] as number;
      const turned = headingDifference(this.#memory[at + 1] as number, later);
      const passed = headingDifference(this.#memory[at + 1] as number, heading);
      const low = Math.min(0, turned) - TOLERANCE_STEPS;
      const high = Math.max(0, turned) + TOLERANCE_STEPS;
      if (passed >= low && passed <= high) return true;
    }
    return false;
  }
}
