//! Who gets to see what of a room, in the fewest bits.
//!
//! After each tick [`Capture`] turns the world into a [`Snapshot`]; [`History`] keeps the recent
//! ones. A [`ClientView`] per client remembers what that client was sent and composes the next
//! frame from the history, modelling each entity at most once per tick for all clients together
//! (`deltas`). The format is described, and read, in [`tickwire_shared::replication`].
//!
//! # Parts
//! - [`net_ids`], [`audience`], [`events`]: what a game puts into its world.
//! - [`capture`], [`snapshot`], [`history`]: the world as codes, tick by tick.
//! - [`interest`]: what lies in a view.
//! - `deltas`, `on_demand`: from one state to the next, once for everybody.
//! - [`client_view`], `budget`, [`desync`]: one client's frames.
//! - [`rewind`]: what clients saw as they acted.
//! - `trainer`: codec tables from a room that was watched.

pub mod audience;
mod budget;
pub mod capture;
pub mod client_view;
mod deltas;
pub mod desync;
pub mod events;
pub mod history;
pub mod interest;
mod motion;
pub mod net_ids;
mod on_demand;
pub mod rewind;
pub mod snapshot;
mod trainer;

pub use audience::{Owner, Team, VisibleTo};
pub use capture::{Capture, Clamped};
pub use client_view::{ClientView, Composed};
pub use desync::Desync;
pub use events::{EventQueue, Reach};
pub use history::History;
pub use interest::{Area, View};
pub use net_ids::NetIds;
pub use rewind::{Delay, Rewind};
pub use snapshot::Snapshot;
pub use trainer::{Survey, Trainer};
