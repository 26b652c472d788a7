import { beforeEach, describe, expect, it } from 'vitest';
import type { Words } from './rules.ts';
import { type ShotOptions, type ShotState, Shots } from './shots.ts';
import type { EntityBase, NetId } from './world.ts';

interface Bolt extends EntityBase {
  place: number;
  readonly by?: NetId;
}

const OWN = 7;
const SPEED = 10;
const LIFETIME = 20;

let seen: Bolt[];
let shown: Map<NetId, Bolt>;
let forward: NetId[];
let flashes: number;
let shots: Shots<Bolt>;

/** Words: whether a shot was let off, and where. */
const options: ShotOptions<Bolt> = {
  lifetimeTicks: LIFETIME,
  isFired: (state) => state[0] === 1,
  make: () => bolt(Number.NaN),
  fly: (shot, fired, ticks) => {
    shot.place = fired[1]! + SPEED * ticks;
  },
  isSame: (entered, shot, own) => entered.by === own && Math.abs(entered.place - shot.place) < 5,
  read: (entered, fired, ticks) => {
    fired[1] = entered.place - SPEED * ticks;
  },
  onFired: () => {
    flashes += 1;
  },
};

function bolt(place: number, by?: NetId): Bolt {
  return { slot: -1, enteredAtMs: 0, place, ...(by === undefined ? {} : { by }) };
}

function fired(place: number): Words {
  return Float64Array.of(1, place);
}

/** A state of the server's with what came into view in it. */
function state(tick: number, entered: ReadonlyMap<NetId, Bolt> = new Map()): ShotState<Bolt> {
  return { tick, find: (netId) => entered.get(netId!), forEntered: (hear) => [...entered.keys()].forEach(hear) };
}

beforeEach(() => {
  seen = [];
  shown = new Map();
  forward = [];
  flashes = 0;
  shots = new Shots(options, {
    find: (netId) => shown.get(netId!),
    bringForward: (netId) => forward.push(netId),
    addExtra: (entity) => seen.push(entity),
    removeExtra: (entity) => seen.splice(seen.indexOf(entity), 1),
  });
});

describe('shots', () => {
  it('are seen at once, with one flash, and fly in the present', () => {
    shots.handleStep(100, fired(50), bolt(0));
    expect(flashes).toBe(1);
    expect(seen).toHaveLength(1);
    shots.draw(102.5);
    expect(seen[0]!.place).toBe(75);
    shots.handleStep(100, fired(50), bolt(0));
    expect(flashes, 'the step is only looked at anew').toBe(1);
    shots.handleStep(101, Float64Array.of(0, 0), bolt(0));
    expect(seen).toHaveLength(1);
  });

  it('follow a step that came out otherwise, and go where it let nothing off after all', () => {
    shots.handleStep(100, fired(50), bolt(0));
    shots.handleStep(100, fired(60), bolt(0));
    shots.draw(101);
    expect(seen[0]!.place).toBe(70);
    shots.handleStep(100, Float64Array.of(0, 0), bolt(0));
    expect(seen).toHaveLength(0);
  });

  it("give way to the server's own, which flies on in the present until it is gone", () => {
    shots.handleStep(100, fired(50), bolt(0));
    const own = bolt(61, OWN);
    const others = bolt(60, 3);
    shots.handleState(
      state(
        101,
        new Map([
          [11, others],
          [12, own],
        ]),
      ),
      OWN,
    );
    expect(seen).toHaveLength(0);
    expect(forward).toEqual([12]);
    shown.set(12, own);
    shots.draw(106);
    expect(own.place, 'where the server says that it was, and on').toBe(111);
    expect(others.place).toBe(60);
    shots.handleState(state(140), OWN);
    expect(forward, 'also in a fresh view').toEqual([12, 12]);
    shown.delete(12);
    shots.draw(107);
    expect(shots.count).toBe(0);
  });

  it('are told apart', () => {
    shots.handleStep(100, fired(50), bolt(0));
    shots.handleStep(105, fired(80), bolt(0));
    shots.handleState(state(105, new Map([[20, bolt(80, OWN)]])), OWN);
    expect(seen, 'the first is still waited for').toHaveLength(0);
    shots.handleStep(106, fired(90), bolt(0));
    shots.handleState(state(106, new Map([[21, bolt(200, OWN)]])), OWN);
    expect(seen, 'that was none of these').toHaveLength(1);
  });

  it('disappear where states show nothing of them', () => {
    shots.handleStep(100, fired(50), bolt(0));
    shots.handleState(state(101), OWN);
    expect(seen).toHaveLength(1);
    shots.handleState(state(104), OWN);
    expect(seen).toHaveLength(0);
  });

  it('end when their time is up, though no state comes', () => {
    shots.handleStep(100, fired(50), bolt(0));
    shots.draw(100 + LIFETIME + 0.5);
    expect(seen).toHaveLength(0);
    expect(shots.count).toBe(0);
  });
});
