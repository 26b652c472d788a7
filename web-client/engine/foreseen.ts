/** What the player has seen already, ahead of the server: the server's own word of it is no news then. */

import { contact } from './contact.ts';

/** Remembered at once: more than a player does before the server tells of it. */
const FORESEEN_MAX = 16;

/** Happenings by where they were. */
export class Foreseen {
  readonly #apart: number;
  readonly #places: (readonly number[])[] = [];

  /** Two happenings are never this near each other: what is nearer is the same. */
  constructor(apart: number) {
    this.#apart = apart;
  }

  /** The player has seen it happen here. */
  note(place: readonly number[]): void {
    this.#places.push(place);
    if (this.#places.length > FORESEEN_MAX) this.#places.shift();
  }

  /** Whether the player has seen what happened here, according to the server. Each is one happening. */
  take(place: readonly number[]): boolean {
    const at = this.#places.findIndex((seen) => contact(seen, seen, place, this.#apart) !== undefined);
    if (at >= 0) this.#places.splice(at, 1);
    return at >= 0;
  }
}
