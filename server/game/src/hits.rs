//! Bullets that meet something on their way: for a player's bullet, as the player saw it.

use arena_shared::{
    Bullet, Hit, Motion, asteroid,
    bullet::{self, MOMENTS_PER_TICK, first_contact},
    world::VELOCITY_MAX,
};
use bevy_ecs::{
    entity::Entity,
    system::{Commands, Query, Res, ResMut},
};
use tickwire_server::replication::{EventQueue, Rewind};
use tickwire_shared::NetId;

use crate::{
    asteroids::Rock,
    damage::{Blow, Blows},
    events::send_at,
    order::by_net_id,
    survey::{Body, Survey},
    weapons::FiredBy,
};

/// Lets each bullet strike what it met first during this tick, and ends it there.
pub fn strike(
    mut commands: Commands<'_, '_>,
    survey: Res<'_, Survey>,
    rewind: Res<'_, Rewind>,
    mut blows: ResMut<'_, Blows>,
    mut events: ResMut<'_, EventQueue>,
    mut rocks: Query<'_, '_, &mut Rock>,
    bullets: Query<'_, '_, (Entity, &NetId, &Motion, &Bullet, &FiredBy)>,
) {
    for (entity, _, motion, bullet, fired_by) in by_net_id(bullets, |(_, net_id, ..)| **net_id) {
        let Some((moment, body)) = first_met(&survey, &rewind, motion, fired_by) else { continue };
        if let Ok(mut rock) = rocks.get_mut(body.entity) {
            rock.take_hit(fired_by.seat);
        } else {
            let by = Some(fired_by.seat);
            blows.push(Blow { ship: body.entity, points: bullet::DAMAGE, by });
        }
        send_at(&mut events, place_at(motion, moment), |position| Hit {
            position,
            colour: bullet.colour,
        });
        commands.entity(entity).despawn();
    }
}

/// The body that a bullet met first, and when. Of two at the same moment, the lower `NetId`.
///
/// A player's bullet flies through the present that its pilot predicts, and meets others as they
/// are drawn beside it there: as they were the pilot's delay ago, all the way.
fn first_met<'a>(
    survey: &'a Survey,
    rewind: &Rewind,
    bullet: &Motion,
    fired_by: &FiredBy,
) -> Option<(i64, &'a Body)> {
    let ticks_ago = fired_by.delay.map_or(0, |delay| delay.ticks().cast_signed());
    survey
        .near(bullet.position, REACH + ticks_ago * VELOCITY_MAX)
        .map(|(_, body)| body)
        .filter(|body| body.entity != fired_by.ship)
        .filter_map(|body| {
            let seen = fired_by.delay.map_or(Some(body.motion), |delay| {
                // What was not there yet cannot have been aimed at.
                rewind.get_at(delay, body.net_id)
            })?;
            Some((first_contact(bullet, &seen, body.radius())?, body))
        })
        .min_by_key(|(moment, body)| (*moment, body.net_id))
}

/// Where a bullet was at one moment of its last step.
fn place_at(bullet: &Motion, moment: i64) -> [i32; 2] {
    let [from_x, from_y] = bullet.previous_position();
    let [x, y] = bullet
        .velocity()
        .map(|axis| i32::try_from(i64::from(axis) * moment / MOMENTS_PER_TICK).unwrap_or(axis));
    [from_x + x, from_y + y]
}

/// How far from a bullet's end a body's end can be when they met: both steps, both radii.
const REACH: i32 = 3 * VELOCITY_MAX + asteroid::radius(asteroid::SIZE_MAX) + bullet::RADIUS;
