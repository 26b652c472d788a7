//! The arena as both ends agree on it: what is on the wire, and the rules that move it.
//!
//! Without the feature `protocol` only the rules are left: `core` alone, integers alone, so that
//! a browser can run them as WebAssembly and arrive at the very bits that the server has.
//!
//! # Grid
//! Positions are counted in 1/16 unit from the world's top left corner, velocities in those same
//! steps per tick, headings in 1/1024 turn. What moves keeps `position' = position + velocity'`
//! exactly: whatever turns a body (walls, collisions) changes the velocity first. All that
//! [`step_ship`] and [`step_gun`] read is on the wire without loss, so a replay from any frame equals the server.
//!
//! # Parts
//! - [`world`]: sizes and scales. [`trigonometry`], [`vector`]: integer geometry.
//! - [`motion`], [`ship`], [`gun`], [`asteroid`], [`bullet`], [`collision`]: the rules.
//! - [`rules`]: those of them that a page predicts with. The crate in `module` makes them a
//!   WebAssembly module.
//! - `components`, `events`, `join`, `protocol`: the wire.

#![no_std]

#[cfg(feature = "protocol")]
extern crate alloc;

pub mod asteroid;
pub mod bullet;
pub mod collision;
#[cfg(feature = "protocol")]
pub mod components;
#[cfg(feature = "protocol")]
pub mod events;
pub mod gun;
#[cfg(feature = "protocol")]
pub mod join;
pub mod motion;
#[cfg(feature = "protocol")]
pub mod protocol;
pub mod rules;
pub mod ship;
pub mod trigonometry;
pub mod vector;
pub mod world;

#[cfg(feature = "protocol")]
pub use components::{Asteroid, Bullet, Radar, Seat, Ship, Standing};
#[cfg(feature = "protocol")]
pub use events::{Explosion, Hit, Kill, Shot};
pub use gun::{Gun, step_gun};
#[cfg(feature = "protocol")]
pub use join::JoinRequest;
pub use motion::{Heading, Motion};
#[cfg(feature = "protocol")]
pub use protocol::ArenaProtocol;
pub use rules::ArenaRules;
pub use ship::{Controls, step_ship};
