//! Guns and what leaves them.

use arena_shared::{
    Bullet, Controls, Gun, Heading, Motion, Ship, Shot,
    bullet::{LIFETIME_TICKS, is_inside, launch},
    ship, step_gun,
};
use bevy_ecs::{
    component::Component,
    entity::Entity,
    system::{Commands, Query, ResMut},
};
use tickwire_server::replication::{EventQueue, NetIds};
use tickwire_shared::NetId;

use crate::{damage::Shield, events::send_at, order::by_net_id, seats::FlownBy};

/// A bullet's remaining life.
#[derive(Component, Clone, Copy, Debug)]
pub struct Fuse {
    /// Ticks until it is gone.
    pub ticks: u32,
}

/// Whose bullet it is.
#[derive(Component, Clone, Copy, Debug)]
pub struct FiredBy {
    /// The ship that fired; it cannot hit itself.
    pub ship: Entity,
    /// The seat that gets the credit, even after the ship is gone.
    pub seat: Entity,
}

/// Fires the guns of ships that hold the trigger and are ready. Whoever shoots gives up the
/// shield of a fresh ship.
pub fn fire_guns(
    mut commands: Commands<'_, '_>,
    mut net_ids: ResMut<'_, NetIds>,
    mut events: ResMut<'_, EventQueue>,
    mut ships: Query<
        '_,
        '_,
        (
            (Entity, &NetId, &FlownBy),
            (&Motion, &Heading, &Ship, &Controls),
            (&mut Gun, &mut Shield),
        ),
    >,
) {
    for (names, (motion, heading, ship, controls), (mut gun, mut shield)) in
        by_net_id(&mut ships, |((_, net_id, _), ..)| **net_id)
    {
        if !step_gun(&mut gun, controls.fire) {
            continue;
        }
        shield.ticks = 0;
        let (entity, net_id, flown_by) = names;
        let [nose_x, nose_y] = ship::velocity_at(heading.angle, ship::RADIUS);
        let [x, y] = motion.position;
        send_at(&mut events, [x + nose_x, y + nose_y], |position| Shot {
            position,
            colour: ship.colour,
        });
        let launched = launch(motion, *heading);
        if is_inside(launched.position) {
            commands.spawn((
                net_ids.allocate(),
                launched,
                Bullet { colour: ship.colour, shooter: *net_id },
                Fuse { ticks: LIFETIME_TICKS },
                FiredBy { ship: entity, seat: flown_by.seat },
            ));
        }
    }
}
