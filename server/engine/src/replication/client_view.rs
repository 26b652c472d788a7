//! What one client was sent, and its next frame.
//!
//! A frame is planned first (what has become of each sub-entity, what enters), then trimmed to
//! its budget, then written as symbols, then coded. Nothing of the view changes before the plan
//! is known to become a frame.

#![allow(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "slots, rows and groups come from the view's own tables and are 16 bits wide"
)]

use std::{cell::RefCell, num::NonZeroU8};

use tickwire_shared::{
    ClientId, NetId, Tick,
    limits::EVENTS_PER_FRAME_MAX,
    replication::{
        checksum,
        coder::Coder,
        entry::code_shape,
        frame::{Entry, HISTORY_ON_ENTRY, Header, Status},
        model::Model,
        rans::{self, Symbol},
        values::{Present, Shape},
    },
};

use super::{
    budget::{self, Candidate},
    deltas::{Kept, Prepared, Span},
    desync::{self, Audit, Desync},
    events::{QueuedEvent, Reach},
    history::History,
    interest::{Area, View},
    snapshot::{Snapshot, State, Tenancy},
};

/// Checksums come when the tick passes a multiple of this.
const SUM_TICKS: u32 = 10;

/// A frame is sent at least this often, in ticks, even with nothing in it: its base must not
/// fall out of the history.
const QUIET_TICKS_MAX: u32 = 10;

/// How many past checksums a report may still be about.
const AUDITS_MAX: usize = 3;

/// What one client was sent on its present attachment.
#[derive(Clone, Debug, Default)]
pub struct ClientView {
    header: Header,
    /// Whether the client has anything at all.
    has_state: bool,
    slots: Vec<Slot>,
    /// By slot and group.
    subs: Vec<Option<Sub>>,
    /// Where the client places new entities from.
    anchor: Vec<u32>,
    references: Vec<KnownReference>,
    /// Row and slot of each entity, by row; only kept in games with references.
    slot_of_row: Vec<(u16, u16)>,
    audits: Vec<Audit>,
    /// For how long some entry has had to wait, in frames.
    entries_waited: u8,
}

/// Who has a slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Slot {
    row: u16,
    generation: u16,
}

impl Slot {
    /// No row has this number.
    const FREE: Self = Self { row: u16::MAX, generation: 0 };

    fn is_taken(self) -> bool {
        self != Self::FREE
    }
}

/// What the client has of an entity's group. There are thousands of clients with dozens of these,
/// and each tick goes through them all: small, and mostly the same from frame to frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Sub {
    /// How many ticks before the last frame's its base is; `FAR` is anywhere.
    lag: u8,
    /// How many ticks before the base the client also has a state; 0: it has none.
    gap: u8,
    archetype: u16,
    history: u8,
    /// One more than the frames in a row in which it was deferred.
    turn: NonZeroU8,
}

/// Further back than any delta reaches.
const FAR: u8 = u8::MAX;

impl Sub {
    fn waited(self) -> u8 {
        self.turn.get() - 1
    }

    /// As it is after a frame of so many ticks that brings it up to date.
    fn updated(self, steps: u32, history: u8) -> Self {
        Self { lag: 0, gap: self.behind(steps), history, turn: NonZeroU8::MIN, ..self }
    }

    /// As it is after a frame of so many ticks that leaves it out.
    fn deferred(self, steps: u32) -> Self {
        Self { lag: self.behind(steps), turn: self.turn.saturating_add(1), ..self }
    }

    fn behind(self, steps: u32) -> u8 {
        u8::try_from(steps.saturating_add(self.lag.into())).unwrap_or(FAR)
    }
}

/// What a client was last told of a field that refers to an entity.
#[derive(Clone, Copy, Debug)]
struct KnownReference {
    slot: u16,
    group: u8,
    lane: u8,
    /// Whom the client knows it to refer to.
    told: NetId,
    /// Whom it referred to at that time, seen or not.
    meant: NetId,
}

