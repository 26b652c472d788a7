//! Sines of the 1024 headings, in integers.
//!
//! Both ends need the same bits, and floating-point sines differ between machines. The table is
//! made by the compiler from a Taylor series in 2⁻⁴⁰ths, good to far below one table step.

// The series runs over constants: the compiler would refuse an overflow or an index past the end.
#![allow(clippy::indexing_slicing, clippy::cast_possible_truncation)]

use crate::motion::ANGLES;

/// What a sine of 1 reads in the table: 2¹⁴.
pub const ONE: i32 = 1 << ONE_BITS;

/// Binary digits of [`ONE`].
pub const ONE_BITS: u32 = 14;

/// The unit vector of a heading, times [`ONE`]. Angles past a full turn wrap.
pub const fn direction(angle: u16) -> [i32; 2] {
    [cosine(angle), sine(angle)]
}

/// Sine of a heading, times [`ONE`].
pub const fn sine(angle: u16) -> i32 {
    SINES[(angle % ANGLES) as usize] as i32
}

/// Cosine of a heading, times [`ONE`].
pub const fn cosine(angle: u16) -> i32 {
    sine(angle % ANGLES + ANGLES / 4)
}

/// The heading that points most nearly along `vector`; 0 for no vector at all.
pub fn heading_of(vector: [i32; 2]) -> u16 {
    let [x, y] = vector;
    let quarter = ANGLES / 4;
    // Turn the vector into the first quadrant, remembering by how many quarters.
    let (forward, side, start) = match (x >= 0, y >= 0) {
        (true, true) => (x, y, 0),
        (false, true) => (y, -x, quarter),
        (false, false) => (-x, -y, 2 * quarter),
        (true, false) => (-y, x, 3 * quarter),
    };
    // Halve the quadrant until one heading is left: above it when side/forward > sine/cosine.
    let mut low = 0;
    let mut high = quarter;
    while high - low > 1 {
        let middle = u16::midpoint(low, high);
        let is_above = i64::from(side) * i64::from(cosine(middle))
            >= i64::from(forward) * i64::from(sine(middle));
        if is_above && (forward, side) != (0, 0) {
            low = middle;
        } else {
            high = middle;
        }
    }
    (start + low) % ANGLES
}

/// Shortest turn from one heading to another, in heading steps: −512 to 511.
pub const fn turn_between(from: u16, to: u16) -> i32 {
    let half = ANGLES as i32 / 2;
    (to as i32 - from as i32 + half).rem_euclid(ANGLES as i32) - half
}

static SINES: [i16; ANGLES as usize] = sine_table();

const fn sine_table() -> [i16; ANGLES as usize] {
    let quarter = ANGLES as usize / 4;
    let mut table = [0; ANGLES as usize];
    let mut at = 0;
    while at <= quarter {
        let sine = quarter_wave_sine(at as i128);
        table[at] = sine;
        table[2 * quarter - at] = sine;
        table[(2 * quarter + at) % (4 * quarter)] = -sine;
        table[(4 * quarter - at) % (4 * quarter)] = -sine;
        at += 1;
    }
    table
}

/// Sine of a heading in the first quadrant, times [`ONE`], rounded to nearest.
const fn quarter_wave_sine(angle: i128) -> i16 {
    const BITS: u32 = 40;
    // π in 2⁻⁴⁰ths.
    const PI: i128 = 3_454_217_652_358;
    let radians = PI * 2 * angle / ANGLES as i128;
    let mut term = radians;
    let mut sum = radians;
    let mut odd = 1;
    while odd < 19 {
        term = -((((term * radians) >> BITS) * radians) >> BITS) / ((odd + 1) * (odd + 2));
        sum += term;
        odd += 2;
    }
    ((sum + (1 << (BITS - ONE_BITS - 1))) >> (BITS - ONE_BITS)) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sines_are_right_to_half_a_step() {
        for angle in 0..ANGLES {
            let radians = f64::from(angle) * core::f64::consts::TAU / f64::from(ANGLES);
            let exact = libm_sine(radians) * f64::from(ONE);
            assert!((f64::from(sine(angle)) - exact).abs() <= 0.5001, "sine of {angle}");
        }
        assert_eq!([cosine(0), sine(0)], [ONE, 0]);
        assert_eq!(direction(256), [0, ONE], "a quarter turn from right is down");
        assert_eq!(direction(512), [-ONE, 0]);
        assert_eq!(direction(1024 + 256), direction(256), "angles wrap");
    }

    #[test]
    fn the_heading_of_a_direction_is_where_it_came_from() {
        for angle in 0..ANGLES {
            let miss = turn_between(heading_of(direction(angle)), angle).abs();
            assert!(miss <= 1, "heading {angle} came back {miss} steps off");
        }
        assert_eq!(heading_of([0, 0]), 0);
    }

    #[test]
    fn turns_take_the_short_way() {
        assert_eq!(turn_between(1000, 24), 48);
        assert_eq!(turn_between(24, 1000), -48);
        assert_eq!(turn_between(0, 512), -512);
    }

    fn libm_sine(radians: f64) -> f64 {
        extern crate std;
        radians.sin()
    }
}
