//! Guns and what leaves them.

use arena_shared::{
    Bullet, Controls, Gun, Heading, Motion, Ship, Shot,
    bullet::{LIFETIME_TICKS, is_inside, launch},
    ship, step_gun,
};
use bevy_ecs::{
    component::Component,
    entity::Entity,
    system::{Commands, Query, Res, ResMut},
};
use tickwire_server::replication::{Delay, EventQueue, NetIds, Owner, Rewind};
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
    /// How far in the past its pilot saw whom to aim at. The server's own see the present.
    pub delay: Option<Delay>,
}

/// Fires the guns of ships that hold the trigger and are ready. Whoever shoots gives up the
/// shield of a fresh ship.
pub fn fire_guns(
    mut commands: Commands<'_, '_>,
    rewind: Res<'_, Rewind>,
    mut net_ids: ResMut<'_, NetIds>,
    mut events: ResMut<'_, EventQueue>,
    mut ships: Query<
        '_,
        '_,
        (
            (Entity, &NetId, &FlownBy, Option<&Owner>),
            (&Motion, &Heading, &Ship, &Controls),
            (&mut Gun, &mut Shield),
        ),
    >,
) {
    for (names, (motion, heading, ship, controls), (mut gun, mut shield)) in
        by_net_id(&mut ships, |((_, net_id, ..), ..)| **net_id)
    {
        if !step_gun(&mut gun, controls.fire) {
            continue;
        }
        shield.ticks = 0;
        let (entity, net_id, flown_by, owner) = names;
        let [nose_x, nose_y] = ship::velocity_at(heading.angle, ship::RADIUS);
        let [x, y] = motion.position;
        send_at(&mut events, [x + nose_x, y + nose_y], |position| Shot {
            position,
            colour: ship.colour,
        });
        let delay = owner.and_then(|owner| rewind.delay(owner.0));
        let launched = launch(motion, *heading);
        if is_inside(launched.position) {
            commands.spawn((
                net_ids.allocate(),
                launched,
                Bullet { colour: ship.colour, shooter: *net_id },
                Fuse { ticks: LIFETIME_TICKS },
                FiredBy { ship: entity, seat: flown_by.seat, delay },
            ));
        }
    }
}
