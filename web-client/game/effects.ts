/**
 * Turns what happens in the world into particles: thrust, muzzle flashes, hits and explosions.
 *
 * Pure decoration: nothing here is known to the server or to other pages.
 */

import { SHIP_EXPLOSION_SIZE } from './field.ts';
import { EMBER, paintIndex, STONE } from './palette.ts';
import { ParticleKind, type Particles } from './particles.ts';

/** Sparks that a thrusting ship sheds per second, when the pool has room. */
const THRUST_PER_S = 75;

/** Share of those moments in which a badly hurt ship smokes as well. */
const SMOKE_SHARE = 0.4;

/** Distance from a ship's centre to its nozzle, in units. */
const NOZZLE_UNITS = 19;

/** Makes particles. */
export class Effects {
  readonly #particles: Particles;
  /** Share of the full number of particles, for readers who want less motion. */
  readonly #amount: number;
  #thrustDue = 0;

  constructor(particles: Particles, amount = 1) {
    this.#particles = particles;
    this.#amount = amount;
  }

  /** Starts a frame: works out how many sparks each engine sheds in it. */
  advance(elapsedS: number): void {
    // A full pool thins the trails first, so that explosions keep their place.
    const room = Math.max(0, 1 - this.#particles.load * 1.25);
    this.#thrustDue = (this.#thrustDue % 1) + THRUST_PER_S * room * this.#amount * elapsedS;
  }

  /** Whether engines shed anything in this frame. */
  get shedsSparks(): boolean {
    return this.#thrustDue >= 1;
  }

  /** Trail of one ship in this frame. Position and velocity in units and seconds. */
  thrust(x: number, y: number, velocityX: number, velocityY: number, angle: number, colour: number): void {
    const backX = -Math.cos(angle);
    const backY = -Math.sin(angle);
    for (let due = Math.floor(this.#thrustDue); due > 0; due -= 1) {
      const side = (Math.random() - 0.5) * 7;
      const speed = 130 + Math.random() * 90;
      const spread = (Math.random() - 0.5) * 46;
      this.#particles.emit(
        ParticleKind.glow,
        Math.random() < 0.35 ? EMBER : colour,
        x + backX * NOZZLE_UNITS - backY * side,
        y + backY * NOZZLE_UNITS + backX * side,
        velocityX * 0.55 + backX * speed - backY * spread,
        velocityY * 0.55 + backY * speed + backX * spread,
        0.28 + Math.random() * 0.34,
        0.16 + Math.random() * 0.17,
      );
    }
  }

  /** Smoke of one badly hurt ship in this frame. */
  smoulder(x: number, y: number): void {
    for (let due = Math.floor(this.#thrustDue); due > 0; due -= 1) {
      if (Math.random() > SMOKE_SHARE) continue;
      this.#particles.emit(ParticleKind.dust, STONE, x, y, around(22), around(22), 0.9, 0.32 + Math.random() * 0.25);
      this.#particles.emit(ParticleKind.glow, EMBER, x + around(12), y + around(12), 0, 0, 0.3, 0.3);
    }
  }

  /** The player's ship appears. */
  arrival(x: number, y: number, colour: number): void {
    this.#particles.emit(ParticleKind.ring, colour, x, y, 0, 0, 0.7, 2.6);
    this.#particles.emit(ParticleKind.ring, colour, x, y, 0, 0, 0.45, 1.5);
    this.#particles.emit(ParticleKind.glow, colour, x, y, 0, 0, 0.8, 3.4);
    this.#sparks(x, y, colour, 14, 220, 0.6);
  }

  /** A ship fired. */
  shot(x: number, y: number, colour: number): void {
    this.#particles.emit(ParticleKind.flash, colour, x, y, 0, 0, 0.09, 0.42, Math.random() * 6.3);
    this.#particles.emit(ParticleKind.glow, colour, x, y, 0, 0, 0.12, 0.8);
  }

  /** A bullet of the player's ends on something, and the server has yet to tell what comes of it. */
  spark(x: number, y: number, colour: number): void {
    this.#particles.emit(ParticleKind.flash, colour, x, y, 0, 0, 0.1, 0.36, Math.random() * 6.3);
    this.#sparks(x, y, colour, 4, 170, 0.22);
  }

  /** A bullet struck something. */
  hit(x: number, y: number, colour: number): void {
    this.#particles.emit(ParticleKind.flash, colour, x, y, 0, 0, 0.14, 0.66, Math.random() * 6.3);
    this.#particles.emit(ParticleKind.glow, colour, x, y, 0, 0, 0.24, 1.3);
    this.#sparks(x, y, colour, 9, 260, 0.35);
    this.#sparks(x, y, EMBER, 4, 150, 0.5);
  }

  /** Something broke apart. */
  explosion(x: number, y: number, size: number, colour: number): void {
    if (size === 0) {
      this.#sparks(x, y, colour, 5, 120, 0.3);
      this.#particles.emit(ParticleKind.glow, colour, x, y, 0, 0, 0.2, 0.7);
    } else if (size >= SHIP_EXPLOSION_SIZE) {
      this.#shipExplosion(x, y, colour);
    } else {
      this.#rockExplosion(x, y, size);
    }
  }

  #shipExplosion(x: number, y: number, colour: number): void {
    const particles = this.#particles;
    this.#dust(x, y, STONE, 7, 46, 1.1, 1.5);
    particles.emit(ParticleKind.flash, EMBER, x, y, 0, 0, 0.2, 2.6, Math.random() * 6.3);
    particles.emit(ParticleKind.glow, EMBER, x, y, 0, 0, 0.55, 5.2);
    particles.emit(ParticleKind.glow, colour, x, y, 0, 0, 0.9, 6.5);
    particles.emit(ParticleKind.ring, colour, x, y, 0, 0, 0.62, 3.6);
    particles.emit(ParticleKind.ring, EMBER, x, y, 0, 0, 0.38, 1.9);
    this.#sparks(x, y, EMBER, 28, 430, 0.95);
    this.#sparks(x, y, colour, 18, 330, 0.95);
    for (let count = this.#count(16); count > 0; count -= 1) {
      const direction = Math.random() * 2 * Math.PI;
      const distance = Math.random() * 16;
      particles.emit(
        ParticleKind.glow,
        EMBER,
        x + Math.cos(direction) * distance,
        y + Math.sin(direction) * distance,
        Math.cos(direction) * (40 + Math.random() * 90),
        Math.sin(direction) * (40 + Math.random() * 90),
        0.4 + Math.random() * 0.8,
        0.7 + Math.random() * 0.9,
      );
    }
    this.#shards(x, y, colour, 9, 190, 0.26);
    this.#shards(x, y, STONE, 4, 150, 0.2);
  }

  #rockExplosion(x: number, y: number, size: number): void {
    this.#dust(x, y, STONE, 3 + size * 2, 22 + size * 16, 0.9 + size * 0.16, 0.5 + size * 0.32);
    this.#particles.emit(ParticleKind.flash, EMBER, x, y, 0, 0, 0.15, 0.5 + size * 0.34, Math.random() * 6.3);
    this.#particles.emit(ParticleKind.glow, EMBER, x, y, 0, 0, 0.36, 1 + size * 0.8);
    this.#particles.emit(ParticleKind.ring, STONE, x, y, 0, 0, 0.42, 0.7 + size * 0.5);
    this.#sparks(x, y, EMBER, 4 + size * 3, 170 + size * 40, 0.7);
    this.#shards(x, y, STONE, 4 + size * 3, 70 + size * 34, 0.14 + size * 0.035);
  }

