/** Writes frames symbol by symbol, for tests of what no honest server sends. The other direction of `rans.ts`. */

import type { Protocol } from '../schema.ts';
import { checkOfTick } from './checksum.ts';
import { Tables } from './rans.ts';

const FREQUENCY_BITS = 12;
const STATE_MIN = 1 << 16;

/** Gathers symbols; the entropy coder works backwards. */
export class FrameWriter {
  readonly #tables: Tables;
  readonly #stretches: [start: number, frequency: number][] = [];

  constructor(protocol: Protocol) {
    this.#tables = new Tables(protocol.model);
  }

  symbol(place: number, value: number): this {
    const starts = this.#tables.starts(place);
    this.#stretches.push([starts[value]!, starts[value + 1]! - starts[value]!]);
    return this;
  }

  bits(value: number, count: number): this {
    for (let done = 0; done < count; done += FREQUENCY_BITS) {
      const now = Math.min(count - done, FREQUENCY_BITS);
      const part = Math.floor(value / 2 ** done) % 2 ** now;
      const shift = FREQUENCY_BITS - now;
      this.#stretches.push([part << shift, 1 << shift]);
    }
    return this;
  }

  unsigned(place: number, value: number): this {
    if (value < 2) return this.symbol(place, value);
    const highest = 31 - Math.clz32(value);
    this.symbol(place, 2 * highest + ((value >>> (highest - 1)) & 1));
    return this.bits(value % 2 ** (highest - 1), highest - 1);
  }

  /** The header of a fresh frame, with nothing special in it. */
  fresh({ model: { frame } }: Protocol, tick: number): this {
    this.symbol(frame.fresh[0], 1).bits(tick, 32).symbol(frame.input[0], 1);
    return this.symbol(frame.deferred[0], 0).symbol(frame.sum[0], 0).symbol(frame.anchor[0], 0);
  }

  /** The bytes, with the check of a frame to this tick. */
  finish(tick: number): Uint8Array {
    const bytes: number[] = [];
    let state = STATE_MIN + checkOfTick(tick);
    for (const [start, frequency] of [...this.#stretches].reverse()) {
      while (state >= frequency * 2 ** FREQUENCY_BITS) {
        bytes.push(state & 0xff);
        state >>>= 8;
      }
      state = (Math.floor(state / frequency) << FREQUENCY_BITS) + (state % frequency) + start;
    }
    bytes.push(state & 0xff, (state >>> 8) & 0xff, state >>> 16);
    return Uint8Array.from(bytes.reverse());
  }
}
