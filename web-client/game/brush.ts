/** Puts sprites where they are in the world, as the camera sees them. */

import type { Camera } from './camera.ts';
import type { Sprite } from './sprites.ts';

/** Copies sprites onto a canvas. */
export class Brush {
  readonly context: CanvasRenderingContext2D;
  readonly #camera: Camera;

  constructor(context: CanvasRenderingContext2D, camera: Camera) {
    this.context = context;
    this.#camera = camera;
  }

  /** Copies a sprite to a place in the world, turned and scaled, unless it is off the screen. */
  copy(sprite: Sprite, x: number, y: number, angle: number, size: number): void {
    const camera = this.#camera;
    if (!camera.sees(x, y, sprite.half * sprite.unitsPerPixel * size * 1.42)) return;
    const scale = camera.scale * sprite.unitsPerPixel * size;
    const cosine = Math.cos(angle) * scale;
    const sine = Math.sin(angle) * scale;
    this.context.setTransform(cosine, sine, -sine, cosine, camera.screenX(x), camera.screenY(y));
    this.context.drawImage(sprite.image, -sprite.half, -sprite.half);
  }
}
