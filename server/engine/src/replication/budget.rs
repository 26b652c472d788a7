//! What goes first when a frame must stay small.
//!
//! Each changed or entering entity competes with how near it is and how long it has waited; one
//! that waits gains on all others, so that every one gets its turn.

use tickwire_shared::replication::rans;

use super::{interest::Area, snapshot::Snapshot};

/// A budget from here on is none.
pub(super) const UNLIMITED_BYTES: usize = 1 << 20;

/// What an entry costs beside its state (position, slot, which components), in 1/256 bit.
pub(super) const ENTRY_COST: u32 = 40 << 8;

/// An entry competes as if it had waited so many frames more: something missing is worse than
/// something late.
pub(super) const ENTRY_WAITED: u8 = 2;

/// What a status costs where little changes, in 1/256 bit.
const STATUS_COST: u64 = 64;

/// No symbol costs more: frequencies have twelve bits.
const SYMBOL_COST_MAX: u64 = (rans::FREQUENCY_BITS as u64) << 8;

/// What the rest of a frame takes.
const FRAME_BYTES: u64 = 6;

/// Something that wants to be in a frame.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Candidate {
    pub(super) is_entry: bool,
    /// Its place among the plans or the entries.
    pub(super) at: usize,
    /// In 1/256 bit.
    pub(super) cost: u32,
    pub(super) score: u32,
}

/// How much something matters that lies at a distance (0 the middle of the view, 1024 its edge)
/// and has waited so many frames.
pub(super) fn score(distance: u32, waited: u8) -> u32 {
    let nearness = 1024 + 3 * 1024u32.saturating_sub(distance);
    nearness * (1 + u32::from(waited))
}

/// Sorts candidates and gives those that don't fit. At least one always does.
pub(super) fn choose(
    candidates: &mut [Candidate],
    budget_bytes: usize,
    statuses: usize,
) -> &[Candidate] {
    let budget = budget(budget_bytes, statuses);
    let total: u64 = candidates.iter().map(|candidate| u64::from(candidate.cost)).sum();
    if total <= budget {
        return &[];
    }
    candidates.sort_by_key(|candidate| {
        (std::cmp::Reverse(candidate.score), candidate.is_entry, candidate.at)
    });
    let mut spent = 0;
    let fits = candidates.iter().position(|candidate| {
        spent += u64::from(candidate.cost);
        spent > budget
    });
    let fits = fits.unwrap_or(candidates.len()).max(1);
    candidates.get(fits..).unwrap_or(&[])
}

/// Whether so much fits whatever the symbols cost, which saves most frames the sums.
pub(super) fn fits_surely(
    budget_bytes: usize,
    statuses: usize,
    entries: usize,
    symbols: usize,
) -> bool {
    let symbols = symbols as u64 * SYMBOL_COST_MAX;
    symbols + entries as u64 * u64::from(ENTRY_COST) <= budget(budget_bytes, statuses)
}

/// What is left for changes and entries, in 1/256 bit.
fn budget(budget_bytes: usize, statuses: usize) -> u64 {
    let fixed = (FRAME_BYTES << 11) + statuses as u64 * STATUS_COST;
    ((budget_bytes as u64) << 11).saturating_sub(fixed)
}

impl Snapshot {
    /// How far an entity is from the middle of an area; 1024 is its edge.
    pub(super) fn distance(&self, row: usize, area: &Area) -> u32 {
        let Area::Rect { center, half, .. } = area else { return 0 };
        let mask = self.rows.get(row).map_or(0, |row| row.mask);
        let Some((_, place)) = self.place(row, mask) else { return 0 };
        let share = |((place, center), half): ((u32, &u32), &u32)| {
            let share = u64::from(place.abs_diff(*center)) * 1024 / u64::from(*half).max(1);
            u32::try_from(share).unwrap_or(u32::MAX).min(2048)
        };
        place.into_iter().zip(center).zip(half).map(share).max().unwrap_or(0)
    }
}
