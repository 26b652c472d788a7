//! From one state to the next, worked out at most once per tick for all clients.
//!
//! Kept with the newer snapshot as symbols, ready for any client's entropy coder. The common
//! case, one tick and a warm receiver, is made ahead of demand; everything else by the first
//! network worker that needs it, while the others that need it wait for it.

#![allow(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "rows and groups come from the snapshots' own tables; a tick has few symbols"
)]

use std::{
    array,
    cell::RefCell,
    sync::{Arc, OnceLock},
};

use tickwire_shared::replication::{
    frame::Status,
    rans::Symbol,
    values::{Past, Present},
};

use super::{
    history::History,
    snapshot::{Snapshot, State},
};

/// What has become of a sub-entity since a base.
#[derive(Clone, Copy, Debug)]
pub(super) struct Delta<'a> {
    /// Exact, changed, or reset where no delta leads there.
    pub(super) status: Status,
    /// Whether the state is the same as at the base: nothing to tell anybody.
    pub(super) is_still: bool,
    /// What follows the status.
    pub(super) symbols: &'a [Symbol],
}

/// A delta that was made on demand.
#[derive(Debug)]
struct OwnDelta {
    status: Status,
    is_still: bool,
    symbols: Box<[Symbol]>,
}

/// The deltas that were made ahead of demand, close together: clients read them in no order.
#[derive(Debug, Default)]
struct Prepared {
    /// By row and group; `None` where nothing was prepared.
    places: Vec<Option<PreparedDelta>>,
    symbols: Vec<Symbol>,
}

#[derive(Clone, Copy, Debug)]
struct PreparedDelta {
    from: u32,
    to: u32,
    status: Status,
    is_still: bool,
}

/// What was worked out from a snapshot, by demand.
#[derive(Debug)]
pub(super) struct Memo {
    prepared: OnceLock<Prepared>,
    /// By distance to the base, cold and warm.
    deltas: Box<[[OnceLock<Lazy<OwnDelta>>; 2]]>,
    entries: Lazy<Entry>,
    hashes: Lazy<u32>,
    groups: usize,
    cells: usize,
}

/// A whole state but for its position and references.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) symbols: Box<[Symbol]>,
    /// What the symbols cost, in 1/256 bit.
    pub(super) cost: u32,
}

impl Memo {
    /// For a snapshot with so many rows and groups, and bases up to `distance_max` ticks before.
    pub(super) fn new(rows: usize, groups: usize, distance_max: usize) -> Self {
        let cells = rows * groups;
        Self {
            prepared: OnceLock::new(),
            deltas: (0..distance_max).map(|_| array::from_fn(|_| OnceLock::new())).collect(),
            entries: Lazy::new(cells),
            hashes: Lazy::new(cells),
            groups,
            cells,
        }
    }
}

/// Two snapshots between which deltas are made, and the one before both.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span<'a> {
    pub(super) base: &'a Snapshot,
    /// As far before the base as the base is before the present, for warm receivers.
    pub(super) previous: Option<&'a Snapshot>,
}

