//! Short-lived happenings of the last frame.

use alloc::vec::Vec;

use super::{
    Replica,
    references::{Holder, Pending},
};
use crate::{
    limits::EVENTS_PER_FRAME_MAX,
    record::{FieldReader, Record},
    replication::{
        FrameError,
        coder::Coder,
        model::Model,
        values::{Sequence, Shape},
    },
    tick::Tick,
};

/// A short-lived happening of the last frame.
#[derive(Clone, Debug)]
pub(super) struct ReplicaEvent {
    number: usize,
    tick: Tick,
    pub(super) codes: Vec<u32>,
    sequences: Vec<Sequence>,
}

impl Replica {
    /// Events of type `E` of the last frame, oldest first, each with its tick.
    pub fn events<E: Record>(&self) -> impl Iterator<Item = (Tick, E)> {
        let number = self.schema.events.iter().position(|event| event.name == E::NAME);
        self.events.iter().filter(move |event| Some(event.number) == number).map(|event| {
            let schema = &self.schema.events[event.number];
            let sequences: Vec<Vec<u32>> =
                event.sequences.iter().map(|sequence| sequence.to_vec()).collect();
            let mut reader = FieldReader::new(schema, &event.codes, &sequences);
            (event.tick, E::read(&mut reader))
        })
    }

    pub(super) fn take_events<C: Coder>(
        &mut self,
        decoder: &mut C,
        model: &Model,
        pending: &mut Vec<Pending>,
    ) -> Result<(), FrameError> {
        let ticks = self.header.event_ticks();
        loop {
            let at = model.frame.event.at(0, self.events.len().min(3));
            let kind = decoder.symbol(model, at, 0)? as usize;
            let Some(number) = kind.checked_sub(1) else { return Ok(()) };
            if self.events.len() == EVENTS_PER_FRAME_MAX {
                return Err(FrameError::TooLarge);
            }
            let age =
                if ticks > 1 { decoder.unsigned(model, model.frame.age.at(0, 0), 0)? } else { 0 };
            if age >= ticks {
                return Err(FrameError::OutOfRange);
            }
            let record = &model.events[number];
            let shape = Shape { record, mask: u64::MAX, archetype: 0 };
            let holder = Holder::Event(self.events.len());
            let (codes, sequences) = self.take_record(decoder, model, shape, holder, pending)?;
            let tick = self.header.tick.minus(age);
            self.events.push(ReplicaEvent { number, tick, codes, sequences });
        }
    }
}
