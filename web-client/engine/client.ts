/** A game's way in: connects, stays connected, and keeps a world to draw. */

import { type Channel, Channels } from './channels.ts';
import { adviceOf, CLOSE_REASONS, type CloseReason, closeReasonOf } from './close-reason.ts';
import type { Close } from './codec.ts';
import { ConnectionToken, type TokenSource } from './connection-token.ts';
import { Connector } from './connector.ts';
import type { Keeper, Kept } from './keeper.ts';
import { Ladder } from './ladder.ts';
import { type Lag, lagging } from './lag.ts';
import { Network } from './network.ts';
import { Prediction, type PredictionOptions } from './prediction.ts';
import { BackOff, type OnWake, onPageWake, RETRY_URGENT_MS } from './reconnecting.ts';
import type { GameRecord } from './records.ts';
import type { Words } from './rules.ts';
import { lessonStore, openTransport, rungsOfPage } from './rungs.ts';
import type { Protocol } from './schema.ts';
import { Session, type SessionEvent } from './session.ts';
import type { OpenTransport, Rung, Transport } from './transport.ts';
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
  /**
   * What the player wants at a tick. Asked for once per tick, when it is due (`isFinal`), and where the player is
   * predicted before each picture as well, for the tick to come: the same question may then have another answer.
   */
  readonly input: (tick: number, isFinal: boolean) => Input;
  /** How the player's own is drawn ahead of the server; without it, all is drawn as the server says. */
  readonly prediction?: PredictionOptions<E, Input>;
  /** Which room; the server's default where it is empty. */
  readonly room?: string;
  /** Connection token, where the server demands one: fixed, or fetched whenever one is due. */
  readonly token?: TokenSource;
  /** The one transport to use, whatever the network: its name as in `Rung`. Any other word means the best there is. */
  readonly transport?: string;
  /** A bad network to play over, for trying; asked for each frame, so that it can change. */
  readonly lag?: () => Lag;
  /** Keeps the session over a reload of the page. */
  readonly keeper?: Keeper;
  /** What the keeper had of a page before this one: goes on with that session. */
  readonly kept?: Kept;
  /** For tests: how to reach the server, and what time it is. */
  readonly open?: OpenTransport;
  readonly rungs?: readonly Rung[];
  readonly now?: () => number;
  readonly random?: () => number;
  readonly onWake?: OnWake;
}

/** What went over the connection so far, and what came of it. */
export interface Stats {
  framesIn: number;
  bytesIn: number;
  framesOut: number;
  bytesOut: number;
  /** Worlds that were compared with the server's and were the same. */
  checksums: number;
  /** Worlds that were not what the server believed, or could not be read; each was healed by a fresh one. */
  desyncs: number;
  /** Pictures for which `advance` was called, and those of them that waited for a state. */
  pictures: number;
  heldPictures: number;
  /** Time spent so far on frames and on `advance`. */
  workMs: number;
}

