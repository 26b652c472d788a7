/**
 * Channels as a page uses them: listen, publish, ask who is here. Answers find their question by its number; a session
 * that begins anew goes on where the one before was, or says that something is missing.
 *
 * No sockets and no timers: messages go in and out.
 */

import type {
  ChannelAction,
  ChannelData,
  ChannelEnd,
  ChannelMember,
  ChannelMessage,
  ChannelPosition,
  ChannelPublication,
  ChannelRefusal,
  ChannelRequest,
} from './channel-messages.ts';

/** Something that was published. */
export interface Publication {
  /** What: parsed where it came as JSON, text or bytes else. */
  readonly data: unknown;
  /** Its number in the channel's present life. */
  readonly offset: number;
  /** When, in milliseconds since 1970. */
  readonly unixMs: number;
  /** By whom; undefined is the server. */
  readonly publisher: ChannelMember | undefined;
  readonly key: string | undefined;
}

/** What a listener hears. */
export interface ChannelListener {
  publication?(publication: Publication): void;
  /** It listens. `isComplete`: nothing is missing since it listened last, or since the start that it asked for. */
  subscribed?(state: { readonly isComplete: boolean; readonly recovered: number }): void;
  joined?(member: ChannelMember): void;
  left?(member: ChannelMember): void;
  /** So many messages are missing: this page did not take them in, or the server does not keep them any more. */
  missed?(count: number | undefined): void;
  /** It listens no more, and will not by itself. */
  ended?(reason: ChannelEnd | ChannelRefusal, sentence: string): void;
}

/** Who is here. */
export interface Presence {
  readonly clients: number;
  readonly users: number;
  /** Some of them; all where there are few. */
  readonly members: readonly ChannelMember[];
}

/** What was published. */
export interface History {
  readonly position: ChannelPosition;
  /** Whether it reaches back to where the reading begins. */
  readonly isComplete: boolean;
  readonly publications: readonly Publication[];
}

/** A wish that the server did not do. */
export class ChannelError extends Error {
  readonly reason: ChannelRefusal | 'Lost';
  readonly retryAfterMs: number;

  constructor(reason: ChannelRefusal | 'Lost', sentence: string, retryAfterMs = 0) {
    super(sentence);
    this.name = 'ChannelError';
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
  }
}

/** A channel. */
export interface Channel {
  readonly name: string;
  /** Listens, with the newest `last` of what was published before. Returns how to stop. */
  subscribe(listener: ChannelListener, options?: { readonly last?: number }): () => void;
  /** Publishes a text, bytes, or anything else as JSON. */
  publish(data: unknown, options?: { readonly key?: string }): Promise<ChannelPosition>;
  /** Who is here. */
  presence(): Promise<Presence>;
  /** What was published. */
  history(options?: HistoryOptions): Promise<History>;
}

/** What of a history to read. */
export interface HistoryOptions {
  readonly after?: ChannelPosition;
  readonly limit?: number;
  readonly newestFirst?: boolean;
}

interface Pending {
  readonly resolve: (message: ChannelMessage) => void;
  readonly reject: (error: ChannelError) => void;
}

/** Those on a page who listen to one channel. */
interface Subscription {
  readonly listeners: Set<ChannelListener>;
  readonly last: number;
  /** What came last; undefined before the server has said where the channel stands. */
  position: ChannelPosition | undefined;
  /** Number of the request to listen that waits for its answer. */
  request: number | undefined;
}

const HISTORY_LIMIT = 100;

/** All channels of a session. */
export class Channels {
  readonly #send: (request: ChannelRequest) => boolean;
  readonly #pending = new Map<number, Pending>();
  readonly #subscriptions = new Map<string, Subscription>();
  #requests = 0;
  #isOpen = false;

  /** `send` says whether there was room for the message. */
  constructor(send: (request: ChannelRequest) => boolean) {
    this.#send = send;
  }