/// What became of composing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Composed {
    /// Whether there is a frame. Without one the view is as it was.
    pub is_frame: bool,
    /// Bytes of the frame.
    pub bytes: usize,
    /// Sub-entities that the client has now.
    pub visible: usize,
    /// Those among them that entered.
    pub entered: usize,
    /// Those that were deferred, entries that wait included.
    pub deferred: usize,
}

/// Lists that are filled anew for each frame. Each network worker has one, which stays in its
/// cache while it goes through its clients.
#[derive(Debug, Default)]
struct Work {
    found: Found,
    plans: Vec<Plan>,
    /// Those among the plans' sub-entities that may refer to others than in the last frame.
    restless: Vec<(u16, u8)>,
    entries: Vec<PlannedEntry>,
    candidates: Vec<Candidate>,
    /// What follows the statuses of plans whose deltas were not prepared.
    changes: Vec<Symbol>,
    symbols: Vec<Symbol>,
    state: State,
}

/// Entities in a view and around it: a sparse set after Briggs and Torczon, "An Efficient
/// Representation for Sparse Sets" (1993), which is emptied without a look at the world's size.
#[derive(Debug, Default)]
struct Found {
    entities: Vec<FoundEntity>,
    /// By row, where in `entities` it is; anything for rows that are not there.
    places: Vec<u16>,
}

/// An entity in a view or around it.
#[derive(Clone, Copy, Debug)]
struct FoundEntity {
    /// Its place in the grid's order.
    at: u32,
    row: u16,
    tenancy: Tenancy,
    /// Whether it enters the view, rather than stays there if it was in it.
    is_inside: bool,
    /// Whether the client has it.
    is_held: bool,
}

/// What becomes of a sub-entity that the client has.
#[derive(Clone, Copy, Debug)]
struct Plan {
    slot: u16,
    group: u8,
    status: Status,
    change: Change,
}

/// Where the symbols are that follow a status.
#[derive(Clone, Copy, Debug)]
enum Change {
    None,
    /// With the entity at this place in the grid's order.
    Prepared(u32),
    /// A stretch of `Work::changes`.
    Own(u32, u32),
}

/// A sub-entity that enters.
#[derive(Clone, Copy, Debug)]
struct PlannedEntry {
    row: u16,
    generation: u16,
    group: u8,
    kind: Entry,
    /// `NO_SLOT` until a new entity gets its own.
    slot: u16,
    is_dropped: bool,
}

/// What a frame is composed from.
#[derive(Clone, Copy)]
struct Moment<'a> {
    history: &'a History,
    now: &'a Snapshot,
    view: &'a View,
    client: ClientId,
    model: &'a Model,
}

const NO_SLOT: u16 = u16::MAX;

/// What memory comes in.
const LINE_BYTES: usize = 64;

thread_local! {
    static WORK: RefCell<Work> = RefCell::default();
}

impl ClientView {
    /// The view of a client that has nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts anew: the next frame replaces all that the client has.
    pub fn restart(&mut self) {
        self.has_state = false;
    }

    /// The tick of the last frame.
    pub fn tick(&self) -> Option<Tick> {
        self.has_state.then_some(self.header.tick)
    }

    /// Bytes of memory that the view takes.
    pub fn memory_bytes(&self) -> usize {
        size_of::<Self>()
            + self.slots.capacity() * size_of::<Slot>()
            + self.subs.capacity() * size_of::<Option<Sub>>()
            + self.references.capacity() * size_of::<KnownReference>()
            + self.slot_of_row.capacity() * size_of::<(u16, u16)>()
            + self.anchor.capacity() * size_of::<u32>()
            + self.audits.iter().map(Audit::memory_bytes).sum::<usize>()
    }

