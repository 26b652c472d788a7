/**
 * Tickwire in the browser: `connect` to a server, `advance` the world before each picture, and draw its entities.
 *
 * - `client.ts`: the way in; `connect-options.ts`: what it takes. `session.ts`: a player's life there;
 *   `mailbox.ts`: its reliable messages. `keeper.ts`: over a reload of the page. `stats.ts`: what came of it all.
 * - `connection-token.ts`: who the player is, by word of somebody else.
 * - `transport.ts`: what carries it; `*-transport.ts`: each rung of the ladder, `exchange.ts` and `posting.ts` those over
 *   HTTP. `ladder.ts`: which rung to try; `connector.ts`: the search; `attachments.ts`: from one transport to the next;
 *   `reconnecting.ts`: when to try again.
 * - `channels.ts`, `channel-messages.ts`: every message that is not world state.
 * - `world.ts`: entities to draw, `tracked.ts`: one of them. `replica/`: the world as the server sent it. `clock.ts`: three clocks.
 * - `interpolation.ts`: others, between two states. `prediction.ts`: the player's own, ahead of the server, by `rules.ts`,
 *   `predictor.ts`, `shots.ts` and `contact.ts`; `foreseen.ts`: what of it is no news. `inputs.ts`: which tick an input is for. `network.ts`: how all that does, in numbers.
 * - `lag.ts`: a bad network, made on purpose. `net-graph/`, imported by itself: how the connection does, drawn.
 * - `codec.ts`, `wire.ts`, `records.ts`, `schema.ts`: what is on the wire. `close-reason.ts`: how things end.
 */

export type { ChannelEnd, ChannelMember, ChannelPosition, ChannelRefusal } from './channel-messages.ts';
export {
  type Channel,
  ChannelError,
  type ChannelListener,
  type History,
  type HistoryOptions,
  type Presence,
  type Publication,
} from './channels.ts';
export { Client, connect } from './client.ts';
export { CLOSE_REASONS, type CloseReason } from './close-reason.ts';
export type { ConnectionState, ConnectOptions, TypedProtocol } from './connect-options.ts';
export type { TokenSource } from './connection-token.ts';
export { Foreseen } from './foreseen.ts';
export { Keeper, type Kept } from './keeper.ts';
export { type Lag, NO_LAG, parseLag } from './lag.ts';
export { Network } from './network.ts';
export { Newest } from './newest.ts';
export type { PredictionOptions } from './prediction.ts';
export type { Corrections, Word } from './predictor.ts';
export { loadRules, type Rules, WasmRules, type Words } from './rules.ts';
export type { ShotOptions } from './shots.ts';
export type { Stats } from './stats.ts';
export type { OpenTransport, Rung, Transport } from './transport.ts';
export { type EntityBase, type NetId, World } from './world.ts';
