/**
 * Sparks, light, debris and dust: a fixed pool of short-lived things that only this page knows.
 *
 * One array per property and no object per particle: an explosion makes no garbage. When the pool is full, the oldest
 * particle goes.
 */

/** What a particle looks like. The renderer draws `SHARD` and `DUST` as matter, all others as light. */
export const ParticleKind = {
  /** A streak along its own motion. */
  spark: 0,
  /** Soft light that shrinks. */
  glow: 1,
  /** A shock wave that grows. */
  ring: 2,
  /** A star that is gone in an instant. */
  flash: 3,
  /** A tumbling splinter. */
  shard: 4,
  /** A cloud that spreads. */
  dust: 5,
} as const;

/** One of the values of `ParticleKind`. */
export type ParticleKind = (typeof ParticleKind)[keyof typeof ParticleKind];

/** Share of the speed that is left after one second, by kind. */
const DRAG_PER_SECOND: readonly number[] = [0.12, 0.1, 1, 1, 0.35, 0.25];

/** How much larger a particle is at its end than at its start, by kind. */
const GROWTH: readonly number[] = [0.35, 0.15, 1, 0.55, 0.8, 1.9];

/** A pool of particles. Positions in world units, times in seconds. */
export class Particles {
  readonly capacity: number;
  readonly kind: Uint8Array;
  readonly colour: Uint8Array;
  readonly x: Float32Array;
  readonly y: Float32Array;
  readonly velocityX: Float32Array;
  readonly velocityY: Float32Array;
  readonly angle: Float32Array;
  readonly spin: Float32Array;
  readonly size: Float32Array;
  readonly lifetimeS: Float32Array;
  /** Time left; nothing lives where it is zero. */
  readonly leftS: Float32Array;
  #next = 0;
  #living = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.kind = new Uint8Array(capacity);
    this.colour = new Uint8Array(capacity);
    this.x = new Float32Array(capacity);
    this.y = new Float32Array(capacity);
    this.velocityX = new Float32Array(capacity);
    this.velocityY = new Float32Array(capacity);
    this.angle = new Float32Array(capacity);
    this.spin = new Float32Array(capacity);
    this.size = new Float32Array(capacity);
    this.lifetimeS = new Float32Array(capacity);
    this.leftS = new Float32Array(capacity);
  }

  /** How many live, as of the last `advance` and what was emitted since. */
  get living(): number {
    return this.#living;
  }

  /** How full the pool is, 0 to 1. */
  get load(): number {
    return this.#living / this.capacity;
  }

  /** Starts one particle; `size` is a factor on the natural size of its sprite. */
  emit(
    kind: ParticleKind,
    colour: number,
    x: number,
    y: number,
    velocityX: number,
    velocityY: number,
    lifetimeS: number,
    size: number,
    angle = 0,
    spin = 0,
  ): void {
    const at = this.#next;
    this.#next = at + 1 === this.capacity ? 0 : at + 1;
    if ((this.leftS[at] as number) <= 0) this.#living += 1;
    this.kind[at] = kind;
    this.colour[at] = colour;
    this.x[at] = x;
    this.y[at] = y;
    this.velocityX[at] = velocityX;
    this.velocityY[at] = velocityY;
    this.lifetimeS[at] = lifetimeS;
    this.leftS[at] = lifetimeS;
    this.size[at] = size;
    this.angle[at] = angle;
    this.spin[at] = spin;
  }

  /** Moves everything on. */
  advance(elapsedS: number): void {
    const { kind, x, y, velocityX, velocityY, angle, spin, leftS } = this;
    let living = 0;
    for (let at = 0; at < this.capacity; at += 1) {
      const left = leftS[at] as number;
      if (left <= 0) continue;
      leftS[at] = left - elapsedS;
      if (left <= elapsedS) continue;
      living += 1;
      const vx = velocityX[at] as number;
      const vy = velocityY[at] as number;
      x[at] = (x[at] as number) + vx * elapsedS;
      y[at] = (y[at] as number) + vy * elapsedS;
      const kept = 1 - (1 - (DRAG_PER_SECOND[kind[at] as number] as number)) * Math.min(1, elapsedS * 2);
      velocityX[at] = vx * kept;
      velocityY[at] = vy * kept;
      angle[at] = (angle[at] as number) + (spin[at] as number) * elapsedS;
    }
    this.#living = living;
  }

  /** How much of its life a particle has behind it, 0 to 1. */
  age(at: number): number {
    return 1 - (this.leftS[at] as number) / (this.lifetimeS[at] as number);
  }

  /** The size of a particle now. */
  sizeNow(at: number, age: number): number {
    const growth = GROWTH[this.kind[at] as number] as number;
    // A shock wave grows from nothing, fast at first; the others go evenly from their size to their last one.
    const factor = this.kind[at] === ParticleKind.ring ? 1 - (1 - age) * (1 - age) * 0.95 : 1 + (growth - 1) * age;
    return (this.size[at] as number) * factor;
  }

  /** Ends them all. */
  clear(): void {
    this.leftS.fill(0);
    this.#living = 0;
  }
}
