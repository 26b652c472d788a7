import { describe, expect, it } from 'vitest';
import { Predictor, type Word } from './predictor.ts';
import type { Rules, Words } from './rules.ts';
import { seeded } from './seeded.ts';

/** A sled on a line: an input pushes it, and friction takes a quarter of its speed away. It says how hard it was pushed. */
const sled: Rules = {
  stateWords: 4,
  inputWords: 2,
  step(state, [push, turn]) {
    state[1] = Math.trunc((state[1]! * 3) / 4) + push!;
    state[0] = state[0]! + state[1]!;
    state[2] = (state[2]! + turn! + 1024) % 1024;
    state[3] = push!;
  },
};
const WORDS: readonly Word[] = [
  { type: 'place' },
  { type: 'value' },
  { type: 'angle', turn: 1024 },
  { type: 'output' },
];
const JUMP = 1000;

function predictor(rules = sled, tolerance = 0): Predictor {
  return new Predictor({ rules, words: WORDS, jump: JUMP, tolerance });
}

function words(...values: readonly number[]): Words {
  return Float64Array.from(values);
}

/** What a server makes of inputs, some of which never came. */
function serve(from: Words, inputs: readonly (Words | undefined)[]): Words {
  const state = from.slice();
  let last = words(0, 0);
  let repeated = 0;
  for (const input of inputs) {
    repeated = input === undefined ? repeated + 1 : 0;
    last = input ?? (repeated > 5 ? words(0, 0) : last);
    sled.step(state, last);
  }
  return state;
}

