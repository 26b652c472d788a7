//! What lies in a view.
//!
//! A grid over the snapshot's positions. Cells of a row of the grid follow one another in memory,
//! so that a view is a few stretches of one list. What most clients ask of an entity is laid out
//! in the same order (see `deltas`): in a large world, each client would otherwise fetch every
//! entity of its view from memory.

#![allow(clippy::indexing_slicing, reason = "cells are clamped to the grid")]

use super::snapshot::{Snapshot, Tenancy};

/// What a client may see now. Plain data.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct View {
    /// Where.
    pub area: Area,
    /// Which team's components.
    pub team: Option<u8>,
    /// Which rules' components, as bits.
    pub rules: u32,
    /// Compared with [`super::VisibleTo`].
    pub mask: u64,
}

impl View {
    /// The whole world, but nothing that belongs to a team or falls under a rule.
    pub const fn everything() -> Self {
        Self { area: Area::Everything, team: None, rules: 0, mask: u64::MAX }
    }

    /// A part of the world.
    pub const fn of(area: Area) -> Self {
        Self { area, ..Self::everything() }
    }
}

/// A part of the world. Entities without a position are in every area.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Area {
    /// All of it.
    Everything,
    /// No place at all.
    Nowhere,
    /// Around a place, in codes of the position field.
    Rect {
        /// The middle.
        center: [u32; 2],
        /// How far it reaches along each axis, the last code included.
        half: [u32; 2],
        /// How much further an entity stays in view that was in it.
        margin: u32,
    },
}

impl Area {
    /// Whether a place lies in it, `extra` further out than its edge.
    pub(super) fn holds(&self, place: [u32; 2], extra: u32) -> bool {
        match self {
            Self::Everything => true,
            Self::Nowhere => false,
            Self::Rect { center, half, .. } => (0..2)
                .all(|axis| place[axis].abs_diff(center[axis]) <= half[axis].saturating_add(extra)),
        }
    }

    /// Where it lies on a curve through the world that mostly leads from neighbour to neighbour: a
    /// Morton code. Clients who see much the same are best served one after another, while that is
    /// still in the processor's cache.
    pub fn place_on_curve(&self) -> u64 {
        let Self::Rect { center, .. } = self else { return 0 };
        let spread = |code: u32| {
            let mut bits = u64::from(code);
            for (shift, mask) in [
                (16, 0x0000_ffff_0000_ffff),
                (8, 0x00ff_00ff_00ff_00ff),
                (4, 0x0f0f_0f0f_0f0f_0f0f),
                (2, 0x3333_3333_3333_3333),
                (1, 0x5555_5555_5555_5555),
            ] {
                bits = (bits | bits << shift) & mask;
            }
            bits
        };
        spread(center[0]) | spread(center[1]) << 1
    }

    pub(super) fn margin(&self) -> u32 {
        match self {
            Self::Rect { margin, .. } => *margin,
            _ => 0,
        }
    }
}

