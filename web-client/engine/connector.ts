/**
 * Finds a way to the server: sends a probe on the best rung, and on the next one as well when no echo is there soon.
 * The first rung that echoes has carried a frame both ways, and only it will ever hear a hello; so however many ways
 * are tried, one player comes of it.
 */

import { closeReasonOf } from './close-reason.ts';
import { type Close, decodeServerFrame, encodeClientFrame, type ServerFrame } from './codec.ts';
import type { OpenTransport, Rung, Transport } from './transport.ts';

/** For how long a rung has the field to itself: at least, and in round trips. */
const HEAD_START_MS = 1_000;
const HEAD_START_MAX_MS = 3_000;
const HEAD_START_ROUND_TRIPS = 4;
/** A stream's first echo comes behind a lot of padding. Some proxies pass on that, and hold back what is small. */
const STREAM_ECHOES = 2;
/** No rung that has not echoed by then will. */
const PATIENCE_MS = 5_000;

/** What came of the search. */
export interface ConnectorEvents {
  /** This transport carries frames both ways. Its callbacks are the caller's from now on. */
  readonly onReady: (transport: Transport) => void;
  /** The server itself, reached on some rung, wants none of it. */
  readonly onClosed: (close: Close) => void;
  /** No rung does. */
  readonly onFailed: () => void;
}

/** Finds a way to the server. */
export class Connector {
  readonly #url: string;
  readonly #open: OpenTransport;
  readonly #rungs: readonly Rung[];
  readonly #headStartMs: number;
  readonly #events: ConnectorEvents;
  readonly #trying = new Set<Transport>();
  readonly #patience: ReturnType<typeof setTimeout>;
  #next = 0;
  #headStart: ReturnType<typeof setTimeout> | undefined;
  #isOver = false;

  /** Starts at once. Throws where the address is none. */
  constructor(
    url: string,
    open: OpenTransport,
    rungs: readonly Rung[],
    roundTripMs: number | undefined,
    events: ConnectorEvents,
  ) {
    this.#url = url;
    this.#open = open;
    this.#rungs = rungs;
    this.#events = events;
    const scaledMs = (roundTripMs ?? 0) * HEAD_START_ROUND_TRIPS;
    this.#headStartMs = Math.min(Math.max(scaledMs, HEAD_START_MS), HEAD_START_MAX_MS);
    this.#patience = setTimeout(() => this.#fail(), PATIENCE_MS);
    this.#tryNext();
  }

  /** Gives up, without a word. */
  stop(): void {
    this.#isOver = true;
    clearTimeout(this.#patience);
    clearTimeout(this.#headStart);
    this.#trying.forEach((transport) => {
      transport.close();
    });
    this.#trying.clear();
  }

  #tryNext(): void {
    clearTimeout(this.#headStart);
    const rung = this.#rungs[this.#next];
    if (rung === undefined) {
      if (this.#trying.size === 0) this.#fail();
      return;
    }
    this.#next += 1;
    const transport = this.#open(this.#url, rung);
    this.#trying.add(transport);
    let echoesDue = rung === 'stream' ? STREAM_ECHOES : 1;
    const probe = (): void => transport.send(encodeClientFrame({ type: 'probe', number: echoesDue }));
    transport.onOpen = probe;
    transport.onFrame = (bytes) => {
      const frame = understand(bytes);
      if (frame?.type === 'probe' && frame.number === echoesDue) {
        echoesDue -= 1;
        if (echoesDue > 0) probe();
        else this.#succeed(transport);
      } else if (frame?.type === 'close') this.#end(() => this.#events.onClosed(frame));
      else this.#drop(transport);
    };
    transport.onClose = (code) => {
      const reason = code === undefined ? undefined : closeReasonOf(code);
      if (reason === undefined) this.#drop(transport);
      else this.#end(() => this.#events.onClosed({ reason, sentence: '', retryAfterMs: 0 }));
    };
    if (this.#next < this.#rungs.length) this.#headStart = setTimeout(() => this.#tryNext(), this.#headStartMs);
  }

  #drop(transport: Transport): void {
    if (this.#isOver || !this.#trying.delete(transport)) return;
    transport.close();
    // Where it was the newest, the next one need not wait any longer.
    if (this.#next < this.#rungs.length || this.#trying.size === 0) this.#tryNext();
  }

  #succeed(transport: Transport): void {
    this.#trying.delete(transport);
    this.#end(() => this.#events.onReady(transport));
  }

  #fail(): void {
    this.#end(() => this.#events.onFailed());
  }

  #end(tell: () => void): void {
    if (this.#isOver) return;
    this.stop();
    tell();
  }
}

function understand(bytes: Uint8Array): ServerFrame | undefined {
  try {
    return decodeServerFrame(bytes);
  } catch {
    return undefined;
  }
}
