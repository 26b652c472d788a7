import { describe, expect, it } from 'vitest';
import { Recent } from './recent.ts';

describe('recent numbers', () => {
  it('know their spread', () => {
    const recent = new Recent(10);
    expect(recent.quantile(0.5)).toBeUndefined();
    for (const value of [5, 1, 4, 2, 3]) recent.push(value);
    expect(recent.quantile(0)).toBe(1);
    expect(recent.quantile(0.5)).toBe(3);
    expect(recent.quantile(1)).toBe(5);
  });

  it('forget the oldest', () => {
    const recent = new Recent(3);
    for (const value of [9, 9, 1, 2, 3]) recent.push(value);
    expect(recent.quantile(1)).toBe(3);
    expect(recent.count).toBe(3);
    recent.clear();
    expect(recent.count).toBe(0);
  });
});
