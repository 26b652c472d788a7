import { describe, expect, it } from 'vitest';
import { PAINTS, PLAYER_COLOURS, paintOf, STONE } from './palette.ts';

/** Contrast of a colour with the night sky, as WCAG counts it. */
function contrast(colour: string): number {
  const luminance = (hex: string): number => {
    const [red, green, blue] = [1, 3, 5].map((at) => {
      const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    }) as [number, number, number];
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  return (luminance(colour) + 0.05) / (luminance('#0b1222') + 0.05);
}

describe('palette', () => {
  it('has a name of its own for each player colour', () => {
    const names = PAINTS.slice(0, PLAYER_COLOURS).map((paint) => paint.name);
    expect(new Set(names).size).toBe(12);
  });

  it('can be read as text on a panel', () => {
    for (const paint of PAINTS.slice(0, PLAYER_COLOURS)) {
      expect(contrast(paint.tint), `${paint.name} on a panel`).toBeGreaterThan(4.5);
      expect(contrast(paint.light), `${paint.name}'s names over ships`).toBeGreaterThan(7);
    }
  });

  it('paints a colour that it does not know as stone', () => {
    expect(paintOf(200)).toBe(PAINTS[STONE]);
    expect(paintOf(-1)).toBe(PAINTS[STONE]);
    expect(paintOf(3).name).toBe('Jade');
  });
});
