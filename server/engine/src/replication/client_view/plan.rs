//! What becomes of each sub-entity that a client has, and what enters, within a budget.

#![allow(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "slots, rows and groups come from the view's own tables and are 16 bits wide"
)]

use std::ops::Range;

use tickwire_shared::replication::{
    frame::{Entry, Status},
    rans::Symbol,
};

use super::{
    super::{
        budget::{self, Candidate, Extremes},
        deltas::Kept,
        snapshot::State,
    },
    ClientView, Moment,
    found::{Found, FoundEntity},
    slots::Slot,
    spans::Spans,
};

/// Lists that are filled anew for each frame. Each network worker has one, which stays in its
/// cache while it goes through its clients.
#[derive(Debug, Default)]
pub(super) struct Work {
    pub(super) found: Found,
    pub(super) plans: Vec<Plan>,
    /// Those among the plans' sub-entities that may refer to others than in the last frame.
    pub(super) restless: Vec<(u16, u8)>,
    pub(super) entries: Vec<PlannedEntry>,
    pub(super) candidates: Vec<Candidate>,
    /// What follows statuses whose deltas were not prepared, and entries.
    pub(super) changes: Vec<Symbol>,
    pub(super) symbols: Vec<Symbol>,
    pub(super) state: State,
}

/// What becomes of a sub-entity that the client has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) slot: u16,
    pub(super) group: u8,
    pub(super) status: Status,
    pub(super) change: Change,
}

/// Where the symbols are that follow a status.
#[derive(Clone, Copy, Debug)]
pub(super) enum Change {
    /// A stretch of what was prepared for all clients.
    Prepared(u32, u32),
    /// A stretch of `Work::changes`.
    Own(u32, u32),
}

impl Change {
    const NONE: Self = Self::Own(0, 0);
}

/// A sub-entity that enters.
#[derive(Clone, Copy, Debug)]
pub(super) struct PlannedEntry {
    pub(super) row: u16,
    pub(super) generation: u16,
    pub(super) group: u8,
    pub(super) kind: Entry,
    /// `NO_SLOT` until a new entity gets its own.
    pub(super) slot: u16,
    pub(super) is_dropped: bool,
    /// Where its state is, but for position and references, and what that costs in 1/256 bit.
    pub(super) change: Change,
    pub(super) cost: u32,
}

pub(super) const NO_SLOT: u16 = u16::MAX;

impl ClientView {
    /// Plans what becomes of each sub-entity and what enters. `true`: nothing to tell.
    pub(super) fn plan(&self, moment: Moment<'_>, work: &mut Work) -> bool {
        let Work { found, plans, restless, entries, changes, .. } = work;
        found.search(moment);
        plans.clear();
        restless.clear();
        entries.clear();
        changes.clear();
        let now = moment.now;
        let groups = moment.model.groups.len();
        let mut spans = Spans { moment, last_frame: self.header.tick, found: None };
        let mut is_quiet = true;
        for (at, slot) in self.slots.iter().enumerate().filter(|(_, slot)| slot.is_taken()) {
            let at = at as u16;
            let here = found.take(at, *slot);
            let mut stays = false;
            for group in 0..groups {
                let here = here.filter(|entity| entity.shows(group, moment));
                let number = group as u8;
                let Some(sub) = &self.subs[usize::from(at) * groups + group] else {
                    if let Some(entity) = here {
                        let entry = PlannedEntry::of(&entity, number, moment, changes);
                        push(entries, PlannedEntry { kind: Entry::Known, slot: at, ..entry });
                    }
                    continue;
                };
                let (mut status, mut change) = (Status::Leave, Change::NONE);
                let mut keeps_references = false;
                if let Some(entity) = here {
                    stays = true;
                    let route = spans.of(*sub);
                    let prepared = route
                        .prepared
                        .and_then(|made| made.delta(entity.at as usize, group, groups));
                    let from = changes.len() as u32;
                    let delta = match prepared {
                        Some((delta, Range { start, end })) => {
                            change = Change::Prepared(start, end);
                            Some(delta)
                        }
                        None => route
                            .span
                            .and_then(|span| now.delta(span, entity.whose(), group, changes)),
                    };
                    status = delta.map_or(Status::Reset, |delta| delta.status);
                    if let Some(delta) = delta {
                        keeps_references = delta.kept != Kept::Nothing && sub.lag == 0;
                        is_quiet &= delta.kept == Kept::All;
                    }
                    if status == Status::Reset {
                        now.entry(entity.whose(), group, changes);
                    }
                    if changes.len() as u32 > from {
                        change = Change::Own(from, changes.len() as u32);
                    }
                }
                is_quiet &= status == Status::Exact;
                plans.push(Plan { slot: at, group: number, status, change });
                if !keeps_references {
                    restless.push((at, number));
                }
            }
            if here.is_some() && !stays {
                found.set_slot(slot.row, NO_SLOT);
            }
        }
        for entity in found.new_ones() {
            for group in (0..groups).filter(|group| entity.shows(*group, moment)) {
                push(entries, PlannedEntry::of(entity, group as u8, moment, changes));
            }
        }
        is_quiet && entries.is_empty()
    }

