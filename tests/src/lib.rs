//! What tests and tools share: bots, and bad networks for them.
//!
//! # Parts
//! - [`client`]: a client without a screen or a socket; [`server_clock`]: its idea of time.
//! - [`pilot`]: what a bot wants in the arena; [`swarm`]: many of them on real sockets.
//! - [`scrape`]: what a server says of itself. [`proxy`]: networks that misbehave.

pub mod client;
pub mod pilot;
pub mod proxy;
pub mod scrape;
pub mod server_clock;
pub mod swarm;
