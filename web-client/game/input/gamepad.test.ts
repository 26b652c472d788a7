import { describe, expect, it } from 'vitest';
import { readGamepad, readPad } from './gamepad.ts';

const pad = (axes: number[], pressed: number[]): Pick<Gamepad, 'axes' | 'buttons'> => ({
  axes,
  buttons: Array.from({ length: 16 }, (_, at) => ({ pressed: pressed.includes(at), touched: false, value: 0 })),
});

describe('gamepad', () => {
  it('steers where the stick points, and not at all while it rests', () => {
    expect(readPad(pad([0, 1], [])).aimRadians).toBeCloseTo(Math.PI / 2);
    expect(readPad(pad([0.2, -0.1], [])).aimRadians).toBeUndefined();
  });

  it('fires and thrusts on either side', () => {
    expect(readPad(pad([0, 0], [7]))).toMatchObject({ fire: true, thrust: false });
    expect(readPad(pad([0, 0], [6]))).toMatchObject({ fire: false, thrust: true });
  });

  it('is at rest where there is none', () => {
    expect(readGamepad([null, null])).toEqual({ fire: false, thrust: false, aimRadians: undefined });
  });
});
