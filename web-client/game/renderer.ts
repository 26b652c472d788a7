/**
 * Draws the world onto the canvas, in layers from far to near: scenery, matter, light, names.
 *
 * A frame walks the entities once, sorts them into lists that are kept between frames, and copies pictures. It makes no
 * objects. Everything that lasts longer than a frame (particles, the camera) belongs to others.
 */

import type { Background } from './background.ts';
import { Brush } from './brush.ts';
import type { Camera } from './camera.ts';
import type { Effects } from './effects.ts';
import { HULL_MAX, headingToRadians, STEPS_PER_UNIT } from './field.ts';
import { Labels } from './labels.ts';
import { drawLight, drawMatter } from './particle-painting.ts';
import type { Particles } from './particles.ts';
import type { Entity } from './protocol.ts';
import { drawSprites, makeCanvas, type SpriteSheet, tinted } from './sprites.ts';

/** Hulls are drawn a little larger than the circle that collides, so that a near miss looks like one. */
const HULL_SIZE = 0.96;

/** A ship smokes from this much hull downwards. */
const SMOULDERING_HULL = 40;

const BAR_WIDTH_UNITS = 36;
const BAR_ABOVE_UNITS = 34;

/** Displays with more pixels than this per CSS pixel gain nothing that eyes would notice in motion. */
const PIXEL_RATIO_MAX = 2;

/** What a frame is drawn from. */
export interface Scene {
  readonly entities: readonly Entity[];
  /** The player's own ship, if there is one. */
  readonly ownShip: Entity | undefined;
  /** Heading at which to draw the own ship, in heading steps; undefined: as it came. */
  readonly ownHeading: number | undefined;
  /** Whether the own engine burns by the newest input; undefined: as it came. */
  readonly ownThrust: boolean | undefined;
  /** How many position steps a velocity of 1 covers in a second, which is the tick rate. */
  readonly tickRate: number;
}

/** The picture of the arena. */
export class Renderer {
  readonly #canvas: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D;
  readonly #brush: Brush;
  readonly #camera: Camera;
  readonly #background: Background;
  readonly #particles: Particles;
  readonly #effects: Effects;
  readonly #labels = new Labels();
  readonly #alarm = drawAlarm();
  // Emptying an array gives its memory back, so these keep their length and have a count beside them.
  readonly #ships: Entity[] = [];
  readonly #asteroids: Entity[] = [];
  readonly #bullets: Entity[] = [];
  #shipCount = 0;
  #asteroidCount = 0;
  #bulletCount = 0;
  #sheet: SpriteSheet | undefined;
  #drawingSheet = false;
  #pixelRatio = 1;
  #alarmStrength = 0;

  constructor(
    canvas: HTMLCanvasElement,
    camera: Camera,
    background: Background,
    particles: Particles,
    effects: Effects,
  ) {
    const context = canvas.getContext('2d', { alpha: false });
    if (context === null) throw new Error('this browser has no 2D canvas');
    this.#canvas = canvas;
    this.#context = context;
    this.#brush = new Brush(context, camera);
    this.#camera = camera;
    this.#background = background;
    this.#particles = particles;
    this.#effects = effects;
  }

  /** Takes the size of the window, in CSS pixels. Sprites of the new size follow when they are ready. */
  resize(width: number, height: number, pixelRatio: number): void {
    this.#pixelRatio = Math.min(Math.max(pixelRatio, 1), PIXEL_RATIO_MAX);
    this.#canvas.width = Math.round(width * this.#pixelRatio);
    this.#canvas.height = Math.round(height * this.#pixelRatio);
    this.#camera.resize(this.#canvas.width, this.#canvas.height);
    this.#labels.resize(this.#pixelRatio);
    void this.#refreshSheet();
  }

  /** Reddens the rim of the screen: the own ship was hurt. */
  alarm(strength: number): void {
    this.#alarmStrength = Math.max(this.#alarmStrength, strength);
  }

