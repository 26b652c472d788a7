/** The receiving end of messages that arrive once and in order. See `reliable.rs`. */

/** Drops what it has had, by number. */
export class ReliableReceiver {
  #acknowledged = 0;

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
