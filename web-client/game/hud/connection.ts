/** Ping and connection in words, and the dialog at the end of a session. */

import type { ConnectionState, Rung } from '../../engine/index.ts';
import { find, write } from './element.ts';

/** Round trips up to this feel immediate, and up to the second one still playable. */
const GOOD_PING_MS = 90;
const FAIR_PING_MS = 220;

/** How the world gets here, in words. */
const RUNG_NAMES: Readonly<Record<Rung, string>> = {
  websocket: 'WebSocket',
  stream: 'stream',
  'long-poll': 'long poll',
  poll: 'poll',
};

/** What the player is told about the network. */
export class Connection {
  readonly #chip: HTMLElement;
  readonly #text: HTMLElement;
  readonly #banner: HTMLElement;
  readonly #ended: HTMLDialogElement;
  readonly #sentence: HTMLElement;
  #state: ConnectionState = { kind: 'connecting' };

  /** `playAgain` joins anew, `reload` fetches the page again. */
  constructor(root: ParentNode, playAgain: () => void, reload: () => void) {
    this.#chip = find(root, '.link');
    this.#text = find(root, '.link__text');
    this.#banner = find(root, '.banner');
    this.#ended = find(root, '.ended');
    this.#sentence = find(root, '.ended__sentence');
    find(root, '.ended__again').addEventListener('click', () => {
      this.#ended.close();
      playAgain();
    });
    find(root, '.ended__reload').addEventListener('click', reload);
    // Nothing is left to return to, so Escape does what the first button does.
    this.#ended.addEventListener('cancel', (event) => {
      event.preventDefault();
      this.#ended.close();
      playAgain();
    });
  }

  /** Takes a new state. */
  change(state: ConnectionState): void {
    this.#state = state;
    this.#chip.dataset['quality'] = state.kind === 'playing' ? 'good' : 'bad';
    this.#banner.hidden = state.kind !== 'reconnecting' && state.kind !== 'connecting';
    switch (state.kind) {
      case 'connecting':
        write(this.#text, 'Connecting…');
        write(this.#banner, 'Connecting…');
        break;
      case 'playing':
        write(this.#text, 'Connected');
        break;
      case 'reconnecting':
        write(this.#text, 'Reconnecting…');
        break;
      case 'closed':
        write(this.#text, 'Not connected');
        write(this.#sentence, state.sentence ?? 'The game is over.');
        if (!this.#ended.open) this.#ended.showModal();
        break;
      default:
        state satisfies never;
    }
  }

  /** Keeps the numbers up to date. `pingMs` is undefined until there was a round trip, `rung` between connections. */
  show(pingMs: number | undefined, rung: Rung | undefined, nowMs: number): void {
    if (this.#state.kind === 'playing' && pingMs !== undefined && Number.isFinite(pingMs)) {
      const way = rung === undefined ? '' : ` · ${RUNG_NAMES[rung]}`;
      write(this.#text, `${Math.round(pingMs)} ms${way}`);
      this.#chip.dataset['quality'] = pingMs <= GOOD_PING_MS ? 'good' : pingMs <= FAIR_PING_MS ? 'fair' : 'bad';
    } else if (this.#state.kind === 'reconnecting') {
      write(this.#banner, reconnectingText(this.#state, nowMs));
    }
  }
}

/** The banner's words while the connection is away. */
export function reconnectingText(state: Extract<ConnectionState, { kind: 'reconnecting' }>, nowMs: number): string {
  const wait = Math.ceil(((state.retryAtMs ?? nowMs) - nowMs) / 1000);
  const reason = state.sentence === undefined ? 'Connection lost.' : state.sentence;
  return wait > 0 ? `${reason} Trying again in ${wait} s…` : `${reason} Reconnecting…`;
}
