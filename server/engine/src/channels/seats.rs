//! Those who listen to a channel, in a list that is fast to walk.

use std::{collections::HashMap, sync::Arc};

use super::{Member, inbox::Inbox};

/// Those who listen to a channel.
#[derive(Debug, Default)]
pub(super) struct Seats {
    seats: Vec<Seat>,
    by_id: HashMap<u64, usize>,
}

/// One who listens.
#[derive(Clone, Debug)]
pub(super) struct Seat {
    /// Number of the subscriber.
    pub(super) id: u64,
    pub(super) member: Arc<Member>,
    pub(super) inbox: Arc<Inbox>,
}

impl Seats {
    /// Takes one more, who is not here yet.
    pub(super) fn insert(&mut self, seat: Seat) {
        self.by_id.insert(seat.id, self.seats.len());
        self.seats.push(seat);
    }

    /// Lets one go.
    pub(super) fn remove(&mut self, id: u64) -> Option<Seat> {
        let at = self.by_id.remove(&id)?;
        let seat = self.seats.swap_remove(at);
        if let Some(moved) = self.seats.get(at) {
            self.by_id.insert(moved.id, at);
        }
        Some(seat)
    }

    /// Whether this one is here.
    pub(super) fn contains(&self, id: u64) -> bool {
        self.by_id.contains_key(&id)
    }

    /// Everybody.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Seat> {
        self.seats.iter()
    }

    /// How many.
    pub(super) fn len(&self) -> usize {
        self.seats.len()
    }
}
