//! One description of the format for both directions.
//!
//! Whatever is on the wire is passed through a [`Coder`]: the encoder takes the value it is
//! given, the decoder ignores that and returns the one that travelled. So each part of the
//! format is written once, in the order in which it travels.

use alloc::vec::Vec;

use super::{
    FrameError,
    model::Model,
    rans::{Decoder, FREQUENCY_BITS, Symbol},
    token::Token,
};

/// Takes values in order, or gives them back in the same order.
pub trait Coder {
    /// Whether values come out rather than go in.
    const DECODES: bool;

    /// One value of a small alphabet. `at` is the number of its table in `model`.
    fn symbol(&mut self, model: &Model, at: usize, value: u32) -> Result<u32, FrameError>;

    /// The lowest `count` bits, at most 12, where no value is likelier than another.
    fn flat(&mut self, value: u32, count: u32) -> Result<u32, FrameError>;

    /// The lowest `count` bits, at most 32: twelve at a time, lowest first.
    fn bits(&mut self, value: u32, count: u32) -> Result<u32, FrameError> {
        let mut result = 0;
        let mut done = 0;
        while done < count {
            let now = (count - done).min(FREQUENCY_BITS);
            result |= self.flat(value >> done & ((1 << now) - 1), now)? << done;
            done += now;
        }
        Ok(result)
    }

    /// Yes or no.
    fn flag(&mut self, model: &Model, at: usize, value: bool) -> Result<bool, FrameError> {
        self.symbol(model, at, u32::from(value)).map(|value| value != 0)
    }

    /// A number that is not negative, as a token and plain bits.
    fn unsigned(&mut self, model: &Model, at: usize, value: u32) -> Result<u32, FrameError> {
        let token = Token::unsigned(value);
        let rank = self.symbol(model, at, token.token)?;
        let extra = self.bits(token.extra, Token::extra_bits(rank))?;
        Ok(Token::magnitude(rank, extra))
    }

    /// A number that may be negative, as a token and plain bits.
    fn signed(&mut self, model: &Model, at: usize, value: i64) -> Result<i64, FrameError> {
        let token = Token::signed(value);
        let signed = self.symbol(model, at, token.token)?;
        let rank = signed.div_ceil(2);
        let extra = self.bits(token.extra, Token::extra_bits(rank))?;
        let magnitude = i64::from(Token::magnitude(rank, extra));
        Ok(if signed > 0 && signed.is_multiple_of(2) { -magnitude } else { magnitude })
    }
}

/// Gathers symbols for [`super::rans::encode`].
impl Coder for Vec<Symbol> {
    const DECODES: bool = false;

    fn symbol(&mut self, model: &Model, at: usize, value: u32) -> Result<u32, FrameError> {
        self.push(model.table(at).symbol(value));
        Ok(value)
    }

    fn flat(&mut self, value: u32, count: u32) -> Result<u32, FrameError> {
        let shift = FREQUENCY_BITS - count;
        self.push(Symbol::new(value << shift, 1 << shift));
        Ok(value)
    }
}

impl Coder for Decoder<'_> {
    const DECODES: bool = true;

    fn symbol(&mut self, model: &Model, at: usize, _: u32) -> Result<u32, FrameError> {
        Decoder::symbol(self, model.table(at))
    }

    fn flat(&mut self, _: u32, count: u32) -> Result<u32, FrameError> {
        Decoder::flat(self, count)
    }
}
