/** The state of a group, or an event: on entry, and from one state to the next. See `values.rs`. */

import type { FieldData, Lane, MotionData, RecordData } from '../schema.ts';
import { addToHash, beginHash, endHash } from './checksum.ts';
import { FrameError } from './frame-error.ts';
import { FINE, PHASE_MIDDLE, phaseOf, precisionOf, rateOf, takeHiddenLanes } from './motion.ts';
import { type Decoder, placeOf } from './rans.ts';
import { bySize, extrapolate, fromCodes, nearness, toCodes } from './rotation.ts';

/** Codes of a text or list. Never changed once made. */
export type Sequence = Uint32Array;

export const NO_CODES: Sequence = new Uint32Array(0);

/** A reference that points at nothing. */
export const NO_REFERENCE = 0xffff_ffff;

/** A record of which the components in the mask are there. */
export interface Shape {
  readonly record: RecordData;
  readonly maskLow: number;
  readonly maskHigh: number;
  readonly archetype: number;
}

/** What this side has of a sub-entity, and the state that is being made of it. */
export interface Change {
  /** Codes at the base tick. */
  base: Uint32Array;
  /** Codes as many ticks before; undefined where there are none. */
  previous: Uint32Array | undefined;
  baseSequences: readonly Sequence[];
  /** Ticks from the base to the present. */
  steps: number;
  /** The state in the making. */
  codes: Uint32Array;
  sequences: Sequence[];
}

/** Whether a set of components has this one. */
export function hasComponent(maskLow: number, maskHigh: number, component: number): boolean {
  return (component < 32 ? maskLow >>> component : maskHigh >>> (component - 32)) % 2 === 1;
}

const MOTION_CLASSES = 11;
const MISS_CLASSES = 8;
const ROTATION_NEARNESSES = 6;
const GUESS_LANES = 8;

// What is expected of the field at hand. Decoding is never re-entered, so one of each will do.
const guessCodes = new Float64Array(GUESS_LANES);
/** How far each lane was seen to move; NaN where that is unknown. */
const guessMotions = new Float64Array(GUESS_LANES);
/** Phases of steady motion. */
const guessPhases = new Float64Array(GUESS_LANES);
/** Of a rotation: its components from the largest on, and how near the second is to the first. */
const guessOrder = new Uint8Array(4);
let guessNear = 0;
/** The worst miss so far in the update at hand; −1: none was coded. */
let worstMiss = -1;
const quaternionBase = new Float64Array(4);
const quaternionPrevious = new Float64Array(4);
const quaternionNext = new Float64Array(4);
const turnedFrom = new Float64Array(4);

/** Decodes where the record is, seen from `anchor`. */
export function takePosition(decoder: Decoder, shape: Shape, anchor: readonly number[], codes: Uint32Array): void {
  const { record } = shape;
  const field = record.fields[record.position];
  if (field === undefined || !isThere(field, shape)) return;
  const [begin, end] = field.lanes;
  for (let at = begin; at < end; at += 1) {
    const lane = record.lanes[at]!;
    const from = anchor[at - begin];
    const start = from === undefined ? lane.zero : Math.min(from, lane.codeMax);
    const place = placeOf(field.enters[at - begin]!, shape.archetype, 0);
    codes[at] = moved(lane, start, decoder.signed(place));
  }
}

/** Decodes everything but position and references. */
export function takeEntry(decoder: Decoder, shape: Shape, codes: Uint32Array, sequences: Sequence[]): void {
  const { record, archetype } = shape;
  for (const number of record.order) {
    const field = record.fields[number]!;
    if (!isThere(field, shape)) continue;
    if (field.motion !== null) takeHiddenLanes(decoder, field.motion, archetype, 0, codes);
    if (number === record.position) continue;
    const [begin, end] = field.lanes;
    switch (field.coding.type) {
      case 'numbers':
        takeLanes(decoder, shape, field, begin, codes);
        break;
      case 'flag':
      case 'choice':
        codes[begin] = decoder.symbol(placeOf(field.enters[0]!, archetype, 0));
        break;
      case 'optional':
      case 'rotation':
        codes[begin] = decoder.symbol(placeOf(field.enters[0]!, archetype, 0));
        if (field.coding.type === 'optional' && codes[begin] === 0) codes.fill(0, begin + 1, end);
        else takeLanes(decoder, shape, field, begin + 1, codes);
        break;
      case 'reference':
        codes[begin] = NO_REFERENCE;
        break;
      case 'text':
      case 'list':
        sequences[field.sequence] = takeSequence(decoder, field, archetype);
        break;
      default:
        field.coding satisfies never;
    }
  }
}

