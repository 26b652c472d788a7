/** Frames in one answer that does not end, with sends beside it. */

import { REQUEST_KIND } from './codec.ts';
import { drawKey, FrameReader, Requester } from './exchange.ts';
import { type Answer, Lane, postLast, requestBody } from './posting.ts';
import { playAddress, type Transport } from './transport.ts';

/** Frames over a streamed answer. */
export class StreamTransport implements Transport {
  readonly rung = 'stream';
  onOpen = (): void => {};
  onFrame = (_: Uint8Array): void => {};
  onClose = (_: number | undefined): void => {};
  readonly #address: string;
  readonly #requester = new Requester(drawKey(), REQUEST_KIND.stream);
  readonly #sends: Lane;
  readonly #abort = new AbortController();
  #hasBegun = false;
  #isClosed = false;
  readonly #timer: ReturnType<typeof setTimeout>;

  constructor(url: string) {
    this.#address = playAddress(url);
    this.#sends = new Lane(
      this.#address,
      (answer) => this.#handleSent(answer),
      () => this.#fail(),
    );
    this.#timer = setTimeout(() => this.onOpen(), 0);
  }

  static get isThere(): boolean {
    return (
      typeof fetch === 'function' &&
      typeof AbortController === 'function' &&
      typeof ReadableStream === 'function' &&
      typeof Response === 'function' &&
      'body' in Response.prototype
    );
  }

  get gatheredMs(): number {
    return this.#sends.gatheredMs;
  }

  send(frame: Uint8Array): void {
    if (this.#isClosed) return;
    this.#requester.push(frame);
    if (!this.#hasBegun) {
      this.#hasBegun = true;
      this.#read().catch(() => this.#fail());
    } else {
      this.#sendMore();
    }
  }

  sendLast(frame: Uint8Array): void {
    if (!this.#isClosed && this.#hasBegun) postLast(this.#address, this.#requester.lastSend(frame));
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#abort.abort();
    this.#sends.close();
  }

  async #read(): Promise<void> {
    const opening = this.#requester.pollPoll()!;
    const answer = await fetch(this.#address, {
      method: 'POST',
      headers: { 'Content-Type': 'text/plain' },
      body: requestBody(opening.body),
      cache: 'no-store',
      credentials: 'omit',
      signal: this.#abort.signal,
    });
    if (!answer.ok || answer.body === null) throw new Error(`the server answered ${answer.status}`);
    const pieces = answer.body.getReader();
    const frames = new FrameReader();
    for (;;) {
      const { done, value } = await pieces.read();
      if (done || this.#isClosed) break;
      for (const frame of frames.push(value)) {
        // Whoever hears a frame may have had enough.
        if (!this.#isClosed) this.onFrame(frame);
      }
    }
    this.#fail();
  }

  #sendMore(): void {
    const pending = this.#requester.pollSend();
    if (pending !== undefined) this.#sends.post(pending);
  }

  #handleSent({ number }: Answer): void {
    this.#requester.handleSendAnswered(number);
    this.#sendMore();
  }

  #fail(): void {
    if (this.#isClosed) return;
    this.close();
    this.onClose(undefined);
  }
}
