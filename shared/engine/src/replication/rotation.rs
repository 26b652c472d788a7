//! Guessing rotations: quaternions in whole numbers.
//!
//! Kept components have codes 0 to `most`; `2 × code − most` is proportional to the component,
//! and the four squares then add up to `2 × most²`. All here is that times [`FINE`], so that a
//! dropped component and an extrapolated one keep a little of what codes round away. Numbers
//! stay below 2⁵³ for up to 12 bits: divisions in JavaScript need `Math.floor` only.

use super::contexts::NEARNESSES;

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

/// The components from the largest to the smallest, equal ones by number.
pub(super) fn by_size(quaternion: Quaternion) -> [usize; 4] {
    let mut order = [0, 1, 2, 3];
    order.sort_by_key(|at| core::cmp::Reverse(quaternion[*at].abs()));
    order
}

/// How near the second largest component is to the largest: 0 where it is smaller than half of
/// it, then 1 from 1/2, 2 from 3/4, 3 from 7/8 and so on, 8 from 255/256 on.
pub(super) fn nearness(quaternion: Quaternion, order: [usize; 4]) -> usize {
    let [first, second] = [order[0], order[1]].map(|at| quaternion[at].abs());
    (1..NEARNESSES).take_while(|bit| (first - second) << bit <= first).count()
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
