/**
 * What a player's rules let off (bullets, say), from the moment at which they do: shown at once, flying in the player's
 * present. When the server's own comes into view it takes the place of the one shown, on the same path; what the server
 * never shows was not let off there, or met something at once, and goes.
 */

import type { Newest } from './newest.ts';
import type { Words } from './rules.ts';
import type { EntityBase, NetId, World } from './world.ts';

/** How a game's shots are predicted. */
export interface ShotOptions<E extends EntityBase> {
  /** Whether a step let something off, by the state after it. */
  readonly isFired: (state: Words) => boolean;
  /** Something to draw it with, before the server's own is there. */
  readonly make: (state: Words, own: E) => E;
  /** Puts it where it is so many ticks after the end of the step that let it off, by that step's state. */
  readonly fly: (shot: E, fired: Words, ticks: number) => void;
  /** Whether something that came into view is this shot. Both are where they are at the same tick. */
  readonly isSame: (entered: E, shot: E, own: NetId) => boolean;
  /** Writes down in the state of a step that it let this off, which flies since so many ticks: the server knows better. */
  readonly read: (entered: E, fired: Words, ticks: number) => void;
  /** How long it flies at most. */
  readonly lifetimeTicks: number;
  /** It is seen for the first time: for flash and sound. */
  readonly onFired?: (shot: E, fired: Words) => void;
}

/** Where shots are seen. */
export type ShotWorld<E extends EntityBase> = Pick<World<E>, 'find' | 'bringForward' | 'addExtra' | 'removeExtra'>;

/** Where the server's own are looked for. */
export type ShotState<E extends EntityBase> = Pick<Newest<E>, 'tick' | 'find' | 'forEntered'>;

/** Ticks after which a state that shows nothing of a shot says that there is none: room for a state or two left out. */
const CONFIRM_TICKS = 3;
/** Shots at once; a game that lets off more wants another way. */
const SHOTS_MAX = 64;

/** One shot. */
class Shot<E> {
  readonly tick: number;
  readonly fired: Words;
  /** Drawn until the server's own is there. */
  readonly entity: E;
  /** The server's own. */
  same: NetId | undefined;

  constructor(tick: number, fired: Words, entity: E) {
    this.tick = tick;
    this.fired = fired;
    this.entity = entity;
  }
}

/** The shots of a player. */
export class Shots<E extends EntityBase> {
  readonly #options: ShotOptions<E>;
  readonly #world: ShotWorld<E>;
  #shots: Shot<E>[] = [];

  constructor(options: ShotOptions<E>, world: ShotWorld<E>) {
    this.#options = options;
    this.#world = world;
  }

  /** How many fly. */
  get count(): number {
    return this.#shots.length;
  }

  /** A tick was stepped, or stepped anew: this is the state after it. */
  handleStep(tick: number, state: Words, own: E): void {
    const before = this.#shots.find((shot) => shot.tick === tick);
    if (before?.same !== undefined) return;
    if (!this.#options.isFired(state)) {
      if (before !== undefined) this.#drop(before);
    } else if (before !== undefined) {
      before.fired.set(state);
    } else if (this.#shots.length < SHOTS_MAX) {
      const shot = new Shot(tick, state.slice(), this.#options.make(state, own));
      this.#shots.push(shot);
      this.#world.addExtra(shot.entity);
      this.#options.fly(shot.entity, shot.fired, 0);
      this.#options.onFired?.(shot.entity, shot.fired);
    }
  }

  /** A state came: looks in it for the server's own. */
  handleState(newest: ShotState<E>, own: NetId | undefined): void {
    const { tick } = newest;
    if (own !== undefined && this.#shots.some((shot) => shot.same === undefined)) {
      newest.forEntered((netId) => {
        const entered = newest.find(netId);
        if (entered !== undefined) this.#match(netId, entered, tick, own);
      });
    }
    for (const shot of this.#shots.slice()) {
      if (shot.same === undefined && tick >= shot.tick + CONFIRM_TICKS) this.#drop(shot);
      // The state may be a fresh view, with new objects in it.
      else if (shot.same !== undefined) this.#world.bringForward(shot.same, true);
    }
  }

  /** Puts all of them where they are at a moment. */
  draw(present: number): void {
    const { fly, lifetimeTicks } = this.#options;
    for (let at = this.#shots.length - 1; at >= 0; at -= 1) {
      const shot = this.#shots[at]!;
      const entity = shot.same === undefined ? shot.entity : this.#world.find(shot.same);
      if (entity === undefined || present - shot.tick > lifetimeTicks) this.#drop(shot);
      else fly(entity, shot.fired, present - shot.tick);
    }
  }

  #match(netId: NetId, entered: E, tick: number, own: NetId): void {
    for (const shot of this.#shots) {
      if (shot.same !== undefined || tick < shot.tick) continue;
      this.#options.fly(shot.entity, shot.fired, tick - shot.tick);
      if (!this.#options.isSame(entered, shot.entity, own)) continue;
      this.#options.read(entered, shot.fired, tick - shot.tick);
      shot.same = netId;
      this.#world.removeExtra(shot.entity);
      return;
    }
  }

  #drop(shot: Shot<E>): void {
    if (shot.same === undefined) this.#world.removeExtra(shot.entity);
    this.#shots.splice(this.#shots.indexOf(shot), 1);
  }
}
