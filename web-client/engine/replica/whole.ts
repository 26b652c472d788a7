/** A state as a whole: where it is, then everything else but what it refers to. See `values/whole.rs`. */

import type { FieldData } from '../schema.ts';
import { moved } from './lane.ts';
import { takeHiddenLanes } from './motion.ts';
import { type Decoder, placeOf } from './rans.ts';
import { takeSequence } from './sequence.ts';
import { isThere, NO_REFERENCE, type Sequence, type Shape } from './values.ts';

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

/** Decodes the lanes of a field from `first` on, as ways from their zeros. */
function takeLanes(decoder: Decoder, shape: Shape, field: FieldData, first: number, codes: Uint32Array): void {
  const [begin, end] = field.lanes;
  for (let at = first; at < end; at += 1) {
    const lane = shape.record.lanes[at]!;
    codes[at] = moved(lane, lane.zero, decoder.signed(placeOf(field.enters[at - begin]!, shape.archetype, 0)));
  }
}
