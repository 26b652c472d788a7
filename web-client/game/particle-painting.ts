/** Draws particles: those that cover what is behind them, and those that add light. */

import type { Brush } from './brush.ts';
import { ParticleKind, type Particles } from './particles.ts';
import { type Sprite, type SpriteSheet, tinted } from './sprites.ts';

/** Particles that cover what is behind them. */
export function drawMatter(brush: Brush, particles: Particles, sheet: SpriteSheet): void {
  const { context } = brush;
  const { kind, colour, x, y, angle, leftS, capacity } = particles;
  for (let at = 0; at < capacity; at += 1) {
    if ((leftS[at] as number) <= 0) continue;
    const isShard = kind[at] === ParticleKind.shard;
    if (!isShard && kind[at] !== ParticleKind.dust) continue;
    const age = particles.age(at);
    context.globalAlpha = isShard ? Math.min(1, (1 - age) * 2.5) : (1 - age) * 0.55;
    const sprite = tinted(isShard ? (sheet.shards[at % 2] as readonly Sprite[]) : sheet.dusts, colour[at] as number);
    brush.copy(sprite, x[at] as number, y[at] as number, angle[at] as number, particles.sizeNow(at, age));
  }
  context.globalAlpha = 1;
}

/** Particles that add light. */
export function drawLight(brush: Brush, particles: Particles, sheet: SpriteSheet): void {
  const { context } = brush;
  const { kind, colour, x, y, velocityX, velocityY, angle, leftS, capacity } = particles;
  for (let at = 0; at < capacity; at += 1) {
    if ((leftS[at] as number) <= 0) continue;
    const paint = colour[at] as number;
    const age = particles.age(at);
    const size = particles.sizeNow(at, age);
    const px = x[at] as number;
    const py = y[at] as number;
    switch (kind[at]) {
      case ParticleKind.spark:
        context.globalAlpha = Math.min(1, (1 - age) * 1.6);
        brush.copy(
          tinted(sheet.sparks, paint),
          px,
          py,
          Math.atan2(velocityY[at] as number, velocityX[at] as number),
          size * 1.6,
        );
        break;
      case ParticleKind.glow:
        context.globalAlpha = (1 - age) * (1 - age);
        brush.copy(tinted(sheet.glows, paint), px, py, 0, size);
        break;
      case ParticleKind.ring:
        context.globalAlpha = (1 - age) * (1 - age) * 0.9;
        brush.copy(tinted(sheet.rings, paint), px, py, 0, size);
        break;
      case ParticleKind.flash:
        context.globalAlpha = 1 - age;
        brush.copy(tinted(sheet.flashes, paint), px, py, angle[at] as number, size);
        break;
      default:
        break;
    }
  }
}
