import { describe, expect, it } from 'vitest';
import { InputSchedule } from './inputs.ts';
import { seeded } from './seeded.ts';

const TICK_RATE = 20;
const TICK_MS = 1000 / TICK_RATE;
/** The server's clock stood here when this machine's began. */
const AHEAD_TICKS = 1000;

/** The server's clock. */
function serverTicks(nowMs: number): number {
  return AHEAD_TICKS + nowMs / TICK_MS;
}

/** A schedule that knows that frames take `wayTicks`. */
function learnt(wayTicks: number): InputSchedule {
  const schedule = new InputSchedule(TICK_RATE);
  schedule.handleArrival(0, serverTicks(0) + wayTicks);
  schedule.advance(0, serverTicks(0));
  return schedule;
}

/** The ticks that are due at a moment. */
function dueAt(schedule: InputSchedule, nowMs: number, server = serverTicks(nowMs)) {
  schedule.advance(nowMs, server);
  return schedule.due();
}

interface Network {
  /** Round trip, half of it each way; jitter is on either side of it. */
  readonly roundTripMs: number;
  readonly jitterMs: number;
  /** For how long the transport gathers what goes to the server. */
  readonly batchMs?: number;
}

/** Plays for a while over a network where nothing overtakes anything, and says how inputs came. */
function play(minutes: number, network: Network, seed: number) {
  const random = seeded(seed);
  const schedule = new InputSchedule(TICK_RATE);
  if (network.batchMs !== undefined) schedule.setGathered(network.batchMs);
  const half = (): number => network.roundTripMs / 2 + ((random() * 2 - 1) * network.jitterMs) / 2;
  const arrivals = new Map<number, number>();
  const downs: { atMs: number; tell: () => void }[] = [];
  const seconds: { late: number; early: number }[] = [];
  let [upMs, downMs, updates, nextState, applied] = [0, 0, 0, AHEAD_TICKS + 1, 0];
  const down = (fromMs: number, tell: () => void): void => {
    downMs = Math.max(downMs, fromMs + half());
    downs.push({ atMs: downMs, tell });
  };
  for (let nowMs = 0; nowMs < minutes * 60_000; ) {
    // What has come by now.
    while (serverTicks(nowMs) >= nextState) {
      const tick = nextState;
      nextState += 1;
      if ((arrivals.get(tick) ?? Number.POSITIVE_INFINITY) <= tick) applied = tick;
      const held = applied;
      down((tick - AHEAD_TICKS) * TICK_MS, () => schedule.handleApplied(tick, held));
    }
    downs.sort((one, other) => one.atMs - other.atMs);
    while (downs[0] !== undefined && downs[0].atMs <= nowMs) downs.shift()!.tell();
    // The client speaks.
    const present = schedule.advance(nowMs, serverTicks(nowMs));
    const { first, count } = present === undefined ? { first: 0, count: 0 } : schedule.due();
    const goesMs = network.batchMs === undefined ? nowMs : Math.ceil(nowMs / network.batchMs) * network.batchMs;
    upMs = Math.max(upMs, goesMs + half());
    const arrivedTicks = serverTicks(upMs);
    for (let tick = first; tick < first + count; tick += 1) {
      arrivals.set(tick, arrivedTicks);
      const second = Math.floor(nowMs / 1000);
      seconds[second] ??= { late: 0, early: 0 };
      if (arrivedTicks > tick) seconds[second].late += 1;
      seconds[second].early += (tick - arrivedTicks) / TICK_RATE;
    }
    if (updates < 10 || updates % 4 === 0) {
      const sentMs = nowMs;
      down(upMs, () => schedule.handleArrival(sentMs, arrivedTicks));
    }
    updates += 1;
    // Timers are late by a few milliseconds.
    nowMs += (present === undefined ? 1 : schedule.ticksUntilDue) * TICK_MS + random() * 4;
  }
  const settled = seconds.slice(10, -2);
  const sum = (of: (second: { late: number; early: number }) => number): number =>
    settled.reduce((total, second) => total + of(second), 0);
  const lateShare = sum(({ late }) => late) / (settled.length * TICK_RATE);
  return { lateShare, earlyTicks: sum(({ early }) => early) / settled.length, counted: schedule.late };
}

