/** The last few of a series of numbers, and how they are spread. Allocates nothing once it is made. */

/** The newest numbers of a series. */
export class Recent {
  readonly #values: Float64Array;
  readonly #sorted: Float64Array;
  #count = 0;

  /** Remembers so many. */
  constructor(most: number) {
    this.#values = new Float64Array(most);
    this.#sorted = new Float64Array(most);
  }

  /** How many there are. */
  get count(): number {
    return Math.min(this.#count, this.#values.length);
  }

  push(value: number): void {
    this.#values[this.#count % this.#values.length] = value;
    this.#count += 1;
  }

  /** The number that this share of them does not exceed; undefined where there are none. */
  quantile(share: number): number | undefined {
    const { count } = this;
    if (count === 0) return undefined;
    this.#sorted.set(this.#values);
    // What is not there yet sorts to the end.
    this.#sorted.fill(Number.POSITIVE_INFINITY, count);
    this.#sorted.sort();
    return this.#sorted[Math.min(count - 1, Math.floor(count * share))];
  }

  clear(): void {
    this.#count = 0;
  }
}
