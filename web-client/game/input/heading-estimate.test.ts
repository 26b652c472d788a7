import { describe, expect, it } from 'vitest';
import { headingDifference, wrapHeading } from '../field.ts';
import { turnTowards } from './aim.ts';
import { HeadingEstimate } from './heading-estimate.ts';

/** A server that applies turns some ticks after they were sent. */
function laggingShip(start: number, delayTicks: number): { send(turn: number): number } {
  const underway: number[] = Array.from({ length: delayTicks }, () => 0);
  let heading = start;
  return {
    send(turn) {
      underway.push(turn);
      heading = wrapHeading(heading + (underway.shift() as number));
      return heading;
    },
  };
}

describe('heading estimate', () => {
  it('reaches an aim without swinging past it, however late the ship answers', () => {
    for (const delayTicks of [1, 4, 9]) {
      const estimate = new HeadingEstimate();
      const ship = laggingShip(100, delayTicks);
      let shown = 100;
      let furthest = 0;
      for (let tick = 0; tick < 60; tick += 1) {
        estimate.observe(shown);
        const turn = turnTowards(estimate.heading, Math.PI);
        estimate.turn(turn, tick * 50);
        shown = ship.send(turn);
        furthest = Math.max(furthest, headingDifference(100, shown));
      }
      expect(shown, `with ${delayTicks} ticks of delay`).toBe(512);
      expect(furthest, 'it did not overshoot').toBe(412);
    }
  });

  it('gives in when the ship is elsewhere for good', () => {
    const estimate = new HeadingEstimate();
    estimate.reset(0);
    for (let tick = 0; tick < 20; tick += 1) {
      estimate.observe(400);
      estimate.turn(0, tick * 50);
    }
    expect(estimate.heading).toBe(400);
  });

  it('bears with a picture between two ticks', () => {
    const estimate = new HeadingEstimate();
    estimate.reset(1000);
    for (let tick = 0; tick < 20; tick += 1) {
      estimate.turn(40, tick * 50);
      estimate.observe(wrapHeading(estimate.heading - 60));
    }
    expect(estimate.heading).toBe(wrapHeading(1000 + 20 * 40));
  });

  it('draws its way from tick to tick', () => {
    const estimate = new HeadingEstimate();
    estimate.reset(1020);
    estimate.turn(10, 1000);
    expect(estimate.drawn(1000, 50)).toBeCloseTo(1020, 6);
    expect(estimate.drawn(1025, 50)).toBeCloseTo(1, 6);
    expect(estimate.drawn(1200, 50)).toBeCloseTo(6, 6);
  });
});
