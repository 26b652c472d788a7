import { describe, expect, it } from 'vitest';
import { Foreseen } from './foreseen.ts';

describe('what was foreseen', () => {
  it('is no news, once', () => {
    const foreseen = new Foreseen(10);
    foreseen.note([100, 100]);
    expect(foreseen.take([120, 100])).toBe(false);
    expect(foreseen.take([104, 103])).toBe(true);
    expect(foreseen.take([104, 103]), 'that is another one').toBe(false);
  });

  it('is forgotten where the server never tells of it', () => {
    const foreseen = new Foreseen(1);
    for (let number = 0; number < 100; number += 1) foreseen.note([number * 10]);
    expect(foreseen.take([0])).toBe(false);
    expect(foreseen.take([990])).toBe(true);
  });
});
