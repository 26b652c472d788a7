import { describe, expect, it } from 'vitest';
import { protocol, states } from './fake-server.ts';
import { Replica } from './replica/replica.ts';
import { type EntityBase, World } from './world.ts';

interface Entity extends EntityBase {
  readonly motion: { readonly position: [number, number]; readonly velocity: [number, number] } | undefined;
  readonly label: { readonly name: string; readonly kind: string } | undefined;
  readonly link: { readonly target: number | undefined } | undefined;
}

/** Golden states before their ticks wrap around. */
const early = states.slice(0, 18);
const firstTick = states[0]!.tick;

/** A world whose pictures are at the tick that the test says. */
function drawn() {
  const world = new World<Entity>(protocol);
  const replica = new Replica(protocol);
  const events: string[] = [];
  const moment = { tick: Number.NEGATIVE_INFINITY };
  world.attach(
    () => moment.tick,
    (name) => events.push(name),
  );
  return {
    world,
    replica,
    events,
    take: (count: number, from = 0) => {
      for (const { bytes } of early.slice(from, from + count)) {
        const info = replica.apply(bytes);
        world.handleState(replica, info.tick, info.isFresh);
      }
    },
    draw: (tick: number, nowMs = tick) => {
      moment.tick = tick;
      world.advance(nowMs);
    },
  };
}

describe('world', () => {
  it('shows entities from the tick of their first state on', () => {
    const { world, take, draw } = drawn();
    take(2);
    draw(firstTick - 0.5);
    expect(world.entities).toHaveLength(0);
    draw(firstTick, 77);
    expect(world.entities.length).toBeGreaterThan(5);
    for (const entity of world.entities) expect(entity.enteredAtMs).toBe(77);
  });

  it('draws what moves between its states', () => {
    const { world, replica, take, draw } = drawn();
    take(1);
    const moving = replica.slots.findIndex(({ groups }) => (groups[0]!.codes[0] ?? 0) > 0);
    const before = replica.slots[moving]!.groups[0]!.codes.slice(0, 2);
    take(1, 1);
    const after = replica.slots[moving]!.groups[0]!.codes.slice(0, 2);
    draw(firstTick + 0.5);
    const entity = world.entities.find(({ slot }) => slot === moving)!;
    const { min, step } = motionAxis();
    expect(after).not.toEqual(before);
    expect(entity.motion!.position[0]).toBeCloseTo(min + ((before[0]! + after[0]!) / 2) * step, 6);
    expect(entity.motion!.position[1]).toBeCloseTo(min + ((before[1]! + after[1]!) / 2) * step, 6);
  });

  it('keeps an object per entity and life, and changes it in place', () => {
    const { world, take, draw } = drawn();
    take(3);
    draw(firstTick);
    const entities = [...world.entities];
    const places = entities.map(({ motion }) => motion?.position);
    draw(firstTick + 1.5);
    expect([...world.entities]).toEqual(expect.arrayContaining(entities.slice(0, 1)));
    world.entities.forEach((entity, number) => {
      expect(entity).toBe(entities[number]);
      expect(entity.motion?.position).toBe(places[number]);
    });
  });

  it('tells of those who come and go when pictures reach them, each once', () => {
    const { world, take, draw } = drawn();
    const there = new Set<Entity>();
    let gone = 0;
    world.on('enter', (entity) => {
      expect(there.has(entity)).toBe(false);
      there.add(entity);
    });
    world.on('leave', (entity) => {
      expect(there.delete(entity)).toBe(true);
      gone += 1;
    });
    take(early.length);
    for (let tick = firstTick; tick < firstTick + early.length + 3; tick += 0.3) {
      draw(tick);
      expect(new Set(world.entities)).toEqual(there);
    }
    expect(gone, 'the golden world has some that leave').toBeGreaterThan(0);
  });

  it('finds entities by reference while they are shown', () => {
    const { world, take, draw } = drawn();
    take(early.length);
    let found = 0;
    for (let tick = firstTick; tick < firstTick + early.length; tick += 1) {
      draw(tick);
      for (const { link } of world.entities) {
        const target = world.find(link?.target);
        if (target === undefined) continue;
        expect(world.entities).toContain(target);
        found += 1;
      }
    }
    expect(found).toBeGreaterThan(0);
    expect(world.find(undefined)).toBeUndefined();
  });

  it('leaves out of pictures what is hidden, and finds it all the same', () => {
    const { world, replica, take, draw } = drawn();
    take(2);
    draw(firstTick);
    const { netId } = replica.slots.find((slot) => world.find(slot.netId) !== undefined)!;
    const entity = world.find(netId)!;
    world.hide(netId!, true);
    draw(firstTick + 0.5);
    expect(world.entities).not.toContain(entity);
    expect(world.find(netId)).toBe(entity);
    world.hide(netId!, false);
    draw(firstTick + 1);
    expect(world.entities).toContain(entity);
  });

  it('tells of events when pictures reach their tick, and not before', () => {
    const { events, take, draw } = drawn();
    take(4);
    draw(firstTick + 1.9);
    expect(events).toEqual([]);
    draw(firstTick + 2);
    expect(events).toHaveLength(2);
    draw(firstTick + 3);
    expect(events).toHaveLength(4);
  });

  it('goes over into a fresh view without an empty picture', () => {
    const { world, replica, take, draw } = drawn();
    take(3);
    draw(firstTick + 1);
    const before = new Set(world.entities);
    // The same states once more, as a new connection would bring them.
    const info = replica.apply(early[0]!.bytes);
    world.handleState(replica, info.tick + 2, true);
    draw(firstTick + 1.5);
    expect(world.entities.every((entity) => before.has(entity))).toBe(true);
    expect(world.entities.length).toBeGreaterThan(5);
    draw(firstTick + 2);
    expect(world.entities.every((entity) => !before.has(entity))).toBe(true);
    expect(world.entities.length).toBeGreaterThan(5);
  });

  it('keeps nothing of what nobody drew', () => {
    const { world, replica, events, take, draw } = drawn();
    take(1);
    let entered = 0;
    world.on('enter', () => {
      entered += 1;
    });
    // A page in the background for a while: states come, now and then a fresh view.
    take(2, 1);
    for (let round = 0; round < 2000; round += 1) world.handleState(replica, firstTick + 2 + round, round % 10 === 0);
    draw(firstTick + 2002);
    expect(entered, 'only what is there now').toBe(world.entities.length);
    expect(events, 'old news are none').toEqual([]);
  });
});

function motionAxis(): { min: number; step: number } {
  const { kind } = protocol.components.find(({ name }) => name === 'motion')!.fields[0]!;
  if (kind.type !== 'vector') throw new Error('the golden protocol has changed');
  return kind.axis;
}