/** Decodes what differs from the guess; references apart. */
export function takeUpdate(decoder: Decoder, shape: Shape, change: Change): void {
  keep(change);
  worstMiss = -1;
  let flags = 0;
  for (const number of shape.record.order) {
    const field = shape.record.fields[number]!;
    if (!isThere(field, shape) || !isLive(field)) continue;
    guess(shape.record, field, change);
    const context = 4 * stirring(field, change) + flags;
    const isChanged = decoder.flag(placeOf(field.changed, shape.archetype, context));
    flags = ((flags << 1) & 2) | (isChanged ? 1 : 0);
    if (isChanged) takeField(decoder, shape, field, change);
    else takeGuess(field, change);
  }
}

/** Makes the state that was to be expected. */
export function predict(shape: Shape, change: Change): void {
  keep(change);
  for (const number of shape.record.order) {
    const field = shape.record.fields[number]!;
    if (!isThere(field, shape) || !isLive(field)) continue;
    guess(shape.record, field, change);
    takeGuess(field, change);
  }
}

/** Hash of the lasting state: what depends neither on who looks nor on the moment. */
export function hashState(shape: Shape, codes: Uint32Array, sequences: readonly Sequence[]): number {
  let hash = beginHash(shape.maskLow, shape.maskHigh);
  for (const field of shape.record.fields) {
    if (!isLasting(field, shape)) continue;
    for (let at = field.lanes[0]; at < field.lanes[1]; at += 1) hash = addToHash(hash, codes[at]!);
    if (field.sequence < 0) continue;
    const sequence = sequences[field.sequence]!;
    hash = addToHash(hash, sequence.length);
    for (let at = 0; at < sequence.length; at += 1) hash = addToHash(hash, sequence[at]!);
  }
  return endHash(hash);
}

/** Whether a hash of the lasting state includes this field. */
export function isLasting(field: FieldData, shape: Shape): boolean {
  return isThere(field, shape) && !field.isTransient && field.coding.type !== 'reference';
}

/** Whether a record has the field's component. */
export function isThere(field: FieldData, shape: Shape): boolean {
  return hasComponent(shape.maskLow, shape.maskHigh, field.component);
}

/** Whether updates speak of the field. */
function isLive(field: FieldData): boolean {
  return !field.isStatic && field.coding.type !== 'reference';
}

function keep({ base, baseSequences, codes, sequences }: Change): void {
  codes.set(base);
  for (let at = 0; at < baseSequences.length; at += 1) sequences[at] = baseSequences[at]!;
}

/** 0 where this side cannot know whether the field moved before, 1 where it did not, 2 where it did. */
function stirring(field: FieldData, { previous, base }: Change): number {
  if (field.motion !== null && precisionOf(field.motion, base) > 0) return 1;
  if (previous === undefined || field.sequence >= 0 || field.isTransient) return 0;
  for (let at = field.lanes[0]; at < field.lanes[1]; at += 1) if (base[at] !== previous[at]) return 2;
  return 1;
}

/** Works out what is expected of a field, given the fields decoded before it. */
function guess(record: RecordData, field: FieldData, change: Change): void {
  guessPhases.fill(PHASE_MIDDLE);
  if (field.motion !== null && precisionOf(field.motion, change.base) > 0) {
    guessSteady(record, field, field.motion, change);
    return;
  }
  if (field.coding.type === 'rotation') {
    guessRotation(field, 2 ** field.coding.bits - 1, change);
    return;
  }
  const [begin, end] = field.lanes;
  for (let at = begin; at < end && at - begin < GUESS_LANES; at += 1) {
    guessLane(record, field, at, at - begin, change);
  }
}

/** Steady motion goes on, finer than codes. */
function guessSteady(record: RecordData, field: FieldData, motion: MotionData, change: Change): void {
  const [begin, end] = field.lanes;
  for (let at = begin; at < end; at += 1) {
    const number = at - begin;
    const lane = record.lanes[at]!;
    const base = change.base[at]!;
    const rate = rateOf(motion, change.base, number) + nominalRate(field, number, change.codes);
    const around = (lane.codeMax + 1) * FINE;
    const to = base * FINE + phaseOf(motion, change.base, number) + rate * change.steps;
    const fine = lane.isCyclic ? modulo(to, around) : Math.min(Math.max(to, 0), around - 1);
    const code = Math.floor(fine / FINE);
    guessCodes[number] = code;
    guessPhases[number] = fine % FINE;
    guessMotions[number] = difference(lane, code, base);
  }
}

/** What a lane moves by a tick as far as the velocity's code says, in fine steps. */
function nominalRate({ prediction }: FieldData, number: number, codes: Uint32Array): number {
  if (prediction.type !== 'velocity') return 0;
  const rate = codes[prediction.lane + number]! * prediction.scale + prediction.offset;
  return Math.floor(rate / (65_536 / FINE));
}

