/** Frames that the Rust encoder wrote, with what the Rust replica made of them. For tests. */

import { readFileSync } from 'node:fs';
import type { Protocol } from '../schema.ts';

export interface Values {
  readonly codes: readonly number[];
  readonly sequences: readonly (readonly number[])[];
}

export interface GoldenFrame {
  readonly bytes: Uint8Array;
  readonly tick: number;
  readonly inputApplied: number;
  readonly entities: readonly { slot: number; netId: number | null; components: Record<string, Values> }[];
  readonly events: readonly (Values & { name: string; tick: number })[];
}

export interface GoldenClient {
  readonly frames: readonly GoldenFrame[];
  /** What the replica reports after the last frame. */
  readonly report: Uint8Array;
}

export interface GoldenWorld {
  readonly protocol: Protocol;
  readonly clients: readonly GoldenClient[];
}

/** A world with the codec's own tables, and one with trained ones. A Rust test fails when it would write others. */
export function goldenWorlds(): GoldenWorld[] {
  const path = new URL('../../../tests/golden/frames.json', import.meta.url);
  const { worlds } = JSON.parse(readFileSync(path, 'utf8'), (name, value) => {
    return name === 'bytes' || name === 'report' ? bytesOf(value) : value;
  });
  return worlds;
}

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
}
