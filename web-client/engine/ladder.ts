/**
 * Which rung to try, by what this network has taught: a rung that carried nothing, or broke again and again, is passed
 * over for a while, and then tried anew. No clock and no network in here.
 */

import { RUNGS, type Rung } from './transport.ts';

/** For how long a network's lesson holds. */
const LESSON_MS = 10 * 60_000;
/** A rung that breaks within this time has not worked; so often in a row, and it does not work here. */
const SHORT_LIFE_MS = 15_000;
const SHORT_LIVES_MAX = 2;
/** Between two looks at better rungs: doubling, from the first to the second. */
const CLIMB_MS = 20_000;
const CLIMB_MAX_MS = 5 * 60_000;

/** Keeps what was learnt over reloads of the page. */
export interface LessonStore {
  load(): string | null;
  save(text: string): void;
}

/** Which rung to try. */
export class Ladder {
  readonly rungs: readonly Rung[];
  readonly #store: LessonStore | undefined;
  #start = 0;
  #startUntilMs = 0;
  #shortLives = 0;
  #climbMs = CLIMB_MS;

  /** `rungs` are those that this browser has, best first; `nowMs` counts since 1970. */
  constructor(rungs: readonly Rung[], nowMs: number, store?: LessonStore) {
    this.rungs = rungs;
    this.#store = store;
    this.#load(nowMs);
  }

  /** The rungs to try now, best first: none that is known not to work, but always the last one. */
  candidates(nowMs: number): readonly Rung[] {
    if (nowMs >= this.#startUntilMs) this.#start = 0;
    return this.rungs.slice(this.#start);
  }

  /** A frame has gone round on this rung, and not on those before it that were tried. */
  handleProven(rung: Rung, nowMs: number): void {
    this.#learn(this.rungs.indexOf(rung), nowMs);
  }

  /** A connection on this rung broke after it was good for `livedMs`. */
  handleLost(rung: Rung, livedMs: number, nowMs: number): void {
    if (livedMs >= SHORT_LIFE_MS) {
      this.#shortLives = 0;
      return;
    }
    this.#shortLives += 1;
    if (this.#shortLives < SHORT_LIVES_MAX) return;
    this.#shortLives = 0;
    const next = this.rungs.indexOf(rung) + 1;
    if (next < this.rungs.length) this.#learn(next, nowMs);
  }

  /** The rungs better than this one, best first. */
  better(rung: Rung): readonly Rung[] {
    return this.rungs.slice(0, Math.max(this.rungs.indexOf(rung), 0));
  }

  /** How long to wait until the next look at better rungs. */
  nextClimbMs(): number {
    const waitMs = this.#climbMs;
    this.#climbMs = Math.min(waitMs * 2, CLIMB_MAX_MS);
    return waitMs;
  }

  /** This may be another network. */
  handleNetworkChanged(): void {
    this.#climbMs = CLIMB_MS;
    this.#shortLives = 0;
  }

  #learn(start: number, nowMs: number): void {
    this.#start = Math.max(start, 0);
    this.#startUntilMs = nowMs + LESSON_MS;
    const rung = this.rungs[this.#start];
    try {
      this.#store?.save(JSON.stringify({ rung, untilMs: this.#startUntilMs }));
    } catch {
      // A full or forbidden store only costs the next visit a second or two.
    }
  }

  #load(nowMs: number): void {
    try {
      const { rung, untilMs } = JSON.parse(this.#store?.load() ?? '{}') as { rung?: Rung; untilMs?: number };
      if (rung === undefined || typeof untilMs !== 'number') return;
      // A clock that was set back must not make a lesson last for ever.
      if (untilMs <= nowMs || untilMs > nowMs + LESSON_MS) return;
      this.#start = Math.max(this.rungs.indexOf(rung), 0);
      this.#startUntilMs = untilMs;
    } catch {
      // Not ours.
    }
  }
}

/** All rungs that this browser can try, or the one that is asked for. */
export function rungsOf(asked: string | undefined, isThere: (rung: Rung) => boolean): readonly Rung[] {
  const forced = RUNGS.filter((rung) => rung === asked);
  return forced.length > 0 ? forced : RUNGS.filter(isThere);
}
