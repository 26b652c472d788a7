/**
 * What a player controls, ahead of the server: each input is stepped through the rules at once, and each state of the
 * server's is compared with what was predicted for its tick. Where they differ, the inputs since are stepped again from
 * there, and the picture bends over to the outcome within a few frames. No clock in here: the present is given.
 */

import { shortest } from './interpolation.ts';
import type { Rules, Words } from './rules.ts';

/** What a word of the state is, for drawing and comparing. */
export type Word =
  /** A place: drawn between ticks, and bent over to where it should have been. */
  | { readonly type: 'place' }
  /** The same for an angle; `turn` is a full one. */
  | { readonly type: 'angle'; readonly turn: number }
  /** Anything else that the server's states tell. */
  | { readonly type: 'value' }
  /** What each step says beside the state: the server's states do not tell of it. */
  | { readonly type: 'output' };

/** How rules are followed. */
export interface PredictorOptions {
  readonly rules: Rules;
  /** What each word of the state is. */
  readonly words: readonly Word[];
  /** Places farther off than this are put right at once: what was there is somewhere else now. */
  readonly jump: number;
  /** How far words may differ from the server's and still be right; 0 for rules in whole numbers. */
  readonly tolerance?: number;
}

/** How wrong predictions were, in the game's measure of places. */
export interface Corrections {
  /** States that were not as predicted. */
  count: number;
  /** How far the present was moved by them: the last time, in all, and at most. */
  last: number;
  sum: number;
  most: number;
}

/** Ticks that are remembered: no state comes this late from a server that is still there. */
const TICKS = 128;
/** For how many ticks the server goes on with the last input when none arrives; then nobody steers. See `limits.rs`. */
const INPUT_REPEAT_TICKS = 5;
/** A correction shrinks to a third in this time on screen. */
const BEND_MS = 90;

/** What a player controls, ahead of the server. */
export class Predictor {
  readonly corrections: Corrections = { count: 0, last: 0, sum: 0, most: 0 };
  readonly #rules: Rules;
  readonly #words: readonly Word[];
  readonly #jump: number;
  readonly #tolerance: number;
  readonly #states: readonly Words[];
  readonly #inputs: readonly Words[];
  /** The tick that each place holds; −1: none. */
  readonly #stateTicks = new Float64Array(TICKS).fill(-1);
  readonly #inputTicks = new Float64Array(TICKS).fill(-1);
  /** The tick of the newest input, and of the newest state. */
  #newestInput = -1;
  #newest = -1;
  /** The state after the newest, by what the player wants now. */
  readonly #next: Words;
  #nextTick = -1;
  readonly #wanted: Words;
  readonly #neutral: Words;
  readonly #drawn: Words;
  readonly #corrected: Words;
  /** How far pictures are from where the states say. */
  readonly #off: Words;
  #present = 0;
  #drawnAtMs = 0;

  constructor({ rules, words, jump, tolerance = 0 }: PredictorOptions) {
    if (words.length !== rules.stateWords)
      throw new Error(`rules of ${rules.stateWords} words, described as ${words.length}`);
    this.#rules = rules;
    this.#words = words;
    this.#jump = jump;
    this.#tolerance = tolerance;
    this.#states = Array.from({ length: TICKS }, () => new Float64Array(rules.stateWords));
    this.#inputs = Array.from({ length: TICKS }, () => new Float64Array(rules.inputWords));
    this.#next = new Float64Array(rules.stateWords);
    this.#wanted = new Float64Array(rules.inputWords);
    this.#neutral = new Float64Array(rules.inputWords);
    this.#drawn = new Float64Array(rules.stateWords);
    this.#corrected = new Float64Array(rules.stateWords);
    this.#off = new Float64Array(rules.stateWords);
  }

  /** Whether there is a state to predict from. */
  get isSet(): boolean {
    return this.#newest >= 0;
  }

  /** The newest tick with its input. */
  get tick(): number {
    return this.#newest;
  }

