import { describe, expect, it } from 'vitest';
import { headingDifference, TURN_STEPS_MAX, wrapHeading } from '../field.ts';
import { turnByKey, turnTowards } from './aim.ts';

const QUARTER = Math.PI / 2;

describe('aiming', () => {
  it('turns the short way round, also across heading 0', () => {
    expect(turnTowards(1010, (20 / 1024) * 4 * QUARTER)).toBe(34);
    expect(turnTowards(10, (1010 / 1024) * 4 * QUARTER)).toBe(-24);
    expect(headingDifference(1023, 0)).toBe(1);
    expect(headingDifference(0, 512)).toBe(512);
  });

  it('never asks for more than a ship can turn', () => {
    expect(turnTowards(0, QUARTER)).toBe(TURN_STEPS_MAX);
    expect(turnTowards(0, -QUARTER)).toBe(-TURN_STEPS_MAX);
    for (let angle = -10; angle < 10; angle += 0.37) {
      expect(Math.abs(turnTowards(300, angle))).toBeLessThanOrEqual(TURN_STEPS_MAX);
      expect(Number.isInteger(turnTowards(300, angle))).toBe(true);
    }
  });

  it('arrives exactly and then rests', () => {
    const aim = 2.1;
    let heading = 900;
    for (let tick = 0; tick < 30; tick += 1) heading = wrapHeading(heading + turnTowards(heading, aim));
    expect(turnTowards(heading, aim)).toBe(0);
    expect(Math.abs(headingDifference(heading, (aim / (4 * QUARTER)) * 1024))).toBeLessThanOrEqual(0.5);
  });

  it('nudges on a tap and turns fully while a key is held', () => {
    expect(turnByKey(1, 0)).toBeLessThan(TURN_STEPS_MAX / 2);
    expect(turnByKey(1, 10)).toBe(TURN_STEPS_MAX);
    expect(turnByKey(-1, 10)).toBe(-TURN_STEPS_MAX);
    expect(turnByKey(0, 3)).toBe(0);
  });
});
