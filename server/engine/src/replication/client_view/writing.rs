//! A planned frame as symbols, and what the client has after it.

#![allow(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "slots, rows and groups come from the view's own tables and are 16 bits wide"
)]

use std::num::NonZeroU8;

use tickwire_shared::{
    NetId,
    limits::EVENTS_PER_FRAME_MAX,
    replication::{
        checksum,
        coder::Coder,
        entry::code_shape,
        frame::{Entry, HISTORY_ON_ENTRY, Header, Status},
        rans::{self, Symbol},
        values::{Present, Shape},
    },
};

use super::{
    super::{
        desync::Audit,
        events::{QueuedEvent, Reach},
        snapshot::State,
    },
    AUDITS_MAX, ClientView, Moment,
    found::Found,
    plan::Work,
    references::KnownReference,
    slots::{Slot, Sub},
};

/// A sub-entity whose whole state goes to the client.
#[derive(Clone, Copy)]
struct Whole<'a> {
    row: u16,
    group: u8,
    slot: u16,
    /// The state but for position and references.
    symbols: &'a [Symbol],
}

impl ClientView {
    /// Writes the frame, and remembers that the client has it.
    pub(super) fn write(
        &mut self,
        moment: Moment<'_>,
        work: &mut Work,
        header: Header,
        out: &mut Vec<u8>,
    ) {
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
        self.write_events(moment, &work.found, &mut symbols);
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

    pub(super) fn write_statuses(
        &mut self,
        moment: Moment<'_>,
        work: &mut Work,
        symbols: &mut Vec<Symbol>,
    ) {
        let groups = moment.model.groups.len();
        let steps = self.header.steps;
        let Work { plans, found, changes, state, .. } = work;
        for plan in &*plans {
            let at = usize::from(plan.slot) * groups + usize::from(plan.group);
            let Some(sub) = &mut self.subs[at] else { continue };
            let group = &moment.model.groups[usize::from(plan.group)];
            let place = sub.status_place(group, self.header.has_deferred);
            let _ = symbols.symbol(moment.model, place, plan.status.code());
            let history = plan.status.after(sub.history);
            match plan.status {
                Status::Exact | Status::Changed => {
                    let next = sub.updated(steps, history);
                    // Memory that is not written to need not be carried back.
                    if *sub != next {
                        *sub = next;
                    }
                    symbols.extend_from_slice(plan.change.symbols(moment, changes));
                }
                Status::Leave => {
                    self.subs[at] = None;
                    self.forget_references(plan.slot, plan.group);
                }
                Status::Reset => {
                    self.forget_references(plan.slot, plan.group);
                    let whole = Whole {
                        row: self.slots[usize::from(plan.slot)].row,
                        group: plan.group,
                        slot: plan.slot,
                        symbols: plan.change.symbols(moment, changes),
                    };
                    self.write_state(moment, whole, found, state, symbols);
                }
                Status::Deferred => *sub = sub.deferred(steps),
            }
        }
        self.move_anchor(moment);
    }

    pub(super) fn write_entries(
        &mut self,
        moment: Moment<'_>,
        work: &mut Work,
        symbols: &mut Vec<Symbol>,
    ) {
        let model = moment.model;
        let mut count = 0;
        let Work { entries, found, changes, state, .. } = work;
        for entry in entries.iter().filter(|entry| !entry.is_dropped) {
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
            let whole = Whole {
                row: entry.row,
                group: entry.group,
                slot: entry.slot,
                symbols: entry.change.symbols(moment, changes),
            };
            self.write_state(moment, whole, found, state, symbols);
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
        whole: Whole<'_>,
        found: &Found,
        state: &mut State,
        symbols: &mut Vec<Symbol>,
    ) {
        let Whole { row, group, slot, .. } = whole;
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
        symbols.extend_from_slice(whole.symbols);
        for lane in shape.references() {
            let first = model.groups[group_at].first_lane;
            let target = NetId::from_bits(now.code(first + lane, row_at));
            let number = found.target(target);
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

    pub(super) fn write_events(
        &self,
        moment: Moment<'_>,
        found: &Found,
        symbols: &mut Vec<Symbol>,
    ) {
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
                let number = found.target(NetId::from_bits(event.codes[lane]));
                let _ = symbols.unsigned(model, model.frame.target.at(0, 0), number);
            }
            count += 1;
        }
        let place = model.frame.event.at(0, count.min(3));
        let _ = symbols.symbol(model, place, 0);
    }

    /// Events of the last `steps` ticks that the client hears of, oldest first, with their age.
    pub(super) fn events<'a>(
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

    pub(super) fn sum(&self, moment: Moment<'_>) -> u32 {
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

    pub(super) fn remember_for_audit(&mut self, moment: Moment<'_>) {
        if self.audits.len() == AUDITS_MAX {
            self.audits.remove(0);
        }
        let taken =
            self.slots.iter().map(|slot| slot.is_taken().then_some((slot.row, slot.generation)));
        self.audits.push(Audit::new(moment.now.tick, taken));
    }
}
