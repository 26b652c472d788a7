/**
 * What carries a session: finds a transport to the server, hands the session over to it, and goes on looking for a better
 * one. A transport that is about to take over does so once it is welcome; until then the one before is kept.
 */

import { type CloseReason, closeReasonOf } from './close-reason.ts';
import type { Close } from './codec.ts';
import { Connector, type ConnectorEvents } from './connector.ts';
import type { Ladder } from './ladder.ts';
import type { OpenTransport, Rung, Transport } from './transport.ts';

/** A hello that no welcome has answered by then got lost. */
const WELCOME_TIMEOUT_MS = 5_000;

/** What becomes of transports. */
export interface AttachmentsEvents {
  /** This transport carries frames both ways: it waits for a hello. */
  readonly onReady: (transport: Transport) => void;
  readonly onFrame: (transport: Transport, bytes: Uint8Array) => void;
  /** The server itself, asked for a way in, wants none of it. */
  readonly onClosed: (close: Close) => void;
  /** Nothing carries the session any more, or nothing could be found to; `reason` is the server's, where it gave one. */
  readonly onLost: (reason: CloseReason | undefined) => void;
  /** The address is none, or one that browsers keep pages from. */
  readonly onBadAddress: () => void;
}

/** The transports of a session, one after the other. */
export class Attachments {
  readonly #url: string;
  readonly #open: OpenTransport;
  readonly #ladder: Ladder;
  readonly #roundTripMs: () => number | undefined;
  readonly #events: AttachmentsEvents;
  /** Looks for a way to the server, or for a better one. */
  #connector: Connector | undefined;
  /** What carries the session, and what is about to. */
  #transport: Transport | undefined;
  #coming: Transport | undefined;
  #welcomeTimer: ReturnType<typeof setTimeout> | undefined;
  #climbTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    url: string,
    open: OpenTransport,
    ladder: Ladder,
    roundTripMs: () => number | undefined,
    events: AttachmentsEvents,
  ) {
    this.#url = url;
    this.#open = open;
    this.#ladder = ladder;
    this.#roundTripMs = roundTripMs;
    this.#events = events;
  }

  /** What carries the session. */
  get transport(): Transport | undefined {
    return this.#transport;
  }

  /** Whether no way is being looked for. */
  get isAtRest(): boolean {
    return this.#connector === undefined && this.#coming === undefined;
  }

  /** Whether the session is about to leave this transport for another. */
  isLeaving(transport: Transport): boolean {
    return transport === this.#transport && this.#coming !== undefined;
  }

  /** Looks for a way to the server. */
  find(): void {
    this.#search(this.#ladder.candidates(Date.now()), {
      onReady: (transport) => this.#move(transport),
      onClosed: (close) => this.#events.onClosed(close),
      onFailed: () => this.#events.onLost(undefined),
    });
  }

  /** The server has welcomed the session on this transport. */
  handleWelcome(transport: Transport): void {
    clearTimeout(this.#welcomeTimer);
    if (this.#transport !== transport) this.#transport?.close();
    this.#transport = transport;
    this.#coming = undefined;
    this.#planClimb();
  }

  /** This may be another network. */
  handleNetworkChanged(): void {
    this.#ladder.handleNetworkChanged();
    this.#planClimb();
  }

  /** Ends whatever there is. `brokenAfterMs`: it broke by itself after it was good for so long, which is a lesson. */
  end(brokenAfterMs?: number): void {
    const rung = (this.#transport ?? this.#coming)?.rung;
    clearTimeout(this.#welcomeTimer);
    clearTimeout(this.#climbTimer);
    this.#connector?.stop();
    this.#coming?.close();
    this.#transport?.close();
    this.#connector = undefined;
    this.#coming = undefined;
    this.#transport = undefined;
    if (rung !== undefined && brokenAfterMs !== undefined) this.#ladder.handleLost(rung, brokenAfterMs, Date.now());
  }

  /** Looks for a better way, beside the one that is used. */
  #climb(): void {
    const better = this.#better();
    if (better.length === 0 || this.#coming !== undefined) return;
    this.#search(better, {
      onReady: (transport) => this.#move(transport),
      onClosed: () => this.#planClimb(),
      onFailed: () => this.#planClimb(),
    });
  }

  #planClimb(): void {
    clearTimeout(this.#climbTimer);
    if (this.#better().length === 0) return;
    this.#climbTimer = setTimeout(() => this.#climb(), this.#ladder.nextClimbMs());
  }

  #better(): readonly Rung[] {
    return this.#transport === undefined ? [] : this.#ladder.better(this.#transport.rung);
  }

  #search(rungs: readonly Rung[], events: ConnectorEvents): void {
    this.#connector?.stop();
    try {
      this.#connector = new Connector(this.#url, this.#open, rungs, this.#roundTripMs(), events);
    } catch {
      this.#events.onBadAddress();
    }
  }

  /** Goes on with the session over a transport that is known to carry frames. The one before is kept until then. */
  #move(transport: Transport): void {
    this.#ladder.handleProven(transport.rung, Date.now());
    this.#connector = undefined;
    this.#coming = transport;
    transport.onFrame = (bytes) => this.#events.onFrame(transport, bytes);
    transport.onClose = (code) => this.#handleGone(transport, code);
    this.#events.onReady(transport);
    clearTimeout(this.#welcomeTimer);
    this.#welcomeTimer = setTimeout(() => this.#handleGone(transport, undefined), WELCOME_TIMEOUT_MS);
  }

  #handleGone(transport: Transport, code: number | undefined): void {
    if (transport === this.#coming && this.#transport !== undefined) {
      // The one before may still do. If the server has left it as well, that shows.
      transport.close();
      this.#coming = undefined;
      clearTimeout(this.#welcomeTimer);
      this.#planClimb();
      return;
    }
    if (this.isLeaving(transport)) {
      // The session is on its way to the other.
      this.#transport = undefined;
      return;
    }
    this.#events.onLost(code === undefined ? undefined : closeReasonOf(code));
  }
}
