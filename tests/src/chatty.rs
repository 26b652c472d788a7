//! The arena with a lot to say: numbered reliable messages in both directions.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use arena::{Arena, ArenaOptions};
use arena_shared::{ArenaProtocol, Controls, JoinRequest};
use bevy_ecs::{resource::Resource, schedule::Schedule, world::World};
use tickwire_server::{Claims, Game, Outbox, Refusal, RoomInfo, replication::View};
use tickwire_shared::ClientId;

/// The arena with a lot to say.
#[derive(Debug)]
pub struct Chatty {
    arena: Arena,
    /// How many messages each client is sent.
    messages: u32,
    /// How many of them per tick.
    per_tick: u32,
    log: Log,
}

/// Numbers that came from each client, in the order in which they came, to be looked at from
/// outside the room.
pub type Log = Arc<Mutex<BTreeMap<ClientId, Vec<u32>>>>;

/// What was said so far.
#[derive(Resource, Default, Debug)]
pub struct Said {
    /// Numbers that came from each client, in the order in which they came.
    pub heard: BTreeMap<ClientId, Vec<u32>>,
    sent: BTreeMap<ClientId, u32>,
}

impl Chatty {
    /// Sends each client the numbers from 0 to `messages`, so many per tick.
    pub fn new(messages: u32, per_tick: u32) -> Self {
        let arena = Arena::new(ArenaOptions::default());
        Self { arena, messages, per_tick, log: Log::default() }
    }

    /// Writes what it hears into `log` as well.
    pub fn with_log(self, log: &Log) -> Self {
        Self { log: Arc::clone(log), ..self }
    }
}

impl Game for Chatty {
    type Protocol = ArenaProtocol;

    fn setup(&self, world: &mut World, schedule: &mut Schedule, room: &RoomInfo) {
        world.insert_resource(Said::default());
        self.arena.setup(world, schedule, room);
    }

    fn join(
        &self,
        world: &mut World,
        client: ClientId,
        join: JoinRequest,
        claims: &Claims,
    ) -> Result<(), Refusal> {
        self.arena.join(world, client, join, claims)
    }

    fn leave(&self, world: &mut World, client: ClientId) {
        self.arena.leave(world, client);
    }

    fn message(&self, world: &mut World, client: ClientId, message: &[u8]) {
        if let Some(number) = number(message) {
            world.resource_mut::<Said>().heard.entry(client).or_default().push(number);
            if let Ok(mut log) = self.log.lock() {
                log.entry(client).or_default().push(number);
            }
        }
    }

    fn input(&self, world: &mut World, client: ClientId, input: &Controls) {
        let sent = world.resource_mut::<Said>().sent.get(&client).copied().unwrap_or(0);
        let next = (sent + self.per_tick).min(self.messages);
        let mut outbox = world.resource_mut::<Outbox>();
        for number in sent..next {
            outbox.send(client, number.to_le_bytes().to_vec());
        }
        world.resource_mut::<Said>().sent.insert(client, next);
        self.arena.input(world, client, input);
    }

    fn view(&self, world: &World, client: ClientId) -> View {
        self.arena.view(world, client)
    }
}

/// The number in a message.
pub fn number(message: &[u8]) -> Option<u32> {
    Some(u32::from_le_bytes(message.try_into().ok()?))
}
