//! Who takes part: a seat for each pilot, human or not, whether or not a ship is flying.

use std::collections::BTreeMap;

use arena_shared::{Motion, Seat, Ship};
use bevy_ecs::{
    component::Component, entity::Entity, query::Without, resource::Resource, system::Query,
    world::World,
};
use tickwire_server::replication::{NetIds, Owner};
use tickwire_shared::{ClientId, NetId};

/// What a seat knows beyond what its pilot gets to see of it in [`Seat`].
#[derive(Component, Clone, Debug)]
pub struct Pilot {
    /// Name, tidied.
    pub name: String,
    /// Colour.
    pub colour: u8,
    /// Whether the server flies.
    pub is_ai: bool,
    /// The ship, while there is one.
    pub ship: Option<Entity>,
    /// Where the ship is, or was last: what the pilot looks at.
    pub place: [i32; 2],
}

/// On a ship: whose it is.
#[derive(Component, Clone, Copy, Debug)]
pub struct FlownBy {
    /// The pilot's seat.
    pub seat: Entity,
}

/// The seats of clients.
#[derive(Resource, Default)]
pub struct Roster {
    seats: BTreeMap<ClientId, Entity>,
    seats_given: u32,
}

impl Roster {
    /// A client's seat.
    pub fn seat(&self, client: ClientId) -> Option<Entity> {
        self.seats.get(&client).copied()
    }

    /// How many clients play.
    pub fn humans(&self) -> usize {
        self.seats.len()
    }

    /// A number that no seat had before, to name the nameless by.
    pub fn next_number(&mut self) -> u32 {
        self.seats_given += 1;
        self.seats_given
    }
}

/// Adds a seat. A client's has an owner, who alone sees it; nobody sees the others.
pub fn add_seat(world: &mut World, pilot: Pilot, client: Option<ClientId>) -> Entity {
    let net_id = world.resource_mut::<NetIds>().allocate();
    let seat = Seat { ship: NetId::NONE, respawn_ticks: 0, score: 0, kills: 0, deaths: 0 };
    let entity = world.spawn((net_id, seat, pilot)).id();
    if let Some(client) = client {
        world.entity_mut(entity).insert(Owner(client));
        world.resource_mut::<Roster>().seats.insert(client, entity);
    }
    entity
}

/// Removes a client's seat and ship.
pub fn remove_client(world: &mut World, client: ClientId) {
    if let Some(seat) = world.resource_mut::<Roster>().seats.remove(&client) {
        remove_seat(world, seat);
    }
}

/// Removes a seat and its ship.
pub fn remove_seat(world: &mut World, seat: Entity) {
    if let Some(ship) = world.get::<Pilot>(seat).and_then(|pilot| pilot.ship) {
        world.despawn(ship);
    }
    world.despawn(seat);
}

/// Keeps what seats and ships know of each other: where the ship is, what the pilot has scored.
pub fn follow_ships(
    mut seats: Query<'_, '_, (&Seat, &mut Pilot), Without<Ship>>,
    mut ships: Query<'_, '_, (&Motion, &mut Ship)>,
) {
    for (seat, mut pilot) in &mut seats {
        let Some(ship) = pilot.ship else { continue };
        if let Ok((motion, mut ship)) = ships.get_mut(ship) {
            pilot.place = motion.position;
            ship.score = seat.score;
        }
    }
}
