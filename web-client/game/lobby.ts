/** Stones that drift behind the first dialog, so that the field is alive before there is a game. Nobody else sees them. */

import { STEPS_PER_UNIT, WORLD_UNITS } from './field.ts';
import type { Entity } from './protocol.ts';

const STONES = 110;
const SPEED_UNITS_MAX = 26;

interface Stone {
  readonly entity: Entity;
  readonly position: [number, number];
  readonly velocityX: number;
  readonly velocityY: number;
}

/** The stones. */
export class Lobby {
  readonly entities: readonly Entity[];
  readonly #stones: readonly Stone[];

  constructor() {
    this.#stones = Array.from({ length: STONES }, (_, slot) => makeStone(slot));
    this.entities = this.#stones.map((stone) => stone.entity);
  }

  /** Moves them on. What leaves the world on one side comes back on the other. */
  advance(elapsedS: number): void {
    const side = WORLD_UNITS * STEPS_PER_UNIT;
    for (const { position, velocityX, velocityY } of this.#stones) {
      position[0] = (position[0] + velocityX * STEPS_PER_UNIT * elapsedS + side) % side;
      position[1] = (position[1] + velocityY * STEPS_PER_UNIT * elapsedS + side) % side;
    }
  }
}

function makeStone(slot: number): Stone {
  const side = WORLD_UNITS * STEPS_PER_UNIT;
  const position: [number, number] = [Math.random() * side, Math.random() * side];
  const speed = Math.random() * SPEED_UNITS_MAX;
  const direction = Math.random() * 2 * Math.PI;
  return {
    entity: {
      slot,
      enteredAtMs: 0,
      motion: { position, velocity: [0, 0] },
      asteroid: { size: 1 + (slot % 4), shape: Math.floor(slot / 4) % 8 },
    } as Entity,
    position,
    velocityX: Math.cos(direction) * speed,
    velocityY: Math.sin(direction) * speed,
  };
}
