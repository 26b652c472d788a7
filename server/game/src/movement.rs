//! Moving what moves: ships as their pilots wish, asteroids straight on, bullets until they end.

use arena_shared::{
    Asteroid, Bullet, Controls, Explosion, Heading, Motion, Ship, asteroid::step_asteroid,
    bullet::step_bullet, step_ship, world::POSITION_MAX,
};
use bevy_ecs::{
    entity::Entity,
    query::With,
    system::{Commands, Query, ResMut},
};
use tickwire_server::replication::EventQueue;
use tickwire_shared::NetId;

use crate::{events::send_at, order::by_net_id, weapons::Fuse};

/// Steps every ship.
pub fn move_ships(mut ships: Query<'_, '_, (&mut Motion, &mut Heading, &mut Ship, &Controls)>) {
    for (mut motion, mut heading, mut ship, controls) in &mut ships {
        step_ship(&mut motion, &mut heading, controls);
        ship.thrusting = controls.thrust;
    }
}

/// Steps every asteroid.
pub fn move_asteroids(mut asteroids: Query<'_, '_, (&mut Motion, &Asteroid)>) {
    for (mut motion, asteroid) in &mut asteroids {
        step_asteroid(&mut motion, asteroid.size);
    }
}

/// Steps every bullet, and ends those whose time is up or that fly into a wall.
pub fn move_bullets(
    mut commands: Commands<'_, '_>,
    mut events: ResMut<'_, EventQueue>,
    mut bullets: Query<'_, '_, (Entity, &NetId, &mut Motion, &mut Fuse, &Bullet), With<Bullet>>,
) {
    let bullets = by_net_id(&mut bullets, |(_, net_id, ..)| **net_id);
    for (entity, _, mut motion, mut fuse, bullet) in bullets {
        let is_inside = step_bullet(&mut motion);
        fuse.ticks = fuse.ticks.saturating_sub(1);
        if !is_inside {
            let position = motion.position.map(|axis| axis.clamp(0, POSITION_MAX));
            send_at(&mut events, position, |position| Explosion {
                position,
                size: 0,
                colour: bullet.colour,
            });
        }
        if !is_inside || fuse.ticks == 0 {
            commands.entity(entity).despawn();
        }
    }
}
