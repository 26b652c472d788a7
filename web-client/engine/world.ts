/**
 * The world as a game draws it: which entities are in the picture of a moment, and what happens in it. Each of them is an
 * object that lives as long as it is in view; see `tracked.ts`. Nothing is allocated per entity and frame.
 */

import { BEYOND_MS } from './clock.ts';
import { Newest } from './newest.ts';
import { type Plans, plansOf } from './plans.ts';
import { recordOf } from './records.ts';
import type { Replica } from './replica/replica.ts';
import type { Protocol } from './schema.ts';
import { Tracked } from './tracked.ts';

/** The name of an entity, as references carry it. */
export type NetId = number;

/** What every entity has, beside a property per component. */
export interface EntityBase {
  /** Where it is kept; free for another once this one is gone. */
  readonly slot: number;
  /** When it came into view, on the clock that `advance` is given. */
  readonly enteredAtMs: number;
}

/** Events wait until pictures reach their tick. A page in the background draws none: the oldest give way. */
const EVENTS_MAX = 1024;
/** What is this far behind the newest state, in ticks, is no news any more when drawing goes on. */
const NEWS_TICKS_MAX = 40;

type Happening = Record<string, unknown>;

/** What draws ahead of the render clock. */
export interface Foreground {
  /** Those whom `bringForward` named are shown: puts them where they are, and may add to and remove from the extras. */
  draw(nowMs: number): void;
}

/** The world as a game draws it. `E` is the entity type that the generated protocol declares. */
export class World<E extends EntityBase = EntityBase> {
  /** The newest state, ahead of what is drawn. */
  readonly newest: Newest<E>;
  readonly #protocol: Protocol;
  readonly #plans: Plans;
  readonly #beyondTicks: number;
  readonly #bySlot: (Tracked | undefined)[] = [];
  readonly #tracked: Tracked[] = [];
  readonly #entities: E[] = [];
  /** What is drawn beside the server's. */
  readonly #extras: E[] = [];
  #isListStale = false;
  readonly #byNetId = new Map<NetId, E>();
  readonly #handlers = { enter: new Set<(entity: E) => void>(), leave: new Set<(entity: E) => void>() };
  readonly #events: { readonly tick: number; readonly name: string; readonly event: Happening }[] = [];
  /** The tick that was drawn last. */
  #drawnTick = Number.NEGATIVE_INFINITY;
  #renderTick: (nowMs: number) => number | undefined = () => undefined;
  #emit: (name: string, event: Happening) => void = () => {};
  #foreground: Foreground | undefined;