  /** The channel of this name. */
  channel(name: string): Channel {
    return {
      name,
      subscribe: (listener, { last = 0 } = {}) => this.#subscribe(name, listener, last),
      publish: (data, { key } = {}) =>
        this.#ask(name, { type: 'publish', key, data: dataOf(data) }).then((answer) =>
          answer.type === 'published' ? answer.position : unexpected(),
        ),
      presence: () =>
        this.#ask(name, { type: 'presence' }).then((answer) => (answer.type === 'presence' ? answer : unexpected())),
      history: ({ after, limit = HISTORY_LIMIT, newestFirst = false } = {}) =>
        this.#ask(name, { type: 'history', after, limit, newestFirst }).then((answer) => {
          if (answer.type !== 'history') return unexpected();
          return { ...answer, publications: answer.publications.map(publicationOf) };
        }),
    };
  }

  /** The server has let the player in. In a new session nobody listens so far, and what was asked before is lost. */
  handleJoined(isResumed: boolean): void {
    const wasOpen = this.#isOpen;
    this.#isOpen = true;
    if (isResumed && wasOpen) return;
    const lost = [...this.#pending.values()];
    this.#pending.clear();
    for (const [name, subscription] of [...this.#subscriptions]) this.#begin(name, subscription);
    for (const { reject } of lost) reject(new ChannelError('Lost', 'The connection was lost.'));
  }

  /** The server speaks of a channel. */
  handleMessage(message: ChannelMessage): void {
    switch (message.type) {
      case 'publication':
        this.#handlePublication(message.publication);
        break;
      case 'joined':
      case 'left':
        this.#tell(message.channel, (listener) => listener[message.type]?.(message.member));
        break;
      case 'missed':
        this.#tell(message.channel, (listener) => listener.missed?.(message.count));
        break;
      case 'ended':
        this.#handleEnded(message.channel, message.reason);
        break;
      default:
        this.#handleAnswer(message);
    }
  }

  #subscribe(name: string, listener: ChannelListener, last: number): () => void {
    let subscription = this.#subscriptions.get(name);
    if (subscription === undefined) {
      subscription = { listeners: new Set(), last, position: undefined, request: undefined };
      this.#subscriptions.set(name, subscription);
      if (this.#isOpen) this.#begin(name, subscription);
    }
    const { listeners } = subscription;
    listeners.add(listener);
    return () => {
      if (!listeners.delete(listener) || listeners.size > 0) return;
      if (this.#subscriptions.get(name)?.listeners !== listeners) return;
      this.#subscriptions.delete(name);
      if (this.#isOpen) this.#ask(name, { type: 'unsubscribe' }).catch(() => {});
    };
  }

  /** Asks to listen: from where it was, if it was anywhere. */
  #begin(name: string, subscription: Subscription): void {
    const { position, last } = subscription;
    const start =
      position !== undefined
        ? ({ type: 'after', position } as const)
        : last > 0
          ? ({ type: 'last', count: last } as const)
          : ({ type: 'live' } as const);
    this.#requests += 1;
    const request = this.#requests;
    subscription.request = request;
    const isCurrent = (): boolean => this.#subscriptions.get(name) === subscription && subscription.request === request;
    this.#pending.set(request, {
      resolve: (answer) => {
        if (!isCurrent() || answer.type !== 'subscribed') return;
        subscription.request = undefined;
        // What was recovered comes next, and moves the position on.
        const { epoch, offset } = answer.position;
        subscription.position = { epoch, offset: offset - answer.recovered };
        const { isComplete, recovered } = answer;
        this.#tell(name, (listener) => listener.subscribed?.({ isComplete, recovered }));
        if (!isComplete) this.#tell(name, (listener) => listener.missed?.(undefined));
      },
      reject: ({ reason, message }) => {
        if (!isCurrent() || reason === 'Lost') return;
        if (reason === 'AlreadySubscribed') {
          // The page before this one listened, in the same session.
          this.#ask(name, { type: 'unsubscribe' }).catch(() => {});
          this.#begin(name, subscription);
          return;
        }
        this.#subscriptions.delete(name);
        for (const listener of [...subscription.listeners]) listener.ended?.(reason, message);
      },
    });
    if (!this.#send({ request, channel: name, action: { type: 'subscribe', start } })) this.#refuseFull(request);
  }

  #ask(channel: string, action: ChannelAction): Promise<ChannelMessage> {
    return new Promise((resolve, reject) => {
      this.#requests += 1;
      const request = this.#requests;
      this.#pending.set(request, { resolve, reject });
      if (!this.#isOpen || !this.#send({ request, channel, action })) this.#refuseFull(request);
    });
  }

  #refuseFull(request: number): void {
    const pending = this.#pending.get(request);
    this.#pending.delete(request);
    pending?.reject(new ChannelError('Lost', 'There is no connection that could carry this now.'));
  }

  #handleAnswer(message: Exclude<ChannelMessage, { type: 'publication' | 'joined' | 'left' | 'missed' | 'ended' }>) {
    const pending = this.#pending.get(message.request);
    this.#pending.delete(message.request);
    if (message.type !== 'refused') pending?.resolve(message);
    else pending?.reject(new ChannelError(message.reason, message.sentence, message.retryAfterMs));
  }

  #handlePublication(publication: ChannelPublication): void {
    const subscription = this.#subscriptions.get(publication.channel);
    if (subscription?.position === undefined) return;
    subscription.position = { epoch: subscription.position.epoch, offset: publication.offset };
    const told = publicationOf(publication);
    this.#tell(publication.channel, (listener) => listener.publication?.(told));
  }

  #handleEnded(name: string, reason: ChannelEnd): void {
    const subscription = this.#subscriptions.get(name);
    if (subscription === undefined) return;
    if (reason === 'TooSlow') {
      // What was not taken in is recovered, as far as it is kept.
      this.#begin(name, subscription);
      return;
    }
    this.#subscriptions.delete(name);
    for (const listener of [...subscription.listeners]) listener.ended?.(reason, END_SENTENCES[reason]);
  }

  #tell(name: string, tell: (listener: ChannelListener) => void): void {
    const subscription = this.#subscriptions.get(name);
    if (subscription !== undefined) for (const listener of [...subscription.listeners]) tell(listener);
  }
}

const END_SENTENCES = {
  Kicked: 'You were sent away from that channel.',
  NotAllowed: 'That channel is not open to you any more.',
} as const;

function publicationOf({ data, offset, unixMs, publisher, key }: ChannelPublication): Publication {
  return { data: parsed(data), offset, unixMs, publisher, key };
}

function parsed(data: ChannelData): unknown {
  switch (data.type) {
    case 'json':
      try {
        return JSON.parse(data.text);
      } catch {
        return undefined;
      }
    case 'text':
      return data.text;
    case 'binary':
      return data.bytes;
    default:
      return data satisfies never;
  }
}

function dataOf(value: unknown): ChannelData {
  if (typeof value === 'string') return { type: 'text', text: value };
  if (value instanceof Uint8Array) return { type: 'binary', bytes: value };
  return { type: 'json', text: JSON.stringify(value) ?? 'null' };
}

function unexpected(): never {
  throw new ChannelError('Lost', 'The server answered something else.');
}
