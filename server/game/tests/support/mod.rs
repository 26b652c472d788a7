//! A match that tests step by hand and look into.

// Each test program uses its own part of this.
#![allow(dead_code, unreachable_pub)]

use arena::{
    Arena, ArenaOptions,
    asteroids::Rock,
    seats::{Pilot, Roster},
};
use arena_shared::{
    Asteroid, Controls, Heading, JoinRequest, Motion, Seat, Ship, world::POSITION_MAX,
};
use bevy_ecs::{
    component::Component,
    entity::Entity,
    schedule::{Schedule, SingleThreadedExecutor},
    world::World,
};
use std::collections::BTreeMap;
use tickwire_server::{
    Claims, Game, RoomChannels, RoomInfo,
    replication::{Capture, Delay, EventQueue, History, NetIds, Rewind, View},
};
use tickwire_shared::{ClientId, Tick};

/// The middle of the world.
pub const CENTRE: [i32; 2] = [POSITION_MAX / 2, POSITION_MAX / 2];

pub struct Match {
    pub arena: Arena,
    pub world: World,
    schedule: Schedule,
    controls: BTreeMap<ClientId, Controls>,
    delays: BTreeMap<ClientId, Delay>,
    capture: Capture,
    history: History,
    tick: u32,
}

impl Match {
    /// No pilots of the server and no rocks: just what the test puts in.
    pub fn empty() -> Self {
        Self::new(0, 0, 1)
    }

    pub fn new(pilots: u16, asteroids: u16, seed: u64) -> Self {
        let arena = Arena::new(ArenaOptions { pilots, asteroids });
        let mut world = World::new();
        world.insert_resource(Tick::default());
        world.insert_resource(RoomChannels::default());
        world.insert_resource(EventQueue::of::<arena_shared::ArenaProtocol>());
        world.insert_resource(Rewind::of::<arena_shared::ArenaProtocol>());
        NetIds::install(&mut world);
        let mut schedule = Schedule::default();
        schedule.set_executor(SingleThreadedExecutor::new());
        let room = RoomInfo { name: String::from("test"), seed, tick_rate: 20 };
        arena.setup(&mut world, &mut schedule, &room);
        Self {
            arena,
            world,
            schedule,
            controls: BTreeMap::new(),
            delays: BTreeMap::new(),
            capture: Capture::of::<arena_shared::ArenaProtocol>(),
            history: History::new(room.tick_rate),
            tick: 0,
        }
    }

    pub fn join(&mut self, number: u32, name: &str) -> ClientId {
        let client = ClientId::new(number);
        let request = JoinRequest { name: name.to_owned(), colour: 3 };
        let joined = self.arena.join(&mut self.world, client, request, &Claims::default());
        joined.expect("the arena lets everybody in");
        client
    }

    /// A client whose ship stands unshielded at a place, at rest.
    pub fn join_at(&mut self, number: u32, position: [i32; 2], angle: u16) -> ClientId {
        let client = self.join(number, "");
        let ship = self.ship_entity(client).expect("a new client has a ship");
        *self.world.get_mut(ship).expect("ships move") = Motion::new(position, [0, 0]);
        *self.world.get_mut(ship).expect("ships point somewhere") = Heading { angle };
        self.world.get_mut::<arena::damage::Shield>(ship).expect("ships have shields").ticks = 0;
        client
    }

    pub fn leave(&mut self, client: ClientId) {
        self.controls.remove(&client);
        self.arena.leave(&mut self.world, client);
    }

    /// What a client presses from now on.
    pub fn press(&mut self, client: ClientId, controls: Controls) {
        self.controls.insert(client, controls);
    }

    /// How far in the past a client sees others from now on.
    pub fn delay(&mut self, client: ClientId, delay: Delay) {
        self.delays.insert(client, delay);
    }

    pub fn step(&mut self) {
        self.tick += 1;
        let tick = Tick::new(self.tick);
        self.world.insert_resource(tick);
        let delays = self.delays.iter().map(|(client, delay)| (*client, *delay));
        self.world.resource_mut::<Rewind>().begin(tick, delays, &self.history);
        for (client, controls) in &self.controls {
            self.arena.input(&mut self.world, *client, controls);
        }
        self.schedule.run(&mut self.world);
        self.history.push(self.capture.capture(&mut self.world, tick));
        self.world.insert_resource(EventQueue::of::<arena_shared::ArenaProtocol>());
        self.world.clear_trackers();
    }

    pub fn run(&mut self, ticks: u32) {
        for _ in 0..ticks {
            self.step();
        }
    }

    /// Steps until something holds. Fails where it never does within `ticks`.
    pub fn run_until(&mut self, ticks: u32, what: &str, holds: impl Fn(&Self) -> bool) {
        for _ in 0..ticks {
            if holds(self) {
                return;
            }
            self.step();
        }
        panic!("{what} did not happen within {ticks} ticks");
    }

    pub fn view(&self, client: ClientId) -> View {
        self.arena.view(&self.world, client)
    }

    pub fn seat(&self, client: ClientId) -> Seat {
        *self.world.get(self.seat_entity(client)).expect("a seat is a seat")
    }

    pub fn pilot(&self, client: ClientId) -> Pilot {
        self.world.get::<Pilot>(self.seat_entity(client)).expect("a seat has a pilot").clone()
    }

    pub fn seat_entity(&self, client: ClientId) -> Entity {
        self.world.resource::<Roster>().seat(client).expect("the client has a seat")
    }

    pub fn ship_entity(&self, client: ClientId) -> Option<Entity> {
        self.pilot(client).ship
    }

    pub fn ship(&self, client: ClientId) -> Option<Ship> {
        self.world.get::<Ship>(self.ship_entity(client)?).cloned()
    }

    pub fn motion(&self, client: ClientId) -> Motion {
        let ship = self.ship_entity(client).expect("the client has a ship");
        *self.world.get(ship).expect("ships move")
    }

    /// All components of a type.
    pub fn all<C: Component + Clone>(&mut self) -> Vec<C> {
        self.world.query::<&C>().iter(&self.world).cloned().collect()
    }

    /// Puts a resting asteroid somewhere.
    pub fn add_rock(&mut self, size: u8, position: [i32; 2]) -> Entity {
        let net_id = self.world.resource_mut::<NetIds>().allocate();
        let rock = (Motion::new(position, [0, 0]), Asteroid { size, shape: 0 }, Rock::new(size));
        self.world.spawn((net_id, rock)).id()
    }
}
