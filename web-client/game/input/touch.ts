/**
 * Touch: a stick that comes to the thumb, anywhere on the left, and says where to turn; two buttons on the right. Shown
 * where the pointer is a finger.
 */

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
  /** How far the stick reaches, where it rests, and where it is: in CSS pixels of the window. */
  #reach = 1;
  #restX = 0;
  #restY = 0;
  #middleX = 0;
  #middleY = 0;

  constructor(root: ParentNode) {
    const panel = find<HTMLElement>(root, '.touch');
    this.#stick = find(panel, '.touch__stick');
    const coarse = window.matchMedia('(pointer: coarse)');
    panel.hidden = !coarse.matches;
    coarse.addEventListener('change', () => {
      panel.hidden = !coarse.matches;
    });
    const pad = find<HTMLElement>(panel, '.touch__pad');
    pad.addEventListener('pointerdown', (event) => {
      if (this.#stickPointer !== undefined) return;
      pad.setPointerCapture(event.pointerId);
      this.#stickPointer = event.pointerId;
      this.#bring(event);
    });
    pad.addEventListener('pointermove', (event) => {
      if (event.pointerId === this.#stickPointer) this.#steer(event);
    });
    for (const name of ['pointerup', 'pointercancel'] as const) {
      pad.addEventListener(name, (event) => {
        if (event.pointerId === this.#stickPointer) this.#release();
      });
    }
    pad.addEventListener('contextmenu', (event) => event.preventDefault());
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

  /** The stick comes to where the thumb came down. */
  #bring({ clientX, clientY }: PointerEvent): void {
    const box = this.#stick.getBoundingClientRect();
    this.#reach = box.width / 2;
    this.#restX = box.left + this.#reach;
    this.#restY = box.top + this.#reach;
    this.#stick.dataset['held'] = 'true';
    this.#move(clientX, clientY);
  }

  #steer({ clientX, clientY }: PointerEvent): void {
    const x = clientX - this.#middleX;
    const y = clientY - this.#middleY;
    const distance = Math.hypot(x, y);
    // A thumb that strays farther than the stick reaches takes it along, so that a small move back steers at once.
    const stray = Math.max(0, distance - this.#reach) / Math.max(distance, 1);
    if (stray > 0) this.#move(this.#middleX + x * stray, this.#middleY + y * stray);
    this.#stick.style.setProperty('--knob-x', `${x * (1 - stray)}px`);
    this.#stick.style.setProperty('--knob-y', `${y * (1 - stray)}px`);
    this.aimRadians = distance < this.#reach * DEAD_ZONE ? undefined : Math.atan2(y, x);
  }

  #move(middleX: number, middleY: number): void {
    this.#middleX = middleX;
    this.#middleY = middleY;
    this.#stick.style.setProperty('--stick-x', `${middleX - this.#restX}px`);
    this.#stick.style.setProperty('--stick-y', `${middleY - this.#restY}px`);
  }

  #release(): void {
    this.#stickPointer = undefined;
    this.aimRadians = undefined;
    this.#stick.dataset['held'] = 'false';
    for (const name of ['--knob-x', '--knob-y', '--stick-x', '--stick-y']) this.#stick.style.removeProperty(name);
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
