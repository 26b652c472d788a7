import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { ChannelRequest } from './channel-messages.ts';
import {
  type ClientFrame,
  DecodeError,
  decodeServerFrame,
  decodeServerMessage,
  encodeChannelMessage,
  encodeClientFrame,
} from './codec.ts';
import { close, update, welcome } from './fake-server.ts';
import { encodeRecord, type GameRecord } from './records.ts';
import type { RecordSchema } from './schema.ts';
import { seeded } from './seeded.ts';

type Json = Record<string, unknown>;

// Rust wrote these bytes, and a Rust test fails when it would write others.
const golden: {
  client: { bytes: number[]; frame: Json }[];
  server: { bytes: number[]; frame: Json }[];
  records: { record: 'input' | 'join'; bytes: number[]; value: GameRecord }[];
  channelRequests: ({ bytes: number[] } & Json)[];
  channelMessages: { bytes: number[]; message: Json }[];
} = JSON.parse(readFileSync(new URL('../../tests/golden/messages.json', import.meta.url), 'utf8'));

/** The records of the golden file, which is the arena's. */
const schemas: Record<'input' | 'join', RecordSchema> = {
  input: {
    name: 'controls',
    fields: [
      { name: 'thrust', kind: { type: 'flag' } },
      { name: 'fire', kind: { type: 'flag' } },
      { name: 'turn', kind: { type: 'number', min: -40, step: 1, codeMax: 80 } },
    ],
  },
  join: {
    name: 'joinRequest',
    fields: [
      { name: 'name', kind: { type: 'text', lenMax: 16 } },
      { name: 'colour', kind: { type: 'number', min: 0, step: 1, codeMax: 11 } },
    ],
  },
};

describe('codec', () => {
  it('writes frames to the server as Rust does', () => {
    for (const { bytes, frame } of golden.client) {
      expect([...encodeClientFrame(clientFrameOf(frame))], JSON.stringify(frame).slice(0, 80)).toEqual(bytes);
    }
  });

  it('reads frames from the server as Rust wrote them', () => {
    for (const { bytes, frame } of golden.server) {
      expect(plain(decodeServerFrame(Uint8Array.from(bytes)))).toEqual(frame);
    }
  });

  it('asks of channels as Rust does', () => {
    for (const { bytes, ...request } of golden.channelRequests) {
      const asked = asIs(request) as unknown as ChannelRequest;
      expect([...encodeChannelMessage(asked)], JSON.stringify(request)).toEqual(bytes);
    }
  });

  it('reads what Rust says of channels, and refuses what is cut short', () => {
    for (const { bytes, message } of golden.channelMessages) {
      expect(plain(decodeServerMessage(Uint8Array.from(bytes)))).toEqual({ type: 'channel', message });
      for (let length = 0; length < bytes.length; length += 1) {
        expect(() => decodeServerMessage(Uint8Array.from(bytes.slice(0, length)))).toThrow(DecodeError);
      }
    }
  });

  it('writes inputs and join requests as Rust does', () => {
    for (const { record, bytes, value } of golden.records) {
      expect([...encodeRecord(schemas[record], value)], JSON.stringify(value)).toEqual(bytes);
    }
  });

  it('puts values that are off the grid, or none at all, onto it', () => {
    const { input } = schemas;
    const neutral = encodeRecord(input, { thrust: false, fire: false, turn: 0 });
    expect(encodeRecord(input, { turn: Number.NaN })).toEqual(neutral);
    expect(encodeRecord(input, { turn: 0.4 })).toEqual(neutral);
    expect(encodeRecord(input, { turn: 1e9 })).toEqual(encodeRecord(input, { turn: 40 }));
  });

  it('ends in a frame or a decode error, whatever the bytes', () => {
    const random = seeded(3);
    const frames = golden.server.map(({ bytes }) => bytes);
    let refused = 0;
    for (let round = 0; round < 20_000; round += 1) {
      const bytes = Uint8Array.from(frames[Math.floor(random() * frames.length)]!);
      bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
      try {
        decodeServerFrame(bytes.subarray(0, Math.ceil(random() * 1.5 * bytes.length)));
      } catch (error) {
        expect(error).toBeInstanceOf(DecodeError);
        refused += 1;
      }
    }
    expect(refused).toBeGreaterThan(5_000);
  });

  it('refuses what is cut short, what goes on, and what means nothing', () => {
    const whole = update({ state: new Uint8Array(300), clock: { stampMs: 1, heldMs: 2, tick: 3, tickFraction: 4 } });
    for (let length = 0; length < whole.length; length += 1) {
      expect(() => decodeServerFrame(whole.subarray(0, length))).toThrow(DecodeError);
    }
    expect(() => decodeServerFrame(Uint8Array.from([...whole, 0]))).toThrow(DecodeError);
    expect(() => decodeServerFrame(Uint8Array.from([9]))).toThrow(DecodeError);
    expect(() => decodeServerFrame(Uint8Array.from([2, 200, 0, 0]))).toThrow(DecodeError);
    expect(() => decodeServerFrame(Uint8Array.from([1, 0, 2, 1, 0, 0]))).toThrow(DecodeError);
    expect(() => decodeServerFrame(welcome(0)), 'timers are set by it').toThrow(DecodeError);
    const notText = close('Kicked', 'a');
    notText[3] = 0xff;
    expect(() => decodeServerFrame(notText)).toThrow(DecodeError);
  });
});

function clientFrameOf(frame: Json): ClientFrame {
  const bytes = (value: unknown): Uint8Array => Uint8Array.from(value as number[]);
  switch (frame['type']) {
    case 'hello':
      return {
        ...frame,
        join: bytes(frame['join']),
        session: bytes(frame['session']),
      } as ClientFrame;
    case 'update':
      return {
        ...frame,
        stampMs: frame['stampMs'] ?? undefined,
        inputs: (frame['inputs'] as unknown[]).map(bytes),
        messages: (frame['messages'] as unknown[]).map(bytes),
        report: bytes(frame['report']),
      } as unknown as ClientFrame;
    default:
      return frame as ClientFrame;
  }
}

/** Lists of bytes as bytes, null as undefined: the inverse of `plain`. */
function asIs(value: unknown): unknown {
  if (Array.isArray(value)) return Uint8Array.from(value as number[]);
  if (typeof value !== 'object' || value === null) return value ?? undefined;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, asIs(part)]));
}

/** Bytes as lists, as JSON has them; what is not there as null. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return [...value];
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value ?? null;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, plain(part)]));
}
