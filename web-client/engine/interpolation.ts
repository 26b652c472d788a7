/**
 * Drawing between states: the last few states of what moves, and any moment among them. Motion goes on a little beyond
 * the newest state, then it is held; what was put elsewhere appears there instead of gliding over.
 */

import { readValue } from './records.ts';
import type { FieldData, FieldKind } from './schema.ts';

/** States that are kept: enough for the longest render delay. */
const STATES = 16;
/** How far motion is drawn beyond the newest state, in ticks, before it is held. */
const BEYOND_TICKS_MAX = 2;
/** A way this many times longer than the one before is no motion, where it also spans a good part of the field. */
const JUMP_FACTOR = 8;
const JUMP_SHARE = 1 / 32;

/** Whether a field is drawn between states: where the game said how it is foretold. */
export function isMoving(kind: FieldKind, data: FieldData): boolean {
  if (data.isStatic || data.prediction.type === 'hold') return false;
  return kind.type === 'number' || kind.type === 'angle' || kind.type === 'vector' || kind.type === 'rotation';
}

/** The last few states of an entity's moving fields. */
export class Track {
  readonly #lanes: number;
  readonly #ticks = new Float64Array(STATES);
  readonly #codes: Float64Array;
  /** States taken so far. */
  #count = 0;
  // What `seek` found: places of the state before the moment, of the one after, and of the one before both.
  #from = 0;
  #to = 0;
  #previous = 0;
  #share = 1;
  /** Ticks that the way before took, by ticks that this one takes. */
  #stretch = 1;

  constructor(lanes: number) {
    this.#lanes = lanes;
    this.#codes = new Float64Array(STATES * lanes);
  }

  /** Begins the state of `tick`; `false` where it is known, as that of an entity which a frame left out. */
  push(tick: number): boolean {
    if (this.#count > 0 && this.#ticks[(this.#count - 1) % STATES] === tick) return false;
    this.#ticks[this.#count % STATES] = tick;
    this.#count += 1;
    return true;
  }

  /** Sets codes of the newest state, from `lane` on. */
  set(lane: number, codes: Uint32Array, begin: number, end: number): void {
    const at = ((this.#count - 1) % STATES) * this.#lanes + lane;
    for (let offset = 0; offset < end - begin; offset += 1) this.#codes[at + offset] = codes[begin + offset]!;
  }

  /** Goes to a moment, in ticks with fraction; `read` tells of it. */
  seek(tick: number): void {
    const ticks = this.#ticks;
    const oldest = Math.max(0, this.#count - STATES);
    let after = this.#count - 1;
    while (after > oldest && ticks[(after - 1) % STATES]! > tick) after -= 1;
    const before = Math.max(oldest, after - 1);
    const previous = Math.max(oldest, before - 1);
    const fromTick = ticks[before % STATES]!;
    const toTick = ticks[after % STATES]!;
    const way = toTick - fromTick;
    this.#from = (before % STATES) * this.#lanes;
    this.#to = (after % STATES) * this.#lanes;
    this.#previous = (previous % STATES) * this.#lanes;
    this.#share = way > 0 ? Math.max(0, (Math.min(tick, toTick + BEYOND_TICKS_MAX) - fromTick) / way) : 1;
    this.#stretch = previous < before ? (fromTick - ticks[previous % STATES]!) / Math.max(way, 1) : 1;
  }

  /** The value of a field at the moment sought; lists of numbers are written into `into` where there is one. */
  read(kind: FieldKind, lane: number, into: unknown): unknown {
    const from = this.#from + lane;
    const to = this.#to + lane;
    switch (kind.type) {
      case 'vector': {
        const vector = (into as number[] | undefined) ?? new Array<number>(kind.axes);
        const share = this.#jumps(lane, kind.axes, kind.axis.codeMax) ? (this.#share < 1 ? 0 : 1) : this.#share;
        for (let axis = 0; axis < kind.axes; axis += 1) {
          const code = between(this.#codes[from + axis]!, this.#codes[to + axis]!, share);
          vector[axis] = kind.axis.min + clamped(code, kind.axis.codeMax) * kind.axis.step;
        }
        return vector;
      }
      case 'rotation':
        return this.#rotation(kind, from, to, (into as number[] | undefined) ?? [0, 0, 0, 1]);
      case 'angle':
        return angleBetween(this.#codes[from]!, this.#codes[to]!, this.#share, 2 ** kind.bits);
      case 'number':
        return kind.min + clamped(between(this.#codes[from]!, this.#codes[to]!, this.#share), kind.codeMax) * kind.step;
      default:
        return readValue(kind, this.#codes, to, undefined);
    }
  }

  /** Whether something was put elsewhere rather than moved, by how fast it went before. */
  #jumps(lane: number, axes: number, codeMax: number): boolean {
    let before = 0;
    let now = 0;
    for (let axis = lane; axis < lane + axes; axis += 1) {
      const from = this.#codes[this.#from + axis]!;
      before = Math.max(before, Math.abs(from - this.#codes[this.#previous + axis]!));
      now = Math.max(now, Math.abs(this.#codes[this.#to + axis]! - from));
    }
    return now > codeMax * JUMP_SHARE && now * this.#stretch > before * JUMP_FACTOR;
  }

  /** Between two rotations on the straight line, made long again: near enough for a tick's turn. */
  #rotation(kind: FieldKind, from: number, to: number, into: number[]): number[] {
    readValue(kind, this.#codes, from, undefined, turnFrom);
    readValue(kind, this.#codes, to, undefined, turnTo);
    let cosine = 0;
    for (let part = 0; part < 4; part += 1) cosine += turnFrom[part]! * turnTo[part]!;
    const share = Math.min(this.#share, 1);
    let squares = 0;
    for (let part = 0; part < 4; part += 1) {
      // The same rotation has two names; the nearer one is meant.
      const end = cosine < 0 ? -turnTo[part]! : turnTo[part]!;
      const value = between(turnFrom[part]!, end, share);
      into[part] = value;
      squares += value * value;
    }
    const length = Math.sqrt(squares);
    for (let part = 0; part < 4; part += 1) into[part] = into[part]! / length;
    return into;
  }
}

const turnFrom = [0, 0, 0, 1];
const turnTo = [0, 0, 0, 1];

function between(from: number, to: number, share: number): number {
  return from + (to - from) * share;
}

/** Between two angles the shorter way; `turn` is a full one. */
function angleBetween(from: number, to: number, share: number, turn: number): number {
  let way = (((to - from) % turn) + turn) % turn;
  if (way > turn / 2) way -= turn;
  return (((from + way * share) % turn) + turn) % turn;
}

function clamped(code: number, codeMax: number): number {
  return Math.min(Math.max(code, 0), codeMax);
}
