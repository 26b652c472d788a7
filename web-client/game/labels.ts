/**
 * Names over ships: each is written once to a picture of its own, since text is the slowest thing that a canvas draws.
 */

import { paintOf } from './palette.ts';
import { makeCanvas } from './sprites.ts';

/** Pictures that are kept; twice as many as ships fit on a screen. */
const LABELS_MAX = 256;

const FONT_PIXELS = 12;

/** Pictures of names. */
export class Labels {
  readonly #pictures = new Map<string, HTMLCanvasElement>();
  #pixelRatio = 1;

  /** Sets the pixels of the canvas per pixel of the page. */
  resize(pixelRatio: number): void {
    if (pixelRatio === this.#pixelRatio) return;
    this.#pixelRatio = pixelRatio;
    this.#pictures.clear();
  }

  /** The picture of a name. One colour per name: where two players share a name, the first one's stays. */
  picture(name: string, colour: number): HTMLCanvasElement {
    const known = this.#pictures.get(name);
    if (known !== undefined) return known;
    if (this.#pictures.size >= LABELS_MAX) this.#pictures.clear();
    const made = this.#write(name, colour);
    this.#pictures.set(name, made);
    return made;
  }

  #write(name: string, colour: number): HTMLCanvasElement {
    const size = FONT_PIXELS * this.#pixelRatio;
    const font = `600 ${size}px system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif`;
    const ruler = makeCanvas(1).context;
    ruler.font = font;
    const width = Math.ceil(ruler.measureText(name).width + size);
    const { image, context } = makeCanvas(width, Math.ceil(size * 1.6));
    context.font = font;
    context.textAlign = 'center';
    context.textBaseline = 'middle';
    context.lineJoin = 'round';
    context.lineWidth = size * 0.28;
    context.strokeStyle = 'rgba(4, 7, 14, 0.8)';
    context.strokeText(name, width / 2, image.height / 2);
    context.fillStyle = paintOf(colour).light;
    context.fillText(name, width / 2, image.height / 2);
    return image;
  }
}
