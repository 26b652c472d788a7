/** The mouse: the ship turns to where it points; left fires, right thrusts. */

import { Trigger } from './trigger.ts';

/** Hands tremble: a move shorter than this does not take the helm from the keyboard. */
const MOVE_PIXELS_MIN = 3;

/** Where the mouse is, and which buttons are held. */
export class Mouse {
  /** Position over the field, in CSS pixels. */
  x = 0;
  y = 0;
  readonly #fire = new Trigger();
  readonly #thrust = new Trigger();
  #moved = false;

  constructor(field: HTMLElement) {
    field.addEventListener('pointermove', (event) => {
      if (event.pointerType !== 'mouse') return;
      if (Math.abs(event.offsetX - this.x) + Math.abs(event.offsetY - this.y) >= MOVE_PIXELS_MIN) this.#moved = true;
      this.x = event.offsetX;
      this.y = event.offsetY;
    });
    field.addEventListener('pointerdown', (event) => {
      if (event.pointerType !== 'mouse') return;
      field.setPointerCapture(event.pointerId);
      this.x = event.offsetX;
      this.y = event.offsetY;
      this.#moved = true;
      this.#readButtons(event.buttons);
    });
    // Further buttons that go down or up while one is held arrive as moves.
    field.addEventListener('pointermove', (event) => {
      if (event.pointerType === 'mouse') this.#readButtons(event.buttons);
    });
    field.addEventListener('pointerup', (event) => {
      if (event.pointerType === 'mouse') this.#readButtons(event.buttons);
    });
    field.addEventListener('contextmenu', (event) => event.preventDefault());
    window.addEventListener('blur', () => this.#readButtons(0));
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

  /** Whether the mouse was used since this was last asked. */
  takeMoved(): boolean {
    const moved = this.#moved;
    this.#moved = false;
    return moved;
  }

  #readButtons(buttons: number): void {
    this.#fire.set((buttons & 1) !== 0);
    this.#thrust.set((buttons & 2) !== 0);
  }
}
