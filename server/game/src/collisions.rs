//! Ships and asteroids bounce off each other, and ships pay for it with their hulls.

use arena_shared::{
    Motion, asteroid,
    collision::{self, bounce},
    ship,
    world::{VELOCITY_MAX, steps_per_tick},
};
use bevy_ecs::system::{Query, ResMut};

use crate::{
    damage::{Blow, Blows},
    seats::FlownBy,
    survey::{Body, BodyKind, Survey},
};

/// Bounces every pair of bodies that touch. Pairs go by the `NetId`s of both, so that a ship
/// between two rocks is pushed about in the same order each time.
pub fn bounce_bodies(
    mut survey: ResMut<'_, Survey>,
    mut blows: ResMut<'_, Blows>,
    mut motions: Query<'_, '_, &mut Motion>,
    flown: Query<'_, '_, &FlownBy>,
) {
    for (first_at, second_at) in neighbours(&survey) {
        let bodies = survey.bodies_mut();
        let Ok([first, second]) = bodies.get_disjoint_mut([first_at, second_at]) else { continue };
        let Some(impact) = bounce(&collision_body(first), &collision_body(second)) else {
            continue;
        };
        first.motion = Motion::new(first.motion.position, impact.first);
        second.motion = Motion::new(second.motion.position, impact.second);
        for (body, other) in [(&*first, &*second), (&*second, &*first)] {
            if let Ok(mut motion) = motions.get_mut(body.entity) {
                *motion = body.motion;
            }
            let points = crash_damage(body, other, impact.closing_speed);
            if points > 0 {
                let by = flown.get(other.entity).ok().map(|flown_by| flown_by.seat);
                blows.push(Blow { ship: body.entity, points, by });
            }
        }
    }
}

/// Pairs that may touch, and some that are too far apart for it.
fn neighbours(survey: &Survey) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    for (at, body) in survey.bodies().iter().enumerate() {
        let reach = body.radius() + asteroid::radius(asteroid::SIZE_MAX) + VELOCITY_MAX;
        let near = survey.near(body.motion.position, reach);
        pairs.extend(
            near.filter(|(other_at, _)| *other_at > at).map(|(other_at, _)| (at, other_at)),
        );
    }
    pairs.sort_unstable();
    pairs
}

fn collision_body(body: &Body) -> collision::Body {
    let (mass, speed_max, bounce_sixteenths) = match body.kind {
        BodyKind::Ship => (ship::MASS, ship::SPEED_MAX * 3 / 2, ship::BOUNCE_SIXTEENTHS),
        BodyKind::Asteroid(size) => {
            (asteroid::mass(size), asteroid::SPEED_MAX, asteroid::BOUNCE_SIXTEENTHS)
        }
    };
    let (motion, radius) = (body.motion, body.radius());
    collision::Body { motion, radius, mass, speed_max, bounce_sixteenths }
}

/// Hull points that a ship loses in a crash: nothing for a nudge, a third of its hull head-on
/// against a mountain, less against what it can push away.
fn crash_damage(body: &Body, other: &Body, closing_speed: i32) -> u8 {
    if !body.is_ship() {
        return 0;
    }
    let other_mass = match other.kind {
        BodyKind::Ship => ship::MASS,
        BodyKind::Asteroid(size) => asteroid::mass(size),
    };
    let excess = (closing_speed - HARMLESS_SPEED).max(0);
    let points = excess / SPEED_PER_POINT * other_mass / (other_mass + ship::MASS);
    u8::try_from(points.min(CRASH_DAMAGE_MAX)).unwrap_or(u8::MAX)
}

/// Crashes up to this speed hurt nobody, in steps per tick.
const HARMLESS_SPEED: i32 = steps_per_tick(70);

/// Speed beyond that costs a hull point for each of these, in steps per tick.
const SPEED_PER_POINT: i32 = 6;

/// Most hull points that one crash takes.
const CRASH_DAMAGE_MAX: i32 = 60;
