//! What lies in a view.
//!
//! A grid over the snapshot's positions, made when the first client asks. Cells of a row of the
//! grid follow one another in memory, so that a view is a few stretches of one list.

#![allow(clippy::indexing_slicing, reason = "cells are clamped to the grid")]

use super::snapshot::Snapshot;

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
    pub(super) place: [u32; 2],
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Elsewhere {
    pub(super) row: u16,
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
            match snapshot.place(at, row.mask) {
                Some((group, place))
                    if snapshot.model.groups[group].audience == Audience::Everyone =>
                {
                    most = [most[0].max(place[0]), most[1].max(place[1])];
                    unsorted.push(Placed { row: row_number, place });
                }
                secret => elsewhere.push(Elsewhere { row: row_number, secret }),
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
        let mut placed = vec![Placed { row: 0, place: [0; 2] }; unsorted.len()];
        for entity in &unsorted {
            let at = &mut next[cell(entity)];
            placed[*at as usize] = *entity;
            *at += 1;
        }
        Self { placed, starts, columns, shift, elsewhere }
    }

    /// Calls `found` with each placed entity in the area or `extra` around it.
    pub(super) fn search(&self, area: &Area, extra: u32, mut found: impl FnMut(Placed)) {
        let Area::Rect { center, half, .. } = area else {
            if *area == Area::Everything {
                self.placed.iter().copied().for_each(found);
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
            for placed in &self.placed[from..to] {
                if area.holds(placed.place, extra) {
                    found(*placed);
                }
            }
        }
    }

    /// Entities without a place, or whose place not everybody may know.
    pub(super) fn elsewhere(&self) -> &[Elsewhere] {
        &self.elsewhere
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
