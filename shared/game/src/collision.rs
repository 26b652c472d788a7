//! Bodies that bounce off each other: circles, in integers.
//!
//! A collision changes velocities only. The bodies move apart in their next step, so
//! `position' = position + velocity'` holds for them as for everybody else.

use crate::{
    motion::Motion,
    vector::{difference, dot, length, length_squared, rounded_quotient, shortened},
};

/// A body in a collision.
#[derive(Clone, Copy, Debug)]
pub struct Body {
    /// Where it is and how it moves.
    pub motion: Motion,
    /// Radius in steps.
    pub radius: i32,
    /// Mass; only the proportion to the other's counts.
    pub mass: i32,
    /// Fastest it may leave, in steps per tick.
    pub speed_max: i32,
    /// How much of the speed at which it meets something it parts with; the duller of two
    /// decides.
    pub bounce_sixteenths: i32,
}

/// What came of a collision.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Impact {
    /// Velocity of the first body afterwards, in steps per tick.
    pub first: [i32; 2],
    /// Velocity of the second body afterwards, in steps per tick.
    pub second: [i32; 2],
    /// How fast they came together, in steps per tick; 0 when they only overlapped.
    pub closing_speed: i32,
}

/// Bounces two bodies off each other. `None` where they do not touch, or part already.
///
/// Touching is asked half a step ahead: at full speed two ships come a whole diameter nearer in
/// one tick, and would else stand inside each other before anybody noticed.
pub fn bounce(first: &Body, second: &Body) -> Option<Impact> {
    let mut apart = difference(second.motion.position, first.motion.position);
    let relative = difference(second.motion.velocity(), first.motion.velocity());
    let soon = [apart[0] + relative[0] / 2, apart[1] + relative[1] / 2];
    let reach = i64::from(first.radius + second.radius);
    if length_squared(apart).min(length_squared(soon)) >= reach * reach {
        return None;
    }
    if apart == [0, 0] {
        // Exactly upon each other there is no direction; any will do that is always the same.
        apart = [1, 0];
    }
    let distance = i64::from(length(apart).max(1));
    let separating_speed = rounded_quotient(dot(relative, apart), distance);
    let closing_speed = (-separating_speed).max(0);
    let bounce_sixteenths = first.bounce_sixteenths.min(second.bounce_sixteenths);
    let overlap = (first.radius + second.radius - length(apart)).max(0);
    let wanted_speed = (closing_speed * bounce_sixteenths / 16).max(PART_SPEED_MIN + overlap / 4);
    if separating_speed >= wanted_speed {
        return None;
    }
    // Momentum is kept: each gets the other's share of the change.
    let change = i64::from(wanted_speed - separating_speed);
    let masses = i64::from(first.mass + second.mass);
    let push = |body: &Body, other_mass: i32, sign: i64| {
        let velocity = body.motion.velocity();
        let share = |axis: i32| {
            let pushed = sign * i64::from(axis) * change * i64::from(other_mass);
            rounded_quotient(pushed, masses * distance)
        };
        let pushed = [velocity[0] + share(apart[0]), velocity[1] + share(apart[1])];
        shortened(pushed, body.speed_max.max(length(velocity)))
    };
    Some(Impact {
        first: push(first, second.mass, -1),
        second: push(second, first.mass, 1),
        closing_speed,
    })
}

/// Bodies that touch part at least this fast, in steps per tick, and a quarter of their overlap
/// faster: so none stay locked, not even two ships that thrust at each other.
const PART_SPEED_MIN: i32 = 24;
