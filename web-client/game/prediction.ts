/** How the player's own ship and bullets are predicted: which words of the rules are what on screen. See `rules.rs`. */

import type { PredictionOptions, Rules, Word, Words } from '../engine/index.ts';
import {
  ASTEROID_RADII_UNITS,
  BULLET_RADIUS_UNITS,
  HEADING_STEPS,
  headingToRadians,
  SHIP_RADIUS_UNITS,
  STEPS_PER_UNIT,
} from './field.ts';
import type { Controls, Entity } from './protocol.ts';

/** Where in the words of a state things are. */
const X = 0;
const Y = 1;
const VELOCITY_X = 2;
const VELOCITY_Y = 3;
/** Where the ship points. */
export const ANGLE = 4;
const RELOAD_TICKS = 5;
const FIRED = 6;
const BULLET_X = 7;
const BULLET_Y = 8;
const BULLET_VELOCITY_X = 9;
const BULLET_VELOCITY_Y = 10;

const WORDS: readonly Word[] = [
  { type: 'place' },
  { type: 'place' },
  { type: 'value' },
  { type: 'value' },
  { type: 'angle', turn: HEADING_STEPS },
  { type: 'value' },
  { type: 'output' },
  { type: 'output' },
  { type: 'output' },
  { type: 'output' },
  { type: 'output' },
];

/** A ship that is this far from where it should be has been put there. */
const JUMP_UNITS = 150;
/** Ticks that a bullet flies. */
const BULLET_TICKS = 20;
/** Two bullets of a ship are never this near each other, in steps. */
export const APART_STEPS = 40 * STEPS_PER_UNIT;

/** What the engine needs to predict a player; `onFired` hears of the player's shots as they are seen, `onMet` of hits. */
export function arenaPrediction(
  rules: Promise<Rules | undefined>,
  onFired: (fired: Words) => void,
  onMet: (shot: Entity) => void,
): PredictionOptions<Entity, Controls> {
  return {
    rules,
    words: WORDS,
    jump: JUMP_UNITS * STEPS_PER_UNIT,
    own: (newest) => newest.having('seat')?.seat?.ship,
    read: ({ motion, heading, gun }, state) => {
      if (motion === undefined || heading === undefined) return;
      [state[X], state[Y]] = motion.position;
      [state[VELOCITY_X], state[VELOCITY_Y]] = motion.velocity;
      state[ANGLE] = heading.angle;
      state[RELOAD_TICKS] = gun?.reloadTicks ?? 0;
    },
    command: ({ thrust, fire, turn }, words) => {
      words[0] = Number(thrust);
      words[1] = Number(fire);
      words[2] = turn;
    },
    show: ({ motion, heading }, drawn) => {
      if (motion === undefined || heading === undefined) return;
      place(motion, drawn[X]!, drawn[Y]!, drawn[VELOCITY_X]!, drawn[VELOCITY_Y]!);
      heading.angle = drawn[ANGLE]!;
    },
    shots: {
      lifetimeTicks: BULLET_TICKS,
      isFired: (state) => state[FIRED] === 1,
      make: (_, own) => bulletOf(own),
      fly: ({ motion }, fired, ticks) => {
        const [x, y] = [fired[BULLET_VELOCITY_X]!, fired[BULLET_VELOCITY_Y]!];
        if (motion !== undefined) place(motion, fired[BULLET_X]! + x * ticks, fired[BULLET_Y]! + y * ticks, x, y);
      },
      place: ({ motion }) => motion?.position,
      isOwn: ({ bullet }, own) => bullet?.shooter === own,
      apart: APART_STEPS,
      read: ({ motion }, fired, ticks) => {
        if (motion === undefined) return;
        const [x, y] = motion.velocity;
        [fired[BULLET_VELOCITY_X], fired[BULLET_VELOCITY_Y]] = [x, y];
        fired[BULLET_X] = motion.position[0] - x * ticks;
        fired[BULLET_Y] = motion.position[1] - y * ticks;
      },
      reach: ({ ship, asteroid }) => {
        const hull = ship === undefined ? ASTEROID_RADII_UNITS[asteroid?.size ?? 0]! : SHIP_RADIUS_UNITS;
        return hull === 0 ? 0 : (hull + BULLET_RADIUS_UNITS) * STEPS_PER_UNIT;
      },
      onFired: (_, fired) => onFired(fired),
      onMet,
    },
  };
}

/** Where the muzzle is of a ship that fires. */
export function muzzleOf(fired: Words): readonly [x: number, y: number] {
  const angle = headingToRadians(fired[ANGLE]!);
  const nose = SHIP_RADIUS_UNITS * STEPS_PER_UNIT;
  return [fired[X]! + Math.cos(angle) * nose, fired[Y]! + Math.sin(angle) * nose];
}

function bulletOf(own: Entity): Entity {
  return {
    slot: -1,
    enteredAtMs: 0,
    motion: { position: [0, 0], velocity: [0, 0] },
    bullet: { colour: own.ship?.colour ?? 0, shooter: undefined },
  } as unknown as Entity;
}

function place(
  motion: NonNullable<Entity['motion']>,
  x: number,
  y: number,
  velocityX: number,
  velocityY: number,
): void {
  motion.position[0] = x;
  motion.position[1] = y;
  motion.velocity[0] = velocityX;
  motion.velocity[1] = velocityY;
}
