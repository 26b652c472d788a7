//! The entropy coder: symbols with static frequencies in, bytes out, and back.
//!
//! A range-variant asymmetric numeral system with a 24-bit state and 12-bit frequencies. All
//! numbers stay below 2²⁴, so that JavaScript does the same sums in plain integers. The encoder
//! works backwards, which is why frames are gathered as symbols first. The 16 bits that such a
//! state leaves over at the end carry a check.

use alloc::vec::Vec;

use super::{FrameError, table::Table};

/// Frequencies of a table add up to 2¹².
pub const FREQUENCY_BITS: u32 = 12;
/// Sum of the frequencies of a table.
pub const FREQUENCY_SUM: u32 = 1 << FREQUENCY_BITS;
/// Least state between symbols.
const STATE_MIN: u32 = 1 << 16;
/// Bytes that the state itself takes.
const STATE_BYTES: usize = 3;

/// A stretch of the interval from 0 to 2¹²: what a value became in its table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Symbol {
    start: u16,
    frequency: u16,
}

impl Symbol {
    /// The stretch of `frequency` from `start` on.
    pub(crate) fn new(start: u32, frequency: u32) -> Self {
        debug_assert!(frequency > 0 && start + frequency <= FREQUENCY_SUM);
        Self { start: start as u16, frequency: frequency as u16 }
    }

    /// What it costs, in 1/256 bit.
    pub fn cost(self) -> u32 {
        // Straight between powers of two: within 0.09 bit, which is plenty for a budget.
        let frequency = u32::from(self.frequency);
        let whole = frequency.ilog2();
        let mantissa = ((frequency << 8) >> whole) - 256;
        (FREQUENCY_BITS << 8) - (whole << 8) - mantissa
    }
}

/// Appends the bytes of `symbols` and `check` to `out`.
pub fn encode(symbols: &[Symbol], check: u16, out: &mut Vec<u8>) {
    let from = out.len();
    out.reserve(symbols.len() + STATE_BYTES);
    let mut state = STATE_MIN + u32::from(check);
    for symbol in symbols.iter().rev() {
        let frequency = u32::from(symbol.frequency);
        while state >= frequency << FREQUENCY_BITS {
            out.push(state as u8);
            state >>= 8;
        }
        let share = divide(state, symbol.frequency);
        state = (share << FREQUENCY_BITS) + (state - share * frequency) + u32::from(symbol.start);
    }
    out.extend_from_slice(&state.to_le_bytes()[..STATE_BYTES]);
    out[from..].reverse();
}

/// `state / frequency`, without the processor's slow division: exact for states below 2²⁴.
fn divide(state: u32, frequency: u16) -> u32 {
    ((u64::from(state) * RECIPROCALS[usize::from(frequency) & 0x1fff]) >> RECIPROCAL_BITS) as u32
}

const RECIPROCAL_BITS: u32 = 36;

/// 2³⁶ / frequency, rounded up.
static RECIPROCALS: [u64; 8192] = {
    let mut reciprocals = [0; 8192];
    let mut frequency = 1;
    while frequency <= FREQUENCY_SUM as usize {
        reciprocals[frequency] = (1u64 << RECIPROCAL_BITS).div_ceil(frequency as u64);
        frequency += 1;
    }
    reciprocals
};

/// Takes symbols from bytes.
#[derive(Debug)]
pub struct Decoder<'a> {
    bytes: core::slice::Iter<'a, u8>,
    state: u32,
    /// Symbols that may still be taken.
    allowance: u32,
}

impl<'a> Decoder<'a> {
    /// Reads what [`encode`] wrote. `allowance` bounds the number of symbols.
    pub fn new(bytes: &'a [u8], allowance: u32) -> Result<Self, FrameError> {
        let mut decoder = Self { bytes: bytes.iter(), state: 0, allowance };
        for _ in 0..STATE_BYTES {
            decoder.state = decoder.state << 8 | decoder.byte()?;
        }
        if decoder.state < STATE_MIN { Err(FrameError::Malformed) } else { Ok(decoder) }
    }

    /// The next symbol's place in `table`.
    pub(crate) fn symbol(&mut self, table: &Table) -> Result<u32, FrameError> {
        let (place, symbol) = table.find(self.state & (FREQUENCY_SUM - 1));
        self.take(symbol)?;
        Ok(place)
    }

    /// The next `count` bits, at most 12, each value as likely as another.
    pub(crate) fn flat(&mut self, count: u32) -> Result<u32, FrameError> {
        let shift = FREQUENCY_BITS - count;
        let value = (self.state & (FREQUENCY_SUM - 1)) >> shift;
        self.take(Symbol::new(value << shift, 1 << shift))?;
        Ok(value)
    }

    /// The check, after the last symbol.
    pub fn finish(mut self) -> Result<u16, FrameError> {
        let is_done = self.bytes.next().is_none() && self.state >> 16 == 1;
        if is_done { Ok(self.state as u16) } else { Err(FrameError::Malformed) }
    }

    fn take(&mut self, symbol: Symbol) -> Result<(), FrameError> {
        self.allowance = self.allowance.checked_sub(1).ok_or(FrameError::TooLarge)?;
        self.state = u32::from(symbol.frequency) * (self.state >> FREQUENCY_BITS)
            + (self.state & (FREQUENCY_SUM - 1))
            - u32::from(symbol.start);
        while self.state < STATE_MIN {
            self.state = self.state << 8 | self.byte()?;
        }
        Ok(())
    }

    fn byte(&mut self) -> Result<u32, FrameError> {
        self.bytes.next().map(|byte| u32::from(*byte)).ok_or(FrameError::Malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn division_by_multiplication_is_exact_at_both_sides_of_every_step() {
        for frequency in 1..=FREQUENCY_SUM {
            let last = (1 << 24) - 1;
            let steps = (0..=last / frequency).step_by(97).chain([last / frequency]);
            for state in steps
                .flat_map(|step| [(step * frequency).saturating_sub(1), step * frequency, last])
            {
                assert_eq!(divide(state, frequency as u16), state / frequency);
            }
        }
    }
}
