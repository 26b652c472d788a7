//! Whom a client has in which slot, and from when.

#![allow(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "slots, rows and groups come from the view's own tables and are 16 bits wide"
)]

use std::num::NonZeroU8;

use tickwire_shared::replication::{frame::Entry, model::Group};

use super::{
    super::snapshot::Snapshot,
    ClientView, Moment,
    plan::{NO_SLOT, Work},
};

/// Who has a slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Slot {
    pub(super) row: u16,
    pub(super) generation: u16,
}

impl Slot {
    /// No row has this number.
    pub(super) const FREE: Self = Self { row: u16::MAX, generation: 0 };

    pub(super) fn is_taken(self) -> bool {
        self != Self::FREE
    }
}

/// What the client has of an entity's group. There are thousands of clients with dozens of these,
/// and each tick goes through them all: small, and mostly the same from frame to frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Sub {
    /// How many ticks before the last frame's its base is; `FAR` is anywhere.
    pub(super) lag: u8,
    /// How many ticks before the base the client also has a state; 0: it has none.
    pub(super) gap: u8,
    pub(super) archetype: u16,
    pub(super) history: u8,
    /// One more than the frames in a row in which it was deferred.
    pub(super) turn: NonZeroU8,
}

/// Further back than any delta reaches.
pub(super) const FAR: u8 = u8::MAX;

impl Sub {
    pub(super) fn waited(self) -> u8 {
        self.turn.get() - 1
    }

    /// Where the model has the table for its next status.
    pub(super) fn status_place(self, group: &Group, has_deferred: bool) -> usize {
        let deferral = 4 * usize::from(has_deferred);
        group.status.at(self.archetype.into(), usize::from(self.history) + deferral)
    }

    /// As it is after a frame of so many ticks that brings it up to date.
    pub(super) fn updated(self, steps: u32, history: u8) -> Self {
        Self { lag: 0, gap: self.behind(steps), history, turn: NonZeroU8::MIN, ..self }
    }

    /// As it is after a frame of so many ticks that leaves it out.
    pub(super) fn deferred(self, steps: u32) -> Self {
        Self { lag: self.behind(steps), turn: self.turn.saturating_add(1), ..self }
    }

    fn behind(self, steps: u32) -> u8 {
        u8::try_from(steps.saturating_add(self.lag.into())).unwrap_or(FAR)
    }
}

impl ClientView {
    pub(super) fn assign_slots(&mut self, moment: Moment<'_>, work: &mut Work) {
        let mut lowest = 0;
        let mut slot = NO_SLOT;
        for entry in work.entries.iter_mut().filter(|entry| !entry.is_dropped) {
            match entry.kind {
                Entry::New => {
                    while self.slots.get(lowest).is_some_and(|slot| slot.is_taken()) {
                        lowest += 1;
                    }
                    let taken = Slot { row: entry.row, generation: entry.generation };
                    if lowest == self.slots.len() {
                        self.slots.push(taken);
                        let subs = self.slots.len() * moment.model.groups.len();
                        self.subs.resize(subs, None);
                    } else {
                        self.slots[lowest] = taken;
                    }
                    slot = lowest as u16;
                }
                Entry::Known => slot = entry.slot,
                Entry::Further | Entry::End => {}
            }
            entry.slot = slot;
            work.found.set_slot(entry.row, slot);
        }
    }

    /// The state from which the next delta of a sub-entity starts, where it is still kept.
    pub(super) fn base<'a>(&self, sub: Sub, moment: Moment<'a>) -> Option<&'a Snapshot> {
        let is_near = sub.lag != FAR;
        let base = is_near.then(|| moment.history.at(self.header.tick.minus(sub.lag.into())));
        base.flatten().map(|base| &**base)
    }
}
