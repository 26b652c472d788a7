import { describe, expect, it } from 'vitest';
import { placed } from './sound.ts';

describe('sound', () => {
  it('is loudest in the middle and silent far away', () => {
    expect(placed(0, 0)).toEqual({ loudness: 1, side: 0 });
    expect(placed(300, 0).loudness).toBeLessThan(placed(100, 0).loudness);
    expect(placed(2000, 0).loudness).toBe(0);
  });

  it('comes from the side where it happens', () => {
    expect(placed(-350, 10).side).toBeCloseTo(-0.5);
    expect(placed(5000, 0).side).toBe(1);
  });
});
