//! What goes first when a frame must stay small.
//!
//! Each changed or entering entity competes with how near it is and how long it has waited; one
//! that waits gains on all others, so that every one gets its turn.

use tickwire_shared::replication::{
    coder::Coder,
    frame::Status,
    model::Model,
    rans::{self, Symbol},
};

use super::{events::QueuedEvent, interest::Area, snapshot::Snapshot};

/// A budget from here on is none.
pub(super) const UNLIMITED_BYTES: usize = 1 << 20;

/// What an entry costs beside its state (position, slot, which components), in 1/256 bit.
pub(super) const ENTRY_COST: u32 = 40 << 8;

/// An entry competes as if it had waited so many frames more: something missing is worse than
/// something late.
pub(super) const ENTRY_WAITED: u8 = 2;

/// No symbol costs more: frequencies have twelve bits.
const SYMBOL_COST_MAX: u64 = (rans::FREQUENCY_BITS as u64) << 8;

/// What a code of an event costs, about.
const EVENT_CODE_COST: u64 = 12 << 8;

/// Where saying that entities wait takes most of a budget (thousands in view, on a slow network),
/// one part in so many of it goes to news all the same.
const NEWS_SHARE: i64 = 4;

/// What the rest of a frame takes.
const FRAME_BYTES: u64 = 6;

/// Something that wants to be in a frame.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Candidate {
    pub(super) is_entry: bool,
    /// Its place among the plans or the entries.
    pub(super) at: usize,
    /// By how much the frame grows when it goes rather than waits, in 1/256 bit. A status that is
    /// likely costs less than to say that it waits.
    pub(super) cost: i64,
    pub(super) score: u32,
}

/// What a frame costs if everything goes, and if all that can wait does, in 1/256 bit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Extremes {
    pub(super) all: i64,
    pub(super) least: i64,
}

impl Extremes {
    /// Of a frame in which nothing competes, but what is told anyway costs so much.
    pub(super) const fn of(told_cost: u64) -> Self {
        let fixed = ((FRAME_BYTES << 11) + told_cost).cast_signed();
        Self { all: fixed, least: fixed }
    }
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
    extremes: Extremes,
) -> &[Candidate] {
    let budget = budget(budget_bytes).cast_signed();
    if extremes.all <= budget {
        return &[];
    }
    let most = budget.max(extremes.least + budget / NEWS_SHARE);
    candidates.sort_by_key(|candidate| {
        (std::cmp::Reverse(candidate.score), candidate.is_entry, candidate.at)
    });
    let mut spent = extremes.least;
    let fits = candidates.iter().position(|candidate| {
        spent += candidate.cost;
        spent > most
    });
    let fits = fits.unwrap_or(candidates.len()).max(1);
    candidates.get(fits..).unwrap_or(&[])
}

/// Whether so much fits whatever its symbols cost, which saves most frames the sums.
pub(super) fn fits_surely(
    budget_bytes: usize,
    symbols: usize,
    entries: usize,
    told_cost: u64,
) -> bool {
    let symbols = symbols as u64 * SYMBOL_COST_MAX + entries as u64 * u64::from(ENTRY_COST);
    (FRAME_BYTES << 11) + symbols + told_cost <= budget(budget_bytes)
}

/// What a status costs in its table, in 1/256 bit. `scratch` is used for it.
pub(super) fn status_cost(
    status: Status,
    model: &Model,
    place: usize,
    scratch: &mut Vec<Symbol>,
) -> i64 {
    scratch.clear();
    let _ = scratch.symbol(model, place, status.code());
    i64::from(cost(scratch))
}

/// What symbols cost, in 1/256 bit.
pub(super) fn cost(symbols: &[Symbol]) -> u32 {
    symbols.iter().map(|symbol| symbol.cost()).sum()
}

/// What events cost, about, in 1/256 bit: most of their codes take no table's place.
pub(super) fn events_cost<'a>(events: impl IntoIterator<Item = &'a QueuedEvent>) -> u64 {
    let codes = events.into_iter().map(|event| {
        let sequences = event.sequences.iter().map(|sequence| 1 + sequence.len());
        1 + event.codes.len() + sequences.sum::<usize>()
    });
    codes.sum::<usize>() as u64 * EVENT_CODE_COST
}

/// In 1/256 bit.
fn budget(bytes: usize) -> u64 {
    (bytes as u64) << 11
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
