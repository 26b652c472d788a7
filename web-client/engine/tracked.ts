/**
 * An entity as a game draws it: one object as long as it is in view, with a property per component, all changed in place.
 * Brought up to each state as it comes, and drawn between states where something moves.
 */

import { type Bend, Track } from './interpolation.ts';
import type { ComponentPlan, Plans } from './plans.ts';
import { readValue } from './records.ts';
import type { Replica, Slot, SubEntity } from './replica/replica.ts';
import { hasComponent, type Sequence } from './replica/values.ts';
import type { FieldData } from './schema.ts';
import type { NetId } from './world.ts';

type Component = Record<string, unknown>;

/** An entity, with what is needed to draw it between states. */
export class Tracked {
  readonly entity: Record<string, unknown> & { slot: number; enteredAtMs: number };
  readonly netId: NetId | undefined;
  readonly life: number;
  readonly enteredTick: number;
  /** Tick from which on it is gone. */
  leftTick = Number.POSITIVE_INFINITY;
  isShown = false;
  /** Drawn ahead of the render clock, by somebody else. */
  isForward = false;
  /** Left out of pictures, though it is there. */
  isHidden = false;
  /** Gone as soon as that is known, though pictures are not there yet. */
  goesAtOnce = false;
  readonly #plans: Plans;
  /** What there is of it in the newest state, and what of that moves; both by group. */
  readonly #parts: (Part | undefined)[];
  readonly #tracks: readonly (Track | undefined)[];
  /** Sequences that its texts and lists were made from. */
  readonly #sequences = new Map<FieldData, Sequence>();

  constructor(number: number, slot: Slot, tick: number, plans: Plans, beyondTicks: number) {
    this.entity = { slot: number, enteredAtMs: 0 };
    for (const { name } of plans.components) this.entity[name] = undefined;
    this.netId = slot.netId;
    this.life = slot.life;
    this.enteredTick = tick;
    this.#plans = plans;
    this.#parts = plans.moving.map(() => undefined);
    this.#tracks = plans.moving.map((bends: readonly Bend[]) =>
      bends.length > 0 ? new Track(bends, beyondTicks) : undefined,
    );
  }

  /** Whether it is gone from pictures of `tick`. */
  isGone(tick: number): boolean {
    return this.leftTick <= tick || (this.goesAtOnce && this.leftTick < Number.POSITIVE_INFINITY);
  }

  /** Brings its components up to its state. */
  handleState(slot: Slot, replica: Replica): void {
    for (let group = 0; group < slot.groups.length; group += 1) {
      const sub = slot.groups[group];
      let part = this.#parts[group];
      const isNew = part?.sub !== sub;
      if (isNew) part = this.#take(group, sub);
      if (part === undefined) continue;
      // What a frame left out keeps its older tick, and moves on from there when its turn comes.
      const moving = part.track?.push(part.sub.base) === true ? part.track : undefined;
      for (let at = 0; at < part.plans.length; at += 1) {
        this.#read(part.plans[at]!, part.components[at]!, part.sub, isNew, moving, replica);
      }
    }
  }

  /** Puts what moves where it is at `tick`. */
  draw(tick: number): void {
    for (let group = 0; group < this.#parts.length; group += 1) {
      const part = this.#parts[group];
      if (part?.track === undefined) continue;
      part.track.seek(tick);
      for (let at = 0; at < part.plans.length; at += 1) {
        const component = part.components[at]!;
        const { moving: fields } = part.plans[at]!;
        for (let field = 0; field < fields.length; field += 1) {
          const { name, kind, moving } = fields[field]!;
          const before = component[name];
          const value = part.track.read(kind, moving, before);
          // Vectors are written where they are.
          if (value !== before) component[name] = value;
        }
      }
    }
  }

  /** Takes over which components there are of a group. */
  #take(group: number, sub: SubEntity | undefined): Part | undefined {
    const plans: ComponentPlan[] = [];
    const components: Component[] = [];
    for (const plan of this.#plans.components) {
      if (plan.group !== group) continue;
      if (sub === undefined || !hasComponent(sub.maskLow, sub.maskHigh, plan.number)) {
        this.entity[plan.name] = undefined;
        continue;
      }
      let component = this.entity[plan.name] as Component | undefined;
      if (component === undefined) {
        component = {};
        this.entity[plan.name] = component;
        for (const { data } of plan.fields) this.#sequences.delete(data);
      }
      plans.push(plan);
      components.push(component);
    }
    const part = sub === undefined ? undefined : { sub, plans, components, track: this.#tracks[group] };
    this.#parts[group] = part;
    return part;
  }

  #read(
    { fields }: ComponentPlan,
    component: Component,
    sub: SubEntity,
    isNew: boolean,
    moving: Track | undefined,
    replica: Replica,
  ): void {
    for (let at = 0; at < fields.length; at += 1) {
      const { data, kind, name, moving: place } = fields[at]!;
      const begin = data.lanes[0];
      if (place >= 0) {
        moving?.set(place, sub.codes, begin, data.lanes[1]);
        if (isNew && component[name] === undefined) component[name] = readValue(kind, sub.codes, begin, undefined);
      } else if (data.sequence >= 0) {
        const sequence = sub.sequences[data.sequence]!;
        if (this.#sequences.get(data) === sequence) continue;
        this.#sequences.set(data, sequence);
        component[name] = readValue(kind, sub.codes, begin, sequence);
      } else if (kind.type === 'reference') {
        const target = sub.codes[begin]!;
        component[name] = replica.find(target) === undefined ? undefined : target;
      } else if (isNew || !data.isStatic) {
        component[name] = readValue(kind, sub.codes, begin, undefined, component[name]);
      }
    }
  }
}

/** The components that an entity has of one group, as long as it has the same ones. */
interface Part {
  readonly sub: SubEntity;
  readonly plans: readonly ComponentPlan[];
  /** In the order of `plans`. */
  readonly components: readonly Component[];
  /** What of them moves. */
  readonly track: Track | undefined;
}
