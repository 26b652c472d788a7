import { describe, expect, it } from 'vitest';
import { protocol, states } from './fake-server.ts';
import { Prediction } from './prediction.ts';
import { Replica } from './replica/replica.ts';
import type { Rules } from './rules.ts';
import { type EntityBase, type NetId, World } from './world.ts';

interface Entity extends EntityBase {
  readonly motion: { readonly position: [number, number]; readonly velocity: [number, number] } | undefined;
}

const firstTick = states[0]!.tick;
/** Goes as far as the input says. */
const rules: Rules = {
  stateWords: 1,
  inputWords: 1,
  step: (state, input) => {
    state[0] = state[0]! + input[0]!;
  },
};

/** The golden world, of which one entity is the player's. */
function predicted(given: Rules | Promise<Rules | undefined> = rules) {
  const world = new World<Entity>(protocol);
  const replica = new Replica(protocol);
  const own = { netId: undefined as NetId | undefined, wish: 0, tick: firstTick + 0.5 };
  const prediction = new Prediction<Entity, number>(
    {
      rules: given,
      words: [{ type: 'place' }],
      jump: 1e6,
      own: () => own.netId,
      read: ({ motion }, state) => {
        state[0] = motion!.position[0];
      },
      command: (wish, words) => {
        words[0] = wish;
      },
      show: ({ motion }, drawn) => {
        motion!.position[0] = drawn[0]!;
      },
    },
    world,
    () => own.wish,
  );
  let present = firstTick;
  world.attach(
    () => own.tick,
    () => {},
    { draw: (nowMs) => prediction.draw(present, nowMs) },
  );
  const take = (at: number): void => {
    const info = replica.apply(states[at]!.bytes);
    if (at === 0)
      own.netId = replica.slots.find(({ netId, groups }) => netId !== undefined && groups[0] !== undefined)?.netId;
    world.handleState(replica, info.tick, info.isFresh);
    prediction.handleState();
  };
  const draw = (ticks: number, nowMs = 0): number | undefined => {
    present = firstTick + ticks;
    world.advance(nowMs);
    return world.find(own.netId)?.motion?.position[0];
  };
  return { world, prediction, own, take, draw };
}

describe('prediction', () => {
  it("draws the player's own in the present, and before pictures of others get there", () => {
    const { prediction, own, take, draw, world } = predicted();
    own.tick = firstTick - 5;
    take(0);
    const start = world.newest.find(own.netId)!.motion!.position[0];
    prediction.commit(firstTick + 1, 100);
    expect(draw(1)).toBe(start + 100);
    expect(world.entities, 'others are still to come').toHaveLength(1);
    own.wish = 50;
    expect(draw(1.5)).toBe(start + 125);
    expect(prediction.state![0], 'what the player only wants so far is not final').toBe(start + 100);
  });

  it('goes on from what the server says', () => {
    const { prediction, take, draw, own, world } = predicted();
    take(0);
    prediction.commit(firstTick + 1, 100);
    prediction.commit(firstTick + 2, 100);
    draw(2);
    take(1);
    const said = world.newest.find(own.netId)!.motion!.position[0];
    expect(prediction.state![0]).toBe(said + 100);
    expect(prediction.corrections!.count).toBe(1);
    expect(draw(2, 10_000)).toBe(said + 100);
  });

  it('begins when the rules are there, and not at all where there are none', async () => {
    const without = predicted(Promise.resolve(undefined));
    await Promise.resolve();
    without.take(0);
    without.prediction.commit(firstTick + 1, 100);
    const place = without.draw(1);
    expect(place).toBeDefined();
    expect(without.prediction.state).toBeUndefined();
    expect(without.prediction.corrections).toBeUndefined();
    const later = predicted(Promise.resolve(rules));
    later.take(0);
    expect(later.prediction.state).toBeUndefined();
    await Promise.resolve();
    later.take(1);
    later.prediction.commit(firstTick + 2, 100);
    expect(later.prediction.state).toBeDefined();
  });

  it('ends with what there was to control', () => {
    const { prediction, own, take, draw } = predicted();
    take(0);
    prediction.commit(firstTick + 1, 100);
    draw(1);
    own.netId = undefined;
    take(1);
    expect(prediction.state).toBeUndefined();
  });
});
