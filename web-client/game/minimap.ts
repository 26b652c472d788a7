/**
 * The whole world in a corner: every ship from the radar, the ones in view exactly, and the part that the screen shows.
 */

import type { Camera } from './camera.ts';
import { headingToRadians, RADAR_CELLS, STEPS_PER_UNIT, WORLD_UNITS } from './field.ts';
import { paintOf } from './palette.ts';
import type { Entity } from './protocol.ts';

/** The map is drawn this often; the radar changes once a second. */
const DRAW_EVERY_MS = 100;

/** Space between the map's edge and the world's border, as a share of its side. */
const MARGIN_SHARE = 0.05;

/** The picture in the corner. */
export class Minimap {
  readonly #canvas: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D;
  #drawnAtMs = Number.NEGATIVE_INFINITY;

  constructor(canvas: HTMLCanvasElement) {
    const context = canvas.getContext('2d');
    if (context === null) throw new Error('this browser has no 2D canvas');
    this.#canvas = canvas;
    this.#context = context;
  }

  /** Takes the pixels of the screen per CSS pixel. */
  resize(pixelRatio: number): void {
    const side = Math.max(1, Math.round(this.#canvas.clientWidth * pixelRatio));
    this.#canvas.width = side;
    this.#canvas.height = side;
    this.#drawnAtMs = Number.NEGATIVE_INFINITY;
  }

  /** Draws the map if it is due. */
  draw(entities: Iterable<Entity>, ownShip: Entity | undefined, camera: Camera, nowMs: number): void {
    if (nowMs - this.#drawnAtMs < DRAW_EVERY_MS) return;
    this.#drawnAtMs = nowMs;
    const context = this.#context;
    const side = this.#canvas.width;
    const dot = Math.max(2, side / 72);
    context.clearRect(0, 0, side, side);
    this.#drawWorld(camera, side);
    for (const entity of entities) {
      if (entity.radar !== undefined) this.#drawRadar(entity.radar.cells, side, dot);
    }
    for (const { motion, asteroid } of entities) {
      if (motion === undefined || asteroid === undefined || asteroid.size < 3) continue;
      context.fillStyle = 'rgba(140, 155, 190, 0.5)';
      const x = mapCoordinate(motion.position[0] / STEPS_PER_UNIT, side);
      const y = mapCoordinate(motion.position[1] / STEPS_PER_UNIT, side);
      context.fillRect(x - dot / 2, y - dot / 2, dot, dot);
    }
    for (const entity of entities) {
      const { motion, ship } = entity;
      if (motion === undefined || ship === undefined || entity === ownShip) continue;
      context.fillStyle = paintOf(ship.colour).tint;
      const x = mapCoordinate(motion.position[0] / STEPS_PER_UNIT, side);
      const y = mapCoordinate(motion.position[1] / STEPS_PER_UNIT, side);
      context.fillRect(x - dot * 0.75, y - dot * 0.75, dot * 1.5, dot * 1.5);
    }
    if (ownShip !== undefined) this.#drawOwn(ownShip, side, dot);
  }

  #drawWorld(camera: Camera, side: number): void {
    const context = this.#context;
    const low = mapCoordinate(0, side);
    const span = mapCoordinate(WORLD_UNITS, side) - low;
    context.lineWidth = Math.max(1, side / 170);
    context.strokeStyle = 'rgba(127, 231, 255, 0.6)';
    context.strokeRect(low, low, span, span);
    const width = camera.width / camera.scale;
    const height = camera.height / camera.scale;
    const left = mapCoordinate(Math.max(0, camera.x - width / 2), side);
    const top = mapCoordinate(Math.max(0, camera.y - height / 2), side);
    const right = mapCoordinate(Math.min(WORLD_UNITS, camera.x + width / 2), side);
    const bottom = mapCoordinate(Math.min(WORLD_UNITS, camera.y + height / 2), side);
    context.fillStyle = 'rgba(150, 195, 255, 0.1)';
    context.fillRect(left, top, right - left, bottom - top);
    context.strokeStyle = 'rgba(190, 215, 255, 0.38)';
    context.strokeRect(left, top, right - left, bottom - top);
  }

  #drawRadar(cells: ArrayLike<number>, side: number, dot: number): void {
    this.#context.fillStyle = 'rgba(255, 196, 110, 0.75)';
    for (let at = 0; at < cells.length; at += 1) {
      const cell = cells[at] as number;
      const x = mapCoordinate(cellCentre(cell % RADAR_CELLS), side);
      const y = mapCoordinate(cellCentre(Math.floor(cell / RADAR_CELLS)), side);
      this.#context.fillRect(x - dot / 2, y - dot / 2, dot, dot);
    }
  }

  /** An arrow, larger than all the rest. */
  #drawOwn({ motion, heading, ship }: Entity, side: number, dot: number): void {
    if (motion === undefined || ship === undefined) return;
    const context = this.#context;
    const x = mapCoordinate(motion.position[0] / STEPS_PER_UNIT, side);
    const y = mapCoordinate(motion.position[1] / STEPS_PER_UNIT, side);
    const angle = headingToRadians(heading?.angle ?? 0);
    context.setTransform(Math.cos(angle), Math.sin(angle), -Math.sin(angle), Math.cos(angle), x, y);
    context.fillStyle = paintOf(ship.colour).light;
    context.beginPath();
    context.moveTo(dot * 2.6, 0);
    context.lineTo(-dot * 1.7, dot * 1.7);
    context.lineTo(-dot * 0.8, 0);
    context.lineTo(-dot * 1.7, -dot * 1.7);
    context.fill();
    context.setTransform(1, 0, 0, 1, 0, 0);
  }
}

/** Where a coordinate of the world lies on a map with this side. */
export function mapCoordinate(units: number, side: number): number {
  return side * (MARGIN_SHARE + (units / WORLD_UNITS) * (1 - 2 * MARGIN_SHARE));
}

/** The middle of a column or row of the radar, in units. */
export function cellCentre(index: number): number {
  return ((index + 0.5) * WORLD_UNITS) / RADAR_CELLS;
}
