/** A game's way in: connects, stays connected, and keeps a world to draw. */

import { adviceOf, CLOSE_REASONS, type CloseReason, closeReasonOf } from './close-reason.ts';
import { BackOff, type OnWake, onPageWake } from './reconnecting.ts';
import type { GameRecord } from './records.ts';
import type { Protocol } from './schema.ts';
import { Session, type SessionEvent } from './session.ts';
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
  readonly onWake?: OnWake;
}

/** What went over the connection so far. */
export interface Stats {
  framesIn: number;
  bytesIn: number;
  framesOut: number;
  bytesOut: number;
  /** Worlds that were not what the server believed, or could not be read; each was healed by a fresh one. */
  desyncs: number;
}

/** An attempt that has not led to a world by then has failed. */
const JOIN_TIMEOUT_MS = 10_000;
/** A connection that worked this long worked: the next wait is a short one again. */
const STEADY_MS = 10_000;
/** A server is never silent for long, even with nothing to tell: by then, and so many ticks, the connection is dead. */
const SILENCE_MAX_MS = 5_000;
const SILENCE_MAX_TICKS = 20;
/** A page in the background has slow timers; what it hears makes it speak once this many ticks have passed. */
const OVERDUE_TICKS = 2;

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
  readonly #backOff: BackOff;
  readonly #stopWaking: () => void;
  readonly #handlers = new Map<string, Set<(event: never) => void>>();
  #state: ConnectionState = { kind: 'connecting' };
  #session: Session;
  #transport: Transport | undefined;
  /** When the present connection led to a world. */
  #joinedAtMs: number | undefined;
  #heardAtMs = 0;
  #spokeAtMs = 0;
  /** Until when not to try, by the server's own word. */
  #notBeforeMs = 0;
  #tickTimer: ReturnType<typeof setTimeout> | undefined;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: ConnectOptions<E, Events, unknown, unknown>) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#backOff = new BackOff(options.random ?? Math.random);
    this.#stopWaking = (options.onWake ?? onPageWake)(() => this.#wake());
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
    if (this.#state.kind === 'closed') return;
    this.#transport?.send(this.#session.leave());
    const left = CLOSE_REASONS[0]!;
    this.#close(left.sentence, left.name);
  }

  #newSession(): Session {
    const { protocol, room = '', token = '', join } = this.#options;
    return new Session(protocol, { room, token, join: join as GameRecord });
  }

  #connect(): void {
    this.#session = this.#newSession();
    let transport: Transport;
    try {
      transport = (this.#options.open ?? openWebSocket)(this.#options.url);
    } catch {
      // No address, or one that browsers keep pages from.
      this.#close(`This page cannot reach a server at “${this.#options.url}”.`, 'BadAddress');
      return;
    }
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
    this.#heardAtMs = nowMs;
    const event = this.#understand(bytes, nowMs);
    switch (event?.type) {
      case undefined:
        // What a server sends cannot be read: nothing to be done but to begin again.
        this.#lose(undefined, undefined, 0);
        break;
      case 'joined':
        clearTimeout(this.#retryTimer);
        this.#joinedAtMs = nowMs;
        this.#change({ kind: 'playing' });
        this.#tick();
        break;
      case 'state':
        if (event.isDesync) this.stats.desyncs += 1;
        this.world.handleState(this.#session.replica, event.tick, event.isFresh);
        if (nowMs - this.#spokeAtMs > (OVERDUE_TICKS * 1000) / this.tickRate) this.#tick();
        break;
      case 'closed': {
        const { reason, sentence, retryAfterMs } = event.close;
        this.#lose(reason, sentence === '' ? reason.sentence : sentence, retryAfterMs);
        break;
      }
      case 'unreadable':
        this.stats.desyncs += 1;
        break;
      case 'nothing':
        break;
      default:
        event satisfies never;
    }
  }

  #understand(bytes: Uint8Array, nowMs: number): SessionEvent | undefined {
    try {
      return this.#session.handleFrame(bytes, nowMs);
    } catch (error) {
      console.warn('tickwire: unreadable frame', error);
      return undefined;
    }
  }

  /** Sends what the player wants, once per tick. */
  #tick(): void {
    clearTimeout(this.#tickTimer);
    // A listener may have left just now.
    if (this.#transport === undefined) return;
    const nowMs = this.#now();
    // A page that slept has yet to hear what came meanwhile.
    if (nowMs - this.#spokeAtMs > SILENCE_MAX_MS / 2) this.#heardAtMs = nowMs;
    if (nowMs - this.#heardAtMs > SILENCE_MAX_MS + (SILENCE_MAX_TICKS * 1000) / this.tickRate) {
      this.#lose(undefined, undefined, 0);
      return;
    }
    this.#spokeAtMs = nowMs;
    this.#send(this.#session.pollUpdate(nowMs, this.#options.input as () => GameRecord));
    this.#tickTimer = setTimeout(() => this.#tick(), this.#session.untilUpdateMs(nowMs));
  }

  #send(frame: Uint8Array): void {
    this.stats.framesOut += 1;
    this.stats.bytesOut += frame.length;
    this.#transport?.send(frame);
  }

  /** The transport is of no more use. */
  #lose(reason: CloseReason | undefined, sentence: string | undefined, retryAfterMs: number): void {
    this.#end();
    if (adviceOf(reason) === 'stop' && reason !== undefined) {
      this.#close(sentence ?? reason.sentence, reason.name);
      return;
    }
    const nowMs = this.#now();
    if (this.#joinedAtMs !== undefined && nowMs - this.#joinedAtMs >= STEADY_MS) this.#backOff.reset();
    this.#joinedAtMs = undefined;
    this.#notBeforeMs = nowMs + retryAfterMs;
    const waitMs = this.#backOff.nextMs(retryAfterMs);
    this.#change({
      kind: 'reconnecting',
      attempt: this.#backOff.attempts,
      retryAtMs: nowMs + waitMs,
      ...(sentence === undefined ? {} : { sentence }),
    });
    this.#retryTimer = setTimeout(() => this.#connect(), waitMs);
  }

  /** An attempt is likely to work now: no need to wait for the next. */
  #wake(): void {
    const isWaiting = this.#state.kind === 'reconnecting' && this.#transport === undefined;
    if (!isWaiting || this.#now() < this.#notBeforeMs) return;
    clearTimeout(this.#retryTimer);
    this.#connect();
  }

  #close(sentence: string, reason: string): void {
    this.#end();
    this.#stopWaking();
    this.#change({ kind: 'closed', sentence, reason });
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
