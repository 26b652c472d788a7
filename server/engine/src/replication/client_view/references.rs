//! Fields that refer to entities: a client knows them by slots, and only those that it sees.

#![allow(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "slots, rows and groups come from the view's own tables and are 16 bits wide"
)]

use tickwire_shared::{
    NetId,
    replication::{coder::Coder, rans::Symbol},
};

use super::{super::budget, ClientView, Moment, found::Found, plan::Work};

/// What a client was last told of a field that refers to an entity.
#[derive(Clone, Copy, Debug)]
pub(super) struct KnownReference {
    pub(super) slot: u16,
    pub(super) group: u8,
    pub(super) lane: u8,
    /// Whom the client knows it to refer to.
    pub(super) told: NetId,
    /// Whom it referred to at that time, seen or not.
    pub(super) meant: NetId,
}

impl ClientView {
    /// Writes references that mean another entity now, or one that came into view.
    pub(super) fn write_references(
        &mut self,
        moment: Moment<'_>,
        work: &Work,
        symbols: &mut Vec<Symbol>,
    ) {
        let from = symbols.len();
        let (now, model) = (moment.now, moment.model);
        let has_entered = work.entries.iter().any(|entry| !entry.is_dropped);
        let mut references = std::mem::take(&mut self.references);
        for known in &mut references {
            let is_settled = !work.restless.contains(&(known.slot, known.group));
            if !is_settled {
                let row = usize::from(self.slots[usize::from(known.slot)].row);
                let first = model.groups[usize::from(known.group)].first_lane;
                known.meant = NetId::from_bits(now.code(first + usize::from(known.lane), row));
            }
            if known.told == known.meant || is_settled && !has_entered {
                // What the client was told and cannot see any more reads as none by itself.
                continue;
            }
            let number = work.found.target(known.meant);
            let wanted = if number == 0 { NetId::NONE } else { known.meant };
            if known.told == wanted || number == 0 && work.found.target(known.told) == 0 {
                continue;
            }
            let _ = symbols.flag(model, model.frame.reference.at(0, 0), true);
            let _ = symbols.bits(known.slot.into(), 16);
            let _ = symbols.symbol(model, model.frame.group.at(0, 0), known.group.into());
            let _ = symbols.bits(known.lane.into(), 8);
            let _ = symbols.unsigned(model, model.frame.target.at(0, 0), number);
            known.told = wanted;
        }
        let _ = symbols.flag(model, model.frame.reference.at(0, 0), false);
        self.references = references;
        self.references_cost = budget::cost(&symbols[from..]) / self.header.steps.max(1);
    }

    pub(super) fn forget_references(&mut self, slot: u16, group: u8) {
        self.references.retain(|known| known.slot != slot || known.group != group);
    }
}

impl Found {
    /// How a reference travels: the target's slot plus one, or 0 where the client has no such.
    pub(super) fn target(&self, target: NetId) -> u32 {
        self.slot_of(target).map_or(0, |slot| u32::from(slot) + 1)
    }
}
