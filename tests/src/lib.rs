//! What tests and tools share: bots, and bad networks for them.
//!
//! # Parts
//! - [`client`]: a client without a screen or a socket; [`server_clock`]: its idea of time;
//!   [`input_lead`]: how early it speaks.
//! - [`pilot`]: what a bot wants in the arena; [`swarm`]: many of them on real sockets.
//! - [`transport`]: how bots reach a server, on each rung of the ladder.
//! - [`memory`]: a whole match in memory, on a virtual clock. [`socket`]: one bot on a real one.
//! - [`chaos`]: the worst of networks, in memory. [`chatty`]: the arena with a lot to say.
//! - [`scrape`]: what a server says of itself. [`proxy`]: networks that misbehave;
//!   [`conditions`]: in which ways.
//! - [`nginx`]: a real proxy in front of a server. [`nats`]: a real message queue behind it.
//! - [`issuer`]: somebody who signs connection tokens.
//! - [`child`]: a server in a process of its own. [`local_server`]: one for one test.
//!   [`bad_server`]: one that misbehaves.

pub mod bad_server;
pub mod chaos;
pub mod chatty;
pub mod child;
pub mod client;
pub mod conditions;
pub mod input_lead;
pub mod issuer;
pub mod local_server;
pub mod memory;
pub mod nats;
pub mod nginx;
pub mod pilot;
pub mod proxy;
pub mod scrape;
pub mod server_clock;
pub mod socket;
pub mod swarm;
pub mod transport;
