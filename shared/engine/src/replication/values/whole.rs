//! A state as a whole: where it is, then everything else but what it refers to.

use super::{Present, Shape, lane::code_from, sequence::code_sequence};
use crate::{
    ids::NetId,
    replication::{FrameError, coder::Coder, field::Coding, model::Model},
};

impl Shape<'_> {
    /// Codes where the record is, seen from `anchor`.
    pub fn code_position<C: Coder>(
        self,
        coder: &mut C,
        model: &Model,
        anchor: &[u32],
        present: &mut Present<'_>,
    ) -> Result<(), FrameError> {
        for field in self.fields().filter(|field| self.is_position(field)) {
            for (number, at) in field.lanes.clone().enumerate() {
                let lane = self.record.lanes[at];
                let from = anchor.get(number).map_or(lane.zero, |code| (*code).min(lane.code_max));
                let place = field.enters[number].at(self.archetype, 0);
                let code = &mut present.codes[at];
                *code = code_from(coder, model, place, lane, from, *code)?;
            }
        }
        Ok(())
    }

    /// Codes everything but position and references.
    pub fn code_entry<C: Coder>(
        self,
        coder: &mut C,
        model: &Model,
        present: &mut Present<'_>,
    ) -> Result<(), FrameError> {
        for field in self.fields() {
            if let Some(motion) = &field.motion {
                motion.code(coder, model, self.archetype, 0, present.codes)?;
            }
            if self.is_position(field) {
                continue;
            }
            let place = |number: usize| field.enters[number].at(self.archetype, 0);
            let lanes = &self.record.lanes[field.lanes.clone()];
            let codes = &mut present.codes[field.lanes.clone()];
            match &field.coding {
                Coding::Numbers => {
                    for (number, (code, lane)) in codes.iter_mut().zip(lanes).enumerate() {
                        *code = code_from(coder, model, place(number), *lane, lane.zero, *code)?;
                    }
                }
                Coding::Flag | Coding::Choice => {
                    codes[0] = coder.symbol(model, place(0), codes[0])?;
                }
                Coding::Optional | Coding::Rotation { .. } => {
                    codes[0] = coder.symbol(model, place(0), codes[0])?;
                    let is_none = field.coding == Coding::Optional && codes[0] == 0;
                    for number in 1..codes.len() {
                        let lane = lanes[number];
                        codes[number] = if is_none {
                            0
                        } else {
                            let code = codes[number];
                            code_from(coder, model, place(number), lane, lane.zero, code)?
                        };
                    }
                }
                Coding::Reference => {
                    if C::DECODES {
                        codes[0] = NetId::NONE.to_bits();
                    }
                }
                Coding::Text { .. } | Coding::List { .. } => {
                    code_sequence(coder, model, field, self.archetype, present.sequences)?;
                }
            }
        }
        Ok(())
    }
}
