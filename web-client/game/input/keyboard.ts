/** Keys: arrows or WASD to fly, space to fire, and single keys for the page. */

/** Actions of the page that a key triggers. */
export interface KeyActions {
  readonly toggleMute: () => void;
  readonly toggleHelp: () => void;
}

const LEFT = ['ArrowLeft', 'KeyA'];
const RIGHT = ['ArrowRight', 'KeyD'];
const THRUST = ['ArrowUp', 'KeyW'];
const FIRE = ['Space'];
const FLIGHT_KEYS = new Set([...LEFT, ...RIGHT, ...THRUST, ...FIRE, 'ArrowDown']);

/** Which flight keys are held. */
export class Keyboard {
  readonly #held = new Set<string>();
  readonly #actions: KeyActions;

  constructor(actions: KeyActions) {
    this.#actions = actions;
    window.addEventListener('keydown', this.#press);
    window.addEventListener('keyup', (event) => this.#held.delete(event.code));
    // Keys that go up while the window is away are never heard of.
    window.addEventListener('blur', () => this.#held.clear());
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

  #holds(codes: readonly string[]): boolean {
    for (const code of codes) if (this.#held.has(code)) return true;
    return false;
  }

  readonly #press = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey || isForPage(event.target)) return;
    if (FLIGHT_KEYS.has(event.code)) {
      this.#held.add(event.code);
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
