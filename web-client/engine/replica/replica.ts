/**
 * A client's copy of the part of the world that it sees, decoded from state frames. See `replication.rs` for the format
 * and `replica.rs` for its twin. After an error the copy is of no use until a fresh frame comes.
 */

import type { GroupData, Protocol, RecordData } from '../schema.ts';
import { checkOfSum, checkOfTick, inSlot } from './checksum.ts';
import { FrameError, LIMITS } from './frame-error.ts';
import { Decoder, placeOf, Tables } from './rans.ts';
import {
  type Change,
  hasComponent,
  hashState,
  isLasting,
  isThere,
  NO_CODES,
  NO_REFERENCE,
  predict,
  type Sequence,
  type Shape,
  takeEntry,
  takePosition,
  takeUpdate,
} from './values.ts';

/** What a frame said of itself. The same object is used for each frame. */
export interface FrameInfo {
  /** The tick that the replica is at now. */
  tick: number;
  /** Ticks since the frame before; 0 after a fresh start. */
  steps: number;
  isFresh: boolean;
  /** Tick of the client's newest input that the state includes. */
  inputApplied: number | undefined;
  /** `false`: the replica is not what the server believes; see `Replica.report`. */
  checksum: boolean | undefined;
}

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
    for (const sub of this.groups) if (sub !== undefined) return true;
    return false;
  }
}

/** An entity's state of one group. */
export class SubEntity implements Shape {
  readonly record: RecordData;
  readonly maskLow: number;
  readonly maskHigh: number;
  readonly archetype: number;
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
  #spareCodes: Uint32Array;
  #spareSequences: Sequence[];

  constructor(group: GroupData, maskLow: number, maskHigh: number, archetype: number, tick: number) {
    const { record } = group;
    this.record = record;
    this.maskLow = maskLow;
    this.maskHigh = maskHigh;
    this.archetype = archetype;
    this.entered = tick;
    this.base = tick;
    this.codes = Uint32Array.from(record.lanes, (lane) => lane.zero);
    this.previous = new Uint32Array(this.codes.length);
    this.#spareCodes = new Uint32Array(this.codes.length);
    this.sequences = new Array<Sequence>(record.sequences).fill(NO_CODES);
    this.#spareSequences = new Array<Sequence>(record.sequences).fill(NO_CODES);
  }

  /** Fills in what a change to the state of `tick` starts from. */
  begin(change: Change, tick: number): void {
    change.steps = ticksSince(tick, this.base);
    change.base = this.codes;
    change.previous = this.gap === change.steps ? this.previous : undefined;
    change.baseSequences = this.sequences;
    change.codes = this.#spareCodes;
    change.sequences = this.#spareSequences;
  }

  /** Takes over the state that a change has made. */
  end(change: Change, tick: number): void {
    this.#spareCodes = this.previous;
    this.#spareSequences = this.sequences;
    this.previous = this.codes;
    this.codes = change.codes;
    this.sequences = change.sequences;
    this.gap = change.steps;
    this.base = tick;
  }
}

/** A short-lived happening of the last frame. */
export interface ReplicaEvent {
  /** Its number in the protocol. */
  readonly number: number;
  readonly tick: number;
  readonly codes: Uint32Array;
  readonly sequences: readonly Sequence[];
}

interface Reference {
  readonly codes: Uint32Array;
  readonly lane: number;
  readonly target: number;
}

const HISTORY_ON_ENTRY = 1;
const STATUS = { exact: 0, changed: 1, leave: 2, reset: 3, deferred: 4 } as const;
const ENTRY = { end: 0, fresh: 1, further: 2, known: 3 } as const;
const ALL = 0xffff_ffff;

