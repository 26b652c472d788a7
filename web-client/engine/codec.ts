/**
 * The one place that knows how messages become bytes: bincode 2 in its standard configuration, little endian with
 * numbers of variable length. See `codec.rs` and `messages.rs`.
 */

import {
  type ChannelMessage,
  type ChannelRequest,
  readChannelMessage,
  writeChannelRequest,
} from './channel-messages.ts';
import { CLOSE_REASONS, type CloseReason } from './close-reason.ts';
import { DecodeError, Reader, Writer } from './wire.ts';

export { DecodeError } from './wire.ts';

/** One unit from client to server. */
export type ClientFrame =
  | {
      readonly type: 'hello';
      /** Hash of the schema, as 16 hexadecimal digits. */
      readonly protocol: string;
      readonly room: string;
      readonly token: string;
      readonly join: Uint8Array;
      /** Session token of the newest welcome, to go on with that session; empty to begin one. */
      readonly session: Uint8Array;
      /** Highest reliable message of that session received without a gap. */
      readonly acknowledged: number;
    }
  | ({ readonly type: 'update' } & ClientUpdate)
  /** The player leaves for good. */
  | { readonly type: 'leave' }
  /** Is anybody there? The server sends the number back. Before the hello only. */
  | { readonly type: 'probe'; readonly number: number }
  /** This connection ends, and the player means to be back. */
  | { readonly type: 'away' };

/** What a playing client has to say. */
export interface ClientUpdate {
  readonly acknowledged: number;
  /** Tick of the newest state that the application has taken in; 0 before the first. */
  readonly seen: number;
  /**
   * Tick that the pictures of what others do show as the newest input is made; 0, with a fraction of 0, where there is
   * none. Each input before that one saw a tick less.
   */
  readonly shown: number;
  /** How far beyond that tick the pictures are, in 1/256 of a tick: 0 to 255. */
  readonly shownFraction: number;
  /** Clock when this frame was made, in milliseconds modulo 2³²; undefined when no sample is wanted. */
  readonly stampMs: number | undefined;
  readonly firstInput: number;
  readonly inputs: readonly Uint8Array[];
  readonly firstMessage: number;
  readonly messages: readonly Uint8Array[];
  /** What the replica holds, once after a checksum that did not match; else empty. */
  readonly report: Uint8Array;
}

/** One unit from server to client. */
export type ServerFrame =
  | ({ readonly type: 'welcome' } & Welcome)
  | ({ readonly type: 'update' } & ServerUpdate)
  | ({ readonly type: 'close' } & Close)
  | { readonly type: 'probe'; readonly number: number };

/** What a client needs to know before the first state. */
export interface Welcome {
  readonly client: number;
  readonly tickRate: number;
  readonly tick: number;
  readonly room: string;
  /** Session token: a secret, with which the client can go on with this session. */
  readonly session: Uint8Array;
  /** Whether the session goes on that the hello named. */
  readonly isResumed: boolean;
  readonly acknowledged: number;
}

/** What a playing client is told. */
export interface ServerUpdate {
  readonly acknowledged: number;
  readonly clock: ClockEcho | undefined;
  readonly firstMessage: number;
  readonly messages: readonly Uint8Array[];
  /** A state frame, or empty. */
  readonly state: Uint8Array;
}

/** Lets a client place its clock beside the server's. */
export interface ClockEcho {
  readonly stampMs: number;
  /** How long the stamp waited on the server. */
  readonly heldMs: number;
  readonly tick: number;
  /** How far into that tick, in 1/65536 of a tick. */
  readonly tickFraction: number;
}

/** The end, and why. */
export interface Close {
  readonly reason: CloseReason;
  /** The server's own sentence; empty where the reason's will do. */
  readonly sentence: string;
  /** When to come back, in milliseconds. */
  readonly retryAfterMs: number;
}

/** Bytes of a frame to the server. */
export function encodeClientFrame(frame: ClientFrame): Uint8Array {
  const out = new Writer();
  switch (frame.type) {
    case 'hello':
      out.unsigned(0);
      out.unsigned64(frame.protocol);
      out.text(frame.room);
      out.text(frame.token);
      out.bytes(frame.join);
      out.bytes(frame.session);
      out.unsigned(frame.acknowledged);
      break;
    case 'update':
      out.unsigned(1);
      out.unsigned(frame.acknowledged);
      out.unsigned(frame.seen);
      out.unsigned(frame.shown);
      out.byte(frame.shownFraction);
      out.byte(frame.stampMs === undefined ? 0 : 1);
      if (frame.stampMs !== undefined) out.unsigned(frame.stampMs);
      out.unsigned(frame.firstInput);
      out.list(frame.inputs);
      out.unsigned(frame.firstMessage);
      out.list(frame.messages);
      out.bytes(frame.report);
      break;
    case 'leave':
      out.unsigned(2);
      break;
    case 'probe':
      out.unsigned(3);
      out.unsigned(frame.number);
      break;
    case 'away':
      out.unsigned(4);
      break;
    default:
      frame satisfies never;
  }
  return out.finish();
}

