//! Putting a ship into the world, at a place where it has a moment to look around.

use arena_shared::{
    Controls, Gun, Heading, Motion, Seat, Ship,
    ship::HULL_MAX,
    world::{steps, ticks},
};
use bevy_ecs::{
    entity::Entity,
    world::{Mut, World},
};
use tickwire_server::replication::{NetIds, Owner};
use tickwire_shared::NetId;

use crate::{
    chance::Chance,
    damage::{Hurt, Shield},
    seats::{FlownBy, Pilot},
    survey::{Body, BodyKind, Survey, distance_squared},
};

/// Gives a seat a fresh, shielded ship.
pub fn launch_ship(world: &mut World, seat: Entity) {
    let (position, angle) = world.resource_scope(|world, mut chance: Mut<'_, Chance>| {
        let place = safe_place(world.resource::<Survey>(), &mut chance);
        (place, chance.angle())
    });
    let Some(pilot) = world.get::<Pilot>(seat).cloned() else { return };
    let score = world.get::<Seat>(seat).map_or(0, |seat| seat.score);
    let net_id = world.resource_mut::<NetIds>().allocate();
    let motion = Motion::new(position, [0, 0]);
    let ship = Ship {
        name: pilot.name,
        colour: pilot.colour,
        is_ai: pilot.is_ai,
        hull: HULL_MAX,
        score,
        thrusting: false,
        shielded: true,
    };
    let entity = world
        .spawn((
            (net_id, motion, Heading { angle }, ship),
            (Controls::default(), Gun::default(), Hurt::default()),
            (Shield { ticks: SHIELD_TICKS }, FlownBy { seat }),
        ))
        .id();
    if let Some(owner) = world.get::<Owner>(seat).copied() {
        world.entity_mut(entity).insert(owner);
    }
    seat_ship(world, seat, entity, net_id, position);
    let kind = BodyKind::Ship;
    world.resource_mut::<Survey>().note(Body { net_id, entity, motion, kind });
}

fn seat_ship(world: &mut World, seat: Entity, ship: Entity, net_id: NetId, place: [i32; 2]) {
    if let Some(mut pilot) = world.get_mut::<Pilot>(seat) {
        pilot.ship = Some(ship);
        pilot.place = place;
    }
    if let Some(mut seat) = world.get_mut::<Seat>(seat) {
        seat.ship = net_id;
        seat.respawn_ticks = 0;
    }
}

/// The best of a few random places: clear of rocks, out of everybody's aim, and yet not so far
/// from the nearest ship that nothing happens.
fn safe_place(survey: &Survey, chance: &mut Chance) -> [i32; 2] {
    let places = (0..PLACES_TRIED).map(|_| chance.place(WALL_MARGIN));
    places.min_by_key(|place| danger(survey, *place)).unwrap_or([WALL_MARGIN; 2])
}

/// How bad a place is, in steps of distance that are wrong.
fn danger(survey: &Survey, place: [i32; 2]) -> i64 {
    let mut danger = 0;
    for (_, body) in survey.near(place, ROCK_MARGIN + steps(56)) {
        let distance = distance_squared(place, body.motion.position).isqrt();
        let lacking = i64::from(ROCK_MARGIN + body.radius()) - distance;
        danger += lacking.max(0) * 8;
    }
    if let Some(nearest) = survey.nearest_ship_squared(place) {
        let distance = nearest.isqrt();
        danger += (i64::from(SHIP_DISTANCE) - distance).max(0) * 4;
        danger += (distance - i64::from(SHIP_DISTANCE)).max(0);
    }
    danger
}

/// How long a fresh ship is shielded, unless it fires.
const SHIELD_TICKS: u32 = ticks(2500);

/// How many places are looked at.
const PLACES_TRIED: u32 = 24;

/// Distance from the walls, in steps.
const WALL_MARGIN: i32 = steps(200);

/// Wanted distance to the nearest rock's edge, in steps.
const ROCK_MARGIN: i32 = steps(130);

/// Wanted distance to the nearest ship, in steps: just out of sight.
const SHIP_DISTANCE: i32 = steps(750);