  /** Draws one frame. */
  draw(scene: Scene, nowMs: number, elapsedS: number): void {
    const context = this.#context;
    this.#background.draw(context, this.#camera, this.#pixelRatio);
    const sheet = this.#sheet;
    if (sheet === undefined) return;
    context.imageSmoothingEnabled = true;
    this.#sort(scene.entities);
    this.#drawAsteroids(sheet, nowMs);
    drawMatter(this.#brush, this.#particles, sheet);
    context.globalCompositeOperation = 'lighter';
    this.#drawFlames(sheet, scene, nowMs);
    context.globalCompositeOperation = 'source-over';
    this.#drawShips(sheet, scene);
    context.globalCompositeOperation = 'lighter';
    this.#drawBullets(sheet);
    this.#drawShields(sheet, nowMs);
    drawLight(this.#brush, this.#particles, sheet);
    context.globalCompositeOperation = 'source-over';
    context.globalAlpha = 1;
    this.#drawNames(scene);
    this.#drawAlarm(elapsedS);
  }

  #sort(entities: readonly Entity[]): void {
    this.#shipCount = 0;
    this.#asteroidCount = 0;
    this.#bulletCount = 0;
    for (let at = 0; at < entities.length; at += 1) {
      const entity = entities[at]!;
      if (entity.motion === undefined) continue;
      if (entity.ship !== undefined) this.#ships[this.#shipCount++] = entity;
      else if (entity.asteroid !== undefined) this.#asteroids[this.#asteroidCount++] = entity;
      else if (entity.bullet !== undefined) this.#bullets[this.#bulletCount++] = entity;
    }
  }

  #drawAsteroids(sheet: SpriteSheet, nowMs: number): void {
    for (let at = 0; at < this.#asteroidCount; at += 1) {
      const entity = this.#asteroids[at] as Entity;
      const { motion, asteroid } = entity;
      if (motion === undefined || asteroid === undefined) continue;
      const sprite = sheet.asteroids[asteroid.size]?.[asteroid.shape];
      if (sprite === undefined) continue;
      // How a stone turns matters to nobody but the eye, so each page turns it by itself.
      const spin =
        (asteroid.shape % 2 === 0 ? 1 : -1) * (0.12 + 0.09 * (entity.slot % 5)) * (1.6 - asteroid.size * 0.25);
      const x = motion.position[0] / STEPS_PER_UNIT;
      const y = motion.position[1] / STEPS_PER_UNIT;
      this.#brush.copy(sprite, x, y, entity.slot + (nowMs / 1000) * spin, 1);
      this.#brush.copy(sheet.shade, x, y, 0, ((sprite.half * sprite.unitsPerPixel) / 32) * 0.97);
    }
  }

  #drawFlames(sheet: SpriteSheet, scene: Scene, nowMs: number): void {
    const context = this.#context;
    for (let at = 0; at < this.#shipCount; at += 1) {
      const entity = this.#ships[at] as Entity;
      const { motion, ship } = entity;
      if (motion === undefined || ship === undefined) continue;
      const x = motion.position[0] / STEPS_PER_UNIT;
      const y = motion.position[1] / STEPS_PER_UNIT;
      const glow = tinted(sheet.glows, ship.colour);
      context.globalAlpha = entity === scene.ownShip ? 0.42 : 0.26;
      this.#brush.copy(glow, x, y, 0, 2);
      if (ship.hull <= SMOULDERING_HULL && this.#effects.shedsSparks) this.#effects.smoulder(x, y);
      const thrusts = entity === scene.ownShip ? (scene.ownThrust ?? ship.thrusting) : ship.thrusting;
      if (!thrusts) continue;
      const angle = shipAngle(entity, scene);
      if (this.#effects.shedsSparks) {
        const perSecond = scene.tickRate / STEPS_PER_UNIT;
        this.#effects.thrust(x, y, motion.velocity[0] * perSecond, motion.velocity[1] * perSecond, angle, ship.colour);
      }
      const flicker = 1.1 + 0.2 * Math.sin(nowMs * 0.061 + entity.slot) + 0.1 * Math.sin(nowMs * 0.107);
      context.globalAlpha = 0.95;
      const backX = Math.cos(angle) * -16;
      const backY = Math.sin(angle) * -16;
      this.#brush.copy(tinted(sheet.flames, ship.colour), x + backX, y + backY, angle, flicker);
    }
    context.globalAlpha = 1;
  }

