//! What a client says of itself as it joins.

use alloc::string::String;

use tickwire_shared::Record;

use crate::components::COLOURS;

/// A request for a seat.
#[derive(Record, Clone, PartialEq, Eq, Debug)]
pub struct JoinRequest {
    /// The name that the player likes; the server tidies it, and finds one where it is empty.
    #[field(max_len = 16)]
    pub name: String,
    /// The colour that the player likes.
    #[field(min = 0, max = COLOURS - 1)]
    pub colour: u8,
}
