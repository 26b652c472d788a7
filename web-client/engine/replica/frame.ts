/** What stands around the entities in a frame: header, statuses, entries. See `frame.rs`. */

import type { FrameNodes } from '../schema.ts';
import type { Decoder } from './rans.ts';

/** What has become of a sub-entity that this side has. */
export const STATUS = { exact: 0, changed: 1, leave: 2, reset: 3, deferred: 4 } as const;

/** What follows in the list of entries. */
export const ENTRY = { end: 0, fresh: 1, further: 2, known: 3 } as const;

/** History of a sub-entity that just entered. */
export const HISTORY_ON_ENTRY = 1;

/** The two last statuses as a context, after one that is exact or not. */
export function historyAfter(history: number, isExact: boolean): number {
  return ((history << 1) & 2) | (isExact ? 0 : 1);
}

/** The beginning of a frame. */
export interface Header {
  /** Whether the replica starts anew, empty. */
  isFresh: boolean;
  /** The tick that the frame leads to. */
  tick: number;
  /** Ticks since the frame before; 0 in a fresh one. */
  steps: number;
  /** Tick of the client's newest input that the state includes. */
  inputApplied: number | undefined;
  /** Whether some sub-entities are deferred. */
  hasDeferred: boolean;
  /** Whether the check at the end is over the whole replica. */
  hasSum: boolean;
  /** Slot of the entity around which the view lies; undefined: it stays where it last was. */
  anchor: number | undefined;
}

/** A header of nothing. */
export function noHeader(): Header {
  return {
    isFresh: false,
    tick: 0,
    steps: 0,
    inputApplied: undefined,
    hasDeferred: false,
    hasSum: false,
    anchor: undefined,
  };
}

/** Decodes the header of the frame after one with the header `before`, into `header`. */
export function takeHeader(decoder: Decoder, nodes: FrameNodes, before: Header, header: Header): void {
  header.isFresh = decoder.flag(nodes.fresh[0]);
  if (header.isFresh) {
    header.steps = 0;
    header.tick = decoder.bits(32);
  } else {
    header.steps = decoder.unsigned(nodes.steps[0]) + 1;
    header.tick = (before.tick + header.steps) >>> 0;
  }
  header.inputApplied = takeInput(decoder, nodes, before.inputApplied, header.steps);
  header.hasDeferred = decoder.flag(nodes.deferred[0]);
  header.hasSum = decoder.flag(nodes.sum[0]);
  header.anchor = header.isFresh ? undefined : before.anchor;
  if (decoder.flag(nodes.anchor[0])) {
    const next = decoder.bits(16);
    header.anchor = next === 0 ? undefined : next - 1;
  }
}

function takeInput(decoder: Decoder, nodes: FrameNodes, before: number | undefined, steps: number): number | undefined {
  switch (decoder.symbol(nodes.input[0])) {
    case 0:
      return before === undefined ? undefined : (before + steps) >>> 0;
    case 1:
      return undefined;
    case 2:
      return before;
    default:
      return decoder.bits(32);
  }
}
