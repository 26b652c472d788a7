/**
 * Where a player's connection token comes from: a fixed one, or a function that fetches another whenever one is due, which
 * is well before the one at hand runs out.
 */

/** A token, or how to get one. */
export type TokenSource = string | (() => string | Promise<string>);

/** How much of a token's time is used before the next one is fetched. */
const USED_SHARE = 0.8;
/** Between two attempts to fetch one. */
const RETRY_S = 5;
/** The longest wait that a browser's timer knows is a little longer. */
const WAIT_MAX_MS = 2_000_000_000;

/** A player's connection token. */
export class ConnectionToken {
  readonly #source: TokenSource;
  #token: string | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isOver = false;

  constructor(source: TokenSource) {
    this.#source = source;
    this.#token = typeof source === 'string' ? source : undefined;
  }

  /** The newest token; undefined where one has to be fetched first. */
  get value(): string | undefined {
    return this.#token;
  }

  /** Whether another can be had once this one has run out. */
  get isRenewable(): boolean {
    return typeof this.#source !== 'string';
  }

  /** The token has run out. */
  expire(): void {
    if (this.isRenewable) this.#token = undefined;
  }

  /** Fetches another. */
  renew(onToken: (token: string) => void, onFailed: () => void): void {
    const take = (token: string) => {
      this.#token = token;
      if (!this.#isOver) onToken(token);
    };
    const fail = (error: unknown) => {
      console.warn('tickwire: no connection token', error);
      if (!this.#isOver) onFailed();
    };
    try {
      const token = typeof this.#source === 'string' ? this.#source : this.#source();
      if (typeof token === 'string') take(token);
      else token.then(take, fail);
    } catch (error) {
      fail(error);
    }
  }

  /** The token is good for so many seconds: hands another one over well before they have passed. */
  planRenewal(seconds: number, onToken: (token: string) => void): void {
    this.stopRenewal();
    if (!this.isRenewable) return;
    const retry = () => this.planRenewal(Math.max((seconds * (1 - USED_SHARE)) / 2, RETRY_S), onToken);
    const waitMs = Math.min(seconds * 1000 * USED_SHARE, WAIT_MAX_MS);
    this.#timer = setTimeout(() => this.renew(onToken, retry), waitMs);
  }

  /** The connection is gone that wanted another. */
  stopRenewal(): void {
    clearTimeout(this.#timer);
  }

  /** Nobody wants to hear of tokens any more. */
  close(): void {
    this.#isOver = true;
    this.stopRenewal();
  }
}
