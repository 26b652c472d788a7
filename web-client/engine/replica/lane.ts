/** Ways between the codes of a lane. See `values/lane.rs`. */

import type { Lane } from '../schema.ts';
import { FrameError } from './frame-error.ts';

/** The way from one code to another; the shorter one on a lane that wraps. */
export function difference(lane: Lane, to: number, from: number): number {
  const way = to - from;
  if (!lane.isCyclic) return way;
  const around = lane.codeMax + 1;
  const wrapped = modulo(way, around);
  return wrapped > Math.floor(around / 2) ? wrapped - around : wrapped;
}

/** The code some way off, or the last one in that direction. */
export function towards(lane: Lane, from: number, way: number): number {
  const to = from + way;
  return lane.isCyclic ? modulo(to, lane.codeMax + 1) : Math.min(Math.max(to, 0), lane.codeMax);
}

/** The code some way off, where there is one. */
export function moved(lane: Lane, from: number, way: number): number {
  const to = from + way;
  if (lane.isCyclic) return modulo(to, lane.codeMax + 1);
  if (to < 0 || to > lane.codeMax) throw new FrameError('out of range');
  return to;
}

/** The remainder that is not negative. */
export function modulo(value: number, around: number): number {
  // Nearly all values are at most once around, and a division of doubles is slow.
  if (value >= 0) return value < around ? value : value % around;
  return value >= -around ? value + around : ((value % around) + around) % around;
}
