//! Where things are and how they move: the part that every body shares.

#[cfg(feature = "protocol")]
use bevy_ecs::component::Component;
#[cfg(feature = "protocol")]
use tickwire_shared::Replicated;

use crate::world::{POSITION_MAX, VELOCITY_MAX, VELOCITY_MIN};

/// Headings in a full turn.
pub const ANGLES: u16 = 1024;

/// Place and velocity of a body.
#[cfg_attr(feature = "protocol", derive(Component, Replicated))]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Motion {
    /// Centre, in steps from the top left corner; x grows to the right, y downwards.
    #[cfg_attr(
        feature = "protocol",
        field(min = 0, max = POSITION_MAX, position, predict = "velocity")
    )]
    pub position: [i32; 2],
    /// Steps per tick. The last step was exactly this long.
    #[cfg_attr(feature = "protocol", field(min = VELOCITY_MIN, max = VELOCITY_MAX))]
    pub velocity: [i16; 2],
}

/// Where a ship points.
#[cfg_attr(feature = "protocol", derive(Component, Replicated))]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Heading {
    /// In 1/1024 turn: 0 is +x, and it grows clockwise on a screen whose y points down.
    #[cfg_attr(feature = "protocol", field(angle, bits = 10, predict = "linear"))]
    pub angle: u16,
}

impl Motion {
    /// A body at a place, with a velocity that is brought into range.
    pub const fn new(position: [i32; 2], velocity: [i32; 2]) -> Self {
        Self { position, velocity: [on_grid(velocity[0]), on_grid(velocity[1])] }
    }

    /// The velocity, wide enough to calculate with.
    pub const fn velocity(&self) -> [i32; 2] {
        [self.velocity[0] as i32, self.velocity[1] as i32]
    }

    /// Where the body was a tick ago.
    pub const fn previous_position(&self) -> [i32; 2] {
        [self.position[0] - self.velocity[0] as i32, self.position[1] - self.velocity[1] as i32]
    }

    /// Moves for one tick. A body of this radius that would cross a wall turns back instead,
    /// keeping `bounce_sixteenths` of its speed across it.
    pub const fn advance(&mut self, radius: i32, bounce_sixteenths: i32) {
        let (low, high) = (radius, POSITION_MAX - radius);
        let [x, y] = self.velocity();
        let [at_x, at_y] = self.position;
        let turned = Self::new(
            self.position,
            [
                turned_back(at_x, x, low, high, bounce_sixteenths),
                turned_back(at_y, y, low, high, bounce_sixteenths),
            ],
        );
        let [step_x, step_y] = turned.velocity();
        *self = Self { position: [at_x + step_x, at_y + step_y], ..turned };
    }
}

/// The velocity on one axis after a look at the walls. A body that a collision or a spawn left
/// outside may come in, but not go farther out.
const fn turned_back(at: i32, velocity: i32, low: i32, high: i32, bounce_sixteenths: i32) -> i32 {
    let next = at + velocity;
    if (next < low && velocity < 0) || (next > high && velocity > 0) {
        -velocity * bounce_sixteenths / 16
    } else {
        velocity
    }
}

/// The nearest velocity that can travel. A wall turns −512 into 512, hence the clamp.
#[allow(clippy::cast_possible_truncation)] // In range of i16 once clamped.
const fn on_grid(velocity: i32) -> i16 {
    if velocity < VELOCITY_MIN {
        VELOCITY_MIN as i16
    } else if velocity > VELOCITY_MAX {
        VELOCITY_MAX as i16
    } else {
        velocity as i16
    }
}
