/** A game's way in: connects, stays connected, and keeps a world to draw. */

import { Attachments } from './attachments.ts';
import { type Channel, Channels } from './channels.ts';
import { adviceOf, CLOSE_REASONS, type CloseReason } from './close-reason.ts';
import type { Close } from './codec.ts';
import type { ConnectionState, ConnectOptions } from './connect-options.ts';
import { ConnectionToken } from './connection-token.ts';
import type { Kept } from './keeper.ts';
import { Ladder } from './ladder.ts';
import { lagging } from './lag.ts';
import { Network } from './network.ts';
import { Prediction } from './prediction.ts';
import { onPageWake, Reconnection } from './reconnecting.ts';
import type { GameRecord } from './records.ts';
import type { Words } from './rules.ts';
import { lessonStore, openTransport, rungsOfPage } from './rungs.ts';
import { Session, type SessionEvent } from './session.ts';
import { noStats, type Stats } from './stats.ts';
import type { Rung, Transport } from './transport.ts';
import { type EntityBase, World } from './world.ts';

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
  readonly stats: Stats = noStats();
  /** How the connection does, in numbers that are worked out when they are asked for. */
  readonly network: Network;
  readonly #options: ConnectOptions<E, Events, unknown, unknown>;
  readonly #now: () => number;
  readonly #reconnection: Reconnection;
  readonly #stopWaking: () => void;
  readonly #stopKeeping: () => void;
  readonly #attachments: Attachments;
  readonly #token: ConnectionToken;
  readonly #session: Session;
  readonly #channels: Channels;
  readonly #prediction: Prediction<E, unknown> | undefined;
  readonly #handlers = new Map<string, Set<(event: never) => void>>();
  #state: ConnectionState = { kind: 'connecting' };
  #heardAtMs = 0;
  #spokeAtMs = 0;
  #tickTimer: ReturnType<typeof setTimeout> | undefined;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: ConnectOptions<E, Events, unknown, unknown>) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#reconnection = new Reconnection(options.random ?? Math.random);
    this.#stopWaking = (options.onWake ?? onPageWake)(() => this.#wake());
    const { protocol, room = '', token = '', join, kept } = options;
    this.#token = new ConnectionToken(token);
    this.#session = new Session(protocol, { room, join: join as GameRecord }, kept);
    this.#channels = new Channels((request) => this.#session.mailbox.sendChannelRequest(request));
    this.#attachments = this.#attach();
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
    return this.#attachments.transport?.rung;
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
    return this.#session.mailbox.sendMessage(message);
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
    this.#attachments.transport?.sendLast(this.#session.leave());
    const left = CLOSE_REASONS[0]!;
    this.#close(left.sentence, left.name);
  }

  #attach(): Attachments {
    const { url, transport, open = openTransport, lag } = this.#options;
    const ladder = new Ladder(this.#options.rungs ?? rungsOfPage(transport), Date.now(), lessonStore());
    const lagged = lag === undefined ? open : lagging(open, lag, this.#now);
    return new Attachments(url, lagged, ladder, () => this.#session.roundTripMs, {
      onReady: (ready) => this.#send(this.#session.hello(this.#token.value ?? ''), ready),
      onFrame: (from, bytes) => this.#handleFrame(from, bytes),
      onClosed: (close) => this.#handleClose(close),
      onLost: (reason) => this.#lose(reason, reason?.sentence, 0),
      onBadAddress: () => this.#close(`This page cannot reach a server at “${url}”.`, 'BadAddress'),
    });
  }

  /** Looks for a way to the server. */
  #connect(): void {
    clearTimeout(this.#retryTimer);
    if (this.#token.value === undefined) {
      this.#token.renew(
        () => this.#connect(),
        () => this.#lose(undefined, undefined, 0),
      );
      return;
    }
    this.#attachments.find();
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
        for (const message of this.#session.mailbox.takeMessages(event.tick)) this.#emit('message', message);
        if (nowMs - this.#spokeAtMs > (OVERDUE_TICKS * 1000) / this.tickRate) this.#tick();
        break;
      case 'closed':
        // What the session has left, or is about to leave, says so; that is no news.
        if (!this.#attachments.isLeaving(transport)) this.#handleClose(event.close);
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
    for (const message of this.#session.mailbox.takeChannelMessages()) this.#channels.handleMessage(message);
    const tokenSeconds = this.#session.mailbox.takeTokenSeconds();
    if (tokenSeconds !== undefined) {
      this.#token.planRenewal(tokenSeconds, (token) => this.#session.mailbox.sendToken(token));
    }
  }

  #handleJoined(transport: Transport, nowMs: number): void {
    this.#attachments.handleWelcome(transport);
    this.#reconnection.handleJoined(nowMs);
    if (this.#state.kind !== 'playing') this.#change({ kind: 'playing' });
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
    const { transport } = this.#attachments;
    // A listener may have left just now.
    if (transport === undefined) return;
    const nowMs = this.#now();
    // A page that slept has yet to hear what came meanwhile.
    if (nowMs - this.#spokeAtMs > SILENCE_MAX_MS / 2) this.#heardAtMs = nowMs;
    if (nowMs - this.#heardAtMs > SILENCE_MAX_MS + (SILENCE_MAX_TICKS * 1000) / this.tickRate) {
      this.#lose(undefined, undefined, 0);
      return;
    }
    this.#spokeAtMs = nowMs;
    this.#session.setGathered(transport.gatheredMs ?? 0);
    this.#send(
      this.#session.pollUpdate(nowMs, (tick) => this.#input(tick)),
      transport,
    );
    this.#tickTimer = setTimeout(() => this.#tick(), this.#session.untilUpdateMs(nowMs));
  }

  #send(frame: Uint8Array, transport: Transport): void {
    this.stats.framesOut += 1;
    this.stats.bytesOut += frame.length;
    transport.send(frame);
  }

  /** The page goes. Returns what another one needs to go on. */
  #keep(): Kept | undefined {
    this.#attachments.transport?.sendLast(this.#session.away());
    const kept = this.#session.kept;
    if (kept === undefined || this.#state.kind === 'closed') return undefined;
    return { ...kept, join: this.#options.join as GameRecord };
  }

  /** Nothing carries the session any more. */
  #lose(reason: CloseReason | undefined, sentence: string | undefined, retryAfterMs: number): void {
    const nowMs = this.#now();
    this.#end(reason === undefined ? this.#reconnection.livedMs(nowMs) : undefined);
    const isExpired = reason?.name === 'TokenExpired';
    if (isExpired) this.#token.expire();
    if (reason !== undefined && (adviceOf(reason) === 'stop' || (isExpired && !this.#token.isRenewable))) {
      this.#close(sentence ?? reason.sentence, reason.name);
      return;
    }
    const waitMs = this.#reconnection.handleLost(nowMs, retryAfterMs, this.#session.kept !== undefined);
    this.#change({
      kind: 'reconnecting',
      attempt: this.#reconnection.attempts,
      retryAtMs: nowMs + waitMs,
      ...(sentence === undefined ? {} : { sentence }),
    });
    this.#retryTimer = setTimeout(() => this.#connect(), waitMs);
  }

  /** An attempt is likely to work now: no need to wait for the next. */
  #wake(): void {
    this.#attachments.handleNetworkChanged();
    const isWaiting = this.#state.kind === 'reconnecting' && this.#attachments.isAtRest;
    if (isWaiting && this.#reconnection.isAllowed(this.#now())) this.#connect();
  }

  #close(sentence: string, reason: string): void {
    this.#end();
    this.#token.close();
    this.#stopWaking();
    this.#stopKeeping();
    this.#change({ kind: 'closed', sentence, reason });
  }

  #end(brokenAfterMs?: number): void {
    clearTimeout(this.#tickTimer);
    clearTimeout(this.#retryTimer);
    this.#token.stopRenewal();
    this.#attachments.end(brokenAfterMs);
  }

  #change(state: ConnectionState): void {
    this.#state = state;
    this.#emit('state', state);
  }

  #emit(name: string, event: unknown): void {
    for (const handler of this.#handlers.get(name) ?? []) handler(event as never);
  }
}
