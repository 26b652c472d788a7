/** Texts and lists: they travel as a whole. See `values/sequence.rs`. */

import type { FieldData } from '../schema.ts';
import { FrameError } from './frame-error.ts';
import { moved } from './lane.ts';
import { type Decoder, placeOf } from './rans.ts';
import { NO_CODES, type Sequence } from './values.ts';

/** Decodes a text or list as a whole. */
export function takeSequence(decoder: Decoder, { coding, enters }: FieldData, archetype: number): Sequence {
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
