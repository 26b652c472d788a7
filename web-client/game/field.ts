/** Measures of the arena, in the units that the protocol counts in and the ones that the screen counts in. */

/** Position steps in one world unit. */
export const STEPS_PER_UNIT = 16;

/** Side of the square world, in units. */
export const WORLD_UNITS = 4096;

/** Heading steps in a full turn; 0 points right, and steps go clockwise on screen. */
export const HEADING_STEPS = 1024;

/** Most heading steps that a ship can turn in one tick. */
export const TURN_STEPS_MAX = 40;

/** What a player sees at most, in units; the server sends a little more. */
export const VIEW_WIDTH_UNITS = 1280;
export const VIEW_HEIGHT_UNITS = 800;

/** Cells of the radar along one side of the world. */
export const RADAR_CELLS = 64;

/** Radius of a ship's hull, in units. */
export const SHIP_RADIUS_UNITS = 15;

/** Radius of a bullet, in units. */
export const BULLET_RADIUS_UNITS = 4;

/** Fastest that a ship flies by its own engine, in units per second. */
export const SHIP_SPEED_UNITS = 300;

/** Hull points of an unhurt ship. */
export const HULL_MAX = 100;

/** Size of a ship's explosion; those of asteroids are 1 to 4, and a bullet at a wall is 0. */
export const SHIP_EXPLOSION_SIZE = 5;

/** Radius of an asteroid by its size 1 to 4, in units; index 0 is unused. */
export const ASTEROID_RADII_UNITS: readonly number[] = [0, 14, 24, 38, 56];

/** Heading steps as radians. */
export function headingToRadians(steps: number): number {
  return (steps / HEADING_STEPS) * 2 * Math.PI;
}

/** Radians as heading steps, a fraction in `0..1024`. */
export function radiansToHeading(radians: number): number {
  return wrapHeading((radians / (2 * Math.PI)) * HEADING_STEPS);
}

/** Any number of heading steps, brought into one turn. */
export function wrapHeading(steps: number): number {
  return ((steps % HEADING_STEPS) + HEADING_STEPS) % HEADING_STEPS;
}

/** The shortest way from one heading to another, `-512..512`, positive clockwise. */
export function headingDifference(from: number, to: number): number {
  const turn = wrapHeading(to - from);
  return turn > HEADING_STEPS / 2 ? turn - HEADING_STEPS : turn;
}
