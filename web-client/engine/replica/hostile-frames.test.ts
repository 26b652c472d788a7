import { describe, expect, it } from 'vitest';
import { seeded } from '../seeded.ts';
import { FrameError, LIMITS } from './frame-error.ts';
import { FrameWriter } from './frame-writer.ts';
import { fuzz } from './fuzz.ts';
import { goldenWorlds } from './golden.ts';
import { Decoder, Tables } from './rans.ts';
import { Replica } from './replica.ts';

const worlds = goldenWorlds();
const { protocol } = worlds[0]!;
const { frame } = protocol.model;
const TICK = 4711;

describe('a hostile frame', () => {
  it('ends in a frame error, whether it is damaged or noise, and a fresh frame helps', () => {
    const { taken, refused } = fuzz(worlds, 12_000, 7);
    expect(refused, 'nearly all damage is noticed').toBeGreaterThan(10_000);
    expect(taken + refused).toBe(12_000);
  }, 60_000);

  it('is followed by none but a fresh one', () => {
    const { frames } = worlds[0]!.clients[0]!;
    const replica = replicaOf(0);
    replica.apply(frames[0]!.bytes);
    expect(() => replica.apply(new Uint8Array(5))).toThrow(FrameError);
    expect(() => replica.apply(frames[1]!.bytes)).toThrow('no base');
    expect(replica.apply(frames[0]!.bytes).isFresh).toBe(true);
  });

  it('is refused where it is longer than any frame', () => {
    expect(() => replicaOf(0).apply(new Uint8Array(LIMITS.frameBytes + 1))).toThrow('too large');
  });

  it('cannot keep the decoder busy with symbols that cost next to nothing', () => {
    const random = seeded(13);
    const decoder = new Decoder(new Tables(protocol.model));
    decoder.begin(Uint8Array.from({ length: 200_000 }, (_, at) => (at === 0 ? 1 : random() * 256)));
    let symbols = 0;
    expect(() => {
      for (;;) {
        decoder.flag(frame.fresh[0]);
        symbols += 1;
      }
    }).toThrow('too large');
    expect(symbols).toBe(LIMITS.frameSymbols);
  });

  it('cannot hold more events than a frame may', () => {
    const bytesOf = (events: number) => {
      const writer = new FrameWriter(protocol).fresh(protocol, TICK).symbol(frame.entry[0], 0);
      writer.symbol(frame.reference[0], 0);
      const whisper = protocol.model.events[1]!.fields[0]!;
      for (let event = 0; event < events; event += 1) {
        writer.symbol(frame.event[0] + Math.min(event, 3), 2).symbol(whisper.enters[0]![0], 0);
      }
      return writer.symbol(frame.event[0] + Math.min(events, 3), 0).finish(TICK);
    };
    const replica = replicaOf(0);
    replica.apply(bytesOf(LIMITS.eventsPerFrame));
    expect(replica.events.length, 'so many are allowed').toBe(LIMITS.eventsPerFrame);
    expect(() => replica.apply(bytesOf(LIMITS.eventsPerFrame + 1))).toThrow('too large');
  });

  it('cannot refer to what is no entity', () => {
    const writer = new FrameWriter(protocol).fresh(protocol, TICK).symbol(frame.entry[0], 0);
    writer.symbol(frame.reference[0], 1).bits(9, 16).symbol(frame.group[0], 0).bits(0, 8);
    writer.unsigned(frame.target[0], 1).symbol(frame.reference[0], 0).symbol(frame.event[0], 0);
    expect(() => replicaOf(0).apply(writer.finish(TICK))).toThrow('malformed');
  });

  it('is told by its check from one that was damaged in just its last bits', () => {
    const writer = new FrameWriter(protocol).fresh(protocol, TICK).symbol(frame.entry[0], 0);
    writer.symbol(frame.reference[0], 0).symbol(frame.event[0], 0);
    const replica = replicaOf(0);
    expect(replica.apply(writer.finish(TICK)).tick).toBe(TICK);
    expect(() => replica.apply(writer.finish(TICK + 1))).toThrow('malformed');
  });
});

const replicas = worlds.map(({ protocol }) => new Replica(protocol));

/** Making one takes longer than most of what is done with it here. */
function replicaOf(world: number): Replica {
  return replicas[world]!;
}
