//! Steady motion, finer than codes.
//!
//! A game that moves things by floats knows positions and speeds finer than their codes, and a
//! prediction from rounded speeds misses almost every tick. A field that is fine and moves has
//! *hidden lanes* behind those of its group: a *precision* (0: no steady motion is known), for
//! each lane of the field a *rate*, and for each a *phase*. They are part of the state like any
//! lane, but no part of any value, hash or report.
//!
//! - Phase is where in its code the lane is, 0 to 2ᶠ − 1, the middle being 2ᶠ⁻¹ ([`FINE_BITS`]
//!   is f).
//! - Rate is what the lane moves by a tick, kept as its code less 2³¹, in units of 2¹⁻ᵖ codes
//!   where p is the precision (1 to f + 1); of a field that moves by velocity, what the lane moves
//!   more than the velocity's code says.
//! - Without steady motion, rates are 2³¹ (nothing) and phases 2ᶠ⁻¹.

use alloc::vec::Vec;

use super::{
    FrameError,
    coder::Coder,
    defaults,
    model::{Model, Node, Nodes},
    token::signed_alphabet,
};
use crate::schema::Lane;

/// How finely motion is known: codes times two to this.
pub const FINE_BITS: u32 = 7;
/// Fine steps of a code.
pub const FINE: i64 = 1 << FINE_BITS;
/// Highest precision.
pub const PRECISION_MAX: u32 = FINE_BITS + 1;
/// The code of a rate of nothing.
pub const RATE_ZERO: u32 = 1 << 31;
/// The phase in the middle of a code.
pub const PHASE_MIDDLE: u32 = 1 << (FINE_BITS - 1);
/// Rates stay below this many fine steps a tick.
const RATE_MAX: u32 = 1 << 24;

/// The hidden lanes of a field, and the nodes that code them.
#[derive(Clone, Debug)]
pub struct MotionModel {
    /// The lane of the precision; those of the rates follow, then those of the phases.
    pub lane: usize,
    /// How many lanes the field has.
    pub count: usize,
    /// Node of the precision. Context: the one before.
    pub precision: Node,
    /// Nodes of the rates, signed. Context: the precision.
    pub rates: Vec<Node>,
}

impl MotionModel {
    pub(super) fn new(lane: usize, count: usize, nodes: &mut Nodes) -> Self {
        let contexts = PRECISION_MAX as usize + 1;
        let precision = nodes.per_archetype(contexts, |_| defaults::even(contexts));
        let count_of = signed_alphabet(RATE_MAX);
        let rates = (0..count).map(|_| {
            nodes.per_archetype(contexts, |context| {
                defaults::signed(count_of, 1 << context.saturating_sub(1))
            })
        });
        let rates = rates.collect();
        Self { lane, count, precision, rates }
    }

    /// The hidden lanes themselves.
    pub(super) fn lanes(field: usize, count: usize) -> impl Iterator<Item = Lane> {
        let plain = Lane { field, code_max: PRECISION_MAX, is_cyclic: false, zero: 0 };
        let rate = Lane { code_max: u32::MAX, zero: RATE_ZERO, ..plain };
        let phase = Lane { code_max: FINE as u32 - 1, zero: PHASE_MIDDLE, ..plain };
        core::iter::once(plain)
            .chain(core::iter::repeat_n(rate, count))
            .chain(core::iter::repeat_n(phase, count))
    }

    /// The precision in these codes of the group.
    pub fn precision(&self, codes: &[u32]) -> u32 {
        codes[self.lane]
    }

    /// The rate of a lane, in fine steps a tick.
    pub fn rate(&self, codes: &[u32], number: usize) -> i64 {
        let rate = i64::from(codes[self.lane + 1 + number]) - i64::from(RATE_ZERO);
        rate << (PRECISION_MAX - self.precision(codes).min(PRECISION_MAX))
    }

    /// The phase of a lane.
    pub fn phase(&self, codes: &[u32], number: usize) -> i64 {
        i64::from(codes[self.lane + 1 + self.count + number])
    }

    /// Says that no steady motion is known.
    pub fn forget(&self, codes: &mut [u32]) {
        codes[self.lane] = 0;
        codes[self.lane + 1..][..self.count].fill(RATE_ZERO);
        codes[self.lane + 1 + self.count..][..self.count].fill(PHASE_MIDDLE);
    }

    /// Codes the hidden lanes.
    pub(super) fn code<C: Coder>(
        &self,
        coder: &mut C,
        model: &Model,
        archetype: usize,
        before: u32,
        codes: &mut [u32],
    ) -> Result<(), FrameError> {
        let place = self.precision.at(archetype, before as usize);
        let precision = coder.symbol(model, place, codes[self.lane])?;
        if precision == 0 {
            self.forget(codes);
            return Ok(());
        }
        codes[self.lane] = precision;
        for number in 0..self.count {
            let code = &mut codes[self.lane + 1 + number];
            let place = self.rates[number].at(archetype, precision as usize);
            let rate = coder.signed(model, place, i64::from(*code) - i64::from(RATE_ZERO))?;
            *code =
                u32::try_from(i64::from(RATE_ZERO) + rate).map_err(|_| FrameError::OutOfRange)?;
        }
        for phase in &mut codes[self.lane + 1 + self.count..][..self.count] {
            *phase = coder.bits(*phase, FINE_BITS)?;
        }
        Ok(())
    }

    /// Where a lane is so many fine steps on: its code and its phase.
    pub(super) fn moved(lane: Lane, code: u32, phase: i64, way: i64) -> (u32, u32) {
        let fine = i64::from(code) * FINE + phase + way;
        let around = (i64::from(lane.code_max) + 1) * FINE;
        let fine = if lane.is_cyclic { fine.rem_euclid(around) } else { fine.clamp(0, around - 1) };
        ((fine / FINE) as u32, (fine % FINE) as u32)
    }
}
