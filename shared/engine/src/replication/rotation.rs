//! Guessing rotations: quaternions in whole numbers.
//!
//! Kept components have codes 0 to `most`; `2 × code − most` is proportional to the component,
//! and the four squares then add up to `2 × most²`. All here is that times [`FINE`], so that a
//! dropped component and an extrapolated one keep a little of what codes round away. Numbers
//! stay below 2⁵³ for up to 12 bits: divisions in JavaScript need `Math.floor` only.

/// A quaternion, each component in units of a code's half step over `FINE`.
pub(super) type Quaternion = [i64; 4];

const FINE: i64 = 16;

/// The quaternion of these codes: the number of the dropped component, then the others.
pub(super) fn from_codes(codes: &[u32], most: i64) -> Quaternion {
    let dropped = codes.first().map_or(0, |code| *code as usize);
    let mut quaternion = [0; 4];
    let mut squares = 0;
    for (at, code) in kept(dropped).zip(&codes[1..]) {
        let part = (2 * i64::from(*code) - most) * FINE;
        squares += part * part;
        quaternion[at] = part;
    }
    quaternion[dropped & 3] = (norm(most) - squares).max(0).unsigned_abs().isqrt() as i64;
    quaternion
}

/// Where a rotation gets that goes on as it did from `previous` to `base`.
pub(super) fn extrapolate(previous: Quaternion, base: Quaternion, most: i64) -> Quaternion {
    let norm = norm(most);
    let dot: i64 = previous.iter().zip(&base).map(|(a, b)| a * b).sum();
    core::array::from_fn(|at| (2 * dot * base[at] + norm / 2).div_euclid(norm) - previous[at])
}

/// Which component is the largest, and whether the next is nearly (within an eighth) as large.
pub(super) fn largest(quaternion: Quaternion) -> (usize, bool) {
    let sizes = quaternion.map(i64::abs);
    let mut best = 0;
    for at in 1..4 {
        if sizes[at] > sizes[best] {
            best = at;
        }
    }
    let next = (0..4).filter(|at| *at != best).map(|at| sizes[at]).max().unwrap_or(0);
    (best, next * 8 >= sizes[best] * 7)
}

/// The codes of a quaternion where `dropped` is the component left out.
pub(super) fn to_codes(quaternion: Quaternion, dropped: usize, most: i64) -> [u32; 3] {
    let sign = if quaternion[dropped & 3] < 0 { -1 } else { 1 };
    let mut codes = [0; 3];
    for (code, at) in codes.iter_mut().zip(kept(dropped)) {
        let share = (sign * quaternion[at] + most * FINE + FINE).div_euclid(2 * FINE);
        *code = share.clamp(0, most) as u32;
    }
    codes
}

fn kept(dropped: usize) -> impl Iterator<Item = usize> {
    (0..4).filter(move |at| *at != dropped & 3)
}

fn norm(most: i64) -> i64 {
    2 * most * most * FINE * FINE
}
