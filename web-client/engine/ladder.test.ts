import { describe, expect, it } from 'vitest';
import { Ladder, rungsOf } from './ladder.ts';
import { RUNGS } from './transport.ts';

const MINUTE_MS = 60_000;

describe('ladder', () => {
  it('starts where the network has let it, for ten minutes', () => {
    let kept: string | null = null;
    const store = {
      load: () => kept,
      save: (text: string) => {
        kept = text;
      },
    };
    const ladder = new Ladder(RUNGS, 0, store);
    expect(ladder.candidates(0)).toEqual(RUNGS);
    ladder.handleProven('long-poll', 0);
    expect(ladder.candidates(MINUTE_MS)).toEqual(['long-poll', 'poll']);
    expect(new Ladder(RUNGS, MINUTE_MS, store).candidates(MINUTE_MS), 'the next page').toEqual(['long-poll', 'poll']);
    expect(ladder.candidates(10 * MINUTE_MS)).toEqual(RUNGS);
    expect(new Ladder(RUNGS, 10 * MINUTE_MS, store).candidates(10 * MINUTE_MS)).toEqual(RUNGS);
    expect(new Ladder(RUNGS, -MINUTE_MS, store).candidates(-MINUTE_MS), 'a clock set back').toEqual(RUNGS);
    kept = 'no lesson';
    expect(new Ladder(RUNGS, 0, store).candidates(0)).toEqual(RUNGS);
  });

  it('passes a rung over that breaks again and again, but not the last one', () => {
    const ladder = new Ladder(RUNGS, 0);
    ladder.handleLost('websocket', 5_000, 0);
    expect(ladder.candidates(0)).toEqual(RUNGS);
    ladder.handleLost('websocket', 5_000, 0);
    expect(ladder.candidates(0)).toEqual(['stream', 'long-poll', 'poll']);
    for (let loss = 0; loss < 9; loss += 1) ladder.handleLost('poll', 0, 0);
    expect(ladder.candidates(0)).not.toHaveLength(0);
  });

  it('forgives a rung that broke once in a while', () => {
    const ladder = new Ladder(RUNGS, 0);
    for (let loss = 0; loss < 9; loss += 1) {
      ladder.handleLost('websocket', 5_000, 0);
      ladder.handleLost('websocket', MINUTE_MS, 0);
    }
    expect(ladder.candidates(0)).toEqual(RUNGS);
  });

  it('looks for better rungs less and less often, until the network changes', () => {
    const ladder = new Ladder(RUNGS, 0);
    expect(ladder.better('long-poll')).toEqual(['websocket', 'stream']);
    expect(ladder.better('websocket')).toEqual([]);
    const waits = Array.from({ length: 6 }, () => ladder.nextClimbMs());
    expect(waits).toEqual([20_000, 40_000, 80_000, 160_000, 300_000, 300_000]);
    ladder.handleNetworkChanged();
    expect(ladder.nextClimbMs()).toBe(20_000);
  });

  it('has the one rung that is asked for, or all that the browser has', () => {
    expect(rungsOf('poll', () => true)).toEqual(['poll']);
    expect(rungsOf('nonsense', (rung) => rung !== 'stream')).toEqual(['websocket', 'long-poll', 'poll']);
  });
});
