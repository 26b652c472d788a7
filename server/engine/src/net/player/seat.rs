//! What a player takes up in a room, and for how long without a connection.

use std::time::Duration;

use tickwire_shared::ClientId;

use super::super::places::{Place, Places};
use crate::bridge::{RoomHandle, RoomMessage};

/// A place in a room, left when dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(super) room: RoomHandle,
    pub(super) client: ClientId,
    _place: Place,
}

impl Seat {
    /// To be taken before the room is asked, so that it is left whatever comes.
    pub(crate) const fn new(room: RoomHandle, client: ClientId, place: Place) -> Self {
        Self { room, client, _place: place }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.room.push(RoomMessage::Leave { client: self.client });
    }
}

/// What becomes of players without a connection.
#[derive(Clone, Debug)]
pub(crate) struct Absence {
    /// How long they stay in the room.
    pub(crate) grace: Duration,
    /// How many may do so at once.
    pub(crate) places: Places,
}