    /// Appends the frame that leads to the newest snapshot to `out`, in about `budget_bytes`.
    ///
    /// There is no frame where the client has the newest tick already, or where nothing at all
    /// changed and it heard from the room not long ago.
    pub fn compose(
        &mut self,
        history: &History,
        view: &View,
        client: ClientId,
        input_applied: Option<Tick>,
        budget_bytes: usize,
        out: &mut Vec<u8>,
    ) -> Composed {
        let Some(now) = history.newest() else { return Composed::default() };
        let is_continued = self.has_state && history.at(self.header.tick).is_some();
        if is_continued && self.header.tick == now.tick {
            return Composed::default();
        }
        if !is_continued {
            self.forget();
        }
        self.fetch();
        let moment = Moment { history, now, view, client, model: &now.model };
        let mut work = WORK.take();
        let is_quiet = self.plan(moment, &mut work);
        let steps = if is_continued { now.tick.since(self.header.tick).unsigned_abs() } else { 0 };
        let mut composed = Composed::default();
        let is_nothing = is_quiet
            && is_continued
            && steps < QUIET_TICKS_MAX
            && self.events(moment, steps).next().is_none();
        if !is_nothing {
            composed.deferred = self.trim(moment, &mut work, budget_bytes);
            let header = Header {
                is_fresh: !is_continued,
                tick: now.tick,
                steps,
                input_applied,
                has_deferred: work.plans.iter().any(|plan| plan.status == Status::Deferred),
                has_sum: self.is_sum_due(moment, &work, is_continued),
                anchor: self.choose_anchor(moment, &mut work),
            };
            let from = out.len();
            self.write(moment, &mut work, header, out);
            composed.is_frame = true;
            composed.bytes = out.len() - from;
            composed.visible = self.subs.iter().flatten().count();
            composed.entered = work.entries.iter().filter(|entry| !entry.is_dropped).count();
        }
        WORK.set(work);
        composed
    }

    /// Finds what a client's report differs in, and starts anew. `None` where the state that the
    /// report is about is not kept any more, or nothing in it differs.
    pub fn handle_report(&mut self, report: &[u8], history: &History) -> Option<Desync> {
        self.restart();
        desync::examine(&self.audits, history, report)
    }

    /// Reads a little of every stretch of memory that composing will go through. With thousands of
    /// clients none of it is in a cache, and what is asked for at once comes at once.
    fn fetch(&self) {
        let slots = self.slots.iter().step_by(LINE_BYTES / size_of::<Slot>());
        let slots = slots.fold(0, |sum, slot| sum ^ slot.row);
        let subs = self.subs.iter().step_by(LINE_BYTES / size_of::<Option<Sub>>());
        let subs = subs.fold(0, |sum, sub| sum ^ sub.map_or(0, |sub| sub.lag));
        let references = self.references.iter().step_by(LINE_BYTES / size_of::<KnownReference>());
        let references = references.fold(0, |sum, known| sum ^ known.slot);
        let rows = self.slot_of_row.iter().step_by(LINE_BYTES / size_of::<(u16, u16)>());
        let rows = rows.fold(0, |sum, (row, _)| sum ^ row);
        std::hint::black_box((slots, subs, references, rows, self.anchor.first()));
    }

    fn forget(&mut self) {
        self.slots.clear();
        self.subs.clear();
        self.references.clear();
        self.slot_of_row.clear();
        self.anchor.clear();
        self.audits.clear();
        self.header = Header::default();
    }

