/** A server's words, for tests: frames in its encoding, and the golden states that the Rust encoder wrote. */

import { CLOSE_REASONS } from './close-reason.ts';
import type { ClockEcho } from './codec.ts';
import { goldenWorlds } from './replica/golden.ts';

const [world] = goldenWorlds();

/** The protocol of the golden states. */
export const { protocol } = world!;

/** States as one golden client got them: one of each tick, the first one fresh. */
export const states: readonly { readonly tick: number; readonly bytes: Uint8Array }[] = world!.clients[0]!.frames;

/** A welcome to client 7, whose session token is one byte. */
export function welcome(tickRate = 20, tick = 0, goesOn?: { acknowledged: number }): Uint8Array {
  const resumed = goesOn === undefined ? [0, 0] : [1, ...varint(goesOn.acknowledged)];
  return Uint8Array.from([0, 7, ...varint(tickRate), ...varint(tick), 0, 1, SESSION_TOKEN, ...resumed]);
}

/** The token in every welcome. */
export const SESSION_TOKEN = 99;

/** The answer to a probe. */
export function echo(probe: Uint8Array): Uint8Array {
  return Uint8Array.from(probe);
}

/** An update with what is given. */
export function update(said: {
  readonly state?: Uint8Array;
  readonly clock?: ClockEcho;
  readonly acknowledged?: number;
  readonly first?: number;
  readonly messages?: readonly (readonly number[])[];
}): Uint8Array {
  const { state = new Uint8Array(0), clock, acknowledged = 0, first = 1, messages = [] } = said;
  const clockEcho =
    clock === undefined
      ? [0]
      : [1, ...[clock.stampMs, clock.heldMs, clock.tick, clock.tickFraction].flatMap((part) => varint(part))];
  const listed = [messages.length, ...messages.flatMap((message) => [...varint(message.length), ...message])];
  const head = [1, ...varint(acknowledged), ...clockEcho, ...varint(first), ...listed];
  return Uint8Array.from([...head, ...varint(state.length), ...state]);
}

/** The end for the reason of this name. */
export function close(name: string, sentence = '', retryAfterMs = 0): Uint8Array {
  const number = CLOSE_REASONS.findIndex((reason) => reason.name === name);
  const text = new TextEncoder().encode(sentence);
  return Uint8Array.from([2, number, ...varint(text.length), ...text, ...varint(retryAfterMs)]);
}

/** The stamp in a client's update; undefined where there is none. */
export function stampOf(frame: Uint8Array): number | undefined {
  let at = 1;
  const next = (): number => {
    const lead = frame[at++]!;
    const size = lead < 251 ? 0 : 2 ** (lead - 250);
    let value = size === 0 ? lead : 0;
    for (let byte = 0; byte < size; byte += 1) value += frame[at++]! * 256 ** byte;
    return value;
  };
  // Acknowledged, seen, shown, and its fraction, which is a byte.
  for (let number = 0; number < 3; number += 1) next();
  at += 1;
  return frame[at++] === 1 ? next() : undefined;
}

function varint(value: number): number[] {
  if (value < 251) return [value];
  const size = value < 0x1_0000 ? 2 : 4;
  const bytes = Array.from({ length: size }, (_, byte) => Math.floor(value / 256 ** byte) % 256);
  return [size === 2 ? 251 : 252, ...bytes];
}
