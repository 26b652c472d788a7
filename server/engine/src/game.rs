//! The trait through which a game enters the engine.

use bevy_ecs::{resource::Resource, schedule::Schedule, world::World};
use tickwire_shared::{ClientId, Protocol};

use crate::{
    channels::{Grants, Namespaces},
    replication::View,
};

/// Join request of a game.
pub type JoinOf<G> = <<G as Game>::Protocol as Protocol>::Join;
/// Input of a game.
pub type InputOf<G> = <<G as Game>::Protocol as Protocol>::Input;

/// A game: what the engine asks of it, and when.
///
/// The value holds the game's settings and is shared by all rooms; what changes lives in each
/// room's [`World`]. All methods run on the room's own thread, between ticks or within one, never
/// at the same time as another of the same room.
///
/// One tick is: leaves, joins and messages as they came, [`Game::input`] for each client in order of [`ClientId`], the
/// schedule, [`Game::view`] for each client. Given the same seed and calls, a game has to arrive
/// at the same world: iterate entities by [`tickwire_shared::NetId`] where order matters, and
/// draw chance from the room's [`Seed`] alone.
pub trait Game: Send + Sync + 'static {
    /// What both ends agree on.
    type Protocol: Protocol;

    /// Fills a new room, once, before its first tick. The world already holds the resources
    /// [`tickwire_shared::Tick`], [`TickRate`], [`Seed`], [`Outbox`],
    /// [`crate::RoomChannels`], [`crate::replication::NetIds`], [`crate::replication::EventQueue`] and
    /// [`crate::replication::Rewind`].
    fn setup(&self, world: &mut World, schedule: &mut Schedule, room: &RoomInfo);

    /// A client wants in. `claims` come from its token. A refusal's sentence is shown to the
    /// player; the world has to be as it was before.
    fn join(
        &self,
        world: &mut World,
        client: ClientId,
        join: JoinOf<Self>,
        claims: &Claims,
    ) -> Result<(), Refusal>;

    /// What others call a client that has joined, in channels; empty where it has no name.
    fn name(&self, _world: &World, _client: ClientId) -> String {
        String::new()
    }

    /// What holds for the channels that the game uses. The operator's file may say otherwise.
    fn namespaces(&self) -> Namespaces {
        Namespaces::default()
    }

    /// The client is gone for good. Called once for each client whose join succeeded.
    fn leave(&self, world: &mut World, client: ClientId);

    /// What the client wants to do at this tick: called for each joined client, each tick. An
    /// input that is missing is the one before again for
    /// [`crate::limits::INPUT_REPEAT_TICKS`], then the neutral one.
    fn input(&self, world: &mut World, client: ClientId, input: &InputOf<Self>);

    /// A reliable message from the client, once and in the order in which they were sent. What it
    /// says may be anything. The answer, if any, goes into [`Outbox`].
    fn message(&self, _world: &mut World, _client: ClientId, _message: &[u8]) {}

    /// What the client may see of the world as it is now.
    fn view(&self, _world: &World, _client: ClientId) -> View {
        View::everything()
    }

    /// One line from which these settings can be made again; kept in recordings.
    fn settings(&self) -> String {
        String::new()
    }
}

/// What a room is made from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RoomInfo {
    /// Its name, by which clients ask for it.
    pub name: String,
    /// Where its chance begins.
    pub seed: u64,
    /// Ticks per second.
    pub tick_rate: u16,
}

/// Ticks per second of the room.
#[derive(Resource, Clone, Copy, PartialEq, Eq, Debug)]
pub struct TickRate(pub u16);

/// Where the room's chance begins.
#[derive(Resource, Clone, Copy, PartialEq, Eq, Debug)]
pub struct Seed(pub u64);

/// Reliable messages to clients: each arrives once, in order, and is shown when the client's world
/// has come to the tick in which it was sent.
#[derive(Resource, Default, Debug)]
pub struct Outbox {
    messages: Vec<(ClientId, Vec<u8>)>,
    kicks: Vec<(ClientId, String)>,
}

impl Outbox {
    /// Sends a message to one client. To one that is gone it goes nowhere. Messages have at most
    /// [`tickwire_shared::limits::MESSAGE_BYTES_MAX`] bytes, of which the engine takes a few.
    pub fn send(&mut self, client: ClientId, message: Vec<u8>) {
        self.messages.push((client, message));
    }

    /// Removes a client from the game, with a sentence for its player. Its leaving comes before a
    /// later tick.
    pub fn kick(&mut self, client: ClientId, sentence: impl Into<String>) {
        self.kicks.push((client, sentence.into()));
    }

    pub(crate) fn take_kicks(&mut self) -> Vec<(ClientId, String)> {
        std::mem::take(&mut self.kicks)
    }

    pub(crate) fn take(&mut self) -> Vec<(ClientId, Vec<u8>)> {
        std::mem::take(&mut self.messages)
    }
}

/// What a client's token says of it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Claims {
    /// Who it is, as the issuer names it; empty when anonymous.
    pub subject: String,
    /// Name to show to others; empty where the token says none.
    pub name: String,
    /// More about it for others to see, as JSON text; empty where the token says nothing.
    pub info: String,
    /// Rooms that it may join; `None`: all of them.
    pub rooms: Option<Vec<String>>,
    /// Channels that it opens.
    pub grants: Grants,
}

impl Claims {
    /// Whether it may join the room of this name.
    pub fn allows_room(&self, room: &str) -> bool {
        self.rooms.as_ref().is_none_or(|rooms| rooms.iter().any(|allowed| allowed == room))
    }

    /// Memory that its texts take, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        let Grants { listen, publish, moderate } = &self.grants;
        let names = self.rooms.iter().flatten().chain(listen).chain(publish).chain(moderate);
        let names = names.map(String::len).sum::<usize>();
        self.subject.len() + self.name.len() + self.info.len() + names
    }
}

/// A game does not let a client in.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{sentence}")]
pub struct Refusal {
    sentence: String,
}

impl Refusal {
    /// With a sentence that a player can read.
    pub fn because(sentence: impl Into<String>) -> Self {
        Self { sentence: sentence.into() }
    }

    /// The sentence.
    pub fn sentence(&self) -> &str {
        &self.sentence
    }
}
