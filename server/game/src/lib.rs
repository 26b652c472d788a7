//! The arena: ships, asteroids and bullets in one walled world.
//!
//! The game that ships with Tickwire, and the example to copy for one's own. It reaches the
//! engine through [`Game`] alone.
//!
//! # A mechanic is a file
//! Each file below holds its own components, resources and systems; [`systems`] says in which
//! order they run. What both ends must agree on (components, rules of motion) is in
//! [`arena_shared`].
//!
//! # Determinism
//! The same seed and inputs give the same world, byte for byte: one source of chance per room
//! ([`chance`]), systems in one fixed order on one thread, entities in `NetId` order wherever
//! order matters ([`order`]), integers only.

// A system's parameters are values by the scheduler's rule.
#![allow(clippy::needless_pass_by_value)]

pub mod asteroids;
pub mod chance;
pub mod collisions;
pub mod damage;
pub mod deaths;
pub mod events;
pub mod hits;
pub mod joining;
pub mod launching;
pub mod movement;
pub mod options;
pub mod order;
pub mod page;
pub mod pilots;
pub mod radar;
pub mod scoring;
pub mod seats;
pub mod survey;
pub mod systems;
pub mod talk;
pub mod weapons;

use arena_shared::{
    ArenaProtocol, Controls, JoinRequest,
    world::{VIEW_HALF_UNITS, VIEW_MARGIN_UNITS, steps},
};
use bevy_ecs::{schedule::Schedule, world::World};
use tickwire_server::{
    Claims, Game, Refusal, RoomInfo,
    channels::Namespaces,
    replication::{Area, View},
};
use tickwire_shared::ClientId;

pub use options::ArenaOptions;

use crate::seats::{Pilot, Roster};

/// The game, as the engine runs it.
#[derive(Clone, Debug)]
pub struct Arena {
    options: ArenaOptions,
}

impl Arena {
    /// An arena with these settings.
    pub fn new(options: ArenaOptions) -> Self {
        Self { options }
    }
}

impl Game for Arena {
    type Protocol = ArenaProtocol;

    fn setup(&self, world: &mut World, schedule: &mut Schedule, room: &RoomInfo) {
        systems::furnish(world, &self.options, room.seed);
        talk::open(world, room);
        systems::order(schedule);
    }

    fn join(
        &self,
        world: &mut World,
        client: ClientId,
        request: JoinRequest,
        claims: &Claims,
    ) -> Result<(), Refusal> {
        joining::join(world, client, &request);
        talk::welcome(world, client, claims);
        Ok(())
    }

    fn leave(&self, world: &mut World, client: ClientId) {
        seats::remove_client(world, client);
        talk::forget(world, client);
    }

    fn name(&self, world: &World, client: ClientId) -> String {
        let seat = world.resource::<Roster>().seat(client);
        let pilot = seat.and_then(|seat| world.get::<Pilot>(seat));
        pilot.map_or_else(String::new, |pilot| pilot.name.clone())
    }

    fn namespaces(&self) -> Namespaces {
        talk::namespaces()
    }

    fn message(&self, world: &mut World, client: ClientId, message: &[u8]) {
        talk::moderate(world, client, message);
    }

    fn input(&self, world: &mut World, client: ClientId, input: &Controls) {
        let seat = world.resource::<Roster>().seat(client);
        let ship = seat.and_then(|seat| world.get::<Pilot>(seat)?.ship);
        if let Some(mut controls) = ship.and_then(|ship| world.get_mut::<Controls>(ship)) {
            *controls = *input;
        }
    }

    fn view(&self, world: &World, client: ClientId) -> View {
        let seat = world.resource::<Roster>().seat(client);
        let pilot = seat.and_then(|seat| world.get::<Pilot>(seat));
        let area = match pilot {
            Some(pilot) => Area::Rect {
                center: pilot.place.map(i32::cast_unsigned),
                half: VIEW_HALF_UNITS.map(|units| steps(units).cast_unsigned()),
                margin: steps(VIEW_MARGIN_UNITS).cast_unsigned(),
            },
            None => Area::Nowhere,
        };
        View { area, ..View::everything() }
    }

    fn settings(&self) -> String {
        self.options.to_line()
    }
}
