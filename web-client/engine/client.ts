/** A game's way in: connects, stays connected, and keeps a world to draw. */

import { adviceOf, type CloseReason, closeReasonOf } from './close-reason.ts';
import type { GameRecord } from './records.ts';
import type { Protocol } from './schema.ts';
import { Session } from './session.ts';
import type { OpenTransport, Transport } from './transport.ts';
import { openWebSocket } from './websocket-transport.ts';
import { type EntityBase, World } from './world.ts';

/** A protocol with the types that were generated for it. */
export interface TypedProtocol<E extends EntityBase, Events, Input, Join> extends Protocol {
  /** Never there: it only carries the types. */
  readonly types?: { readonly entity: E; readonly events: Events; readonly input: Input; readonly join: Join };
}

/** How the connection is, for people. */
export type ConnectionState =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'playing' }
  | {
      readonly kind: 'reconnecting';
      readonly attempt: number;
      /** When the next attempt is due, on the clock of `performance.now()`. */
      readonly retryAtMs: number;
      readonly sentence?: string;
    }
  | { readonly kind: 'closed'; readonly sentence: string; readonly reason: string };

/** What `connect` needs. */
export interface ConnectOptions<E extends EntityBase, Events, Input, Join> {
  /** Address of the server, such as `https://play.example.org`. */
  readonly url: string;
  /** From the generated `protocol.ts`. */
  readonly protocol: TypedProtocol<E, Events, Input, Join>;
  readonly join: Join;
  /** What the player wants, asked for once per tick. */
  readonly input: () => Input;
  /** Which room; the server's default where it is empty. */
  readonly room?: string;
  /** Connection token, where the server demands one. */
  readonly token?: string;
  /** For tests: how to reach the server, and what time it is. */
  readonly open?: OpenTransport;
  readonly now?: () => number;
  readonly random?: () => number;
}

/** What went over the connection so far. */
export interface Stats {
  framesIn: number;
  bytesIn: number;
  framesOut: number;
  bytesOut: number;
  /** Checksums that did not match. */
  desyncs: number;
}

/** The first wait before another attempt; it doubles with each, up to the second one. */
const RETRY_FIRST_MS = 500;
const RETRY_MAX_MS = 10_000;
/** An attempt that has not led to a world by then has failed. */
const JOIN_TIMEOUT_MS = 10_000;

/** Connects to a server and plays there until `leave`. */
export function connect<E extends EntityBase, Events, Input, Join>(
  options: ConnectOptions<E, Events, Input, Join>,
): Client<E, Events> {
  return new Client<E, Events>(options as unknown as ConnectOptions<E, Events, unknown, unknown>);
}

