/**
 * What lies behind the game: a nebula with far stars, two nearer layers of stars, the grid that shows motion, and the
 * border of the world.
 *
 * Nebula and far stars are one opaque tile, drawn once, so a frame needs no clearing. It wraps at its edges.
 */

import type { Camera } from './camera.ts';
import { WORLD_UNITS } from './field.ts';
import { makeCanvas } from './sprites.ts';

/** Side of the nebula tile in pixels. A power of two, so that noise wraps. */
const TILE_PIXELS = 1024;

/** How much of the camera's motion each layer follows. */
const NEBULA_PARALLAX = 0.12;
const STAR_LAYERS = [
  { parallax: 0.32, count: 90, size: 1.3, alpha: 0.55 },
  { parallax: 0.58, count: 46, size: 2.1, alpha: 0.85 },
] as const;

const GRID_UNITS = 128;
const GRID_MAJOR_EVERY = 4;
const GRID_COLOUR = 'rgba(120, 160, 220, 0.075)';
const GRID_MAJOR_COLOUR = 'rgba(125, 175, 240, 0.17)';
const TICK_COLOUR = 'rgba(160, 205, 255, 0.5)';
const TICK_UNITS = 7;

const BORDER_GLOW_UNITS = 90;

/** The scenery. Made once. */
export class Background {
  readonly #tile: HTMLCanvasElement;
  readonly #stars: readonly { readonly layer: (typeof STAR_LAYERS)[number]; readonly places: Float32Array }[];
  readonly #starPicture: HTMLCanvasElement;
  readonly #borderGlow: HTMLCanvasElement;

