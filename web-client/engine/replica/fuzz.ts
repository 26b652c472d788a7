/** Throws noise and damaged frames at the decoder, for tests. Anything but a frame error goes through to the caller. */

import { seeded } from '../seeded.ts';
import { FrameError, LIMITS } from './frame-error.ts';
import type { GoldenWorld } from './golden.ts';
import { Replica } from './replica.ts';

export { goldenWorlds } from './golden.ts';

/** What became of the frames. */
export interface Tally {
  /** What looked like a frame: a change in plain bits, which the next checksum finds. */
  taken: number;
  refused: number;
  /** Most that a replica held. */
  slotsMax: number;
  eventsMax: number;
}

/** How far into a client's frames damage begins: the frames before have to be applied anew each time. */
const FRAMES_BEFORE_MAX = 6;

/** Longest frame of nothing but chance. */
const NOISE_BYTES_MAX = 2000;

/** One frame in so many is noise. */
const NOISE_SHARE = 1 / 4;

/** Damages frames of these worlds in `count` ways. */
export function fuzz(worlds: readonly GoldenWorld[], count: number, seed: number): Tally {
  const random = seeded(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  const replicas = worlds.map(({ protocol }) => new Replica(protocol));
  const tally: Tally = { taken: 0, refused: 0, slotsMax: 0, eventsMax: 0 };
  for (let round = 0; round < count; round += 1) {
    const { clients } = worlds[round % worlds.length]!;
    const replica = replicas[round % worlds.length]!;
    const { frames } = clients[below(clients.length)]!;
    // Mostly early ones. Whatever was damaged before, the fresh frame at the beginning helps.
    const at = below(below(Math.min(frames.length, FRAMES_BEFORE_MAX)) + 1);
    for (let before = 0; before < at; before += 1) replica.apply(frames[before]!.bytes);
    const bytes = random() < NOISE_SHARE ? noise(random) : damaged(frames[at]!.bytes, random);
    if (isTaken(replica, bytes)) tally.taken += 1;
    else tally.refused += 1;
    tally.slotsMax = Math.max(tally.slotsMax, replica.slots.length);
    tally.eventsMax = Math.max(tally.eventsMax, replica.events.length);
    if (replica.slots.length > LIMITS.entities || replica.events.length > LIMITS.eventsPerFrame) {
      throw new Error(`the replica holds more than it may: ${JSON.stringify(tally)}`);
    }
  }
  return tally;
}

function isTaken(replica: Replica, bytes: Uint8Array): boolean {
  try {
    replica.apply(bytes);
    return true;
  } catch (error) {
    if (!(error instanceof FrameError)) throw error;
    if (replica.tick !== undefined) throw new Error('a replica is of no use after an error, and has to say so');
    return false;
  }
}

function noise(random: () => number): Uint8Array {
  const words = new Uint32Array((random() * NOISE_BYTES_MAX) / 4);
  for (let at = 0; at < words.length; at += 1) words[at] = random() * 2 ** 32;
  return new Uint8Array(words.buffer);
}

/** A few bytes changed, and now and then cut short or longer. */
function damaged(good: Uint8Array, random: () => number): Uint8Array {
  const length = random() < 0.3 ? Math.ceil(random() * 2 * good.length) : good.length;
  const bytes = new Uint8Array(length);
  bytes.set(good.subarray(0, length));
  for (let change = 0; change <= random() * 3; change += 1) bytes[Math.floor(random() * length)] = random() * 256;
  return bytes;
}
