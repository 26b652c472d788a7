/** Steady motion, finer than codes: the hidden lanes of a field. See `motion.rs`. */

import type { MotionData } from '../schema.ts';
import { FrameError } from './frame-error.ts';
import { type Decoder, placeOf } from './rans.ts';

const FINE_BITS = 7;
const PRECISION_MAX = FINE_BITS + 1;
const RATE_ZERO = 2 ** 31;

/** Fine steps of a code. */
export const FINE = 2 ** FINE_BITS;
/** The phase in the middle of a code. */
export const PHASE_MIDDLE = FINE / 2;

/** How finely the motion is known; 0: not at all. */
export function precisionOf(motion: MotionData, codes: Uint32Array): number {
  return codes[motion.lane]!;
}

/** The rate of a lane, in fine steps a tick. */
export function rateOf(motion: MotionData, codes: Uint32Array, number: number): number {
  const rate = codes[motion.lane + 1 + number]! - RATE_ZERO;
  return rate * 2 ** (PRECISION_MAX - Math.min(precisionOf(motion, codes), PRECISION_MAX));
}

/** The phase of a lane. */
export function phaseOf(motion: MotionData, codes: Uint32Array, number: number): number {
  return codes[motion.lane + 1 + motion.count + number]!;
}

/** Decodes the hidden lanes. `before` is the precision before. */
export function takeHiddenLanes(
  decoder: Decoder,
  motion: MotionData,
  archetype: number,
  before: number,
  codes: Uint32Array,
): void {
  const { lane, count } = motion;
  const precision = decoder.symbol(placeOf(motion.precision, archetype, before));
  codes[lane] = precision;
  if (precision === 0) {
    codes.fill(RATE_ZERO, lane + 1, lane + 1 + count);
    codes.fill(PHASE_MIDDLE, lane + 1 + count, lane + 1 + 2 * count);
    return;
  }
  for (let number = 0; number < count; number += 1) {
    const rate = RATE_ZERO + decoder.signed(placeOf(motion.rates[number]!, archetype, precision));
    if (rate < 0 || rate > 0xffff_ffff) throw new FrameError('out of range');
    codes[lane + 1 + number] = rate;
  }
  for (let number = 0; number < count; number += 1) codes[lane + 1 + count + number] = decoder.bits(FINE_BITS);
}
