/**
 * Three clocks: this machine's, the server's as it can be told from here, and the one that pictures follow, a little
 * behind the server's so that there are two states to draw between.
 */

import type { ClockEcho } from './codec.ts';

/** Echoes that are remembered: a few a second, so about ten seconds. */
const SAMPLES_MAX = 32;
/** Two echoes may differ by their round trips and this much; beyond that, one of the clocks was set or slept. */
const DIFFERENCE_TICKS_MAX = 2;

interface Sample {
  readonly roundTripMs: number;
  /** Ticks of the server, with fraction, at `atMs`. */
  readonly ticks: number;
  readonly atMs: number;
}

/**
 * The server's clock, by Cristian's algorithm: an echo tells the server's time to within half a round trip, and of the
 * recent ones the quickest is believed.
 */
export class ServerClock {
  readonly #ticksPerMs: number;
  readonly #samples: Sample[] = [];
  #best: Sample | undefined;

  constructor(tickRate: number) {
    this.#ticksPerMs = tickRate / 1000;
  }

  /** The stamp for a frame that is made now. */
  stamp(nowMs: number): number {
    return Math.floor(nowMs) >>> 0;
  }

  /** Takes an echo that came now. */
  handleEcho(echo: ClockEcho, nowMs: number): void {
    const sinceMs = (this.stamp(nowMs) - echo.stampMs) >>> 0;
    const roundTripMs = Math.max(0, sinceMs - echo.heldMs);
    const ticks = echo.tick + echo.tickFraction / 65536 + (roundTripMs / 2) * this.#ticksPerMs;
    const believed = this.ticks(nowMs);
    const doubtMs = (roundTripMs + (this.#best?.roundTripMs ?? 0)) / 2;
    const isOff =
      believed !== undefined && Math.abs(ticks - believed) > doubtMs * this.#ticksPerMs + DIFFERENCE_TICKS_MAX;
    if (isOff) this.#samples.length = 0;
    this.#samples.push({ roundTripMs, ticks, atMs: nowMs });
    if (this.#samples.length > SAMPLES_MAX) this.#samples.shift();
    this.#best = this.#samples.reduce((best, sample) => (sample.roundTripMs < best.roundTripMs ? sample : best));
  }

  /** Ticks of the server now, with fraction; undefined before the first echo. */
  ticks(nowMs: number): number | undefined {
    if (this.#best === undefined) return undefined;
    return this.#best.ticks + (nowMs - this.#best.atMs) * this.#ticksPerMs;
  }

  /** Median round trip of late; undefined before the first echo. */
  get roundTripMs(): number | undefined {
    if (this.#samples.length === 0) return undefined;
    const sorted = this.#samples.map((sample) => sample.roundTripMs).sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)];
  }
}

/** Frames whose age is remembered for the delay: about three seconds at 20 Hz. */
const AGES_MAX = 64;
/** Share of frames that should have come in time to be drawn between. */
const IN_TIME_SHARE = 0.95;
/** Beside the age of frames: one tick to draw between, and a bit for the unevenness of timers. */
const DELAY_MARGIN_TICKS = 1.25;
const DELAY_TICKS_MIN = 1.5;
const DELAY_TICKS_MAX = 12;
/** The render clock runs at most this much faster or slower than time. */
const SLEW_MAX = 0.12;
/** Share of its error that it makes up for in a tick. */
const SLEW_GAIN = 0.08;
/** Errors beyond this are not made up for: the clock is set. */
const JUMP_TICKS = 20;

/** The clock that pictures follow. It never runs backwards, except where it has to be set anew. */
export class RenderClock {
  readonly #ticksPerMs: number;
  readonly #ages: number[] = [];
  #delayTicks = 2;
  #ticks: number | undefined;
  #atMs = 0;

  constructor(tickRate: number) {
    this.#ticksPerMs = tickRate / 1000;
  }

  /** How far it is meant to be behind the server, in ticks. */
  get delayTicks(): number {
    return this.#delayTicks;
  }

  /** A state of `tick` came when the server's clock stood at `serverTicks`. */
  handleState(tick: number, serverTicks: number): void {
    this.#ages.push(serverTicks - tick);
    if (this.#ages.length > AGES_MAX) this.#ages.shift();
    const sorted = [...this.#ages].sort((a, b) => a - b);
    const age = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * IN_TIME_SHARE))] ?? 0;
    this.#delayTicks = Math.min(Math.max(age + DELAY_MARGIN_TICKS, DELAY_TICKS_MIN), DELAY_TICKS_MAX);
  }

  /** Moves on to now. Returns the tick to draw, with fraction. */
  advance(nowMs: number, serverTicks: number): number {
    const target = serverTicks - this.#delayTicks;
    const elapsed = Math.max(0, nowMs - this.#atMs) * this.#ticksPerMs;
    this.#atMs = nowMs;
    if (this.#ticks === undefined || Math.abs(target - this.#ticks - elapsed) > JUMP_TICKS) {
      this.#ticks = target;
      return target;
    }
    const error = target - (this.#ticks + elapsed);
    const slew = Math.min(Math.max(error * SLEW_GAIN, -SLEW_MAX), SLEW_MAX);
    this.#ticks += elapsed * (1 + slew);
    return this.#ticks;
  }
}
