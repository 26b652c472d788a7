//! The authority of a Tickwire game: rooms that tick, replication, sessions, transports.
//!
//! It knows no game. A game implements [`Game`] and calls [`run`].
//!
//! ```text
//! sockets ─▶ sessions ─▶ inbox ─┐                                   (network workers)
//!                               ▼
//!              joins, inputs ─▶ simulate ─▶ capture                 (one thread per room)
//!                                              │  Arc<Snapshot>
//!                                              ▼
//!    each worker, once per tick, for each session that is ready:
//!                    interest ─▶ gather ─▶ one frame ─▶ try to write
//! ```
//! The network never calls the game, and the game never waits for the network.
//!
//! # Parts
//! - [`game`]: what a game implements. [`room`]: one world, stepped by hand.
//! - [`tick_loop`]: keeps a room's time. [`bridge`]: what lies between it and the network.
//! - [`channels`]: every message that is not world state; [`room_channels`]: a game's part in them.
//! - [`replication`]: who gets to see what, in the fewest bits.
//! - [`session`]: a client's life, without sockets; `attachment`: one stay of a transport on it;
//!   `pace`: how many frames may be under way; `lag`: how old a client's pictures can be.
//!   [`session_token`]: how a client proves who it was; [`connection_token`]: who it is.
//! - `net`: the sockets.
//! - [`server`]: starts and stops it all. [`config`], [`metrics`], [`page`], [`recording`].
//! - [`typescript`]: a game's protocol for the browser.
//! - [`limits`]: what bounds everything.

mod attachment;
pub mod bridge;
pub mod channels;
pub mod config;
pub mod connection_token;
pub mod game;
mod lag;
pub mod limits;
pub mod metrics;
mod net;
mod pace;
pub mod page;
pub mod recording;
pub mod replication;
pub mod room;
pub mod room_channels;
mod secret_file;
pub mod server;
pub mod session;
pub mod session_token;
pub mod tick_loop;
pub mod typescript;

pub use config::Config;
pub use game::{Claims, Game, InputOf, JoinOf, Outbox, Refusal, RoomInfo, Seed, TickRate};
pub use page::{Page, PageFile};
pub use replication::{
    Area, Delay, EventQueue, NetIds, Owner, Reach, Rewind, Team, View, VisibleTo,
};
pub use room::Room;
pub use room_channels::{Heard, RoomChannels};
pub use server::{Server, run};
