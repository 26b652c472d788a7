//! The entity in the middle of a view: others are placed from there.

#![allow(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "slots, rows and groups come from the view's own tables and are 16 bits wide"
)]

use tickwire_shared::replication::frame::{Entry, Status};

use super::{
    super::interest::Area,
    ClientView, Moment,
    plan::{Plan, Work},
};

impl ClientView {
    /// Gives entering entities their slots, the one in the middle of the view first, and names
    /// the slot from which the client places the others.
    pub(super) fn choose_anchor(&mut self, moment: Moment<'_>, work: &mut Work) -> Option<u16> {
        let center = match moment.view.area {
            Area::Rect { center, .. } => Some(center),
            _ => None,
        };
        let is_center = |row: u16, group: u8| {
            let row = usize::from(row);
            center.is_some()
                && moment
                    .now
                    .place(row, moment.now.mask(row, group.into()))
                    .is_some_and(|(_, place)| Some(place) == center)
        };
        let is_stay = |plan: &&Plan| {
            plan.status != Status::Leave
                && plan.status != Status::Deferred
                && is_center(self.slots[usize::from(plan.slot)].row, plan.group)
        };
        // Mostly it is who it was; looking at everybody would cost more than it saves.
        let old = self.header.anchor;
        let is_old = |plan: &&Plan| Some(plan.slot) == old && is_stay(plan);
        let anchor = work.plans.iter().find(is_old).or_else(|| work.plans.iter().find(is_stay));
        let anchor = anchor.map(|plan| plan.slot);
        if anchor.is_none()
            && let Some(at) = work.entries.iter().position(|entry| {
                entry.kind == Entry::New && !entry.is_dropped && is_center(entry.row, entry.group)
            })
        {
            let end = work.entries[at + 1..].iter().position(|entry| entry.kind != Entry::Further);
            let end = end.map_or(work.entries.len(), |count| at + 1 + count);
            work.entries[..end].rotate_left(at);
        }
        self.assign_slots(moment, work);
        let entered = || {
            work.entries.iter().find(|entry| !entry.is_dropped && is_center(entry.row, entry.group))
        };
        anchor.or_else(|| entered().map(|entry| entry.slot))
    }

    /// Does as the replica does: follows the anchor's entity while the client has it.
    pub(super) fn move_anchor(&mut self, moment: Moment<'_>) {
        let Some(slot) = self.header.anchor.map(usize::from) else { return };
        let groups = &moment.model.groups;
        let Some(row) = self.slots.get(slot).map(|slot| usize::from(slot.row)) else { return };
        for (number, group) in groups.iter().enumerate() {
            let sub = self.subs.get(slot * groups.len() + number);
            let (Some(Some(sub)), Some(at)) = (sub, group.record.position) else { continue };
            // What fell out of the history has not moved for the client either.
            let Some(snapshot) = self.base(*sub, moment) else { return };
            let field = &group.record.fields[at];
            if snapshot.mask(row, number) & field.bit() != 0 {
                let lanes = field.lanes.clone();
                self.anchor.clear();
                self.anchor.extend(lanes.map(|lane| snapshot.code(group.first_lane + lane, row)));
                return;
            }
        }
    }
}
