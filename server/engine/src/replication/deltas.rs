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
    ops::Range,
    sync::{Arc, OnceLock},
};

use tickwire_shared::replication::{
    frame::Status,
    rans::Symbol,
    values::{Past, Present},
};

use super::{
    history::History,
    on_demand::OnDemand,
    snapshot::{Snapshot, State},
};

/// What has become of a sub-entity since a base.
#[derive(Clone, Copy, Debug)]
pub(super) struct Delta {
    /// Exact, changed, or reset where no delta leads there.
    pub(super) status: Status,
    pub(super) kept: Kept,
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
    delta: Option<Delta>,
}

impl PreparedDelta {
    const NONE: Self = Self { from: 0, count: 0, delta: None };

    fn symbols(&self) -> Range<u32> {
        self.from..self.from + u32::from(self.count)
    }
}

impl Prepared {
    /// What was prepared for the group of the entity at this place in the grid's order, and where
    /// the symbols are that say so.
    pub(super) fn delta(
        &self,
        at: usize,
        group: usize,
        groups: usize,
    ) -> Option<(Delta, Range<u32>)> {
        let place = self.deltas.get(at * groups + group)?;
        Some((place.delta?, place.symbols()))
    }

    /// All symbols.
    pub(super) fn symbols(&self) -> &[Symbol] {
        &self.symbols
    }
}

/// What was worked out from a snapshot, by demand.
#[derive(Debug)]
pub(super) struct Memo {
    prepared: OnceLock<Prepared>,
    /// By distance to the base, cold and warm; then by place in the grid's order, and group.
    deltas: Box<[[OnceLock<OnDemand<Delta>>; 2]]>,
    /// Whole states but for position and references, with what they cost in 1/256 bit; by place in
    /// the grid's order, and group.
    entries: OnDemand<u32>,
    /// By row and group.
    hashes: Lazy<u32>,
    groups: usize,
    cells: usize,
}

/// An entity of a snapshot: its place in the grid's order, and its row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Whose {
    pub(super) at: usize,
    pub(super) row: usize,
}

impl Memo {
    /// For a snapshot with so many rows and groups, and bases up to `distance_max` ticks before.
    pub(super) fn new(rows: usize, groups: usize, distance_max: usize) -> Self {
        let cells = rows * groups;
        Self {
            prepared: OnceLock::new(),
            deltas: (0..distance_max).map(|_| array::from_fn(|_| OnceLock::new())).collect(),
            entries: OnDemand::new(cells),
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

    /// What has become of a sub-entity over a span; the symbols that say so go to `out`. The entity
    /// must be there at the span's ends.
    pub(super) fn delta(
        &self,
        span: Span<'_>,
        whose: Whose,
        group: usize,
        out: &mut Vec<Symbol>,
    ) -> Option<Delta> {
        let distance = usize::try_from(self.tick.since(span.base.tick)).ok()?.checked_sub(1)?;
        let column = self.memo.deltas.get(distance)?[usize::from(span.previous.is_some())]
            .get_or_init(|| OnDemand::new(self.memo.cells));
        let cell = whose.at * self.memo.groups + group;
        Some(column.copy(cell, out, |symbols| self.make_delta(span, whose.row, group, symbols)))
    }

    /// The whole state of a sub-entity but for its position and references, to `out`. What it
    /// costs, in 1/256 bit.
    pub(super) fn entry(&self, whose: Whose, group: usize, out: &mut Vec<Symbol>) -> u32 {
        self.memo.entries.copy(whose.at * self.memo.groups + group, out, |symbols| {
            let from = symbols.len();
            SCRATCH.with_borrow_mut(|[state, ..]| {
                self.gather(whose.row, group, state);
                let mut present =
                    Present { codes: &mut state.codes, sequences: &mut state.sequences };
                self.shape(whose.row, group)
                    .code_entry(symbols, &self.model, &mut present)
                    .expect("a captured state is inside its ranges");
            });
            symbols[from..].iter().map(|symbol| symbol.cost()).sum()
        })
    }

    /// Hash of a sub-entity's lasting state.
    pub(super) fn state_hash(&self, row: usize, group: usize) -> u32 {
        *self.memo.hashes.get(row * self.memo.groups + group, || {
            SCRATCH.with_borrow_mut(|[state, ..]| {
                self.gather(row, group, state);
                self.shape(row, group).hash(&state.codes, &state.sequences)
            })
        })
    }

    /// Appends a delta to `symbols`; what it is, and what of the state is as it was.
    fn make_delta(
        &self,
        span: Span<'_>,
        row: usize,
        group: usize,
        symbols: &mut Vec<Symbol>,
    ) -> Delta {
        let shape = self.shape(row, group);
        if span.base.mask(row, group) != shape.mask {
            return Delta { status: Status::Reset, kept: Kept::Nothing };
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
                return Delta { status: Status::Reset, kept };
            }
            if shape.is_predicted(past, &present) {
                return Delta { status: Status::Exact, kept };
            }
            shape
                .code_update(symbols, &self.model, past, &mut present)
                .expect("a captured state is inside its ranges");
            Delta { status: Status::Changed, kept }
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
            let delta = newest.make_delta(span, at, group, &mut symbols);
            if let Ok(count) = u16::try_from(symbols.len() - from) {
                let delta = Some(delta);
                made[at * groups + group] = PreparedDelta { from: from as u32, count, delta };
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
            let Range { start, end } = delta.symbols();
            prepared.symbols.extend_from_slice(&symbols[start as usize..end as usize]);
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
    /// Present, base and the state before, while something is made of them.
    static SCRATCH: RefCell<[State; 3]> = RefCell::default();
}
