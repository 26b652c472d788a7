/** Frames over plain HTTP: numbers requests, and repeats what was not answered. See `exchange.rs`. */

import { DecodeError, encodeRequest, REQUEST_KIND, type RequestKind } from './codec.ts';

/** Most of what one request carries; a single frame is much shorter. */
const REQUEST_FRAMES_MAX = 128;
const REQUEST_FRAME_BYTES_MAX = 48 * 1024;
const SERVER_FRAME_BYTES_MAX = 1024 * 1024;
const KEY_BYTES = 16;
const LENGTH_BYTES_MAX = 5;

/** A request under way, to be repeated as it is until it is answered. */
export interface Pending {
  readonly number: number;
  /** How many frames it carries. */
  readonly frames: number;
  /** Body of the POST, without the byte that says that it is binary. */
  readonly body: Uint8Array;
}

/** The client's end of a connection over HTTP that polls, or that sends beside a stream. */
export class Requester {
  readonly #attachment: Uint8Array;
  readonly #kind: RequestKind;
  readonly #waiting: Uint8Array[] = [];
  #sends = 0;
  #polls = 0;
  #send: Pending | undefined;
  #poll: Pending | undefined;

  /** `kind` is that of its polls, or the stream's. */
  constructor(attachment: Uint8Array, kind: RequestKind) {
    this.#attachment = attachment;
    this.#kind = kind;
  }

  /** Takes a frame that is to go to the server. */
  push(frame: Uint8Array): void {
    this.#waiting.push(frame);
  }

  /** The next poll (or the stream); undefined while one is under way. */
  pollPoll(): Pending | undefined {
    if (this.#poll !== undefined || (this.#kind === REQUEST_KIND.stream && this.#polls > 0)) return undefined;
    const carries = this.#polls === 0 || this.#kind === REQUEST_KIND.poll;
    this.#polls += 1;
    this.#poll = this.#request(this.#kind, this.#polls, carries ? this.#takeWaiting() : []);
    return this.#poll;
  }

  /** The next send; undefined while one is under way, where nothing waits, and where polls carry it. */
  pollSend(): Pending | undefined {
    const carries = this.#polls > 0 && this.#kind !== REQUEST_KIND.poll;
    if (this.#send !== undefined || this.#waiting.length === 0 || !carries) return undefined;
    this.#sends += 1;
    this.#send = this.#request(REQUEST_KIND.send, this.#sends, this.#takeWaiting());
    return this.#send;
  }

  /** A send that nobody waits for, as the page goes away. */
  lastSend(frame: Uint8Array): Uint8Array {
    return this.#request(REQUEST_KIND.send, this.#sends + 1, [frame]).body;
  }

  /** A send was answered. */
  handleSendAnswered(number: number): void {
    if (this.#send?.number === number) this.#send = undefined;
  }

  /** A poll was answered. Returns the frames in it; an answer that came before brings none. */
  handlePollAnswered(number: number, body: Uint8Array): readonly Uint8Array[] {
    const reader = new FrameReader();
    const frames = reader.push(body);
    if (!reader.isEmpty) throw new DecodeError();
    if (this.#poll?.number !== number) return [];
    this.#poll = undefined;
    return frames;
  }

  #request(kind: RequestKind, number: number, frames: readonly Uint8Array[]): Pending {
    return {
      number,
      frames: frames.length,
      body: encodeRequest({ attachment: this.#attachment, kind, number, frames }),
    };
  }

  #takeWaiting(): Uint8Array[] {
    let bytes = 0;
    let count = 0;
    for (const frame of this.#waiting) {
      bytes += frame.length + LENGTH_BYTES_MAX;
      if (count > 0 && (bytes > REQUEST_FRAME_BYTES_MAX || count === REQUEST_FRAMES_MAX)) break;
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }
}

/** Reads frames, each with its length before it, from bytes that come in pieces. */
export class FrameReader {
  #bytes: Uint8Array = new Uint8Array(0);

  /** Whether all that has come was whole frames. */
  get isEmpty(): boolean {
    return this.#bytes.length === 0;
  }

  /** Takes the next piece, and returns the frames that have come whole. */
  push(piece: Uint8Array): Uint8Array[] {
    const bytes = joined(this.#bytes, piece);
    const frames: Uint8Array[] = [];
    let at = 0;
    while (at < bytes.length) {
      const lead = bytes[at]!;
      const prefix = lead < 251 ? 1 : lead === 251 ? 3 : 5;
      if (lead > 252) throw new DecodeError();
      if (at + prefix > bytes.length) break;
      let length = prefix === 1 ? lead : 0;
      for (let byte = prefix - 1; byte >= 1; byte -= 1) length = length * 256 + bytes[at + byte]!;
      if (length > SERVER_FRAME_BYTES_MAX) throw new DecodeError();
      if (at + prefix + length > bytes.length) break;
      // A length of nought is padding.
      if (length > 0) frames.push(bytes.slice(at + prefix, at + prefix + length));
      at += prefix + length;
    }
    this.#bytes = bytes.subarray(at);
    return frames;
  }
}

/** A name for a connection that nobody can guess. */
export function drawKey(): Uint8Array {
  const key = new Uint8Array(KEY_BYTES);
  if (typeof crypto !== 'undefined' && typeof crypto.getRandomValues === 'function') return crypto.getRandomValues(key);
  // Browsers of before 2013. What they draw is hard to guess from afar, though not for who knows their generator.
  for (let at = 0; at < key.length; at += 1) key[at] = Math.floor(Math.random() * 256) ^ (Date.now() >>> (at % 8));
  return key;
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  if (first.length === 0) return second;
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
