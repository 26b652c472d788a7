//! What both ends of a Tickwire connection agree on.
//!
//! No sockets, no clock and no randomness in here: everything is a value or a state machine that
//! is handed bytes and moments.
//!
//! # Parts
//! - [`ids`], [`tick`]: names of things and of moments.
//! - [`schema`], [`record`]: how a game declares its data, and how that becomes codes.
//! - [`rotation`]: a field type for orientation in space.
//! - [`replication`]: how a room's state travels to those who may see it.
//! - [`reliable`]: messages that arrive once and in order.
//! - [`exchange`]: frames over plain HTTP.
//! - [`messages`], [`codec`], [`bits`]: what travels, and as which bytes.
//! - [`close_reason`], [`limits`]: how things end, and what bounds them.

#![no_std]

extern crate alloc;
// Lets the derive macros name this crate from inside it.
extern crate self as tickwire_shared;

pub mod bits;
pub mod close_reason;
pub mod codec;
pub mod exchange;
pub mod ids;
pub mod limits;
pub mod messages;
pub mod record;
pub mod reliable;
pub mod replication;
pub mod rotation;
pub mod schema;
pub mod tick;

pub use close_reason::{Advice, CloseReason};
pub use codec::DecodeError;
pub use ids::{ClientId, NetId};
pub use record::{Field, FieldOptions, FieldReader, FieldWriter, Record, RecordSet, Values};
pub use replication::{FrameError, FrameInfo, Replica, ReplicaEntity};
pub use rotation::Rotation;
pub use schema::{
    Audience, ComponentSchema, ComponentSet, ComponentVisitor, FieldKind, FieldSchema, Lane,
    Number, Predictor, Protocol, RecordSchema, Replicated, Schema,
};
pub use tick::Tick;
pub use tickwire_derive::{Choice, Record, Replicated};

#[doc(hidden)]
pub mod derive_support {
    //! What derived code names. Not for use by hand.
    pub use alloc::vec::Vec;
}