function guessLane(record: RecordData, field: FieldData, at: number, number: number, change: Change): void {
  const lane = record.lanes[at]!;
  if (field.isTransient) {
    guessCodes[number] = lane.zero;
    guessMotions[number] = Number.NaN;
    return;
  }
  const base = change.base[at]!;
  const { prediction } = field;
  if (prediction.type !== 'velocity') {
    const { previous } = change;
    const motion = previous === undefined ? Number.NaN : difference(lane, base, previous[at]!);
    const isOnward = prediction.type === 'linear' && field.motion === null && previous !== undefined;
    guessCodes[number] = towards(lane, base, isOnward ? motion : 0);
    guessMotions[number] = motion;
    return;
  }
  const { steps } = change;
  const before = nominalRate(field, number, change.base);
  const now = nominalRate(field, number, change.codes);
  // Each tick's velocity moves that tick; between the two ends it is taken to have changed evenly.
  const way = steps * now - Math.floor(((now - before) * (steps - 1)) / 2);
  const code = towards(lane, base, Math.floor((way + FINE / 2) / FINE));
  guessCodes[number] = code;
  guessMotions[number] = difference(lane, code, base);
}

function guessRotation(field: FieldData, most: number, change: Change): void {
  const isMoving = turnOn(field, most, change);
  bySize(quaternionNext, guessOrder);
  guessNear = nearness(quaternionNext, guessOrder);
  const dropped = guessOrder[0]!;
  guessCodes[0] = dropped;
  guessMotions[0] = Number.NaN;
  turnTowards(dropped, most, isMoving);
}

/** Works out the base and what it becomes; whether the latter is known to move. */
function turnOn(field: FieldData, most: number, { base, previous }: Change): boolean {
  const [begin] = field.lanes;
  fromCodes(base, begin, most, quaternionBase);
  if (previous === undefined || field.prediction.type !== 'linear') {
    quaternionNext.set(quaternionBase);
    return false;
  }
  fromCodes(previous, begin, most, quaternionPrevious);
  extrapolate(quaternionPrevious, quaternionBase, most, quaternionNext);
  return true;
}

/** Guesses the kept components of a rotation where `dropped` is not kept. */
function turnTowards(dropped: number, most: number, isMoving: boolean): void {
  toCodes(quaternionBase, dropped, most, turnedFrom, 1);
  toCodes(quaternionNext, dropped, most, guessCodes, 1);
  for (let number = 1; number < 4; number += 1) {
    guessMotions[number] = isMoving ? guessCodes[number]! - turnedFrom[number]! : Number.NaN;
  }
}

function takeGuess(field: FieldData, change: Change): void {
  if (field.sequence >= 0) {
    change.sequences[field.sequence] = field.isTransient ? NO_CODES : change.baseSequences[field.sequence]!;
    return;
  }
  const [begin, end] = field.lanes;
  for (let at = begin; at < end; at += 1) change.codes[at] = guessCodes[at - begin]!;
  const { motion } = field;
  if (motion === null) return;
  const phases = motion.lane + 1 + motion.count;
  for (let at = motion.lane; at < phases; at += 1) change.codes[at] = change.base[at]!;
  for (let number = 0; number < motion.count; number += 1) change.codes[phases + number] = guessPhases[number]!;
}

function takeField(decoder: Decoder, shape: Shape, field: FieldData, change: Change): void {
  const { codes } = change;
  const { archetype } = shape;
  const [begin, end] = field.lanes;
  if (field.motion !== null) {
    takeHiddenLanes(decoder, field.motion, archetype, precisionOf(field.motion, change.base), codes);
  }
  switch (field.coding.type) {
    case 'flag':
      codes[begin] = 1 - Math.min(guessCodes[0]!, 1);
      break;
    case 'choice': {
      const node = field.updates[0]!;
      codes[begin] = decoder.symbol(placeOf(node, archetype, Math.min(guessCodes[0]!, node[1] - 1)));
      break;
    }
    case 'numbers':
      takeMisses(decoder, shape, field, 0, codes);
      break;
    case 'optional':
      codes[begin] = decoder.symbol(placeOf(field.updates[0]!, archetype, Math.min(guessCodes[0]!, 1)));
      if (codes[begin] === 0) {
        codes.fill(0, begin + 1, end);
        break;
      }
      if (guessCodes[0] === 0) {
        for (let at = begin; at < end; at += 1) guessCodes[at - begin] = shape.record.lanes[at]!.zero;
      }
      takeMisses(decoder, shape, field, 1, codes);
      break;
    case 'rotation': {
      const context = guessNear + ROTATION_NEARNESSES * turnClass(fastest(1, 4));
      const dropped = guessOrder[decoder.symbol(placeOf(field.updates[0]!, archetype, context))]!;
      codes[begin] = dropped;
      if (dropped !== guessCodes[0]) {
        const most = 2 ** field.coding.bits - 1;
        turnTowards(dropped, most, turnOn(field, most, change));
      }
      takeMisses(decoder, shape, field, 1, codes);
      break;
    }
    case 'reference':
      break;
    case 'text':
    case 'list':
      change.sequences[field.sequence] = takeSequence(decoder, field, archetype);
      break;
    default:
      field.coding satisfies never;
  }
}

