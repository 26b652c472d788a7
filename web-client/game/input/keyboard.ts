/** Keys: arrows or WASD to fly, space to fire, and single keys for the page. */

import { Trigger } from './trigger.ts';

/** Actions of the page that a key triggers. */
export interface KeyActions {
  readonly toggleMute: () => void;
  readonly toggleHelp: () => void;
}

const LEFT = ['ArrowLeft', 'KeyA'];
const RIGHT = ['ArrowRight', 'KeyD'];
const THRUST = ['ArrowUp', 'KeyW'];
const FIRE = ['Space'];
const FLIGHT_KEYS = [...LEFT, ...RIGHT, ...THRUST, ...FIRE, 'ArrowDown'];

/** Which flight keys are held. */
export class Keyboard {
  readonly #keys = new Map(FLIGHT_KEYS.map((code) => [code, new Trigger()]));
  readonly #actions: KeyActions;

  constructor(actions: KeyActions) {
    this.#actions = actions;
    window.addEventListener('keydown', this.#press);
    window.addEventListener('keyup', (event) => this.#keys.get(event.code)?.set(false));
    // Keys that go up while the window is away are never heard of.
    window.addEventListener('blur', () => {
      this.#keys.forEach((key) => {
        key.set(false);
      });
    });
  }

  /** −1 left, 1 right, 0 neither or both. */
  get side(): number {
    return Number(this.#holds(RIGHT)) - Number(this.#holds(LEFT));
  }

  get thrust(): boolean {
    return this.#holds(THRUST);
  }

  get fire(): boolean {
    return this.#holds(FIRE);
  }

  /** The tick at hand is over. */
  endTick(): void {
    this.#keys.forEach((key) => {
      key.endTick();
    });
  }

  #holds(codes: readonly string[]): boolean {
    for (const code of codes) if (this.#keys.get(code)?.isHeld === true) return true;
    return false;
  }

  readonly #press = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey || isForPage(event.target)) return;
    const key = this.#keys.get(event.code);
    if (key !== undefined) {
      key.set(true);
      event.preventDefault();
    } else if (!event.repeat && event.code === 'KeyM') {
      this.#actions.toggleMute();
    } else if (!event.repeat && event.code === 'KeyH') {
      this.#actions.toggleHelp();
    }
  };
}

/** Whether a key belongs to something that is being typed in or chosen from. */
function isForPage(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest('dialog, input, button') !== null;
}
