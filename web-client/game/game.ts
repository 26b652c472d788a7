/**
 * One stay in the arena: from joining to the end of the session. Finds the player's seat and ship, moves the camera, and
 * passes what happens on to picture, sound and words.
 */

import {
  type ConnectionState,
  type ConnectOptions,
  connect,
  Foreseen,
  type Rules,
  type Words,
} from '../engine/index.ts';
import { headingToRadians, SHIP_EXPLOSION_SIZE, SHIP_RADIUS_UNITS, STEPS_PER_UNIT } from './field.ts';
import type { Hud } from './hud/hud.ts';
import type { Pilot } from './input/pilot.ts';
import { ANGLE, APART_STEPS, arenaPrediction, muzzleOf } from './prediction.ts';
import { type Controls, type Entity, type GameClient, type JoinRequest, protocol, type Seat } from './protocol.ts';
import type { Scene } from './renderer.ts';
import type { Sound } from './sound.ts';
import type { Stage } from './stage.ts';

/** What a game is played with. All of it outlives the game. */
export interface Equipment {
  readonly stage: Stage;
  readonly hud: Hud;
  readonly pilot: Pilot;
  readonly sound: Sound;
}

/** How to stay connected. */
export type Connection = Pick<
  ConnectOptions<never, never, never, never>,
  'transport' | 'token' | 'keeper' | 'kept' | 'lag'
>;

/** A session of one player. */
export class Game {
  readonly #client: GameClient;
  readonly #equipment: Equipment;
  readonly #scene: { -readonly [Key in keyof Scene]: Scene[Key] };
  /** The name and colour that the player flies under; the server may have chosen another name. */
  #own: { name: string; colour: number };
  #hull = 0;
  /** The client number under which this page talks. */
  #talksAs: number | undefined;
  readonly #ownFlashes = new Foreseen(APART_STEPS);

