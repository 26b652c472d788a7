/** Turning the game's objects into codes and back, and records on their own into bytes. See `record.rs`. */

import { NO_REFERENCE } from './replica/values.ts';
import { type FieldKind, type Lane, lanesOf, type RecordSchema } from './schema.ts';

/** An object of the game, by names of fields. */
export type GameRecord = Readonly<Record<string, unknown>>;

/** The codes of one record. */
interface Values {
  readonly codes: number[];
  readonly sequences: number[][];
}

const utf8 = new TextEncoder();
const utf8Decoder = new TextDecoder();

/** Bytes of a record: each code in as many bits as its lane needs, then sequences after their length. */
export function encodeRecord(schema: RecordSchema, record: GameRecord): Uint8Array {
  const out = new BitWriter();
  const values: Values = { codes: [], sequences: [] };
  for (const { name, kind } of schema.fields) quantize(kind, record[name], values);
  const lanes = schema.fields.flatMap(({ kind }) => lanesOf(kind));
  values.codes.forEach((code, at) => {
    out.bits(code, bitsOf(lanes[at]!.codeMax));
  });
  let next = 0;
  for (const { kind } of schema.fields) {
    if (kind.type !== 'text' && kind.type !== 'list') continue;
    const codes = values.sequences[next]!;
    next += 1;
    const elementLanes = elementLanesOf(kind);
    out.bits(codes.length / Math.max(1, elementLanes.length), bitsOf(kind.lenMax));
    codes.forEach((code, at) => {
      out.bits(code, bitsOf(elementLanes[at % elementLanes.length]!.codeMax));
    });
  }
  return out.finish();
}

/** Appends the codes of a value, on its grid: what is off it becomes the nearest that is not. */
function quantize(kind: FieldKind, value: unknown, out: Values): void {
  switch (kind.type) {
    case 'number':
      out.codes.push(numberCode(kind, value));
      break;
    case 'angle':
      out.codes.push(modulo(Math.round(finite(value)), 2 ** kind.bits));
      break;
    case 'flag':
      out.codes.push(value === true ? 1 : 0);
      break;
    case 'choice':
      out.codes.push(Math.max(0, kind.variants.indexOf(String(value))));
      break;
    case 'vector':
      for (let axis = 0; axis < kind.axes; axis += 1) {
        out.codes.push(numberCode(kind.axis, (value as readonly number[] | undefined)?.[axis]));
      }
      break;
    case 'rotation':
      out.codes.push(...rotationCodes(kind.bits, value as readonly number[]));
      break;
    case 'reference':
      out.codes.push(typeof value === 'number' ? value : NO_REFERENCE);
      break;
    case 'option':
      out.codes.push(value === undefined ? 0 : 1);
      if (value === undefined) out.codes.push(...lanesOf(kind.value).map(() => 0));
      else quantize(kind.value, value, out);
      break;
    case 'text':
      out.sequences.push([...cutText(String(value ?? ''), kind.lenMax)]);
      break;
    case 'list': {
      const elements: Values = { codes: [], sequences: [] };
      for (const element of ((value ?? []) as readonly unknown[]).slice(0, kind.lenMax)) {
        quantize(kind.element, element, elements);
      }
      out.sequences.push(elements.codes);
      break;
    }
    default:
      kind satisfies never;
  }
}

/** Reads a value from its codes, on the game's scale. Vectors are written into `into` where there is one. */
export function readValue(
  kind: FieldKind,
  codes: ArrayLike<number>,
  at: number,
  sequence: ArrayLike<number> | undefined,
  into?: unknown,
): unknown {
  switch (kind.type) {
    case 'number':
      return kind.min + codes[at]! * kind.step;
    case 'angle':
      return codes[at]!;
    case 'flag':
      return codes[at] !== 0;
    case 'choice':
      return kind.variants[codes[at]!];
    case 'vector': {
      const vector = (into as number[] | undefined) ?? new Array<number>(kind.axes);
      for (let axis = 0; axis < kind.axes; axis += 1) vector[axis] = kind.axis.min + codes[at + axis]! * kind.axis.step;
      return vector;
    }
    case 'rotation':
      return rotationOf(kind.bits, codes, at, (into as number[] | undefined) ?? [0, 0, 0, 1]);
    case 'reference':
      return codes[at] === NO_REFERENCE ? undefined : codes[at];
    case 'option':
      return codes[at] === 0 ? undefined : readValue(kind.value, codes, at + 1, sequence);
    case 'text':
      return utf8Decoder.decode(Uint8Array.from(sequence ?? []));
    case 'list': {
      const elements: unknown[] = [];
      const width = Math.max(1, lanesOf(kind.element).length);
      for (let first = 0; sequence !== undefined && first < sequence.length; first += width) {
        elements.push(readValue(kind.element, sequence, first, undefined));
      }
      return elements;
    }
    default:
      return kind satisfies never;
  }
}

