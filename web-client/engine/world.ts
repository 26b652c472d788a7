/**
 * The world as a game draws it: entities as objects that live as long as they are in view, their components changed in
 * place, what moves drawn between two states. Nothing is allocated per entity and frame.
 */

import { recordOf, valueOf } from './records.ts';
import type { Replica, Slot } from './replica/replica.ts';
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

/** States that are kept of an entity: enough for the longest render delay. */
const SAMPLES = 16;
/** How far motion is drawn beyond the newest state, in ticks, before it is held. */
const EXTRAPOLATION_TICKS_MAX = 2;
/** A way this many times longer than the one before is no motion, where it also spans a good part of the field. */
const JUMP_FACTOR = 8;
const JUMP_SHARE = 1 / 32;

/** How a field of a component is read from the replica. */
interface FieldPlan {
  readonly name: string;
  readonly kind: FieldKind;
  readonly data: FieldData;
  /** First place among the entity's moving lanes; −1 where it does not move between states. */
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
  readonly life: number;
  readonly enteredTick: number;
  /** Tick from which on it is gone. */
  leftTick = Number.POSITIVE_INFINITY;
  isShown = false;
  readonly sampleTicks = new Float64Array(SAMPLES);
  readonly samples: Float64Array;
  /** Samples taken so far. */
  count = 0;
  /** Sequences that its texts and lists were made from. */
  readonly sequences = new Map<FieldData, Sequence>();

  constructor(slot: number, life: number, tick: number, lanes: number, components: readonly ComponentPlan[]) {
    this.entity = { slot, enteredAtMs: 0 };
    for (const { name } of components) this.entity[name] = undefined;
    this.life = life;
    this.enteredTick = tick;
    this.samples = new Float64Array(SAMPLES * lanes);
  }
}

/** The world as a game draws it. `E` is the entity type that the generated protocol declares. */
export class World<E extends EntityBase = EntityBase> {
  readonly #protocol: Protocol;
  readonly #components: readonly ComponentPlan[];
  /** Lanes per entity that move between states. */
  readonly #movingLanes: number;
  readonly #bySlot: (Tracked | undefined)[] = [];
  readonly #tracked: Tracked[] = [];
  readonly #entities: E[] = [];
  readonly #byNetId = new Map<NetId, E>();
  readonly #handlers = { enter: new Set<(entity: E) => void>(), leave: new Set<(entity: E) => void>() };
  readonly #events: { readonly tick: number; readonly name: string; readonly event: Component }[] = [];
  #renderTick: (nowMs: number) => number | undefined = () => undefined;
  #emit: (name: string, event: Component) => void = () => {};

