//! Sockets and tasks: the shell around sessions and rooms.
//!
//! ```text
//! listener ─▶ doors ─▶ websocket_link ─┐
//!    tls        └────▶ http, http_link ─┴─▶ conversation ─▶ players ─▶ player ◀─ worker
//! ```
//!
//! # Parts
//! - [`listener`], [`tls`]: connections. [`doors`]: what each address answers.
//! - [`guard`], [`tokens`], [`handshakes`], [`places`]: who may ask, who it is, how often, how many.
//! - [`websocket`]: the handshake; [`websocket_link`], [`http`], [`http_link`]: the transports, each
//!   a [`link`] to the session.
//! - [`conversation`]: what is said on one attachment, from the first probe to the end.
//! - [`listening`]: channels for everything that speaks HTTP; [`centrifugo`]: for clients of that
//!   protocol. [`connections`]: who listens. [`examples`]: something to hear. [`publishing`], [`api`], [`api_keys`], [`queue`]: backends.
//! - [`players`], [`player`]: who plays, connected or away. [`worker`]: frames, once per tick.

pub(crate) mod api;
pub(crate) mod api_keys;
pub(crate) mod centrifugo;
pub(crate) mod connections;
pub(crate) mod conversation;
pub(crate) mod doors;
pub(crate) mod examples;
pub(crate) mod guard;
pub(crate) mod handshakes;
pub(crate) mod http;
pub(crate) mod http_link;
pub(crate) mod link;
pub(crate) mod listener;
pub(crate) mod listening;
pub(crate) mod places;
pub(crate) mod player;
pub(crate) mod players;
pub(crate) mod publishing;
pub(crate) mod queue;
pub(crate) mod tls;
pub(crate) mod tokens;
pub(crate) mod websocket;
pub(crate) mod websocket_link;
pub(crate) mod worker;
