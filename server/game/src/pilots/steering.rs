//! Where to point a ship: ahead of what it shoots at, and away from what it would hit.

use arena_shared::{
    Motion,
    bullet::MUZZLE_SPEED,
    trigonometry::heading_of,
    vector::{difference, dot, length, length_squared},
    world::{POSITION_MAX, steps, ticks},
};
use bevy_ecs::entity::Entity;

use crate::survey::{Body, Survey};

/// The direction in which to shoot so that bullet and prey meet, and how many ticks that takes.
///
/// Bullets carry the shooter's velocity, so the prey's velocity as seen from the shooter counts.
pub(super) fn lead(shooter: &Motion, prey: &Motion) -> ([i32; 2], i64) {
    let apart = difference(prey.position, shooter.position);
    let drift = difference(prey.velocity(), shooter.velocity());
    let mut aim = apart;
    let mut flight_ticks = 0;
    // Each round knows better how long the bullet is under way; three are plenty.
    for _ in 0..3 {
        flight_ticks = length(aim) / MUZZLE_SPEED;
        let [x, y] = apart;
        let [drift_x, drift_y] = drift;
        aim = [x + drift_x * flight_ticks, y + drift_y * flight_ticks];
    }
    (aim, i64::from(flight_ticks))
}

/// The heading that avoids a crash, when one is coming.
pub(super) fn evasion(survey: &Survey, ship: Entity, motion: &Motion) -> Option<u16> {
    let rock = survey
        .near(motion.position, LOOK_AROUND)
        .filter(|(_, body)| body.entity != ship)
        .filter_map(|(_, body)| Some((closest_approach(motion, body)?, body.net_id)))
        .min_by_key(|(approach, net_id)| (approach.ticks, *net_id))
        .map(|(approach, _)| approach.away);
    rock.or_else(|| wall_ahead(motion)).map(heading_of)
}

/// An axis brought back to where there is room to turn.
pub(super) fn away_from_walls(axis: i32) -> i32 {
    axis.clamp(WALL_MARGIN * 2, POSITION_MAX - WALL_MARGIN * 2)
}

/// A crash that is coming.
struct Approach {
    ticks: i64,
    /// From the body to the ship, at the moment when they are closest.
    away: [i32; 2],
}

fn closest_approach(motion: &Motion, body: &Body) -> Option<Approach> {
    let horizon = if body.is_ship() { SHIP_HORIZON_TICKS } else { ROCK_HORIZON_TICKS };
    let start = difference(motion.position, body.motion.position);
    let step = difference(motion.velocity(), body.motion.velocity());
    let ticks = (-dot(start, step) / length_squared(step).max(1)).clamp(0, horizon);
    let at = |start: i32, step: i32| {
        i32::try_from(i64::from(start) + i64::from(step) * ticks).unwrap_or(start)
    };
    let ([start_x, start_y], [step_x, step_y]) = (start, step);
    let mut away = [at(start_x, step_x), at(start_y, step_y)];
    if length(away) > body.radius() + arena_shared::ship::RADIUS + CLEARANCE {
        return None;
    }
    if length(away) < steps(4) {
        // Head-on there is no side to prefer; take the right.
        away = [-step_y, step_x];
    }
    Some(Approach { ticks, away })
}

/// The direction back into the world, when the ship is about to leave it.
fn wall_ahead(motion: &Motion) -> Option<[i32; 2]> {
    let [x, y] = motion.position;
    let [velocity_x, velocity_y] = motion.velocity();
    let inward = |axis: i32, velocity: i32| {
        let soon = axis + velocity * WALL_HORIZON_TICKS;
        i32::from(soon < WALL_MARGIN) - i32::from(soon > POSITION_MAX - WALL_MARGIN)
    };
    let inward = [inward(x, velocity_x), inward(y, velocity_y)];
    (inward != [0, 0]).then_some(inward)
}

/// How far around itself a ship looks for what it may hit, in steps.
const LOOK_AROUND: i32 = steps(330);

/// Ticks that a pilot looks ahead for rocks.
const ROCK_HORIZON_TICKS: i64 = ticks(1000) as i64;

/// Ticks that a pilot looks ahead for ships, which get out of the way themselves.
const SHIP_HORIZON_TICKS: i64 = ticks(300) as i64;

/// Ticks that a pilot looks ahead for walls.
const WALL_HORIZON_TICKS: i32 = ticks(700) as i32;

/// Room that a pilot leaves beside a rock, in steps.
const CLEARANCE: i32 = steps(14);

/// Room that a pilot leaves before a wall, in steps.
const WALL_MARGIN: i32 = steps(60);
