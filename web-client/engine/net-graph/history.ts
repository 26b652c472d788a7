/** The last seconds of a connection in columns of equal time, for the net graph to draw. Allocates nothing once it is made. */

import type { Network } from '../network.ts';

/** What is watched of a client. */
export interface Watched {
  readonly network: Network;
  readonly stats: {
    readonly framesIn: number;
    readonly bytesIn: number;
    readonly checksums: number;
    readonly desyncs: number;
    readonly pictures: number;
    readonly heldPictures: number;
    readonly workMs: number;
  };
}

/** Columns that are remembered, and the time of each. */
export const COLUMNS = 240;
export const COLUMN_MS = 50;
const COLUMNS_PER_S = 1000 / COLUMN_MS;

/** What is known of each column. */
export type Series =
  | 'roundTripMs'
  | 'renderDelayMs'
  | 'bytes'
  | 'frames'
  | 'error'
  | 'late'
  | 'held'
  | 'pictures'
  | 'workMs';

/** What counters of the client gain in a column. */
type Counter = Exclude<Series, 'roundTripMs' | 'renderDelayMs'>;

const SERIES: readonly Series[] = [
  'roundTripMs',
  'renderDelayMs',
  'bytes',
  'frames',
  'error',
  'late',
  'held',
  'pictures',
  'workMs',
];

/** The last seconds of a connection. */
export class History {
  readonly #columns = new Map<Series, Float64Array>(SERIES.map((name) => [name, new Float64Array(COLUMNS)]));
  /** What the counters stood at. */
  readonly #before: Record<Counter, number> = {
    frames: 0,
    bytes: 0,
    error: 0,
    late: 0,
    held: 0,
    pictures: 0,
    workMs: 0,
  };
  #count = 0;
  #nextAtMs = 0;

  /** How many columns there are so far. */
  get count(): number {
    return Math.min(this.#count, COLUMNS);
  }

  /** Forgets everything: another connection is watched. */
  clear(): void {
    this.#count = 0;
  }

  /** Looks at a client; call it for each picture. */
  note(client: Watched, nowMs: number): void {
    if (this.#count > 0 && nowMs < this.#nextAtMs) return;
    const isAway = this.#count === 0 || nowMs - this.#nextAtMs > COLUMNS * COLUMN_MS;
    // A picture that took long is several columns wide.
    if (isAway) this.#nextAtMs = nowMs;
    while (this.#nextAtMs <= nowMs) {
      this.#nextAtMs += COLUMN_MS;
      this.#add(client);
    }
  }

  /** A number of the column so many before the newest. */
  at(name: Series, age: number): number {
    return this.#columns.get(name)![(this.#count - 1 - age + COLUMNS) % COLUMNS]!;
  }

  /** The sum over the last second. */
  perSecond(name: Series): number {
    const count = Math.min(this.count, COLUMNS_PER_S);
    let sum = 0;
    for (let age = 0; age < count; age += 1) sum += this.at(name, age);
    return count === 0 ? 0 : (sum / count) * COLUMNS_PER_S;
  }

  /** The greatest number of all columns. */
  most(name: Series): number {
    let most = 0;
    for (let age = 0; age < this.count; age += 1) most = Math.max(most, this.at(name, age));
    return most;
  }

  #add({ network, stats }: Watched): void {
    const at = this.#count % COLUMNS;
    this.#count += 1;
    this.#columns.get('roundTripMs')![at] = network.roundTripMs;
    this.#columns.get('renderDelayMs')![at] = network.renderDelayMs;
    this.#since('bytes', at, stats.bytesIn);
    this.#since('frames', at, stats.framesIn);
    this.#since('error', at, network.corrections?.sum ?? 0);
    this.#since('late', at, network.inputsLate);
    this.#since('held', at, stats.heldPictures);
    this.#since('pictures', at, stats.pictures);
    this.#since('workMs', at, stats.workMs);
  }

  /** What a counter has gained. */
  #since(name: Counter, at: number, now: number): void {
    // Nothing is known of what came before the first look.
    this.#columns.get(name)![at] = this.#count === 1 ? 0 : Math.max(0, now - this.#before[name]);
    this.#before[name] = now;
  }
}
