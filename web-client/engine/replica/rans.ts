/**
 * The entropy decoder: bytes in, symbols of static tables out. All numbers stay below 2²⁴, so plain 32-bit operations
 * are safe. See `rans.rs`, `token.rs` and `table.rs`.
 */

import type { ModelData, Node } from '../schema.ts';
import { FrameError, LIMITS } from './frame-error.ts';

const FREQUENCY_BITS = 12;
const FREQUENCY_SUM = 1 << FREQUENCY_BITS;
const STATE_MIN = 1 << 16;

/** The tables of a protocol, ready for use. */
export class Tables {
  /** Where each value's stretch begins, then 4096; by table. */
  readonly #starts: readonly Uint16Array[];
  /** Table of each place. */
  readonly #places: Uint16Array;

  constructor(model: ModelData) {
    this.#starts = model.tables.map((table) => {
      const frequencies = table.split(' ').map(Number);
      const starts = new Uint16Array(frequencies.length + 1);
      frequencies.forEach((frequency, value) => {
        starts[value + 1] = starts[value]! + frequency;
      });
      return starts;
    });
    const runs = model.places;
    let count = 0;
    for (let at = 1; at < runs.length; at += 2) count += runs[at]!;
    this.#places = new Uint16Array(count);
    let place = 0;
    for (let at = 0; at < runs.length; at += 2) {
      this.#places.fill(runs[at]!, place, place + runs[at + 1]!);
      place += runs[at + 1]!;
    }
  }

  /** The table of a place. */
  starts(place: number): Uint16Array {
    return this.#starts[this.#places[place]!]!;
  }
}

/** Number of a node's place for an archetype and a context. */
export function placeOf(node: Node, archetype: number, context: number): number {
  return node[0] + archetype * node[1] + context;
}

/** Takes symbols from the bytes of a frame. */
export class Decoder {
  readonly #tables: Tables;
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  #state = 0;
  /** Symbols that may still be taken. */
  #allowance = 0;

  constructor(tables: Tables) {
    this.#tables = tables;
  }

  /** Begins a frame. */
  begin(bytes: Uint8Array): void {
    if (bytes.length > LIMITS.frameBytes) throw new FrameError('too large');
    this.#bytes = bytes;
    this.#at = 0;
    this.#allowance = LIMITS.frameSymbols;
    this.#state = (this.#byte() << 16) | (this.#byte() << 8) | this.#byte();
    if (this.#state < STATE_MIN) throw new FrameError('malformed');
  }

  /** One value of a small alphabet. */
  symbol(place: number): number {
    const starts = this.#tables.starts(place);
    const point = this.#state & (FREQUENCY_SUM - 1);
    let low = 0;
    let high = starts.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (starts[middle]! <= point) low = middle;
      else high = middle;
    }
    this.#take(starts[low]!, starts[low + 1]! - starts[low]!);
    return low;
  }

  /** The next `count` bits, at most 12. */
  flat(count: number): number {
    const shift = FREQUENCY_BITS - count;
    const value = (this.#state & (FREQUENCY_SUM - 1)) >> shift;
    this.#take(value << shift, 1 << shift);
    return value;
  }

  /** The next `count` bits, at most 32, as an unsigned number. */
  bits(count: number): number {
    let result = 0;
    for (let done = 0; done < count; done += FREQUENCY_BITS) {
      result += this.flat(Math.min(count - done, FREQUENCY_BITS)) * 2 ** done;
    }
    return result;
  }

  /** Yes or no. */
  flag(place: number): boolean {
    return this.symbol(place) !== 0;
  }

  /** A number that is not negative. */
  unsigned(place: number): number {
    return this.#magnitude(this.symbol(place));
  }

  /** A number that may be negative. */
  signed(place: number): number {
    const token = this.symbol(place);
    const magnitude = this.#magnitude((token + 1) >> 1);
    return token > 0 && token % 2 === 0 ? -magnitude : magnitude;
  }

  /** The 16 bits of check after the last symbol. */
  finish(): number {
    if (this.#at !== this.#bytes.length || this.#state >> 16 !== 1) throw new FrameError('malformed');
    return this.#state & 0xffff;
  }

  #magnitude(rank: number): number {
    if (rank < 2) return rank;
    const extraBits = (rank >> 1) - 1;
    return (2 + (rank & 1)) * 2 ** extraBits + this.bits(extraBits);
  }

  #take(start: number, frequency: number): void {
    if (--this.#allowance < 0) throw new FrameError('too large');
    let state = frequency * (this.#state >> FREQUENCY_BITS) + (this.#state & (FREQUENCY_SUM - 1)) - start;
    while (state < STATE_MIN) state = (state << 8) | this.#byte();
    this.#state = state;
  }

  #byte(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw new FrameError('malformed');
    this.#at += 1;
    return byte;
  }
}
