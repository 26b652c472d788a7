import { describe, expect, it } from 'vitest';
import { Effects } from './effects.ts';
import { ParticleKind, Particles } from './particles.ts';

describe('particles', () => {
  it('stay within the pool, however much explodes', () => {
    const particles = new Particles(100);
    const effects = new Effects(particles);
    for (let count = 0; count < 50; count += 1) effects.explosion(0, 0, 5, 3);
    expect(particles.living).toBe(100);
    expect(particles.load).toBe(1);
    expect(particles.x).toHaveLength(100);
  });

  it('end with their lifetime', () => {
    const particles = new Particles(8);
    particles.emit(ParticleKind.glow, 0, 0, 0, 0, 0, 0.5, 1);
    particles.advance(0.4);
    expect(particles.living).toBe(1);
    expect(particles.age(0)).toBeCloseTo(0.8, 5);
    particles.advance(0.2);
    expect(particles.living).toBe(0);
  });

  it('give the place of the oldest to the newest when there is no room', () => {
    const particles = new Particles(2);
    for (const x of [1, 2, 3]) particles.emit(ParticleKind.spark, 0, x, 0, 0, 0, 1, 1);
    expect([...particles.x]).toEqual([3, 2]);
    expect(particles.living).toBe(2);
  });

  it('fly on and slow down', () => {
    const particles = new Particles(1);
    particles.emit(ParticleKind.shard, 0, 10, 20, 100, -50, 5, 1);
    particles.advance(0.1);
    expect(particles.x[0]).toBeCloseTo(20, 4);
    expect(particles.y[0]).toBeCloseTo(15, 4);
    expect(particles.velocityX[0]).toBeLessThan(100);
    expect(particles.velocityX[0]).toBeGreaterThan(50);
  });

  it('let shock waves grow and light shrink', () => {
    const particles = new Particles(2);
    particles.emit(ParticleKind.ring, 0, 0, 0, 0, 0, 1, 2);
    particles.emit(ParticleKind.glow, 0, 0, 0, 0, 0, 1, 2);
    expect(particles.sizeNow(0, 0.1)).toBeLessThan(particles.sizeNow(0, 0.9));
    expect(particles.sizeNow(1, 0.1)).toBeGreaterThan(particles.sizeNow(1, 0.9));
  });
});

describe('effects', () => {
  it('thin the trails, but not to nothing, for readers who want less motion', () => {
    const full = new Particles(500);
    const less = new Particles(500);
    new Effects(full).explosion(0, 0, 5, 1);
    new Effects(less, 0.35).explosion(0, 0, 5, 1);
    expect(less.living).toBeLessThan(full.living / 2);
    expect(less.living).toBeGreaterThan(5);
  });

  it('shed the same trail at any frame rate', () => {
    const trail = (framesPerS: number): number => {
      const particles = new Particles(2000);
      const effects = new Effects(particles);
      for (let frame = 0; frame < framesPerS; frame += 1) {
        effects.advance(1 / framesPerS);
        effects.thrust(0, 0, 0, 0, 0, 2);
      }
      return particles.living;
    };
    expect(Math.abs(trail(30) - trail(120))).toBeLessThan(6);
  });
});
