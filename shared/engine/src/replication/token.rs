//! Numbers as *tokens*: a small alphabet for how large and which sign, then plain bits.
//!
//! | token | value | plain bits |
//! |---|---|---|
//! | 0 | 0 | |
//! | 1, 2 | 1, −1 | |
//! | 3, 4 · 5, 6 | 2, −2 · 3, −3 | |
//! | 7, 8 · 9, 10 | ±4..5 · ±6..7 | 1 |
//! | 11, 12 · 13, 14 | ±8..11 · ±12..15 | 2 |
//! | … | each power of two in two halves | one more each |
//!
//! In general a magnitude `m ≥ 2` with highest bit `e` and the bit below it `h` has rank
//! `2e + h` (and 1 has rank 1), the token is `2 × rank − 1`, plus one where the value is
//! negative, and the lowest `e − 1` bits follow plainly. Unsigned numbers use the rank itself.

/// A value split into its token and its plain bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Token {
    pub(crate) token: u32,
    pub(crate) extra: u32,
    pub(crate) extra_bits: u32,
}

impl Token {
    /// Splits a number that may be negative; its magnitude is below 2³².
    pub(crate) fn signed(value: i64) -> Self {
        let magnitude = u32::try_from(value.unsigned_abs()).unwrap_or(u32::MAX);
        let Self { token: rank, extra, extra_bits } = Self::unsigned(magnitude);
        let token = if rank == 0 { 0 } else { 2 * rank - 1 + u32::from(value < 0) };
        Self { token, extra, extra_bits }
    }

    /// Splits a number that is not negative.
    pub(crate) fn unsigned(magnitude: u32) -> Self {
        if magnitude < 2 {
            return Self { token: magnitude, extra: 0, extra_bits: 0 };
        }
        let highest = magnitude.ilog2();
        let extra_bits = highest - 1;
        let token = 2 * highest + (magnitude >> extra_bits & 1);
        Self { token, extra: magnitude & ((1 << extra_bits) - 1), extra_bits }
    }

    /// How many plain bits follow an unsigned token.
    pub(crate) fn extra_bits(rank: u32) -> u32 {
        if rank < 2 { 0 } else { rank / 2 - 1 }
    }

    /// The magnitude of an unsigned token.
    pub(crate) fn magnitude(rank: u32, extra: u32) -> u32 {
        if rank < 2 { rank } else { (2 + (rank & 1)) << (rank / 2 - 1) | extra }
    }
}

/// How many tokens unsigned numbers up to `most` need.
pub(crate) fn unsigned_alphabet(most: u32) -> usize {
    Token::unsigned(most).token as usize + 1
}

/// How many tokens numbers from `-most` to `most` need.
pub(crate) fn signed_alphabet(most: u32) -> usize {
    2 * unsigned_alphabet(most) - 1
}

#[cfg(test)]
mod tests {
    use super::Token;

    #[test]
    fn ranks_and_plain_bits_give_each_magnitude_back() {
        let magnitudes = (0..5000).chain((13..32).flat_map(|bit| {
            let power = 1u32 << bit;
            [power - 1, power, power + power / 3, power + power / 2]
        }));
        for magnitude in magnitudes.chain([u32::MAX]) {
            let token = Token::unsigned(magnitude);
            assert_eq!(Token::extra_bits(token.token), token.extra_bits);
            assert_eq!(Token::magnitude(token.token, token.extra), magnitude);
        }
    }

    #[test]
    fn a_token_tells_the_sign() {
        let tokens: alloc::vec::Vec<u32> =
            [0, 1, -1, 2, -2, 3, -3, 4, -5].map(|value| Token::signed(value).token).into();
        assert_eq!(tokens, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
    }
}