  constructor(protocol: Protocol) {
    this.#protocol = protocol;
    let moving = 0;
    this.#components = protocol.components.map(({ name, fields }, number) => {
      const group = protocol.model.groups.findIndex(({ mask }) => hasComponent(mask[0], mask[1], number));
      const data = protocol.model.groups[group]!.record.fields.filter((field) => field.component === number);
      const plans = fields.map((field, at): FieldPlan => {
        const isMoving = moves(field.kind, data[at]!);
        const plan = { ...field, data: data[at]!, moving: isMoving ? moving : -1 };
        if (isMoving) moving += lanesOf(field.kind).length;
        return plan;
      });
      return { number, name, group, fields: plans };
    });
    this.#movingLanes = moving;
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
    let isChanged = false;
    for (const tracked of this.#tracked) {
      if (!tracked.isShown && tracked.enteredTick <= tick && tracked.leftTick > tick) {
        tracked.isShown = true;
        tracked.entity.enteredAtMs = nowMs;
        isChanged = true;
        for (const handler of this.#handlers.enter) handler(tracked.entity as unknown as E);
      }
      if (tracked.leftTick <= tick) isChanged = true;
      else if (tracked.isShown) this.#interpolate(tracked, tick);
    }
    if (isChanged) this.#list(tick);
    while (this.#events.length > 0 && this.#events[0]!.tick <= tick) {
      const { name, event } = this.#events.shift()!;
      this.#emit(name, event);
    }
  }

  /** For the session: where the render clock stands, and who hears of events. */
  attach(renderTick: (nowMs: number) => number | undefined, emit: (name: string, event: Component) => void): void {
    this.#renderTick = renderTick;
    this.#emit = emit;
  }

  /** For the session: the replica has taken a frame. */
  handleState(replica: Replica, tick: number, isFresh: boolean): void {
    if (isFresh) this.#forgetAll();
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
        tracked = new Tracked(number, slot.life, tick, this.#movingLanes, this.#components);
        this.#bySlot[number] = tracked;
        this.#tracked.push(tracked);
        if (slot.netId !== undefined) this.#byNetId.set(slot.netId, tracked.entity as unknown as E);
      }
      this.#read(tracked, slot, replica, tick);
    }
    for (const event of replica.events) {
      const schema = this.#protocol.events[event.number]!;
      this.#events.push({
        tick: event.tick,
        name: schema.name,
        event: recordOf(schema, event.codes, event.sequences),
      });
    }
  }

  /** A fresh view: entities that go on are new objects, the old ones go at once. */
  #forgetAll(): void {
    for (const tracked of this.#tracked) tracked.leftTick = Number.NEGATIVE_INFINITY;
    this.#bySlot.length = 0;
    this.#byNetId.clear();
    this.#events.length = 0;
  }

  #read(tracked: Tracked, slot: Slot, replica: Replica, tick: number): void {
    const sample = (tracked.count % SAMPLES) * this.#movingLanes;
    tracked.sampleTicks[tracked.count % SAMPLES] = tick;
    for (const { number, name, group, fields } of this.#components) {
      const sub = slot.groups[group];
      if (sub === undefined || !hasComponent(sub.maskLow, sub.maskHigh, number)) {
        tracked.entity[name] = undefined;
        continue;
      }
      let component = tracked.entity[name] as Component | undefined;
      if (component === undefined) {
        component = {};
        tracked.entity[name] = component;
        for (const { data } of fields) tracked.sequences.delete(data);
      }
      for (const field of fields) {
        const { data, kind } = field;
        const [begin, end] = data.lanes;
        if (field.moving >= 0) {
          for (let at = begin; at < end; at += 1) {
            tracked.samples[sample + field.moving + at - begin] = sub.codes[at]!;
          }
          if (component[field.name] === undefined) component[field.name] = valueOf(kind, sub.codes, begin, undefined);
        } else if (data.sequence >= 0) {
          const sequence = sub.sequences[data.sequence]!;
          if (tracked.sequences.get(data) === sequence) continue;
          tracked.sequences.set(data, sequence);
          component[field.name] = valueOf(kind, sub.codes, begin, sequence);
        } else if (kind.type === 'reference') {
          const target = sub.codes[begin]!;
          component[field.name] = replica.find(target) === undefined ? undefined : target;
        } else {
          component[field.name] = valueOf(kind, sub.codes, begin, undefined, component[field.name]);
        }
      }
    }
    tracked.count += 1;
  }

  /** Puts what moves where it is at `tick`. */
  #interpolate(tracked: Tracked, tick: number): void {
    const { sampleTicks, samples, count } = tracked;
    const oldest = Math.max(0, count - SAMPLES);
    let after = count - 1;
    while (after > oldest && sampleTicks[(after - 1) % SAMPLES]! > tick) after -= 1;
    // Between the state before and this one; alone, or beyond the newest, from this one on.
    const before = Math.max(oldest, after - 1);
    const from = (before % SAMPLES) * this.#movingLanes;
    const to = (after % SAMPLES) * this.#movingLanes;
    const [fromTick, toTick] = [sampleTicks[before % SAMPLES]!, sampleTicks[after % SAMPLES]!];
    const latest = toTick + EXTRAPOLATION_TICKS_MAX;
    const share = toTick > fromTick ? (Math.min(tick, latest) - fromTick) / (toTick - fromTick) : 1;
    const previous = before > oldest ? ((before - 1) % SAMPLES) * this.#movingLanes : from;
    for (const { name, fields } of this.#components) {
      const component = tracked.entity[name] as Component | undefined;
      if (component === undefined) continue;
      for (const { name: fieldName, kind, moving } of fields) {
        if (moving < 0) continue;
        const value = component[fieldName];
        if (kind.type === 'vector') {
          const { axis } = kind;
          const isJump = jumps(samples, previous + moving, from + moving, to + moving, kind.axes, axis.codeMax);
          for (let number = 0; number < kind.axes; number += 1) {
            const [a, b] = [samples[from + moving + number]!, samples[to + moving + number]!];
            const code = isJump ? (share < 1 ? a : b) : a + (b - a) * Math.max(0, share);
            (value as number[])[number] = axis.min + Math.min(Math.max(code, 0), axis.codeMax) * axis.step;
          }
        } else if (kind.type === 'rotation') {
          const state = share < 1 ? from : to;
          valueOf(kind, samples, state + moving, undefined, value);
        } else {
          const [a, b] = [samples[from + moving]!, samples[to + moving]!];
          component[fieldName] = scalar(kind, a, b, Math.max(0, share));
        }
      }
    }
  }

  /** Makes the list of what is shown anew. */
  #list(tick: number): void {
    let kept = 0;
    this.#entities.length = 0;
    for (const tracked of this.#tracked) {
      if (tracked.leftTick <= tick) {
        if (tracked.isShown) for (const handler of this.#handlers.leave) handler(tracked.entity as unknown as E);
        continue;
      }
      this.#tracked[kept] = tracked;
      kept += 1;
      if (tracked.isShown) this.#entities.push(tracked.entity as unknown as E);
    }
    this.#tracked.length = kept;
    this.#forgetNames();
  }

  #forgetNames(): void {
    const there = new Set<unknown>(this.#tracked.map((tracked) => tracked.entity));
    for (const [netId, entity] of this.#byNetId) if (!there.has(entity)) this.#byNetId.delete(netId);
  }
}

/** Whether a field is drawn between states: where the game said how it is foretold. */
function moves(kind: FieldKind, data: FieldData): boolean {
  if (data.isStatic || data.prediction.type === 'hold') return false;
  return kind.type === 'number' || kind.type === 'angle' || kind.type === 'vector' || kind.type === 'rotation';
}

/** A number or an angle between two codes; an angle goes the shorter way. */
function scalar(kind: FieldKind, from: number, to: number, share: number): number {
  if (kind.type === 'number') {
    const code = Math.min(Math.max(from + (to - from) * share, 0), kind.codeMax);
    return kind.min + code * kind.step;
  }
  if (kind.type !== 'angle') return to;
  const turn = 2 ** kind.bits;
  let way = (((to - from) % turn) + turn) % turn;
  if (way > turn / 2) way -= turn;
  return (((from + way * share) % turn) + turn) % turn;
}

/** Whether something was put elsewhere rather than moved. */
function jumps(
  samples: Float64Array,
  previous: number,
  from: number,
  to: number,
  axes: number,
  codeMax: number,
): boolean {
  let [before, now] = [0, 0];
  for (let axis = 0; axis < axes; axis += 1) {
    before = Math.max(before, Math.abs(samples[from + axis]! - samples[previous + axis]!));
    now = Math.max(now, Math.abs(samples[to + axis]! - samples[from + axis]!));
  }
  return now > codeMax * JUMP_SHARE && now > before * JUMP_FACTOR;
}
