/**
 * Drawing between states: the last few states of what moves, and any moment among them. Motion goes on a little beyond
 * the newest state, then it is held; where the next state shows that it went another way, the picture bends over to it.
 * What was put elsewhere appears there instead of gliding over.
 */

import { readValue } from './records.ts';
import { type FieldData, type FieldKind, lanesOf } from './schema.ts';

/** States that are kept: enough for the longest render delay. */
const STATES = 16;
/** A wrong guess beyond the newest state shrinks to a third in so many ticks. */
const BEND_TICKS = 3;
/** What is left of it below this, in codes, nobody sees. */
const BEND_MIN = 0.05;
/** A way this many times longer than the one before is no motion, where it also spans a good part of the field. */
const JUMP_FACTOR = 8;
const JUMP_SHARE = 1 / 32;

/** Whether a field is drawn between states: where the game said how it is foretold. */
export function isMoving(kind: FieldKind, data: FieldData): boolean {
  if (data.isStatic || data.prediction.type === 'hold') return false;
  return kind.type === 'number' || kind.type === 'angle' || kind.type === 'vector' || kind.type === 'rotation';
}

/** How a lane bends: codes in a full turn, 0 for a straight one; a guess that was wrong by more than `most` is no guess. */
export interface Bend {
  readonly turn: number;
  readonly most: number;
}

/** How the lanes of a field bend. */
export function bendsOf(kind: FieldKind): Bend[] {
  switch (kind.type) {
    case 'number':
      return [{ turn: 0, most: kind.codeMax * JUMP_SHARE }];
    case 'vector':
      return new Array<Bend>(kind.axes).fill({ turn: 0, most: kind.axis.codeMax * JUMP_SHARE });
    case 'angle':
      return [{ turn: 2 ** kind.bits, most: 2 ** kind.bits / 4 }];
    default:
      // Rotations: their parts are no lengths that add up.
      return lanesOf(kind).map(() => ({ turn: 0, most: 0 }));
  }
}

/** The last few states of an entity's moving fields. */
export class Track {
  readonly #bends: readonly Bend[];
  readonly #beyondTicks: number;
  readonly #lanes: number;
  readonly #ticks = new Float64Array(STATES);
  readonly #codes: Float64Array;
  /** How far each lane is drawn from where the states say, at `#bentTick`: what is left of a wrong guess. */
  readonly #off: Float64Array;
  #bentTick = 0;
  #isBent = false;
  /** What was drawn beyond the newest state waits here for the state that corrects it. */
  #isGuess = false;
  /** States taken so far. */
  #count = 0;
  // What `seek` found: places of the state before the moment, of the one after, and of the one before both.
  #from = 0;
  #to = 0;
  #previous = 0;
  #share = 1;
  /** Ticks that the way before took, by ticks that this one takes. */
  #stretch = 1;
  #sought = Number.NEGATIVE_INFINITY;
  /** Share of `#off` that is left at the moment sought. */
  #left = 0;

  /** `beyondTicks`: how far motion goes on beyond the newest state. */
  constructor(bends: readonly Bend[], beyondTicks: number) {
    this.#bends = bends;
    this.#beyondTicks = beyondTicks;
    this.#lanes = bends.length;
    this.#codes = new Float64Array(STATES * bends.length);
    this.#off = new Float64Array(bends.length);
  }

  /** Begins the state of `tick`; `false` where it is known, as that of an entity which a frame left out. */
  push(tick: number): boolean {
    if (this.#count > 0) {
      const newest = this.#ticks[(this.#count - 1) % STATES]!;
      if (newest === tick) return false;
      if (this.#sought > newest && !this.#isGuess) this.#keepGuess();
    }
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
    if (this.#isGuess) this.#bend();
    this.#find(tick);
    this.#sought = tick;
    this.#left = this.#isBent ? Math.exp(-Math.max(0, tick - this.#bentTick) / BEND_TICKS) : 0;
    if (this.#isBent) this.#isBent = this.#isStillBent();
  }

  #find(tick: number): void {
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
    this.#share = way > 0 ? Math.max(0, (Math.min(tick, toTick + this.#beyondTicks) - fromTick) / way) : 1;
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
          const code =
            between(this.#codes[from + axis]!, this.#codes[to + axis]!, share) + this.#off[lane + axis]! * this.#left;
          vector[axis] = kind.axis.min + clamped(code, kind.axis.codeMax) * kind.axis.step;
        }
        return vector;
      }
      case 'rotation':
        return this.#rotation(kind, from, to, (into as number[] | undefined) ?? [0, 0, 0, 1]);
      case 'angle':
        return wrapped(this.#lane(lane) + this.#off[lane]! * this.#left, 2 ** kind.bits);
      case 'number':
        return kind.min + clamped(this.#lane(lane) + this.#off[lane]! * this.#left, kind.codeMax) * kind.step;
      default:
        return readValue(kind, this.#codes, to, undefined);
    }
  }

  /** A lane at the moment sought, by the states alone. */
  #lane(lane: number): number {
    const from = this.#codes[this.#from + lane]!;
    const to = this.#codes[this.#to + lane]!;
    const { turn } = this.#bends[lane]!;
    return turn === 0 ? between(from, to, this.#share) : from + shortest(to - from, turn) * this.#share;
  }

  /** Remembers what was drawn beyond the newest state, which the next one may prove wrong. */
  #keepGuess(): void {
    for (let lane = 0; lane < this.#lanes; lane += 1) {
      this.#off[lane] = this.#lane(lane) + this.#off[lane]! * this.#left;
    }
    this.#isGuess = true;
  }

  /** How far off the guess was, now that the states tell. */
  #bend(): void {
    this.#isGuess = false;
    this.#find(this.#sought);
    for (let lane = 0; lane < this.#lanes; lane += 1) {
      const { turn, most } = this.#bends[lane]!;
      const off = this.#off[lane]! - this.#lane(lane);
      const short = turn === 0 ? off : shortest(off, turn);
      this.#off[lane] = Math.abs(short) <= most ? short : 0;
    }
    this.#bentTick = this.#sought;
    this.#isBent = true;
  }

  #isStillBent(): boolean {
    for (let lane = 0; lane < this.#lanes; lane += 1) {
      if (Math.abs(this.#off[lane]!) * this.#left > BEND_MIN) return true;
    }
    this.#off.fill(0);
    return false;
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

/** The shorter way round, of the same angle; `turn` is a full one. */
export function shortest(way: number, turn: number): number {
  const forward = wrapped(way, turn);
  return forward > turn / 2 ? forward - turn : forward;
}

/** An angle within one turn. */
export function wrapped(angle: number, turn: number): number {
  return ((angle % turn) + turn) % turn;
}

function clamped(code: number, codeMax: number): number {
  return Math.min(Math.max(code, 0), codeMax);
}
