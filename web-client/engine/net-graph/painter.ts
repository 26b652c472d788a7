/** Draws the net graph: three strips of time with their numbers. Redrawn a few times a second, in one small canvas. */

import { COLUMNS, type History, type Series, type Watched } from './history.ts';

/** Size of the picture in CSS pixels. */
export const WIDTH = 336;
export const HEIGHT = 246;

/** How a game's places are counted for people. */
export interface Measure {
  readonly name: string;
  /** Of the rules' words, how many make one. */
  readonly size: number;
}

/** Colours of the page. */
export interface Palette {
  readonly text: string;
  readonly soft: string;
  readonly edge: string;
  readonly font: string;
  readonly ping: string;
  readonly delay: string;
  readonly frames: string;
  readonly warn: string;
  readonly bad: string;
}

const STRIP_HEIGHT = 38;
const NUMBERS_TOP = 12;
const STRIPS_TOP = 68;
const STRIP_PITCH = 62;
/** Scales begin at these and double until all fits, so that they do not flicker. */
const PING_SCALE_MS = 100;
const BYTES_SCALE = 64;
const ERROR_SCALE = 0.5;

/** Draws one picture. */
export function paint(
  context: CanvasRenderingContext2D,
  ratio: number,
  history: History,
  client: Watched,
  nowMs: number,
  palette: Palette,
  measure: Measure,
): void {
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, WIDTH, HEIGHT);
  paintNumbers(context, client, nowMs, palette);
  paintPing(context, history, client, palette);
  paintFrames(context, history, palette);
  paintError(context, history, client, palette, measure);
}

/** The four numbers that matter most, large. */
function paintNumbers(context: CanvasRenderingContext2D, { network }: Watched, nowMs: number, palette: Palette): void {
  const numbers: readonly (readonly [string, string, string])[] = [
    ['ping', whole(network.roundTripMs), palette.ping],
    ['jitter', `±${whole(network.jitterMs)}`, palette.text],
    ['others behind', whole(network.renderDelayMs), palette.delay],
    ['you ahead', whole(network.leadMs(nowMs)), palette.text],
  ];
  numbers.forEach(([name, number, colour], at) => {
    const x = (at * WIDTH) / numbers.length;
    context.fillStyle = palette.soft;
    context.font = `600 10px ${palette.font}`;
    context.fillText(name, x, NUMBERS_TOP);
    context.fillStyle = colour;
    context.font = `700 20px ${palette.font}`;
    context.fillText(number, x, NUMBERS_TOP + 21);
    const width = context.measureText(number).width;
    context.fillStyle = palette.soft;
    context.font = `600 10px ${palette.font}`;
    context.fillText('ms', x + width + 3, NUMBERS_TOP + 21);
  });
}

function paintPing(context: CanvasRenderingContext2D, history: History, { network }: Watched, palette: Palette): void {
  const top = STRIPS_TOP;
  const scale = scaleFor(Math.max(history.most('roundTripMs'), history.most('renderDelayMs')), PING_SCALE_MS);
  strip(context, top, palette, 'ping and delay', `${whole(scale)} ms`);
  marks(context, history, 'held', top, palette.warn);
  line(context, history, 'renderDelayMs', top, scale, palette.delay);
  line(context, history, 'roundTripMs', top, scale, palette.ping);
  const share = history.perSecond('held') / Math.max(1, history.perSecond('pictures'));
  const held = share > 0 ? `${whole(share * 100)} % of pictures wait` : `inputs ${whole(network.earlyMs)} ms early`;
  note(context, top, palette, held, share > 0 ? palette.warn : palette.soft);
}

function paintFrames(context: CanvasRenderingContext2D, history: History, palette: Palette): void {
  const top = STRIPS_TOP + STRIP_PITCH;
  const scale = scaleFor(history.most('bytes'), BYTES_SCALE);
  strip(context, top, palette, 'frames from the server', `${whole(scale)} B`);
  bars(context, history, 'bytes', top, scale, palette.frames);
  const rate = `${whole(history.perSecond('frames'))}/s`;
  const bytes = history.perSecond('bytes') / Math.max(1, history.perSecond('frames'));
  note(context, top, palette, `${rate} · ${whole(bytes)} B each · ${kib(history.perSecond('bytes'))}/s`);
}

