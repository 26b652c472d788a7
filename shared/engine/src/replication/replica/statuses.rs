//! What has become of the sub-entities that a replica has.

use alloc::vec::Vec;

use super::{Replica, references::Pending};
use crate::replication::{FrameError, coder::Coder, frame::Status, model::Model, values::Shape};

impl Replica {
    pub(super) fn take_statuses<C: Coder>(
        &mut self,
        decoder: &mut C,
        model: &Model,
        pending: &mut Vec<Pending>,
    ) -> Result<(), FrameError> {
        let tick = self.header.tick;
        for slot in 0..self.slots.len() {
            for (number, group) in model.groups.iter().enumerate() {
                let Some(sub) = &mut self.slots[slot].groups.get_mut(number) else { continue };
                let Some(entity) = sub.as_mut() else { continue };
                let context =
                    usize::from(entity.history) + 4 * usize::from(self.header.has_deferred);
                let at = group.status.at(entity.archetype, context);
                let status = Status::from_code(decoder.symbol(model, at, 0)?)?;
                let shape =
                    Shape { record: &group.record, mask: entity.mask, archetype: entity.archetype };
                match status {
                    Status::Exact => entity.advance(tick, |past, mut present| {
                        shape.predict(past, &mut present);
                        Ok(())
                    })?,
                    Status::Changed => entity.advance(tick, |past, mut present| {
                        shape.code_update(decoder, model, past, &mut present)
                    })?,
                    Status::Leave => **sub = None,
                    Status::Reset => {
                        let fresh =
                            self.take_sub_entity(decoder, model, slot, Some(number), pending)?;
                        self.slots[slot].groups[number] = Some(fresh.1);
                        continue;
                    }
                    Status::Deferred => {}
                }
                if let Some(entity) = sub.as_mut() {
                    entity.history = status.after(entity.history);
                }
            }
        }
        self.move_anchor(model);
        Ok(())
    }
}
