/** The newest state of the world as the server sent it: nothing in it is drawn between states. Read where it is asked for. */

import type { Plans } from './plans.ts';
import { readValue } from './records.ts';
import type { Replica, Slot } from './replica/replica.ts';
import { hasComponent } from './replica/values.ts';
import type { EntityBase, NetId } from './world.ts';

/** An entity of the newest state, and which it is. */
class Exact {
  readonly entity: Record<string, unknown> & { slot: number; enteredAtMs: number };
  life = -1;
  tick = -1;

  constructor(slot: number) {
    this.entity = { slot, enteredAtMs: 0 };
  }
}

/** The newest state of the world. What it returns is good until the next state. */
export class Newest<E extends EntityBase = EntityBase> {
  readonly #plans: Plans;
  readonly #exact: (Exact | undefined)[] = [];
  #replica: Replica | undefined;
  #tick = 0;
  #isCurrent = true;

  constructor(plans: Plans) {
    this.#plans = plans;
  }

  /** Its tick. */
  get tick(): number {
    return this.#tick;
  }

  /** Whether all that was looked at since the state came is of its tick: a crowded state leaves some for later. */
  get isCurrent(): boolean {
    return this.#isCurrent;
  }

  /** The first entity with this component. */
  having(component: keyof E & string): E | undefined {
    const plan = this.#plans.components.find(({ name }) => name === component);
    const slots = this.#replica?.slots ?? NO_SLOTS;
    if (plan === undefined) return undefined;
    for (let at = 0; at < slots.length; at += 1) {
      const sub = slots[at]!.groups[plan.group];
      if (sub !== undefined && hasComponent(sub.maskLow, sub.maskHigh, plan.number)) return this.#read(at, slots[at]!);
    }
    return undefined;
  }

  /** The entity that a reference means, if it is in view. */
  find(reference: NetId | undefined): E | undefined {
    const slot = reference === undefined ? undefined : this.#replica?.find(reference);
    return slot === undefined ? undefined : this.#read(this.#replica!.slots.indexOf(slot), slot);
  }

  /** Hands over the names of those who came into view with this state. */
  forEntered(hear: (entered: NetId) => void): void {
    const slots = this.#replica?.slots ?? NO_SLOTS;
    for (let at = 0; at < slots.length; at += 1) {
      const { netId, groups } = slots[at]!;
      for (let group = 0; netId !== undefined && group < groups.length; group += 1) {
        if (groups[group]?.entered !== this.#tick) continue;
        hear(netId);
        break;
      }
    }
  }

  /** For the world: the replica has taken a frame. */
  handleState(replica: Replica, tick: number): void {
    this.#replica = replica;
    this.#tick = tick;
    this.#isCurrent = true;
  }

  #read(number: number, slot: Slot): E {
    const exact = this.#exact[number] ?? new Exact(number);
    this.#exact[number] = exact;
    for (const sub of slot.groups) if (sub !== undefined && sub.base !== this.#tick) this.#isCurrent = false;
    if (exact.tick === this.#tick && exact.life === slot.life) return exact.entity as unknown as E;
    for (const { number: component, name, group, fields } of this.#plans.components) {
      const sub = slot.groups[group];
      if (sub === undefined || !hasComponent(sub.maskLow, sub.maskHigh, component)) {
        exact.entity[name] = undefined;
        continue;
      }
      const before = exact.life === slot.life ? (exact.entity[name] as Record<string, unknown> | undefined) : undefined;
      const values = before ?? {};
      for (const { name: field, kind, data } of fields) {
        const sequence = data.sequence < 0 ? undefined : sub.sequences[data.sequence];
        // Texts and lists cost; no rules ask for them again and again.
        values[field] = readValue(kind, sub.codes, data.lanes[0], sequence, values[field]);
      }
      exact.entity[name] = values;
    }
    exact.tick = this.#tick;
    exact.life = slot.life;
    return exact.entity as unknown as E;
  }
}

const NO_SLOTS: readonly Slot[] = [];