function paintError(
  context: CanvasRenderingContext2D,
  history: History,
  { network }: Watched,
  palette: Palette,
  measure: Measure,
): void {
  const top = STRIPS_TOP + 2 * STRIP_PITCH;
  const { corrections } = network;
  if (corrections === undefined) {
    strip(context, top, palette, 'prediction', '');
    note(context, top, palette, 'off: no rules here');
    return;
  }
  const scale = scaleFor(history.most('error') / measure.size, ERROR_SCALE);
  strip(context, top, palette, 'prediction error', `${scale} ${measure.name}`);
  marks(context, history, 'late', top, palette.bad);
  bars(context, history, 'error', top, scale * measure.size, palette.warn);
  const late = (network.inputsLate / Math.max(1, network.inputsSent)) * 100;
  const size = corrections.most / measure.size;
  const worst = corrections.count === 0 ? 'none' : `${corrections.count}, worst ${size.toFixed(1)} ${measure.name}`;
  note(context, top, palette, `${worst} · ${late.toFixed(late > 0 && late < 10 ? 1 : 0)} % of inputs late`);
}

/** The frame of a strip, its title and its scale. */
function strip(context: CanvasRenderingContext2D, top: number, palette: Palette, title: string, scale: string): void {
  context.fillStyle = palette.edge;
  context.fillRect(0, top, WIDTH, STRIP_HEIGHT);
  context.fillStyle = palette.soft;
  context.font = `600 10px ${palette.font}`;
  context.fillText(title, 0, top - 6);
  context.font = `10px ${palette.font}`;
  context.globalAlpha = 0.75;
  context.fillText(scale, 3, top + 11);
  context.globalAlpha = 1;
}

/** What is to be said beside a title. */
function note(
  context: CanvasRenderingContext2D,
  top: number,
  palette: Palette,
  text: string,
  colour = palette.soft,
): void {
  context.font = `600 10px ${palette.font}`;
  context.fillStyle = colour;
  context.textAlign = 'right';
  context.fillText(text, WIDTH, top - 6);
  context.textAlign = 'left';
}

function line(
  context: CanvasRenderingContext2D,
  history: History,
  name: Series,
  top: number,
  scale: number,
  colour: string,
): void {
  context.strokeStyle = colour;
  context.lineWidth = 1.5;
  context.beginPath();
  for (let age = 0; age < history.count; age += 1) {
    const y = top + STRIP_HEIGHT - 1 - (Math.min(history.at(name, age), scale) / scale) * (STRIP_HEIGHT - 3);
    if (age === 0) context.moveTo(columnX(age), y);
    else context.lineTo(columnX(age), y);
  }
  context.stroke();
}

function bars(
  context: CanvasRenderingContext2D,
  history: History,
  name: Series,
  top: number,
  scale: number,
  colour: string,
): void {
  context.fillStyle = colour;
  for (let age = 0; age < history.count; age += 1) {
    const value = history.at(name, age);
    if (value <= 0) continue;
    const height = Math.max(1, (Math.min(value, scale) / scale) * (STRIP_HEIGHT - 2));
    context.fillRect(columnX(age + 1), top + STRIP_HEIGHT - height, WIDTH / COLUMNS, height);
  }
}

/** A thin light over columns in which something happened that should not. */
function marks(context: CanvasRenderingContext2D, history: History, name: Series, top: number, colour: string): void {
  context.fillStyle = colour;
  context.globalAlpha = 0.4;
  for (let age = 0; age < history.count; age += 1) {
    if (history.at(name, age) > 0) context.fillRect(columnX(age + 1), top, WIDTH / COLUMNS, STRIP_HEIGHT);
  }
  context.globalAlpha = 1;
}

function columnX(age: number): number {
  return WIDTH - (age * WIDTH) / COLUMNS;
}

/** The least of the doubled scales on which a number fits. */
export function scaleFor(most: number, first: number): number {
  let scale = first;
  while (scale < most && scale < 1e9) scale *= 2;
  return scale;
}

function whole(number: number): string {
  return String(Math.round(number));
}

function kib(bytes: number): string {
  return `${(bytes / 1024).toFixed(1)} KiB`;
}