/** A player's place in a game. */
export class Client<E extends EntityBase = EntityBase, Events = Record<string, unknown>> {
  readonly world: World<E>;
  readonly stats: Stats = { framesIn: 0, bytesIn: 0, framesOut: 0, bytesOut: 0, desyncs: 0 };
  readonly #options: ConnectOptions<E, Events, unknown, unknown>;
  readonly #now: () => number;
  readonly #handlers = new Map<string, Set<(event: never) => void>>();
  #state: ConnectionState = { kind: 'connecting' };
  #session: Session;
  #transport: Transport | undefined;
  #attempt = 0;
  #tickTimer: ReturnType<typeof setTimeout> | undefined;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: ConnectOptions<E, Events, unknown, unknown>) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.world = new World<E>(options.protocol);
    this.world.attach(
      (nowMs) => this.#session.renderTick(nowMs),
      (name, event) => this.#emit(name, event),
    );
    this.#session = this.#newSession();
    // After the caller had a chance to listen.
    this.#retryTimer = setTimeout(() => this.#connect(), 0);
  }

  /** How the connection is. */
  get state(): ConnectionState {
    return this.#state;
  }

  /** Round trip to the server and back; undefined before the first. */
  get pingMs(): number | undefined {
    return this.#session.roundTripMs;
  }

  /** How far pictures are behind the server, in milliseconds. */
  get renderDelayMs(): number {
    return this.#session.renderDelayMs;
  }

  /** Ticks per second of the room. */
  get tickRate(): number {
    return this.#session.tickRate;
  }

  /** The player's own number, once the server has let it in. */
  get clientId(): number | undefined {
    return this.#session.client;
  }

  /** Name of the transport in use. */
  get transport(): string | undefined {
    return this.#transport?.name;
  }

  /** Hears of a new connection state, or of the game's events by name. Returns how to stop. */
  on(name: 'state', handler: (state: ConnectionState) => void): () => void;
  on<Name extends keyof Events & string>(name: Name, handler: (event: Events[Name]) => void): () => void;
  on(name: string, handler: (event: never) => void): () => void {
    let handlers = this.#handlers.get(name);
    if (handlers === undefined) {
      handlers = new Set();
      this.#handlers.set(name, handlers);
    }
    handlers.add(handler);
    return () => handlers.delete(handler);
  }

  /** Ends the game for this player. */
  leave(): void {
    this.#transport?.send(this.#session.leave());
    this.#end();
    const reason = closeReasonOf(4000);
    this.#change({ kind: 'closed', sentence: reason?.sentence ?? '', reason: reason?.name ?? '' });
  }

  #newSession(): Session {
    const { protocol, room = '', token = '', join } = this.#options;
    return new Session(protocol, { room, token, join: join as GameRecord });
  }

  #connect(): void {
    this.#session = this.#newSession();
    const transport = (this.#options.open ?? openWebSocket)(this.#options.url);
    this.#transport = transport;
    transport.onOpen = () => this.#send(this.#session.hello());
    transport.onFrame = (bytes) => this.#handleFrame(bytes);
    transport.onClose = (code) => {
      const reason = code === undefined ? undefined : closeReasonOf(code);
      this.#lose(reason, reason?.sentence, 0);
    };
    this.#retryTimer = setTimeout(() => this.#lose(undefined, undefined, 0), JOIN_TIMEOUT_MS);
  }

  #handleFrame(bytes: Uint8Array): void {
    this.stats.framesIn += 1;
    this.stats.bytesIn += bytes.length;
    const nowMs = this.#now();
    try {
      const event = this.#session.handleFrame(bytes, nowMs);
      switch (event.type) {
        case 'joined':
          clearTimeout(this.#retryTimer);
          this.#attempt = 0;
          this.#change({ kind: 'playing' });
          this.#tick();
          break;
        case 'state':
          this.world.handleState(this.#session.replica, event.tick, event.isFresh);
          break;
        case 'closed': {
          const { reason, sentence, retryAfterMs } = event.close;
          this.#lose(reason, sentence === '' ? reason.sentence : sentence, retryAfterMs);
          break;
        }
        case 'nothing':
          break;
        default:
          event satisfies never;
      }
    } catch (error) {
      // A server that sends what cannot be read: nothing to be done but to begin again.
      console.warn('tickwire: unreadable frame', error);
      this.#lose(undefined, undefined, 0);
    }
  }

  /** Sends what the player wants, once per tick. */
  #tick(): void {
    this.#send(this.#session.pollUpdate(this.#now(), this.#options.input as () => GameRecord));
    this.#tickTimer = setTimeout(() => this.#tick(), 1000 / this.tickRate);
  }

  #send(frame: Uint8Array): void {
    this.stats.framesOut += 1;
    this.stats.bytesOut += frame.length;
    this.#transport?.send(frame);
  }

  /** The transport is of no more use. */
  #lose(reason: CloseReason | undefined, sentence: string | undefined, retryAfterMs: number): void {
    this.#end();
    const advice = adviceOf(reason);
    if (advice === 'stop' && reason !== undefined) {
      this.#change({ kind: 'closed', sentence: sentence ?? reason.sentence, reason: reason.name });
      return;
    }
    this.#attempt += 1;
    const backOffMs = Math.min(RETRY_FIRST_MS * 2 ** (this.#attempt - 1), RETRY_MAX_MS);
    // Spread out, so that a thousand players do not all knock at the same moment.
    const jitter = 0.5 + (this.#options.random ?? Math.random)() / 2;
    const waitMs = Math.max(backOffMs * jitter, retryAfterMs);
    const retryAtMs = this.#now() + waitMs;
    this.#change({
      kind: 'reconnecting',
      attempt: this.#attempt,
      retryAtMs,
      ...(sentence === undefined ? {} : { sentence }),
    });
    this.#retryTimer = setTimeout(() => this.#connect(), waitMs);
  }

  #end(): void {
    clearTimeout(this.#tickTimer);
    clearTimeout(this.#retryTimer);
    this.#transport?.close();
    this.#transport = undefined;
  }

  #change(state: ConnectionState): void {
    this.#state = state;
    this.#emit('state', state);
  }

  #emit(name: string, event: unknown): void {
    for (const handler of this.#handlers.get(name) ?? []) handler(event as never);
  }
}
