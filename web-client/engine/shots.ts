/**
 * What a player's rules let off (bullets, say), from the moment at which they do: shown at once, flying in the player's
 * present. When the server's own comes into view it takes the place of the one shown, on the same path; what the server
 * never shows was not let off there, or met something at once, and goes.
 *
 * A shot that meets what is drawn in its way ends there on screen, and what comes of it is the server's word: it stays
 * away while the server's own goes as well, and is back on its path where the server says that it flies on.
 */

import { contact } from './contact.ts';
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
  /** Where something is drawn; undefined: nowhere. */
  readonly place: (entity: E) => readonly number[] | undefined;
  /** Whether something that came into view was let off by the player's own. */
  readonly isOwn: (entered: E, own: NetId) => boolean;
  /** Two shots of a player are never this near each other: what is nearer is the same. */
  readonly apart: number;
  /** Writes down in the state of a step that it let this off, which flies since so many ticks: the server knows better. */
  readonly read: (entered: E, fired: Words, ticks: number) => void;
  /** How long it flies at most. */
  readonly lifetimeTicks: number;
  /** How near a shot comes to the place of this one as it meets it; 0: nothing meets it. The player's own is not asked. */
  readonly reach?: (target: E) => number;
  /** It is seen for the first time: for flash and sound. */
  readonly onFired?: (shot: E, fired: Words) => void;
  /** It meets something on screen, there where it is put: for a spark. What comes of it is the server's word. */
  readonly onMet?: (shot: E, target: E) => void;
}

/** Where shots are seen. */
export type ShotWorld<E extends EntityBase> = Pick<
  World<E>,
  'entities' | 'find' | 'bringForward' | 'hide' | 'addExtra' | 'removeExtra'
>;

/** Where the server's own are looked for. */
export type ShotState<E extends EntityBase> = Pick<Newest<E>, 'tick' | 'find' | 'forEntered'>;

/** Ticks after which a state that shows nothing of a shot says that there is none: room for a state or two left out. */
const CONFIRM_TICKS = 3;
/** Where a shot met something, the server may find so a tick later. */
const CONTACT_TICKS = 1;
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
  /** How long it had flown when it was looked at last: at first not even through the step that let it off. */
  flownTicks = -1;
  /** What it met on screen last, and in which tick, as long as it stays away for that. */
  met: E | undefined;
  metTick: number | undefined;

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
  readonly #from: number[] = [];
  #shots: Shot<E>[] = [];

  constructor(options: ShotOptions<E>, world: ShotWorld<E>) {
    this.#options = options;
    this.#world = world;
  }

  /** How many there are. */
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
      const { same } = shot;
      if (same === undefined) {
        if (tick >= shot.tick + CONFIRM_TICKS) this.#drop(shot);
        continue;
      }
      if (shot.metTick !== undefined && tick >= shot.metTick + CONTACT_TICKS && newest.find(same) !== undefined) {
        // It met nothing, and flies on; what it came by while it was not shown is not asked.
        shot.metTick = undefined;
        shot.flownTicks = Number.POSITIVE_INFINITY;
      }
      // The state may be a fresh view, with new objects in it.
      this.#world.bringForward(same, true);
      this.#world.hide(same, shot.metTick !== undefined);
    }
  }

  /** Puts all of them where they are at a moment, when everything else is in its place. */
  draw(present: number, own: NetId | undefined): void {
    for (let at = this.#shots.length - 1; at >= 0; at -= 1) {
      const shot = this.#shots[at]!;
      const entity = shot.same === undefined ? shot.entity : this.#world.find(shot.same);
      const ticks = present - shot.tick;
      if (entity === undefined || ticks > this.#options.lifetimeTicks) this.#drop(shot);
      else if (shot.metTick === undefined) this.#fly(shot, entity, ticks, own);
    }
  }

  /** Flies on, up to what is in its way. */
  #fly(shot: Shot<E>, entity: E, ticks: number, own: NetId | undefined): void {
    const { fly, place, onMet } = this.#options;
    const before = Math.min(shot.flownTicks, ticks);
    shot.flownTicks = ticks;
    fly(entity, shot.fired, before);
    const from = this.#from;
    const start = place(entity);
    from.length = start?.length ?? 0;
    for (let axis = 0; axis < from.length; axis += 1) from[axis] = start![axis]!;
    fly(entity, shot.fired, ticks);
    const to = place(entity);
    const met = to === undefined ? undefined : this.#firstMet(from, to, shot.met, this.#world.find(own));
    if (met === undefined) return;
    const metTicks = before + (ticks - before) * met.share;
    fly(entity, shot.fired, metTicks);
    shot.met = met.target;
    shot.metTick = Math.ceil(shot.tick + metTicks);
    onMet?.(entity, met.target);
    if (shot.same === undefined) this.#world.removeExtra(shot.entity);
    else this.#world.hide(shot.same, true);
  }

  /** What is met first on the way from one place to another, and on which share of the way. */
  #firstMet(
    from: readonly number[],
    to: readonly number[],
    passed: E | undefined,
    own: E | undefined,
  ): { readonly target: E; readonly share: number } | undefined {
    const { place, reach } = this.#options;
    if (reach === undefined) return undefined;
    let target: E | undefined;
    let share = Number.POSITIVE_INFINITY;
    const { entities } = this.#world;
    for (let at = 0; at < entities.length; at += 1) {
      const entity = entities[at]!;
      if (entity === own || entity === passed) continue;
      const distance = reach(entity);
      const middle = distance > 0 ? place(entity) : undefined;
      if (middle === undefined) continue;
      const met = contact(from, to, middle, distance);
      if (met === undefined || met >= share) continue;
      target = entity;
      share = met;
    }
    return target === undefined ? undefined : { target, share };
  }

  #match(netId: NetId, entered: E, tick: number, own: NetId): void {
    const { fly, isOwn, read } = this.#options;
    if (!isOwn(entered, own)) return;
    for (const shot of this.#shots) {
      if (shot.same !== undefined || tick < shot.tick) continue;
      fly(shot.entity, shot.fired, tick - shot.tick);
      if (!this.#isNear(entered, shot.entity)) continue;
      read(entered, shot.fired, tick - shot.tick);
      shot.same = netId;
      this.#world.removeExtra(shot.entity);
      return;
    }
  }

  #isNear(entered: E, shot: E): boolean {
    const { place, apart } = this.#options;
    const [one, other] = [place(entered), place(shot)];
    return one !== undefined && other !== undefined && contact(one, one, other, apart) !== undefined;
  }

  #drop(shot: Shot<E>): void {
    if (shot.same === undefined) this.#world.removeExtra(shot.entity);
    // It is over here; that the server's own is gone takes a while to be known.
    else this.#world.hide(shot.same, true);
    this.#shots.splice(this.#shots.indexOf(shot), 1);
  }
}
