import { describe, expect, it } from 'vitest';
import { type Bend, bendsOf, Track } from './interpolation.ts';
import type { FieldKind } from './schema.ts';

const place: FieldKind = { type: 'vector', axes: 2, axis: { type: 'number', min: -100, step: 0.5, codeMax: 65_535 } };
const angle: FieldKind = { type: 'angle', bits: 10 };
const rotation: FieldKind = { type: 'rotation', bits: 10 };

const BEYOND_TICKS = 2;

/** A track of states at ticks. */
function track(...states: readonly (readonly [tick: number, ...codes: number[]])[]): Track {
  const lanes = states[0]!.length - 1;
  const bends: readonly Bend[] = lanes === 1 ? bendsOf(angle) : lanes === 2 ? bendsOf(place) : bendsOf(rotation);
  const result = new Track(bends, BEYOND_TICKS);
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

  it('bends over to what the next state says where motion went another way, without a jump', () => {
    const subject = track([0, 1000, 0], [1, 1100, 0]);
    const drawn = [at(subject, 2.5, place) as number[]];
    // It went slower than before; by now there are two states that say so.
    for (let tick = 2; tick <= 14; tick += 1) {
      subject.push(tick);
      subject.set(0, Uint32Array.from([1100 + 60 * (tick - 1), 0]), 0, 2);
    }
    for (let tick = 2.6; tick < 14; tick += 0.1) drawn.push(at(subject, tick, place) as number[]);
    for (let step = 1; step < drawn.length; step += 1) {
      const way = drawn[step]![0]! - drawn[step - 1]![0]!;
      expect(way, 'never backwards').toBeGreaterThan(0);
      expect(way, 'nor by more than it goes at its fastest').toBeLessThan(5.1);
    }
    expect(drawn[1]![0]! - drawn[0]![0]!, 'it goes on from where it was drawn').toBeLessThan(3);
    expect(drawn.at(-1)![0], 'and ends where it should be').toBeCloseTo(-100 + 1880 / 2, -1);
  });

  it('bends angles the shorter way', () => {
    const subject = track([0, 1000], [1, 1020]);
    expect(at(subject, 2, angle)).toBe(16);
    subject.push(2);
    subject.set(0, Uint32Array.from([1020]), 0, 1);
    expect(at(subject, 2, angle), 'as drawn').toBeCloseTo(16, 6);
    subject.push(3);
    subject.set(0, Uint32Array.from([1020]), 0, 1);
    expect(at(subject, 3, angle)).toBeCloseTo(1020 + 20 * Math.exp(-1 / 3) - 1024, 6);
  });

  it('does not bend over to what was put elsewhere', () => {
    const subject = track([0, 1000, 0], [1, 1100, 0]);
    at(subject, 2, place);
    subject.push(2);
    subject.set(0, Uint32Array.from([40_000, 0]), 0, 2);
    expect(at(subject, 2, place)).toEqual([19_900, -100]);
  });

  it('remembers enough states for a long delay', () => {
    const subject = new Track(bendsOf(place), BEYOND_TICKS);
    for (let tick = 0; tick < 1000; tick += 1) {
      subject.push(tick);
      subject.set(0, Uint32Array.from([tick * 10, 0]), 0, 2);
    }
    expect(at(subject, 987.5, place)).toEqual([4837.5, -100]);
  });

  it('turns a rotation evenly, with length one, whatever sign it came under', () => {
    // The largest of four parts is left out: here w, then x after a turn about x by more than a half.
    const subject = track([0, 3, 512, 512, 512], [1, 0, 512, 512, 812]);
    for (const tick of [0, 0.25, 0.5, 0.75, 1, 1.5]) {
      const [x, y, z, w] = at(subject, tick, rotation) as [number, number, number, number];
      expect(Math.hypot(x, y, z, w)).toBeCloseTo(1, 6);
      expect(Math.abs(y)).toBeLessThan(0.01);
    }
    const half = at(subject, 0.5, rotation) as number[];
    const end = at(subject, 1, rotation) as number[];
    expect(half[0]! * end[0]!).toBeGreaterThan(0);
    expect(Math.abs(half[0]!)).toBeLessThan(Math.abs(end[0]!));
  });
});
