/** One request after the other to a server, each repeated as it is until it is answered. For every browser: XHR. */

import type { Pending } from './exchange.ts';
import { Recent } from './recent.ts';

/** Between an attempt that failed and the next one: doubling, up to the second one. */
const RETRY_MS = 250;
const RETRY_MAX_MS = 2_000;
/** Failing for this long, it has failed. */
const PATIENCE_MS = 8_000;
/** An answer that is not there by then will not come: polls are held for 22 s. */
const ANSWER_TIMEOUT_MS = 28_000;
/** Requests by which it is told how long frames are gathered for one. */
const GATHERED_MAX = 16;
/** First byte of a binary body. */
const BINARY = 0;

/** What became of a request. */
export interface Answer {
  readonly number: number;
  readonly body: Uint8Array;
}

/** A lane on which one request is under way at most. */
export class Lane {
  readonly #address: string;
  readonly #onAnswer: (answer: Answer) => void;
  readonly #onFailed: () => void;
  readonly #gatheredMs = new Recent(GATHERED_MAX);
  #postedAtMs = 0;
  #request: XMLHttpRequest | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;

  constructor(address: string, onAnswer: (answer: Answer) => void, onFailed: () => void) {
    this.#address = address;
    this.#onAnswer = onAnswer;
    this.#onFailed = onFailed;
  }

  /** For how long frames wait at most for the request that carries them, of late; 0 where each has one of its own. */
  get gatheredMs(): number {
    return this.#gatheredMs.quantile(1) ?? 0;
  }

  /** Makes a request until it is answered. */
  post(pending: Pending): void {
    const nowMs = Date.now();
    this.#gatheredMs.push(pending.frames > 1 ? nowMs - this.#postedAtMs : 0);
    this.#postedAtMs = nowMs;
    this.#attempt(pending, RETRY_MS, 0);
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    const request = this.#request;
    this.#request = undefined;
    request?.abort();
  }

  #attempt(pending: Pending, retryMs: number, failedMs: number): void {
    if (this.#isClosed) return;
    const request = new XMLHttpRequest();
    this.#request = request;
    request.open('POST', this.#address, true);
    request.responseType = 'arraybuffer';
    request.timeout = ANSWER_TIMEOUT_MS;
    // No preflight is owed for it.
    request.setRequestHeader('Content-Type', 'text/plain');
    request.onload = () => {
      if (this.#isClosed) return;
      const { status } = request;
      if (status === 200) this.#onAnswer({ number: pending.number, body: bodyOf(request) });
      // What the server does not want now it will not want again; a proxy in trouble may be better soon.
      else if (status < 500) this.#fail();
      else this.#repeat(pending, retryMs, failedMs);
    };
    request.onerror = () => this.#repeat(pending, retryMs, failedMs);
    request.ontimeout = request.onerror;
    request.send(requestBody(pending.body));
  }

  #repeat(pending: Pending, retryMs: number, failedMs: number): void {
    if (this.#isClosed) return;
    if (failedMs + retryMs > PATIENCE_MS) {
      this.#fail();
      return;
    }
    const nextMs = Math.min(retryMs * 2, RETRY_MAX_MS);
    this.#timer = setTimeout(() => this.#attempt(pending, nextMs, failedMs + retryMs), retryMs);
  }

  #fail(): void {
    this.close();
    this.#onFailed();
  }
}

/** Posts what the page has to say as it goes away, without waiting for an answer. */
export function postLast(address: string, body: Uint8Array): void {
  // Neither owes a preflight: the beacon has no type of its own, and the request has that of plain text.
  if (typeof navigator !== 'undefined' && typeof navigator.sendBeacon === 'function') {
    navigator.sendBeacon(address, requestBody(body));
    return;
  }
  const request = new XMLHttpRequest();
  request.open('POST', address, true);
  request.setRequestHeader('Content-Type', 'text/plain');
  request.send(requestBody(body));
}

/** The body of a POST. */
export function requestBody(body: Uint8Array): Uint8Array<ArrayBuffer> {
  const marked = new Uint8Array(body.length + 1);
  marked[0] = BINARY;
  marked.set(body, 1);
  return marked;
}

function bodyOf(request: XMLHttpRequest): Uint8Array {
  return new Uint8Array((request.response as ArrayBuffer | null) ?? new ArrayBuffer(0));
}