/** An object made of a whole record's codes. */
export function recordOf(
  { fields }: RecordSchema,
  codes: ArrayLike<number>,
  sequences: readonly ArrayLike<number>[],
): Record<string, unknown> {
  const record: Record<string, unknown> = {};
  let lane = 0;
  let sequence = 0;
  for (const { name, kind } of fields) {
    const isSequence = kind.type === 'text' || kind.type === 'list';
    record[name] = readValue(kind, codes, lane, isSequence ? sequences[sequence] : undefined);
    lane += lanesOf(kind).length;
    sequence += isSequence ? 1 : 0;
  }
  return record;
}

function elementLanesOf(kind: Extract<FieldKind, { type: 'text' | 'list' }>): readonly Lane[] {
  return kind.type === 'text' ? [{ codeMax: 255, isCyclic: false, zero: 0 }] : lanesOf(kind.element);
}

function numberCode(kind: Extract<FieldKind, { type: 'number' }>, value: unknown): number {
  const code = Math.floor((finite(value) - kind.min) / kind.step + 0.5);
  return Math.min(Math.max(code, 0), kind.codeMax);
}

function rotationCodes(bits: number, value: readonly number[] | undefined): number[] {
  const quaternion = value ?? [0, 0, 0, 1];
  let dropped = 0;
  for (let at = 1; at < 4; at += 1) {
    if (Math.abs(quaternion[at]!) > Math.abs(quaternion[dropped]!)) dropped = at;
  }
  const sign = quaternion[dropped]! < 0 ? -1 : 1;
  const most = 2 ** bits - 1;
  const codes = [dropped];
  for (let at = 0; at < 4; at += 1) {
    if (at === dropped) continue;
    const share = (sign * finite(quaternion[at]) * Math.SQRT2 + 1) / 2;
    codes.push(Math.min(Math.max(Math.floor(share * most + 0.5), 0), most));
  }
  return codes;
}

function rotationOf(bits: number, codes: ArrayLike<number>, first: number, into: number[]): number[] {
  const most = 2 ** bits - 1;
  const dropped = codes[first]! & 3;
  let squares = 0;
  let next = first + 1;
  for (let at = 0; at < 4; at += 1) {
    if (at === dropped) continue;
    const part = ((2 * codes[next]!) / most - 1) / Math.SQRT2;
    squares += part * part;
    into[at] = part;
    next += 1;
  }
  into[dropped] = Math.sqrt(Math.max(0, 1 - squares));
  return into;
}

function cutText(text: string, lengthMax: number): Uint8Array {
  const bytes = utf8.encode(text);
  let end = Math.min(bytes.length, lengthMax);
  while (end < bytes.length && end > 0 && (bytes[end]! & 0xc0) === 0x80) end -= 1;
  return bytes.subarray(0, end);
}

function finite(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
}

function modulo(value: number, around: number): number {
  return ((value % around) + around) % around;
}

function bitsOf(most: number): number {
  return most === 0 ? 0 : 32 - Math.clz32(most);
}

/** Appends numbers in as many bits as they need, lowest bit first. */
class BitWriter {
  readonly #bytes: number[] = [];
  #pending = 0;
  #pendingBits = 0;

  bits(value: number, count: number): void {
    // At most 7 bits wait, so that sums stay below 2⁴⁰.
    this.#pending += value * 2 ** this.#pendingBits;
    this.#pendingBits += count;
    while (this.#pendingBits >= 8) {
      this.#bytes.push(this.#pending % 256);
      this.#pending = Math.floor(this.#pending / 256);
      this.#pendingBits -= 8;
    }
  }

  finish(): Uint8Array {
    if (this.#pendingBits > 0) this.#bytes.push(this.#pending % 256);
    return Uint8Array.from(this.#bytes);
  }
}
