/**
 * A client's copy of the part of the world that it sees, decoded from state frames. See `replication.rs` for the format
 * and `replica.rs` for its twin. After an error the copy is of no use until a fresh frame comes.
 */

import type { Protocol } from '../schema.ts';
import { checkOfSum, checkOfTick, inSlot } from './checksum.ts';
import { takeSubEntity } from './entry.ts';
import { ENTRY, historyAfter, noHeader, STATUS, takeHeader } from './frame.ts';
import { FrameError, LIMITS } from './frame-error.ts';
import { Decoder, placeOf, Tables } from './rans.ts';
import { reportOf } from './report.ts';
import { Slot, type SubEntity } from './slot.ts';
import { predict, takeUpdate } from './update.ts';
import { type Change, hashState, isThere, NO_CODES, NO_REFERENCE, type Sequence, type Shape } from './values.ts';
import { takeEntry, takePosition } from './whole.ts';

export { Slot, SubEntity } from './slot.ts';

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

/** A short-lived happening of the last frame. */
export interface ReplicaEvent {
  /** Its number in the protocol. */
  readonly number: number;
  readonly tick: number;
  readonly codes: Uint32Array;
  readonly sequences: readonly Sequence[];
}

/** A reference, to be looked up once the frame's entities are all known. */
interface Pending {
  readonly codes: Uint32Array;
  readonly lane: number;
  readonly target: number;
}

const NO_SEQUENCES: readonly Sequence[] = [];

/** The mask of an event: all there is. */
const ALL = 0xffff_ffff;

/**
 * A client's copy of what it sees. What is done for each entity of each frame counts its way through lists: an iterator
 * would leave an object behind for every one of them.
 */
