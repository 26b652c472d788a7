/**
 * A bad network, made on purpose: latency, jitter, stalls, too little of it, and bursts of loss, between a transport and
 * whoever uses it. As over one real connection nothing is lost and nothing overtakes anything: what would be lost comes
 * late, and all behind it too.
 */

import { seeded } from './seeded.ts';
import type { OpenTransport, Transport } from './transport.ts';

/** A bad network. */
export interface Lag {
  /** Of the round trip, in milliseconds; half of it each way. */
  readonly latencyMs: number;
  /** The round trip is longer or shorter by up to this. */
  readonly jitterMs: number;
  /** Share of frames that are stuck, and for how long. */
  readonly stallShare: number;
  readonly stallMs: number;
  /** KiB that pass each way in a second; 0: as many as come. */
  readonly rateKiB: number;
  /** Loss in bursts, after Gilbert and Elliott. */
  readonly burst: Burst;
  /** Address of a trace: a line per 1,500 bytes that pass, with the millisecond at which they do. It repeats itself. */
  readonly trace: string;
  /** Where chance begins. */
  readonly seed: number;
}

/** Shares of frames at which the network turns bad, and good again, and what a frame costs that is lost while it is bad. */
export interface Burst {
  readonly badShare: number;
  readonly goodShare: number;
  readonly lostMs: number;
}

/** A network that adds nothing. */
export const NO_LAG: Lag = {
  latencyMs: 0,
  jitterMs: 0,
  stallShare: 0,
  stallMs: 0,
  rateKiB: 0,
  burst: { badShare: 0, goodShare: 1, lostMs: 0 },
  trace: '',
  seed: 1,
};

/** Longest that anything takes here: beyond it a connection is as good as broken. */
const DELAY_MS_MAX = 30_000;
const TRACE_BYTES = 1500;

/**
 * Reads a network from words such as `100,jitter:40,stall:1/200`: a round trip of 100 ms, 40 more or less, and each
 * hundredth frame stuck for 200 ms. Also `latency:100`, `rate:32` (KiB/s), `burst:2/25/200` (per cent to turn bad, per
 * cent to turn good, ms per loss), `trace:ADDRESS`, `seed:7`. What is no part of a network is undefined.
 */
export function parseLag(words: string): Lag | undefined {
  let lag = NO_LAG;
  for (const word of words.split(',').map((part) => part.trim())) {
    if (word === '' || word === 'off') continue;
    const [name, value] = /^[\d.]+$/.test(word) ? ['latency', word] : split(word);
    if (name === 'trace') {
      lag = { ...lag, trace: value };
      continue;
    }
    const numbers = value.split('/').map(Number);
    if (value === '' || numbers.some((number) => !Number.isFinite(number) || number < 0)) return undefined;
    const part = partOf(name, numbers);
    if (part === undefined) return undefined;
    lag = { ...lag, ...part };
  }
  return lag;
}

/** Opens transports over a bad network, which `lag` says anew for each frame. */
export function lagging(open: OpenTransport, lag: () => Lag, now: () => number): OpenTransport {
  return (url, rung) => new LagTransport(open(url, rung), lag, now);
}

/** One direction: when what goes in comes out. */
export class LaggingLine {
  readonly #lag: () => Lag;
  readonly #random: () => number;
  #freeAtMs = 0;
  #lastMs = 0;
  #isBad = false;

  constructor(lag: () => Lag, seed: number) {
    this.#lag = lag;
    this.#random = seeded(seed);
  }

