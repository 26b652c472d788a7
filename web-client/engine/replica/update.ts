/** From one state to the next: which fields are not as guessed, and by how much they miss. See `values/update.rs`. */

import type { FieldData } from '../schema.ts';
import { CHANGED_CONTEXTS, droppedContext, missContext } from './contexts.ts';
import { Guess, stirring } from './guess.ts';
import { moved } from './lane.ts';
import { precisionOf, takeHiddenLanes } from './motion.ts';
import { type Decoder, placeOf } from './rans.ts';
import { takeSequence } from './sequence.ts';
import { type Change, type Living, NO_CODES, type Shape } from './values.ts';

// Decoding is never re-entered, so that one will do.
const guess = new Guess();
/** The worst miss so far in the update at hand; −1: none was coded. */
let worstMiss = -1;

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
