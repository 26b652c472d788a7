/** Touch: a stick on the left that says where to turn, two buttons on the right. Shown where the pointer is a finger. */

import { find } from '../hud/element.ts';
import { Trigger } from './trigger.ts';

/** The stick steers once it is this far out, as a share of its reach. */
const DEAD_ZONE = 0.25;

/** The state of the controls on the screen. */
export class Touch {
  /** Where the stick points, in radians; undefined while it is at rest. */
  aimRadians: number | undefined;

  readonly #fire = new Trigger();
  readonly #thrust = new Trigger();
  readonly #stick: HTMLElement;
  #stickPointer: number | undefined;

  constructor(root: ParentNode) {
    const panel = find<HTMLElement>(root, '.touch');
    this.#stick = find(panel, '.touch__stick');
    const coarse = window.matchMedia('(pointer: coarse)');
    panel.hidden = !coarse.matches;
    coarse.addEventListener('change', () => {
      panel.hidden = !coarse.matches;
    });
    this.#stick.addEventListener('pointerdown', (event) => {
      this.#stick.setPointerCapture(event.pointerId);
      this.#stickPointer = event.pointerId;
      this.#steer(event);
    });
    this.#stick.addEventListener('pointermove', (event) => {
      if (event.pointerId === this.#stickPointer) this.#steer(event);
    });
    for (const name of ['pointerup', 'pointercancel'] as const) {
      this.#stick.addEventListener(name, (event) => {
        if (event.pointerId === this.#stickPointer) this.#release();
      });
    }
    holdable(find(panel, '.touch__button--fire'), (held) => this.#fire.set(held));
    holdable(find(panel, '.touch__button--thrust'), (held) => this.#thrust.set(held));
  }

  get fire(): boolean {
    return this.#fire.isHeld;
  }

  get thrust(): boolean {
    return this.#thrust.isHeld;
  }

  /** The tick at hand is over. */
  endTick(): void {
    this.#fire.endTick();
    this.#thrust.endTick();
  }

  #steer(event: PointerEvent): void {
    const box = this.#stick.getBoundingClientRect();
    const reach = box.width / 2;
    const x = event.clientX - box.left - reach;
    const y = event.clientY - box.top - reach;
    const distance = Math.hypot(x, y);
    const shown = Math.min(1, reach / Math.max(distance, 1));
    this.#stick.style.setProperty('--knob-x', `${x * shown}px`);
    this.#stick.style.setProperty('--knob-y', `${y * shown}px`);
    this.aimRadians = distance < reach * DEAD_ZONE ? undefined : Math.atan2(y, x);
  }

  #release(): void {
    this.#stickPointer = undefined;
    this.aimRadians = undefined;
    this.#stick.style.setProperty('--knob-x', '0px');
    this.#stick.style.setProperty('--knob-y', '0px');
  }
}

/** Reports whether a finger is on a button. */
function holdable(button: HTMLElement, report: (held: boolean) => void): void {
  const change = (held: boolean): void => {
    button.dataset['held'] = String(held);
    report(held);
  };
  button.addEventListener('pointerdown', (event) => {
    button.setPointerCapture(event.pointerId);
    change(true);
  });
  button.addEventListener('pointerup', () => change(false));
  button.addEventListener('pointercancel', () => change(false));
  button.addEventListener('contextmenu', (event) => event.preventDefault());
}