impl Snapshot {
    /// What has become of a sub-entity over a span. The entity must be there at its ends.
    pub(super) fn delta(&self, span: Span<'_>, row: usize, group: usize) -> Option<Delta<'_>> {
        let distance = usize::try_from(self.tick.since(span.base.tick)).ok()?.checked_sub(1)?;
        let is_warm = span.previous.is_some();
        let cell = row * self.memo.groups + group;
        if distance == 0
            && is_warm
            && let Some(prepared) = self.memo.prepared.get()
            && let Some(Some(place)) = prepared.places.get(cell)
        {
            let PreparedDelta { from, to, status, is_still } = *place;
            let symbols = &prepared.symbols[from as usize..to as usize];
            return Some(Delta { status, is_still, symbols });
        }
        let column = self.memo.deltas.get(distance)?[usize::from(is_warm)]
            .get_or_init(|| Lazy::new(self.memo.cells));
        let OwnDelta { status, is_still, symbols } = column.get(cell, || {
            let mut symbols = Vec::new();
            let (status, is_still) = self.make_delta(span, row, group, &mut symbols);
            OwnDelta { status, is_still, symbols: symbols.into() }
        });
        Some(Delta { status: *status, is_still: *is_still, symbols })
    }

    /// The whole state of a sub-entity but for its position and references.
    pub(super) fn entry(&self, row: usize, group: usize) -> &Entry {
        self.memo.entries.get(row * self.memo.groups + group, || {
            let mut state = State::default();
            self.gather(row, group, &mut state);
            let mut symbols: Vec<Symbol> = Vec::new();
            let mut present = Present { codes: &mut state.codes, sequences: &mut state.sequences };
            self.shape(row, group)
                .code_entry(&mut symbols, &self.model, &mut present)
                .expect("a captured state is inside its ranges");
            let cost = symbols.iter().map(|symbol| symbol.cost()).sum();
            Entry { symbols: symbols.into(), cost }
        })
    }

    /// Hash of a sub-entity's lasting state.
    pub(super) fn state_hash(&self, row: usize, group: usize) -> u32 {
        *self.memo.hashes.get(row * self.memo.groups + group, || {
            let mut state = State::default();
            self.gather(row, group, &mut state);
            self.shape(row, group).hash(&state.codes, &state.sequences)
        })
    }

    /// Appends a delta to `symbols`; what it is, and whether nothing changed at all.
    fn make_delta(
        &self,
        span: Span<'_>,
        row: usize,
        group: usize,
        symbols: &mut Vec<Symbol>,
    ) -> (Status, bool) {
        let shape = self.shape(row, group);
        if span.base.mask(row, group) != shape.mask {
            return (Status::Reset, false);
        }
        SCRATCH.with_borrow_mut(|[now, base, previous]| {
            self.gather(row, group, now);
            span.base.gather(row, group, base);
            let previous = span.previous.map(|snapshot| {
                snapshot.gather(row, group, previous);
                previous.codes.as_slice()
            });
            let steps = self.tick.since(span.base.tick).unsigned_abs();
            let past = Past { codes: &base.codes, previous, sequences: &base.sequences, steps };
            let mut present = Present { codes: &mut now.codes, sequences: &mut now.sequences };
            if shape.is_remade(past, &present) {
                return (Status::Reset, false);
            }
            if shape.is_predicted(past, &present) {
                return (Status::Exact, past.codes == present.codes);
            }
            shape
                .code_update(symbols, &self.model, past, &mut present)
                .expect("a captured state is inside its ranges");
            (Status::Changed, false)
        })
    }
}

/// Works out ahead what most clients will ask of the newest snapshot.
pub(super) fn prepare(history: &History) {
    let Some(newest) = history.newest() else { return };
    let (Some(base), Some(previous)) =
        (history.at(newest.tick.minus(1)), history.at(newest.tick.minus(2)))
    else {
        return;
    };
    let span = Span { base, previous: Some(previous) };
    let mut prepared = Prepared { places: vec![None; newest.memo.cells], symbols: Vec::new() };
    for (at, row) in newest.rows.iter().enumerate().filter(|(_, row)| row.mask != 0) {
        let Ok(index) = u16::try_from(at) else { return };
        let has_past = |past: &Arc<Snapshot>| past.tenant(index, row.generation).is_some();
        if !has_past(base) || !has_past(previous) {
            continue;
        }
        for group in 0..newest.memo.groups {
            if newest.mask(at, group) != 0 {
                let from = prepared.symbols.len() as u32;
                let (status, is_still) = newest.make_delta(span, at, group, &mut prepared.symbols);
                let to = prepared.symbols.len() as u32;
                prepared.places[at * newest.memo.groups + group] =
                    Some(PreparedDelta { from, to, status, is_still });
            }
        }
    }
    // Where somebody was faster, what is there is the same.
    let _ = newest.memo.prepared.set(prepared);
}

/// Values made on first demand, by number.
#[derive(Debug)]
struct Lazy<T> {
    chunks: Box<[OnceLock<Box<[OnceLock<T>]>>]>,
}

impl<T> Lazy<T> {
    fn new(cells: usize) -> Self {
        Self { chunks: (0..cells.div_ceil(CHUNK)).map(|_| OnceLock::new()).collect() }
    }

    fn get(&self, at: usize, make: impl FnOnce() -> T) -> &T {
        let chunk =
            self.chunks[at / CHUNK].get_or_init(|| (0..CHUNK).map(|_| OnceLock::new()).collect());
        chunk[at % CHUNK].get_or_init(make)
    }
}

/// Cells that are made room for together.
const CHUNK: usize = 64;

thread_local! {
    /// Present, base and the state before, while a delta is made.
    static SCRATCH: RefCell<[State; 3]> = RefCell::default();
}
