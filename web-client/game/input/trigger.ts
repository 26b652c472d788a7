/** Something that is pressed and let go: it counts for one tick at least, however short the press. */

/** A key or button. */
export class Trigger {
  #isDown = false;
  #wasPressed = false;

  /** Whether it counts as held in the tick at hand. */
  get isHeld(): boolean {
    return this.#isDown || this.#wasPressed;
  }

  /** It goes down or up, or stays what it is. */
  set(isDown: boolean): void {
    if (isDown && !this.#isDown) this.#wasPressed = true;
    this.#isDown = isDown;
  }

  /** The tick at hand is over. */
  endTick(): void {
    this.#wasPressed = false;
  }
}
