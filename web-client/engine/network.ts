/** How a connection does, in numbers: for whoever shows them (`net-graph/`) or tests them. */

import type { Corrections } from './predictor.ts';
import type { Session } from './session.ts';

/** Numbers of a connection; each is 0 before it is known. */
export class Network {
  readonly #session: Session;
  readonly #corrections: () => Readonly<Corrections> | undefined;

  constructor(session: Session, corrections: () => Readonly<Corrections> | undefined) {
    this.#session = session;
    this.#corrections = corrections;
  }

  /** Round trip to the server and back, in milliseconds. */
  get roundTripMs(): number {
    return this.#session.roundTripMs ?? 0;
  }

  /** By how much the ways of states differ: half of them come within this of each other. */
  get jitterMs(): number {
    return this.#ms(this.#session.clocks?.renderClock.jitterTicks);
  }

  /** How far pictures of others are behind the server. */
  get renderDelayMs(): number {
    return this.#session.renderDelayMs;
  }

  /** Whether the newest picture waits for a state. */
  get isHeld(): boolean {
    return this.#session.clocks?.renderClock.isHeld ?? false;
  }

  /** How far the player's own present is ahead of the server. */
  leadMs(nowMs: number): number {
    const clocks = this.#session.clocks;
    const serverTicks = clocks?.serverClock.ticks(nowMs);
    return serverTicks === undefined ? 0 : this.#ms(clocks?.inputs.leadTicks(serverTicks));
  }

  /** How long inputs wait on the server for their tick. */
  get earlyMs(): number {
    return this.#ms(this.#session.clocks?.inputs.earlyTicks);
  }

  /** Inputs that were sent. */
  get inputsSent(): number {
    return this.#session.clocks?.inputs.sent ?? 0;
  }

  /** Those of them that are known to have come too late. */
  get inputsLate(): number {
    return this.#session.clocks?.inputs.late ?? 0;
  }

  /** How wrong predictions were; undefined where nothing is predicted. */
  get corrections(): Readonly<Corrections> | undefined {
    return this.#corrections();
  }

  #ms(ticks: number | undefined): number {
    return ((ticks ?? 0) * 1000) / this.#session.tickRate;
  }
}
