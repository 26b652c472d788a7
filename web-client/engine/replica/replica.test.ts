import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Protocol } from '../schema.ts';
import { FrameError } from './frame-error.ts';
import { Replica, type Slot } from './replica.ts';
import { hasComponent, NO_REFERENCE } from './values.ts';

interface Values {
  readonly codes: readonly number[];
  readonly sequences: readonly (readonly number[])[];
}

interface GoldenFrame {
  readonly bytes: string;
  readonly tick: number;
  readonly inputApplied: number;
  readonly entities: readonly { slot: number; netId: number | null; components: Record<string, Values> }[];
  readonly events: readonly (Values & { name: string; tick: number })[];
}

interface Golden {
  readonly protocol: Protocol;
  readonly clients: readonly { readonly frames: readonly GoldenFrame[] }[];
}

// The Rust encoder wrote this file, and a Rust test fails when it would write another.
const path = new URL('../../../tests/golden/frames.json', import.meta.url);
const golden: Golden = JSON.parse(readFileSync(path, 'utf8'));
const { protocol } = golden;

describe('replica', () => {
  golden.clients.forEach(({ frames }, number) => {
    it(`decodes the ${frames.length} golden frames of client ${number} as Rust does`, () => {
      const replica = new Replica(protocol);
      for (const frame of frames) {
        const info = replica.apply(bytesOf(frame.bytes));
        expect(info.tick).toBe(frame.tick);
        expect(info.inputApplied).toBe(frame.inputApplied);
        expect(info.checksum, 'no checksum may differ').not.toBe(false);
        expect(entitiesOf(replica)).toEqual(frame.entities);
        expect(eventsOf(replica)).toEqual(
          frame.events.map(({ name, ...event }) => ({ name: lowerCamel(name), ...event })),
        );
      }
    });
  });

  it('takes nothing after an error until a fresh frame comes', () => {
    const replica = new Replica(protocol);
    const [fresh, second] = golden.clients[0]!.frames;
    replica.apply(bytesOf(fresh!.bytes));
    expect(() => replica.apply(new Uint8Array(4))).toThrow(FrameError);
    expect(replica.tick).toBeUndefined();
    expect(() => replica.apply(bytesOf(second!.bytes))).toThrow('no base');
    expect(replica.apply(bytesOf(fresh!.bytes)).isFresh).toBe(true);
  });

  it('ends in a frame error, whatever the bytes', () => {
    const random = mulberry32(7);
    const frames = golden.clients.flatMap((client) => client.frames.map((frame) => bytesOf(frame.bytes)));
    let refused = 0;
    for (let round = 0; round < 2000; round += 1) {
      const replica = new Replica(protocol);
      if (round % 2 === 0) replica.apply(bytesOf(golden.clients[0]!.frames[0]!.bytes));
      const bytes = Uint8Array.from(frames[Math.floor(random() * frames.length)]!);
      for (let change = 0; change <= random() * 4; change += 1) {
        bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
      }
      try {
        replica.apply(bytes.subarray(0, Math.ceil(random() * 2 * bytes.length)));
      } catch (error) {
        expect(error).toBeInstanceOf(FrameError);
        refused += 1;
      }
    }
    expect(refused, 'most damage is noticed').toBeGreaterThan(1500);
  }, 60_000);
});

function entitiesOf(replica: Replica): unknown[] {
  return replica.slots.flatMap((slot, number) => {
    if (!slot.isSeen) return [];
    return [{ slot: number, netId: slot.netId ?? null, components: componentsOf(replica, slot) }];
  });
}

function componentsOf(replica: Replica, slot: Slot): Record<string, Values> {
  const components: Record<string, Values> = {};
  protocol.components.forEach((component, number) => {
    for (const sub of slot.groups) {
      if (sub === undefined || !hasComponent(sub.maskLow, sub.maskHigh, number)) continue;
      const codes: number[] = [];
      const sequences: number[][] = [];
      for (const field of sub.record.fields) {
        if (field.component !== number) continue;
        for (let at = field.lanes[0]; at < field.lanes[1]; at += 1) {
          const code = sub.codes[at]!;
          const isHidden = field.coding.type === 'reference' && replica.find(code) === undefined;
          codes.push(isHidden ? NO_REFERENCE : code);
        }
        if (field.sequence >= 0) sequences.push([...sub.sequences[field.sequence]!]);
      }
      components[upperCamel(component.name)] = { codes, sequences };
    }
  });
  return components;
}

/** Events by kind, as the golden file has them. */
function eventsOf(replica: Replica): unknown[] {
  return protocol.events.flatMap(({ name }, number) =>
    replica.events
      .filter((event) => event.number === number)
      .map(({ tick, codes, sequences }) => ({
        name,
        tick,
        codes: [...codes],
        sequences: sequences.map((sequence) => [...sequence]),
      })),
  );
}

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
}

function upperCamel(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}

function lowerCamel(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}

function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
