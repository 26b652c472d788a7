/** The state of a group, or an event: what both ends may know of it, and what it is. See `values.rs`. */

import type { FieldData, RecordData } from '../schema.ts';
import { addToHash, beginHash, endHash } from './checksum.ts';

/** Codes of a text or list. Never changed once made. */
export type Sequence = Uint32Array;

export const NO_CODES: Sequence = new Uint32Array(0);

/** A reference that points at nothing. */
export const NO_REFERENCE = 0xffff_ffff;

/** A record of which the components in the mask are there. */
export interface Shape {
  readonly record: RecordData;
  readonly maskLow: number;
  readonly maskHigh: number;
  readonly archetype: number;
}

/** A record that goes from state to state, with what of it is looked at each time: worked out once, in `liveFields`. */
export interface Living extends Shape {
  /** Those that updates speak of, in the order of coding. */
  readonly live: readonly FieldData[];
  /** Those that a hash of the lasting state includes. */
  readonly lasting: readonly FieldData[];
}

/** What this side has of a sub-entity, and the state that is being made of it. */
export interface Change {
  /** Codes at the base tick. */
  base: Uint32Array;
  /** Codes as many ticks before; undefined where there are none. */
  previous: Uint32Array | undefined;
  baseSequences: readonly Sequence[];
  /** Ticks from the base to the present. */
  steps: number;
  /** The state in the making. */
  codes: Uint32Array;
  sequences: Sequence[];
}

/** Whether a set of components has this one. */
export function hasComponent(maskLow: number, maskHigh: number, component: number): boolean {
  return (component < 32 ? maskLow >>> component : maskHigh >>> (component - 32)) % 2 === 1;
}

/** Hash of the lasting state: what depends neither on who looks nor on the moment. */
export function hashState(shape: Living, codes: Uint32Array, sequences: readonly Sequence[]): number {
  let hash = beginHash(shape.maskLow, shape.maskHigh);
  for (let number = 0; number < shape.lasting.length; number += 1) {
    const field = shape.lasting[number]!;
    for (let at = field.lanes[0]; at < field.lanes[1]; at += 1) hash = addToHash(hash, codes[at]!);
    if (field.sequence < 0) continue;
    const sequence = sequences[field.sequence]!;
    hash = addToHash(hash, sequence.length);
    for (let at = 0; at < sequence.length; at += 1) hash = addToHash(hash, sequence[at]!);
  }
  return endHash(hash);
}

/** The fields that updates of a record speak of, in the order of coding. */
export function liveFields(shape: Shape): FieldData[] {
  const { order, fields } = shape.record;
  return order.map((number) => fields[number]!).filter((field) => isThere(field, shape) && isLive(field));
}

/** The fields that a hash of a record's lasting state includes. */
export function lastingFields(shape: Shape): FieldData[] {
  return shape.record.fields.filter(
    (field) => isThere(field, shape) && !field.isTransient && field.coding.type !== 'reference',
  );
}

/** Whether a record has the field's component. */
export function isThere(field: FieldData, shape: Shape): boolean {
  return hasComponent(shape.maskLow, shape.maskHigh, field.component);
}

/** Whether updates speak of the field. */
function isLive(field: FieldData): boolean {
  return !field.isStatic && field.coding.type !== 'reference';
}
