import { describe, expect, it } from 'vitest';
import { contact } from './contact.ts';

describe('contact', () => {
  it('is where a way comes near enough first', () => {
    expect(contact([0, 0], [100, 0], [50, 0], 10)).toBeCloseTo(0.4);
    expect(contact([0, 0], [100, 0], [50, 8], 10)).toBeCloseTo(0.44);
    expect(contact([0, 0, 0], [0, 0, 100], [0, 0, 50], 10)).toBeCloseTo(0.4);
  });

  it('is at once where it is that near already, also without a way', () => {
    expect(contact([0, 0], [100, 0], [5, 0], 10)).toBe(0);
    expect(contact([0, 0], [0, 0], [10, 0], 10)).toBe(0);
  });

  it('is none beside, behind and beyond the way', () => {
    expect(contact([0, 0], [100, 0], [50, 11], 10)).toBeUndefined();
    expect(contact([0, 0], [100, 0], [-11, 0], 10)).toBeUndefined();
    expect(contact([0, 0], [100, 0], [111, 0], 10)).toBeUndefined();
    expect(contact([0, 0], [0, 0], [11, 0], 10)).toBeUndefined();
  });
});
