/**
 * A player's life in a game, without sockets or timers: frames and moments go in, frames and what they mean come out.
 * It outlives its connections: on each new one it says hello with the token of the newest welcome, and goes on.
 */

import { RenderClock, ServerClock } from './clock.ts';
import {
  type ClockEcho,
  type Close,
  decodeServerFrame,
  encodeClientFrame,
  type ServerUpdate,
  type Welcome,
} from './codec.ts';
import { InputSchedule } from './inputs.ts';
import { Mailbox } from './mailbox.ts';
import { encodeRecord, type GameRecord } from './records.ts';
import { FrameError } from './replica/frame-error.ts';
import { Replica } from './replica/replica.ts';
import type { Protocol } from './schema.ts';

/** How a player asks to be let in. */
export interface Introduction {
  readonly room: string;
  readonly join: GameRecord;
}

/** What a frame from the server meant. */
export type SessionEvent =
  | { readonly type: 'joined'; readonly isResumed: boolean }
  | {
      readonly type: 'state';
      readonly tick: number;
      readonly isFresh: boolean;
      /** Whether the world is what the server believes; undefined where it did not say. */
      readonly isSame: boolean | undefined;
    }
  /** A state that cannot be read; the server will send a fresh one. */
  | { readonly type: 'unreadable' }
  | { readonly type: 'nothing' }
  | { readonly type: 'closed'; readonly close: Close };

interface Room {
  readonly name: string;
  readonly client: number;
  readonly tickRate: number;
  readonly serverClock: ServerClock;
  readonly renderClock: RenderClock;
  readonly inputs: InputSchedule;
}

/** Updates between two stamps for the clock, once it is set. */
const UPDATES_PER_STAMP = 4;
/** Updates that all carry a stamp, so that the clock is set soon. */
const EAGER_STAMPS = 10;

/** What another page needs to go on with a session. */
export interface KeptSession {
  readonly token: Uint8Array;
  /** Highest reliable message received without a gap. */
  readonly acknowledged: number;
}

/** A player's life in a game. */
export class Session {
  readonly #protocol: Protocol;
  readonly #introduction: Introduction;
  #mailbox: Mailbox;
  #replica: Replica;
  /** The secret with which this session can be gone on with; empty before the first welcome. */
  #token: Uint8Array = new Uint8Array(0);
  #room: Room | undefined;
  #updates = 0;
  #report: Uint8Array = new Uint8Array(0);

  /** `kept` is what there is of a session to go on with. */
  constructor(protocol: Protocol, introduction: Introduction, kept?: KeptSession) {
    this.#protocol = protocol;
    this.#introduction = introduction;
    this.#replica = new Replica(protocol);
    this.#mailbox = new Mailbox(kept?.acknowledged);
    if (kept !== undefined) this.#token = kept.token;
  }

  /** The world as the server sent it. A new one with each connection. */
  get replica(): Replica {
    return this.#replica;
  }

  /** What it tells the server reliably, and hears. A new one where the server knew nothing of the session. */
  get mailbox(): Mailbox {
    return this.#mailbox;
  }

  /** What another page needs to go on with this session; undefined before the first welcome. */
  get kept(): KeptSession | undefined {
    return this.#token.length === 0 ? undefined : { token: this.#token, acknowledged: this.#mailbox.acknowledged };
  }

  /** The server does not know the session any more: the next hello asks to join anew. */
  forget(): void {
    this.#token = new Uint8Array(0);
  }

  /** The player's own number, once the server has let it in. */
  get client(): number | undefined {
    return this.#room?.client;
  }

  /** Name of the room, once the server has let the player in. */
  get room(): string | undefined {
    return this.#room?.name;
  }

  /** Ticks per second of the room. */
  get tickRate(): number {
    return this.#room?.tickRate ?? this.#protocol.tickRate;
  }

  /** Round trip to the server and back; undefined before the first. */
  get roundTripMs(): number | undefined {
    return this.#room?.serverClock.roundTripMs;
  }

  /** How far pictures are behind the server, in milliseconds. */
  get renderDelayMs(): number {
    return this.#room === undefined ? 0 : (this.#room.renderClock.delayTicks * 1000) / this.#room.tickRate;
  }

  /** The tick to draw, with fraction; undefined before the clock is set. */
  renderTick(nowMs: number): number | undefined {
    const serverTicks = this.#room?.serverClock.ticks(nowMs);
    return serverTicks === undefined ? undefined : this.#room?.renderClock.advance(nowMs, serverTicks);
  }

  /** The tick in which the player acts, with fraction; undefined before the clock is set. */
  present(nowMs: number): number | undefined {
    const serverTicks = this.#room?.serverClock.ticks(nowMs);
    return serverTicks === undefined ? undefined : this.#room?.inputs.advance(nowMs, serverTicks);
  }

  /** Whether `pollUpdate` would have an input to send. */
  get isInputDue(): boolean {
    return this.#room?.inputs.isDue ?? false;
  }

  /** The clocks by which the room is played; undefined before the first welcome. */
  get clocks(): Readonly<Pick<Room, 'serverClock' | 'renderClock' | 'inputs'>> | undefined {
    return this.#room;
  }

  /** How long the transport gathers what it sends, which makes inputs that much later. */
  setGathered(gatheredMs: number): void {
    this.#room?.inputs.setGathered(gatheredMs);
  }

