import { describe, expect, it } from 'vitest';
import { Track } from './interpolation.ts';
import type { FieldKind } from './schema.ts';

const place: FieldKind = { type: 'vector', axes: 2, axis: { type: 'number', min: -100, step: 0.5, codeMax: 65_535 } };
const angle: FieldKind = { type: 'angle', bits: 10 };

/** A track of states at ticks. */
function track(...states: readonly (readonly [tick: number, ...codes: number[]])[]): Track {
  const result = new Track(states[0]!.length - 1);
  for (const [tick, ...codes] of states) {
    if (result.push(tick)) result.set(0, Uint32Array.from(codes), 0, codes.length);
  }
  return result;
}

function at(subject: Track, tick: number, kind: FieldKind): unknown {
  subject.seek(tick);
  return subject.read(kind, 0, undefined);
}

describe('track', () => {
  it('lies between two states in proportion, on the scale of the game', () => {
    const subject = track([10, 1000, 0], [12, 1100, 40]);
    expect(at(subject, 10, place)).toEqual([400, -100]);
    expect(at(subject, 11.5, place)).toEqual([437.5, -85]);
    expect(at(subject, 12, place)).toEqual([450, -80]);
  });

  it('goes on a little beyond the newest state, and holds then', () => {
    const subject = track([10, 1000, 0], [11, 1100, 0]);
    expect(at(subject, 12, place)).toEqual([500, -100]);
    expect(at(subject, 13, place)).toEqual([550, -100]);
    expect(at(subject, 60, place)).toEqual([550, -100]);
  });

  it('shows a first state as it is, and the oldest one where the moment is before it', () => {
    expect(at(track([10, 1000, 0]), 9, place)).toEqual([400, -100]);
    expect(at(track([10, 1000, 0]), 14, place)).toEqual([400, -100]);
    expect(at(track([10, 1000, 0], [11, 1100, 0]), 3, place)).toEqual([400, -100]);
  });

  it('turns the shorter way round', () => {
    const subject = track([0, 1020], [1, 4]);
    expect(at(subject, 0.5, angle)).toBe(0);
    expect(at(subject, 0.25, angle)).toBe(1022);
    const back = track([0, 4], [1, 1020]);
    expect(at(back, 0.75, angle)).toBe(1022);
  });

  it('puts what was moved elsewhere there at once', () => {
    const subject = track([0, 1000, 1000], [1, 1010, 1000], [2, 40_000, 1000], [3, 40_010, 1000]);
    expect(at(subject, 1.9, place)).toEqual([405, 400]);
    expect(at(subject, 2, place)).toEqual([19_900, 400]);
    expect(at(subject, 2.5, place)).toEqual([19_902.5, 400]);
  });

  it('takes fast motion for motion, also after a pause between frames', () => {
    const subject = track([0, 1000, 0], [1, 1500, 0], [11, 6500, 0]);
    expect(at(subject, 6, place)).toEqual([1900, -100]);
  });

  it('keeps the older tick of a state that a frame left out', () => {
    const leftOut = Array.from({ length: 30 }, (): [number, number, number] => [1, 100, 0]);
    const subject = track([0, 0, 0], ...leftOut, [4, 400, 0]);
    expect(at(subject, 2.5, place)).toEqual([25, -100]);
    expect(at(subject, 0.5, place), 'nor do they push out the state before').toEqual([-75, -100]);
  });

  it('remembers enough states for a long delay', () => {
    const subject = new Track(2);
    for (let tick = 0; tick < 1000; tick += 1) {
      subject.push(tick);
      subject.set(0, Uint32Array.from([tick * 10, 0]), 0, 2);
    }
    expect(at(subject, 987.5, place)).toEqual([4837.5, -100]);
  });

  it('turns a rotation evenly, with length one, whatever sign it came under', () => {
    const kind: FieldKind = { type: 'rotation', bits: 10 };
    // The largest of four parts is left out: here w, then x after a turn about x by more than a half.
    const subject = track([0, 3, 512, 512, 512], [1, 0, 512, 512, 812]);
    for (const tick of [0, 0.25, 0.5, 0.75, 1, 1.5]) {
      const [x, y, z, w] = at(subject, tick, kind) as [number, number, number, number];
      expect(Math.hypot(x, y, z, w)).toBeCloseTo(1, 6);
      expect(Math.abs(y)).toBeLessThan(0.01);
    }
    const half = at(subject, 0.5, kind) as number[];
    const end = at(subject, 1, kind) as number[];
    expect(half[0]! * end[0]!).toBeGreaterThan(0);
    expect(Math.abs(half[0]!)).toBeLessThan(Math.abs(end[0]!));
  });
});
