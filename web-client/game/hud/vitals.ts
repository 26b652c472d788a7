/** The player's own name, hull, score, kills and deaths. */

import { HULL_MAX } from '../field.ts';
import { paintOf } from '../palette.ts';
import type { Seat, Ship } from '../protocol.ts';
import { find, write } from './element.ts';

/** The panel in the top left corner. */
export class Vitals {
  readonly #name: HTMLElement;
  readonly #score: HTMLElement;
  readonly #meter: HTMLElement;
  readonly #hull: HTMLElement;
  readonly #kills: HTMLElement;
  readonly #deaths: HTMLElement;
  #shownHull = Number.NaN;
  #shownColour = Number.NaN;

  constructor(root: ParentNode) {
    this.#name = find(root, '.vitals__name');
    this.#score = find(root, '.vitals__score');
    this.#meter = find(root, '.hull');
    this.#hull = find(root, '.vitals__hull');
    this.#kills = find(root, '.vitals__kills');
    this.#deaths = find(root, '.vitals__deaths');
  }

  /** Shows the seat, and the ship as long as there is one. */
  show(seat: Seat | undefined, ship: Ship | undefined): void {
    if (seat !== undefined) {
      write(this.#score, String(seat.score));
      write(this.#kills, String(seat.kills));
      write(this.#deaths, String(seat.deaths));
    }
    if (ship !== undefined) {
      write(this.#name, ship.name);
      if (ship.colour !== this.#shownColour) {
        this.#shownColour = ship.colour;
        this.#name.style.color = paintOf(ship.colour).tint;
      }
    }
    this.#showHull(ship?.hull ?? 0);
  }

  #showHull(hull: number): void {
    if (hull === this.#shownHull) return;
    this.#shownHull = hull;
    const share = hull / HULL_MAX;
    this.#meter.style.setProperty('--hull', `${Math.round(share * 100)}%`);
    this.#meter.dataset['level'] = share > 0.6 ? 'high' : share > 0.3 ? 'low' : 'critical';
    this.#meter.setAttribute('aria-valuenow', String(hull));
    write(this.#hull, String(hull));
  }
}
