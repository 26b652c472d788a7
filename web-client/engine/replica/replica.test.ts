import { describe, expect, it } from 'vitest';
import type { Protocol } from '../schema.ts';
import { type GoldenFrame, goldenWorlds, type Values } from './golden.ts';
import { Replica, type Slot } from './replica.ts';
import { hasComponent, NO_REFERENCE } from './values.ts';

const worlds = goldenWorlds();

describe('replica', () => {
  worlds.forEach(({ protocol, clients }, world) => {
    clients.forEach(({ frames, report }, number) => {
      it(`decodes the ${frames.length} golden frames of client ${number} in world ${world} as Rust does`, () => {
        const replica = new Replica(protocol);
        for (const frame of frames) expectGolden(replica, protocol, frame);
        expect(replica.report(), 'the server compares reports with what it believes').toEqual(report);
      });
    });
  });

  it('has frames of known archetypes to decode', () => {
    expect(worlds.some(({ protocol }) => protocol.model.archetypes.length > 0)).toBe(true);
  });

  it('starts anew with a fresh frame, in the midst of any other', () => {
    const { protocol, clients } = worlds[0]!;
    const replica = new Replica(protocol);
    for (const { frames } of clients) for (const frame of frames) expectGolden(replica, protocol, frame);
  });

  it('tells a slot’s tenants apart by its life', () => {
    const { protocol, clients } = worlds[0]!;
    const replica = new Replica(protocol);
    const tenants = new Map<string, number | undefined>();
    let moves = 0;
    for (const { bytes } of clients[0]!.frames) {
      replica.apply(bytes);
      replica.slots.forEach((slot, number) => {
        if (!slot.isSeen) return;
        const key = `${number} ${slot.life}`;
        if (tenants.has(key)) expect(slot.netId, 'one life, one entity').toBe(tenants.get(key));
        else moves += 1;
        tenants.set(key, slot.netId);
      });
    }
    expect(moves, 'slots are used again').toBeGreaterThan(replica.slots.length);
  });
});

/** Applies a frame and compares all that there is with what Rust had. */
function expectGolden(replica: Replica, protocol: Protocol, frame: GoldenFrame): void {
  const info = replica.apply(frame.bytes);
  expect(info.tick).toBe(frame.tick);
  expect(replica.tick).toBe(frame.tick);
  expect(info.inputApplied).toBe(frame.inputApplied);
  expect(info.checksum, 'no checksum may differ').not.toBe(false);
  expect(entitiesOf(replica, protocol)).toEqual(frame.entities);
  expect(eventsOf(replica, protocol)).toEqual(
    frame.events.map(({ name, ...event }) => ({ name: lowerCamel(name), ...event })),
  );
}

function entitiesOf(replica: Replica, protocol: Protocol): unknown[] {
  return replica.slots.flatMap((slot, number) => {
    if (!slot.isSeen) return [];
    return [{ slot: number, netId: slot.netId ?? null, components: componentsOf(replica, protocol, slot) }];
  });
}

function componentsOf(replica: Replica, protocol: Protocol, slot: Slot): Record<string, Values> {
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
function eventsOf(replica: Replica, protocol: Protocol): unknown[] {
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

function upperCamel(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}

function lowerCamel(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}