  /** `rules` move the own ship ahead of the server, where the browser can run them. */
  constructor(
    url: string,
    join: JoinRequest,
    rules: Promise<Rules | undefined>,
    equipment: Equipment,
    connection: Connection,
  ) {
    this.#equipment = equipment;
    this.#own = { ...join };
    this.#client = connect({
      url,
      protocol,
      join,
      input: (tick, isFinal) => this.#controls(tick, isFinal),
      prediction: arenaPrediction(
        rules,
        (fired) => this.#showOwnShot(fired),
        (shot) => this.#showOwnHit(shot),
      ),
      ...connection,
    });
    this.#scene = {
      entities: this.#client.world.entities,
      ownShip: undefined,
      ownHeading: undefined,
      ownThrust: undefined,
      tickRate: this.#client.tickRate,
    };
    this.#client.on('state', (state: ConnectionState) => {
      equipment.hud.connection.change(state);
      if (state.kind === 'playing') this.#talk();
    });
    this.#listen();
    equipment.hud.begin();
  }

  /** Ends the session. */
  leave(): void {
    this.#client.leave();
    this.#equipment.sound.engine(false);
  }

  /** The connection. */
  get client(): GameClient {
    return this.#client;
  }

  /** What the server shows this player. */
  get world(): GameClient['world'] {
    return this.#client.world;
  }

  /** The player's own number, once the server has let it in. */
  get clientId(): number | undefined {
    return this.#client.clientId;
  }

  /** The player's ship, if there is one. */
  get ship(): Entity | undefined {
    return this.#ship(this.#seat());
  }

  /** Draws one frame. */
  frame(nowMs: number, elapsedS: number): void {
    const { stage, hud, pilot, sound } = this.#equipment;
    const { world, tickRate } = this.#client;
    this.#client.advance(nowMs);
    const seat = this.#seat();
    const ship = this.#ship(seat);
    this.#noteOwn(ship);
    if (ship?.motion !== undefined) {
      const [x, y] = ship.motion.position;
      const [velocityX, velocityY] = ship.motion.velocity;
      const perSecond = tickRate / STEPS_PER_UNIT;
      stage.camera.follow(
        x / STEPS_PER_UNIT,
        y / STEPS_PER_UNIT,
        velocityX * perSecond,
        velocityY * perSecond,
        elapsedS,
      );
    }
    // The player's own engine shows at once. So do turns; where nothing is predicted, by an estimate.
    this.#scene.entities = world.entities;
    this.#scene.ownShip = ship;
    this.#scene.ownHeading = pilot.heading.isSet ? pilot.heading.drawn(nowMs, 1000 / tickRate) : undefined;
    this.#scene.ownThrust = pilot.thrusts;
    sound.engine(ship !== undefined && pilot.thrusts);
    this.#scene.tickRate = tickRate;
    stage.draw(this.#scene, nowMs, elapsedS);
    hud.show(this.#client, seat, ship, nowMs);
  }

  /** Listens to what is said; anew where the player is a new one. */
  #talk(): void {
    const { clientId, room } = this.#client;
    if (clientId === undefined || room === undefined || clientId === this.#talksAs) return;
    this.#talksAs = clientId;
    this.#equipment.hud.talk.begin(this.#client, room);
  }

  #controls(tick: number, isFinal: boolean): Controls {
    const { pilot, stage } = this.#equipment;
    pilot.pixelRatio = stage.pixelRatio;
    return pilot.controls(this.ship, { tick, isFinal, heading: this.#client.predicted?.[ANGLE] }, performance.now());
  }

  #showOwnShot(fired: Words): void {
    const { stage, sound } = this.#equipment;
    this.#ownFlashes.note(muzzleOf(fired));
    const { motion, heading, ship } = this.ship ?? {};
    if (motion === undefined || heading === undefined || ship === undefined) return;
    const [x, y] = inUnits(motion.position);
    const angle = headingToRadians(heading.angle);
    stage.effects.shot(x + Math.cos(angle) * SHIP_RADIUS_UNITS, y + Math.sin(angle) * SHIP_RADIUS_UNITS, ship.colour);
    sound.shot(0, 0);
  }

  /** A small spark at once; whether it was a hit, the server tells. */
  #showOwnHit({ motion, bullet }: Entity): void {
    if (motion === undefined || bullet === undefined) return;
    const [x, y] = inUnits(motion.position);
    this.#equipment.stage.effects.spark(x, y, bullet.colour);
  }

  /** The only seat that this client is shown is its own. */
  #seat(): Seat | undefined {
    // Asked several times for each picture: an iterator would leave an object behind for every entity.
    const { entities } = this.#client.world;
    for (let at = 0; at < entities.length; at += 1) {
      const { seat } = entities[at]!;
      if (seat !== undefined) return seat;
    }
    return undefined;
  }

  #ship(seat: Seat | undefined): Entity | undefined {
    const entity = seat === undefined ? undefined : this.#client.world.find(seat.ship);
    return entity?.ship === undefined ? undefined : entity;
  }

  /** Notices a new ship, and damage to it. */
  #noteOwn(entity: Entity | undefined): void {
    const { stage } = this.#equipment;
    const hull = entity?.ship?.hull ?? 0;
    if (entity?.ship !== undefined) {
      this.#own.name = entity.ship.name;
      this.#own.colour = entity.ship.colour;
      if (this.#hull === 0) this.#arrive(entity);
    }
    if (hull < this.#hull) {
      const hurt = (this.#hull - hull) / 40;
      stage.renderer.alarm(Math.min(1, 0.35 + hurt));
      stage.camera.shake(0.3 + hurt);
    }
    this.#hull = hull;
  }

  #arrive({ motion }: Entity): void {
    if (motion === undefined) return;
    const [x, y] = inUnits(motion.position);
    this.#equipment.stage.effects.arrival(x, y, this.#own.colour);
    this.#equipment.sound.spawn();
  }

  #listen(): void {
    const { stage, hud, sound } = this.#equipment;
    const { camera, effects } = stage;
    this.#client.on('shot', ({ position, colour }) => {
      if (colour === this.#own.colour && this.#ownFlashes.take(position)) return;
      const [x, y] = inUnits(position);
      effects.shot(x, y, colour);
      sound.shot(x - camera.x, y - camera.y);
    });
    this.#client.on('hit', ({ position, colour }) => {
      const [x, y] = inUnits(position);
      effects.hit(x, y, colour);
      sound.hit(x - camera.x, y - camera.y);
    });
    this.#client.on('explosion', ({ position, size, colour }) => {
      const [x, y] = inUnits(position);
      effects.explosion(x, y, size, colour);
      if (size === 0) return;
      const nearness = Math.max(0, 1 - Math.hypot(x - camera.x, y - camera.y) / 520);
      camera.shake(nearness * (size / SHIP_EXPLOSION_SIZE) * 0.8);
      if (size === SHIP_EXPLOSION_SIZE) sound.shipBroke(x - camera.x, y - camera.y);
      else sound.rockBroke(x - camera.x, y - camera.y);
    });
    this.#client.on('kill', (kill) => {
      hud.kill(kill, this.#own);
      if (kill.killer === this.#own.name && kill.killerColour === this.#own.colour) sound.kill();
    });
  }
}

function inUnits(position: readonly [number, number]): [number, number] {
  return [position[0] / STEPS_PER_UNIT, position[1] / STEPS_PER_UNIT];
}