describe('input schedule', () => {
  it('has one input for each tick, without gaps or doubles, though timers are late', () => {
    const schedule = learnt(1);
    let [nowMs, expected] = [0, 0];
    for (let round = 0; round < 200; round += 1) {
      const { first, count } = dueAt(schedule, nowMs);
      if (round > 0) expect(first).toBe(expected);
      expected = first + count;
      expect(count).toBeLessThan(3);
      expect(schedule.isDue).toBe(false);
      nowMs += (schedule.ticksUntilDue + (round % 7) * 0.1) * TICK_MS;
    }
  });

  it('says nothing before it knows how long the way is', () => {
    const schedule = new InputSchedule(TICK_RATE);
    expect(schedule.advance(0, serverTicks(0))).toBeUndefined();
    expect(schedule.isDue).toBe(false);
  });

  it('aims to be there a tick early on a network that is always the same', () => {
    const { lateShare, earlyTicks } = play(5, { roundTripMs: 250, jitterMs: 0 }, 1);
    expect(lateShare).toBe(0);
    expect(earlyTicks).toBeGreaterThan(0.85);
    expect(earlyTicks).toBeLessThan(1.1);
  });

  it('has fewer than one input in a hundred late at 250 ms ± 30 ms', () => {
    for (const seed of [2, 3, 4]) {
      const { lateShare, earlyTicks } = play(10, { roundTripMs: 250, jitterMs: 30 }, seed);
      expect(lateShare, `late with seed ${seed}`).toBeLessThan(0.01);
      expect(earlyTicks).toBeLessThan(2);
    }
  });

  it('has fewer than one input in a hundred late even where each way takes 250 ms ± 30 ms', () => {
    for (const seed of [5, 6]) {
      const { lateShare, earlyTicks } = play(10, { roundTripMs: 500, jitterMs: 60 }, seed);
      expect(lateShare, `late with seed ${seed}`).toBeLessThan(0.01);
      expect(earlyTicks).toBeLessThan(2);
    }
  });

  it('sends earlier by as much as the transport gathers', () => {
    const { lateShare } = play(5, { roundTripMs: 60, jitterMs: 10, batchMs: 100 }, 7);
    expect(lateShare).toBeLessThan(0.01);
  });

  it('sends earlier while inputs come late, and slowly later again, and counts them', () => {
    const schedule = learnt(1);
    const { first } = dueAt(schedule, 0);
    const lead = (nowMs: number): number => {
      for (let at = nowMs - 5000; at <= nowMs; at += 16) dueAt(schedule, at);
      return schedule.leadTicks(serverTicks(nowMs));
    };
    const atFirst = lead(5000);
    for (let round = 0; round < 3; round += 1) schedule.handleApplied(first + round, first - 1);
    expect(schedule.late).toBe(3);
    const afterwards = lead(10_000);
    expect(afterwards).toBeGreaterThan(atFirst + 0.5);
    for (let round = 0; round < 300; round += 1) schedule.handleApplied(first, first);
    expect(lead(15_000)).toBeLessThan(afterwards);
    for (let round = 0; round < 10_000; round += 1) schedule.handleApplied(first, undefined);
    expect(lead(30_000), 'a server that held none had none in time').toBeGreaterThan(afterwards);
    expect(lead(40_000), 'within bounds').toBeLessThan(8);
  });

  it('does not count ticks that no input was sent for as late', () => {
    const schedule = learnt(1);
    const { first } = dueAt(schedule, 0);
    schedule.handleApplied(first - 1, undefined);
    schedule.handleApplied(first + 1, first);
    expect(schedule.late).toBe(0);
  });

  it('leaves out what is long past instead of sending it all', () => {
    const schedule = learnt(0);
    dueAt(schedule, 0);
    const { first, count } = dueAt(schedule, 5000);
    expect(first).toBeGreaterThan(serverTicks(5000));
    expect(count).toBe(1);
  });

  it('does not aim farther ahead than a server takes', () => {
    const schedule = learnt(500);
    expect(dueAt(schedule, 0).first).toBeLessThan(AHEAD_TICKS + 40);
  });

  it('begins anew where the server turns out to be far behind', () => {
    const schedule = learnt(1);
    dueAt(schedule, 0);
    schedule.handleNewWay();
    schedule.handleArrival(100, 101);
    expect(dueAt(schedule, 100, 100).first).toBeLessThan(103);
    expect(schedule.ticksUntilDue).toBeLessThan(2);
  });

  it('goes on over a change of ways', () => {
    const schedule = learnt(1);
    const { first } = dueAt(schedule, 0);
    schedule.handleNewWay();
    expect(dueAt(schedule, TICK_MS).first).toBe(first + 1);
  });
});
