//! Bullets: how they leave a ship, how far they go, and what they meet on the way.

use crate::{
    motion::{Heading, Motion},
    ship::velocity_at,
    vector::{dot, length_squared, shortened},
    world::{POSITION_MAX, VELOCITY_MAX, steps, steps_per_tick, ticks},
};

/// Speed at which a bullet leaves its ship, in steps per tick.
pub const MUZZLE_SPEED: i32 = steps_per_tick(600);

/// Fastest that a bullet flies, in steps per tick: the ship's own speed is added up to what can
/// travel.
pub const SPEED_MAX: i32 = VELOCITY_MAX;

/// Ticks that a bullet lives.
pub const LIFETIME_TICKS: u32 = ticks(1000);

/// Radius of a bullet, in steps.
pub const RADIUS: i32 = steps(4);

/// Hull points that a bullet takes.
pub const DAMAGE: u8 = 20;

/// The moments into which a tick is cut when asked what a bullet met first.
pub const MOMENTS_PER_TICK: i64 = 1024;

/// The bullet that a ship fires in the tick that brought it where it is now.
///
/// It comes out as if it had left the ship's centre a tick ago: its first step is already
/// behind it, so a sweep over that step misses nothing that stood before the muzzle.
pub const fn launch(ship: &Motion, heading: Heading) -> Motion {
    let [x, y] = velocity_at(heading.angle, MUZZLE_SPEED);
    let [ship_x, ship_y] = ship.velocity();
    let velocity = shortened([x + ship_x, y + ship_y], SPEED_MAX);
    let start = ship.previous_position();
    Motion::new([start[0] + velocity[0], start[1] + velocity[1]], velocity)
}

/// Moves a bullet by one tick. `false`: it left the world, and its position means nothing.
pub const fn step_bullet(motion: &mut Motion) -> bool {
    let [x, y] = motion.velocity();
    motion.position = [motion.position[0] + x, motion.position[1] + y];
    is_inside(motion.position)
}

/// Whether a place is in the world.
pub const fn is_inside(position: [i32; 2]) -> bool {
    let [x, y] = position;
    x >= 0 && x <= POSITION_MAX && y >= 0 && y <= POSITION_MAX
}

/// Whether a bullet met a body during the step that brought both where they are now, and at
/// which of its [`MOMENTS_PER_TICK`].
///
/// Both moved in a straight line, so the bullet's path as seen from the body is a segment, and
/// the question is when it first enters a circle. Nothing is too fast for that. All products
/// stay below 2⁶²: squared distances in the world are below 2³⁴, squared steps below 2²².
pub const fn first_contact(bullet: &Motion, body: &Motion, body_radius: i32) -> Option<i64> {
    let from = bullet.previous_position();
    let body_from = body.previous_position();
    let start = [from[0] - body_from[0], from[1] - body_from[1]];
    let [x, y] = bullet.velocity();
    let [body_x, body_y] = body.velocity();
    let step = [x - body_x, y - body_y];
    let reach = (RADIUS + body_radius) as i64;

    // Solve |start + t·step|² = reach² for the smaller t, in whole numbers.
    let gap = length_squared(start) - reach * reach;
    if gap <= 0 {
        return Some(0);
    }
    let approach = -dot(start, step);
    let step_squared = length_squared(step);
    let discriminant = approach * approach - step_squared * gap;
    if approach <= 0 || discriminant < 0 {
        return None;
    }
    let travelled = approach - discriminant.isqrt();
    if travelled > step_squared {
        return None;
    }
    Some(travelled * MOMENTS_PER_TICK / step_squared)
}
