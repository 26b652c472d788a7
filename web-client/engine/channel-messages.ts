/** What players and servers say of channels. Names and order are those of `messages/channels.rs`. */

import { DecodeError, type Reader, type Writer } from './wire.ts';

/** A place in a channel: which life of it, and how many publications of that life lie before. */
export interface ChannelPosition {
  readonly epoch: number;
  readonly offset: number;
}

/** Somebody, as others see them. */
export interface ChannelMember {
  /** The connection's own id: a player's client number. */
  readonly client: string;
  /** Who it is, as the token's issuer names them; empty when anonymous. */
  readonly user: string;
  readonly name: string;
  /** JSON that the token has for others to see; may be empty. */
  readonly info: string;
}

/** What a publication carries, as its publisher chose. */
export type ChannelData =
  | { readonly type: 'json'; readonly text: string }
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'binary'; readonly bytes: Uint8Array };

/** From where on to listen. */
export type ChannelStart =
  | { readonly type: 'live' }
  | { readonly type: 'last'; readonly count: number }
  | { readonly type: 'after'; readonly position: ChannelPosition };

/** What a client wants of a channel. */
export type ChannelAction =
  | { readonly type: 'subscribe'; readonly start: ChannelStart }
  | { readonly type: 'unsubscribe' }
  | { readonly type: 'publish'; readonly key: string | undefined; readonly data: ChannelData }
  | { readonly type: 'presence' }
  | {
      readonly type: 'history';
      readonly after: ChannelPosition | undefined;
      readonly limit: number;
      readonly newestFirst: boolean;
    };

/** The same, with the client's number for it. */
export interface ChannelRequest {
  readonly request: number;
  readonly channel: string;
  readonly action: ChannelAction;
}

/** A publication as it came. */
export interface ChannelPublication {
  readonly channel: string;
  readonly offset: number;
  /** When, in milliseconds since 1970. */
  readonly unixMs: number;
  /** By whom; undefined is the server. */
  readonly publisher: ChannelMember | undefined;
  readonly key: string | undefined;
  readonly data: ChannelData;
}

/** Why a wish is not done, in the order of their numbers. */
export const CHANNEL_REFUSALS = [
  'BadName',
  'UnknownNamespace',
  'NotAllowed',
  'AlreadySubscribed',
  'NotSubscribed',
  'TooManySubscriptions',
  'TooManyChannels',
  'TooLarge',
  'TooFast',
  'Muted',
  'Banned',
  'NoPresence',
  'BadData',
] as const;
export type ChannelRefusal = (typeof CHANNEL_REFUSALS)[number];

/** Why a subscription has ended, in the order of their numbers. */
export const CHANNEL_ENDS = ['TooSlow', 'Kicked', 'NotAllowed'] as const;
export type ChannelEnd = (typeof CHANNEL_ENDS)[number];

/** A server speaks of a channel. */
export type ChannelMessage =
  | {
      readonly type: 'subscribed';
      readonly request: number;
      readonly position: ChannelPosition;
      /** How many publications come that lie before that. */
      readonly recovered: number;
      readonly isComplete: boolean;
    }
  | { readonly type: 'unsubscribed'; readonly request: number }
  | { readonly type: 'published'; readonly request: number; readonly position: ChannelPosition }
  | {
      readonly type: 'presence';
      readonly request: number;
      readonly clients: number;
      readonly users: number;
      readonly members: readonly ChannelMember[];
    }
  | {
      readonly type: 'history';
      readonly request: number;
      readonly position: ChannelPosition;
      readonly isComplete: boolean;
      readonly publications: readonly ChannelPublication[];
    }
  | {
      readonly type: 'refused';
      readonly request: number;
      readonly reason: ChannelRefusal;
      readonly sentence: string;
      readonly retryAfterMs: number;
    }
  | { readonly type: 'publication'; readonly publication: ChannelPublication }
  | { readonly type: 'joined' | 'left'; readonly channel: string; readonly member: ChannelMember }
  | { readonly type: 'missed'; readonly channel: string; readonly count: number }
  | { readonly type: 'ended'; readonly channel: string; readonly reason: ChannelEnd };

