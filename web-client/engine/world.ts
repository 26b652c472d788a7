/**
 * The world as a game draws it: entities as objects that live as long as they are in view, their components changed in
 * place, what moves drawn between two states. Nothing is allocated per entity and frame.
 */

import { isMoving, Track } from './interpolation.ts';
import { readValue, recordOf } from './records.ts';
import type { Replica, Slot, SubEntity } from './replica/replica.ts';
import { hasComponent, type Sequence } from './replica/values.ts';
import { type FieldData, type FieldKind, lanesOf, type Protocol } from './schema.ts';

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

/** How a field of a component is read from the replica. */
interface FieldPlan {
  readonly name: string;
  readonly kind: FieldKind;
  readonly data: FieldData;
  /** First place among the moving lanes of its group; −1 where it is not drawn between states. */
  readonly moving: number;
}

interface ComponentPlan {
  readonly number: number;
  readonly name: string;
  readonly group: number;
  readonly fields: readonly FieldPlan[];
}

type Component = Record<string, unknown>;

/** An entity, with what is needed to draw it between states. */
class Tracked {
  readonly entity: Record<string, unknown> & { slot: number; enteredAtMs: number };
  readonly netId: NetId | undefined;
  readonly life: number;
  readonly enteredTick: number;
  /** Tick from which on it is gone. */
  leftTick = Number.POSITIVE_INFINITY;
  isShown = false;
  /** What moves, by group. */
  readonly tracks: readonly (Track | undefined)[];
  /** Sequences that its texts and lists were made from. */
  readonly sequences = new Map<FieldData, Sequence>();

  constructor(
    number: number,
    slot: Slot,
    tick: number,
    lanes: readonly number[],
    components: readonly ComponentPlan[],
  ) {
    this.entity = { slot: number, enteredAtMs: 0 };
    for (const { name } of components) this.entity[name] = undefined;
    this.netId = slot.netId;
    this.life = slot.life;
    this.enteredTick = tick;
    this.tracks = lanes.map((count) => (count > 0 ? new Track(count) : undefined));
  }
}

/** The world as a game draws it. `E` is the entity type that the generated protocol declares. */
export class World<E extends EntityBase = EntityBase> {
  readonly #protocol: Protocol;
  readonly #components: readonly ComponentPlan[];
  /** Lanes that are drawn between states, by group. */
  readonly #movingLanes: readonly number[];
  readonly #bySlot: (Tracked | undefined)[] = [];
  readonly #tracked: Tracked[] = [];
  readonly #entities: E[] = [];
  readonly #byNetId = new Map<NetId, E>();
  readonly #handlers = { enter: new Set<(entity: E) => void>(), leave: new Set<(entity: E) => void>() };
  readonly #events: { readonly tick: number; readonly name: string; readonly event: Component }[] = [];
  /** The tick that was drawn last. */
  #drawnTick = Number.NEGATIVE_INFINITY;
  #renderTick: (nowMs: number) => number | undefined = () => undefined;
  #emit: (name: string, event: Component) => void = () => {};