export class Replica {
  readonly #protocol: Protocol;
  readonly #decoder: Decoder;
  /** Lanes of all groups together. */
  readonly #lanes: number;
  #header = noHeader();
  /** The header that is being decoded. */
  #nextHeader = noHeader();
  #hasState = false;
  /** Tick of the last frame that carried a sum. */
  #audited = 0;
  readonly #slots: Slot[] = [];
  /** No free slot lies below. */
  #lowestFree = 0;
  /** Where the view lies: new entities are placed from here. */
  readonly #anchorPoint: number[] = [];
  readonly #names = new Map<number, Slot>();
  readonly #events: ReplicaEvent[] = [];
  readonly #pending: Pending[] = [];
  readonly #change: Change = {
    base: NO_CODES,
    previous: undefined,
    baseSequences: [],
    steps: 0,
    codes: NO_CODES,
    sequences: [],
  };
  readonly #info: FrameInfo = { tick: 0, steps: 0, isFresh: false, inputApplied: undefined, checksum: undefined };

  constructor(protocol: Protocol) {
    this.#protocol = protocol;
    this.#decoder = new Decoder(new Tables(protocol.model));
    this.#lanes = protocol.model.groups.reduce((sum, { record }) => sum + record.lanes.length, 0);
  }

  /** The tick that the replica is at; undefined before the first frame. */
  get tick(): number | undefined {
    return this.#hasState ? this.#header.tick : undefined;
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
    return reportOf(this.#slots, this.#audited, this.#header.tick);
  }

  #take(bytes: Uint8Array): void {
    const decoder = this.#decoder;
    decoder.begin(bytes);
    this.#takeHeader();
    this.#takeStatuses();
    this.#takeEntries();
    if (this.#protocol.model.hasReferences) this.#takeReferences();
    this.#takeEvents();
    this.#settle();
    const check = decoder.finish();
    const info = this.#info;
    const { tick, hasSum } = this.#header;
    if (hasSum) this.#audited = tick;
    else if (check !== checkOfTick(tick)) throw new FrameError('malformed');
    info.tick = tick;
    info.steps = this.#header.steps;
    info.isFresh = this.#header.isFresh;
    info.inputApplied = this.#header.inputApplied;
    info.checksum = hasSum ? check === checkOfSum(this.#sum(), tick) : undefined;
  }

  #takeHeader(): void {
    const before = this.#header;
    const header = this.#nextHeader;
    takeHeader(this.#decoder, this.#protocol.model.frame, before, header);
    if (header.isFresh) this.#clear();
    else if (!this.#hasState) throw new FrameError('no base');
    this.#header = header;
    this.#nextHeader = before;
    this.#hasState = true;
    this.#events.length = 0;
    this.#pending.length = 0;
  }

  /** Empties the slots. They stay, so that each goes on counting its lives. */
  #clear(): void {
    for (const slot of this.#slots) slot.clear();
    this.#names.clear();
    this.#anchorPoint.length = 0;
    this.#lowestFree = 0;
  }

  #takeStatuses(): void {
    const { groups } = this.#protocol.model;
    for (let at = 0; at < this.#slots.length; at += 1) {
      const slot = this.#slots[at]!;
      if (!slot.isTaken) continue;
      for (let group = 0; group < groups.length; group += 1) {
        const sub = slot.groups[group];
        if (sub !== undefined) slot.groups[group] = this.#takeStatus(sub);
      }
    }
    this.#moveAnchor();
  }

  /** What has become of a sub-entity; undefined where it is gone. */
  #takeStatus(sub: SubEntity): SubEntity | undefined {
    const decoder = this.#decoder;
    const change = this.#change;
    const { tick, hasDeferred } = this.#header;
    const { status } = this.#protocol.model.groups[sub.group]!;
    switch (decoder.symbol(placeOf(status, sub.archetype, sub.history + (hasDeferred ? 4 : 0)))) {
      case STATUS.exact:
        sub.begin(change, tick);
        predict(sub, change);
        sub.end(change, tick);
        sub.history = historyAfter(sub.history, true);
        return sub;
      case STATUS.changed:
        sub.begin(change, tick);
        takeUpdate(decoder, sub, change);
        sub.end(change, tick);
        sub.history = historyAfter(sub.history, false);
        return sub;
      case STATUS.leave:
        return undefined;
      case STATUS.reset:
        return this.#takeWhole(sub.group);
      case STATUS.deferred:
        return sub;
      default:
        throw new FrameError('malformed');
    }
  }

  #takeEntries(): void {
    const { frame } = this.#protocol.model;
    const decoder = this.#decoder;
    let count = 0;
    let slot: Slot | undefined;
    let codes = 0;
    for (;;) {
      const kind = decoder.symbol(placeOf(frame.entry, 0, Math.min(count, 3)));
      if (kind === ENTRY.end) break;
      if (count === 0) codes = this.#codesKept();
      if (kind === ENTRY.fresh) slot = this.#takeSlot();
      else if (kind === ENTRY.known) slot = this.#slots[decoder.bits(16)];
      else if (kind !== ENTRY.further) throw new FrameError('malformed');
      if (slot === undefined || !slot.isTaken) throw new FrameError('malformed');
      const sub = this.#takeWhole();
      codes += 3 * sub.codes.length;
      if (codes > LIMITS.replicaCodes) throw new FrameError('too large');
      if (slot.groups[sub.group] !== undefined) throw new FrameError('malformed');
      slot.groups[sub.group] = sub;
      this.#moveAnchor();
      count += 1;
    }
    this.#checkSequences();
    this.#freeSlots();
  }

  /** No fewer than the codes of all states, those before them and those that are being made. */
  #codesKept(): number {
    let taken = 0;
    for (const slot of this.#slots) if (slot.isTaken) taken += 1;
    return 3 * taken * this.#lanes;
  }

  /** Updates too can make texts and lists longer. */
  #checkSequences(): void {
    let total = 0;
    for (let slot = 0; slot < this.#slots.length; slot += 1) {
      const { groups } = this.#slots[slot]!;
      for (let group = 0; group < groups.length; group += 1) {
        const sequences = groups[group]?.sequences ?? NO_SEQUENCES;
        for (let at = 0; at < sequences.length; at += 1) total += sequences[at]!.length;
      }
    }
    if (total > LIMITS.replicaSequenceCodes) throw new FrameError('too large');
  }

  /** Slots left in this frame are free from the next on. */
  #freeSlots(): void {
    for (let at = 0; at < this.#slots.length; at += 1) {
      const slot = this.#slots[at]!;
      if (!slot.isTaken || slot.isSeen) continue;
      if (slot.netId !== undefined) this.#names.delete(slot.netId);
      slot.clear();
    }
    this.#lowestFree = 0;
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
      const index = this.#decoder.unsigned(frame.index[0]);
      const generation = this.#decoder.unsigned(frame.generation[0]);
      slot.netId = short(generation) * 0x1_0000 + short(index);
      this.#names.set(slot.netId, slot);
    }
    return slot;
  }

  /** The whole state of a sub-entity, of the expected group if that is known. */
  #takeWhole(expected?: number): SubEntity {
    const decoder = this.#decoder;
    const sub = takeSubEntity(decoder, this.#protocol.model, this.#header.tick);
    if (expected !== undefined && expected !== sub.group) throw new FrameError('malformed');
    this.#takeRecord(sub, sub.codes, sub.sequences);
    return sub;
  }

  /** Position and entry of a record, and what it refers to. */
  #takeRecord(shape: Shape, codes: Uint32Array, sequences: Sequence[]): void {
    const decoder = this.#decoder;
    takePosition(decoder, shape, this.#anchorPoint, codes);
    takeEntry(decoder, shape, codes, sequences);
    const { frame, hasReferences } = this.#protocol.model;
    if (!hasReferences) return;
    for (const number of shape.record.order) {
      const field = shape.record.fields[number]!;
      if (field.coding.type !== 'reference' || !isThere(field, shape)) continue;
      this.#pending.push({ codes, lane: field.lanes[0], target: decoder.unsigned(frame.target[0]) });
    }
  }

  /** References of known entities that now mean another. */
  #takeReferences(): void {
    const { frame } = this.#protocol.model;
    const decoder = this.#decoder;
    while (decoder.flag(frame.reference[0])) {
      const slot = decoder.bits(16);
      const group = decoder.symbol(frame.group[0]);
      const lane = decoder.bits(8);
      const target = decoder.unsigned(frame.target[0]);
      const sub = this.#slots[slot]?.groups[group];
      const isReference = sub?.record.fields.some(
        (field) => field.coding.type === 'reference' && field.lanes[0] === lane && isThere(field, sub),
      );
      if (sub === undefined || !isReference) throw new FrameError('malformed');
      this.#pending.push({ codes: sub.codes, lane, target });
    }
  }

  #takeEvents(): void {
    const { events, frame } = this.#protocol.model;
    const decoder = this.#decoder;
    const ticks = Math.max(1, this.#header.steps);
    for (;;) {
      const kind = decoder.symbol(placeOf(frame.event, 0, Math.min(this.#events.length, 3)));
      if (kind === 0) return;
      if (this.#events.length === LIMITS.eventsPerFrame) throw new FrameError('too large');
      const age = ticks > 1 ? decoder.unsigned(frame.age[0]) : 0;
      if (age >= ticks) throw new FrameError('out of range');
      const record = events[kind - 1]!;
      const codes = Uint32Array.from(record.lanes, (lane) => lane.zero);
      const sequences = new Array<Sequence>(record.sequences).fill(NO_CODES);
      this.#takeRecord({ record, maskLow: ALL, maskHigh: ALL, archetype: 0 }, codes, sequences);
      this.#events.push({ number: kind - 1, tick: (this.#header.tick - age) >>> 0, codes, sequences });
    }
  }

  /** Puts names where the frame named slots. */
  #settle(): void {
    for (const { codes, lane, target } of this.#pending) {
      const netId = target === 0 ? NO_REFERENCE : this.#slots[target - 1]?.netId;
      if (netId === undefined) throw new FrameError('malformed');
      codes[lane] = netId;
    }
  }

  /** Follows the entity around which the view lies, while it is in view. */
  #moveAnchor(): void {
    const { anchor } = this.#header;
    if (anchor === undefined) return;
    for (const sub of this.#slots[anchor]?.groups ?? []) {
      const field = sub?.record.fields[sub.record.position];
      if (sub === undefined || field === undefined || !isThere(field, sub)) continue;
      this.#anchorPoint.length = 0;
      for (let at = field.lanes[0]; at < field.lanes[1]; at += 1) this.#anchorPoint.push(sub.codes[at]!);
      return;
    }
  }

  #sum(): number {
    let sum = 0;
    for (let slot = 0; slot < this.#slots.length; slot += 1) {
      const { groups } = this.#slots[slot]!;
      for (let group = 0; group < groups.length; group += 1) {
        const sub = groups[group];
        if (sub === undefined) continue;
        sum = (sum + inSlot(hashState(sub, sub.codes, sub.sequences), slot, sub.group)) | 0;
      }
    }
    return sum;
  }
}

function short(number: number): number {
  if (number > 0xffff) throw new FrameError('out of range');
  return number;
}
