//! How a room's state travels to those who may see it.

#![allow(clippy::indexing_slicing, clippy::cast_possible_truncation)]

pub mod checksum;
pub mod coder;
mod defaults;
pub mod entry;
pub mod field;
pub mod frame;
pub mod model;
pub mod rans;
mod replica;
mod rotation;
pub mod table;
mod token;
mod trained;
pub mod values;

pub use replica::{FrameInfo, Replica, ReplicaEntity};

/// Why bytes are not a frame for this replica.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum FrameError {
    /// Ended early, went on too long, or says what makes no sense.
    #[error("not a state frame of this protocol")]
    Malformed,
    /// A value outside its declared range.
    #[error("a value is out of its range")]
    OutOfRange,
    /// Beyond a named limit.
    #[error("more than a frame or replica may hold")]
    TooLarge,
    /// It builds on a state that the replica does not have.
    #[error("the first frame has to start anew")]
    NoBase,
}