  #sparks(x: number, y: number, colour: number, wanted: number, speed: number, lifetimeS: number): void {
    for (let count = this.#count(wanted); count > 0; count -= 1) {
      const direction = Math.random() * 2 * Math.PI;
      const fast = speed * (0.3 + Math.random() * 0.7);
      this.#particles.emit(
        ParticleKind.spark,
        paintIndex(colour),
        x,
        y,
        Math.cos(direction) * fast,
        Math.sin(direction) * fast,
        lifetimeS * (0.5 + Math.random() * 0.5),
        0.16 + Math.random() * 0.2,
      );
    }
  }

  #shards(x: number, y: number, colour: number, wanted: number, speed: number, size: number): void {
    for (let count = this.#count(wanted); count > 0; count -= 1) {
      const direction = Math.random() * 2 * Math.PI;
      const fast = speed * (0.25 + Math.random() * 0.75);
      this.#particles.emit(
        ParticleKind.shard,
        paintIndex(colour),
        x + Math.cos(direction) * 8,
        y + Math.sin(direction) * 8,
        Math.cos(direction) * fast,
        Math.sin(direction) * fast,
        0.9 + Math.random() * 0.9,
        size * (0.6 + Math.random() * 0.7),
        Math.random() * 6.3,
        (Math.random() - 0.5) * 9,
      );
    }
  }

  #dust(x: number, y: number, colour: number, wanted: number, speed: number, lifetimeS: number, size: number): void {
    for (let count = this.#count(wanted); count > 0; count -= 1) {
      const direction = Math.random() * 2 * Math.PI;
      const fast = speed * Math.random();
      this.#particles.emit(
        ParticleKind.dust,
        colour,
        x,
        y,
        Math.cos(direction) * fast,
        Math.sin(direction) * fast,
        lifetimeS * (0.6 + Math.random() * 0.6),
        size * (0.5 + Math.random() * 0.7),
      );
    }
  }

  #count(wanted: number): number {
    return Math.max(1, Math.round(wanted * this.#amount));
  }
}

/** A random number within so much on either side of zero. */
function around(most: number): number {
  return (Math.random() * 2 - 1) * most;
}
