/**
 * A player's life in a game, without sockets or timers: frames and moments go in, frames and what they mean come out.
 * It outlives its connections: on each new one it says hello with the token of the newest welcome, and goes on.
 */

import type { ChannelMessage, ChannelRequest } from './channel-messages.ts';
import { RenderClock, ServerClock } from './clock.ts';
import {
  type ClockEcho,
  type Close,
  decodeServerFrame,
  decodeServerMessage,
  encodeChannelMessage,
  encodeClientFrame,
  encodeGameMessage,
  encodeTokenMessage,
  type ServerUpdate,
  type Welcome,
} from './codec.ts';
import { InputSchedule } from './inputs.ts';
import { encodeRecord, type GameRecord } from './records.ts';
import { ReliableReceiver, ReliableSender } from './reliable.ts';
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

/** Most bytes of messages that wait for the server's acknowledgement. */
const UNACKNOWLEDGED_BYTES_MAX = 64 * 1024;

/** What another page needs to go on with a session. */
export interface KeptSession {
  readonly token: Uint8Array;
  /** Highest reliable message received without a gap. */
  readonly acknowledged: number;
}

/** A message from the game, for the moment when the world has come to its tick. */
interface DueMessage {
  readonly tick: number;
  readonly body: Uint8Array;
}

/** A player's life in a game. */
export class Session {
  readonly #protocol: Protocol;
  readonly #introduction: Introduction;
  #sender = new ReliableSender(UNACKNOWLEDGED_BYTES_MAX);
  #receiver = new ReliableReceiver();
  #messages: DueMessage[] = [];
  #channelMessages: ChannelMessage[] = [];
  #replica: Replica;
  /** The secret with which this session can be gone on with; empty before the first welcome. */
  #token: Uint8Array = new Uint8Array(0);
  /** For how long the connection token is good, where the server has said so since this was asked last. */
  #tokenSeconds: number | undefined;
  #room: Room | undefined;
  #updates = 0;
  #report: Uint8Array = new Uint8Array(0);

  /** `kept` is what there is of a session to go on with. */
  constructor(protocol: Protocol, introduction: Introduction, kept?: KeptSession) {
    this.#protocol = protocol;
    this.#introduction = introduction;
    this.#replica = new Replica(protocol);
    if (kept === undefined) return;
    this.#token = kept.token;
    this.#receiver = new ReliableReceiver(kept.acknowledged);
  }

  /** The world as the server sent it. A new one with each connection. */
  get replica(): Replica {
    return this.#replica;
  }

  /** What another page needs to go on with this session; undefined before the first welcome. */
  get kept(): KeptSession | undefined {
    return this.#token.length === 0 ? undefined : { token: this.#token, acknowledged: this.#receiver.acknowledged };
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
      acknowledged: this.#receiver.acknowledged,
    });
  }

  /** Sends a reliable message to the game; false where too much waits already. */
  sendMessage(body: Uint8Array): boolean {
    return this.#sender.push(encodeGameMessage(body));
  }

  /** Asks something of a channel; false where too much waits already. */
  sendChannelRequest(request: ChannelRequest): boolean {
    return this.#sender.push(encodeChannelMessage(request));
  }

  /** What the server said of channels since this was asked last. */
  takeChannelMessages(): readonly ChannelMessage[] {
    const messages = this.#channelMessages;
    if (messages.length > 0) this.#channelMessages = [];
    return messages;
  }

  /** Shows the server a newer connection token. */
  sendToken(token: string): void {
    this.#sender.push(encodeTokenMessage(token));
  }

  /** For how many seconds the connection token is good, once after the server has said so. */
  takeTokenSeconds(): number | undefined {
    const seconds = this.#tokenSeconds;
    this.#tokenSeconds = undefined;
    return seconds;
  }

  /** Messages from the game whose tick has come by `tick`, in order. */
  takeMessages(tick: number): readonly Uint8Array[] {
    let count = 0;
    while (count < this.#messages.length && this.#messages[count]!.tick <= tick) count += 1;
    return this.#messages.splice(0, count).map((message) => message.body);
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
    const { first: firstMessage, messages } = this.#sender.pollMessages();
    const report = this.#report;
    this.#report = new Uint8Array(0);
    return encodeClientFrame({
      type: 'update',
      acknowledged: this.#receiver.acknowledged,
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
    if (goesOn) {
      this.#sender.handleAcknowledged(welcome.acknowledged);
      this.#sender.handleAttached();
    } else if (welcome.isResumed) {
      // The page was reloaded, and what it had not delivered is gone with it.
      this.#sender = new ReliableSender(UNACKNOWLEDGED_BYTES_MAX, welcome.acknowledged);
    } else {
      this.#sender = new ReliableSender(UNACKNOWLEDGED_BYTES_MAX);
      this.#receiver = new ReliableReceiver();
      this.#messages = [];
      this.#channelMessages = [];
    }
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
    this.#sender.handleAcknowledged(update.acknowledged);
    const messages = this.#receiver.handleMessages(update.firstMessage, update.messages);
    for (const bytes of messages) {
      const message = decodeServerMessage(bytes);
      if (message.type === 'game') this.#messages.push(message);
      else if (message.type === 'channel') this.#channelMessages.push(message.message);
      else this.#tokenSeconds = message.seconds;
    }
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
