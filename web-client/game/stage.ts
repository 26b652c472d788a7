/**
 * The canvas with all that draws on it: camera, sky, particles, renderer and map. It is there before any game is, and
 * shows drifting stones then.
 */

import { Background } from './background.ts';
import { Camera } from './camera.ts';
import { Effects } from './effects.ts';
import { WORLD_UNITS } from './field.ts';
import { find } from './hud/element.ts';
import { Lobby } from './lobby.ts';
import { Minimap } from './minimap.ts';
import { Particles } from './particles.ts';
import { Renderer, type Scene } from './renderer.ts';

/** Particles at once: a few ship explosions with all trails. */
const PARTICLES_MAX = 2_048;

/** Share of particles for readers who want less motion. */
const REDUCED_AMOUNT = 0.35;

/** How the camera drifts while nobody plays, in units per second. */
const DRIFT_UNITS_PER_S = 42;

/** Everything that draws. */
export class Stage {
  readonly camera = new Camera(WORLD_UNITS / 2, WORLD_UNITS / 2);
  readonly effects: Effects;
  readonly renderer: Renderer;
  readonly minimap: Minimap;
  readonly field: HTMLCanvasElement;
  readonly #particles = new Particles(PARTICLES_MAX);
  readonly #wantsLessMotion: boolean;
  readonly #lobby = new Lobby();
  readonly #lobbyScene: Scene = {
    entities: this.#lobby.entities,
    ownShip: undefined,
    ownHeading: undefined,
    ownThrust: undefined,
    tickRate: 1,
  };

  constructor(root: ParentNode, wantsLessMotion: boolean) {
    this.#wantsLessMotion = wantsLessMotion;
    this.field = find(root, '.field');
    this.effects = new Effects(this.#particles, wantsLessMotion ? REDUCED_AMOUNT : 1);
    this.renderer = new Renderer(this.field, this.camera, new Background(), this.#particles, this.effects);
    this.minimap = new Minimap(find(root, '.minimap'));
    this.camera.mayShake = !wantsLessMotion;
    window.addEventListener('resize', () => this.#resize());
    this.#resize();
  }

  /** Pixels of the canvas per CSS pixel. */
  get pixelRatio(): number {
    return this.field.width / Math.max(1, this.field.clientWidth);
  }

  /** Draws a frame of a game. */
  draw(scene: Scene, nowMs: number, elapsedS: number): void {
    this.camera.advance(elapsedS);
    this.effects.advance(elapsedS);
    this.#particles.advance(elapsedS);
    this.renderer.draw(scene, nowMs, elapsedS);
    this.minimap.draw(scene.entities, scene.ownShip, this.camera, nowMs);
  }

  /** Draws a frame of the field while nobody plays. */
  drawLobby(nowMs: number, elapsedS: number): void {
    if (!this.#wantsLessMotion) {
      this.#lobby.advance(elapsedS);
      // A circle wide enough to look straight, which never leaves the world.
      const angle = ((nowMs / 1000) * DRIFT_UNITS_PER_S) / (WORLD_UNITS / 3);
      this.camera.x = WORLD_UNITS / 2 + (Math.cos(angle) * WORLD_UNITS) / 3;
      this.camera.y = WORLD_UNITS / 2 + (Math.sin(angle) * WORLD_UNITS) / 3;
    }
    this.draw(this.#lobbyScene, nowMs, elapsedS);
  }

  /** Ends what is left of the last game. */
  clear(): void {
    this.#particles.clear();
  }

  #resize(): void {
    this.renderer.resize(window.innerWidth, window.innerHeight, window.devicePixelRatio);
    this.minimap.resize(this.pixelRatio);
  }
}