  constructor(seed = 7) {
    const random = randomFrom(seed);
    this.#tile = drawNebula(random);
    this.#starPicture = drawStar();
    this.#borderGlow = drawBorderGlow();
    this.#stars = STAR_LAYERS.map((layer) => ({
      layer,
      places: Float32Array.from({ length: layer.count * 3 }, random),
    }));
  }

  /** Fills the whole canvas. */
  draw(context: CanvasRenderingContext2D, camera: Camera, pixelRatio: number): void {
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.globalAlpha = 1;
    this.#drawTile(context, camera, pixelRatio);
    this.#drawStars(context, camera, pixelRatio);
    this.#drawGrid(context, camera, pixelRatio);
    this.#drawBorder(context, camera, pixelRatio);
  }

  #drawTile(context: CanvasRenderingContext2D, camera: Camera, pixelRatio: number): void {
    const side = TILE_PIXELS * Math.max(1, Math.round(pixelRatio));
    const startX = -Math.round(wrap((camera.x + camera.shakeX) * camera.scale * NEBULA_PARALLAX, side));
    const startY = -Math.round(wrap((camera.y + camera.shakeY) * camera.scale * NEBULA_PARALLAX, side));
    for (let y = startY; y < camera.height; y += side) {
      for (let x = startX; x < camera.width; x += side) context.drawImage(this.#tile, x, y, side, side);
    }
  }

  #drawStars(context: CanvasRenderingContext2D, camera: Camera, pixelRatio: number): void {
    context.globalCompositeOperation = 'lighter';
    for (const { layer, places } of this.#stars) {
      const shiftX = camera.x * camera.scale * layer.parallax;
      const shiftY = camera.y * camera.scale * layer.parallax;
      for (let at = 0; at < places.length; at += 3) {
        const brightness = places[at + 2] as number;
        const side = layer.size * (1.6 + brightness * 2.6) * pixelRatio;
        const x = wrap((places[at] as number) * camera.width - shiftX, camera.width + side) - side / 2;
        const y = wrap((places[at + 1] as number) * camera.height - shiftY, camera.height + side) - side / 2;
        context.globalAlpha = layer.alpha * (0.35 + brightness * 0.65);
        context.drawImage(this.#starPicture, x - side / 2, y - side / 2, side, side);
      }
    }
    context.globalAlpha = 1;
    context.globalCompositeOperation = 'source-over';
  }

  /** Lines and, where strong lines cross, small ticks like those on a measuring tape. */
  #drawGrid(context: CanvasRenderingContext2D, camera: Camera, pixelRatio: number): void {
    const left = Math.max(0, camera.screenX(0));
    const top = Math.max(0, camera.screenY(0));
    const right = Math.min(camera.width, camera.screenX(WORLD_UNITS));
    const bottom = Math.min(camera.height, camera.screenY(WORLD_UNITS));
    const reachX = camera.width / camera.scale / 2 + GRID_UNITS;
    const reachY = camera.height / camera.scale / 2 + GRID_UNITS;
    const firstX = Math.max(0, Math.floor((camera.x - reachX) / GRID_UNITS));
    const lastX = Math.min(WORLD_UNITS / GRID_UNITS, Math.ceil((camera.x + reachX) / GRID_UNITS));
    const firstY = Math.max(0, Math.floor((camera.y - reachY) / GRID_UNITS));
    const lastY = Math.min(WORLD_UNITS / GRID_UNITS, Math.ceil((camera.y + reachY) / GRID_UNITS));
    const line = Math.max(1, Math.round(pixelRatio));

    // Rectangles on whole pixels instead of strokes: no smoothing, and cheap.
    for (let column = firstX; column <= lastX; column += 1) {
      context.fillStyle = column % GRID_MAJOR_EVERY === 0 ? GRID_MAJOR_COLOUR : GRID_COLOUR;
      context.fillRect(Math.round(camera.screenX(column * GRID_UNITS)), top, line, bottom - top);
    }
    for (let row = firstY; row <= lastY; row += 1) {
      context.fillStyle = row % GRID_MAJOR_EVERY === 0 ? GRID_MAJOR_COLOUR : GRID_COLOUR;
      context.fillRect(left, Math.round(camera.screenY(row * GRID_UNITS)), right - left, line);
    }
    context.fillStyle = TICK_COLOUR;
    const tick = TICK_UNITS * camera.scale;
    for (let column = firstX; column <= lastX; column += 1) {
      for (let row = firstY; row <= lastY; row += 1) {
        if (column % GRID_MAJOR_EVERY !== 0 || row % GRID_MAJOR_EVERY !== 0) continue;
        const x = Math.round(camera.screenX(column * GRID_UNITS));
        const y = Math.round(camera.screenY(row * GRID_UNITS));
        context.fillRect(x - tick, y, tick * 2 + line, line);
        context.fillRect(x, y - tick, line, tick * 2 + line);
      }
    }
  }

  /** A bright line with its glow inside, and darkness beyond. */
  #drawBorder(context: CanvasRenderingContext2D, camera: Camera, pixelRatio: number): void {
    const left = camera.screenX(0);
    const top = camera.screenY(0);
    const right = camera.screenX(WORLD_UNITS);
    const bottom = camera.screenY(WORLD_UNITS);
    if (left < 0 && top < 0 && right > camera.width && bottom > camera.height) return;
    const { width, height } = camera;
    const depth = BORDER_GLOW_UNITS * camera.scale;
    const line = 2 * pixelRatio;
    const spanX = Math.max(left, 0);
    const spanY = Math.max(top, 0);
    const spanWidth = Math.min(right, width) - spanX;
    const spanHeight = Math.min(bottom, height) - spanY;

    context.fillStyle = 'rgba(3, 5, 11, 0.78)';
    if (left > 0) context.fillRect(0, 0, left, height);
    if (right < width) context.fillRect(right, 0, width - right, height);
    if (top > 0) context.fillRect(spanX, 0, spanWidth, top);
    if (bottom < height) context.fillRect(spanX, bottom, spanWidth, height - bottom);

    context.globalCompositeOperation = 'lighter';
    // The glow picture fades from its left edge to its right one; turned for the other sides.
    if (left > -depth) this.#drawGlow(context, 1, 0, 0, 1, left, spanY, depth, spanHeight);
    if (right < width + depth) this.#drawGlow(context, -1, 0, 0, 1, right, spanY, depth, spanHeight);
    if (top > -depth) this.#drawGlow(context, 0, 1, 1, 0, spanX, top, depth, spanWidth);
    if (bottom < height + depth) this.#drawGlow(context, 0, -1, 1, 0, spanX, bottom, depth, spanWidth);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = '#7fe7ff';
    if (left > 0) context.fillRect(left - line, spanY, line, spanHeight);
    if (right < width) context.fillRect(right, spanY, line, spanHeight);
    if (top > 0) context.fillRect(spanX, top - line, spanWidth, line);
    if (bottom < height) context.fillRect(spanX, bottom, spanWidth, line);
    context.globalCompositeOperation = 'source-over';
  }

  #drawGlow(
    context: CanvasRenderingContext2D,
    a: number,
    b: number,
    c: number,
    d: number,
    x: number,
    y: number,
    depth: number,
    length: number,
  ): void {
    context.setTransform(a, b, c, d, x, y);
    context.drawImage(this.#borderGlow, 0, 0, depth, length);
  }
}

