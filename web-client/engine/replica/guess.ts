/** What this side expects of a field before it is decoded. See `values/guess.rs`. */

import type { FieldData, Lane, MotionData, RecordData } from '../schema.ts';
import { difference, modulo, towards } from './lane.ts';
import { FINE, PHASE_MIDDLE, phaseOf, precisionOf, rateOf } from './motion.ts';
import { bySize, extrapolate, fromCodes, nearness, toCodes } from './rotation.ts';
import type { Change } from './values.ts';

/** Most lanes of a field. */
const GUESS_LANES = 8;

/** The guess of one field at a time: the same object is used for all. */
export class Guess {
  readonly codes = new Float64Array(GUESS_LANES);
  /** How far each lane was seen to move; NaN where that is unknown. */
  readonly motions = new Float64Array(GUESS_LANES);
  /** Phases of steady motion. */
  readonly phases = new Float64Array(GUESS_LANES);
  /** Of a rotation: its components from the largest on. */
  readonly order = new Uint8Array(4);
  /** Of a rotation: how near the second is to the first. */
  near = 0;
  readonly #base = new Float64Array(4);
  readonly #previous = new Float64Array(4);
  readonly #next = new Float64Array(4);
  readonly #turnedFrom = new Float64Array(4);

  /** Works out what is expected of a field, given the fields decoded before it. */
  make(record: RecordData, field: FieldData, change: Change): void {
    if (field.motion !== null) {
      if (precisionOf(field.motion, change.base) > 0) {
        this.#makeSteady(record, field, field.motion, change);
        return;
      }
      this.phases.fill(PHASE_MIDDLE);
    }
    if (field.coding.type === 'rotation') {
      this.#makeRotation(field, 2 ** field.coding.bits - 1, change);
      return;
    }
    const begin = field.lanes[0];
    const end = Math.min(field.lanes[1], begin + GUESS_LANES);
    for (let at = begin; at < end; at += 1) {
      this.#makeLane(field, record.lanes[at]!, at, at - begin, change);
    }
  }

  /** Makes the field as guessed. */
  take(field: FieldData, change: Change): void {
    const begin = field.lanes[0];
    const end = field.lanes[1];
    for (let at = begin; at < end; at += 1) change.codes[at] = this.codes[at - begin]!;
    const { motion } = field;
    if (motion === null) return;
    const phases = motion.lane + 1 + motion.count;
    for (let at = motion.lane; at < phases; at += 1) change.codes[at] = change.base[at]!;
    for (let number = 0; number < motion.count; number += 1) change.codes[phases + number] = this.phases[number]!;
  }

  /** Guesses anew for a rotation of which another component is not kept. */
  turnTo(dropped: number, field: FieldData, most: number, change: Change): void {
    const isMoving = this.#turnOn(field, most, change);
    this.#turnTowards(dropped, most, isMoving);
  }

  /** The largest magnitude among known motions of lanes; −1 where none is known. */
  fastest(first: number, end: number): number {
    let speed = -1;
    for (let number = first; number < end; number += 1) {
      const motion = Math.abs(this.motions[number]!);
      if (motion > speed) speed = motion;
    }
    return speed;
  }

  /** Steady motion goes on, finer than codes. */
  #makeSteady(record: RecordData, field: FieldData, motion: MotionData, change: Change): void {
    const begin = field.lanes[0];
    const end = field.lanes[1];
    for (let at = begin; at < end; at += 1) {
      const number = at - begin;
      const lane = record.lanes[at]!;
      const base = change.base[at]!;
      const rate = rateOf(motion, change.base, number) + nominalRate(field, number, change.codes);
      const around = (lane.codeMax + 1) * FINE;
      const to = base * FINE + phaseOf(motion, change.base, number) + rate * change.steps;
      const fine = lane.isCyclic ? modulo(to, around) : Math.min(Math.max(to, 0), around - 1);
      const code = Math.floor(fine / FINE);
      this.codes[number] = code;
      this.phases[number] = fine - code * FINE;
      this.motions[number] = difference(lane, code, base);
    }
  }

  #makeLane(field: FieldData, lane: Lane, at: number, number: number, change: Change): void {
    if (field.isTransient) {
      this.codes[number] = lane.zero;
      this.motions[number] = Number.NaN;
      return;
    }
    const base = change.base[at]!;
    const { prediction } = field;
    if (prediction.type !== 'velocity') {
      const { previous } = change;
      const motion = previous === undefined ? Number.NaN : difference(lane, base, previous[at]!);
      const isOnward = prediction.type === 'linear' && field.motion === null && previous !== undefined;
      this.codes[number] = towards(lane, base, isOnward ? motion : 0);
      this.motions[number] = motion;
      return;
    }
    const { steps } = change;
    const before = nominalRate(field, number, change.base);
    const now = nominalRate(field, number, change.codes);
    // Each tick's velocity moves that tick; between the two ends it is taken to have changed evenly.
    const way = steps * now - Math.floor(((now - before) * (steps - 1)) / 2);
    const code = towards(lane, base, Math.floor((way + FINE / 2) / FINE));
    this.codes[number] = code;
    this.motions[number] = difference(lane, code, base);
  }

  #makeRotation(field: FieldData, most: number, change: Change): void {
    const isMoving = this.#turnOn(field, most, change);
    bySize(this.#next, this.order);
    this.near = nearness(this.#next, this.order);
    const dropped = this.order[0]!;
    this.codes[0] = dropped;
    this.motions[0] = Number.NaN;
    this.#turnTowards(dropped, most, isMoving);
  }

  /** Works out the base and what it becomes; whether the latter is known to move. */
  #turnOn(field: FieldData, most: number, { base, previous }: Change): boolean {
    const begin = field.lanes[0];
    fromCodes(base, begin, most, this.#base);
    if (previous === undefined || field.prediction.type !== 'linear') {
      this.#next.set(this.#base);
      return false;
    }
    fromCodes(previous, begin, most, this.#previous);
    extrapolate(this.#previous, this.#base, most, this.#next);
    return true;
  }

  /** Guesses the kept components of a rotation where `dropped` is not kept. */
  #turnTowards(dropped: number, most: number, isMoving: boolean): void {
    toCodes(this.#base, dropped, most, this.#turnedFrom, 1);
    toCodes(this.#next, dropped, most, this.codes, 1);
    for (let number = 1; number < 4; number += 1) {
      this.motions[number] = isMoving ? this.codes[number]! - this.#turnedFrom[number]! : Number.NaN;
    }
  }
}

/** 0 where this side cannot know whether the field moved before, 1 where it did not, 2 where it did. */
export function stirring(field: FieldData, { previous, base }: Change): number {
  if (field.motion !== null && precisionOf(field.motion, base) > 0) return 1;
  if (previous === undefined || field.sequence >= 0 || field.isTransient) return 0;
  for (let at = field.lanes[0]; at < field.lanes[1]; at += 1) if (base[at] !== previous[at]) return 2;
  return 1;
}

/** What a lane moves by a tick as far as the velocity's code says, in fine steps. */
function nominalRate({ prediction }: FieldData, number: number, codes: Uint32Array): number {
  if (prediction.type !== 'velocity') return 0;
  const rate = codes[prediction.lane + number]! * prediction.scale + prediction.offset;
  return Math.floor(rate / (65_536 / FINE));
}
