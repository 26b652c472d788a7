//! The end of a ship, and the next one.

use arena_shared::{
    Explosion, Kill, Motion, Seat, Ship,
    events::{NO_COLOUR, SHIP_EXPLOSION_SIZE},
    world::ticks,
};
use bevy_ecs::{
    entity::Entity,
    system::{Commands, Query, ResMut},
    world::World,
};
use tickwire_server::replication::{EventQueue, Reach};
use tickwire_shared::NetId;

use crate::{
    damage::Hurt,
    events::send_at,
    launching::launch_ship,
    order::by_net_id,
    scoring,
    seats::{FlownBy, Pilot},
};

/// Wrecks ships without hull points, and tells everybody whose doing it was.
pub fn wreck_ships(
    mut commands: Commands<'_, '_>,
    mut events: ResMut<'_, EventQueue>,
    ships: Query<'_, '_, (Entity, &NetId, &Motion, &Ship, &Hurt, &FlownBy)>,
    mut seats: Query<'_, '_, (&mut Seat, &mut Pilot)>,
) {
    let wrecks = ships.iter().filter(|(_, _, _, ship, ..)| ship.hull == 0);
    for (entity, _, motion, ship, hurt, flown_by) in by_net_id(wrecks, |(_, net_id, ..)| **net_id) {
        send_at(&mut events, motion.position, |position| Explosion {
            position,
            size: SHIP_EXPLOSION_SIZE,
            colour: ship.colour,
        });
        let killer = hurt.by.filter(|seat| *seat != flown_by.seat);
        let mut kill = Kill {
            killer: String::new(),
            killer_colour: NO_COLOUR,
            victim: ship.name.clone(),
            victim_colour: ship.colour,
        };
        if let Some((mut seat, pilot)) = killer.and_then(|seat| seats.get_mut(seat).ok()) {
            scoring::reward_kill(&mut seat);
            kill.killer.clone_from(&pilot.name);
            kill.killer_colour = pilot.colour;
        }
        events.send(&kill, Reach::Everyone);
        if let Ok((mut seat, mut pilot)) = seats.get_mut(flown_by.seat) {
            scoring::count_death(&mut seat);
            seat.ship = NetId::NONE;
            seat.respawn_ticks = RESPAWN_TICKS;
            pilot.ship = None;
            pilot.place = motion.position;
        }
        commands.entity(entity).despawn();
    }
}

/// Counts down the seats without a ship, and launches the next one.
pub fn respawn(world: &mut World) {
    let mut seats = world.query::<(Entity, &NetId, &mut Seat, &Pilot)>();
    let waiting = seats.iter_mut(world).filter(|(.., pilot)| pilot.ship.is_none());
    let mut ready = Vec::new();
    for (entity, net_id, mut seat, _) in waiting {
        seat.respawn_ticks = seat.respawn_ticks.saturating_sub(1);
        if seat.respawn_ticks == 0 {
            ready.push((*net_id, entity));
        }
    }
    ready.sort_unstable();
    for (_, seat) in ready {
        launch_ship(world, seat);
    }
}

/// Ticks from a wreck to the next ship: three seconds.
const RESPAWN_TICKS: u8 = 60;
const _: () = assert!(RESPAWN_TICKS as u32 == ticks(3000));
