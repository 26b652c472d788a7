//! What entities and events refer to: a frame says slots, a replica keeps names.

use alloc::vec::Vec;

use super::{Replica, slot::Slot};
use crate::{
    ids::NetId,
    replication::{FrameError, coder::Coder, model::Model, values::Shape},
};

/// A reference, to be looked up once the frame's entities are all known.
pub(super) struct Pending {
    pub(super) holder: Holder,
    pub(super) lane: usize,
    pub(super) target: u32,
}

/// What refers to something.
#[derive(Clone, Copy)]
pub(super) enum Holder {
    /// An entity's state of a group.
    SubEntity { slot: usize, group: usize },
    /// An event of this frame.
    Event(usize),
}

impl Replica {
    /// References of known entities that now mean another.
    pub(super) fn take_references<C: Coder>(
        &self,
        decoder: &mut C,
        model: &Model,
        pending: &mut Vec<Pending>,
    ) -> Result<(), FrameError> {
        while decoder.flag(model, model.frame.reference.at(0, 0), false)? {
            let slot = decoder.bits(0, 16)? as usize;
            let group = decoder.symbol(model, model.frame.group.at(0, 0), 0)? as usize;
            let lane = decoder.bits(0, 8)? as usize;
            let target = decoder.unsigned(model, model.frame.target.at(0, 0), 0)?;
            let sub = self.slots.get(slot).and_then(|slot| slot.groups.get(group)?.as_ref());
            let record = model.groups.get(group).map(|group| &group.record);
            let (Some(sub), Some(record)) = (sub, record) else {
                return Err(FrameError::Malformed);
            };
            let shape = Shape { record, mask: sub.mask, archetype: sub.archetype };
            if !shape.references().any(|own| own == lane) {
                return Err(FrameError::Malformed);
            }
            pending.push(Pending { holder: Holder::SubEntity { slot, group }, lane, target });
        }
        Ok(())
    }

    /// Puts names where the frame named slots.
    pub(super) fn settle(&mut self, pending: &[Pending]) -> Result<(), FrameError> {
        let name = |slots: &[Slot], target: u32| match target.checked_sub(1) {
            None => Ok(NetId::NONE.to_bits()),
            Some(slot) => slots
                .get(slot as usize)
                .and_then(|slot| slot.net_id)
                .map(NetId::to_bits)
                .ok_or(FrameError::Malformed),
        };
        for Pending { holder, lane, target } in pending {
            let bits = name(&self.slots, *target)?;
            let codes = match *holder {
                Holder::SubEntity { slot, group } => {
                    let sub = self.slots.get_mut(slot).and_then(|slot| slot.groups[group].as_mut());
                    &mut sub.ok_or(FrameError::Malformed)?.codes
                }
                Holder::Event(number) => &mut self.events[number].codes,
            };
            codes[*lane] = bits;
        }
        Ok(())
    }
}
