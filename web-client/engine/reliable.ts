/** Messages that arrive once and in order, over connections that come and go. See `reliable.rs`. */

/** Most reliable messages in one frame. */
const MESSAGES_PER_FRAME_MAX = 64;
/** Bytes of reliable messages after which a client's frame is full: its other parts must fit beside them. */
const MESSAGES_BYTES_PER_CLIENT_FRAME_MAX = 6 * 1024;

/** The sending end: keeps what is not acknowledged, and sends it again on every new connection. */
export class ReliableSender {
  readonly #bytesMax: number;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  /** Number of the first that waits. */
  #first: number;
  /** How many of those that wait were given to the present connection, and to any. */
  #sent = 0;
  #sentEver = 0;

  /** `acknowledged` is the number up to which the other end has everything. */
  constructor(bytesMax: number, acknowledged = 0) {
    this.#bytesMax = bytesMax;
    this.#first = acknowledged + 1;
  }

  /** Takes a message to be sent; false where too much waits already. */
  push(message: Uint8Array): boolean {
    if (this.#waitingBytes + message.length > this.#bytesMax) return false;
    this.#waitingBytes += message.length;
    this.#waiting.push(message);
    return true;
  }

  /** The next messages for the present connection, and the number of the first of them. */
  pollMessages(): { readonly first: number; readonly messages: readonly Uint8Array[] } {
    const first = this.#first + this.#sent;
    const messages = this.#waiting.slice(this.#sent, this.#sent + this.#countFitting());
    this.#sent += messages.length;
    this.#sentEver = Math.max(this.#sentEver, this.#sent);
    return { first, messages };
  }

  /** How many of the next messages fit a frame; one does always. */
  #countFitting(): number {
    const unsent = Math.min(this.#waiting.length - this.#sent, MESSAGES_PER_FRAME_MAX);
    let bytes = 0;
    for (let count = 0; count < unsent; count += 1) {
      bytes += this.#waiting[this.#sent + count]!.length;
      if (count > 0 && bytes > MESSAGES_BYTES_PER_CLIENT_FRAME_MAX) return count;
    }
    return unsent;
  }

  /** The other end has everything up to this number. */
  handleAcknowledged(upTo: number): void {
    const count = upTo + 1 - this.#first;
    // An older acknowledgement that was overtaken says nothing new.
    if (count <= 0) return;
    if (count > this.#sentEver) throw new Error('the server acknowledges what was not sent');
    for (const message of this.#waiting.splice(0, count)) this.#waitingBytes -= message.length;
    this.#first += count;
    this.#sent = Math.max(this.#sent - count, 0);
    this.#sentEver -= count;
  }

  /** A new connection starts: all that is not acknowledged goes out again. */
  handleAttached(): void {
    this.#sent = 0;
  }
}

/** The receiving end: drops what it has had, by number. */
export class ReliableReceiver {
  #acknowledged: number;

  /** `acknowledged` is the highest number that came without a gap. */
  constructor(acknowledged = 0) {
    this.#acknowledged = acknowledged;
  }

  /** Highest number that came without a gap. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** Takes messages numbered from `first` on, and returns those that are new. */
  handleMessages(first: number, messages: readonly Uint8Array[]): readonly Uint8Array[] {
    if (messages.length === 0) return messages;
    const known = this.#acknowledged + 1 - first;
    if (known < 0) throw new Error('a reliable message is missing');
    const fresh = messages.slice(Math.min(known, messages.length));
    this.#acknowledged += fresh.length;
    return fresh;
  }
}
