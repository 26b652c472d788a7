//! What one client was sent, and its next frame.
//!
//! A frame is planned first (what has become of each sub-entity, what enters), then trimmed to
//! its budget, then written as symbols, then coded. Nothing of the view changes before the plan
//! is known to become a frame.
//!
//! # Parts
//! - `slots`: whom the client has. `references`, `anchor`: what it knows them by.
//! - `found`: what lies in the view. `spans`: what leads there. `plan`: what becomes of it.
//! - `writing`: the frame.

#![allow(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "slots, rows and groups come from the view's own tables and are 16 bits wide"
)]

mod anchor;
mod found;
mod plan;
mod references;
mod slots;
mod spans;
mod writing;

use std::cell::RefCell;

use tickwire_shared::{
    ClientId, Tick,
    replication::{
        frame::{Header, Status},
        model::Model,
    },
};

use self::{
    plan::Work,
    references::KnownReference,
    slots::{Slot, Sub},
};
use super::{
    desync::{self, Audit, Desync},
    history::History,
    interest::View,
    snapshot::Snapshot,
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
    /// What those cost that were told in the last frame, per tick, in 1/256 bit.
    references_cost: u32,
    audits: Vec<Audit>,
    /// For how long some entry has had to wait, in frames.
    entries_waited: u8,
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

/// What a frame is composed from.
#[derive(Clone, Copy)]
struct Moment<'a> {
    history: &'a History,
    now: &'a Snapshot,
    view: &'a View,
    client: ClientId,
    model: &'a Model,
}

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
            composed.deferred = self.trim(moment, &mut work, steps, budget_bytes);
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
        std::hint::black_box((slots, subs, references, self.anchor.first()));
    }

    fn forget(&mut self) {
        self.slots.clear();
        self.subs.clear();
        self.references.clear();
        self.anchor.clear();
        self.audits.clear();
        self.header = Header::default();
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
}
