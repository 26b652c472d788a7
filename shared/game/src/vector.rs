//! Plane vectors of whole steps.

// Plain arithmetic on world coordinates: each function names the range that it is good for.
#![allow(clippy::cast_possible_truncation)]

/// `a − b` for each axis.
pub const fn difference(a: [i32; 2], b: [i32; 2]) -> [i32; 2] {
    [a[0] - b[0], a[1] - b[1]]
}

/// Scalar product. Exact for anything that fits the world.
pub const fn dot(a: [i32; 2], b: [i32; 2]) -> i64 {
    a[0] as i64 * b[0] as i64 + a[1] as i64 * b[1] as i64
}

/// Length times itself.
pub const fn length_squared(a: [i32; 2]) -> i64 {
    dot(a, a)
}

/// Length, rounded down.
pub const fn length(a: [i32; 2]) -> i32 {
    length_squared(a).isqrt() as i32
}

/// `vector` where its length is at most `length_max`, else shortened to about that.
pub const fn shortened(vector: [i32; 2], length_max: i32) -> [i32; 2] {
    let length = length(vector);
    if length <= length_max {
        return vector;
    }
    // Dividing by one more than the rounded length keeps the result from being a step too long.
    let divisor = length as i64 + 1;
    [
        (vector[0] as i64 * length_max as i64 / divisor) as i32,
        (vector[1] as i64 * length_max as i64 / divisor) as i32,
    ]
}

/// Quotient rounded to nearest, halves away from zero, so that left and right are alike.
pub const fn rounded_quotient(dividend: i64, divisor: i64) -> i32 {
    let half = divisor / 2;
    let shifted = if dividend < 0 { dividend - half } else { dividend + half };
    (shifted / divisor) as i32
}
