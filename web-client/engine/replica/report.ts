/** What a replica holds, for the server to say where it differs. See `replication.rs` for the format. */

import { LIMITS } from './frame-error.ts';
import { type Slot, type SubEntity, ticksSince } from './slot.ts';

/**
 * As much as fits, from a sub-entity on that changes with the tick. `audited` is the tick of the last frame that
 * carried a sum: the server only remembers who had which slot then.
 */
export function reportOf(slots: readonly Slot[], audited: number, tick: number): Uint8Array {
  const out: number[] = [];
  pushNumber(out, audited);
  pushNumber(out, tick);
  const all: [slot: number, sub: SubEntity][] = [];
  slots.forEach(({ groups }, slot) => {
    for (const sub of groups) {
      if (sub !== undefined && ticksSince(audited, sub.entered) >= 0) all.push([slot, sub]);
    }
  });
  const first = tick % Math.max(1, all.length);
  for (const [slot, sub] of [...all.slice(first), ...all.slice(0, first)]) {
    const part: number[] = [];
    pushSubEntity(part, slot, sub, tick);
    if (out.length + part.length > LIMITS.reportBytes) break;
    out.push(...part);
  }
  return Uint8Array.from(out);
}

function pushSubEntity(out: number[], slot: number, sub: SubEntity, tick: number): void {
  const age = Math.abs(ticksSince(tick, sub.base));
  for (const number of [slot, sub.group, age, sub.maskLow, sub.maskHigh]) pushNumber(out, number);
  for (const field of sub.lasting) {
    for (let at = field.lanes[0]; at < field.lanes[1]; at += 1) pushNumber(out, sub.codes[at]!);
    if (field.sequence < 0) continue;
    const sequence = sub.sequences[field.sequence]!;
    pushNumber(out, sequence.length);
    for (const code of sequence) pushNumber(out, code);
  }
}

/** Seven bits a byte, lowest first; the top bit says that more follow. */
function pushNumber(out: number[], number: number): void {
  let rest = number;
  while (rest > 0x7f) {
    out.push((rest & 0x7f) | 0x80);
    rest = Math.floor(rest / 128);
  }
  out.push(rest);
}
