/**
 * Tickwire in the browser: `connect` to a server, `advance` the world before each picture, and draw its entities.
 *
 * - `client.ts`: the way in. `session.ts`: a player's life there. `keeper.ts`: over a reload of the page.
 * - `connection-token.ts`: who the player is, by word of somebody else.
 * - `transport.ts`: what carries it; `*-transport.ts`: each rung of the ladder, `exchange.ts` and `posting.ts` those over
 *   HTTP. `ladder.ts`: which rung to try; `connector.ts`: the search; `reconnecting.ts`: when to try again.
 * - `world.ts`: entities to draw. `replica/`: the world as the server sent it. `clock.ts`: three clocks.
 * - `codec.ts`, `records.ts`, `schema.ts`: what is on the wire. `close-reason.ts`: how things end.
 */

export {
  Client,
  type ConnectionState,
  type ConnectOptions,
  connect,
  type Stats,
  type TypedProtocol,
} from './client.ts';
export { CLOSE_REASONS, type CloseReason } from './close-reason.ts';
export type { TokenSource } from './connection-token.ts';
export { Keeper, type Kept } from './keeper.ts';
export type { OpenTransport, Rung, Transport } from './transport.ts';
export { type EntityBase, type NetId, World } from './world.ts';