  /** The state of a tick, with what its step said; undefined where it is not known. */
  state(tick: number): Words | undefined {
    if (tick < 0) return undefined;
    if (tick === this.#nextTick) return this.#next;
    const at = tick % TICKS;
    return this.#stateTicks[at] === tick ? this.#states[at] : undefined;
  }

  /** Forgets what there was to control, and what has become of it. Inputs stay. */
  clear(): void {
    this.#stateTicks.fill(-1);
    this.#newest = -1;
    this.#nextTick = -1;
    this.#off.fill(0);
  }

  /** The player's input for a tick, which is final. */
  commit(tick: number, input: Words): void {
    if (tick <= this.#newestInput) {
      // The server counts anew.
      this.#inputTicks.fill(-1);
      this.clear();
    }
    this.#newestInput = tick;
    this.#inputTicks[tick % TICKS] = tick;
    this.#inputs[tick % TICKS]!.set(input);
    if (!this.isSet) return;
    if (tick - this.#newest >= TICKS) {
      // Servers are silent while nothing happens: all is still as it was.
      this.#put(tick - 1, this.#states[this.#newest % TICKS]!);
      this.#newest = tick - 1;
    }
    this.#stepTo(tick);
  }

  /** What the player wants just now, for the tick after the newest: it may change before that is final. */
  look(input: Words): void {
    this.#wanted.set(input);
    this.#lookAhead();
  }

  /** The server's state of a tick. Returns whether it is as predicted; nothing is said of ticks long past. */
  handleState(tick: number, words: Words): boolean {
    const predicted = tick === this.#nextTick ? undefined : this.state(tick);
    if (predicted !== undefined && this.#isRight(predicted, words)) return true;
    if (predicted === undefined && tick < this.#newest) return true;
    const { isSet } = this;
    const looksAhead = this.#nextTick >= 0;
    if (isSet) this.#place(this.#present, this.#drawn);
    const until = this.#newestInput - tick < TICKS ? Math.max(tick, this.#newestInput) : tick;
    this.#put(tick, words);
    this.#newest = tick;
    this.#stepTo(until);
    if (looksAhead) this.#lookAhead();
    if (isSet) this.#bend();
    return !isSet;
  }

  /** The state at a moment, in ticks with fraction, as it should be drawn. The same words are used for each. */
  draw(present: number, nowMs: number): Words {
    const left = Math.exp(-Math.max(0, nowMs - this.#drawnAtMs) / BEND_MS);
    for (let at = 0; at < this.#off.length; at += 1) this.#off[at] = this.#off[at]! * left;
    this.#drawnAtMs = nowMs;
    this.#present = present;
    this.#place(present, this.#drawn);
    for (let at = 0; at < this.#off.length; at += 1) this.#drawn[at] = this.#drawn[at]! + this.#off[at]!;
    return this.#drawn;
  }

  #lookAhead(): void {
    this.#nextTick = -1;
    const newest = this.state(this.#newest);
    if (newest === undefined) return;
    this.#next.set(newest);
    this.#rules.step(this.#next, this.#wanted);
    this.#nextTick = this.#newest + 1;
  }

  #put(tick: number, words: Words): void {
    this.#states[tick % TICKS]!.set(words);
    this.#stateTicks[tick % TICKS] = tick;
  }

  /** Steps from the newest state to that of `tick`. */
  #stepTo(tick: number): void {
    while (this.#newest < tick) {
      const from = this.#states[this.#newest % TICKS]!;
      this.#newest += 1;
      this.#put(this.#newest, from);
      this.#rules.step(this.#states[this.#newest % TICKS]!, this.#input(this.#newest));
    }
    this.#nextTick = -1;
  }

  /** What the server steps a tick with: where no input was sent for it, the last one goes on for a while. */
  #input(tick: number): Words {
    for (let before = 0; before <= INPUT_REPEAT_TICKS; before += 1) {
      const at = (tick - before + TICKS) % TICKS;
      if (this.#inputTicks[at] === tick - before) return this.#inputs[at]!;
    }
    return this.#neutral;
  }

  #isRight(predicted: Words, words: Words): boolean {
    for (let at = 0; at < words.length; at += 1) {
      const word = this.#words[at]!;
      if (word.type === 'output') continue;
      const off = words[at]! - predicted[at]!;
      const short = word.type === 'angle' ? shortest(off, word.turn) : off;
      if (Math.abs(short) > this.#tolerance) return false;
    }
    return true;
  }

  /** What the states say of a moment. */
  #place(present: number, into: Words): void {
    const last = this.#nextTick >= 0 ? this.#nextTick : this.#newest;
    const before = Math.min(Math.floor(present), last);
    const to = this.state(Math.min(before + 1, last)) ?? this.state(last);
    if (to === undefined) return;
    const from = this.state(before) ?? to;
    const share = Math.min(Math.max(present - before, 0), 1);
    for (let at = 0; at < into.length; at += 1) {
      const word = this.#words[at]!;
      const way = to[at]! - from[at]!;
      if (word.type === 'place') into[at] = from[at]! + way * share;
      else if (word.type === 'angle') into[at] = from[at]! + shortest(way, word.turn) * share;
      else into[at] = to[at]!;
    }
  }

  /** Goes on from what was drawn last, towards what is right. */
  #bend(): void {
    const before = this.#drawn;
    this.#place(this.#present, this.#corrected);
    let squares = 0;
    for (let at = 0; at < before.length; at += 1) {
      const word = this.#words[at]!;
      if (word.type === 'place') {
        const off = before[at]! - this.#corrected[at]!;
        squares += off * off;
        this.#off[at] = this.#off[at]! + off;
      } else if (word.type === 'angle') {
        this.#off[at] = shortest(this.#off[at]! + before[at]! - this.#corrected[at]!, word.turn);
      }
    }
    const distance = Math.sqrt(squares);
    const { corrections } = this;
    corrections.count += 1;
    corrections.last = distance;
    corrections.sum += distance;
    corrections.most = Math.max(corrections.most, distance);
    if (distance > this.#jump) this.#off.fill(0);
  }
}
