/** From where a player points to how far the ship turns in a tick. Pure arithmetic. */

import { headingDifference, radiansToHeading, TURN_STEPS_MAX } from '../field.ts';

/** Steps for the first ticks of a held key: a tap nudges, holding turns at full rate. */
const KEY_RAMP: readonly number[] = [14, 26, TURN_STEPS_MAX];

/** Turn towards an angle in radians from a heading in steps, as whole steps within the limit. */
export function turnTowards(headingSteps: number, aimRadians: number): number {
  const gap = headingDifference(headingSteps, radiansToHeading(aimRadians));
  return Math.max(-TURN_STEPS_MAX, Math.min(TURN_STEPS_MAX, Math.round(gap)));
}

/** Turn for a key that is held in its `ticksHeld`th tick, counted from 0; `side` is −1, 0 or 1. */
export function turnByKey(side: number, ticksHeld: number): number {
  const steps = KEY_RAMP[Math.min(ticksHeld, KEY_RAMP.length - 1)] ?? TURN_STEPS_MAX;
  return side === 0 ? 0 : side * steps;
}