  /** The first frame. `token` says who the player is; it may be empty. */
  hello(token: string): Uint8Array {
    const { room, join } = this.#introduction;
    const request = encodeRecord(this.#protocol.join, join);
    return encodeClientFrame({
      type: 'hello',
      protocol: this.#protocol.hash,
      room,
      token,
      join: request,
      session: this.#token,
      acknowledged: this.#mailbox.acknowledged,
    });
  }

  /** The frame that says that the player leaves for good. */
  leave(): Uint8Array {
    return encodeClientFrame({ type: 'leave' });
  }

  /** The frame that says that this connection ends, and the player means to be back. */
  away(): Uint8Array {
    return encodeClientFrame({ type: 'away' });
  }

  /** Takes a frame from the server. Throws where it is none. */
  handleFrame(bytes: Uint8Array, nowMs: number): SessionEvent {
    const frame = decodeServerFrame(bytes);
    switch (frame.type) {
      case 'welcome':
        this.#handleWelcome(frame);
        return { type: 'joined', isResumed: frame.isResumed };
      case 'update':
        return this.#handleUpdate(frame, nowMs);
      case 'close':
        return { type: 'closed', close: frame };
      case 'probe':
        return { type: 'nothing' };
      default:
        return frame satisfies never;
    }
  }

  /** The next frame to the server, to be sent once per tick; `input` says what the player wants at a tick. */
  pollUpdate(nowMs: number, input: (tick: number) => GameRecord): Uint8Array {
    const { first, inputs } = this.#pollInputs(nowMs, input);
    const shown = Math.max(0, this.renderTick(nowMs) ?? 0);
    const wantsStamp = this.#updates < EAGER_STAMPS || this.#updates % UPDATES_PER_STAMP === 0;
    this.#updates += 1;
    const { first: firstMessage, messages } = this.#mailbox.pollMessages();
    const report = this.#report;
    this.#report = new Uint8Array(0);
    return encodeClientFrame({
      type: 'update',
      acknowledged: this.#mailbox.acknowledged,
      seen: this.#replica.tick ?? 0,
      shown: Math.floor(shown),
      shownFraction: Math.floor((shown % 1) * 256),
      stampMs: wantsStamp ? this.#room?.serverClock.stamp(nowMs) : undefined,
      firstInput: first,
      inputs,
      firstMessage,
      messages,
      report,
    });
  }

  /** How long until `pollUpdate` should be asked again. */
  untilUpdateMs(nowMs: number): number {
    const ticks = this.present(nowMs) === undefined ? 1 : this.#room!.inputs.ticksUntilDue;
    return (ticks * 1000) / this.tickRate;
  }

  #handleWelcome(welcome: Welcome): void {
    this.#replica = new Replica(this.#protocol);
    this.#report = new Uint8Array(0);
    this.#token = welcome.session;
    this.#updates = 0;
    const goesOn = welcome.isResumed && this.#room !== undefined;
    if (goesOn) this.#mailbox.handleAttached(welcome.acknowledged);
    else if (welcome.isResumed) this.#mailbox.handleTakenOver(welcome.acknowledged);
    else this.#mailbox = new Mailbox();
    if (goesOn && this.#room?.tickRate === welcome.tickRate) {
      this.#room.inputs.handleNewWay();
      return;
    }
    this.#room = {
      name: welcome.room,
      client: welcome.client,
      tickRate: welcome.tickRate,
      serverClock: new ServerClock(welcome.tickRate),
      renderClock: new RenderClock(welcome.tickRate),
      inputs: new InputSchedule(welcome.tickRate),
    };
  }

  #pollInputs(nowMs: number, input: (tick: number) => GameRecord): { first: number; inputs: Uint8Array[] } {
    if (this.present(nowMs) === undefined) return { first: 0, inputs: [] };
    const { first, count } = this.#room!.inputs.due();
    const inputs: Uint8Array[] = [];
    for (let tick = first; tick < first + count; tick += 1) {
      inputs.push(encodeRecord(this.#protocol.input, input(tick)));
    }
    return { first, inputs };
  }

  #handleEcho(echo: ClockEcho, nowMs: number): void {
    if (this.#room === undefined) return;
    const { serverClock, inputs } = this.#room;
    if (serverClock.handleEcho(echo, nowMs)) inputs.handleNewWay();
    inputs.handleArrival(nowMs - serverClock.sinceMs(echo, nowMs), serverClock.arrivalTicks(echo));
  }

  #handleUpdate(update: ServerUpdate, nowMs: number): SessionEvent {
    if (update.clock !== undefined) this.#handleEcho(update.clock, nowMs);
    this.#mailbox.handleAcknowledged(update.acknowledged);
    this.#mailbox.handleMessages(update.firstMessage, update.messages);
    if (update.state.length === 0) return { type: 'nothing' };
    try {
      const info = this.#replica.apply(update.state);
      if (info.checksum === false) this.#report = this.#replica.report();
      this.#room?.inputs.handleApplied(info.tick, info.inputApplied);
      const serverTicks = this.#room?.serverClock.ticks(nowMs);
      if (serverTicks !== undefined) this.#room?.renderClock.handleState(info.tick, serverTicks);
      return { type: 'state', tick: info.tick, isFresh: info.isFresh, isSame: info.checksum };
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      // The server starts the view anew when it hears of it; frames until then cannot be used.
      if (error.kind === 'no base') return { type: 'nothing' };
      this.#report = this.#replica.report();
      return { type: 'unreadable' };
    }
  }
}
