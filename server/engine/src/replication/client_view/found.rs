//! What lies in a client's view now.

#![allow(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "slots, rows and groups come from the view's own tables and are 16 bits wide"
)]

use tickwire_shared::NetId;

use super::{
    super::{deltas::Whose, snapshot::Tenancy},
    Moment,
    plan::NO_SLOT,
    slots::Slot,
};

/// Entities in a view and around it: a sparse set after Briggs and Torczon, "An Efficient
/// Representation for Sparse Sets" (1993), which is emptied without a look at the world's size.
#[derive(Debug, Default)]
pub(super) struct Found {
    entities: Vec<FoundEntity>,
    /// By row, where in `entities` it is; anything for rows that are not there.
    places: Vec<u16>,
    /// Those that come into view, as places in `entities`.
    new_ones: Vec<u16>,
}

/// An entity in a view or around it.
#[derive(Clone, Copy, Debug)]
pub(super) struct FoundEntity {
    /// Its place in the grid's order.
    pub(super) at: u32,
    pub(super) row: u16,
    pub(super) tenancy: Tenancy,
    /// Whether it enters the view, rather than stays there if it was in it.
    is_inside: bool,
    /// Whether the client has it.
    is_held: bool,
    /// By which slot the client knows it after the frame; `NO_SLOT`: not at all.
    slot: u16,
}

impl Found {
    /// Finds what is in the view, and what stays there if it was in it.
    pub(super) fn search(&mut self, moment: Moment<'_>) {
        let Moment { now, view, client, .. } = moment;
        self.entities.clear();
        if self.places.len() < now.rows.len() {
            self.places.resize(now.rows.len(), 0);
        }
        let margin = view.area.margin();
        let grid = now.grid();
        grid.search(&view.area, margin, |at, placed| {
            let is_inside = margin == 0 || view.area.holds(placed.place, 0);
            self.add(at, placed.row, placed.tenancy, is_inside);
        });
        for (at, entity) in grid.elsewhere() {
            let reaches = |extra: u32| {
                entity.secret.is_none_or(|(group, place)| {
                    !now.may_see(entity.row.into(), group, client, view)
                        || view.area.holds(place, extra)
                })
            };
            if reaches(margin) {
                self.add(at, entity.row, entity.tenancy, reaches(0));
            }
        }
    }

    fn add(&mut self, at: usize, row: u16, tenancy: Tenancy, is_inside: bool) {
        self.places[usize::from(row)] = self.entities.len() as u16;
        let at = at as u32;
        let (is_held, slot) = (false, NO_SLOT);
        self.entities.push(FoundEntity { at, row, tenancy, is_inside, is_held, slot });
    }

    /// The entity of a slot, where it is in the view; it is not new then.
    pub(super) fn take(&mut self, number: u16, slot: Slot) -> Option<FoundEntity> {
        let place = *self.places.get(usize::from(slot.row))?;
        let entity = self.entities.get_mut(usize::from(place))?;
        if entity.row != slot.row || entity.tenancy.generation != slot.generation {
            return None;
        }
        entity.is_held = true;
        entity.slot = number;
        Some(*entity)
    }

    /// Remembers by which slot the client knows an entity that was found.
    pub(super) fn set_slot(&mut self, row: u16, slot: u16) {
        let place = self.places[usize::from(row)];
        self.entities[usize::from(place)].slot = slot;
    }

    /// By which slot the client knows an entity after the frame.
    pub(super) fn slot_of(&self, target: NetId) -> Option<u16> {
        let place = *self.places.get(usize::from(target.index()))?;
        let entity = self.entities.get(usize::from(place))?;
        let is_it =
            entity.row == target.index() && entity.tenancy.generation == target.generation();
        (is_it && entity.slot != NO_SLOT).then_some(entity.slot)
    }

    /// Entities that come into view, by row.
    pub(super) fn new_ones(&mut self) -> impl Iterator<Item = &FoundEntity> {
        let Self { entities, new_ones, .. } = self;
        let is_new = |entity: &FoundEntity| entity.is_inside && !entity.is_held;
        let found = (0..).zip(entities.iter()).filter(|(_, entity)| is_new(entity));
        new_ones.clear();
        new_ones.extend(found.map(|(place, _)| place));
        new_ones.sort_unstable_by_key(|place| entities[usize::from(*place)].row);
        new_ones.iter().map(|place| &entities[usize::from(*place)])
    }
}

impl FoundEntity {
    pub(super) fn whose(&self) -> Whose {
        Whose { at: self.at as usize, row: self.row.into() }
    }

    /// Who would have its slot.
    pub(super) fn slot(&self) -> Slot {
        Slot { row: self.row, generation: self.tenancy.generation }
    }

    /// Whether the client may see this group of it.
    pub(super) fn shows(&self, group: usize, moment: Moment<'_>) -> bool {
        self.tenancy.is_open(group)
            || moment.now.may_see(self.row.into(), group, moment.client, moment.view)
    }
}