  /** When a frame of so many bytes that goes in now comes out. `opportunities` are those of a trace. */
  arrivalMs(nowMs: number, bytes: number, opportunities: readonly number[] = []): number {
    const { latencyMs, jitterMs, stallShare, stallMs, rateKiB, burst } = this.#lag();
    let atMs = nowMs;
    if (opportunities.length > 0) {
      atMs = nextOpportunity(opportunities, Math.max(nowMs, this.#freeAtMs), Math.ceil(bytes / TRACE_BYTES));
      this.#freeAtMs = atMs;
    } else if (rateKiB > 0) {
      this.#freeAtMs = Math.max(nowMs, this.#freeAtMs) + (bytes / 1024 / rateKiB) * 1000;
      atMs = this.#freeAtMs;
    }
    atMs += Math.max(0, latencyMs / 2 + ((this.#random() * 2 - 1) * jitterMs) / 2);
    if (this.#random() < stallShare) atMs += stallMs;
    this.#isBad = this.#random() < (this.#isBad ? 1 - burst.goodShare : burst.badShare);
    if (this.#isBad) atMs += burst.lostMs;
    this.#lastMs = Math.max(this.#lastMs, Math.min(atMs, nowMs + DELAY_MS_MAX));
    return this.#lastMs;
  }
}

/** A transport over a bad network. */
class LagTransport implements Transport {
  onOpen = (): void => {};
  onFrame = (_: Uint8Array): void => {};
  onClose = (_: number | undefined): void => {};
  readonly #inner: Transport;
  readonly #now: () => number;
  readonly #up: LaggingLine;
  readonly #down: LaggingLine;
  readonly #upQueue = new Queue();
  readonly #downQueue = new Queue();
  #opportunities: readonly number[] = [];

  constructor(inner: Transport, lag: () => Lag, now: () => number) {
    this.#inner = inner;
    this.#now = now;
    const { seed, trace } = lag();
    this.#up = new LaggingLine(lag, seed);
    this.#down = new LaggingLine(lag, seed + 1);
    if (trace !== '') void this.#load(trace);
    inner.onOpen = () => this.onOpen();
    inner.onFrame = (bytes) => this.#after(this.#down, this.#downQueue, bytes.length, () => this.onFrame(bytes));
    inner.onClose = (code) => this.#after(this.#down, this.#downQueue, 0, () => this.onClose(code));
  }

  get rung(): Transport['rung'] {
    return this.#inner.rung;
  }

  get gatheredMs(): number {
    return this.#inner.gatheredMs ?? 0;
  }

  send(frame: Uint8Array): void {
    this.#after(this.#up, this.#upQueue, frame.length, () => this.#inner.send(frame));
  }

  sendLast(frame: Uint8Array): void {
    this.#inner.sendLast(frame);
  }

  close(): void {
    this.#upQueue.clear();
    this.#downQueue.clear();
    this.#inner.close();
  }

  #after(line: LaggingLine, queue: Queue, bytes: number, act: () => void): void {
    const nowMs = this.#now();
    queue.push(act, line.arrivalMs(nowMs, bytes, this.#opportunities) - nowMs);
  }

  async #load(trace: string): Promise<void> {
    try {
      const answer = await fetch(trace);
      if (!answer.ok) throw new Error(`the answer was ${answer.status}`);
      this.#opportunities = readTrace(await answer.text());
    } catch (error) {
      console.warn(`tickwire: no trace at ${trace}:`, error);
    }
  }
}

/** What is to happen later, in the order in which it was said, whatever browsers make of fractions of milliseconds. */
class Queue {
  readonly #acts: (() => void)[] = [];
  #isOver = false;

  push(act: () => void, delayMs: number): void {
    if (delayMs <= 0 && this.#acts.length === 0) {
      act();
      return;
    }
    this.#acts.push(act);
    setTimeout(() => {
      if (!this.#isOver) this.#acts.shift()?.();
    }, delayMs);
  }

  clear(): void {
    this.#isOver = true;
    this.#acts.length = 0;
  }
}

/** The moments in a trace; none where it has no order. */
export function readTrace(text: string): readonly number[] {
  const moments = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map(Number);
  const isGood = moments.every((moment, at) => moment >= 0 && (at === 0 || moment >= moments[at - 1]!));
  return isGood && (moments.at(-1) ?? 0) > 0 ? moments : [];
}

/** The moment from `nowMs` on at which the last of `count` pieces passes. */
function nextOpportunity(opportunities: readonly number[], nowMs: number, count: number): number {
  const period = opportunities.at(-1)!;
  const round = Math.floor(nowMs / period);
  let at = opportunities.findIndex((moment) => moment + round * period > nowMs);
  at = (at < 0 ? opportunities.length : at) + Math.max(count, 1) - 1;
  return opportunities[at % opportunities.length]! + (round + Math.floor(at / opportunities.length)) * period;
}

function split(word: string): [name: string, value: string] {
  const at = word.indexOf(':');
  return at < 0 ? [word, ''] : [word.slice(0, at), word.slice(at + 1)];
}

function partOf(name: string, numbers: readonly number[]): Partial<Lag> | undefined {
  const [first = 0, second = 0, third = 0] = numbers;
  switch (`${name}/${numbers.length}`) {
    case 'latency/1':
      return { latencyMs: first };
    case 'jitter/1':
      return { jitterMs: first };
    case 'stall/2':
      return { stallShare: Math.min(first / 100, 1), stallMs: second };
    case 'rate/1':
      return { rateKiB: first };
    case 'burst/3':
      return { burst: { badShare: Math.min(first / 100, 1), goodShare: Math.min(second / 100, 1), lostMs: third } };
    case 'seed/1':
      return { seed: first };
    default:
      return undefined;
  }
}
