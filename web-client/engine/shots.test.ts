import { beforeEach, describe, expect, it } from 'vitest';
import type { Words } from './rules.ts';
import { type ShotOptions, type ShotState, Shots } from './shots.ts';
import type { EntityBase, NetId } from './world.ts';

interface Bolt extends EntityBase {
  readonly place: [number];
  readonly by?: NetId;
  readonly size?: number;
}

const OWN = 7;
const SPEED = 10;
const LIFETIME = 20;

let seen: Bolt[];
let shown: Map<NetId, Bolt>;
let forward: NetId[];
let hidden: Set<NetId>;
let flashes: number;
let sparks: number[];
let shots: Shots<Bolt>;

/** Words: whether a shot was let off, and where. */
const options: ShotOptions<Bolt> = {
  lifetimeTicks: LIFETIME,
  isFired: (state) => state[0] === 1,
  make: () => bolt(Number.NaN),
  fly: (shot, fired, ticks) => {
    shot.place[0] = fired[1]! + SPEED * ticks;
  },
  place: ({ place }) => place,
  isOwn: ({ by }, own) => by === own,
  apart: 5,
  read: (entered, fired, ticks) => {
    fired[1] = entered.place[0] - SPEED * ticks;
  },
  reach: ({ size = 0 }) => size,
  onFired: () => {
    flashes += 1;
  },
  onMet: ({ place }) => sparks.push(place[0]),
};

function bolt(place: number, by?: NetId): Bolt {
  return { slot: -1, enteredAtMs: 0, place: [place], ...(by === undefined ? {} : { by }) };
}

/** Something that shots meet as they come so near. */
function target(place: number, size: number): Bolt {
  return { ...bolt(place), size };
}

/** Shots in the picture: those of the page's own, and the server's. */
function inPicture(): Bolt[] {
  const own = [...shown].flatMap(([netId, entity]) => (hidden.has(netId) || entity.by !== OWN ? [] : [entity]));
  return [...seen, ...own];
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
  hidden = new Set();
  flashes = 0;
  sparks = [];
  shots = new Shots(options, {
    get entities() {
      return [...shown].flatMap(([netId, entity]) => (hidden.has(netId) ? [] : [entity]));
    },
    find: (netId) => shown.get(netId!),
    bringForward: (netId) => forward.push(netId),
    hide: (netId, isHidden) => (isHidden ? hidden.add(netId) : hidden.delete(netId)),
    addExtra: (entity) => seen.push(entity),
    removeExtra: (entity) => {
      seen = seen.filter((one) => one !== entity);
    },
  });
});

