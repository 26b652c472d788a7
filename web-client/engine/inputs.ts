/**
 * Which tick the player's wishes are for: one input per tick, sent early enough to be there a tick before its time, and
 * the tick that is due is the present in which the player acts. How early is early enough is learnt: each echo of a
 * stamp tells when a frame came to the server, and each state whether the input for its tick was there.
 */

import { Recent } from './recent.ts';

/** Ways that are remembered: at a few a second, about a quarter of a minute. */
const WAYS_MAX = 64;
/** Inputs aim to be there this long before their tick. */
const EARLY_TICKS = 1;
/** Share of ways that should be short enough, and how much earlier still those come. */
const IN_TIME_SHARE = 0.98;
const IN_TIME_TICKS = 0.4;
/** What an input too late adds to the lead, at most in all, and what one in time takes from it: a tick in a minute. */
const LATE_TICKS = 0.25;
const LATE_TICKS_MAX = 3;
const IN_TIME_LESS_TICKS = 1 / 1200;
/** Most inputs that one update catches up on. */
const CATCH_UP_MAX = 4;
/** The server takes no inputs from much farther ahead than this. */
const AHEAD_TICKS_MAX = 34;
/** Updates are made this far into the moment for their tick, so that timers are not on the wrong side of it. */
const AFTER_TICKS = 0.02;
/** The present runs at most this much faster or slower than time. */
const FASTER_MAX = 0.15;
const SLOWER_MAX = 0.05;
/** Share of its error that it makes up for in a tick. */
const SLEW_GAIN = 0.1;
/** Errors beyond this are not made up for: the clock is set. */
const JUMP_TICKS = 10;

/** Numbers inputs by the tick that they are meant for. */
export class InputSchedule {
  readonly #ticksPerMs: number;
  /** The server's ticks when frames came, less this machine's clock in ticks when they went. */
  readonly #ways = new Recent(WAYS_MAX);
  /** The way to reckon with; undefined until one is known. */
  #way: number | undefined;
  /** How early frames came, against the tick of their newest input. */
  #earlyTicks = 0;
  #lateTicks = 0;
  #gatheredTicks = 0;
  #present: number | undefined;
  #atMs = 0;
  /** The tick of the first input, and the one that the next is for. */
  #first: number | undefined;
  #next = 0;
  #sent = 0;
  #late = 0;

  constructor(tickRate: number) {
    this.#ticksPerMs = tickRate / 1000;
  }

  /** Inputs that were sent, and those of them that are known to have come too late. */
  get sent(): number {
    return this.#sent;
  }

  get late(): number {
    return this.#late;
  }

  /** How long before its tick the newest frame came of which that is known. */
  get earlyTicks(): number {
    return this.#earlyTicks;
  }

  /** How far the present is ahead of the server's clock; 0 before there is one. */
  leadTicks(serverTicks: number): number {
    return this.#present === undefined ? 0 : this.#present - serverTicks;
  }

  /** How long the transport gathers what it sends. */
  setGathered(gatheredMs: number): void {
    this.#gatheredTicks = gatheredMs * this.#ticksPerMs;
  }

  /** Another way to the server, or a clock that was set: what was learnt of ways is worth nothing. */
  handleNewWay(): void {
    this.#ways.clear();
    this.#way = undefined;
  }

  /** A frame that was made at `sentMs` came to the server when its clock stood at `serverTicks`. */
  handleArrival(sentMs: number, serverTicks: number): void {
    const way = serverTicks - sentMs * this.#ticksPerMs;
    this.#ways.push(way);
    this.#way = Math.max(this.#ways.quantile(0.5)! + EARLY_TICKS, this.#ways.quantile(IN_TIME_SHARE)! + IN_TIME_TICKS);
    // Where the present stood when it was made, had it not been slewed since: near enough to show.
    if (this.#present !== undefined) this.#earlyTicks = this.#present - this.#atMs * this.#ticksPerMs - way;
  }

  /** Moves on to now. Returns the present, in ticks with fraction; undefined before there is one. */
  advance(nowMs: number, serverTicks: number): number | undefined {
    const elapsed = Math.max(0, nowMs - this.#atMs) * this.#ticksPerMs;
    this.#atMs = Math.max(nowMs, this.#atMs);
    const goesOn = this.#present === undefined ? undefined : this.#present + elapsed;
    const target = this.#target(serverTicks) ?? goesOn;
    if (target === undefined) return undefined;
    const error = target - (goesOn ?? target);
    const slew = Math.min(Math.max(error * SLEW_GAIN, -SLOWER_MAX), FASTER_MAX);
    this.#present = goesOn === undefined || Math.abs(error) > JUMP_TICKS ? target : goesOn + elapsed * slew;
    return this.#present;
  }

  /** The ticks that inputs are due for now, where `advance` has come to. */
  due(): { readonly first: number; readonly count: number } {
    const target = Math.floor(this.#present ?? 0);
    this.#first ??= target;
    const first = this.#isFarFrom(target) ? target : this.#next;
    if (first > target) return { first, count: 0 };
    this.#next = target + 1;
    this.#sent += target - first + 1;
    return { first, count: target - first + 1 };
  }

  /** Whether an input is due, where `advance` has come to. */
  get isDue(): boolean {
    if (this.#present === undefined) return false;
    const tick = Math.floor(this.#present);
    return tick >= this.#next || this.#isFarFrom(tick);
  }

  /** Ticks from where `advance` has come to until the next input is due. */
  get ticksUntilDue(): number {
    const present = this.#present ?? 0;
    const next = Math.max(this.#next, Math.floor(present) + 1) + AFTER_TICKS;
    return Math.min(next - present, 1 + AFTER_TICKS);
  }

  /** The state of `tick` came, for which the server held the input of `applied`. */
  handleApplied(tick: number, applied: number | undefined): void {
    // Inputs of before the first, and of beyond the last, were never sent.
    if (this.#first === undefined || tick < this.#first || tick >= this.#next) return;
    const isLate = applied === undefined || applied < tick;
    if (isLate) this.#late += 1;
    const change = isLate ? LATE_TICKS : -IN_TIME_LESS_TICKS;
    this.#lateTicks = Math.min(Math.max(this.#lateTicks + change, 0), LATE_TICKS_MAX);
  }

  /** Where the present should be; undefined as long as nothing is known of the way. */
  #target(serverTicks: number): number | undefined {
    if (this.#way === undefined) return undefined;
    const target = this.#atMs * this.#ticksPerMs + this.#way + this.#lateTicks + this.#gatheredTicks;
    return Math.min(target, serverTicks + AHEAD_TICKS_MAX);
  }

  /** Whether the next input in turn is too far from a tick for all between to be sent. */
  #isFarFrom(tick: number): boolean {
    return this.#next - tick > CATCH_UP_MAX || tick - this.#next >= CATCH_UP_MAX;
  }
}
