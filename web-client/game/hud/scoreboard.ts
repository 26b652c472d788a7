/** The ten best pilots, from the `Standing` entities. */

import { paintOf } from '../palette.ts';
import type { Entity, Ship } from '../protocol.ts';
import { find, write } from './element.ts';

const LINES = 10;

interface Line {
  readonly item: HTMLElement;
  readonly name: HTMLElement;
  readonly score: HTMLElement;
  colour: number;
}

/** The panel in the top right corner. */
export class Scoreboard {
  readonly #lines: readonly Line[];

  constructor(root: ParentNode) {
    const list = find<HTMLElement>(root, '.scoreboard__lines');
    this.#lines = Array.from({ length: LINES }, (_, rank) => {
      const item = list.appendChild(document.createElement('li'));
      item.className = 'scoreboard__line';
      item.hidden = true;
      const place = item.appendChild(document.createElement('span'));
      place.className = 'scoreboard__rank';
      place.textContent = String(rank + 1);
      const name = item.appendChild(document.createElement('span'));
      name.className = 'scoreboard__name';
      const score = item.appendChild(document.createElement('span'));
      score.className = 'scoreboard__score';
      return { item, name, score, colour: Number.NaN };
    });
  }

  /** Shows the standings among these entities, and marks the player's own line. */
  show(entities: Iterable<Entity>, own: Ship | undefined): void {
    for (const { standing } of entities) {
      if (standing === undefined) continue;
      const line = this.#lines[standing.rank];
      if (line === undefined) continue;
      line.item.hidden = standing.name === '';
      if (standing.name === '') continue;
      write(line.name, standing.name);
      write(line.score, String(standing.score));
      line.item.dataset['own'] = String(own?.name === standing.name && own.colour === standing.colour);
      if (line.colour !== standing.colour) {
        line.colour = standing.colour;
        line.item.style.setProperty('--paint', paintOf(standing.colour).tint);
      }
    }
  }
}
