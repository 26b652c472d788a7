/** Where a replica keeps what it sees. See `replica/slot.rs`. */

import type { FieldData, GroupData, RecordData } from '../schema.ts';
import { HISTORY_ON_ENTRY } from './frame.ts';
import { type Change, type Living, lastingFields, liveFields, NO_CODES, type Sequence } from './values.ts';

/** Where an entity is kept while it is in view. */
export class Slot {
  /** Rises with each entity that is kept here. */
  life = 0;
  /** The entity's name, in games with references. */
  netId: number | undefined;
  isTaken = false;
  /** Its state by group. */
  readonly groups: (SubEntity | undefined)[];

  constructor(groups: number) {
    this.groups = new Array<SubEntity | undefined>(groups).fill(undefined);
  }

  /** Whether an entity is in view here. */
  get isSeen(): boolean {
    for (let group = 0; group < this.groups.length; group += 1) if (this.groups[group] !== undefined) return true;
    return false;
  }

  /** Forgets the entity. */
  clear(): void {
    this.isTaken = false;
    this.netId = undefined;
    this.groups.fill(undefined);
  }
}

/** An entity's state of one group. */
export class SubEntity implements Living {
  /** Number of its group. */
  readonly group: number;
  readonly record: RecordData;
  readonly maskLow: number;
  readonly maskHigh: number;
  readonly archetype: number;
  readonly live: readonly FieldData[];
  readonly lasting: readonly FieldData[];
  /** Tick at which it entered. */
  readonly entered: number;
  /** Tick of `codes`. */
  base: number;
  /** How far before that `previous` is; 0: there is none. */
  gap = 0;
  history = HISTORY_ON_ENTRY;
  codes: Uint32Array;
  previous: Uint32Array;
  sequences: Sequence[];
  /** Where the next state is made. */
  #next: Uint32Array;
  #nextSequences: Sequence[];

  constructor(group: number, { record }: GroupData, mask: readonly [number, number], archetype: number, tick: number) {
    this.group = group;
    this.record = record;
    this.maskLow = mask[0];
    this.maskHigh = mask[1];
    this.archetype = archetype;
    this.live = liveFields(this);
    this.lasting = lastingFields(this);
    this.entered = tick;
    this.base = tick;
    this.codes = Uint32Array.from(record.lanes, (lane) => lane.zero);
    this.previous = new Uint32Array(this.codes.length);
    this.#next = new Uint32Array(this.codes.length);
    this.sequences = new Array<Sequence>(record.sequences).fill(NO_CODES);
    this.#nextSequences = new Array<Sequence>(record.sequences).fill(NO_CODES);
  }

  /** Fills in what a change to the state of `tick` starts from. */
  begin(change: Change, tick: number): void {
    change.steps = Math.abs(ticksSince(tick, this.base));
    change.base = this.codes;
    change.previous = this.gap === change.steps ? this.previous : undefined;
    change.baseSequences = this.sequences;
    change.codes = this.#next;
    change.sequences = this.#nextSequences;
  }

  /** Takes over the state that a change has made. */
  end(change: Change, tick: number): void {
    // The buffers change places: what was the state before is the next to be written.
    this.#next = this.previous;
    this.#nextSequences = this.sequences;
    this.previous = this.codes;
    this.codes = change.codes;
    this.sequences = change.sequences;
    this.gap = change.steps;
    this.base = tick;
  }
}

/** Ticks from `earlier` to `later`; they wrap after 2³². */
export function ticksSince(later: number, earlier: number): number {
  return (later - earlier) | 0;
}