/** A reliable message for the game, as it travels. */
export function encodeGameMessage(body: Uint8Array): Uint8Array {
  const out = new Writer();
  out.unsigned(0);
  out.bytes(body);
  return out.finish();
}

/** A new connection token, as it travels: a reliable message. */
export function encodeTokenMessage(token: string): Uint8Array {
  const out = new Writer();
  out.unsigned(1);
  out.text(token);
  return out.finish();
}

/** What a client asks of a channel, as it travels: a reliable message. */
export function encodeChannelMessage(request: ChannelRequest): Uint8Array {
  const out = new Writer();
  out.unsigned(2);
  writeChannelRequest(out, request);
  return out.finish();
}

/** A reliable message from the server. */
export type ServerMessage =
  | { readonly type: 'game'; readonly tick: number; readonly body: Uint8Array }
  /** The connection token is good for so long. */
  | { readonly type: 'token'; readonly seconds: number }
  | { readonly type: 'channel'; readonly message: ChannelMessage };

/** Reads a reliable message from the server. */
export function decodeServerMessage(bytes: Uint8Array): ServerMessage {
  const input = new Reader(bytes);
  const message = readServerMessage(input);
  if (!input.isAtEnd) throw new DecodeError();
  return message;
}

function readServerMessage(input: Reader): ServerMessage {
  switch (input.unsigned()) {
    case 0:
      return { type: 'game', tick: input.unsigned(), body: input.bytes().slice() };
    case 1:
      return { type: 'token', seconds: input.unsigned() };
    case 2:
      return { type: 'channel', message: readChannelMessage(input) };
    default:
      throw new DecodeError();
  }
}

/** Bytes of a request over HTTP; see `exchange.ts`. */
export function encodeRequest(request: Request): Uint8Array {
  const out = new Writer();
  for (let at = 0; at < request.attachment.length; at += 1) out.byte(request.attachment[at]!);
  out.unsigned(request.kind);
  out.unsigned(request.number);
  out.list(request.frames);
  return out.finish();
}

/** One POST from client to server. */
export interface Request {
  /** The secret that ties the requests of one attachment together: 16 bytes. */
  readonly attachment: Uint8Array;
  readonly kind: RequestKind;
  /** Number of this send, or of this poll, from 1. */
  readonly number: number;
  readonly frames: readonly Uint8Array[];
}

/** What a request asks for, as the wire numbers it. */
export const REQUEST_KIND = { send: 0, poll: 1, heldPoll: 2, stream: 3 } as const;
export type RequestKind = (typeof REQUEST_KIND)[keyof typeof REQUEST_KIND];

/** Reads a frame from the server. */
export function decodeServerFrame(bytes: Uint8Array): ServerFrame {
  const input = new Reader(bytes);
  const frame = readServerFrame(input);
  if (!input.isAtEnd) throw new DecodeError();
  return frame;
}

function readServerFrame(input: Reader): ServerFrame {
  switch (input.unsigned()) {
    case 0:
      return {
        type: 'welcome',
        client: input.unsigned(),
        tickRate: readTickRate(input),
        tick: input.unsigned(),
        room: input.text(),
        session: input.bytes().slice(),
        isResumed: input.flag(),
        acknowledged: input.unsigned(),
      };
    case 1:
      return {
        type: 'update',
        acknowledged: input.unsigned(),
        clock: input.flag() ? readClockEcho(input) : undefined,
        firstMessage: input.unsigned(),
        messages: input.list(),
        state: input.bytes(),
      };
    case 2: {
      const reason = CLOSE_REASONS[input.unsigned()];
      if (reason === undefined) throw new DecodeError();
      return { type: 'close', reason, sentence: input.text(), retryAfterMs: input.unsigned() };
    }
    case 3:
      return { type: 'probe', number: input.unsigned() };
    default:
      throw new DecodeError();
  }
}

/** Timers are set by it, so that nought and numbers beyond reason are refused. */
function readTickRate(input: Reader): number {
  const tickRate = input.unsigned();
  if (tickRate < 1 || tickRate > TICK_RATE_MAX) throw new DecodeError();
  return tickRate;
}

function readClockEcho(input: Reader): ClockEcho {
  return {
    stampMs: input.unsigned(),
    heldMs: input.unsigned(),
    tick: input.unsigned(),
    tickFraction: input.unsigned(),
  };
}

const TICK_RATE_MAX = 1000;
