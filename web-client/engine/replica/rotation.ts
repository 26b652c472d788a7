/** Guessing rotations: quaternions in whole numbers, all below 2⁵³. See `rotation.rs`. */

import { NEARNESSES } from './contexts.ts';

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

/** Numbers of the components from the largest to the smallest, equal ones by number, into `order`. */
export function bySize(quaternion: Quaternion, order: Uint8Array): void {
  for (let at = 0; at < 4; at += 1) {
    let place = at;
    while (place > 0 && Math.abs(quaternion[order[place - 1]!]!) < Math.abs(quaternion[at]!)) {
      order[place] = order[place - 1]!;
      place -= 1;
    }
    order[place] = at;
  }
}

/** How near the second largest component is to the largest: 0 below a half of it, up to 8 from 255/256 on. */
export function nearness(quaternion: Quaternion, order: Uint8Array): number {
  const first = Math.abs(quaternion[order[0]!]!);
  const second = Math.abs(quaternion[order[1]!]!);
  let near = 0;
  while (near < NEARNESSES - 1 && (first - second) * 2 ** (near + 1) <= first) near += 1;
  return near;
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