  #drawShips(sheet: SpriteSheet, scene: Scene): void {
    for (let at = 0; at < this.#shipCount; at += 1) {
      const entity = this.#ships[at] as Entity;
      const { motion, ship } = entity;
      if (motion === undefined || ship === undefined) continue;
      const sprite = tinted(ship.isAi ? sheet.drones : sheet.ships, ship.colour);
      const x = motion.position[0] / STEPS_PER_UNIT;
      const y = motion.position[1] / STEPS_PER_UNIT;
      this.#brush.copy(sprite, x, y, shipAngle(entity, scene), HULL_SIZE);
    }
  }

  #drawBullets(sheet: SpriteSheet): void {
    for (let at = 0; at < this.#bulletCount; at += 1) {
      const { motion, bullet } = this.#bullets[at] as Entity;
      if (motion === undefined || bullet === undefined) continue;
      const angle = Math.atan2(motion.velocity[1], motion.velocity[0]);
      this.#brush.copy(
        tinted(sheet.bolts, bullet.colour),
        motion.position[0] / STEPS_PER_UNIT,
        motion.position[1] / STEPS_PER_UNIT,
        angle,
        1,
      );
    }
  }

  #drawShields(sheet: SpriteSheet, nowMs: number): void {
    for (let at = 0; at < this.#shipCount; at += 1) {
      const { motion, ship } = this.#ships[at] as Entity;
      if (motion === undefined || ship === undefined || !ship.shielded) continue;
      this.#context.globalAlpha = 0.72 + 0.2 * Math.sin(nowMs / 130);
      this.#brush.copy(
        tinted(sheet.shields, ship.colour),
        motion.position[0] / STEPS_PER_UNIT,
        motion.position[1] / STEPS_PER_UNIT,
        nowMs / 2600,
        1,
      );
    }
    this.#context.globalAlpha = 1;
  }

  #drawNames(scene: Scene): void {
    const context = this.#context;
    const camera = this.#camera;
    context.setTransform(1, 0, 0, 1, 0, 0);
    const width = Math.round(BAR_WIDTH_UNITS * camera.scale);
    const height = Math.max(2, Math.round(3 * this.#pixelRatio));
    for (let at = 0; at < this.#shipCount; at += 1) {
      const entity = this.#ships[at] as Entity;
      const { motion, ship } = entity;
      if (motion === undefined || ship === undefined) continue;
      const worldX = motion.position[0] / STEPS_PER_UNIT;
      const worldY = motion.position[1] / STEPS_PER_UNIT;
      if (!camera.sees(worldX, worldY, 60)) continue;
      const x = Math.round(camera.screenX(worldX) - width / 2);
      const y = Math.round(camera.screenY(worldY - BAR_ABOVE_UNITS));
      context.globalAlpha = 0.75;
      context.fillStyle = '#04070e';
      context.fillRect(x - 1, y - 1, width + 2, height + 2);
      context.globalAlpha = 1;
      context.fillStyle = hullColour(ship.hull);
      context.fillRect(x, y, Math.round((width * ship.hull) / HULL_MAX), height);
      if (entity === scene.ownShip) continue;
      const label = this.#labels.picture(ship.name, ship.colour);
      context.drawImage(label, Math.round(x + width / 2 - label.width / 2), y - label.height);
    }
  }

  #drawAlarm(elapsedS: number): void {
    if (this.#alarmStrength <= 0.01) return;
    const context = this.#context;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.globalAlpha = Math.min(1, this.#alarmStrength);
    context.drawImage(this.#alarm, 0, 0, this.#canvas.width, this.#canvas.height);
    context.globalAlpha = 1;
    this.#alarmStrength *= Math.exp(-elapsedS / 0.22);
  }

  async #refreshSheet(): Promise<void> {
    if (this.#drawingSheet) return;
    this.#drawingSheet = true;
    // The window may change again while sprites are drawn, so this goes on until they fit.
    while (this.#sheet?.scale !== this.#camera.scale) this.#sheet = await drawSprites(this.#camera.scale);
    this.#drawingSheet = false;
  }
}

function shipAngle(entity: Entity, scene: Scene): number {
  const own = entity === scene.ownShip ? scene.ownHeading : undefined;
  return headingToRadians(own ?? entity.heading?.angle ?? 0);
}

/** From green over yellow to red, in steps that also differ in lightness. */
function hullColour(hull: number): string {
  if (hull > 60) return '#7df0a8';
  return hull > 30 ? '#ffd166' : '#ff5d5d';
}

/** A frame of red light, faint towards the middle. */
function drawAlarm(): HTMLCanvasElement {
  const { image, context } = makeCanvas(160, 100);
  const light = context.createRadialGradient(80, 50, 34, 80, 50, 96);
  light.addColorStop(0, 'rgba(255, 40, 40, 0)');
  light.addColorStop(0.55, 'rgba(255, 40, 40, 0.16)');
  light.addColorStop(1, 'rgba(255, 30, 30, 0.62)');
  context.fillStyle = light;
  context.fillRect(0, 0, 160, 100);
  return image;
}