describe('predictor', () => {
  it('steps inputs at once, from the first state of the server on', () => {
    const subject = predictor();
    subject.commit(10, words(8, 0));
    expect(subject.isSet).toBe(false);
    subject.handleState(9, words(100, 0, 0, 0));
    expect([...subject.state(10)!]).toEqual([108, 8, 0, 8]);
    subject.commit(11, words(8, 3));
    expect([...subject.state(11)!]).toEqual([122, 14, 3, 8]);
    expect(subject.draw(11, 0)[0]).toBe(122);
  });

  it('moves in the picture after a key, in the middle of a tick', () => {
    const subject = predictor();
    subject.handleState(9, words(100, 0, 0, 0));
    subject.commit(10, words(0, 0));
    subject.look(words(0, 0));
    expect(subject.draw(10.5, 0)[0]).toBe(100);
    subject.look(words(8, 0));
    expect(subject.draw(10.6, 5)[0]).toBeCloseTo(104.8, 9);
    subject.commit(11, words(8, 0));
    expect(subject.draw(11, 25)[0]).toBeCloseTo(108, 9);
  });

  it('is never corrected by a server that held every input', () => {
    const random = seeded(3);
    const subject = predictor();
    const start = words(0, 0, 0, 0);
    subject.handleState(100, start);
    const inputs: Words[] = [];
    for (let tick = 101; tick < 2000; tick += 1) {
      const input = words(Math.floor(random() * 40) - 20, Math.floor(random() * 80) - 40);
      inputs.push(input);
      subject.commit(tick, input);
      subject.look(input);
      subject.draw(tick + random(), tick * 50);
      const seen = tick - 7;
      if (seen > 100) expect(subject.handleState(seen, serve(start, inputs.slice(0, seen - 100)))).toBe(true);
    }
    expect(subject.corrections.count).toBe(0);
  });

  it('goes on from what the server did where an input was missing', () => {
    const subject = predictor();
    const start = words(0, 0, 0, 0);
    subject.handleState(0, start);
    const inputs = Array.from({ length: 12 }, (_, at) => words(at % 3 === 0 ? 16 : -8, 5));
    inputs.forEach((input, at) => {
      subject.commit(at + 1, input);
    });
    // The fourth was late: the third went on in its place.
    const held = inputs.map((input, at) => (at === 3 ? undefined : input));
    expect(subject.handleState(4, serve(start, held.slice(0, 4)))).toBe(false);
    expect([...subject.state(12)!]).toEqual([...serve(start, held)]);
    expect(subject.corrections.count).toBe(1);
    expect(subject.handleState(5, serve(start, held.slice(0, 5)))).toBe(true);
  });

  it('steps ticks for which nothing was sent as the server does: the last input goes on for five', () => {
    const subject = predictor();
    const start = words(0, 0, 0, 0);
    subject.handleState(0, start);
    subject.commit(1, words(16, 1));
    subject.commit(11, words(4, 0));
    const silence = new Array<undefined>(9).fill(undefined);
    expect([...subject.state(11)!]).toEqual([...serve(start, [words(16, 1), ...silence, words(4, 0)])]);
  });

  it('bends over to what is right without a jump, and without going past it', () => {
    const subject = predictor();
    subject.handleState(0, words(0, 0, 1020, 0));
    subject.commit(1, words(0, 0));
    subject.look(words(0, 0));
    expect([...subject.draw(1.5, 1000)]).toEqual([0, 0, 1020, 0]);
    // Somebody pushed it.
    subject.handleState(1, words(40, 0, 4, 0));
    const [place, , angle] = subject.draw(1.5, 1000);
    expect(place).toBeCloseTo(0, 9);
    expect(angle, 'the shorter way').toBeCloseTo(-4, 9);
    let before = place!;
    for (let nowMs = 1016; nowMs < 1400; nowMs += 16) {
      const drawn = subject.draw(1.5, nowMs)[0]!;
      expect(drawn).toBeGreaterThan(before);
      expect(drawn).toBeLessThan(40);
      before = drawn;
    }
    expect(before).toBeGreaterThan(38);
    expect(subject.corrections).toEqual({ count: 1, last: 40, sum: 40, most: 40 });
  });

  it('does not take what the player wants now for an error', () => {
    const subject = predictor();
    subject.handleState(0, words(0, 0, 0, 0));
    subject.commit(1, words(0, 0));
    subject.look(words(40, 0));
    expect(subject.draw(1.5, 0)[0]).toBe(20);
    subject.handleState(1, words(8, 0, 0, 0));
    expect(subject.corrections.last).toBe(8);
    expect(subject.draw(1.5, 0)[0]).toBeCloseTo(20, 9);
  });

  it('puts what is somewhere else now there at once', () => {
    const subject = predictor();
    subject.handleState(0, words(0, 0, 0, 0));
    subject.commit(1, words(0, 0));
    subject.draw(1, 0);
    subject.handleState(1, words(JUMP + 1, 0, 0, 0));
    expect(subject.draw(1, 0)[0]).toBe(JUMP + 1);
    subject.clear();
    expect(subject.isSet).toBe(false);
    subject.handleState(2, words(7, 0, 0, 0));
    expect(subject.draw(2, 16)[0]).toBe(7);
  });

  it('takes what is nearly right for right, where the rules are in floats', () => {
    const subject = predictor(sled, 0.01);
    subject.handleState(0, words(0, 0, 0, 0));
    subject.commit(1, words(5, 0));
    expect(subject.handleState(1, words(5.009, 5, 0, 0))).toBe(true);
    expect(subject.handleState(1, words(5.02, 5, 0, 0))).toBe(false);
  });

  it('goes on from what was, after a silence in which nothing happened', () => {
    const subject = predictor();
    subject.handleState(10, words(100, 0, 0, 0));
    subject.commit(1000, words(5, 0));
    expect([...subject.state(1000)!]).toEqual([105, 5, 0, 5]);
  });

  it('begins anew with a server that counts anew', () => {
    const subject = predictor();
    subject.handleState(50_000, words(0, 0, 0, 0));
    subject.commit(50_001, words(5, 0));
    subject.handleState(3, words(70, 0, 0, 0));
    subject.commit(5, words(5, 0));
    subject.handleState(4, words(70, 0, 0, 0));
    expect([...subject.state(5)!]).toEqual([75, 5, 0, 5]);
  });

  it('says where rules and their description differ', () => {
    expect(() => new Predictor({ rules: sled, words: [], jump: 1 })).toThrow('rules of 4 words, described as 0');
  });
});
