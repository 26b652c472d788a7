/** What is known when something is decoded, as the number of a context. See `contexts.rs`. */

const MOTION_CLASSES = 10;
const SHARE_CLASSES = 3;
const MOTION_CONTEXTS = MOTION_CLASSES * SHARE_CLASSES * 2 + 1;
const MISS_CLASSES = 10;
const STIR_CLASSES = 8;

/** Classes of how near the second component of a rotation is to the largest. */
export const NEARNESSES = 9;

/** Contexts of "this field changed" where it is no flag. */
export const CHANGED_CONTEXTS = 12;

/**
 * Context of how far a lane misses its guess: how far it was seen to move (NaN where that is unknown), how far the lane
 * of its field that moved most did, and the worst miss before (−1 for none).
 */
export function missContext(motion: number, fastest: number, worst: number): number {
  const missed = worst < 0 ? 0 : 1 + Math.min(bitsOf(worst), MISS_CLASSES - 2);
  return MOTION_CONTEXTS * missed + motionContext(motion, fastest);
}

/** Context of which component of a rotation is dropped. A `fastest` of −1 is unknown, a `worst` of −1 none. */
export function droppedContext(near: number, fastest: number, worst: number): number {
  const stir = fastest < 0 ? STIR_CLASSES : Math.min(bitsOf(Math.max(fastest, worst)), STIR_CLASSES - 1);
  return near + NEARNESSES * stir;
}

function motionContext(motion: number, fastest: number): number {
  if (Number.isNaN(motion)) return MOTION_CONTEXTS - 1;
  const own = bitsOf(Math.abs(motion));
  const behind = bitsOf(fastest) - own;
  const share = behind <= 0 ? 0 : behind <= 2 ? 1 : 2;
  return 2 * (SHARE_CLASSES * Math.min(own, MOTION_CLASSES - 1) + share) + (motion < 0 ? 1 : 0);
}

/** How many bits a magnitude below 2³³ has. */
function bitsOf(magnitude: number): number {
  return magnitude > 0xffff_ffff ? 33 : 32 - Math.clz32(magnitude);
}
