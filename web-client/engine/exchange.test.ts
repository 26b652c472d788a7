import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decodeServerMessage, encodeGameMessage, encodeTokenMessage, REQUEST_KIND } from './codec.ts';
import { FrameReader, Requester } from './exchange.ts';
import { requestBody } from './posting.ts';

// Rust wrote these bytes, and a Rust test fails when it would write others.
const golden: {
  requests: { bytes: number[]; kind: string; send: number[] | null; second: number[] | null }[];
  answer: { bytes: number[]; lengths: number[]; length: number };
  messages: { client: number[]; token: number[]; server: number[]; expiry: number[] };
} = JSON.parse(readFileSync(new URL('../../tests/golden/messages.json', import.meta.url), 'utf8'));

const KINDS = { stream: REQUEST_KIND.stream, 'held poll': REQUEST_KIND.heldPoll, poll: REQUEST_KIND.poll };

describe('requester', () => {
  it('asks step by step for what Rust asks for', () => {
    for (const { bytes, kind, send, second } of golden.requests) {
      const requester = new Requester(new Uint8Array(16).fill(7), KINDS[kind as keyof typeof KINDS]);
      const body = (pending: { body: Uint8Array } | undefined): number[] | null =>
        pending === undefined ? null : [...requestBody(pending.body)];
      requester.push(Uint8Array.from([1, 2]));
      expect(body(requester.pollPoll()), kind).toEqual(bytes);
      requester.push(new Uint8Array(300).fill(3));
      requester.push(Uint8Array.from([4]));
      expect(body(requester.pollSend()), kind).toEqual(send);
      const frames = requester.handlePollAnswered(1, Uint8Array.from([0, 0, 1, 9, 0]));
      expect(frames.map((frame) => [...frame])).toEqual([[9]]);
      expect(body(requester.pollPoll()), kind).toEqual(second);
    }
  });

  it('takes an answer once', () => {
    const requester = new Requester(new Uint8Array(16), REQUEST_KIND.heldPoll);
    expect(requester.pollPoll()?.number).toBe(1);
    expect(requester.pollPoll(), 'one at a time').toBeUndefined();
    expect(requester.handlePollAnswered(1, Uint8Array.from([1, 9]))).toHaveLength(1);
    expect(requester.handlePollAnswered(1, Uint8Array.from([1, 9]))).toHaveLength(0);
    expect(requester.pollPoll()?.number).toBe(2);
  });
});

describe('frame reader', () => {
  it('finds frames whatever the pieces, and skips padding', () => {
    const { bytes, lengths, length } = golden.answer;
    const body = new Uint8Array(length).fill(4);
    body.set(bytes);
    for (const size of [1, 7, 1000, length]) {
      const reader = new FrameReader();
      const read: Uint8Array[] = [];
      for (let at = 0; at < length; at += size) read.push(...reader.push(body.subarray(at, at + size)));
      expect(read.map((frame) => frame.length)).toEqual(lengths);
      expect(read.map((frame) => frame[0])).toEqual([1, 2, 3, 4]);
      expect(reader.isEmpty).toBe(true);
    }
  });

  it('refuses a length that no frame has', () => {
    expect(() => new FrameReader().push(Uint8Array.from([252, 255, 255, 255, 255]))).toThrow();
    expect(() => new FrameReader().push(Uint8Array.from([253]))).toThrow();
  });
});

describe('messages', () => {
  it('are written as Rust does', () => {
    expect([...encodeGameMessage(Uint8Array.from([5, 6]))]).toEqual(golden.messages.client);
    expect([...encodeTokenMessage('tøken')]).toEqual(golden.messages.token);
  });

  it('are read as Rust writes them', () => {
    const read = (bytes: readonly number[]) => decodeServerMessage(Uint8Array.from(bytes));
    expect(read(golden.messages.server)).toEqual({ type: 'game', tick: 300, body: Uint8Array.from([7]) });
    expect(read(golden.messages.expiry)).toEqual({ type: 'token', seconds: 70_000 });
    expect(() => read([9])).toThrow();
  });
});
