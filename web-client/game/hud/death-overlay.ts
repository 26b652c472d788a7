/** What a player reads between two ships: who did it, and how long until the next one. */

import type { Kill } from '../protocol.ts';
import { find, write } from './element.ts';
import { pilot } from './kill-feed.ts';

/** The words in the middle of the screen. */
export class DeathOverlay {
  readonly #section: HTMLElement;
  readonly #cause: HTMLElement;
  readonly #seconds: HTMLElement;

  constructor(root: ParentNode) {
    this.#section = find(root, '.death');
    this.#cause = find(root, '.death__cause');
    this.#seconds = find(root, '.death__seconds');
  }

  /** Takes note of the kill that cost the player's ship. */
  blame(kill: Kill): void {
    if (kill.killer === '') this.#cause.replaceChildren('Your ship broke apart');
    else this.#cause.replaceChildren(pilot(kill.killer, kill.killerColour), ' wrecked your ship');
  }

  /** Shows the time that is left, in ticks. */
  show(respawnTicks: number, tickRate: number): void {
    if (this.#section.hidden && this.#cause.textContent === '') write(this.#cause, 'Your ship is lost');
    this.#section.hidden = false;
    write(this.#seconds, String(Math.max(1, Math.ceil(respawnTicks / tickRate))));
  }

  /** There is a ship again. */
  hide(): void {
    if (this.#section.hidden) return;
    this.#section.hidden = true;
    this.#cause.replaceChildren();
  }
}
