//! What a receiver expects of a field, given what it has and the fields coded before.

use core::ops::Range;

use super::{Past, Shape};
use crate::{
    replication::{
        field::{Coding, FieldModel, Prediction},
        motion::{FINE, MotionModel, PHASE_MIDDLE},
        rotation,
    },
    schema::Lane,
};

/// Most lanes of a field.
const GUESS_LANES: usize = 8;

/// What the receiver expects of a field.
#[derive(Clone, Copy)]
pub(super) struct Guess<'a> {
    pub(super) field: &'a FieldModel,
    pub(super) codes: [u32; GUESS_LANES],
    /// How far each lane was seen to move; `None` where the receiver cannot know.
    pub(super) motions: [Option<i64>; GUESS_LANES],
    /// Phases of steady motion.
    phases: [u32; GUESS_LANES],
    /// Of a rotation: its components from the largest on.
    pub(super) order: [usize; 4],
    /// Of a rotation: how near the second is to the first.
    pub(super) near: usize,
}

impl Guess<'_> {
    /// The largest magnitude among known motions of lanes; `None` where none is known.
    pub(super) fn fastest(&self, lanes: Range<usize>) -> Option<u64> {
        self.motions[lanes].iter().flatten().map(|motion| motion.unsigned_abs()).max()
    }

    /// Whether the hidden lanes are as in steady motion since `past`.
    pub(super) fn has_motion(&self, motion: &MotionModel, past: Past<'_>, codes: &[u32]) -> bool {
        let rates = motion.lane..motion.lane + 1 + motion.count;
        past.codes[rates.clone()] == codes[rates.clone()]
            && codes[rates.end..][..motion.count] == self.phases[..motion.count]
    }

    pub(super) fn take_motion(&self, motion: &MotionModel, past: Past<'_>, codes: &mut [u32]) {
        let rates = motion.lane..motion.lane + 1 + motion.count;
        codes[rates.clone()].copy_from_slice(&past.codes[rates.clone()]);
        codes[rates.end..][..motion.count].copy_from_slice(&self.phases[..motion.count]);
    }

    /// Guesses the kept components of a rotation where `dropped` is not kept.
    pub(super) fn turn_towards(
        &mut self,
        dropped: usize,
        base: rotation::Quaternion,
        next: rotation::Quaternion,
        most: i64,
        is_moving: bool,
    ) {
        let from = rotation::to_codes(base, dropped, most);
        let to = rotation::to_codes(next, dropped, most);
        for number in 0..3 {
            self.codes[number + 1] = to[number];
            let motion = i64::from(to[number]) - i64::from(from[number]);
            self.motions[number + 1] = is_moving.then_some(motion);
        }
    }
}

impl Shape<'_> {
    /// What the receiver expects of a field, given the fields coded before it.
    pub(super) fn guess<'b>(
        self,
        field: &'b FieldModel,
        past: Past<'_>,
        codes: &[u32],
    ) -> Guess<'b> {
        let mut guess = Guess {
            field,
            codes: [0; GUESS_LANES],
            motions: [None; GUESS_LANES],
            phases: [PHASE_MIDDLE; GUESS_LANES],
            order: [0; 4],
            near: 0,
        };
        if let Some(motion) =
            field.motion.as_ref().filter(|motion| motion.precision(past.codes) > 0)
        {
            self.guess_steady(field, motion, past, codes, &mut guess);
            return guess;
        }
        if let Coding::Rotation { bits } = field.coding {
            self.guess_rotation(field, past, (1 << bits) - 1, &mut guess);
            return guess;
        }
        for (number, at) in field.lanes.clone().enumerate().take(GUESS_LANES) {
            let lane = self.record.lanes[at];
            (guess.codes[number], guess.motions[number]) =
                field.guess_lane(number, at, lane, past, codes);
        }
        guess
    }

    fn guess_steady(
        self,
        field: &FieldModel,
        motion: &MotionModel,
        past: Past<'_>,
        codes: &[u32],
        guess: &mut Guess<'_>,
    ) {
        for (number, at) in field.lanes.clone().enumerate() {
            let lane = self.record.lanes[at];
            let base = past.codes[at];
            let rate = motion.rate(past.codes, number) + field.nominal_rate(number, codes);
            let phase = motion.phase(past.codes, number);
            let way = rate * i64::from(past.steps);
            (guess.codes[number], guess.phases[number]) =
                MotionModel::moved(lane, base, phase, way);
            guess.motions[number] = Some(lane.difference(guess.codes[number], base));
        }
    }

    /// The hidden lanes of a field that goes on as it did, a tick after `past`; `None` where its
    /// codes say that it did not.
    pub fn steady_on(
        self,
        field: &FieldModel,
        motion: &MotionModel,
        past: Past<'_>,
        codes: &mut [u32],
    ) -> Option<()> {
        let guess = self.guess(field, past, codes);
        let lanes = field.lanes.clone();
        if codes[lanes.clone()] != guess.codes[..lanes.len()] {
            return None;
        }
        guess.take_motion(motion, past, codes);
        Some(())
    }

    fn guess_rotation(self, field: &FieldModel, past: Past<'_>, most: i64, guess: &mut Guess<'_>) {
        let base = rotation::from_codes(&past.codes[field.lanes.clone()], most);
        let previous = past.previous.filter(|_| field.prediction == Prediction::Linear);
        let next = previous.map_or(base, |previous| {
            let previous = rotation::from_codes(&previous[field.lanes.clone()], most);
            rotation::extrapolate(previous, base, most)
        });
        guess.order = rotation::by_size(next);
        guess.near = rotation::nearness(next, guess.order);
        guess.codes[0] = guess.order[0] as u32;
        guess.turn_towards(guess.order[0], base, next, most, previous.is_some());
    }
}

impl FieldModel {
    /// What a lane moves by a tick as far as the velocity's code says, in fine steps.
    pub fn nominal_rate(&self, number: usize, codes: &[u32]) -> i64 {
        match self.prediction {
            Prediction::Velocity { lane, scale, offset } => {
                (i64::from(codes[lane + number]) * scale + offset).div_euclid(65_536 / FINE)
            }
            _ => 0,
        }
    }

    /// The expected code of a lane, and how far it was seen to move.
    fn guess_lane(
        &self,
        number: usize,
        at: usize,
        lane: Lane,
        past: Past<'_>,
        codes: &[u32],
    ) -> (u32, Option<i64>) {
        if self.is_transient {
            return (lane.zero, None);
        }
        let base = past.codes[at];
        match self.prediction {
            Prediction::Hold | Prediction::Linear => {
                let motion = past.previous.map(|previous| lane.difference(base, previous[at]));
                let goes_on = self.prediction == Prediction::Linear && self.motion.is_none();
                let onward = motion.filter(|_| goes_on);
                (lane.towards(base, onward.unwrap_or(0)), motion)
            }
            Prediction::Velocity { .. } => {
                let steps = i64::from(past.steps);
                let old = self.nominal_rate(number, past.codes);
                let new = self.nominal_rate(number, codes);
                // The velocity of each tick moves that tick; between the two ends it is taken
                // to have changed evenly.
                let way = steps * new - ((new - old) * (steps - 1)).div_euclid(2);
                let guess = lane.towards(base, (way + FINE / 2).div_euclid(FINE));
                (guess, Some(lane.difference(guess, base)))
            }
        }
    }
}
