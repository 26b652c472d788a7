/** The way in: a name and a colour, remembered for next time. */

import { PAINTS, PLAYER_COLOURS } from '../palette.ts';
import type { JoinRequest } from '../protocol.ts';
import { tintedSource } from '../sprites.ts';
import { find, write } from './element.ts';

/** Longest name that travels, in bytes of UTF-8. */
const NAME_BYTES_MAX = 16;

const STORAGE_KEY = 'tickwire-arena-pilot';

/** Asks who wants to play. */
export class JoinDialog {
  readonly #dialog: HTMLDialogElement;
  readonly #name: HTMLInputElement;
  readonly #colourName: HTMLElement;
  readonly #ship: HTMLElement;
  readonly #choices: readonly HTMLInputElement[];
  #colour = 0;

  /** `join` is called with each request. */
  constructor(root: ParentNode, join: (request: JoinRequest) => void) {
    this.#dialog = find(root, '.join');
    this.#name = find(root, '.join__name');
    this.#colourName = find(root, '.join__colour-name');
    this.#ship = find(root, '.join__ship');
    this.#choices = this.#addSwatches(find(root, '.join__swatches'));
    find<HTMLFormElement>(root, '.join__form').addEventListener('submit', () => {
      const request = { name: tidyName(this.#name.value), colour: this.#colour };
      remember(request);
      join(request);
    });
    // There is no game behind the dialog to return to.
    this.#dialog.addEventListener('cancel', (event) => event.preventDefault());
    const known = recall();
    this.#name.value = known?.name ?? '';
    this.#choose(known?.colour ?? Math.floor(Math.random() * PLAYER_COLOURS));
  }

  /** Opens the dialog. */
  open(): void {
    if (this.#dialog.open) return;
    this.#dialog.showModal();
    this.#name.select();
  }

  #addSwatches(place: HTMLElement): HTMLInputElement[] {
    return PAINTS.slice(0, PLAYER_COLOURS).map((paint, colour) => {
      const label = place.appendChild(document.createElement('label'));
      label.className = 'join__swatch';
      label.title = paint.name;
      label.style.setProperty('--paint', paint.tint);
      const input = label.appendChild(document.createElement('input'));
      input.type = 'radio';
      input.name = 'colour';
      input.value = String(colour);
      input.setAttribute('aria-label', paint.name);
      input.addEventListener('change', () => this.#choose(colour));
      return input;
    });
  }

  #choose(colour: number): void {
    this.#colour = colour;
    const paint = PAINTS[colour];
    const choice = this.#choices[colour];
    if (paint === undefined || choice === undefined) return;
    choice.checked = true;
    write(this.#colourName, paint.name);
    this.#dialog.style.setProperty('--paint', paint.tint);
    // The markup is a file of our own; only the colours in it vary.
    this.#ship.innerHTML = tintedSource('ship', colour);
  }
}

/** A name as it may travel: no control characters or double spaces, cut between characters at the limit. */
export function tidyName(name: string): string {
  const tidy = name.replace(/[\p{C}\s]+/gu, ' ').trim();
  const encoder = new TextEncoder();
  let kept = '';
  let bytes = 0;
  for (const character of tidy) {
    bytes += encoder.encode(character).length;
    if (bytes > NAME_BYTES_MAX) break;
    kept += character;
  }
  return kept.trimEnd();
}

/** A pilot as remembered by this browser; undefined where there is none or it makes no sense. */
export function parsePilot(text: string | null): JoinRequest | undefined {
  if (text === null) return undefined;
  try {
    const { name, colour } = JSON.parse(text) as { name?: unknown; colour?: unknown };
    if (typeof name !== 'string' || typeof colour !== 'number') return undefined;
    if (!Number.isInteger(colour) || colour < 0 || colour >= PLAYER_COLOURS) return undefined;
    return { name: tidyName(name), colour };
  } catch {
    return undefined;
  }
}

function recall(): JoinRequest | undefined {
  try {
    return parsePilot(localStorage.getItem(STORAGE_KEY));
  } catch {
    // Storage may be forbidden; then every visit is the first.
    return undefined;
  }
}

function remember(request: JoinRequest): void {
  try {
    localStorage.setItem(STORAGE_KEY, JSON.stringify(request));
  } catch {
    // As above.
  }
}
