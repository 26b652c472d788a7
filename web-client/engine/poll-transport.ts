/**
 * Frames as the answers to polls: held ones, which end when there is something to hear, with sends beside them; or
 * plain ones at intervals, which carry everything. Needs nothing but XMLHttpRequest and typed arrays.
 */

import { REQUEST_KIND } from './codec.ts';
import { drawKey, Requester } from './exchange.ts';
import { type Answer, Lane, postLast } from './posting.ts';
import { playAddress, type Transport } from './transport.ts';

/** Between two polls that are not held. */
const POLL_INTERVAL_MS = 100;

/** Frames over polls. */
export class PollTransport implements Transport {
  readonly rung: 'long-poll' | 'poll';
  onOpen = (): void => {};
  onFrame = (_: Uint8Array): void => {};
  onClose = (_: number | undefined): void => {};
  readonly #address: string;
  readonly #requester: Requester;
  readonly #polls: Lane;
  readonly #sends: Lane;
  #hasBegun = false;
  #isClosed = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #polledAtMs = 0;

  constructor(url: string, rung: 'long-poll' | 'poll') {
    this.rung = rung;
    this.#address = playAddress(url);
    this.#requester = new Requester(drawKey(), rung === 'poll' ? REQUEST_KIND.poll : REQUEST_KIND.heldPoll);
    const fail = (): void => this.#fail();
    this.#polls = new Lane(this.#address, (answer) => this.#handlePolled(answer), fail);
    this.#sends = new Lane(this.#address, (answer) => this.#handleSent(answer), fail);
    // Nothing has to be opened; whoever made this sets its callbacks first.
    this.#timer = setTimeout(() => this.onOpen(), 0);
  }

  static get isThere(): boolean {
    return typeof XMLHttpRequest === 'function' && typeof Uint8Array === 'function';
  }

  get gatheredMs(): number {
    return Math.max(this.#polls.gatheredMs, this.#sends.gatheredMs);
  }

  send(frame: Uint8Array): void {
    if (this.#isClosed) return;
    this.#requester.push(frame);
    if (!this.#hasBegun) {
      this.#hasBegun = true;
      this.#poll();
    } else {
      this.#sendMore();
    }
  }

  sendLast(frame: Uint8Array): void {
    if (this.#isClosed || !this.#hasBegun) return;
    postLast(this.#address, this.#requester.lastSend(frame));
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#polls.close();
    this.#sends.close();
  }

  #poll(): void {
    if (this.#isClosed) return;
    this.#polledAtMs = Date.now();
    const pending = this.#requester.pollPoll();
    if (pending !== undefined) this.#polls.post(pending);
  }

  #handlePolled({ number, body }: Answer): void {
    let frames: readonly Uint8Array[];
    try {
      frames = this.#requester.handlePollAnswered(number, body);
    } catch {
      // Something between here and the server answers in its place.
      this.#fail();
      return;
    }
    // Asked for more at once: a frame takes a while to take in.
    const waitMs = this.rung === 'poll' ? Math.max(POLL_INTERVAL_MS - (Date.now() - this.#polledAtMs), 0) : 0;
    if (waitMs > 0) this.#timer = setTimeout(() => this.#poll(), waitMs);
    else this.#poll();
    for (let at = 0; at < frames.length && !this.#isClosed; at += 1) this.onFrame(frames[at]!);
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
