/** How a remote ship moves on screen over bad networks: render clock and interpolation together, on a virtual clock. */

import { describe, expect, it } from 'vitest';
import { RenderClock } from './clock.ts';
import { bendsOf, Track } from './interpolation.ts';
import type { FieldKind } from './schema.ts';
import { seeded } from './seeded.ts';

const TICK_RATE = 20;
const TICK_MS = 1000 / TICK_RATE;
const FRAME_MS = 1000 / 60;
const place: FieldKind = { type: 'vector', axes: 2, axis: { type: 'number', min: 0, step: 1, codeMax: 65_535 } };
/** Steps per tick of a ship at full speed, and how wide it turns: about as tight as it can. */
const SPEED = 240;
const RADIUS = 3000;
const MIDDLE = 32_768;

interface Network {
  /** Of the way from server to client. */
  readonly latencyMs: number;
  readonly jitterMs: number;
  readonly stallChance: number;
  readonly stallMs: number;
}

/** Where the ship is at a tick: on a circle. */
function truth(tick: number): [x: number, y: number] {
  const turn = (tick * SPEED) / RADIUS;
  return [MIDDLE + RADIUS * Math.cos(turn), MIDDLE + RADIUS * Math.sin(turn)];
}

/** Flies for ten minutes, and says what a player saw of it. */
function fly(network: Network, seed: number) {
  const random = seeded(seed);
  const clock = new RenderClock(TICK_RATE);
  const track = new Track(bendsOf(place), 3);
  const arrivals: { tick: number; atMs: number }[] = [];
  let lastMs = 0;
  for (let tick = 0; tick < 600 * TICK_RATE; tick += 1) {
    const wayMs = network.latencyMs + (random() * 2 - 1) * network.jitterMs;
    const stuckMs = random() < network.stallChance ? network.stallMs : 0;
    lastMs = Math.max(lastMs, tick * TICK_MS + wayMs + stuckMs);
    arrivals.push({ tick, atMs: lastMs });
  }
  let [next, frames, held, backward, farthest, delays] = [0, 0, 0, 0, 0, 0];
  let last: [number, number] | undefined;
  for (let nowMs = 500; nowMs < 599_000; nowMs += FRAME_MS) {
    for (; arrivals[next]!.atMs <= nowMs; next += 1) {
      const { tick, atMs } = arrivals[next]!;
      clock.handleState(tick, atMs / TICK_MS);
      if (track.push(tick)) track.set(0, Uint32Array.from(truth(tick).map(Math.round)), 0, 2);
    }
    const tick = clock.advance(nowMs, nowMs / TICK_MS);
    track.seek(tick);
    const [x, y] = track.read(place, 0, undefined) as [number, number];
    if (last !== undefined && nowMs > 5000) {
      const turn = (tick * SPEED) / RADIUS;
      const forward = (y - last[1]) * Math.cos(turn) - (x - last[0]) * Math.sin(turn);
      frames += 1;
      delays += (clock.delayTicks * TICK_MS) / 1000;
      if (forward < -0.01) backward += 1;
      if (forward < (SPEED * FRAME_MS) / TICK_MS / 10) held += 1;
      farthest = Math.max(farthest, Math.hypot(x - last[0], y - last[1]) / ((SPEED * FRAME_MS) / TICK_MS));
    }
    last = [x, y];
  }
  return { heldShare: held / frames, backward, farthest, delayMs: (delays / frames) * 1000 };
}

describe('a remote ship', () => {
  it('moves smoothly for ten minutes at 100 ms ± 40 ms with stalls of 200 ms in every hundredth frame', () => {
    for (const seed of [1, 2, 3]) {
      const seen = fly({ latencyMs: 100, jitterMs: 40, stallChance: 0.01, stallMs: 200 }, seed);
      expect(seen.backward, `backward steps with seed ${seed}`).toBe(0);
      expect(seen.heldShare, `held frames with seed ${seed}`).toBeLessThan(0.02);
      expect(seen.farthest, `no step of a frame longer than so many with seed ${seed}`).toBeLessThan(1.6);
    }
  });

  it('is shown close behind the server where the network is good', () => {
    const seen = fly({ latencyMs: 10, jitterMs: 2, stallChance: 0, stallMs: 0 }, 4);
    expect(seen).toMatchObject({ backward: 0, heldShare: 0 });
    expect(seen.delayMs).toBeLessThan(80);
    expect(seen.farthest).toBeLessThan(1.2);
  });

  it('goes on after long stalls without going back', () => {
    const seen = fly({ latencyMs: 60, jitterMs: 10, stallChance: 0.004, stallMs: 700 }, 5);
    expect(seen.backward).toBe(0);
    expect(seen.farthest).toBeLessThan(2);
  });
});
