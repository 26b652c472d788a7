//! Sockets and tasks: the shell around sessions and rooms.
//!
//! # Parts
//! - [`doors`]: what each address answers; [`guard`]: who may ask.
//! - [`websocket`]: the handshake; [`connection`]: one socket and its session.
//! - [`play`]: from hello to the end; [`worker`]: frames, once per tick.

pub(crate) mod connection;
pub(crate) mod doors;
pub(crate) mod guard;
pub(crate) mod play;
pub(crate) mod websocket;
pub(crate) mod worker;