  constructor(protocol: Protocol) {
    this.#protocol = protocol;
    this.#plans = plansOf(protocol);
    this.#beyondTicks = (BEYOND_MS * protocol.tickRate) / 1000;
    this.newest = new Newest(this.#plans);
  }

  /** Entities to draw: those in view at the moment that is drawn. */
  get entities(): readonly E[] {
    return this.#entities;
  }

  /** The entity that a reference means, if it is in view. */
  find(reference: NetId | undefined): E | undefined {
    return reference === undefined ? undefined : this.#byNetId.get(reference);
  }

  /** Hears of entities that come into view or go. Returns how to stop. */
  on(name: 'enter' | 'leave', handler: (entity: E) => void): () => void {
    this.#handlers[name].add(handler);
    return () => this.#handlers[name].delete(handler);
  }

  /** Moves on to now: call it once before each picture. */
  advance(nowMs: number): void {
    const tick = this.#renderTick(nowMs);
    if (tick === undefined) return;
    this.#drawnTick = tick;
    for (let at = 0; at < this.#tracked.length; at += 1) {
      const tracked = this.#tracked[at]!;
      if (tracked.isGone(tick)) this.#isListStale = true;
      else if (tracked.isForward || tracked.enteredTick <= tick) {
        if (!tracked.isShown) {
          this.#isListStale = true;
          this.#show(tracked, nowMs);
        }
        if (!tracked.isForward) tracked.draw(tick);
      }
    }
    this.#foreground?.draw(nowMs);
    if (this.#isListStale) this.#list(tick);
    while (this.#events.length > 0 && this.#events[0]!.tick <= tick) {
      const { tick: happened, name, event } = this.#events.shift()!;
      if (tick - happened <= NEWS_TICKS_MAX) this.#emit(name, event);
    }
  }

  /** For the session: where the render clock stands, who hears of events, and who draws ahead of that clock. */
  attach(
    renderTick: (nowMs: number) => number | undefined,
    emit: (name: string, event: Happening) => void,
    foreground?: Foreground,
  ): void {
    this.#renderTick = renderTick;
    this.#emit = emit;
    this.#foreground = foreground;
  }

  /** For what draws ahead: this one is shown from now on, and it is not moved any more. `goesAtOnce`: so it leaves. */
  bringForward(netId: NetId, goesAtOnce: boolean): void {
    for (let at = 0; at < this.#tracked.length; at += 1) {
      const tracked = this.#tracked[at]!;
      if (tracked.netId !== netId) continue;
      const isThere = tracked.leftTick === Number.POSITIVE_INFINITY;
      // A fresh view has a new object for what was there before: only one of them may show.
      tracked.goesAtOnce = goesAtOnce || (tracked.isForward && !isThere && this.#isThere(netId));
      tracked.isForward ||= isThere;
    }
  }

  /** For what draws ahead: leaves this one out of pictures from now on, or puts it back in. */
  hide(netId: NetId, isHidden: boolean): void {
    for (let at = 0; at < this.#tracked.length; at += 1) {
      const tracked = this.#tracked[at]!;
      if (tracked.netId !== netId || tracked.isHidden === isHidden) continue;
      tracked.isHidden = isHidden;
      this.#isListStale = true;
    }
  }

  /** For what draws ahead: draws something that the server has not sent. */
  addExtra(entity: E): void {
    this.#extras.push(entity);
    this.#isListStale = true;
  }

  /** For what draws ahead: does not draw it any more. */
  removeExtra(entity: E): void {
    const at = this.#extras.indexOf(entity);
    if (at >= 0) this.#extras.splice(at, 1);
    this.#isListStale = true;
  }

  /** For the session: the replica has taken a frame. */
  handleState(replica: Replica, tick: number, isFresh: boolean): void {
    if (isFresh) this.#endAll(tick);
    this.newest.handleState(replica, tick);
    for (let number = 0; number < replica.slots.length; number += 1) {
      const slot = replica.slots[number]!;
      let tracked = this.#bySlot[number];
      if (tracked !== undefined && (!slot.isSeen || slot.life !== tracked.life)) {
        tracked.leftTick = tick;
        this.#bySlot[number] = undefined;
        tracked = undefined;
      }
      if (!slot.isSeen) continue;
      if (tracked === undefined) {
        tracked = new Tracked(number, slot, tick, this.#plans, this.#beyondTicks);
        this.#bySlot[number] = tracked;
        this.#tracked.push(tracked);
      }
      tracked.handleState(slot, replica);
    }
    for (const event of replica.events) {
      const schema = this.#protocol.events[event.number]!;
      this.#events.push({
        tick: event.tick,
        name: schema.name,
        event: recordOf(schema, event.codes, event.sequences),
      });
    }
    if (this.#events.length > EVENTS_MAX) this.#events.splice(0, this.#events.length - EVENTS_MAX);
    // Nobody draws: what has left must not pile up.
    if (tick - this.#drawnTick > NEWS_TICKS_MAX) this.#list(tick - NEWS_TICKS_MAX);
  }

  /** A fresh view: what is there goes on as new objects, which take over once pictures reach them. */
  #endAll(tick: number): void {
    for (const tracked of this.#tracked) tracked.leftTick = Math.min(tracked.leftTick, tick);
    this.#bySlot.length = 0;
    this.#events.length = 0;
  }

  #show(tracked: Tracked, nowMs: number): void {
    const entity = tracked.entity as unknown as E;
    tracked.isShown = true;
    tracked.entity.enteredAtMs = nowMs;
    if (tracked.netId !== undefined) this.#byNetId.set(tracked.netId, entity);
    for (const handler of this.#handlers.enter) handler(entity);
  }

  /** Makes the list of what is shown anew, without what has left by `tick`. */
  #list(tick: number): void {
    let kept = 0;
    let shown = 0;
    this.#isListStale = false;
    for (let at = 0; at < this.#tracked.length; at += 1) {
      const tracked = this.#tracked[at]!;
      const entity = tracked.entity as unknown as E;
      if (!tracked.isGone(tick)) {
        this.#tracked[kept] = tracked;
        kept += 1;
        if (tracked.isShown && !tracked.isHidden) this.#entities[shown++] = entity;
        continue;
      }
      if (tracked.netId !== undefined && this.#byNetId.get(tracked.netId) === entity) {
        this.#byNetId.delete(tracked.netId);
      }
      if (tracked.isShown) for (const handler of this.#handlers.leave) handler(entity);
    }
    for (const extra of this.#extras) this.#entities[shown++] = extra;
    // Emptied first and filled again, it would ask for new memory each time.
    this.#entities.length = shown;
    this.#tracked.length = kept;
  }

  #isThere(netId: NetId): boolean {
    return this.#tracked.some((one) => one.netId === netId && one.leftTick === Number.POSITIVE_INFINITY);
  }
}
