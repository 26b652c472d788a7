//! Sizes and scales of the arena.

/// Position steps per unit of length.
pub const STEPS_PER_UNIT: i32 = 16;

/// Steps of a room per second. Speeds and times are counted in these steps: a room that ticks
/// faster plays faster.
pub const TICKS_PER_SECOND: u16 = 20;

/// Length of each side of the square world, in units.
pub const WORLD_UNITS: i32 = 4096;

/// Greatest position on each axis, in steps.
pub const POSITION_MAX: i32 = WORLD_UNITS * STEPS_PER_UNIT - 1;

/// Least velocity on each axis, in steps per tick.
pub const VELOCITY_MIN: i32 = -512;

/// Greatest velocity on each axis, in steps per tick.
pub const VELOCITY_MAX: i32 = 511;

/// What a client sees to the left and right, and above and below its ship, in units.
pub const VIEW_HALF_UNITS: [i32; 2] = [800, 560];

/// How far outside its view a client keeps what it has once seen, in units.
pub const VIEW_MARGIN_UNITS: i32 = 64;

/// A length in position steps.
pub const fn steps(units: i32) -> i32 {
    units * STEPS_PER_UNIT
}

/// A speed in position steps per tick.
pub const fn steps_per_tick(units_per_second: i32) -> i32 {
    units_per_second * STEPS_PER_UNIT / TICKS_PER_SECOND as i32
}

/// A time in ticks.
pub const fn ticks(milliseconds: u32) -> u32 {
    milliseconds * TICKS_PER_SECOND as u32 / 1000
}
