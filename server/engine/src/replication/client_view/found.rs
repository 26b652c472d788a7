//! What lies in a client's view now.

#![allow(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "slots, rows and groups come from the view's own tables and are 16 bits wide"
)]

use super::{super::snapshot::Tenancy, Moment, slots::Slot};

/// Entities in a view and around it: a sparse set after Briggs and Torczon, "An Efficient
/// Representation for Sparse Sets" (1993), which is emptied without a look at the world's size.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) entities: Vec<FoundEntity>,
    /// By row, where in `entities` it is; anything for rows that are not there.
    pub(super) places: Vec<u16>,
}

/// An entity in a view or around it.
#[derive(Clone, Copy, Debug)]
pub(super) struct FoundEntity {
    /// Its place in the grid's order.
    pub(super) at: u32,
    pub(super) row: u16,
    pub(super) tenancy: Tenancy,
    /// Whether it enters the view, rather than stays there if it was in it.
    pub(super) is_inside: bool,
    /// Whether the client has it.
    pub(super) is_held: bool,
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
        self.entities.push(FoundEntity { at, row, tenancy, is_inside, is_held: false });
    }

    /// The entity of a slot, where it is in the view; it is not new then.
    pub(super) fn take(&mut self, slot: Slot) -> Option<FoundEntity> {
        let place = *self.places.get(usize::from(slot.row))?;
        let entity = self.entities.get_mut(usize::from(place))?;
        if entity.row != slot.row || entity.tenancy.generation != slot.generation {
            return None;
        }
        entity.is_held = true;
        Some(*entity)
    }

    /// Entities that come into view, by row.
    pub(super) fn new_ones(&mut self) -> &[FoundEntity] {
        self.entities.retain(|entity| entity.is_inside && !entity.is_held);
        self.entities.sort_unstable_by_key(|entity| entity.row);
        &self.entities
    }
}

impl FoundEntity {
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
