/**
 * Sprites, drawn once from SVG to off-screen canvases: per colour where they are tinted, per size where it matters.
 *
 * All glow and light comes from here, so that a frame only copies pictures. A sheet is made for one scale of the screen;
 * when the window changes, a new sheet is drawn beside the old one and swapped in when it is complete.
 */

import { ASTEROID_RADII_UNITS } from './field.ts';
import { LIVERIES, PAINTS, type Paint, PLAYER_COLOURS, STONE } from './palette.ts';

/** A picture and the factor that brings it to world size at the sheet's scale. */
export interface Sprite {
  readonly image: HTMLCanvasElement;
  /** Half its side, in its own pixels. */
  readonly half: number;
  /** World units per pixel of the picture, when the sprite is drawn in its natural size. */
  readonly unitsPerPixel: number;
}

/** Sprites by colour index of `PAINTS`. */
type Tinted = readonly Sprite[];

/** Everything that the renderer copies from. */
export interface SpriteSheet {
  /** Canvas pixels per world unit that this sheet was drawn for. */
  readonly scale: number;
  readonly ships: Tinted;
  readonly drones: Tinted;
  readonly bolts: Tinted;
  readonly flames: Tinted;
  readonly shields: Tinted;
  readonly glows: Tinted;
  readonly flashes: Tinted;
  readonly sparks: Tinted;
  readonly rings: Tinted;
  readonly dusts: Tinted;
  readonly shards: readonly [Tinted, Tinted];
  /** By size 1 to 4 (index 0 is unused), then by shape. */
  readonly asteroids: readonly (readonly Sprite[])[];
  /** Shade that lies over asteroids, so that light comes from one side however they turn; in natural size it fits radius 32. */
  readonly shade: Sprite;
}

/** Sprites are drawn in a square of this many units, and an asteroid's outline keeps this radius in it. */
const SQUARE_UNITS = 64;
const ASTEROID_OUTLINE_UNITS = 30;

/** Soft things need few pixels. */
const SOFT_PIXELS_MAX = 96;

const sources = import.meta.glob<string>('../../assets/sprites/*.svg', {
  query: '?raw',
  import: 'default',
  eager: true,
});

/** Draws every sprite for a screen with this many canvas pixels per world unit. */
export async function drawSprites(scale: number): Promise<SpriteSheet> {
  const natural = Math.ceil(SQUARE_UNITS * scale);
  const soft = Math.min(natural, SOFT_PIXELS_MAX);
  const [ships, drones, bolts, flames, shields, glows, flashes, sparks, rings, dusts, shard0, shard1] =
    await Promise.all([
      drawTinted('ship', natural, PLAYER_COLOURS),
      drawTinted('drone', natural, PLAYER_COLOURS),
      drawTinted('bolt', natural),
      drawTinted('flame', natural),
      drawTinted('shield', natural),
      drawTinted('glow', soft),
      drawTinted('flash', natural),
      drawTinted('spark', soft),
      drawTinted('ring', natural * 2),
      drawTinted('dust', soft),
      drawTinted('shard-0', soft),
      drawTinted('shard-1', soft),
    ]);
  const asteroids = await Promise.all(ASTEROID_RADII_UNITS.map((radius) => drawAsteroids(radius, scale)));
  return {
    scale,
    ships,
    drones,
    bolts,
    flames,
    shields,
    glows,
    flashes,
    sparks,
    rings,
    dusts,
    shards: [shard0, shard1],
    asteroids,
    shade: drawShade(),
  };
}

/** The text of a sprite in a player's colours, for places outside the arena's canvas. */
export function tintedSource(name: 'ship' | 'drone', colour: number): string {
  return tint(sourceOf(name), PAINTS[colour] as Paint);
}

async function drawTinted(name: string, pixels: number, colours = PAINTS.length): Promise<Tinted> {
  const source = sourceOf(name);
  return Promise.all(PAINTS.slice(0, colours).map((paint) => drawSource(tint(source, paint), pixels, SQUARE_UNITS)));
}

async function drawAsteroids(radius: number, scale: number): Promise<readonly Sprite[]> {
  if (radius === 0) return [];
  const units = (SQUARE_UNITS * radius) / ASTEROID_OUTLINE_UNITS;
  const shapes = Array.from({ length: 8 }, (_, shape) => sourceOf(`asteroid-${shape}`));
  return Promise.all(shapes.map((source) => drawSource(source, Math.ceil(units * scale), units)));
}

/** A crescent of shadow on the lower right and a breath of light on the upper left. Outside the stone it falls on night. */
function drawShade(): Sprite {
  const pixels = 128;
  const { image, context } = makeCanvas(pixels);
  const half = pixels / 2;
  const shadow = context.createRadialGradient(
    half * 0.62,
    half * 0.58,
    half * 0.1,
    half * 0.78,
    half * 0.76,
    half * 1.14,
  );
  shadow.addColorStop(0, 'rgba(3, 6, 14, 0)');
  shadow.addColorStop(0.42, 'rgba(3, 6, 14, 0.03)');
  shadow.addColorStop(0.78, 'rgba(3, 6, 14, 0.52)');
  shadow.addColorStop(1, 'rgba(3, 6, 14, 0.66)');
  context.fillStyle = shadow;
  context.beginPath();
  context.arc(half, half, half * 0.92, 0, 2 * Math.PI);
  context.fill();
  return { image, half, unitsPerPixel: SQUARE_UNITS / pixels };
}

function sourceOf(name: string): string {
  const source = sources[`../../assets/sprites/${name}.svg`];
  if (source === undefined) throw new Error(`the sprite ${name} is missing`);
  return source;
}

/** Replaces the style line of a sprite's root by one paint's. */
function tint(source: string, paint: Paint): string {
  const markings = LIVERIES.map((livery) => `--${livery}:${livery === paint.livery ? 1 : 0}`).join(';');
  const style = `--tint:${paint.tint};--tint-light:${paint.light};--tint-dark:${paint.dark};${markings}`;
  return source.replace(/style="--tint:[^"]*"/, `style="${style}"`);
}

async function drawSource(source: string, pixels: number, units: number): Promise<Sprite> {
  const picture = new Image(pixels, pixels);
  // The size in the file wins over the element's, and Firefox draws nothing for a picture without one.
  const sized = source.replace(/width="64" height="64"/, `width="${pixels}" height="${pixels}"`);
  picture.src = `data:image/svg+xml,${encodeURIComponent(sized)}`;
  await picture.decode();
  const { image, context } = makeCanvas(pixels);
  context.drawImage(picture, 0, 0, pixels, pixels);
  return { image, half: pixels / 2, unitsPerPixel: units / pixels };
}

/** A square off-screen canvas. */
export function makeCanvas(
  width: number,
  height = width,
): { image: HTMLCanvasElement; context: CanvasRenderingContext2D } {
  const image = document.createElement('canvas');
  image.width = width;
  image.height = height;
  const context = image.getContext('2d');
  if (context === null) throw new Error('this browser has no 2D canvas');
  return { image, context };
}

/** The sprite of a colour, or stone where a sheet has none. */
export function tinted(sprites: Tinted, colour: number): Sprite {
  return (sprites[colour] ?? sprites[STONE] ?? sprites[0]) as Sprite;
}