/** A round star with a soft rim. */
function drawStar(): HTMLCanvasElement {
  const { image, context } = makeCanvas(16);
  const light = context.createRadialGradient(8, 8, 0, 8, 8, 8);
  light.addColorStop(0, 'rgba(255, 255, 255, 1)');
  light.addColorStop(0.25, 'rgba(205, 228, 255, 0.8)');
  light.addColorStop(0.55, 'rgba(130, 175, 255, 0.16)');
  light.addColorStop(1, 'rgba(120, 170, 255, 0)');
  context.fillStyle = light;
  context.fillRect(0, 0, 16, 16);
  return image;
}

function drawBorderGlow(): HTMLCanvasElement {
  const { image, context } = makeCanvas(64, 1);
  const light = context.createLinearGradient(0, 0, 64, 0);
  light.addColorStop(0, 'rgba(70, 200, 255, 0.42)');
  light.addColorStop(0.18, 'rgba(60, 170, 255, 0.17)');
  light.addColorStop(1, 'rgba(40, 120, 255, 0)');
  context.fillStyle = light;
  context.fillRect(0, 0, 64, 1);
  return image;
}

/** Colours of the night and of the clouds in it, as red, green, blue. */
const NIGHT = [7, 11, 23] as const;
const CLOUD_COOL = [16, 46, 88] as const;
const CLOUD_WARM = [70, 24, 74] as const;
const CLOUD_CORE = [22, 78, 96] as const;

/** Clouds from wrapping noise, dithered so that dark slopes show no steps, with far stars in it. */
function drawNebula(random: () => number): HTMLCanvasElement {
  const { image, context } = makeCanvas(TILE_PIXELS);
  const cool = wrappingNoise(random, 4, 6);
  const warm = wrappingNoise(random, 3, 6);
  const core = wrappingNoise(random, 6, 5);
  const bendX = wrappingNoise(random, 5, 4);
  const bendY = wrappingNoise(random, 5, 4);
  const pixels = context.createImageData(TILE_PIXELS, TILE_PIXELS);
  const { data } = pixels;
  const step = NOISE_PIXELS / TILE_PIXELS;
  for (let y = 0; y < TILE_PIXELS; y += 1) {
    for (let x = 0; x < TILE_PIXELS; x += 1) {
      // Bending one noise by another turns blots into wisps.
      const bentX = wrap(x * step + (sample(bendX, x * step, y * step) - 0.5) * BEND_PIXELS, NOISE_PIXELS);
      const bentY = wrap(y * step + (sample(bendY, x * step, y * step) - 0.5) * BEND_PIXELS, NOISE_PIXELS);
      const coolness = sharpen(sample(cool, bentX, bentY), 0.4, 0.8);
      const warmth = sharpen(sample(warm, bentY, bentX), 0.48, 0.84);
      const depth = sharpen(sample(core, bentX, bentY), 0.48, 0.85) * coolness;
      const dither = random() - 0.5;
      const at = (y * TILE_PIXELS + x) * 4;
      for (let channel = 0; channel < 3; channel += 1) {
        data[at + channel] =
          (NIGHT[channel] as number) +
          (CLOUD_COOL[channel] as number) * coolness * 0.72 +
          (CLOUD_WARM[channel] as number) * warmth * 0.62 +
          (CLOUD_CORE[channel] as number) * depth * 0.55 +
          dither * 1.6;
      }
      data[at + 3] = 255;
    }
  }
  context.putImageData(pixels, 0, 0);
  for (let star = 0; star < 420; star += 1) {
    const bright = random() ** 3;
    context.fillStyle = `rgba(${190 + Math.floor(random() * 65)}, ${205 + Math.floor(random() * 40)}, 255, ${0.12 + bright * 0.5})`;
    const side = bright > 0.6 ? 2 : 1;
    context.fillRect(Math.floor(random() * TILE_PIXELS), Math.floor(random() * TILE_PIXELS), side, side);
  }
  return image;
}