    /// Defers and drops what does not fit. How much that was.
    pub(super) fn trim(
        &mut self,
        moment: Moment<'_>,
        work: &mut Work,
        steps: u32,
        budget_bytes: usize,
    ) -> usize {
        if budget_bytes >= budget::UNLIMITED_BYTES {
            return 0;
        }
        // References are told whatever waits: about as many as the last time.
        let references_cost = u64::from(self.references_cost) * u64::from(steps.max(1));
        if work.fits_surely(moment.events_cost(steps) + references_cost, budget_bytes) {
            self.entries_waited = budget::ENTRY_WAITED;
            return 0;
        }
        let heard = self.events(moment, steps).map(|(_, event)| event);
        let mut extremes = Extremes::of(budget::events_cost(heard) + references_cost);
        let (model, groups) = (moment.model, moment.model.groups.len());
        work.candidates.clear();
        for (at, plan) in work.plans.iter().enumerate() {
            let group = usize::from(plan.group);
            let Some(sub) = self.subs[usize::from(plan.slot) * groups + group] else { continue };
            let mut status_cost = |status, has_deferred| {
                let place = sub.status_place(&model.groups[group], has_deferred);
                budget::status_cost(status, model, place, &mut work.symbols)
            };
            let row = self.slots[usize::from(plan.slot)].row;
            let mut change = budget::cost(plan.change.symbols(moment, &work.changes));
            if plan.status == Status::Reset {
                change += budget::ENTRY_COST;
            }
            let goes = status_cost(plan.status, true) + i64::from(change);
            extremes.all += status_cost(plan.status, false) + i64::from(change);
            if !matches!(plan.status, Status::Changed | Status::Reset) {
                extremes.least += goes;
                continue;
            }
            let waits = status_cost(Status::Deferred, true);
            extremes.least += waits;
            let distance = moment.now.distance(row.into(), &moment.view.area);
            let score = budget::score(distance, sub.waited());
            work.candidates.push(Candidate { is_entry: false, at, cost: goes - waits, score });
        }
        for (at, entry) in work.entries.iter().enumerate() {
            let cost = i64::from(entry.cost + budget::ENTRY_COST);
            extremes.all += cost;
            if let (Entry::Further, Some(last)) = (entry.kind, work.candidates.last_mut()) {
                last.cost += cost;
                continue;
            }
            let distance = moment.now.distance(entry.row.into(), &moment.view.area);
            let score = budget::score(distance, self.entries_waited);
            work.candidates.push(Candidate { is_entry: true, at, cost, score });
        }
        let over = budget::choose(&mut work.candidates, budget_bytes, extremes);
        self.entries_waited = if over.iter().any(|candidate| candidate.is_entry) {
            self.entries_waited.saturating_add(1)
        } else {
            budget::ENTRY_WAITED
        };
        for candidate in over {
            if !candidate.is_entry {
                work.plans[candidate.at].status = Status::Deferred;
                continue;
            }
            work.entries[candidate.at].is_dropped = true;
            for entry in &mut work.entries[candidate.at + 1..] {
                if entry.kind != Entry::Further {
                    break;
                }
                entry.is_dropped = true;
            }
        }
        over.len()
    }
}

impl Work {
    /// Whether everything fits a budget however much its symbols take, beside what is told anyway.
    fn fits_surely(&self, told_cost: u64, budget_bytes: usize) -> bool {
        if self.plans.iter().any(|plan| plan.status == Status::Reset) {
            return false;
        }
        let changes = self.plans.iter().map(|plan| 1 + plan.change.len());
        let entries = self.entries.iter().map(|entry| entry.change.len());
        let symbols = changes.chain(entries).sum();
        budget::fits_surely(budget_bytes, symbols, self.entries.len(), told_cost)
    }
}

impl Moment<'_> {
    /// What the events of so many ticks cost a client that hears of all of them.
    fn events_cost(self, steps: u32) -> u64 {
        let ticks = (0..steps.max(1)).map(|age| self.now.tick.minus(age));
        ticks.filter_map(|tick| Some(self.history.at(tick)?.events_cost)).sum()
    }
}

impl Change {
    /// How many symbols follow.
    fn len(self) -> usize {
        let (Self::Prepared(from, to) | Self::Own(from, to)) = self;
        (to - from) as usize
    }

    /// What follows.
    pub(super) fn symbols<'a>(self, moment: Moment<'a>, own: &'a [Symbol]) -> &'a [Symbol] {
        match self {
            Self::Own(from, to) => &own[from as usize..to as usize],
            Self::Prepared(from, to) => moment
                .now
                .prepared()
                .map_or(&[], |made| &made.symbols()[from as usize..to as usize]),
        }
    }
}

impl PlannedEntry {
    /// As a new one.
    fn of(entity: &FoundEntity, group: u8, moment: Moment<'_>, changes: &mut Vec<Symbol>) -> Self {
        let Slot { row, generation } = entity.slot();
        let from = changes.len() as u32;
        let cost = moment.now.entry(entity.whose(), group.into(), changes);
        let change = Change::Own(from, changes.len() as u32);
        let (kind, slot, is_dropped) = (Entry::New, NO_SLOT, false);
        Self { row, generation, group, kind, slot, is_dropped, change, cost }
    }
}

fn push(entries: &mut Vec<PlannedEntry>, entry: PlannedEntry) {
    let is_further = entries.last().is_some_and(|last| last.row == entry.row);
    let kind = if is_further { Entry::Further } else { entry.kind };
    entries.push(PlannedEntry { kind, ..entry });
}
