//! From one state to the next: which fields are not as guessed, and by how much they miss.

use super::{Past, Present, Shape, guess::Guess, sequence::code_sequence};
use crate::replication::{
    FrameError,
    coder::Coder,
    contexts,
    field::{Coding, FieldModel},
    model::Model,
    rotation,
};

impl Shape<'_> {
    /// Codes what differs from the prediction; references apart.
    pub fn code_update<C: Coder>(
        self,
        coder: &mut C,
        model: &Model,
        past: Past<'_>,
        present: &mut Present<'_>,
    ) -> Result<(), FrameError> {
        if C::DECODES {
            self.keep(past, present);
        }
        let mut flags = 0;
        let mut worst = None;
        for field in self.fields().filter(|field| field.is_live()) {
            let guess = self.guess(field, past, present.codes);
            let differs = !C::DECODES && !self.is_as_guessed(field, &guess, past, present);
            let mut context = 4 * field.stirring(past) + flags;
            if field.coding == Coding::Flag {
                context += contexts::CHANGED_CONTEXTS * guess.codes[0].min(1) as usize;
            }
            let place = field.changed.at(self.archetype, context);
            let is_changed = coder.flag(model, place, differs)?;
            flags = flags << 1 & 2 | usize::from(is_changed);
            if is_changed {
                self.code_field(coder, model, &guess, past, present, &mut worst)?;
            } else if C::DECODES {
                self.take_guess(field, &guess, past, present);
            }
        }
        Ok(())
    }

    fn code_field<C: Coder>(
        self,
        coder: &mut C,
        model: &Model,
        guess: &Guess<'_>,
        past: Past<'_>,
        present: &mut Present<'_>,
        worst: &mut Option<u64>,
    ) -> Result<(), FrameError> {
        let field = guess.field;
        if let Some(motion) = &field.motion {
            let before = motion.precision(past.codes);
            motion.code(coder, model, self.archetype, before, present.codes)?;
        }
        let lanes = &self.record.lanes[field.lanes.clone()];
        let codes = &mut present.codes[field.lanes.clone()];
        match &field.coding {
            Coding::Flag => codes[0] = 1 - guess.codes[0].min(1),
            Coding::Choice => {
                let node = field.updates[0];
                let context = (guess.codes[0] as usize).min(node.contexts - 1);
                codes[0] = coder.symbol(model, node.at(self.archetype, context), codes[0])?;
            }
            Coding::Numbers => self.code_misses(coder, model, 0, guess, codes, worst)?,
            Coding::Optional => {
                let context = guess.codes[0].min(1) as usize;
                let place = field.updates[0].at(self.archetype, context);
                codes[0] = coder.symbol(model, place, codes[0])?;
                if codes[0] == 0 {
                    codes[1..].fill(0);
                } else {
                    let mut guess = *guess;
                    if guess.codes[0] == 0 {
                        for (number, lane) in lanes.iter().enumerate() {
                            guess.codes[number] = lane.zero;
                        }
                    }
                    self.code_misses(coder, model, 1, &guess, codes, worst)?;
                }
            }
            Coding::Rotation { bits } => {
                let most = (1 << bits) - 1;
                let context = contexts::dropped(guess.near, guess.fastest(1..4), *worst);
                let place = field.updates[0].at(self.archetype, context);
                let rank = guess.order.iter().position(|at| *at == codes[0] as usize);
                let rank = coder.symbol(model, place, rank.unwrap_or(0) as u32)?;
                codes[0] = guess.order[rank as usize] as u32;
                let mut guess = *guess;
                if codes[0] != guess.codes[0] {
                    let base = rotation::from_codes(&past.codes[field.lanes.clone()], most);
                    let is_moving = guess.motions[1].is_some();
                    let next = if is_moving {
                        let previous = past.previous.unwrap_or(past.codes);
                        let previous = rotation::from_codes(&previous[field.lanes.clone()], most);
                        rotation::extrapolate(previous, base, most)
                    } else {
                        base
                    };
                    guess.turn_towards(codes[0] as usize, base, next, most, is_moving);
                }
                self.code_misses(coder, model, 1, &guess, codes, worst)?;
            }
            Coding::Reference => {}
            Coding::Text { .. } | Coding::List { .. } => {
                code_sequence(coder, model, field, self.archetype, present.sequences)?;
            }
        }
        Ok(())
    }

    /// Codes how far the lanes from `first` on miss their guesses.
    fn code_misses<C: Coder>(
        self,
        coder: &mut C,
        model: &Model,
        first: usize,
        guess: &Guess<'_>,
        codes: &mut [u32],
        worst: &mut Option<u64>,
    ) -> Result<(), FrameError> {
        let field = guess.field;
        let lanes = &self.record.lanes[field.lanes.clone()];
        let fastest = guess.fastest(first..codes.len()).unwrap_or(0);
        for number in first..codes.len() {
            let motion = guess.motions[number];
            let context = contexts::miss(motion, fastest, *worst);
            let place = field.updates[number].at(self.archetype, context);
            // Misses mostly oppose the motion: what is learned of one direction holds for both.
            let sign = if motion.is_some_and(|motion| motion < 0) { -1 } else { 1 };
            let lane = lanes[number];
            let miss = sign * lane.difference(codes[number], guess.codes[number]);
            let miss = coder.signed(model, place, miss)?;
            codes[number] = lane.moved(guess.codes[number], sign * miss)?;
            *worst = Some(worst.unwrap_or(0).max(miss.unsigned_abs()));
        }
        Ok(())
    }
}

impl FieldModel {
    /// 0 where the receiver cannot know whether the field moved before, 1 where it did not, 2
    /// where it did.
    fn stirring(&self, past: Past<'_>) -> usize {
        if self.motion.as_ref().is_some_and(|motion| motion.precision(past.codes) > 0) {
            return 1;
        }
        match past.previous {
            Some(previous) if self.sequence.is_none() && !self.is_transient => {
                let lanes = self.lanes.clone();
                1 + usize::from(past.codes[lanes.clone()] != previous[lanes])
            }
            _ => 0,
        }
    }
}