/** Writes what a client asks. */
export function writeChannelRequest(out: Writer, { request, channel, action }: ChannelRequest): void {
  out.unsigned(request);
  out.text(channel);
  switch (action.type) {
    case 'subscribe':
      out.unsigned(0);
      writeStart(out, action.start);
      break;
    case 'unsubscribe':
      out.unsigned(1);
      break;
    case 'publish':
      out.unsigned(2);
      out.byte(action.key === undefined ? 0 : 1);
      if (action.key !== undefined) out.text(action.key);
      writeData(out, action.data);
      break;
    case 'presence':
      out.unsigned(3);
      break;
    case 'history':
      out.unsigned(4);
      out.byte(action.after === undefined ? 0 : 1);
      if (action.after !== undefined) writePosition(out, action.after);
      out.unsigned(action.limit);
      out.byte(action.newestFirst ? 1 : 0);
      break;
    default:
      action satisfies never;
  }
}

/** Reads what a server says. */
export function readChannelMessage(input: Reader): ChannelMessage {
  switch (input.unsigned()) {
    case 0:
      return {
        type: 'subscribed',
        request: input.unsigned(),
        position: readPosition(input),
        recovered: input.unsigned(),
        isComplete: input.flag(),
      };
    case 1:
      return { type: 'unsubscribed', request: input.unsigned() };
    case 2:
      return { type: 'published', request: input.unsigned(), position: readPosition(input) };
    case 3:
      return {
        type: 'presence',
        request: input.unsigned(),
        clients: input.unsigned(),
        users: input.unsigned(),
        members: readList(input, readMember),
      };
    case 4:
      return {
        type: 'history',
        request: input.unsigned(),
        position: readPosition(input),
        isComplete: input.flag(),
        publications: readList(input, readPublication),
      };
    case 5:
      return {
        type: 'refused',
        request: input.unsigned(),
        reason: named(CHANNEL_REFUSALS, input.unsigned()),
        sentence: input.text(),
        retryAfterMs: input.unsigned(),
      };
    case 6:
      return { type: 'publication', publication: readPublication(input) };
    case 7:
      return { type: 'joined', channel: input.text(), member: readMember(input) };
    case 8:
      return { type: 'left', channel: input.text(), member: readMember(input) };
    case 9:
      return { type: 'missed', channel: input.text(), count: input.unsigned() };
    case 10:
      return { type: 'ended', channel: input.text(), reason: named(CHANNEL_ENDS, input.unsigned()) };
    default:
      throw new DecodeError();
  }
}

function writeStart(out: Writer, start: ChannelStart): void {
  switch (start.type) {
    case 'live':
      out.unsigned(0);
      break;
    case 'last':
      out.unsigned(1);
      out.unsigned(start.count);
      break;
    case 'after':
      out.unsigned(2);
      writePosition(out, start.position);
      break;
    default:
      start satisfies never;
  }
}

function writeData(out: Writer, data: ChannelData): void {
  switch (data.type) {
    case 'json':
      out.unsigned(0);
      out.text(data.text);
      break;
    case 'text':
      out.unsigned(1);
      out.text(data.text);
      break;
    case 'binary':
      out.unsigned(2);
      out.bytes(data.bytes);
      break;
    default:
      data satisfies never;
  }
}

function writePosition(out: Writer, { epoch, offset }: ChannelPosition): void {
  out.unsigned53(epoch);
  out.unsigned53(offset);
}

function readPosition(input: Reader): ChannelPosition {
  return { epoch: input.unsigned53(), offset: input.unsigned53() };
}

function readMember(input: Reader): ChannelMember {
  return { client: input.text(), user: input.text(), name: input.text(), info: input.text() };
}

function readPublication(input: Reader): ChannelPublication {
  return {
    channel: input.text(),
    offset: input.unsigned53(),
    unixMs: input.unsigned53(),
    publisher: input.flag() ? readMember(input) : undefined,
    key: input.flag() ? input.text() : undefined,
    data: readData(input),
  };
}

function readData(input: Reader): ChannelData {
  switch (input.unsigned()) {
    case 0:
      return { type: 'json', text: input.text() };
    case 1:
      return { type: 'text', text: input.text() };
    case 2:
      return { type: 'binary', bytes: input.bytes().slice() };
    default:
      throw new DecodeError();
  }
}

function readList<T>(input: Reader, read: (input: Reader) => T): T[] {
  const count = input.unsigned();
  const items: T[] = [];
  for (let item = 0; item < count; item += 1) items.push(read(input));
  return items;
}

function named<T>(names: readonly T[], number: number): T {
  const name = names[number];
  if (name === undefined) throw new DecodeError();
  return name;
}
