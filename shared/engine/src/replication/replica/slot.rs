//! Where a replica keeps what it sees.

use alloc::vec::Vec;

use crate::{
    ids::NetId,
    replication::{
        FrameError,
        frame::HISTORY_ON_ENTRY,
        values::{Past, Present, Sequence, Shape},
    },
    tick::Tick,
};

/// Where an entity is kept while it is in view.
#[derive(Clone, Debug, Default)]
pub(super) struct Slot {
    pub(super) net_id: Option<NetId>,
    pub(super) groups: Vec<Option<SubEntity>>,
    pub(super) is_taken: bool,
}

/// An entity's state of one group.
#[derive(Clone, Debug)]
pub(super) struct SubEntity {
    pub(super) mask: u64,
    pub(super) archetype: usize,
    pub(super) entered: Tick,
    /// Tick of `codes`.
    pub(super) base: Tick,
    /// How far before that `previous` is; 0: there is none.
    pub(super) gap: u32,
    pub(super) codes: Vec<u32>,
    pub(super) previous: Vec<u32>,
    pub(super) sequences: Vec<Sequence>,
    /// Where the next state is made.
    pub(super) next: Vec<u32>,
    pub(super) next_sequences: Vec<Sequence>,
    pub(super) history: u8,
}

impl Slot {
    pub(super) fn is_seen(&self) -> bool {
        self.groups.iter().any(Option::is_some)
    }
}

impl SubEntity {
    /// A state that enters at `tick`.
    pub(super) fn entering(
        shape: Shape<'_>,
        tick: Tick,
        codes: Vec<u32>,
        sequences: Vec<Sequence>,
    ) -> Self {
        Self {
            mask: shape.mask,
            archetype: shape.archetype,
            entered: tick,
            base: tick,
            gap: 0,
            previous: codes.clone(),
            next: codes.clone(),
            next_sequences: sequences.clone(),
            codes,
            sequences,
            history: HISTORY_ON_ENTRY,
        }
    }

    /// Makes the state of `tick` of the one at the base.
    pub(super) fn advance(
        &mut self,
        tick: Tick,
        make: impl FnOnce(Past<'_>, Present<'_>) -> Result<(), FrameError>,
    ) -> Result<(), FrameError> {
        let steps = tick.since(self.base).unsigned_abs();
        let past = Past {
            codes: &self.codes,
            previous: (self.gap == steps).then_some(&*self.previous),
            sequences: &self.sequences,
            steps,
        };
        make(past, Present { codes: &mut self.next, sequences: &mut self.next_sequences })?;
        // The buffers change places: what was the state before is the next to be written.
        core::mem::swap(&mut self.previous, &mut self.next);
        core::mem::swap(&mut self.previous, &mut self.codes);
        core::mem::swap(&mut self.sequences, &mut self.next_sequences);
        self.base = tick;
        self.gap = steps;
        Ok(())
    }
}
