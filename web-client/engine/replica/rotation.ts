/** Guessing rotations: quaternions in whole numbers, all below 2⁵³. See `rotation.rs`. */

/** A quaternion, each component in units of a code's half step over `FINE`. */
export type Quaternion = Float64Array;

const FINE = 16;

/** The quaternion of these codes: the number of the dropped component, then the others. */
export function fromCodes(codes: Uint32Array, begin: number, most: number, out: Quaternion): void {
  const dropped = codes[begin]! & 3;
  let squares = 0;
  let next = begin + 1;
  for (let at = 0; at < 4; at += 1) {
    if (at === dropped) continue;
    const part = (2 * codes[next]! - most) * FINE;
    squares += part * part;
    out[at] = part;
    next += 1;
  }
  out[dropped] = Math.floor(Math.sqrt(Math.max(0, norm(most) - squares)));
}

/** Where a rotation gets that goes on as it did from `previous` to `base`. */
export function extrapolate(previous: Quaternion, base: Quaternion, most: number, out: Quaternion): void {
  const whole = norm(most);
  let dot = 0;
  for (let at = 0; at < 4; at += 1) dot += previous[at]! * base[at]!;
  for (let at = 0; at < 4; at += 1) {
    out[at] = Math.floor((2 * dot * base[at]! + Math.floor(whole / 2)) / whole) - previous[at]!;
  }
}

/** Which component is the largest. */
export function largest(quaternion: Quaternion): number {
  let best = 0;
  for (let at = 1; at < 4; at += 1) {
    if (Math.abs(quaternion[at]!) > Math.abs(quaternion[best]!)) best = at;
  }
  return best;
}

/** Whether another component is nearly (within an eighth) as large as the largest. */
export function isClose(quaternion: Quaternion, best: number): boolean {
  let next = 0;
  for (let at = 0; at < 4; at += 1) if (at !== best) next = Math.max(next, Math.abs(quaternion[at]!));
  return next * 8 >= Math.abs(quaternion[best]!) * 7;
}

/** The codes of a quaternion's kept components where `dropped` is the one left out, from `begin` on in `out`. */
export function toCodes(quaternion: Quaternion, dropped: number, most: number, out: Float64Array, begin: number): void {
  const sign = quaternion[dropped & 3]! < 0 ? -1 : 1;
  let next = begin;
  for (let at = 0; at < 4; at += 1) {
    if (at === (dropped & 3)) continue;
    const share = Math.floor((sign * quaternion[at]! + most * FINE + FINE) / (2 * FINE));
    out[next] = Math.min(Math.max(share, 0), most);
    next += 1;
  }
}

function norm(most: number): number {
  return 2 * most * most * FINE * FINE;
}
