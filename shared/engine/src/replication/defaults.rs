//! Tables for a game that was not trained: what is true of most games.
//!
//! Made with whole numbers and divisions only, so that every platform makes the same.

use super::{contexts, table::Table};

/// Contexts of a status: what the last two were, and whether some are deferred.
pub(super) const STATUS_CONTEXTS: usize = 8;

/// A yes that comes `yes` times in `of`.
pub(super) fn flag(yes: u32, of: u32) -> Table {
    Table::new(&[of - yes, yes])
}

/// Every value as likely as another.
pub(super) fn even(alphabet: usize) -> Table {
    Table::new(&alloc::vec![1; alphabet])
}

/// exact · changed · leave · reset · deferred
pub(super) fn status(context: usize) -> Table {
    let deferred = if context & 4 == 0 { 0 } else { 400 };
    match context & 3 {
        0 => Table::new(&[900, 60, 20, 1, deferred]),
        1 => Table::new(&[300, 680, 20, 1, deferred]),
        2 => Table::new(&[600, 380, 20, 1, deferred]),
        _ => Table::new(&[60, 920, 20, 1, deferred]),
    }
}

/// Whether a field changed, in an entity that did.
pub(super) fn changed(context: usize) -> Table {
    match context % contexts::CHANGED_CONTEXTS / 4 {
        1 => flag(20, 100),
        2 => flag(75, 100),
        _ => flag(40, 100),
    }
}

/// Upper halves of bytes of text: mostly small letters.
pub(super) fn text_high() -> Table {
    Table::new(&[1, 1, 40, 60, 40, 30, 300, 200, 1, 1, 1, 1, 12, 4, 3, 2])
}

/// Which component of a rotation is dropped, from the largest of its guess to the smallest.
pub(super) fn dropped(context: usize) -> Table {
    let near = (context % contexts::NEARNESSES) as u32;
    Table::new(&[100, 1 + 8 * near, 1 + near, 1])
}

/// How far a lane misses its prediction.
pub(super) fn miss(alphabet: usize, context: usize) -> Table {
    let (motion, before) = contexts::miss_classes(context);
    // Unknown motion is taken for a middling one; what missed before misses again.
    let motion = motion.unwrap_or(5);
    let width = match before {
        0 => 1 << (motion / 2 + 1),
        _ => (1 << (motion / 4 + 1)) + (1 << (before - 1)),
    };
    signed(alphabet, width)
}

/// Signed tokens of numbers that are mostly below `width`.
pub(super) fn signed(alphabet: usize, width: u64) -> Table {
    Table::new(&alloc::vec::Vec::from_iter((0..alphabet).map(|token| {
        let rank = token.div_ceil(2);
        // The zero has one token, other magnitudes two.
        if rank == 0 { weight(0, width) } else { weight(rank, width).div_ceil(2) }
    })))
}

/// Unsigned tokens of numbers that are mostly below `width`.
pub(super) fn unsigned(alphabet: usize, width: u64) -> Table {
    Table::new(&alloc::vec::Vec::from_iter((0..alphabet).map(|rank| weight(rank, width))))
}

/// Share of the magnitudes of a rank, which thins out with the square of the distance.
fn weight(rank: usize, width: u64) -> u32 {
    let (magnitude, count) = match rank {
        0 | 1 => (rank as u64, 1),
        _ => ((2 + (rank as u64 & 1)) << (rank / 2 - 1), 1u64 << (rank / 2 - 1)),
    };
    let far = magnitude.saturating_mul(magnitude).saturating_add(width * width);
    // 2²⁰ for the zero; at most about 2²⁰ × width for all the rest together.
    let share = (count << 20).saturating_mul(width * width) / far;
    share.clamp(1, 1 << 28) as u32
}
