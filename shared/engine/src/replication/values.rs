//! The state of a group, or an event: what both ends may know of it, and what they make of it.

mod guess;
mod lane;
mod sequence;
mod update;
mod whole;

use alloc::sync::Arc;

use self::guess::Guess;
use super::{
    checksum::StateHash,
    field::{Coding, FieldModel},
    model::RecordModel,
};

/// Codes of a text or list.
pub type Sequence = Arc<[u32]>;

/// What a receiver has of a sub-entity.
#[derive(Clone, Copy, Debug)]
pub struct Past<'a> {
    /// Its codes at the base tick.
    pub codes: &'a [u32],
    /// Its codes as many ticks before the base as the base is before the present; `None` where
    /// the receiver has no such state.
    pub previous: Option<&'a [u32]>,
    /// Its sequences at the base tick.
    pub sequences: &'a [Sequence],
    /// Ticks from the base to the present.
    pub steps: u32,
}

/// The state that is given to the encoder, or made by the decoder.
#[derive(Debug)]
pub struct Present<'a> {
    /// One code per lane.
    pub codes: &'a mut [u32],
    /// The sequences.
    pub sequences: &'a mut [Sequence],
}

/// A record of which the components in `mask` are there.
#[derive(Clone, Copy, Debug)]
pub struct Shape<'a> {
    /// Its fields.
    pub record: &'a RecordModel,
    /// Which components there are; all ones for an event.
    pub mask: u64,
    /// Its archetype; 0 for an event.
    pub archetype: usize,
}

impl<'a> Shape<'a> {
    fn fields(self) -> impl Iterator<Item = &'a FieldModel> {
        let fields = self.record.order.iter().map(move |at| &self.record.fields[*at]);
        fields.filter(move |field| field.bit() & self.mask != 0)
    }

    /// Lanes that refer to entities.
    pub fn references(self) -> impl Iterator<Item = usize> {
        let fields = self.fields().filter(|field| field.coding == Coding::Reference);
        fields.map(|field| field.lanes.start)
    }

    fn is_position(self, field: &FieldModel) -> bool {
        self.record.position.is_some_and(|at| self.record.fields[at].lanes == field.lanes)
    }

    /// The state as predicted.
    pub fn predict(self, past: Past<'_>, present: &mut Present<'_>) {
        self.keep(past, present);
        for field in self.fields().filter(|field| field.is_live()) {
            let guess = self.guess(field, past, present.codes);
            self.take_guess(field, &guess, past, present);
        }
    }

    /// Whether `present` is as predicted.
    pub fn is_predicted(self, past: Past<'_>, present: &Present<'_>) -> bool {
        self.fields().filter(|field| field.is_live()).all(|field| {
            let guess = self.guess(field, past, present.codes);
            self.is_as_guessed(field, &guess, past, present)
        })
    }

    /// Whether a static field differs, which only a whole new state can say.
    pub fn is_remade(self, past: Past<'_>, present: &Present<'_>) -> bool {
        self.fields().filter(|field| field.is_static && field.coding != Coding::Reference).any(
            |field| {
                let lanes = field.lanes.clone();
                past.codes[lanes.clone()] != present.codes[lanes]
                    || field.sequence.is_some_and(|at| past.sequences[at] != present.sequences[at])
            },
        )
    }

    /// Hash of the lasting state: what does not depend on who looks, nor on the moment.
    pub fn hash(self, codes: &[u32], sequences: &[Sequence]) -> u32 {
        let mut hash = StateHash::new(self.mask);
        for field in self.lasting_fields() {
            codes[field.lanes.clone()].iter().for_each(|code| hash.add(*code));
            if let Some(at) = field.sequence {
                hash.add(sequences[at].len() as u32);
                sequences[at].iter().for_each(|code| hash.add(*code));
            }
        }
        hash.finish()
    }

    /// The fields that [`Shape::hash`] is over, in their order.
    pub fn lasting_fields(self) -> impl Iterator<Item = &'a FieldModel> {
        self.record.fields.iter().filter(move |field| {
            field.bit() & self.mask != 0 && !field.is_transient && field.coding != Coding::Reference
        })
    }

    fn keep(self, past: Past<'_>, present: &mut Present<'_>) {
        present.codes.copy_from_slice(past.codes);
        present.sequences.clone_from_slice(past.sequences);
    }

    fn is_as_guessed(
        self,
        field: &FieldModel,
        guess: &Guess<'_>,
        past: Past<'_>,
        present: &Present<'_>,
    ) -> bool {
        match field.sequence {
            Some(at) if field.is_transient => present.sequences[at].is_empty(),
            Some(at) => {
                Arc::ptr_eq(&past.sequences[at], &present.sequences[at])
                    || past.sequences[at] == present.sequences[at]
            }
            None => {
                let codes = &present.codes[field.lanes.clone()];
                codes.iter().zip(&guess.codes).all(|(code, guess)| code == guess)
                    && field
                        .motion
                        .as_ref()
                        .is_none_or(|motion| guess.has_motion(motion, past, present.codes))
            }
        }
    }

    fn take_guess(
        self,
        field: &FieldModel,
        guess: &Guess<'_>,
        past: Past<'_>,
        present: &mut Present<'_>,
    ) {
        match field.sequence {
            Some(at) if field.is_transient => present.sequences[at] = Arc::from([]),
            Some(at) => present.sequences[at] = past.sequences[at].clone(),
            None => {
                let codes = &mut present.codes[field.lanes.clone()];
                codes.copy_from_slice(&guess.codes[..codes.len()]);
                if let Some(motion) = &field.motion {
                    guess.take_motion(motion, past, present.codes);
                }
            }
        }
    }
}

impl FieldModel {
    /// Whether updates speak of it.
    fn is_live(&self) -> bool {
        !self.is_static && self.coding != Coding::Reference
    }
}
