//! The state of a group, or an event: on entry, and from one state to the next.

use alloc::{sync::Arc, vec::Vec};
use core::ops::Range;

use super::{
    FrameError,
    checksum::StateHash,
    coder::Coder,
    contexts,
    field::{Coding, FieldModel, Prediction},
    model::{Model, Node, RecordModel},
    motion::{FINE, MotionModel, PHASE_MIDDLE},
    rotation,
};
use crate::schema::Lane;

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
                        codes[0] = crate::NetId::NONE.to_bits();
                    }
                }
                Coding::Text { .. } | Coding::List { .. } => {
                    code_sequence(coder, model, field, self.archetype, present.sequences)?;
                }
            }
        }
        Ok(())
    }

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

    fn keep(self, past: Past<'_>, present: &mut Present<'_>) {
        present.codes.copy_from_slice(past.codes);
        present.sequences.clone_from_slice(past.sequences);
    }

    /// What the receiver expects of a field, given the fields coded before it.
    fn guess<'b>(self, field: &'b FieldModel, past: Past<'_>, codes: &[u32]) -> Guess<'b> {
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

/// Most lanes of a field.
pub(super) const GUESS_LANES: usize = 8;

/// What the receiver expects of a field.
#[derive(Clone, Copy)]
struct Guess<'a> {
    field: &'a FieldModel,
    codes: [u32; GUESS_LANES],
    /// How far each lane was seen to move; `None` where the receiver cannot know.
    motions: [Option<i64>; GUESS_LANES],
    /// Phases of steady motion.
    phases: [u32; GUESS_LANES],
    /// Of a rotation: its components from the largest on.
    order: [usize; 4],
    /// Of a rotation: how near the second is to the first.
    near: usize,
}

impl Guess<'_> {
    /// The largest magnitude among known motions of lanes; `None` where none is known.
    fn fastest(&self, lanes: Range<usize>) -> Option<u64> {
        self.motions[lanes].iter().flatten().map(|motion| motion.unsigned_abs()).max()
    }

    /// Whether the hidden lanes are as in steady motion since `past`.
    fn has_motion(&self, motion: &MotionModel, past: Past<'_>, codes: &[u32]) -> bool {
        let rates = motion.lane..motion.lane + 1 + motion.count;
        past.codes[rates.clone()] == codes[rates.clone()]
            && codes[rates.end..][..motion.count] == self.phases[..motion.count]
    }

    fn take_motion(&self, motion: &MotionModel, past: Past<'_>, codes: &mut [u32]) {
        let rates = motion.lane..motion.lane + 1 + motion.count;
        codes[rates.clone()].copy_from_slice(&past.codes[rates.clone()]);
        codes[rates.end..][..motion.count].copy_from_slice(&self.phases[..motion.count]);
    }

    /// Guesses the kept components of a rotation where `dropped` is not kept.
    fn turn_towards(
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

impl FieldModel {
    /// Whether updates speak of it.
    fn is_live(&self) -> bool {
        !self.is_static && self.coding != Coding::Reference
    }

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

impl Lane {
    /// The way from one code to another; the shorter one on a lane that wraps.
    fn difference(self, to: u32, from: u32) -> i64 {
        let way = i64::from(to) - i64::from(from);
        if !self.is_cyclic {
            return way;
        }
        let around = i64::from(self.code_max) + 1;
        let way = way.rem_euclid(around);
        if way > around / 2 { way - around } else { way }
    }

    /// The code some way off, or the last one in that direction.
    fn towards(self, from: u32, way: i64) -> u32 {
        let to = i64::from(from) + way;
        if self.is_cyclic {
            to.rem_euclid(i64::from(self.code_max) + 1) as u32
        } else {
            to.clamp(0, i64::from(self.code_max)) as u32
        }
    }

    /// The code some way off, where there is one.
    fn moved(self, from: u32, way: i64) -> Result<u32, FrameError> {
        let to = i64::from(from) + way;
        if self.is_cyclic {
            return Ok(to.rem_euclid(i64::from(self.code_max) + 1) as u32);
        }
        u32::try_from(to).ok().filter(|to| *to <= self.code_max).ok_or(FrameError::OutOfRange)
    }
}

/// Codes a lane as its distance from a code that both ends know.
fn code_from<C: Coder>(
    coder: &mut C,
    model: &Model,
    place: usize,
    lane: Lane,
    from: u32,
    code: u32,
) -> Result<u32, FrameError> {
    let way = coder.signed(model, place, lane.difference(code, from))?;
    lane.moved(from, way)
}

/// Codes a text or list as a whole.
fn code_sequence<C: Coder>(
    coder: &mut C,
    model: &Model,
    field: &FieldModel,
    archetype: usize,
    sequences: &mut [Sequence],
) -> Result<(), FrameError> {
    let Some(sequence) = field.sequence.map(|at| &mut sequences[at]) else { return Ok(()) };
    let place = |number: usize| field.enters[number].at(archetype, 0);
    let (lanes, len_max): (&[Lane], u16) = match &field.coding {
        Coding::List { lanes, len_max } => (lanes, *len_max),
        Coding::Text { len_max, .. } => (&[], *len_max),
        _ => return Ok(()),
    };
    let width = lanes.len().max(1);
    let length = coder.unsigned(model, place(0), (sequence.len() / width) as u32)? as usize;
    if length > usize::from(len_max) {
        return Err(FrameError::OutOfRange);
    }
    let mut decoded: Vec<u32> = Vec::new();
    for at in 0..length * width {
        let truth = sequence.get(at).copied().unwrap_or(0);
        let known: &[u32] = if C::DECODES { &decoded } else { sequence };
        let code = if let Coding::Text { high, low, .. } = field.coding {
            let before = at.checked_sub(1).map_or(0, |at| known[at]);
            code_byte(coder, model, (high, low), before, truth)?
        } else {
            let lane = lanes[at % width];
            let from = at.checked_sub(width).map_or(lane.zero, |at| known[at]);
            code_from(coder, model, place(1 + at % width), lane, from, truth)?
        };
        if C::DECODES {
            decoded.push(code);
        }
    }
    if C::DECODES {
        *sequence = Arc::from(decoded);
    }
    Ok(())
}

fn code_byte<C: Coder>(
    coder: &mut C,
    model: &Model,
    (high, low): (Node, Node),
    before: u32,
    byte: u32,
) -> Result<u32, FrameError> {
    let context = (before & 31) as usize;
    let upper = coder.symbol(model, high.at(0, context), byte >> 4)?;
    let context = context + 32 * (upper & 3) as usize;
    let lower = coder.symbol(model, low.at(0, context), byte & 15)?;
    Ok(upper << 4 | lower)
}

impl Shape<'_> {
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
}

impl<'a> Shape<'a> {
    /// The fields that [`Shape::hash`] is over, in their order.
    pub fn lasting_fields(self) -> impl Iterator<Item = &'a FieldModel> {
        self.record.fields.iter().filter(move |field| {
            field.bit() & self.mask != 0 && !field.is_transient && field.coding != Coding::Reference
        })
    }
}