    /// Plans what becomes of each sub-entity and what enters. `true`: nothing to tell.
    fn plan(&self, moment: Moment<'_>, work: &mut Work) -> bool {
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
    fn trim(&mut self, moment: Moment<'_>, work: &mut Work, budget_bytes: usize) -> usize {
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

    /// Whether a checksum is due, and the states that it is over are all at hand.
    fn is_sum_due(&self, moment: Moment<'_>, work: &Work, is_continued: bool) -> bool {
        let is_due = !is_continued
            || moment.now.tick.get() / SUM_TICKS != self.header.tick.get() / SUM_TICKS;
        let groups = moment.model.groups.len();
        is_due
            && work.plans.iter().filter(|plan| plan.status == Status::Deferred).all(|plan| {
                let sub = &self.subs[usize::from(plan.slot) * groups + usize::from(plan.group)];
                sub.is_some_and(|sub| self.base(sub, moment).is_some())
            })
    }

    /// Gives entering entities their slots, the one in the middle of the view first, and names
    /// the slot from which the client places the others.
    fn choose_anchor(&mut self, moment: Moment<'_>, work: &mut Work) -> Option<u16> {
        let center = match moment.view.area {
            Area::Rect { center, .. } => Some(center),
            _ => None,
        };
        let is_center = |row: u16, group: u8| {
            let row = usize::from(row);
            center.is_some()
                && moment
                    .now
                    .place(row, moment.now.mask(row, group.into()))
                    .is_some_and(|(_, place)| Some(place) == center)
        };
        let is_stay = |plan: &&Plan| {
            plan.status != Status::Leave
                && plan.status != Status::Deferred
                && is_center(self.slots[usize::from(plan.slot)].row, plan.group)
        };
        // Mostly it is who it was; looking at everybody would cost more than it saves.
        let old = self.header.anchor;
        let is_old = |plan: &&Plan| Some(plan.slot) == old && is_stay(plan);
        let anchor = work.plans.iter().find(is_old).or_else(|| work.plans.iter().find(is_stay));
        let anchor = anchor.map(|plan| plan.slot);
        if anchor.is_none()
            && let Some(at) = work.entries.iter().position(|entry| {
                entry.kind == Entry::New && !entry.is_dropped && is_center(entry.row, entry.group)
            })
        {
            let end = work.entries[at + 1..].iter().position(|entry| entry.kind != Entry::Further);
            let end = end.map_or(work.entries.len(), |count| at + 1 + count);
            work.entries[..end].rotate_left(at);
        }
        self.assign_slots(moment, work);
        let entered = || {
            work.entries.iter().find(|entry| !entry.is_dropped && is_center(entry.row, entry.group))
        };
        anchor.or_else(|| entered().map(|entry| entry.slot))
    }

    fn assign_slots(&mut self, moment: Moment<'_>, work: &mut Work) {
        let mut lowest = 0;
        let mut slot = NO_SLOT;
        for entry in work.entries.iter_mut().filter(|entry| !entry.is_dropped) {
            match entry.kind {
                Entry::New => {
                    while self.slots.get(lowest).is_some_and(|slot| slot.is_taken()) {
                        lowest += 1;
                    }
                    let taken = Slot { row: entry.row, generation: entry.generation };
                    if lowest == self.slots.len() {
                        self.slots.push(taken);
                        let subs = self.slots.len() * moment.model.groups.len();
                        self.subs.resize(subs, None);
                    } else {
                        self.slots[lowest] = taken;
                    }
                    slot = lowest as u16;
                }
                Entry::Known => slot = entry.slot,
                Entry::Further | Entry::End => {}
            }
            entry.slot = slot;
        }
        if moment.model.has_references {
            self.follow_rows(moment.model.groups.len(), work);
        }
    }

    /// Keeps `slot_of_row` as it will be after the frame.
    fn follow_rows(&mut self, groups: usize, work: &Work) {
        for plan in work.plans.iter().filter(|plan| plan.status == Status::Leave) {
            let is_left = |group: usize| {
                let leaves = |other: &Plan| {
                    other.slot == plan.slot
                        && usize::from(other.group) == group
                        && other.status == Status::Leave
                };
                self.subs[usize::from(plan.slot) * groups + group].is_none()
                    || work.plans.iter().any(leaves)
            };
            let enters = |entry: &PlannedEntry| !entry.is_dropped && entry.slot == plan.slot;
            if (0..groups).all(is_left) && !work.entries.iter().any(enters) {
                let row = self.slots[usize::from(plan.slot)].row;
                if let Ok(at) = self.slot_of_row.binary_search(&(row, plan.slot)) {
                    self.slot_of_row.remove(at);
                }
            }
        }
        for entry in work.entries.iter().filter(|entry| !entry.is_dropped) {
            // A row whose old tenant leaves in this very frame has lost it just above.
            let place = (entry.row, entry.slot);
            if let Err(at) = self.slot_of_row.binary_search(&place) {
                self.slot_of_row.insert(at, place);
            }
        }
    }

    /// Writes the frame, and remembers that the client has it.
    fn write(&mut self, moment: Moment<'_>, work: &mut Work, header: Header, out: &mut Vec<u8>) {
        let mut symbols = std::mem::take(&mut work.symbols);
        symbols.clear();
        header.code(&mut symbols, moment.model, &self.header).expect("encoding does not fail");
        let before = std::mem::replace(&mut self.header, header);
        self.has_state = true;
        self.write_statuses(moment, work, &mut symbols);
        self.write_entries(moment, work, &mut symbols);
        if moment.model.has_references {
            self.write_references(moment, work, &mut symbols);
        }
        let groups = moment.model.groups.len();
        for plan in work.plans.iter().filter(|plan| plan.status == Status::Leave) {
            let slot = usize::from(plan.slot);
            if self.subs[slot * groups..(slot + 1) * groups].iter().all(Option::is_none) {
                self.slots[slot] = Slot::FREE;
            }
        }
        debug_assert!(header.is_fresh || before.tick.plus(header.steps) == header.tick);
        self.write_events(moment, &mut symbols);
        let tick = header.tick.get();
        let check = if header.has_sum {
            self.remember_for_audit(moment);
            checksum::check_of_sum(self.sum(moment), tick)
        } else {
            checksum::check_of_tick(tick)
        };
        rans::encode(&symbols, check, out);
        work.symbols = symbols;
    }

    fn write_statuses(&mut self, moment: Moment<'_>, work: &mut Work, symbols: &mut Vec<Symbol>) {
        let groups = moment.model.groups.len();
        let deferral = 4 * usize::from(self.header.has_deferred);
        let steps = self.header.steps;
        for plan in &work.plans {
            let at = usize::from(plan.slot) * groups + usize::from(plan.group);
            let Some(sub) = &mut self.subs[at] else { continue };
            let node = moment.model.groups[usize::from(plan.group)].status;
            let place = node.at(sub.archetype.into(), usize::from(sub.history) + deferral);
            let _ = symbols.symbol(moment.model, place, plan.status.code());
            let history = plan.status.after(sub.history);
            match plan.status {
                Status::Exact | Status::Changed => {
                    let next = sub.updated(steps, history);
                    // Memory that is not written to need not be carried back.
                    if *sub != next {
                        *sub = next;
                    }
                    symbols.extend_from_slice(plan.symbols(moment.now, &work.changes));
                }
                Status::Leave => {
                    self.subs[at] = None;
                    self.forget_references(plan.slot, plan.group);
                }
                Status::Reset => {
                    self.forget_references(plan.slot, plan.group);
                    let row = self.slots[usize::from(plan.slot)].row;
                    self.write_state(moment, &mut work.state, row, plan.group, plan.slot, symbols);
                }
                Status::Deferred => *sub = sub.deferred(steps),
            }
        }
        self.move_anchor(moment);
    }

    fn write_entries(&mut self, moment: Moment<'_>, work: &mut Work, symbols: &mut Vec<Symbol>) {
        let model = moment.model;
        let mut count = 0;
        for entry in work.entries.iter().filter(|entry| !entry.is_dropped) {
            let place = model.frame.entry.at(0, count.min(3));
            let _ = symbols.symbol(model, place, entry.kind.code());
            match entry.kind {
                Entry::New if model.has_references => {
                    let _ = symbols.unsigned(model, model.frame.index.at(0, 0), entry.row.into());
                    let place = model.frame.generation.at(0, 0);
                    let _ = symbols.unsigned(model, place, entry.generation.into());
                }
                Entry::Known => _ = symbols.bits(entry.slot.into(), 16),
                _ => {}
            }
            self.write_state(moment, &mut work.state, entry.row, entry.group, entry.slot, symbols);
            self.move_anchor(moment);
            count += 1;
        }
        let place = model.frame.entry.at(0, count.min(3));
        let _ = symbols.symbol(model, place, Entry::End.code());
    }

    /// Writes the whole state of a sub-entity.
    fn write_state(
        &mut self,
        moment: Moment<'_>,
        state: &mut State,
        row: u16,
        group: u8,
        slot: u16,
        symbols: &mut Vec<Symbol>,
    ) {
        let (now, model) = (moment.now, moment.model);
        let (row_at, group_at) = (usize::from(row), usize::from(group));
        let shape = now.shape(row_at, group_at);
        let _ = code_shape(symbols, model, group_at, shape.mask);
        if let Some(at) = shape.record.position {
            let first = model.groups[group_at].first_lane;
            state.codes.resize(shape.record.lanes.len(), 0);
            for lane in shape.record.fields[at].lanes.clone() {
                state.codes[lane] = now.code(first + lane, row_at);
            }
            let mut present = Present { codes: &mut state.codes, sequences: &mut state.sequences };
            let _ = shape.code_position(symbols, model, &self.anchor, &mut present);
        }
        symbols.extend_from_slice(&now.entry(row_at, group_at).symbols);
        for lane in shape.references() {
            let first = model.groups[group_at].first_lane;
            let target = NetId::from_bits(now.code(first + lane, row_at));
            let number = self.target(target);
            let _ = symbols.unsigned(model, model.frame.target.at(0, 0), number);
            let told = if number == 0 { NetId::NONE } else { target };
            let lane = lane as u8;
            self.references.push(KnownReference { slot, group, lane, told, meant: target });
        }
        self.subs[usize::from(slot) * model.groups.len() + group_at] = Some(Sub {
            lag: 0,
            gap: 0,
            archetype: shape.archetype as u16,
            history: HISTORY_ON_ENTRY,
            turn: NonZeroU8::MIN,
        });
    }

    /// Writes references that mean another entity now, or one that came into view.
    fn write_references(&mut self, moment: Moment<'_>, work: &Work, symbols: &mut Vec<Symbol>) {
        let (now, model) = (moment.now, moment.model);
        let has_entered = work.entries.iter().any(|entry| !entry.is_dropped);
        let mut references = std::mem::take(&mut self.references);
        for known in &mut references {
            let is_settled = !work.restless.contains(&(known.slot, known.group));
            if !is_settled {
                let row = usize::from(self.slots[usize::from(known.slot)].row);
                let first = model.groups[usize::from(known.group)].first_lane;
                known.meant = NetId::from_bits(now.code(first + usize::from(known.lane), row));
            }
            if known.told == known.meant || is_settled && !has_entered {
                // What the client was told and cannot see any more reads as none by itself.
                continue;
            }
            let number = self.target(known.meant);
            let wanted = if number == 0 { NetId::NONE } else { known.meant };
            if known.told == wanted || number == 0 && self.target(known.told) == 0 {
                continue;
            }
            let _ = symbols.flag(model, model.frame.reference.at(0, 0), true);
            let _ = symbols.bits(known.slot.into(), 16);
            let _ = symbols.symbol(model, model.frame.group.at(0, 0), known.group.into());
            let _ = symbols.bits(known.lane.into(), 8);
            let _ = symbols.unsigned(model, model.frame.target.at(0, 0), number);
            known.told = wanted;
        }
        let _ = symbols.flag(model, model.frame.reference.at(0, 0), false);
        self.references = references;
    }

    fn forget_references(&mut self, slot: u16, group: u8) {
        self.references.retain(|known| known.slot != slot || known.group != group);
    }

    /// How a reference travels: the target's slot plus one, or 0 where the client has no such.
    fn target(&self, target: NetId) -> u32 {
        let at = self.slot_of_row.partition_point(|(row, _)| *row < target.index());
        match self.slot_of_row.get(at) {
            Some((row, slot))
                if *row == target.index()
                    && self.slots[usize::from(*slot)].generation == target.generation() =>
            {
                u32::from(*slot) + 1
            }
            _ => 0,
        }
    }

    fn write_events(&self, moment: Moment<'_>, symbols: &mut Vec<Symbol>) {
        let model = moment.model;
        let ticks = self.header.event_ticks();
        let mut count = 0;
        for (age, event) in self.events(moment, self.header.steps) {
            let place = model.frame.event.at(0, count.min(3));
            let _ = symbols.symbol(model, place, event.number as u32 + 1);
            if ticks > 1 {
                let _ = symbols.unsigned(model, model.frame.age.at(0, 0), age);
            }
            let shape = Shape { record: &model.events[event.number], mask: u64::MAX, archetype: 0 };
            let mut codes = event.codes.clone();
            let mut sequences = event.sequences.clone();
            let mut present = Present { codes: &mut codes, sequences: &mut sequences };
            let _ = shape.code_position(symbols, model, &self.anchor, &mut present);
            let _ = shape.code_entry(symbols, model, &mut present);
            for lane in shape.references() {
                let number = self.target(NetId::from_bits(event.codes[lane]));
                let _ = symbols.unsigned(model, model.frame.target.at(0, 0), number);
            }
            count += 1;
        }
        let place = model.frame.event.at(0, count.min(3));
        let _ = symbols.symbol(model, place, 0);
    }

    /// Events of the last `steps` ticks that the client hears of, oldest first, with their age.
    fn events<'a>(
        &self,
        moment: Moment<'a>,
        steps: u32,
    ) -> impl Iterator<Item = (u32, &'a QueuedEvent)> {
        let Moment { history, now, view, client, .. } = moment;
        let ages = (0..steps.max(1)).rev();
        ages.filter_map(move |age| Some((age, history.at(now.tick.minus(age))?)))
            .flat_map(|(age, snapshot)| snapshot.events.iter().map(move |event| (age, event)))
            .filter(move |(_, event)| match event.reach {
                Reach::Everyone => true,
                Reach::At(place) => view.area.holds(place, 0),
                Reach::Client(only) => only == client,
            })
            .take(EVENTS_PER_FRAME_MAX)
    }

    /// Does as the replica does: follows the anchor's entity while the client has it.
    fn move_anchor(&mut self, moment: Moment<'_>) {
        let Some(slot) = self.header.anchor.map(usize::from) else { return };
        let groups = &moment.model.groups;
        let Some(row) = self.slots.get(slot).map(|slot| usize::from(slot.row)) else { return };
        for (number, group) in groups.iter().enumerate() {
            let sub = self.subs.get(slot * groups.len() + number);
            let (Some(Some(sub)), Some(at)) = (sub, group.record.position) else { continue };
            // What fell out of the history has not moved for the client either.
            let Some(snapshot) = self.base(*sub, moment) else { return };
            let field = &group.record.fields[at];
            if snapshot.mask(row, number) & field.bit() != 0 {
                let lanes = field.lanes.clone();
                self.anchor.clear();
                self.anchor.extend(lanes.map(|lane| snapshot.code(group.first_lane + lane, row)));
                return;
            }
        }
    }

    /// The state from which the next delta of a sub-entity starts, where it is still kept.
    fn base<'a>(&self, sub: Sub, moment: Moment<'a>) -> Option<&'a Snapshot> {
        let is_near = sub.lag != FAR;
        let base = is_near.then(|| moment.history.at(self.header.tick.minus(sub.lag.into())));
        base.flatten().map(|base| &**base)
    }

    fn sum(&self, moment: Moment<'_>) -> u32 {
        let groups = moment.model.groups.len();
        let mut sum = 0u32;
        for (at, sub) in self.subs.iter().enumerate() {
            let Some(sub) = sub else { continue };
            let (slot, group) = (at / groups, at % groups);
            let row = usize::from(self.slots[slot].row);
            let state = self.base(*sub, moment).map_or(0, |base| base.state_hash(row, group));
            sum = sum.wrapping_add(checksum::in_slot(state, slot as u32, group as u32));
        }
        sum
    }

    fn remember_for_audit(&mut self, moment: Moment<'_>) {
        if self.audits.len() == AUDITS_MAX {
            self.audits.remove(0);
        }
        let taken =
            self.slots.iter().map(|slot| slot.is_taken().then_some((slot.row, slot.generation)));
        self.audits.push(Audit::new(moment.now.tick, taken));
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

fn enter(entries: &mut Vec<PlannedEntry>, who: Slot, group: u8, kind: Entry, slot: u16) {
    let Slot { row, generation } = who;
    let is_further = entries.last().is_some_and(|last| last.row == row);
    let kind = if is_further { Entry::Further } else { kind };
    entries.push(PlannedEntry { row, generation, group, kind, slot, is_dropped: false });
}

impl Plan {
    /// What follows the status.
    fn symbols<'a>(&self, now: &'a Snapshot, own: &'a [Symbol]) -> &'a [Symbol] {
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

impl Found {
    /// Finds what is in the view, and what stays there if it was in it.
    fn search(&mut self, moment: Moment<'_>) {
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
    fn take(&mut self, slot: Slot) -> Option<FoundEntity> {
        let place = *self.places.get(usize::from(slot.row))?;
        let entity = self.entities.get_mut(usize::from(place))?;
        if entity.row != slot.row || entity.tenancy.generation != slot.generation {
            return None;
        }
        entity.is_held = true;
        Some(*entity)
    }

    /// Entities that come into view, by row.
    fn new_ones(&mut self) -> &[FoundEntity] {
        self.entities.retain(|entity| entity.is_inside && !entity.is_held);
        self.entities.sort_unstable_by_key(|entity| entity.row);
        &self.entities
    }
}

impl FoundEntity {
    /// Who would have its slot.
    fn slot(&self) -> Slot {
        Slot { row: self.row, generation: self.tenancy.generation }
    }

    /// Whether the client may see this group of it.
    fn shows(&self, group: usize, moment: Moment<'_>) -> bool {
        self.tenancy.is_open(group)
            || moment.now.may_see(self.row.into(), group, moment.client, moment.view)
    }
}

/// Finds what leads from a base to the present; most sub-entities have the same.
struct Spans<'a> {
    moment: Moment<'a>,
    last_frame: Tick,
    /// For the lag and gap that were asked about last.
    found: Option<((u8, u8), Route<'a>)>,
}

/// What leads from a base to the present.
#[derive(Clone, Copy, Default)]
struct Route<'a> {
    /// Where the deltas are that were made ahead, if they are over this span.
    prepared: Option<&'a Prepared>,
    /// `None` where the history does not reach back to what the client has.
    span: Option<Span<'a>>,
}

impl<'a> Spans<'a> {
    fn of(&mut self, sub: Sub) -> Route<'a> {
        if let Some((key, route)) = self.found
            && key == (sub.lag, sub.gap)
        {
            return route;
        }
        let route = if sub.lag == FAR { Route::default() } else { self.find(sub) };
        self.found = Some(((sub.lag, sub.gap), route));
        route
    }

    fn find(&self, sub: Sub) -> Route<'a> {
        let Moment { history, now, .. } = self.moment;
        let base = self.last_frame.minus(sub.lag.into());
        let steps = now.tick.since(base).unsigned_abs();
        let gap = u32::from(sub.gap);
        let is_warm = gap == steps;
        let span = history.at(base).and_then(|start| {
            let previous = history.at(base.minus(gap)).map(|previous| &**previous);
            match (is_warm, previous) {
                (true, None) => None,
                (true, Some(previous)) => Some(Span { base: start, previous: Some(previous) }),
                (false, _) => Some(Span { base: start, previous: None }),
            }
        });
        let prepared = span.and_then(|_| now.prepared()).filter(|_| is_warm && steps == 1);
        Route { prepared, span }
    }
}