/** A hello that no welcome has answered by then got lost. */
const WELCOME_TIMEOUT_MS = 5_000;
/** For how long a server keeps the place of a player who lost every connection, unless told otherwise. */
const GRACE_MS = 60_000;
/** A connection that worked this long worked: the next wait is a short one again. */
const STEADY_MS = 10_000;
/** How much of a connection token's time is used before the next one is fetched. */
const TOKEN_USED_SHARE = 0.8;
/** Between two attempts to fetch one. */
const TOKEN_RETRY_S = 5;
/** The longest wait that a browser's timer knows is a little longer. */
const TOKEN_WAIT_MAX_MS = 2_000_000_000;
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
  readonly stats: Stats = {
    framesIn: 0,
    bytesIn: 0,
    framesOut: 0,
    bytesOut: 0,
    checksums: 0,
    desyncs: 0,
    pictures: 0,
    heldPictures: 0,
    workMs: 0,
  };
  /** How the connection does, in numbers that are worked out when they are asked for. */
  readonly network: Network;
  readonly #options: ConnectOptions<E, Events, unknown, unknown>;
  readonly #now: () => number;
  readonly #backOff: BackOff;
  readonly #stopWaking: () => void;
  readonly #ladder: Ladder;
  readonly #token: ConnectionToken;
  readonly #session: Session;
  readonly #channels: Channels;
  readonly #stopKeeping: () => void;
  readonly #prediction: Prediction<E, unknown> | undefined;
  readonly #handlers = new Map<string, Set<(event: never) => void>>();
  #state: ConnectionState = { kind: 'connecting' };
  /** Looks for a way to the server, or for a better one. */
  #connector: Connector | undefined;
  /** What carries the session, and what is about to. */
  #transport: Transport | undefined;
  #coming: Transport | undefined;
  /** When the present connection led to a world. */
  #joinedAtMs: number | undefined;
  #heardAtMs = 0;
  /** When the newest connection that worked was lost. */
  #lostAtMs = 0;
  #spokeAtMs = 0;
  /** Until when not to try, by the server's own word. */
  #notBeforeMs = 0;
  #tickTimer: ReturnType<typeof setTimeout> | undefined;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #climbTimer: ReturnType<typeof setTimeout> | undefined;
  #tokenTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: ConnectOptions<E, Events, unknown, unknown>) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#backOff = new BackOff(options.random ?? Math.random);
    this.#stopWaking = (options.onWake ?? onPageWake)(() => this.#wake());
    const { protocol, room = '', token = '', join, kept } = options;
    this.#token = new ConnectionToken(token);
    this.#session = new Session(protocol, { room, join: join as GameRecord }, kept);
    this.#channels = new Channels((request) => this.#session.sendChannelRequest(request));
    this.#ladder = new Ladder(options.rungs ?? rungsOfPage(options.transport), Date.now(), lessonStore());
    this.#stopKeeping = options.keeper?.watch(() => this.#keep()) ?? (() => {});
    this.world = new World<E>(options.protocol);
    const { input, prediction } = options;
    if (prediction !== undefined)
      this.#prediction = new Prediction(prediction, this.world, (tick) => input(tick, false));
    this.network = new Network(this.#session, () => this.#prediction?.corrections);
    this.world.attach(
      (nowMs) => this.#session.renderTick(nowMs),
      (name, event) => this.#emit(name, event),
      { draw: (nowMs) => this.#drawPresent(nowMs) },
    );
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

  /** Name of the room, once the server has let the player in. */
  get room(): string | undefined {
    return this.#session.room;
  }

  /** The player's own number, once the server has let it in. */
  get clientId(): number | undefined {
    return this.#session.client;
  }

  /** The transport in use. */
  get transport(): Rung | undefined {
    return this.#transport?.rung;
  }

  /** The state of what the player controls after the newest input; undefined while nothing is predicted. */
  get predicted(): Words | undefined {
    return this.#prediction?.state;
  }

  /** Moves the world on to now: call it once before each picture. */
  advance(nowMs: number): void {
    const beganMs = this.#now();
    this.world.advance(nowMs);
    this.stats.pictures += 1;
    if (this.network.isHeld) this.stats.heldPictures += 1;
    this.stats.workMs += this.#now() - beganMs;
  }

  /** Sends a reliable message to the game: it arrives once and in order. False where too much waits already. */
  send(message: Uint8Array): boolean {
    return this.#session.sendMessage(message);
  }

  /** The channel of this name: to listen, to publish, to see who is here. */
  channel(name: string): Channel {
    return this.#channels.channel(name);
  }

  /**
   * Hears of a new connection state, of the game's reliable messages, or of its events by name. Returns how to stop.
   */
  on(name: 'state', handler: (state: ConnectionState) => void): () => void;
  on(name: 'message', handler: (message: Uint8Array) => void): () => void;
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
    this.#transport?.sendLast(this.#session.leave());
    const left = CLOSE_REASONS[0]!;
    this.#close(left.sentence, left.name);
  }

  /** Looks for a way to the server. */
  #connect(): void {
    clearTimeout(this.#retryTimer);
    if (this.#token.value === undefined) {
      this.#renewToken(
        () => this.#connect(),
        () => this.#lose(undefined, undefined, 0),
      );
      return;
    }
    this.#search(this.#ladder.candidates(Date.now()), {
      onReady: (transport) => {
        this.#ladder.handleProven(transport.rung, Date.now());
        this.#move(transport);
      },
      onClosed: (close) => this.#handleClose(close),
      onFailed: () => this.#lose(undefined, undefined, 0),
    });
  }

  /** Looks for a better way, beside the one that is used. */
  #climb(): void {
    const better = this.#transport === undefined ? [] : this.#ladder.better(this.#transport.rung);
    if (better.length === 0 || this.#coming !== undefined) return;
    this.#search(better, {
      onReady: (transport) => {
        this.#ladder.handleProven(transport.rung, Date.now());
        this.#move(transport);
      },
      onClosed: () => this.#planClimb(),
      onFailed: () => this.#planClimb(),
    });
  }

  #planClimb(): void {
    clearTimeout(this.#climbTimer);
    if (this.#transport === undefined || this.#ladder.better(this.#transport.rung).length === 0) return;
    this.#climbTimer = setTimeout(() => this.#climb(), this.#ladder.nextClimbMs());
  }

  #search(rungs: readonly Rung[], events: ConstructorParameters<typeof Connector>[4]): void {
    this.#connector?.stop();
    const { url, open = openTransport, lag } = this.#options;
    const lagged = lag === undefined ? open : lagging(open, lag, this.#now);
    try {
      this.#connector = new Connector(url, lagged, rungs, this.#session.roundTripMs, events);
    } catch {
      // No address, or one that browsers keep pages from.
      this.#close(`This page cannot reach a server at “${url}”.`, 'BadAddress');
    }
  }

  /** Goes on with the session over a transport that is known to carry frames. The one before is kept until then. */
  #move(transport: Transport): void {
    this.#connector = undefined;
    this.#coming = transport;
    transport.onFrame = (bytes) => this.#handleFrame(transport, bytes);
    transport.onClose = (code) => this.#handleGone(transport, code);
    this.#count(this.#session.hello(this.#token.value ?? ''), transport);
    clearTimeout(this.#retryTimer);
    this.#retryTimer = setTimeout(() => this.#handleGone(transport, undefined), WELCOME_TIMEOUT_MS);
  }

  #handleGone(transport: Transport, code: number | undefined): void {
    if (transport === this.#coming && this.#transport !== undefined) {
      // The one before may still do. If the server has left it as well, that shows.
      transport.close();
      this.#coming = undefined;
      clearTimeout(this.#retryTimer);
      this.#planClimb();
      return;
    }
    if (transport === this.#transport && this.#coming !== undefined) {
      // The session is on its way to the other.
      this.#transport = undefined;
      return;
    }
    const reason = code === undefined ? undefined : closeReasonOf(code);
    this.#lose(reason, reason?.sentence, 0);
  }

  #handleFrame(transport: Transport, bytes: Uint8Array): void {
    this.stats.framesIn += 1;
    this.stats.bytesIn += bytes.length;
    const nowMs = this.#now();
    this.#heardAtMs = nowMs;
    const event = this.#understand(bytes, nowMs);
    this.#handleEvent(transport, event, nowMs);
    this.stats.workMs += this.#now() - nowMs;
  }

  #handleEvent(transport: Transport, event: SessionEvent | undefined, nowMs: number): void {
    switch (event?.type) {
      case undefined:
        // What a server sends cannot be read: nothing to be done but to begin again.
        this.#lose(undefined, undefined, 0);
        break;
      case 'joined':
        this.#channels.handleJoined(event.isResumed);
        this.#handleJoined(transport, nowMs);
        break;
      case 'state':
        if (event.isSame === true) this.stats.checksums += 1;
        else if (event.isSame === false) this.stats.desyncs += 1;
        this.world.handleState(this.#session.replica, event.tick, event.isFresh);
        this.#prediction?.handleState();
        for (const message of this.#session.takeMessages(event.tick)) this.#emit('message', message);
        if (nowMs - this.#spokeAtMs > (OVERDUE_TICKS * 1000) / this.tickRate) this.#tick();
        break;
      case 'closed':
        // What the session has left, or is about to leave, says so; that is no news.
        if (transport !== this.#transport || this.#coming === undefined) this.#handleClose(event.close);
        break;
      case 'unreadable':
        this.stats.desyncs += 1;
        break;
      case 'nothing':
        if (nowMs - this.#spokeAtMs > (OVERDUE_TICKS * 1000) / this.tickRate) this.#tick();
        break;
      default:
        event satisfies never;
    }
    for (const message of this.#session.takeChannelMessages()) this.#channels.handleMessage(message);
    const tokenSeconds = this.#session.takeTokenSeconds();
    if (tokenSeconds !== undefined) this.#planToken(tokenSeconds);
  }

  /** Fetches another connection token, and shows it, well before this one runs out. */
  #planToken(seconds: number): void {
    clearTimeout(this.#tokenTimer);
    if (!this.#token.isRenewable) return;
    const waitMs = Math.min(seconds * 1000 * TOKEN_USED_SHARE, TOKEN_WAIT_MAX_MS);
    this.#tokenTimer = setTimeout(() => {
      this.#renewToken(
        (token) => this.#session.sendToken(token),
        () => this.#planToken(Math.max((seconds * (1 - TOKEN_USED_SHARE)) / 2, TOKEN_RETRY_S)),
      );
    }, waitMs);
  }

  #renewToken(onToken: (token: string) => void, onFailed: () => void): void {
    const isStill = () => this.#state.kind !== 'closed';
    this.#token.renew(
      (token) => {
        if (isStill()) onToken(token);
      },
      (error) => {
        console.warn('tickwire: no connection token', error);
        if (isStill()) onFailed();
      },
    );
  }

  #handleJoined(transport: Transport, nowMs: number): void {
    clearTimeout(this.#retryTimer);
    if (this.#transport !== transport) this.#transport?.close();
    this.#transport = transport;
    this.#coming = undefined;
    this.#joinedAtMs = nowMs;
    if (this.#state.kind !== 'playing') this.#change({ kind: 'playing' });
    this.#planClimb();
    this.#tick();
  }

  #handleClose({ reason, sentence, retryAfterMs }: Close): void {
    if (reason.name === 'SessionRefused') this.#session.forget();
    this.#lose(reason, sentence === '' ? reason.sentence : sentence, retryAfterMs);
  }

  #understand(bytes: Uint8Array, nowMs: number): SessionEvent | undefined {
    try {
      return this.#session.handleFrame(bytes, nowMs);
    } catch (error) {
      console.warn('tickwire: unreadable frame', error);
      return undefined;
    }
  }

  /** Draws what is ahead of the server. An input that is due meanwhile does not wait for its timer. */
  #drawPresent(nowMs: number): void {
    this.#session.present(nowMs);
    if (this.#session.isInputDue) this.#tick();
    const present = this.#session.present(nowMs);
    if (present !== undefined) this.#prediction?.draw(present, nowMs);
  }

  #input(tick: number): GameRecord {
    const input = this.#options.input(tick, true);
    this.#prediction?.commit(tick, input);
    return input as GameRecord;
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
    this.#session.setGathered(this.#transport.gatheredMs ?? 0);
    const update = this.#session.pollUpdate(nowMs, (tick) => this.#input(tick));
    this.#count(update, this.#transport);
    this.#tickTimer = setTimeout(() => this.#tick(), this.#session.untilUpdateMs(nowMs));
  }

  /** Sends a frame. */
  #count(frame: Uint8Array, transport: Transport): void {
    this.stats.framesOut += 1;
    this.stats.bytesOut += frame.length;
    transport.send(frame);
  }

  /** The page goes. Returns what another one needs to go on. */
  #keep(): Kept | undefined {
    this.#transport?.sendLast(this.#session.away());
    const kept = this.#session.kept;
    if (kept === undefined || this.#state.kind === 'closed') return undefined;
    return { ...kept, join: this.#options.join as GameRecord };
  }

  /** The transport is of no more use. */
  #lose(reason: CloseReason | undefined, sentence: string | undefined, retryAfterMs: number): void {
    const rung = (this.#transport ?? this.#coming)?.rung;
    this.#end();
    const isExpired = reason?.name === 'TokenExpired';
    if (isExpired) this.#token.expire();
    if (reason !== undefined && (adviceOf(reason) === 'stop' || (isExpired && !this.#token.isRenewable))) {
      this.#close(sentence ?? reason.sentence, reason.name);
      return;
    }
    const nowMs = this.#now();
    const livedMs = this.#joinedAtMs === undefined ? 0 : nowMs - this.#joinedAtMs;
    if (livedMs >= STEADY_MS) this.#backOff.reset();
    if (rung !== undefined && reason === undefined) this.#ladder.handleLost(rung, livedMs, Date.now());
    this.#joinedAtMs = undefined;
    this.#notBeforeMs = nowMs + retryAfterMs;
    if (livedMs > 0) this.#lostAtMs = nowMs;
    const isUrgent = this.#session.kept !== undefined && nowMs - this.#lostAtMs < GRACE_MS;
    const waitMs = this.#backOff.nextMs(retryAfterMs, isUrgent ? RETRY_URGENT_MS : undefined);
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
    this.#ladder.handleNetworkChanged();
    const isWaiting =
      this.#state.kind === 'reconnecting' && this.#connector === undefined && this.#coming === undefined;
    if (isWaiting && this.#now() >= this.#notBeforeMs) this.#connect();
    else this.#planClimb();
  }

  #close(sentence: string, reason: string): void {
    this.#end();
    this.#stopWaking();
    this.#stopKeeping();
    this.#change({ kind: 'closed', sentence, reason });
  }

  #end(): void {
    clearTimeout(this.#tickTimer);
    clearTimeout(this.#retryTimer);
    clearTimeout(this.#climbTimer);
    clearTimeout(this.#tokenTimer);
    this.#connector?.stop();
    this.#coming?.close();
    this.#transport?.close();
    this.#connector = undefined;
    this.#coming = undefined;
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
