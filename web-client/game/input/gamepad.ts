/** A gamepad in the browsers' standard layout: left stick steers, buttons and triggers fire on the right and thrust on the left. */

/** Worn sticks rest off their middle. */
const DEAD_ZONE = 0.3;

/** Button numbers of the standard layout. */
const FIRE_BUTTONS = [0, 5, 7];
const THRUST_BUTTONS = [1, 4, 6];

/** What a pad says at one moment. */
export interface PadState {
  readonly fire: boolean;
  readonly thrust: boolean;
  /** Where the left stick points, in radians; undefined while it rests. */
  readonly aimRadians: number | undefined;
}

const AT_REST: PadState = { fire: false, thrust: false, aimRadians: undefined };

/** The first pad that is plugged in. */
export function readGamepad(pads: readonly (Gamepad | null)[]): PadState {
  for (const pad of pads) {
    if (pad?.connected === true && pad.mapping === 'standard') return readPad(pad);
  }
  return AT_REST;
}

/** What one pad says. */
export function readPad(pad: Pick<Gamepad, 'axes' | 'buttons'>): PadState {
  const [x = 0, y = 0] = pad.axes;
  const pressed = (at: number): boolean => pad.buttons[at]?.pressed === true;
  return {
    fire: FIRE_BUTTONS.some(pressed),
    thrust: THRUST_BUTTONS.some(pressed),
    aimRadians: Math.hypot(x, y) < DEAD_ZONE ? undefined : Math.atan2(y, x),
  };
}
