/** When to try again after a connection was lost: later and later, spread out, and at once when the network is back. */

/** The first wait before another attempt; it doubles with each, up to the second one. */
const RETRY_FIRST_MS = 500;
const RETRY_MAX_MS = 10_000;
/** The longest wait while the player's place is still kept. */
const RETRY_URGENT_MS = 1_500;
/** For how long a server keeps the place of a player who lost every connection, unless told otherwise. */
const GRACE_MS = 60_000;
/** A connection that worked this long worked: the next wait is a short one again. */
const STEADY_MS = 10_000;

/** Waits between attempts. */
export class BackOff {
  readonly #random: () => number;
  #attempts = 0;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** Attempts since it last worked. */
  get attempts(): number {
    return this.#attempts;
  }

  /**
   * Another attempt failed. Returns how long to wait; `atLeastMs` is what the server asked for, `atMostMs` what the
   * player can afford.
   */
  nextMs(atLeastMs: number, atMostMs: number = RETRY_MAX_MS): number {
    const mostMs = Math.min(RETRY_FIRST_MS * 2 ** this.#attempts, atMostMs);
    this.#attempts += 1;
    // Spread out, so that a thousand players do not all knock at the same moment.
    const spreadMs = mostMs * (0.5 + this.#random() / 2);
    return atLeastMs > 0 ? atLeastMs + spreadMs - mostMs / 2 : spreadMs;
  }

  /** It works again. */
  reset(): void {
    this.#attempts = 0;
  }
}

/** When to try again, by how the connections before did. */
export class Reconnection {
  readonly #backOff: BackOff;
  /** When the present connection led to a world. */
  #joinedAtMs: number | undefined;
  /** When the newest connection that worked was lost. */
  #lostAtMs = 0;
  /** Until when not to try, by the server's own word. */
  #notBeforeMs = 0;

  constructor(random: () => number) {
    this.#backOff = new BackOff(random);
  }

  /** Attempts since it last worked. */
  get attempts(): number {
    return this.#backOff.attempts;
  }

  /** Whether the server's own word does not forbid an attempt. */
  isAllowed(nowMs: number): boolean {
    return nowMs >= this.#notBeforeMs;
  }

  /** For how long the present connection has worked. */
  livedMs(nowMs: number): number {
    return this.#joinedAtMs === undefined ? 0 : nowMs - this.#joinedAtMs;
  }

  /** The server has let the player in. */
  handleJoined(nowMs: number): void {
    this.#joinedAtMs = nowMs;
  }

  /**
   * The connection is lost, or was none. Returns how long to wait; `retryAfterMs` is what the server asked for,
   * `hasPlace` whether it may still keep a place for the player.
   */
  handleLost(nowMs: number, retryAfterMs: number, hasPlace: boolean): number {
    const livedMs = this.livedMs(nowMs);
    this.#joinedAtMs = undefined;
    if (livedMs >= STEADY_MS) this.#backOff.reset();
    if (livedMs > 0) this.#lostAtMs = nowMs;
    this.#notBeforeMs = nowMs + retryAfterMs;
    const isUrgent = hasPlace && nowMs - this.#lostAtMs < GRACE_MS;
    return this.#backOff.nextMs(retryAfterMs, isUrgent ? RETRY_URGENT_MS : undefined);
  }
}

/** Tells of moments at which an attempt is likely to work. Returns how to stop. */
export type OnWake = (handler: () => void) => () => void;

/** The page is seen again, comes back from the browser's cache, or the machine has a network again. */
export const onPageWake: OnWake = (handler) => {
  // Nothing of the kind outside of pages.
  if (typeof window === 'undefined') return () => {};
  const onVisible = (): void => {
    if (document.visibilityState === 'visible') handler();
  };
  window.addEventListener('online', handler);
  window.addEventListener('pageshow', handler);
  document.addEventListener('visibilitychange', onVisible);
  return () => {
    window.removeEventListener('online', handler);
    window.removeEventListener('pageshow', handler);
    document.removeEventListener('visibilitychange', onVisible);
  };
};
