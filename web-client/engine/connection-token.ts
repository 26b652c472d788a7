/** Where a player's connection token comes from: a fixed one, or a function that fetches another whenever one is due. */

/** A token, or how to get one. */
export type TokenSource = string | (() => string | Promise<string>);

/** A player's connection token. */
export class ConnectionToken {
  readonly #source: TokenSource;
  #token: string | undefined;

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
  renew(onToken: (token: string) => void, onFailed: (error: unknown) => void): void {
    const take = (token: string) => {
      this.#token = token;
      onToken(token);
    };
    try {
      const token = typeof this.#source === 'string' ? this.#source : this.#source();
      if (typeof token === 'string') take(token);
      else token.then(take, onFailed);
    } catch (error) {
      onFailed(error);
    }
  }
}
