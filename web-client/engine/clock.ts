/**
 * Three clocks: this machine's, the server's as it can be told from here, and the one that pictures follow, a little
 * behind the server's so that there are two states to draw between.
 */

import type { ClockEcho } from './codec.ts';
import { Recent } from './recent.ts';

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
  #roundTripMs: number | undefined;
  #best: Sample | undefined;

  constructor(tickRate: number) {
    this.#ticksPerMs = tickRate / 1000;
  }

  /** The stamp for a frame that is made now. */
  stamp(nowMs: number): number {
    return Math.floor(nowMs) >>> 0;
  }

  /** How long ago the stamp of an echo was made that came now. */
  sinceMs(echo: ClockEcho, nowMs: number): number {
    return (this.stamp(nowMs) - echo.stampMs) >>> 0;
  }

  /** Where the server's clock stood when the stamp of an echo came there. */
  arrivalTicks(echo: ClockEcho): number {
    return echo.tick + echo.tickFraction / 65536 - echo.heldMs * this.#ticksPerMs;
  }

  /** Takes an echo that came now. Returns whether it leads to another time than was believed. */
  handleEcho(echo: ClockEcho, nowMs: number): boolean {
    const sinceMs = this.sinceMs(echo, nowMs);
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
    const sorted = this.#samples.map((sample) => sample.roundTripMs).sort((one, other) => one - other);
    this.#roundTripMs = sorted[Math.floor(sorted.length / 2)];
    return isOff;
  }

  /** Ticks of the server now, with fraction; undefined before the first echo. */
  ticks(nowMs: number): number | undefined {
    if (this.#best === undefined) return undefined;
    return this.#best.ticks + (nowMs - this.#best.atMs) * this.#ticksPerMs;
  }

  /** Median round trip of late; undefined before the first echo. */
  get roundTripMs(): number | undefined {
    return this.#roundTripMs;
  }
}

/** States whose arrival is remembered for the delay: six seconds at 20 Hz. */
const ARRIVALS_MAX = 128;
/** Share of states that should have come in time to be drawn towards. */
const IN_TIME_SHARE = 0.95;
/** On top of that, for the unevenness of timers. */
const DELAY_MARGIN_TICKS = 0.25;
const DELAY_TICKS_MIN = 1.5;
const DELAY_TICKS_MAX = 12;
/** States by which it is told how often they come; a lower rate than this is a world in which little happens. */
const GAPS_MAX = 32;
const GAP_TICKS_MAX = 4;
/** How far motion goes on beyond the newest state before pictures wait for the next one. */
export const BEYOND_MS = 150;
/** The render clock runs at most this much faster or slower than time. */
const SLEW_MAX = 0.12;
/** Share of its error that it makes up for in a tick. */
const SLEW_GAIN = 0.08;
/** Errors beyond this are not made up for: the clock is set. */
const JUMP_TICKS = 20;

/**
 * The clock that pictures follow. How far it is behind the server's is learnt from the network: just before a state
 * comes, the one before it must still lie ahead of the picture. Where states fail to come, it runs on a little way
 * beyond the newest, waits there, and makes up for the wait by running faster. It never runs backwards, except where it
 * has to be set anew.
 */
export class RenderClock {
  readonly #ticksPerMs: number;
  readonly #beyondTicks: number;
  /** How old states were when they came, and how many ticks lie between them. */
  readonly #ages = new Recent(ARRIVALS_MAX);
  readonly #gaps = new Recent(GAPS_MAX);
  #delayTicks = 2;
  #newest: number | undefined;
  #ticks: number | undefined;
  #atMs = 0;
  #isHeld = false;

  constructor(tickRate: number) {
    this.#ticksPerMs = tickRate / 1000;
    this.#beyondTicks = BEYOND_MS * this.#ticksPerMs;
  }

  /** How far it is meant to be behind the server, in ticks. */
  get delayTicks(): number {
    return this.#delayTicks;
  }

  /** By how much the ways of states differ, in ticks: half of them come within this of each other. */
  get jitterTicks(): number {
    return (this.#ages.quantile(0.75) ?? 0) - (this.#ages.quantile(0.25) ?? 0);
  }

  /** Whether it waits for a state. */
  get isHeld(): boolean {
    return this.#isHeld;
  }

  /** A state of `tick` came when the server's clock stood at `serverTicks`. */
  handleState(tick: number, serverTicks: number): void {
    const gap = this.#newest === undefined ? 1 : tick - this.#newest;
    if (gap <= 0) {
      // The server counts anew.
      this.#ages.clear();
      this.#gaps.clear();
    }
    this.#newest = tick;
    this.#ages.push(serverTicks - tick);
    this.#gaps.push(Math.min(Math.max(gap, 1), GAP_TICKS_MAX));
    // Just before a state comes, the one before it is this old.
    const wait = this.#ages.quantile(IN_TIME_SHARE)! + this.#gaps.quantile(0.5)!;
    this.#delayTicks = Math.min(Math.max(wait + DELAY_MARGIN_TICKS, DELAY_TICKS_MIN), DELAY_TICKS_MAX);
  }

  /** Moves on to now. Returns the tick to draw, with fraction. */
  advance(nowMs: number, serverTicks: number): number {
    const target = serverTicks - this.#delayTicks;
    const elapsed = Math.max(0, nowMs - this.#atMs) * this.#ticksPerMs;
    this.#atMs = nowMs;
    const before = this.#ticks ?? target;
    const error = target - (before + elapsed);
    const slew = Math.min(Math.max(error * SLEW_GAIN, -SLEW_MAX), SLEW_MAX);
    const next = Math.abs(error) > JUMP_TICKS ? target : before + elapsed * (1 + slew);
    const last = this.#newest === undefined ? next : this.#newest + this.#beyondTicks;
    this.#isHeld = next > last;
    const isSetBack = this.#ticks === undefined || error < -JUMP_TICKS;
    this.#ticks = isSetBack ? Math.min(next, last) : Math.max(before, Math.min(next, last));
    return this.#ticks;
  }
}
