//! Sizes of asteroids and how they drift.

use crate::{
    motion::Motion,
    world::{steps, steps_per_tick},
};

/// The largest size; the smallest is 1.
pub const SIZE_MAX: u8 = 4;

/// How many shapes an asteroid may have.
pub const SHAPES: u8 = 8;

/// Fastest that an asteroid drifts, in steps per tick, whatever hits it.
pub const SPEED_MAX: i32 = steps_per_tick(120);

/// How much of its speed an asteroid keeps when it bounces: all, or the field would come to rest.
pub const BOUNCE_SIXTEENTHS: i32 = 16;

/// Radius of an asteroid, in steps.
pub const fn radius(size: u8) -> i32 {
    match size {
        0 | 1 => steps(14),
        2 => steps(24),
        3 => steps(38),
        _ => steps(56),
    }
}

/// Mass of an asteroid: it grows with the area.
pub const fn mass(size: u8) -> i32 {
    match size {
        0 | 1 => 10,
        2 => 28,
        3 => 72,
        _ => 156,
    }
}

/// Bullets that break an asteroid.
pub const fn hull(size: u8) -> u8 {
    match size {
        0 | 1 => 1,
        2 => 2,
        3 => 3,
        _ => 5,
    }
}

/// Moves an asteroid by one tick: straight on, and off the walls without loss.
pub const fn step_asteroid(motion: &mut Motion, size: u8) {
    motion.advance(radius(size), BOUNCE_SIXTEENTHS);
}