/** A client's copy of what it sees. */
export class Replica {
  readonly #protocol: Protocol;
  readonly #decoder: Decoder;
  readonly #slots: Slot[] = [];
  readonly #names = new Map<number, Slot>();
  readonly #events: ReplicaEvent[] = [];
  readonly #references: Reference[] = [];
  readonly #change: Change = {
    base: NO_CODES,
    previous: undefined,
    baseSequences: [],
    steps: 0,
    codes: NO_CODES,
    sequences: [],
  };
  readonly #info: FrameInfo = {
    tick: 0,
    steps: 0,
    isFresh: false,
    inputApplied: undefined,
    checksum: undefined,
  };
  #anchor: number | undefined;
  /** Where the view lies: new entities are placed from here. */
  readonly #anchorPoint: number[] = [];
  #hasDeferred = false;
  #hasState = false;
  /** No free slot lies below. */
  #lowestFree = 0;
  /** Tick of the last frame that carried a sum. */
  #audited = 0;

  constructor(protocol: Protocol) {
    this.#protocol = protocol;
    this.#decoder = new Decoder(new Tables(protocol.model));
  }

  /** The tick that the replica is at; undefined before the first frame. */
  get tick(): number | undefined {
    return this.#hasState ? this.#info.tick : undefined;
  }

  /** Where entities are kept. Look at those that are seen. */
  get slots(): readonly Slot[] {
    return this.#slots;
  }

  /** Events of the last frame, oldest first. */
  get events(): readonly ReplicaEvent[] {
    return this.#events;
  }

  /** Where the entity with this name is, if it is in view. */
  find(netId: number): Slot | undefined {
    return this.#names.get(netId);
  }

  /** Takes a frame in. After an error only a fresh frame is taken. */
  apply(bytes: Uint8Array): FrameInfo {
    try {
      this.#take(bytes);
      return this.#info;
    } catch (error) {
      this.#hasState = false;
      throw error;
    }
  }

  /** What the replica holds, for the server to say where it differs. */
  report(): Uint8Array {
    const out: number[] = [];
    pushVarint(out, this.#audited);
    pushVarint(out, this.#info.tick);
    const all: [slot: number, group: number, sub: SubEntity][] = [];
    this.#slots.forEach((slot, number) => {
      slot.groups.forEach((sub, group) => {
        if (sub !== undefined && ticksSince(this.#audited, sub.entered) >= 0) all.push([number, group, sub]);
      });
    });
    const first = this.#info.tick % Math.max(1, all.length);
    for (const [slot, group, sub] of [...all.slice(first), ...all.slice(0, first)]) {
      const part: number[] = [];
      const age = ticksSince(this.#info.tick, sub.base);
      for (const number of [slot, group, age, sub.maskLow, sub.maskHigh]) pushVarint(part, number);
      for (const field of sub.record.fields) {
        if (!isLasting(field, sub)) continue;
        for (let at = field.lanes[0]; at < field.lanes[1]; at += 1) pushVarint(part, sub.codes[at]!);
        if (field.sequence < 0) continue;
        const sequence = sub.sequences[field.sequence]!;
        pushVarint(part, sequence.length);
        for (const code of sequence) pushVarint(part, code);
      }
      if (out.length + part.length > LIMITS.reportBytes) break;
      out.push(...part);
    }
    return Uint8Array.from(out);
  }

  #take(bytes: Uint8Array): void {
    const decoder = this.#decoder;
    const { model } = this.#protocol;
    decoder.begin(bytes);
    const hasSum = this.#takeHeader();
    this.#events.length = 0;
    this.#references.length = 0;
    this.#takeStatuses();
    this.#takeEntries();
    if (model.hasReferences) this.#takeReferences();
    this.#takeEvents();
    this.#settle();
    const check = decoder.finish();
    const { tick } = this.#info;
    if (hasSum) {
      this.#audited = tick;
      this.#info.checksum = check === checkOfSum(this.#sum(), tick);
    } else {
      this.#info.checksum = undefined;
      if (check !== checkOfTick(tick)) throw new FrameError('malformed');
    }
  }

  /** Whether the frame carries a sum. */
  #takeHeader(): boolean {
    const decoder = this.#decoder;
    const info = this.#info;
    const { frame } = this.#protocol.model;
    const isFresh = decoder.flag(frame.fresh[0]);
    if (!isFresh && !this.#hasState) throw new FrameError('no base');
    const appliedBefore = info.inputApplied;
    if (isFresh) {
      info.tick = decoder.bits(32);
      info.steps = 0;
    } else {
      info.steps = decoder.unsigned(frame.steps[0]) + 1;
      info.tick = (info.tick + info.steps) >>> 0;
    }
    info.isFresh = isFresh;
    switch (decoder.symbol(frame.input[0])) {
      case 0:
        info.inputApplied = appliedBefore === undefined ? undefined : (appliedBefore + info.steps) >>> 0;
        break;
      case 1:
        info.inputApplied = undefined;
        break;
      case 2:
        break;
      default:
        info.inputApplied = decoder.bits(32);
    }
    this.#hasDeferred = decoder.flag(frame.deferred[0]);
    const hasSum = decoder.flag(frame.sum[0]);
    if (isFresh) this.#anchor = undefined;
    if (decoder.flag(frame.anchor[0])) {
      const next = decoder.bits(16);
      this.#anchor = next === 0 ? undefined : next - 1;
    }
    if (isFresh) this.#clear();
    this.#hasState = true;
    return hasSum;
  }

  #clear(): void {
    for (const slot of this.#slots) {
      slot.isTaken = false;
      slot.netId = undefined;
      slot.groups.fill(undefined);
    }
    this.#names.clear();
    this.#anchorPoint.length = 0;
    this.#lowestFree = 0;
  }

  #takeStatuses(): void {
    const { groups } = this.#protocol.model;
    const decoder = this.#decoder;
    const change = this.#change;
    const { tick } = this.#info;
    for (let number = 0; number < this.#slots.length; number += 1) {
      const slot = this.#slots[number]!;
      if (!slot.isTaken) continue;
      for (let group = 0; group < groups.length; group += 1) {
        const sub = slot.groups[group];
        if (sub === undefined) continue;
        const context = sub.history + (this.#hasDeferred ? 4 : 0);
        switch (decoder.symbol(placeOf(groups[group]!.status, sub.archetype, context))) {
          case STATUS.exact:
            sub.begin(change, tick);
            predict(sub, change);
            sub.end(change, tick);
            sub.history = (sub.history << 1) & 2;
            break;
          case STATUS.changed:
            sub.begin(change, tick);
            takeUpdate(decoder, sub, change);
            sub.end(change, tick);
            sub.history = ((sub.history << 1) & 2) | 1;
            break;
          case STATUS.leave:
            slot.groups[group] = undefined;
            break;
          case STATUS.reset:
            if (this.#takeSubEntity(slot) !== group) throw new FrameError('malformed');
            break;
          case STATUS.deferred:
            break;
          default:
            throw new FrameError('malformed');
        }
      }
    }
    this.#moveAnchor();
  }

  #takeEntries(): void {
    const { model } = this.#protocol;
    const decoder = this.#decoder;
    let count = 0;
    let slot: Slot | undefined;
    let codes = 0;
    for (;;) {
      const kind = decoder.symbol(placeOf(model.frame.entry, 0, Math.min(count, 3)));
      if (kind === ENTRY.end) break;
      if (kind === ENTRY.fresh) slot = this.#takeSlot();
      else if (kind === ENTRY.known) slot = this.#slots[decoder.bits(16)];
      else if (kind !== ENTRY.further) throw new FrameError('malformed');
      if (slot === undefined || !slot.isTaken) throw new FrameError('malformed');
      const group = this.#takeSubEntity(slot, true);
      codes += 2 * slot.groups[group]!.codes.length;
      if (codes > LIMITS.replicaCodes) throw new FrameError('too large');
      this.#moveAnchor();
      count += 1;
    }
    if (count > 0) this.#checkSequences();
    // Slots left in this frame are free from the next on.
    for (const left of this.#slots) {
      if (!left.isTaken || left.isSeen) continue;
      left.isTaken = false;
      if (left.netId !== undefined) this.#names.delete(left.netId);
      left.netId = undefined;
    }
    this.#lowestFree = 0;
  }

  #checkSequences(): void {
    let total = 0;
    for (const slot of this.#slots) {
      for (const sub of slot.groups) {
        if (sub !== undefined) for (const sequence of sub.sequences) total += sequence.length;
      }
    }
    if (total > LIMITS.replicaSequenceCodes) throw new FrameError('too large');
  }

  /** The lowest free slot, with the name of the entity that moves in. */
  #takeSlot(): Slot {
    const { frame, groups, hasReferences } = this.#protocol.model;
    while (this.#slots[this.#lowestFree]?.isTaken) this.#lowestFree += 1;
    if (this.#lowestFree >= LIMITS.entities) throw new FrameError('too large');
    let slot = this.#slots[this.#lowestFree];
    if (slot === undefined) {
      slot = new Slot(groups.length);
      this.#slots.push(slot);
    }
    slot.isTaken = true;
    slot.life += 1;
    if (hasReferences) {
      const index = short(this.#decoder.unsigned(frame.index[0]));
      const generation = short(this.#decoder.unsigned(frame.generation[0]));
      slot.netId = generation * 0x1_0000 + index;
      this.#names.set(slot.netId, slot);
    }
    return slot;
  }

  /** Decodes the whole state of a sub-entity into its slot. Returns its group. */
  #takeSubEntity(slot: Slot, isNew = false): number {
    const { model } = this.#protocol;
    const decoder = this.#decoder;
    const archetype = decoder.symbol(model.frame.archetype[0]);
    let [group, maskLow, maskHigh] = [0, 0, 0];
    if (archetype > 0) {
      const known = model.archetypes[archetype - 1];
      if (known === undefined) throw new FrameError('malformed');
      group = known.group;
      [maskLow, maskHigh] = known.mask;
    } else {
      group = decoder.symbol(model.frame.group[0]);
      [maskLow, maskHigh] = this.#takeMask(group);
    }
    const sub = new SubEntity(
      model.groups[group]!,
      maskLow,
      maskHigh,
      archetype > 0 ? archetype : this.#archetype(group, maskLow, maskHigh),
      this.#info.tick,
    );
    takePosition(decoder, sub, this.#anchorPoint, sub.codes);
    takeEntry(decoder, sub, sub.codes, sub.sequences);
    this.#takeTargets(sub, sub.codes);
    if (isNew && slot.groups[group] !== undefined) throw new FrameError('malformed');
    slot.groups[group] = sub;
    return group;
  }

  #takeMask(group: number): [low: number, high: number] {
    const { groups, frame } = this.#protocol.model;
    const members = groups[group]?.mask;
    if (members === undefined) throw new FrameError('malformed');
    let [low, high] = [0, 0];
    for (let component = 0; component < 64; component += 1) {
      if (!hasComponent(members[0], members[1], component)) continue;
      if (!this.#decoder.flag(frame.component[0])) continue;
      if (component < 32) low = (low | (1 << component)) >>> 0;
      else high = (high | (1 << (component - 32))) >>> 0;
    }
    if (low === 0 && high === 0) throw new FrameError('malformed');
    return [low, high];
  }

  #archetype(group: number, maskLow: number, maskHigh: number): number {
    const { archetypes } = this.#protocol.model;
    return (
      1 +
      archetypes.findIndex((known) => known.group === group && known.mask[0] === maskLow && known.mask[1] === maskHigh)
    );
  }

  /** Notes the references of a whole state, to be looked up once the frame's entities are known. */
  #takeTargets(shape: Shape, codes: Uint32Array): void {
    const { record } = shape;
    if (!this.#protocol.model.hasReferences) return;
    for (const number of record.order) {
      const field = record.fields[number]!;
      if (field.coding.type !== 'reference' || !isThere(field, shape)) continue;
      const target = this.#decoder.unsigned(this.#protocol.model.frame.target[0]);
      this.#references.push({ codes, lane: field.lanes[0], target });
    }
  }

  /** References of known entities that now mean another. */
  #takeReferences(): void {
    const { frame } = this.#protocol.model;
    const decoder = this.#decoder;
    while (decoder.flag(frame.reference[0])) {
      const slot = this.#slots[decoder.bits(16)];
      const sub = slot?.groups[decoder.symbol(frame.group[0])];
      const lane = decoder.bits(8);
      const target = decoder.unsigned(frame.target[0]);
      const isReference = sub?.record.fields.some(
        (field) => field.coding.type === 'reference' && field.lanes[0] === lane && isThere(field, sub),
      );
      if (sub === undefined || !isReference) throw new FrameError('malformed');
      this.#references.push({ codes: sub.codes, lane, target });
    }
  }

  #takeEvents(): void {
    const { events, frame } = this.#protocol.model;
    const decoder = this.#decoder;
    const ticks = Math.max(1, this.#info.steps);
    for (;;) {
      const kind = decoder.symbol(placeOf(frame.event, 0, Math.min(this.#events.length, 3)));
      if (kind === 0) return;
      if (this.#events.length === LIMITS.eventsPerFrame) throw new FrameError('too large');
      const age = ticks > 1 ? decoder.unsigned(frame.age[0]) : 0;
      if (age >= ticks) throw new FrameError('out of range');
      const record = events[kind - 1]!;
      const shape: Shape = { record, maskLow: ALL, maskHigh: ALL, archetype: 0 };
      const codes = Uint32Array.from(record.lanes, (lane) => lane.zero);
      const sequences = new Array<Sequence>(record.sequences).fill(NO_CODES);
      takePosition(decoder, shape, this.#anchorPoint, codes);
      takeEntry(decoder, shape, codes, sequences);
      this.#takeTargets(shape, codes);
      this.#events.push({ number: kind - 1, tick: (this.#info.tick - age) >>> 0, codes, sequences });
    }
  }

  /** Puts names where the frame named slots. */
  #settle(): void {
    for (const { codes, lane, target } of this.#references) {
      if (target === 0) {
        codes[lane] = NO_REFERENCE;
        continue;
      }
      const netId = this.#slots[target - 1]?.netId;
      if (netId === undefined) throw new FrameError('malformed');
      codes[lane] = netId;
    }
  }

  /** Follows the entity around which the view lies, while it is in view. */
  #moveAnchor(): void {
    if (this.#anchor === undefined) return;
    const slot = this.#slots[this.#anchor];
    if (slot === undefined) return;
    for (const sub of slot.groups) {
      const field = sub?.record.fields[sub.record.position];
      if (sub === undefined || field === undefined || !isThere(field, sub)) continue;
      this.#anchorPoint.length = 0;
      for (let at = field.lanes[0]; at < field.lanes[1]; at += 1) this.#anchorPoint.push(sub.codes[at]!);
      return;
    }
  }

  #sum(): number {
    let sum = 0;
    for (let number = 0; number < this.#slots.length; number += 1) {
      const { groups } = this.#slots[number]!;
      for (let group = 0; group < groups.length; group += 1) {
        const sub = groups[group];
        if (sub === undefined) continue;
        sum = (sum + inSlot(hashState(sub, sub.codes, sub.sequences), number, group)) | 0;
      }
    }
    return sum;
  }
}

/** Ticks from `earlier` to `later`; they wrap after 2³². */
function ticksSince(later: number, earlier: number): number {
  return (later - earlier) | 0;
}

function short(number: number): number {
  if (number > 0xffff) throw new FrameError('out of range');
  return number;
}

/** Seven bits a byte, lowest first; the top bit says that more follow. */
function pushVarint(out: number[], number: number): void {
  let rest = number;
  while (rest > 0x7f) {
    out.push((rest & 0x7f) | 0x80);
    rest = Math.floor(rest / 128);
  }
  out.push(rest);
}
