import { describe, expect, it } from 'vitest';
import { RenderClock, ServerClock } from './clock.ts';
import { seeded } from './seeded.ts';

const TICK_RATE = 20;
const TICK_MS = 1000 / TICK_RATE;
/** The server made tick 0 this long before the client's clock began. */
const AHEAD_MS = 123_456;

/** The server's tick, with fraction, at a moment of the client's clock. */
function truth(nowMs: number): number {
  return (nowMs + AHEAD_MS) / TICK_MS;
}

/** A frame goes to the server and its echo comes back. */
function echo(clock: ServerClock, sentMs: number, thereMs: number, heldMs: number, backMs: number): number {
  const stampMs = clock.stamp(sentMs);
  const ticks = truth(sentMs + thereMs + heldMs);
  const tick = Math.floor(ticks);
  const cameMs = sentMs + thereMs + heldMs + backMs;
  clock.handleEcho({ stampMs, heldMs, tick, tickFraction: Math.floor((ticks - tick) * 65536) }, cameMs);
  return cameMs;
}

describe('server clock', () => {
  it('knows nothing before the first echo', () => {
    const clock = new ServerClock(TICK_RATE);
    expect(clock.ticks(5)).toBeUndefined();
    expect(clock.roundTripMs).toBeUndefined();
  });

  it('is right to within half the difference between the ways, however uneven they are', () => {
    const random = seeded(1);
    const clock = new ServerClock(TICK_RATE);
    let nowMs = 0;
    for (let round = 0; round < 60; round += 1) {
      nowMs = echo(clock, nowMs + 200, 40 + random() * 80, Math.floor(random() * 50), 40 + random() * 80);
      if (round > 10) expect(Math.abs(clock.ticks(nowMs)! - truth(nowMs)) * TICK_MS).toBeLessThan(40);
    }
    expect(clock.roundTripMs).toBeGreaterThan(80);
    expect(clock.roundTripMs).toBeLessThan(240);
  });

  it('does not count the time that the server held a stamp as way', () => {
    const clock = new ServerClock(TICK_RATE);
    echo(clock, 1000, 30, 500, 30);
    expect(clock.roundTripMs).toBeCloseTo(60, -1);
  });

  it('works on when its stamps wrap around', () => {
    const clock = new ServerClock(TICK_RATE);
    const nowMs = echo(clock, 2 ** 32 - 20, 30, 0, 30);
    expect(clock.roundTripMs).toBeLessThan(62);
    expect(clock.ticks(nowMs)).toBeCloseTo(truth(nowMs), 1);
  });

  it('forgets what it believed when this machine slept', () => {
    const clock = new ServerClock(TICK_RATE);
    let nowMs = 0;
    for (let round = 0; round < 20; round += 1) nowMs = echo(clock, nowMs + 200, 10, 0, 10);
    // Its clock stood still for ten seconds, and the way is longer now.
    const stampMs = clock.stamp(nowMs);
    clock.handleEcho({ stampMs, heldMs: 0, tick: Math.floor(truth(nowMs + 10_000)), tickFraction: 0 }, nowMs + 300);
    expect(Math.abs(clock.ticks(nowMs + 300)! - truth(nowMs + 10_150))).toBeLessThan(5);
  });
});

describe('render clock', () => {
  /** Draws for a while at 60 Hz over a network that takes `delayMs` for each state. */
  function draw(seconds: number, delayMs: (tick: number) => number) {
    const clock = new RenderClock(TICK_RATE);
    const arrivals: { tick: number; atMs: number }[] = [];
    let lastMs = 0;
    for (let tick = 0; tick < seconds * TICK_RATE; tick += 1) {
      // What comes over one connection comes in order.
      lastMs = Math.max(lastMs, tick * TICK_MS + delayMs(tick));
      arrivals.push({ tick, atMs: lastMs });
    }
    let newest = -1;
    let [frames, held, backward] = [0, 0, 0];
    const speeds: number[] = [];
    let last: number | undefined;
    for (let nowMs = 300; nowMs < seconds * 1000; nowMs += 1000 / 60) {
      while (arrivals[0] !== undefined && arrivals[0].atMs <= nowMs) {
        newest = arrivals[0].tick;
        clock.handleState(newest, arrivals[0].atMs / TICK_MS);
        arrivals.shift();
      }
      const tick = clock.advance(nowMs, nowMs / TICK_MS);
      if (nowMs > 5000) {
        frames += 1;
        if (tick > newest) held += 1;
        if (last !== undefined && tick < last) backward += 1;
        if (last !== undefined) speeds.push(((tick - last) * TICK_MS) / (1000 / 60));
      }
      last = tick;
    }
    return { heldShare: held / frames, backward, speeds, delayTicks: clock.delayTicks };
  }

  it('runs evenly, close behind the server, over a steady network', () => {
    const { heldShare, speeds, delayTicks } = draw(20, () => 50);
    expect(heldShare).toBe(0);
    expect(delayTicks).toBeLessThan(3.5);
    for (const speed of speeds) expect(speed).toBeCloseTo(1, 2);
  });

  it('runs smoothly where states come at uneven times', () => {
    const random = seeded(5);
    const { heldShare, backward, speeds } = draw(120, () => 60 + random() * 80);
    expect(backward).toBe(0);
    expect(heldShare, 'frames without a state to draw towards').toBeLessThan(0.05);
    for (const speed of speeds) expect(Math.abs(speed - 1), 'nobody sees so little').toBeLessThan(0.121);
  });

  it('never runs backwards through stalls, and lets the delay go again', () => {
    const random = seeded(6);
    const stall = (tick: number): number => (tick < 2000 && tick % 100 < 8 ? 400 : 0);
    const { backward, delayTicks, speeds } = draw(120, (tick) => 60 + random() * 20 + stall(tick));
    expect(backward).toBe(0);
    for (const speed of speeds) expect(Math.abs(speed - 1), 'it catches up without a rush').toBeLessThan(0.121);
    expect(delayTicks).toBeLessThan(4);
  });

  it('is set where it is far off', () => {
    const clock = new RenderClock(TICK_RATE);
    expect(clock.advance(0, 100)).toBe(98);
    expect(clock.advance(16, 5000)).toBe(4998);
  });
});
