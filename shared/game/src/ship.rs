//! How a ship answers its pilot.

#[cfg(feature = "protocol")]
use bevy_ecs::component::Component;
#[cfg(feature = "protocol")]
use tickwire_shared::Record;

use crate::{
    motion::{ANGLES, Heading, Motion},
    trigonometry::{ONE, direction},
    vector::rounded_quotient,
    world::{steps, steps_per_tick},
};

/// Radius of a ship's hull, in steps.
pub const RADIUS: i32 = steps(15);

/// Mass of a ship, on the scale of [`crate::asteroid::mass`].
pub const MASS: i32 = 12;

/// Hull points of an unhurt ship.
pub const HULL_MAX: u8 = 100;

/// Speed that full thrust settles at, in steps per tick.
pub const SPEED_MAX: i32 = steps_per_tick(300);

/// Most that a ship turns in one tick, in heading steps: 0.8 turns a second.
pub const TURN_MAX: i8 = 40;

/// How much of its speed a ship keeps when it bounces.
pub const BOUNCE_SIXTEENTHS: i32 = 10;

/// What a pilot asks of a ship for one tick.
#[cfg_attr(feature = "protocol", derive(Component, Record))]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Controls {
    /// Engine on.
    pub thrust: bool,
    /// Trigger held.
    pub fire: bool,
    /// Heading steps to turn by; positive is clockwise.
    #[cfg_attr(feature = "protocol", field(min = -TURN_MAX, max = TURN_MAX))]
    pub turn: i8,
}

/// Moves a ship by one tick: turn, thrust or drag, walls, move.
///
/// Drag and thrust are one rule: each tick the velocity goes a sixteenth of the way to the one
/// that the engine asks for, which is none at all while it is off, and at least one step. So a
/// coasting ship comes to rest, and a thrusting one reaches its course exactly.
pub const fn step_ship(motion: &mut Motion, heading: &mut Heading, controls: &Controls) {
    let turn = if controls.turn < -TURN_MAX {
        -TURN_MAX
    } else if controls.turn > TURN_MAX {
        TURN_MAX
    } else {
        controls.turn
    };
    heading.angle = heading.angle.wrapping_add_signed(turn as i16) % ANGLES;
    let course = if controls.thrust { velocity_at(heading.angle, SPEED_MAX) } else { [0, 0] };
    let [x, y] = motion.velocity();
    *motion = Motion::new(motion.position, [approached(x, course[0]), approached(y, course[1])]);
    motion.advance(RADIUS, BOUNCE_SIXTEENTHS);
}

/// The velocity of this speed along a heading.
pub const fn velocity_at(angle: u16, speed: i32) -> [i32; 2] {
    let [x, y] = direction(angle);
    [
        rounded_quotient(x as i64 * speed as i64, ONE as i64),
        rounded_quotient(y as i64 * speed as i64, ONE as i64),
    ]
}

/// Share of the way to the wanted velocity that a ship goes in one tick. Sixteen ticks are the
/// time constant: 0.8 s.
const APPROACH_TICKS: i32 = 16;

const fn approached(velocity: i32, wanted: i32) -> i32 {
    let gap = wanted - velocity;
    // Rounded away from zero, so that it always arrives.
    let change = (gap.abs() + APPROACH_TICKS - 1) / APPROACH_TICKS;
    velocity + change * gap.signum()
}