describe('shots', () => {
  it('are seen at once, with one flash, and fly in the present', () => {
    shots.handleStep(100, fired(50), bolt(0));
    expect(flashes).toBe(1);
    expect(seen).toHaveLength(1);
    shots.draw(102.5, OWN);
    expect(seen[0]!.place[0]).toBe(75);
    shots.handleStep(100, fired(50), bolt(0));
    expect(flashes, 'the step is only looked at anew').toBe(1);
    shots.handleStep(101, Float64Array.of(0, 0), bolt(0));
    expect(seen).toHaveLength(1);
  });

  it('follow a step that came out otherwise, and go where it let nothing off after all', () => {
    shots.handleStep(100, fired(50), bolt(0));
    shots.handleStep(100, fired(60), bolt(0));
    shots.draw(101, OWN);
    expect(seen[0]!.place[0]).toBe(70);
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
    shots.draw(106, OWN);
    expect(own.place[0], 'where the server says that it was, and on').toBe(111);
    expect(others.place[0]).toBe(60);
    shots.handleState(state(140), OWN);
    expect(forward, 'also in a fresh view').toEqual([12, 12]);
    shown.delete(12);
    shots.draw(107, OWN);
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

  it("end when their time is up, though the server's own is not known to be gone yet", () => {
    shots.handleStep(100, fired(50), bolt(0));
    const own = bolt(60, OWN);
    shots.handleState(state(101, new Map([[12, own]])), OWN);
    shown.set(12, own);
    shots.draw(100 + LIFETIME, OWN);
    expect(inPicture()).toEqual([own]);
    shots.draw(100 + LIFETIME + 0.5, OWN);
    expect(inPicture()).toHaveLength(0);
  });

  it('end when their time is up, though no state comes', () => {
    shots.handleStep(100, fired(50), bolt(0));
    shots.draw(100 + LIFETIME + 0.5, OWN);
    expect(seen).toHaveLength(0);
    expect(shots.count).toBe(0);
  });
});

describe('shots that meet something on screen', () => {
  it('end there at once, with one spark', () => {
    shown.set(1, target(80, 6));
    shots.handleStep(100, fired(50), bolt(0));
    shots.draw(102, OWN);
    expect(seen[0]!.place[0]).toBe(70);
    shots.draw(102.5, OWN);
    expect(sparks, 'where its hull begins').toEqual([74]);
    expect(inPicture()).toHaveLength(0);
    shots.draw(103, OWN);
    expect(sparks).toHaveLength(1);
    expect(inPicture()).toHaveLength(0);
  });

  it('meet the first in their way, even between two pictures and within the step that let them off', () => {
    shown.set(1, target(90, 2));
    shown.set(2, target(75, 2));
    shots.handleStep(100, fired(50), bolt(0));
    shots.draw(105, OWN);
    expect(sparks).toEqual([73]);
    shown.set(3, target(42, 1));
    shots.handleStep(106, fired(50), bolt(0));
    shots.draw(106, OWN);
    expect(sparks).toEqual([73, 41]);
  });

  it('never meet what let them off, nor what nothing meets', () => {
    shown.set(OWN, target(50, 6));
    shown.set(1, bolt(60));
    shots.handleStep(100, fired(50), bolt(0));
    shots.draw(105, OWN);
    expect(sparks).toEqual([]);
    expect(seen).toHaveLength(1);
  });

  it("stay away while the server's own is on its way there, also in a fresh view, and go with it", () => {
    shown.set(1, target(80, 6));
    shots.handleStep(100, fired(50), bolt(0));
    shots.draw(103, OWN);
    const own = bolt(60, OWN);
    shots.handleState(state(101, new Map([[12, own]])), OWN);
    shown.set(12, own);
    expect(inPicture()).toHaveLength(0);
    hidden.clear();
    shots.handleState(state(102, new Map([[12, own]])), OWN);
    shots.draw(104, OWN);
    expect(inPicture()).toHaveLength(0);
    // The server found them to meet in tick 103, so that the state of it shows nothing of the shot.
    shots.handleState(state(103), OWN);
    shown.delete(12);
    shots.draw(105, OWN);
    expect(shots.count).toBe(0);
    expect(sparks).toHaveLength(1);
  });

  it('are back on their path where the server says that they fly on, and past what they seemed to meet', () => {
    shown.set(1, target(80, 6));
    shots.handleStep(100, fired(50), bolt(0));
    const own = bolt(60, OWN);
    shots.handleState(state(101, new Map([[12, own]])), OWN);
    shown.set(12, own);
    shots.draw(103, OWN);
    expect(inPicture()).toHaveLength(0);
    shots.handleState(state(103, new Map([[12, own]])), OWN);
    expect(inPicture(), 'the server may find so in the next').toHaveLength(0);
    shots.handleState(state(104, new Map([[12, own]])), OWN);
    shots.draw(107, OWN);
    expect(inPicture()).toEqual([own]);
    expect(own.place[0], 'where it is by then').toBe(120);
    expect(sparks).toHaveLength(1);
    shown.set(2, target(140, 5));
    shots.draw(109, OWN);
    expect(sparks, 'further on there is something else').toEqual([74, 135]);
  });

  it('need no state to be over', () => {
    shown.set(1, target(80, 6));
    shots.handleStep(100, fired(50), bolt(0));
    shots.draw(103, OWN);
    shots.draw(100 + LIFETIME + 1, OWN);
    expect(shots.count).toBe(0);
  });
});
