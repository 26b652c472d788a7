import { expect, test } from 'vitest';
import { ReliableSender } from './reliable.ts';

test('a frame takes as many messages as fit and never none', () => {
  const sender = new ReliableSender(100_000);
  for (const length of [3_000, 3_000, 1_000, 9_000, 1]) expect(sender.push(new Uint8Array(length))).toBe(true);
  const frames: number[][] = [];
  for (let frame = sender.pollMessages(); frame.messages.length > 0; frame = sender.pollMessages()) {
    frames.push([frame.first, frame.messages.length]);
  }
  expect(frames).toEqual([
    [1, 2],
    [3, 1],
    [4, 1],
    [5, 1],
  ]);
});