/// Entities by place.
#[derive(Debug)]
pub(super) struct Grid {
    /// Entities with a place, cell by cell.
    placed: Vec<Placed>,
    /// Where each cell begins in `placed`; then its length.
    starts: Vec<u32>,
    columns: [usize; 2],
    /// A cell is this power of two of codes wide.
    shift: u32,
    /// Entities without a place, or whose place not everybody may know.
    elsewhere: Vec<Elsewhere>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Placed {
    pub(super) row: u16,
    pub(super) tenancy: Tenancy,
    pub(super) place: [u32; 2],
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Elsewhere {
    pub(super) row: u16,
    pub(super) tenancy: Tenancy,
    /// The group that holds the place, and the place.
    pub(super) secret: Option<(usize, [u32; 2])>,
}

impl Grid {
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        use tickwire_shared::Audience;
        let mut unsorted = Vec::new();
        let mut elsewhere = Vec::new();
        let mut most = [0u32; 2];
        for (at, row) in snapshot.rows.iter().enumerate().filter(|(_, row)| row.mask != 0) {
            let Ok(row_number) = u16::try_from(at) else { continue };
            let tenancy = Tenancy::of(row, &snapshot.model);
            match snapshot.place(at, row.mask) {
                Some((group, place))
                    if snapshot.model.groups[group].audience == Audience::Everyone =>
                {
                    most = [most[0].max(place[0]), most[1].max(place[1])];
                    unsorted.push(Placed { row: row_number, tenancy, place });
                }
                secret => elsewhere.push(Elsewhere { row: row_number, tenancy, secret }),
            }
        }
        // About as many cells as entities.
        let cells_max = unsorted.len().max(1);
        let mut shift = 0;
        let columns = |shift: u32| most.map(|most| (most >> shift) as usize + 1);
        while columns(shift)[0].saturating_mul(columns(shift)[1]) > cells_max {
            shift += 1;
        }
        let columns = columns(shift);
        let cell = |placed: &Placed| {
            (placed.place[1] >> shift) as usize * columns[0] + (placed.place[0] >> shift) as usize
        };
        let mut starts = vec![0u32; columns[0] * columns[1] + 1];
        for placed in &unsorted {
            starts[cell(placed) + 1] += 1;
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let mut next = starts.clone();
        let mut placed = unsorted.clone();
        for entity in &unsorted {
            let at = &mut next[cell(entity)];
            placed[*at as usize] = *entity;
            *at += 1;
        }
        Self { placed, starts, columns, shift, elsewhere }
    }

    /// The rows of all entities in the grid's order: placed ones cell by cell, then those
    /// elsewhere.
    pub(super) fn rows(&self) -> impl Iterator<Item = u16> {
        let elsewhere = self.elsewhere.iter().map(|entity| entity.row);
        self.placed.iter().map(|placed| placed.row).chain(elsewhere)
    }

    /// Calls `found` with each placed entity in the area or `extra` around it, and its place in
    /// the grid's order.
    pub(super) fn search(&self, area: &Area, extra: u32, mut found: impl FnMut(usize, &Placed)) {
        let Area::Rect { center, half, .. } = area else {
            if *area == Area::Everything {
                self.placed.iter().enumerate().for_each(|(at, placed)| found(at, placed));
            }
            return;
        };
        let first = |axis: usize| {
            let code = center[axis].saturating_sub(half[axis].saturating_add(extra));
            (code >> self.shift) as usize
        };
        let last = |axis: usize| {
            let code = center[axis].saturating_add(half[axis].saturating_add(extra));
            ((code >> self.shift) as usize).min(self.columns[axis] - 1)
        };
        let (left, right) = (first(0), last(0));
        if left > right {
            return;
        }
        for line in first(1)..=last(1) {
            let cells = line * self.columns[0];
            let from = self.starts[cells + left] as usize;
            let to = self.starts[cells + right + 1] as usize;
            for (at, placed) in (from..to).zip(&self.placed[from..to]) {
                if area.holds(placed.place, extra) {
                    found(at, placed);
                }
            }
        }
    }

    /// Entities without a place, or whose place not everybody may know, and their places in the
    /// grid's order.
    pub(super) fn elsewhere(&self) -> impl Iterator<Item = (usize, &Elsewhere)> {
        (self.placed.len()..).zip(&self.elsewhere)
    }
}

impl Snapshot {
    /// Where an entity is, on the first two axes, and the group that says so.
    pub(super) fn place(&self, row: usize, mask: u64) -> Option<(usize, [u32; 2])> {
        self.model.groups.iter().enumerate().find_map(|(number, group)| {
            let field = &group.record.fields[group.record.position?];
            if mask & field.bit() == 0 {
                return None;
            }
            let mut lanes = field.lanes.clone().map(|lane| self.code(group.first_lane + lane, row));
            Some((number, [lanes.next()?, lanes.next().unwrap_or(0)]))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_fills_each_quarter_of_the_world_before_the_next() {
        let at = |x, y| Area::Rect { center: [x, y], half: [1, 1], margin: 0 }.place_on_curve();
        assert_eq!([at(0, 0), at(1, 0), at(0, 1), at(1, 1), at(2, 0)], [0, 1, 2, 3, 4]);
        assert_eq!(at(u32::MAX, u32::MAX), u64::MAX);
        assert!(at(1023, 1023) < at(1024, 0) && at(2047, 1023) < at(0, 1024));
    }
}
