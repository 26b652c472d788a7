//! Entities, and groups of them, that come into view.

use alloc::vec::Vec;

use super::{
    Replica,
    references::{Holder, Pending},
    slot::{Slot, SubEntity},
};
use crate::{
    ids::NetId,
    limits::{ENTITIES_MAX, REPLICA_CODES_MAX, REPLICA_SEQUENCE_CODES_MAX},
    replication::{
        FrameError,
        coder::Coder,
        entry::code_shape,
        frame::Entry,
        model::Model,
        values::{Present, Sequence, Shape},
    },
};

impl Replica {
    pub(super) fn take_entries<C: Coder>(
        &mut self,
        decoder: &mut C,
        model: &Model,
        pending: &mut Vec<Pending>,
    ) -> Result<(), FrameError> {
        let mut count = 0;
        let mut slot = None;
        let kept_codes: usize = self.slots.iter().filter(|slot| slot.is_taken).count();
        let mut codes = 3 * kept_codes * model.lanes;
        loop {
            let at = model.frame.entry.at(0, count.min(3));
            match Entry::from_code(decoder.symbol(model, at, 0)?)? {
                Entry::End => break,
                Entry::New => {
                    let free = self.take_slot(model)?;
                    if model.has_references {
                        let index = decoder.unsigned(model, model.frame.index.at(0, 0), 0)?;
                        let generation =
                            decoder.unsigned(model, model.frame.generation.at(0, 0), 0)?;
                        let net_id = NetId::new(short(index)?, short(generation)?);
                        self.slots[free].net_id = Some(net_id);
                        self.names.insert(net_id, short(free as u32)?);
                    }
                    slot = Some(free);
                }
                Entry::Further => {}
                Entry::Known => slot = Some(decoder.bits(0, 16)? as usize),
            }
            let slot = slot.ok_or(FrameError::Malformed)?;
            if !self.slots.get(slot).is_some_and(|slot| slot.is_taken) {
                return Err(FrameError::Malformed);
            }
            let (group, entity) = self.take_sub_entity(decoder, model, slot, None, pending)?;
            codes += 3 * entity.codes.len();
            if codes > REPLICA_CODES_MAX {
                return Err(FrameError::TooLarge);
            }
            let place = &mut self.slots[slot].groups[group];
            if place.is_some() {
                return Err(FrameError::Malformed);
            }
            *place = Some(entity);
            self.move_anchor(model);
            count += 1;
        }
        // Updates make texts and lists longer, too.
        if model.sequences > 0 {
            let subs = self.slots.iter().flat_map(|slot| slot.groups.iter().flatten());
            let total: usize =
                subs.flat_map(|sub| &sub.sequences).map(|sequence| sequence.len()).sum();
            if total > REPLICA_SEQUENCE_CODES_MAX {
                return Err(FrameError::TooLarge);
            }
        }
        // Slots left in this frame are free from the next on.
        for slot in &mut self.slots {
            if slot.is_taken && !slot.is_seen() {
                slot.is_taken = false;
                if let Some(net_id) = slot.net_id.take() {
                    self.names.remove(&net_id);
                }
            }
        }
        self.lowest_free = 0;
        Ok(())
    }

    /// The lowest free slot.
    fn take_slot(&mut self, model: &Model) -> Result<usize, FrameError> {
        while self.slots.get(self.lowest_free).is_some_and(|slot| slot.is_taken) {
            self.lowest_free += 1;
        }
        if self.lowest_free >= ENTITIES_MAX {
            return Err(FrameError::TooLarge);
        }
        if self.lowest_free == self.slots.len() {
            let groups = alloc::vec![None; model.groups.len()];
            self.slots.push(Slot { net_id: None, groups, is_taken: false });
        }
        self.slots[self.lowest_free].is_taken = true;
        Ok(self.lowest_free)
    }

    /// The whole state of a sub-entity, and its group.
    pub(super) fn take_sub_entity<C: Coder>(
        &mut self,
        decoder: &mut C,
        model: &Model,
        slot: usize,
        expected: Option<usize>,
        pending: &mut Vec<Pending>,
    ) -> Result<(usize, SubEntity), FrameError> {
        let (group, mask) = code_shape(decoder, model, 0, 0)?;
        if expected.is_some_and(|expected| expected != group) {
            return Err(FrameError::Malformed);
        }
        let record = &model.groups[group].record;
        let shape = Shape { record, mask, archetype: model.archetype(group, mask) };
        let holder = Holder::SubEntity { slot, group };
        let (codes, sequences) = self.take_record(decoder, model, shape, holder, pending)?;
        Ok((group, SubEntity::entering(shape, self.header.tick, codes, sequences)))
    }

    /// Codes and sequences of a record: position and entry. What it refers to is `pending`.
    pub(super) fn take_record<C: Coder>(
        &self,
        decoder: &mut C,
        model: &Model,
        shape: Shape<'_>,
        holder: Holder,
        pending: &mut Vec<Pending>,
    ) -> Result<(Vec<u32>, Vec<Sequence>), FrameError> {
        let mut codes: Vec<u32> = shape.record.lanes.iter().map(|lane| lane.zero).collect();
        let mut sequences = alloc::vec![Sequence::from([]); shape.record.sequences];
        let mut present = Present { codes: &mut codes, sequences: &mut sequences };
        shape.code_position(decoder, model, &self.anchor, &mut present)?;
        shape.code_entry(decoder, model, &mut present)?;
        for lane in shape.references() {
            let target = decoder.unsigned(model, model.frame.target.at(0, 0), 0)?;
            pending.push(Pending { holder, lane, target });
        }
        Ok((codes, sequences))
    }
}

fn short(number: u32) -> Result<u16, FrameError> {
    u16::try_from(number).map_err(|_| FrameError::OutOfRange)
}
