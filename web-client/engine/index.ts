/**
 * Tickwire in the browser: `connect` to a server, `advance` the world before each picture, and draw its entities.
 *
 * - `client.ts`: the way in. `session.ts`: the conversation. `transport.ts`: what carries it.
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
export type { OpenTransport, Transport } from './transport.ts';
export { type EntityBase, type NetId, World } from './world.ts';