/** Decodes how far the lanes from `first` on miss their guesses. */
function takeMisses(decoder: Decoder, shape: Shape, field: FieldData, first: number, codes: Uint32Array): void {
  const [begin, end] = field.lanes;
  const speed = motionClass(fastest(first, end - begin));
  for (let number = first; number < end - begin; number += 1) {
    const motion = guessMotions[number]!;
    const context = speed + MOTION_CLASSES * missClass(worstMiss);
    const place = placeOf(field.updates[number]!, shape.archetype, context);
    const miss = decoder.signed(place);
    const lane = shape.record.lanes[begin + number]!;
    codes[begin + number] = moved(lane, guessCodes[number]!, motion < 0 ? -miss : miss);
    worstMiss = Math.max(worstMiss, Math.abs(miss));
  }
}

/** Decodes the lanes of a field from `first` on, as ways from their zeros. */
function takeLanes(decoder: Decoder, shape: Shape, field: FieldData, first: number, codes: Uint32Array): void {
  const [begin, end] = field.lanes;
  for (let at = first; at < end; at += 1) {
    const lane = shape.record.lanes[at]!;
    codes[at] = moved(lane, lane.zero, decoder.signed(placeOf(field.enters[at - begin]!, shape.archetype, 0)));
  }
}

/** Decodes a text or list as a whole. */
function takeSequence(decoder: Decoder, { coding, enters }: FieldData, archetype: number): Sequence {
  if (coding.type !== 'text' && coding.type !== 'list') return NO_CODES;
  const length = decoder.unsigned(placeOf(enters[0]!, archetype, 0));
  if (length > coding.lenMax) throw new FrameError('out of range');
  if (coding.type === 'text') {
    const bytes = new Uint32Array(length);
    let before = 0;
    for (let at = 0; at < length; at += 1) {
      const context = before & 31;
      const upper = decoder.symbol(placeOf(coding.high, 0, context));
      const lower = decoder.symbol(placeOf(coding.low, 0, context + 32 * (upper & 3)));
      before = (upper << 4) | lower;
      bytes[at] = before;
    }
    return bytes;
  }
  const width = Math.max(1, coding.lanes.length);
  const codes = new Uint32Array(length * width);
  for (let at = 0; at < codes.length; at += 1) {
    const lane = coding.lanes[at % width]!;
    const from = at < width ? lane.zero : codes[at - width]!;
    codes[at] = moved(lane, from, decoder.signed(placeOf(enters[1 + (at % width)]!, archetype, 0)));
  }
  return codes;
}

/** The largest magnitude among known motions of lanes; −1 where none is known. */
function fastest(first: number, end: number): number {
  let speed = -1;
  for (let number = first; number < end; number += 1) {
    const motion = Math.abs(guessMotions[number]!);
    if (motion > speed) speed = motion;
  }
  return speed;
}

function missClass(worst: number): number {
  return worst < 0 ? 0 : 1 + Math.min(bitsOf(worst), MISS_CLASSES - 2);
}

function motionClass(speed: number): number {
  return speed < 0 ? MOTION_CLASSES - 1 : Math.min(bitsOf(speed), MOTION_CLASSES - 2);
}

function turnClass(speed: number): number {
  if (speed < 0) return 4;
  if (speed < 4) return 0;
  if (speed < 16) return 1;
  return speed < 64 ? 2 : 3;
}

/** How many bits a number has; all above 16 are as good as another here. */
function bitsOf(magnitude: number): number {
  return magnitude > 0xffff ? 17 : 32 - Math.clz32(magnitude);
}

/** The way from one code to another; the shorter one on a lane that wraps. */
function difference(lane: Lane, to: number, from: number): number {
  const way = to - from;
  if (!lane.isCyclic) return way;
  const around = lane.codeMax + 1;
  const wrapped = modulo(way, around);
  return wrapped > Math.floor(around / 2) ? wrapped - around : wrapped;
}

/** The code some way off, or the last one in that direction. */
function towards(lane: Lane, from: number, way: number): number {
  const to = from + way;
  return lane.isCyclic ? modulo(to, lane.codeMax + 1) : Math.min(Math.max(to, 0), lane.codeMax);
}

/** The code some way off, where there is one. */
function moved(lane: Lane, from: number, way: number): number {
  const to = from + way;
  if (lane.isCyclic) return modulo(to, lane.codeMax + 1);
  if (to < 0 || to > lane.codeMax) throw new FrameError('out of range');
  return to;
}

function modulo(value: number, around: number): number {
  return ((value % around) + around) % around;
}
