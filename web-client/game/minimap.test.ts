import { describe, expect, it } from 'vitest';
import { RADAR_CELLS, WORLD_UNITS } from './field.ts';
import { cellCentre, mapCoordinate } from './minimap.ts';

describe('minimap', () => {
  it('keeps the whole world within its frame, centred', () => {
    expect(mapCoordinate(0, 200)).toBeGreaterThan(0);
    expect(mapCoordinate(WORLD_UNITS, 200)).toBeLessThan(200);
    expect(mapCoordinate(WORLD_UNITS / 2, 200)).toBe(100);
  });

  it('puts a radar cell where its ships are', () => {
    expect(cellCentre(0)).toBe(WORLD_UNITS / RADAR_CELLS / 2);
    expect(cellCentre(RADAR_CELLS - 1)).toBe(WORLD_UNITS - WORLD_UNITS / RADAR_CELLS / 2);
  });
});