  constructor(protocol: Protocol) {
    this.#protocol = protocol;
    const lanes = protocol.model.groups.map(() => 0);
    this.#components = protocol.components.map(({ name, fields }, number) => {
      const group = protocol.model.groups.findIndex(({ mask }) => hasComponent(mask[0], mask[1], number));
      const data = protocol.model.groups[group]!.record.fields.filter((field) => field.component === number);
      const plans = fields.map((field, at): FieldPlan => {
        if (!isMoving(field.kind, data[at]!)) return { ...field, data: data[at]!, moving: -1 };
        const moving = lanes[group]!;
        lanes[group] = moving + lanesOf(field.kind).length;
        return { ...field, data: data[at]!, moving };
      });
      return { number, name, group, fields: plans };
    });
    this.#movingLanes = lanes;
  }

  /** Entities in view at the moment that is drawn. */
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
    let isChanged = false;
    for (const tracked of this.#tracked) {
      if (tracked.leftTick <= tick) isChanged = true;
      else if (tracked.enteredTick <= tick) {
        if (!tracked.isShown) {
          isChanged = true;
          this.#show(tracked, nowMs);
        }
        this.#interpolate(tracked, tick);
      }
    }
    if (isChanged) this.#list(tick);
    while (this.#events.length > 0 && this.#events[0]!.tick <= tick) {
      const { tick: happened, name, event } = this.#events.shift()!;
      if (tick - happened <= NEWS_TICKS_MAX) this.#emit(name, event);
    }
  }

  /** For the session: where the render clock stands, and who hears of events. */
  attach(renderTick: (nowMs: number) => number | undefined, emit: (name: string, event: Component) => void): void {
    this.#renderTick = renderTick;
    this.#emit = emit;
  }

  /** For the session: the replica has taken a frame. */
  handleState(replica: Replica, tick: number, isFresh: boolean): void {
    if (isFresh) this.#endAll(tick);
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
        tracked = new Tracked(number, slot, tick, this.#movingLanes, this.#components);
        this.#bySlot[number] = tracked;
        this.#tracked.push(tracked);
      }
      this.#read(tracked, slot, replica);
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

  /** Brings an entity's components up to its state. */
  #read(tracked: Tracked, slot: Slot, replica: Replica): void {
    for (let group = 0; group < slot.groups.length; group += 1) {
      const sub = slot.groups[group];
      const track = tracked.tracks[group];
      // What a frame left out keeps its older tick, and moves on from there when its turn comes.
      const moving = sub !== undefined && track?.push(sub.base) === true ? track : undefined;
      for (const plan of this.#components) {
        if (plan.group === group) this.#readComponent(tracked, plan, sub, moving, replica);
      }
    }
  }

  #readComponent(
    tracked: Tracked,
    { number, name, fields }: ComponentPlan,
    sub: SubEntity | undefined,
    moving: Track | undefined,
    replica: Replica,
  ): void {
    const { entity, sequences } = tracked;
    if (sub === undefined || !hasComponent(sub.maskLow, sub.maskHigh, number)) {
      entity[name] = undefined;
      return;
    }
    let component = entity[name] as Component | undefined;
    if (component === undefined) {
      component = {};
      entity[name] = component;
      for (const { data } of fields) sequences.delete(data);
    }
    for (const field of fields) {
      const { data, kind } = field;
      const [begin, end] = data.lanes;
      if (field.moving >= 0) {
        moving?.set(field.moving, sub.codes, begin, end);
        if (component[field.name] === undefined) component[field.name] = readValue(kind, sub.codes, begin, undefined);
      } else if (data.sequence >= 0) {
        const sequence = sub.sequences[data.sequence]!;
        if (sequences.get(data) === sequence) continue;
        sequences.set(data, sequence);
        component[field.name] = readValue(kind, sub.codes, begin, sequence);
      } else if (kind.type === 'reference') {
        const target = sub.codes[begin]!;
        component[field.name] = replica.find(target) === undefined ? undefined : target;
      } else {
        component[field.name] = readValue(kind, sub.codes, begin, undefined, component[field.name]);
      }
    }
  }

  #show(tracked: Tracked, nowMs: number): void {
    const entity = tracked.entity as unknown as E;
    tracked.isShown = true;
    tracked.entity.enteredAtMs = nowMs;
    if (tracked.netId !== undefined) this.#byNetId.set(tracked.netId, entity);
    for (const handler of this.#handlers.enter) handler(entity);
  }

  /** Puts what moves where it is at `tick`. */
  #interpolate({ entity, tracks }: Tracked, tick: number): void {
    for (let group = 0; group < tracks.length; group += 1) tracks[group]?.seek(tick);
    for (const { name, group, fields } of this.#components) {
      const component = entity[name] as Component | undefined;
      if (component === undefined) continue;
      for (const { name: fieldName, kind, moving } of fields) {
        if (moving >= 0) component[fieldName] = tracks[group]!.read(kind, moving, component[fieldName]);
      }
    }
  }

  /** Makes the list of what is shown anew, without what has left by `tick`. */
  #list(tick: number): void {
    let kept = 0;
    this.#entities.length = 0;
    for (const tracked of this.#tracked) {
      const entity = tracked.entity as unknown as E;
      if (tracked.leftTick > tick) {
        this.#tracked[kept] = tracked;
        kept += 1;
        if (tracked.isShown) this.#entities.push(entity);
        continue;
      }
      if (tracked.netId !== undefined && this.#byNetId.get(tracked.netId) === entity) {
        this.#byNetId.delete(tracked.netId);
      }
      if (tracked.isShown) for (const handler of this.#handlers.leave) handler(entity);
    }
    this.#tracked.length = kept;
  }
}
