/**
 * What a session and its server tell each other in reliable messages, both ways: the game's own, those of channels, and
 * about the connection token. What came waits here until it is asked for.
 */

import type { ChannelMessage, ChannelRequest } from './channel-messages.ts';
import { decodeServerMessage, encodeChannelMessage, encodeGameMessage, encodeTokenMessage } from './codec.ts';
import { ReliableReceiver, ReliableSender } from './reliable.ts';

/** Most bytes of messages that wait for the server's acknowledgement. */
const UNACKNOWLEDGED_BYTES_MAX = 64 * 1024;

/** A message from the game, for the moment when the world has come to its tick. */
interface DueMessage {
  readonly tick: number;
  readonly body: Uint8Array;
}

/** The reliable messages of a session. */
export class Mailbox {
  readonly #receiver: ReliableReceiver;
  #sender = new ReliableSender(UNACKNOWLEDGED_BYTES_MAX);
  #messages: DueMessage[] = [];
  #channelMessages: ChannelMessage[] = [];
  /** For how long the connection token is good, where the server has said so since this was asked last. */
  #tokenSeconds: number | undefined;

  /** `acknowledged` is the highest message that another page has received without a gap. */
  constructor(acknowledged = 0) {
    this.#receiver = new ReliableReceiver(acknowledged);
  }

  /** Highest message received without a gap. */
  get acknowledged(): number {
    return this.#receiver.acknowledged;
  }

  /** Sends a message to the game; false where too much waits already. */
  sendMessage(body: Uint8Array): boolean {
    return this.#sender.push(encodeGameMessage(body));
  }

  /** Asks something of a channel; false where too much waits already. */
  sendChannelRequest(request: ChannelRequest): boolean {
    return this.#sender.push(encodeChannelMessage(request));
  }

  /** Shows the server a newer connection token. */
  sendToken(token: string): void {
    this.#sender.push(encodeTokenMessage(token));
  }

  /** The messages for the next frame, and the number of the first of them. */
  pollMessages(): { readonly first: number; readonly messages: readonly Uint8Array[] } {
    return this.#sender.pollMessages();
  }

  /** The server has everything up to this number. */
  handleAcknowledged(upTo: number): void {
    this.#sender.handleAcknowledged(upTo);
  }

  /** A new connection goes on with the session; the server has everything up to this number. */
  handleAttached(upTo: number): void {
    this.#sender.handleAcknowledged(upTo);
    this.#sender.handleAttached();
  }

  /** This page goes on for another one: what that had not delivered is gone with it. */
  handleTakenOver(upTo: number): void {
    this.#sender = new ReliableSender(UNACKNOWLEDGED_BYTES_MAX, upTo);
  }

  /** Takes messages numbered from `first` on. */
  handleMessages(first: number, messages: readonly Uint8Array[]): void {
    for (const bytes of this.#receiver.handleMessages(first, messages)) {
      const message = decodeServerMessage(bytes);
      if (message.type === 'game') this.#messages.push(message);
      else if (message.type === 'channel') this.#channelMessages.push(message.message);
      else this.#tokenSeconds = message.seconds;
    }
  }

  /** Messages from the game whose tick has come by `tick`, in order. */
  takeMessages(tick: number): readonly Uint8Array[] {
    if (this.#messages.length === 0) return NONE;
    let count = 0;
    while (count < this.#messages.length && this.#messages[count]!.tick <= tick) count += 1;
    return this.#messages.splice(0, count).map((message) => message.body);
  }

  /** What the server said of channels since this was asked last. */
  takeChannelMessages(): readonly ChannelMessage[] {
    const messages = this.#channelMessages;
    if (messages.length > 0) this.#channelMessages = [];
    return messages;
  }

  /** For how many seconds the connection token is good, once after the server has said so. */
  takeTokenSeconds(): number | undefined {
    const seconds = this.#tokenSeconds;
    this.#tokenSeconds = undefined;
    return seconds;
  }
}

const NONE: readonly Uint8Array[] = [];
