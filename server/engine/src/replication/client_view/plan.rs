//! What becomes of each sub-entity that a client has, and what enters, within a budget.

#![allow(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "slots, rows and groups come from the view's own tables and are 16 bits wide"
)]

use tickwire_shared::replication::{
    frame::{Entry, Status},
    rans::Symbol,
};

use super::{
    super::{
        budget::{self, Candidate},
        deltas::Kept,
        snapshot::{Snapshot, State},
    },
    ClientView, Moment,
    found::Found,
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
    /// What follows the statuses of plans whose deltas were not prepared.
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
    None,
    /// With the entity at this place in the grid's order.
    Prepared(u32),
    /// A stretch of `Work::changes`.
    Own(u32, u32),
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
            let here = found.take(*slot);
            for group in 0..groups {
                let here = here.filter(|entity| entity.shows(group, moment));
                let number = group as u8;
                let Some(sub) = &self.subs[at * groups + group] else {
                    if here.is_some() {
                        enter(entries, *slot, number, Entry::Known, at as u16);
                    }
                    continue;
                };
                let mut plan = Plan {
                    slot: at as u16,
                    group: number,
                    status: Status::Leave,
                    change: Change::None,
                };
                let mut keeps_references = false;
                if let Some(entity) = here {
                    plan.status = Status::Reset;
                    let route = spans.of(*sub);
                    let place = entity.at as usize;
                    let prepared = route.prepared.and_then(|made| made.delta(place, group, groups));
                    let delta =
                        prepared.or_else(|| now.delta(route.span?, usize::from(slot.row), group));
                    if let Some(delta) = delta {
                        plan.status = delta.status;
                        keeps_references = delta.kept != Kept::Nothing && sub.lag == 0;
                        is_quiet &= delta.kept == Kept::All;
                        plan.change = match (prepared, delta.symbols) {
                            (_, []) => Change::None,
                            (Some(_), _) => Change::Prepared(entity.at),
                            (None, symbols) => {
                                let from = changes.len() as u32;
                                changes.extend_from_slice(symbols);
                                Change::Own(from, changes.len() as u32)
                            }
                        };
                    }
                }
                is_quiet &= plan.status == Status::Exact;
                plans.push(plan);
                if !keeps_references {
                    restless.push((plan.slot, plan.group));
                }
            }
        }
        for entity in found.new_ones() {
            for group in (0..groups).filter(|group| entity.shows(*group, moment)) {
                enter(entries, entity.slot(), group as u8, Entry::New, NO_SLOT);
            }
        }
        is_quiet && entries.is_empty()
    }

    /// Defers and drops what does not fit. How much that was.
    pub(super) fn trim(
        &mut self,
        moment: Moment<'_>,
        work: &mut Work,
        budget_bytes: usize,
    ) -> usize {
        if budget_bytes >= budget::UNLIMITED_BYTES {
            return 0;
        }
        if work.fits_surely(moment, budget_bytes) {
            self.entries_waited = budget::ENTRY_WAITED;
            return 0;
        }
        let groups = moment.model.groups.len();
        work.candidates.clear();
        for (at, plan) in work.plans.iter().enumerate() {
            let row = self.slots[usize::from(plan.slot)].row;
            let cost = match plan.status {
                Status::Changed => {
                    plan.symbols(moment.now, &work.changes).iter().map(|symbol| symbol.cost()).sum()
                }
                Status::Reset => moment.now.entry(row.into(), plan.group.into()).cost,
                _ => continue,
            };
            let sub = &self.subs[usize::from(plan.slot) * groups + usize::from(plan.group)];
            let waited = sub.map_or(0, |sub| sub.waited());
            let score = budget::score(moment.now.distance(row.into(), &moment.view.area), waited);
            work.candidates.push(Candidate { is_entry: false, at, cost, score });
        }
        for (at, entry) in work.entries.iter().enumerate() {
            let cost =
                moment.now.entry(entry.row.into(), entry.group.into()).cost + budget::ENTRY_COST;
            if let (Entry::Further, Some(last)) = (entry.kind, work.candidates.last_mut()) {
                last.cost += cost;
                continue;
            }
            let distance = moment.now.distance(entry.row.into(), &moment.view.area);
            let score = budget::score(distance, self.entries_waited);
            work.candidates.push(Candidate { is_entry: true, at, cost, score });
        }
        let over = budget::choose(&mut work.candidates, budget_bytes, work.plans.len());
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
    /// Whether everything fits a budget however much the symbols take.
    fn fits_surely(&self, moment: Moment<'_>, budget_bytes: usize) -> bool {
        let mut symbols = 0;
        for plan in &self.plans {
            if plan.status == Status::Reset {
                return false;
            }
            symbols += plan.symbols(moment.now, &self.changes).len();
        }
        for entry in &self.entries {
            symbols += moment.now.entry(entry.row.into(), entry.group.into()).symbols.len();
        }
        budget::fits_surely(budget_bytes, self.plans.len(), self.entries.len(), symbols)
    }
}

impl Plan {
    /// What follows the status.
    pub(super) fn symbols<'a>(&self, now: &'a Snapshot, own: &'a [Symbol]) -> &'a [Symbol] {
        match self.change {
            Change::None => &[],
            Change::Own(from, to) => &own[from as usize..to as usize],
            Change::Prepared(at) => {
                let groups = now.model.groups.len();
                let prepared = now.prepared();
                let delta =
                    prepared.and_then(|made| made.delta(at as usize, self.group.into(), groups));
                delta.map_or(&[], |delta| delta.symbols)
            }
        }
    }
}

fn enter(entries: &mut Vec<PlannedEntry>, who: Slot, group: u8, kind: Entry, slot: u16) {
    let Slot { row, generation } = who;
    let is_further = entries.last().is_some_and(|last| last.row == row);
    let kind = if is_further { Entry::Further } else { kind };
    entries.push(PlannedEntry { row, generation, group, kind, slot, is_dropped: false });
}
