/** The latest kills, newest first; each goes after a while. */

import { paintOf, STONE } from '../palette.ts';
import type { Kill } from '../protocol.ts';
import { find } from './element.ts';

const LINES_MAX = 5;
const LINE_STAYS_MS = 7_000;

/** The list at the top. */
export class KillFeed {
  readonly #list: HTMLElement;

  constructor(root: ParentNode) {
    this.#list = find(root, '.kill-feed');
  }

  /** Adds a line; `isOwn` where the player has a part in it. */
  add(kill: Kill, isOwn: boolean): void {
    const line = document.createElement('li');
    line.dataset['own'] = String(isOwn);
    if (kill.killer === '') {
      line.append(pilot(kill.victim, kill.victimColour), ' hit something hard');
    } else {
      line.append(pilot(kill.killer, kill.killerColour), ' wrecked ', pilot(kill.victim, kill.victimColour));
    }
    this.#list.prepend(line);
    while (this.#list.children.length > LINES_MAX) this.#list.lastElementChild?.remove();
    setTimeout(() => line.remove(), LINE_STAYS_MS);
  }

  /** Empties the list. */
  clear(): void {
    this.#list.replaceChildren();
  }
}

/** A pilot's name in that pilot's colour. Names come from others: text, never markup. */
export function pilot(name: string, colour: number): HTMLElement {
  const element = document.createElement('b');
  element.textContent = name;
  if (colour !== STONE) element.style.setProperty('--paint', paintOf(colour).tint);
  return element;
}
