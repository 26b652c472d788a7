/** What a game says to be connected, and how it hears that it is. */

import type { TokenSource } from './connection-token.ts';
import type { Keeper, Kept } from './keeper.ts';
import type { Lag } from './lag.ts';
import type { PredictionOptions } from './prediction.ts';
import type { OnWake } from './reconnecting.ts';
import type { Protocol } from './schema.ts';
import type { OpenTransport, Rung } from './transport.ts';
import type { EntityBase } from './world.ts';

/** A protocol with the types that were generated for it. */
export interface TypedProtocol<E extends EntityBase, Events, Input, Join> extends Protocol {
  /** Never there: it only carries the types. */
  readonly types?: { readonly entity: E; readonly events: Events; readonly input: Input; readonly join: Join };
}

/** How the connection is, for people. */
export type ConnectionState =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'playing' }
  | {
      readonly kind: 'reconnecting';
      readonly attempt: number;
      /** When the next attempt is due, on the clock of `performance.now()`. */
      readonly retryAtMs: number;
      readonly sentence?: string;
    }
  | { readonly kind: 'closed'; readonly sentence: string; readonly reason: string };

/** What `connect` needs. */
export interface ConnectOptions<E extends EntityBase, Events, Input, Join> {
  /** Address of the server, such as `https://play.example.org`. */
  readonly url: string;
  /** From the generated `protocol.ts`. */
  readonly protocol: TypedProtocol<E, Events, Input, Join>;
  readonly join: Join;
  /**
   * What the player wants at a tick. Asked for once per tick, when it is due (`isFinal`), and where the player is
   * predicted before each picture as well, for the tick to come: the same question may then have another answer.
   */
  readonly input: (tick: number, isFinal: boolean) => Input;
  /** How the player's own is drawn ahead of the server; without it, all is drawn as the server says. */
  readonly prediction?: PredictionOptions<E, Input>;
  /** Which room; the server's default where it is empty. */
  readonly room?: string;
  /** Connection token, where the server demands one: fixed, or fetched whenever one is due. */
  readonly token?: TokenSource;
  /** The one transport to use, whatever the network: its name as in `Rung`. Any other word means the best there is. */
  readonly transport?: string;
  /** A bad network to play over, for trying; asked for each frame, so that it can change. */
  readonly lag?: () => Lag;
  /** Keeps the session over a reload of the page. */
  readonly keeper?: Keeper;
  /** What the keeper had of a page before this one: goes on with that session. */
  readonly kept?: Kept;
  /** For tests: how to reach the server, and what time it is. */
  readonly open?: OpenTransport;
  readonly rungs?: readonly Rung[];
  readonly now?: () => number;
  readonly random?: () => number;
  readonly onWake?: OnWake;
}
