/** Sums by which both ends notice that a replica has gone astray. All arithmetic is modulo 2³². See `checksum.rs`. */

/** Begins the hash of a sub-entity's lasting state. */
export function beginHash(maskLow: number, maskHigh: number): number {
  return addToHash(addToHash(0x8529_7a4d, maskLow), maskHigh);
}

/** Adds a code, or the length of a sequence before its codes. */
export function addToHash(hash: number, code: number): number {
  return Math.imul(((hash << 5) | (hash >>> 27)) ^ code, 0x9e37_79b1);
}

/** The hash, once everything was added. */
export function endHash(hash: number): number {
  return scramble(hash);
}

/** What a sub-entity adds to the sum of its frame. */
export function inSlot(state: number, slot: number, group: number): number {
  return scramble(state ^ Math.imul((slot << 6) | group, 0x85eb_ca6b));
}

/** The check of a frame that carries a sum. */
export function checkOfSum(sum: number, tick: number): number {
  return scramble(sum ^ tick) >>> 16;
}

/** The check of any other frame. */
export function checkOfTick(tick: number): number {
  return scramble(tick) >>> 16;
}

function scramble(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x7feb_352d);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x846c_a68b);
  return mixed ^ (mixed >>> 16);
}
