/** The state of a group, or an event: on entry, and from one state to the next. See `values.rs`. */

import type { FieldData, RecordData } from '../schema.ts';
import { addToHash, beginHash, endHash } from './checksum.ts';
import { CHANGED_CONTEXTS, droppedContext, missContext } from './contexts.ts';
import { FrameError } from './frame-error.ts';
import { Guess, stirring } from './guess.ts';
import { moved } from './lane.ts';
import { precisionOf, takeHiddenLanes } from './motion.ts';
import { type Decoder, placeOf } from './rans.ts';

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

/** A record that goes from state to state, with what of it is looked at each time: worked out once, in `liveFields`. */
export interface Living extends Shape {
  /** Those that updates speak of, in the order of coding. */
  readonly live: readonly FieldData[];
  /** Those that a hash of the lasting state includes. */
  readonly lasting: readonly FieldData[];
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

// Decoding is never re-entered, so that one will do.
const guess = new Guess();
/** The worst miss so far in the update at hand; −1: none was coded. */
let worstMiss = -1;

/** Decodes where the record is, seen from `anchor`. */
export function takePosition(decoder: Decoder, shape: Shape, anchor: readonly number[], codes: Uint32Array): void {
  const { record } = shape;
  const field = record.fields[record.position];
  if (field === undefined || !isThere(field, shape)) return;
  const begin = field.lanes[0];
  const end = field.lanes[1];
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
export function takeUpdate(decoder: Decoder, shape: Living, change: Change): void {
  keep(change);
  worstMiss = -1;
  let flags = 0;
  for (let at = 0; at < shape.live.length; at += 1) {
    const field = shape.live[at]!;
    guess.make(shape.record, field, change);
    let context = 4 * stirring(field, change) + flags;
    if (field.coding.type === 'flag' && guess.codes[0]! > 0) context += CHANGED_CONTEXTS;
    const isChanged = decoder.flag(placeOf(field.changed, shape.archetype, context));
    flags = ((flags << 1) & 2) | (isChanged ? 1 : 0);
    if (isChanged) takeField(decoder, shape, field, change);
    else takeGuess(field, change);
  }
}

/** Makes the state that was to be expected. */
export function predict(shape: Living, change: Change): void {
  keep(change);
  for (let at = 0; at < shape.live.length; at += 1) {
    const field = shape.live[at]!;
    guess.make(shape.record, field, change);
    takeGuess(field, change);
  }
}

/** Hash of the lasting state: what depends neither on who looks nor on the moment. */
export function hashState(shape: Living, codes: Uint32Array, sequences: readonly Sequence[]): number {
  let hash = beginHash(shape.maskLow, shape.maskHigh);
  for (let number = 0; number < shape.lasting.length; number += 1) {
    const field = shape.lasting[number]!;
    for (let at = field.lanes[0]; at < field.lanes[1]; at += 1) hash = addToHash(hash, codes[at]!);
    if (field.sequence < 0) continue;
    const sequence = sequences[field.sequence]!;
    hash = addToHash(hash, sequence.length);
    for (let at = 0; at < sequence.length; at += 1) hash = addToHash(hash, sequence[at]!);
  }
  return endHash(hash);
}

/** The fields that updates of a record speak of, in the order of coding. */
export function liveFields(shape: Shape): FieldData[] {
  const { order, fields } = shape.record;
  return order.map((number) => fields[number]!).filter((field) => isThere(field, shape) && isLive(field));
}

/** The fields that a hash of a record's lasting state includes. */
export function lastingFields(shape: Shape): FieldData[] {
  return shape.record.fields.filter(
    (field) => isThere(field, shape) && !field.isTransient && field.coding.type !== 'reference',
  );
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

function takeGuess(field: FieldData, change: Change): void {
  const { sequence } = field;
  if (sequence < 0) guess.take(field, change);
  else change.sequences[sequence] = field.isTransient ? NO_CODES : change.baseSequences[sequence]!;
}

function takeField(decoder: Decoder, shape: Shape, field: FieldData, change: Change): void {
  const { codes } = change;
  const { archetype } = shape;
  const begin = field.lanes[0];
  const end = field.lanes[1];
  if (field.motion !== null) {
    takeHiddenLanes(decoder, field.motion, archetype, precisionOf(field.motion, change.base), codes);
  }
  switch (field.coding.type) {
    case 'flag':
      codes[begin] = 1 - Math.min(guess.codes[0]!, 1);
      break;
    case 'choice': {
      const node = field.updates[0]!;
      codes[begin] = decoder.symbol(placeOf(node, archetype, Math.min(guess.codes[0]!, node[1] - 1)));
      break;
    }
    case 'numbers':
      takeMisses(decoder, shape, field, 0, codes);
      break;
    case 'optional':
      codes[begin] = decoder.symbol(placeOf(field.updates[0]!, archetype, Math.min(guess.codes[0]!, 1)));
      if (codes[begin] === 0) {
        codes.fill(0, begin + 1, end);
        break;
      }
      if (guess.codes[0] === 0) {
        for (let at = begin; at < end; at += 1) guess.codes[at - begin] = shape.record.lanes[at]!.zero;
      }
      takeMisses(decoder, shape, field, 1, codes);
      break;
    case 'rotation': {
      const context = droppedContext(guess.near, guess.fastest(1, 4), worstMiss);
      const dropped = guess.order[decoder.symbol(placeOf(field.updates[0]!, archetype, context))]!;
      codes[begin] = dropped;
      if (dropped !== guess.codes[0]) {
        guess.turnTo(dropped, field, 2 ** field.coding.bits - 1, change);
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
  const begin = field.lanes[0];
  const end = field.lanes[1];
  const fastest = Math.max(0, guess.fastest(first, end - begin));
  for (let number = first; number < end - begin; number += 1) {
    const motion = guess.motions[number]!;
    const place = placeOf(field.updates[number]!, shape.archetype, missContext(motion, fastest, worstMiss));
    const miss = decoder.signed(place);
    const lane = shape.record.lanes[begin + number]!;
    codes[begin + number] = moved(lane, guess.codes[number]!, motion < 0 ? -miss : miss);
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
