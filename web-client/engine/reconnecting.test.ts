import { describe, expect, it } from 'vitest';
import { BackOff } from './reconnecting.ts';

describe('back-off', () => {
  it('waits longer and longer, up to a bound', () => {
    const backOff = new BackOff(() => 1);
    const waits = Array.from({ length: 8 }, () => backOff.nextMs(0));
    expect(waits).toEqual([500, 1000, 2000, 4000, 8000, 10_000, 10_000, 10_000]);
    expect(backOff.attempts).toBe(8);
  });

  it('spreads players who were cut at the same moment', () => {
    expect(new BackOff(() => 0).nextMs(0)).toBe(250);
    expect(new BackOff(() => 1).nextMs(0)).toBe(500);
  });

  it('does not come back before the server said, and not all at that moment', () => {
    expect(new BackOff(() => 0).nextMs(2000)).toBe(2000);
    expect(new BackOff(() => 1).nextMs(2000)).toBe(2250);
  });

  it('begins with short waits again once it worked', () => {
    const backOff = new BackOff(() => 1);
    for (let attempt = 0; attempt < 5; attempt += 1) backOff.nextMs(0);
    backOff.reset();
    expect(backOff.nextMs(0)).toBe(500);
  });
});
