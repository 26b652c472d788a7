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
    pub(super) kept: Kept,
    /// What follows the status.
    pub(super) symbols: &'a [Symbol],
}

/// What is the same as at the base.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kept {
    /// All of it: nothing to tell anybody.
    All,
    /// What it refers to.
    References,
    /// Not even that.
    Nothing,
}

/// A delta that was made on demand.
#[derive(Debug)]
struct OwnDelta {
    status: Status,
    kept: Kept,
    symbols: Box<[Symbol]>,
}

/// The deltas over one tick for warm receivers, made ahead of demand. They lie in the grid's
/// order, so that those of a view lie together.
#[derive(Debug, Default)]
pub(super) struct Prepared {
    /// By place in the grid's order, and group.
    deltas: Vec<PreparedDelta>,
    symbols: Vec<Symbol>,
}

#[derive(Clone, Copy, Debug)]
struct PreparedDelta {
    from: u32,
    count: u16,
    /// `None` where nothing was prepared.
    status: Option<Status>,
    kept: Kept,
}

impl PreparedDelta {
    const NONE: Self = Self { from: 0, count: 0, status: None, kept: Kept::Nothing };

    fn of<'a>(&self, symbols: &'a [Symbol]) -> &'a [Symbol] {
        &symbols[self.from as usize..self.from as usize + usize::from(self.count)]
    }
}

impl Prepared {
    /// What was prepared for the group of the entity at this place in the grid's order.
    pub(super) fn delta(&self, at: usize, group: usize, groups: usize) -> Option<Delta<'_>> {
        let place = self.deltas.get(at * groups + group)?;
        Some(Delta { status: place.status?, kept: place.kept, symbols: place.of(&self.symbols) })
    }
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
    /// What was prepared for those who are warm and one tick behind.
    pub(super) fn prepared(&self) -> Option<&Prepared> {
        self.memo.prepared.get()
    }

    /// What has become of a sub-entity over a span. The entity must be there at its ends.
    pub(super) fn delta(&self, span: Span<'_>, row: usize, group: usize) -> Option<Delta<'_>> {
        let distance = usize::try_from(self.tick.since(span.base.tick)).ok()?.checked_sub(1)?;
        let cell = row * self.memo.groups + group;
        let column = self.memo.deltas.get(distance)?[usize::from(span.previous.is_some())]
            .get_or_init(|| Lazy::new(self.memo.cells));
        let OwnDelta { status, kept, symbols } = column.get(cell, || {
            let mut symbols = Vec::new();
            let (status, kept) = self.make_delta(span, row, group, &mut symbols);
            OwnDelta { status, kept, symbols: symbols.into() }
        });
        Some(Delta { status: *status, kept: *kept, symbols })
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

    /// Appends a delta to `symbols`; what it is, and what of the state is as it was.
    fn make_delta(
        &self,
        span: Span<'_>,
        row: usize,
        group: usize,
        symbols: &mut Vec<Symbol>,
    ) -> (Status, Kept) {
        let shape = self.shape(row, group);
        if span.base.mask(row, group) != shape.mask {
            return (Status::Reset, Kept::Nothing);
        }
        SCRATCH.with_borrow_mut(|[now, base, previous]| {
            self.gather(row, group, now);
            span.base.gather(row, group, base);
            let previous = span.previous.map(|snapshot| {
                snapshot.gather(row, group, previous);
                previous.codes.as_slice()
            });
            let steps = self.tick.since(span.base.tick).unsigned_abs();
            let kept = if now.codes == base.codes && now.sequences == base.sequences {
                Kept::All
            } else if shape.references().all(|lane| now.codes[lane] == base.codes[lane]) {
                Kept::References
            } else {
                Kept::Nothing
            };
            let past = Past { codes: &base.codes, previous, sequences: &base.sequences, steps };
            let mut present = Present { codes: &mut now.codes, sequences: &mut now.sequences };
            if shape.is_remade(past, &present) {
                return (Status::Reset, kept);
            }
            if shape.is_predicted(past, &present) {
                return (Status::Exact, kept);
            }
            shape
                .code_update(symbols, &self.model, past, &mut present)
                .expect("a captured state is inside its ranges");
            (Status::Changed, kept)
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
    let groups = newest.memo.groups;
    // Made row by row, as columns are read quickly…
    let mut made = vec![PreparedDelta::NONE; newest.memo.cells];
    let mut symbols = Vec::new();
    for (at, row) in newest.rows.iter().enumerate().filter(|(_, row)| row.mask != 0) {
        let Ok(index) = u16::try_from(at) else { return };
        let has_past = |past: &Arc<Snapshot>| past.tenant(index, row.generation).is_some();
        if !has_past(base) || !has_past(previous) {
            continue;
        }
        for group in (0..groups).filter(|group| newest.mask(at, *group) != 0) {
            let from = symbols.len();
            let (status, kept) = newest.make_delta(span, at, group, &mut symbols);
            if let Ok(count) = u16::try_from(symbols.len() - from) {
                let status = Some(status);
                made[at * groups + group] =
                    PreparedDelta { from: from as u32, count, status, kept };
            }
        }
    }
    // …and laid out as clients read them.
    let mut prepared = Prepared {
        deltas: Vec::with_capacity(made.len()),
        symbols: Vec::with_capacity(symbols.len()),
    };
    for row in newest.grid().rows().map(usize::from) {
        for delta in &made[row * groups..(row + 1) * groups] {
            let from = prepared.symbols.len() as u32;
            prepared.symbols.extend_from_slice(delta.of(&symbols));
            prepared.deltas.push(PreparedDelta { from, ..*delta });
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
