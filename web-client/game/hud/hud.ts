/** Everything around the field, put together: one object that is shown the world a few times a second. */

import type { Entity, GameClient, Kill, Seat } from '../protocol.ts';
import { Connection } from './connection.ts';
import { DeathOverlay } from './death-overlay.ts';
import { find } from './element.ts';
import { KillFeed } from './kill-feed.ts';
import { Scoreboard } from './scoreboard.ts';
import { Talk } from './talk.ts';
import { Vitals } from './vitals.ts';

/** Numbers on screen change at most this often; faster ones nobody can read. */
const SHOW_EVERY_MS = 100;

/** How long a newcomer sees the keys. */
const HELP_STAYS_MS = 25_000;

/** What the page says besides the picture. */
export class Hud {
  readonly connection: Connection;
  readonly talk: Talk;
  readonly #arena: HTMLElement;
  readonly #help: HTMLElement;
  readonly #vitals: Vitals;
  readonly #scoreboard: Scoreboard;
  readonly #killFeed: KillFeed;
  readonly #death: DeathOverlay;
  #shownAtMs = Number.NEGATIVE_INFINITY;
  #helpTimer = 0;

  constructor(root: ParentNode, playAgain: () => void, reload: () => void) {
    this.#arena = find(root, '.arena');
    this.#help = find(root, '.help');
    this.#vitals = new Vitals(root);
    this.#scoreboard = new Scoreboard(root);
    this.#killFeed = new KillFeed(root);
    this.#death = new DeathOverlay(root);
    this.talk = new Talk(root);
    this.connection = new Connection(root, playAgain, reload);
  }

  /** A game begins: the panels appear. */
  begin(): void {
    this.#arena.dataset['state'] = 'playing';
    this.#killFeed.clear();
    this.#death.hide();
    this.showHelp(true);
    clearTimeout(this.#helpTimer);
    this.#helpTimer = window.setTimeout(() => this.showHelp(false), HELP_STAYS_MS);
  }

  /** A game is over. */
  end(): void {
    this.#arena.dataset['state'] = 'lobby';
    this.talk.end();
    this.#death.hide();
  }

  /** Shows or fades the line of keys. */
  showHelp(shown: boolean): void {
    this.#help.dataset['faded'] = String(!shown);
  }

  /** Shows the line of keys, or fades it where it shows. */
  toggleHelp(): void {
    clearTimeout(this.#helpTimer);
    this.showHelp(this.#help.dataset['faded'] === 'true');
  }

  /** A pilot lost a ship; `own` is the name and colour that the player flies under. */
  kill(kill: Kill, own: { readonly name: string; readonly colour: number }): void {
    const isVictim = kill.victim === own.name && kill.victimColour === own.colour;
    const isKiller = kill.killer === own.name && kill.killerColour === own.colour;
    this.#killFeed.add(kill, isVictim || isKiller);
    if (isVictim) this.#death.blame(kill);
  }

  /** Brings the panels up to date; cheap to call in every frame. */
  show(client: GameClient, seat: Seat | undefined, ownShip: Entity | undefined, nowMs: number): void {
    if (nowMs - this.#shownAtMs < SHOW_EVERY_MS) return;
    this.#shownAtMs = nowMs;
    this.#vitals.show(seat, ownShip?.ship);
    this.#scoreboard.show(client.world.entities, ownShip?.ship);
    this.connection.show(client.pingMs, client.transport, nowMs);
    if (seat !== undefined && ownShip === undefined && seat.respawnTicks > 0) {
      this.#death.show(seat.respawnTicks, client.tickRate);
    } else {
      this.#death.hide();
    }
  }
}
