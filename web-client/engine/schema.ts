/**
 * What a game's data looks like, as the generated `protocol.ts` carries it: records for inputs, events and components,
 * and the codec's model. Mirrors `schema.rs` and `replication/model.rs` of the Rust side.
 */

/** A game, as both ends agree on it. */
export interface Protocol {
  readonly name: string;
  /** Hash of everything that both ends must agree on; stated at the handshake. */
  readonly hash: string;
  readonly tickRate: number;
  readonly components: readonly RecordSchema[];
  readonly events: readonly RecordSchema[];
  readonly input: RecordSchema;
  readonly join: RecordSchema;
  readonly model: ModelData;
}

/** A named list of fields. */
export interface RecordSchema {
  /** Name of the type, in lower camel case. */
  readonly name: string;
  readonly fields: readonly FieldSchema[];
}

/** One field. */
export interface FieldSchema {
  /** Name of the field, in lower camel case. */
  readonly name: string;
  readonly kind: FieldKind;
}

/** The values that a field can have. */
export type FieldKind =
  | NumberKind
  | { readonly type: 'angle'; readonly bits: number }
  | { readonly type: 'flag' }
  | { readonly type: 'choice'; readonly variants: readonly string[] }
  | { readonly type: 'vector'; readonly axes: number; readonly axis: NumberKind }
  | { readonly type: 'rotation'; readonly bits: number }
  | { readonly type: 'reference' }
  | { readonly type: 'option'; readonly value: FieldKind }
  | { readonly type: 'text'; readonly lenMax: number }
  | { readonly type: 'list'; readonly element: FieldKind; readonly lenMax: number };

/** A number on a grid: `min + code × step` for codes from 0 to `codeMax`. */
export interface NumberKind {
  readonly type: 'number';
  readonly min: number;
  readonly step: number;
  readonly codeMax: number;
}

/** One unsigned code of a field. */
export interface Lane {
  readonly codeMax: number;
  /** Whether codes wrap around. */
  readonly isCyclic: boolean;
  /** The code that means zero, where there is one. */
  readonly zero: number;
}

/** A place in the frame format: number of its first table, and tables per archetype. */
export type Node = readonly [first: number, contexts: number];

/** A set of components by number: the lower and the upper 32 bits. */
export type Mask = readonly [low: number, high: number];

/** What the codec knows of a game. */
export interface ModelData {
  readonly groups: readonly GroupData[];
  readonly events: readonly RecordData[];
  /** Known combinations of components; the first is number 1. */
  readonly archetypes: readonly { readonly group: number; readonly mask: Mask }[];
  readonly hasReferences: boolean;
  readonly frame: FrameNodes;
  /** For each table the frequencies of its values, as numbers with spaces between. */
  readonly tables: readonly string[];
  /** For each place its table, as runs: number, then how many places. */
  readonly places: readonly number[];
}

/** Components that share an audience. */
export interface GroupData {
  readonly mask: Mask;
  readonly record: RecordData;
  readonly status: Node;
}

/** Fields that are coded together. */
export interface RecordData {
  readonly fields: readonly FieldData[];
  /** Positions in `fields`, in the order of coding. */
  readonly order: readonly number[];
  readonly lanes: readonly Lane[];
  readonly sequences: number;
  /** Position of the field that places the entity, or −1. */
  readonly position: number;
}

/** What the codec knows of one field. */
export interface FieldData {
  readonly component: number;
  /** First lane, and the one after the last. */
  readonly lanes: readonly [begin: number, end: number];
  /** Its place among the sequences, or −1. */
  readonly sequence: number;
  readonly coding: Coding;
  readonly isStatic: boolean;
  readonly isTransient: boolean;
  readonly prediction: Prediction;
  /** Its hidden lanes, where it moves and is known finer than its codes; null for other fields. */
  readonly motion: MotionData | null;
  readonly changed: Node;
  readonly updates: readonly Node[];
  readonly enters: readonly Node[];
}

/** How a field's values are coded. */
export type Coding =
  | { readonly type: 'numbers' | 'flag' | 'choice' | 'optional' | 'reference' }
  | { readonly type: 'rotation'; readonly bits: number }
  | { readonly type: 'text'; readonly lenMax: number; readonly high: Node; readonly low: Node }
  | { readonly type: 'list'; readonly lenMax: number; readonly lanes: readonly Lane[] };

/** How a field's next value is guessed. */
export type Prediction =
  | { readonly type: 'hold' | 'linear' }
  /** It moves by `(code × scale + offset) / 65,536` codes a tick, lane by lane. */
  | { readonly type: 'velocity'; readonly lane: number; readonly scale: number; readonly offset: number };

/** The hidden lanes of a field, and the nodes that code them. */
export interface MotionData {
  /** The lane of the precision; those of the rates follow, then those of the phases. */
  readonly lane: number;
  /** How many lanes the field has. */
  readonly count: number;
  readonly precision: Node;
  readonly rates: readonly Node[];
}

/** Nodes of the frame around the entities. */
export interface FrameNodes {
  readonly fresh: Node;
  readonly steps: Node;
  readonly input: Node;
  readonly deferred: Node;
  readonly sum: Node;
  readonly anchor: Node;
  readonly entry: Node;
  readonly archetype: Node;
  readonly group: Node;
  readonly component: Node;
  readonly index: Node;
  readonly generation: Node;
  readonly target: Node;
  readonly reference: Node;
  readonly event: Node;
  readonly age: Node;
}

/** The lanes that a field of this kind has. */
export function lanesOf(kind: FieldKind): Lane[] {
  switch (kind.type) {
    case 'number':
      return [numberLane(kind)];
    case 'angle':
      return [{ codeMax: 2 ** kind.bits - 1, isCyclic: true, zero: 0 }];
    case 'flag':
      return [plainLane(1)];
    case 'choice':
      return [plainLane(Math.max(0, kind.variants.length - 1))];
    case 'vector':
      return Array.from({ length: kind.axes }, () => numberLane(kind.axis));
    case 'rotation': {
      const part = { codeMax: 2 ** kind.bits - 1, isCyclic: false, zero: 2 ** (kind.bits - 1) };
      return [plainLane(3), part, part, part];
    }
    case 'reference':
      return [plainLane(0xffff_ffff)];
    case 'option':
      return [plainLane(1), ...lanesOf(kind.value)];
    case 'text':
    case 'list':
      return [];
    default:
      return kind satisfies never;
  }
}

function plainLane(codeMax: number): Lane {
  return { codeMax, isCyclic: false, zero: 0 };
}

function numberLane({ min, step, codeMax }: NumberKind): Lane {
  const zero = Math.min(Math.max(Math.floor(-min / step + 0.5), 0), codeMax);
  return { codeMax, isCyclic: false, zero };
}