/** Side of a noise field; small, and read with smoothing. */
const NOISE_PIXELS = 256;

/** How far noise is bent, in its own pixels. */
const BEND_PIXELS = 110;

/** Several octaves of value noise on a torus, brought to `0..1`. */
function wrappingNoise(random: () => number, cells: number, octaves: number): Float32Array {
  const field = new Float32Array(NOISE_PIXELS * NOISE_PIXELS);
  let weight = 1;
  let total = 0;
  for (let octave = 0; octave < octaves && cells <= NOISE_PIXELS / 2; octave += 1) {
    const lattice = Float32Array.from({ length: cells * cells }, random);
    for (let y = 0; y < NOISE_PIXELS; y += 1) {
      const cellY = (y / NOISE_PIXELS) * cells;
      const row = Math.floor(cellY);
      const fy = smooth(cellY - row);
      for (let x = 0; x < NOISE_PIXELS; x += 1) {
        const cellX = (x / NOISE_PIXELS) * cells;
        const column = Math.floor(cellX);
        const fx = smooth(cellX - column);
        const nextColumn = (column + 1) % cells;
        const nextRow = (row + 1) % cells;
        const above = mix(lattice[row * cells + column] as number, lattice[row * cells + nextColumn] as number, fx);
        const below = mix(
          lattice[nextRow * cells + column] as number,
          lattice[nextRow * cells + nextColumn] as number,
          fx,
        );
        const at = y * NOISE_PIXELS + x;
        field[at] = (field[at] as number) + mix(above, below, fy) * weight;
      }
    }
    total += weight;
    weight *= 0.52;
    cells *= 2;
  }
  for (let at = 0; at < field.length; at += 1) field[at] = (field[at] as number) / total;
  return field;
}

/** Reads a field between its pixels. */
function sample(field: Float32Array, x: number, y: number): number {
  const column = Math.floor(x);
  const row = Math.floor(y);
  const nextColumn = (column + 1) % NOISE_PIXELS;
  const nextRow = (row + 1) % NOISE_PIXELS;
  const above = mix(
    field[row * NOISE_PIXELS + column] as number,
    field[row * NOISE_PIXELS + nextColumn] as number,
    x - column,
  );
  const below = mix(
    field[nextRow * NOISE_PIXELS + column] as number,
    field[nextRow * NOISE_PIXELS + nextColumn] as number,
    x - column,
  );
  return mix(above, below, y - row);
}

function sharpen(value: number, from: number, to: number): number {
  return smooth(Math.max(0, Math.min(1, (value - from) / (to - from))));
}

function smooth(part: number): number {
  return part * part * (3 - 2 * part);
}

function mix(from: number, to: number, part: number): number {
  return from + (to - from) * part;
}

function wrap(value: number, period: number): number {
  return ((value % period) + period) % period;
}

/** A small seeded generator (mulberry32): the same sky for everybody. */
function randomFrom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
