//! One world and its clients, stepped by hand: no thread, no clock, no socket.
//!
//! [`crate::tick_loop`] keeps its time; [`crate::bridge`] brings what clients say.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::Arc,
    time::Instant,
};

use bevy_ecs::{
    schedule::{Schedule, SingleThreadedExecutor},
    world::World,
};
use tickwire_shared::{
    ClientId, Record, RecordSchema, Schema, Tick,
    limits::{INPUT_TICKS_AHEAD_MAX, INPUT_TICKS_BEHIND_MAX},
    record::{decode_record, encode_record},
};

use crate::{
    game::{Claims, Game, InputOf, Outbox, Refusal, RoomInfo, Seed, TickRate},
    limits::INPUT_REPEAT_TICKS,
    recording::{Recorded, Recorder},
    replication::{Capture, Delay, EventQueue, History, NetIds, Rewind, View},
    room_channels::{self, RoomChannels, Wish},
};

/// One world and its clients.
pub struct Room<G: Game> {
    game: Arc<G>,
    info: RoomInfo,
    schema: Arc<Schema>,
    world: World,
    schedule: Schedule,
    capture: Capture,
    history: History,
    tick: Tick,
    players: BTreeMap<ClientId, Player<InputOf<G>>>,
    recorder: Option<Recorder>,
    inputs_late: u64,
    is_rewinding: bool,
    clients: Arc<BTreeMap<ClientId, PublishedClient>>,
    changed_at: Tick,
}

/// What a room shows after a tick.
#[derive(Debug)]
pub struct Published {
    /// The tick.
    pub tick: Tick,
    /// When the tick began.
    pub at: Instant,
    /// The newest tick in which the world, or what somebody may see of it, was not as before.
    pub changed_at: Tick,
    /// The worlds of this tick and of those before.
    pub history: History,
    /// What concerns each client.
    pub clients: Arc<BTreeMap<ClientId, PublishedClient>>,
}

/// What concerns one client.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PublishedClient {
    /// What it may see.
    pub view: View,
    /// Tick of its newest input that the world includes.
    pub input_applied: Option<Tick>,
}

/// Why an input is not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum InputError {
    /// Its tick is far from the room's.
    #[error("an input for a tick far from the room's")]
    TickOutOfRange,
    /// A value lies outside its declared range, or the bytes are none of an input.
    #[error("an input that is none of this game's")]
    OutOfRange,
}

/// Why a client cannot join.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum JoinError {
    /// Its join request is none of this game's.
    #[error("a join request that is none of this game's")]
    Malformed,
    /// The game said no.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// Inputs of one client.
struct Player<I> {
    /// For ticks to come: at most [`INPUT_TICKS_AHEAD_MAX`], since none is taken beyond.
    waiting: BTreeMap<u32, Heard<I>>,
    /// The one that goes on when none arrives.
    last: Heard<I>,
    /// For how many ticks it has gone on.
    repeated: u32,
    /// Tick of the newest that was used.
    applied: Option<Tick>,
    /// How far in the past the client sees others.
    delay: Option<Delay>,
}

/// An input and the bytes it came in, which go into recordings.
#[derive(Clone)]
struct Heard<I> {
    input: I,
    bytes: Vec<u8>,
    delay: Option<Delay>,
}

impl<G: Game> Room<G> {
    /// A new room, before its first tick.
    pub fn new(game: Arc<G>, info: RoomInfo) -> Self {
        let mut world = World::new();
        world.insert_resource(Tick::default());
        world.insert_resource(TickRate(info.tick_rate));
        world.insert_resource(Seed(info.seed));
        world.insert_resource(Outbox::default());
        world.insert_resource(RoomChannels::default());
        world.insert_resource(EventQueue::of::<G::Protocol>());
        world.insert_resource(Rewind::of::<G::Protocol>());
        NetIds::install(&mut world);
        let mut schedule = Schedule::default();
        // A room has one thread: rooms run beside each other, systems of a room do not.
        schedule.set_executor(SingleThreadedExecutor::new());
        game.setup(&mut world, &mut schedule, &info);
        Self {
            history: History::new(info.tick_rate),
            capture: Capture::of::<G::Protocol>(),
            schema: Arc::new(Schema::of::<G::Protocol>()),
            tick: Tick::default(),
            players: BTreeMap::new(),
            recorder: None,
            inputs_late: 0,
            is_rewinding: true,
            clients: Arc::default(),
            changed_at: Tick::default(),
            game,
            info,
            world,
            schedule,
        }
    }

    /// Writes everything that decides this room's course to `recorder` from now on.
    pub fn record(&mut self, recorder: Recorder) {
        self.recorder = Some(recorder);
    }

    /// Judges by where things are rather than by what clients saw, from now on.
    pub fn stop_rewinding(&mut self) {
        self.is_rewinding = false;
    }

    /// What it was made from.
    pub fn info(&self) -> &RoomInfo {
        &self.info
    }

    /// The tick that was made last.
    pub fn tick(&self) -> Tick {
        self.tick
    }

    /// The world, for a look from outside.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// Values that games put off their grid so far.
    pub fn capture(&self) -> &Capture {
        &self.capture
    }

    /// Inputs that came after their tick, so far.
    pub fn inputs_late(&self) -> u64 {
        self.inputs_late
    }

    /// Lets a client in, from the next tick on.
    pub fn join(
        &mut self,
        client: ClientId,
        join: &[u8],
        claims: &Claims,
    ) -> Result<(), JoinError> {
        let request = decode_record(join, &self.schema.join).map_err(|_| JoinError::Malformed)?;
        self.game.join(&mut self.world, client, request, claims)?;
        if let Some(recorder) = &mut self.recorder {
            recorder.join(client, join, claims);
        }
        self.players.insert(client, Player::new(&self.schema.input));
        Ok(())
    }

    /// Lets a client go.
    pub fn leave(&mut self, client: ClientId) {
        if self.players.remove(&client).is_none() {
            return;
        }
        if let Some(recorder) = &mut self.recorder {
            recorder.leave(client);
        }
        self.game.leave(&mut self.world, client);
    }

    /// What others call a client.
    pub fn name_of(&self, client: ClientId) -> String {
        self.game.name(&self.world, client)
    }

    /// Takes a client's reliable message.
    pub fn message(&mut self, client: ClientId, message: &[u8]) {
        if !self.players.contains_key(&client) {
            return;
        }
        if let Some(recorder) = &mut self.recorder {
            recorder.message(client, message);
        }
        self.game.message(&mut self.world, client, message);
    }

    /// Brings the game what was published in a channel that it listens to.
    pub(crate) fn hear(&mut self, heard: room_channels::Heard) {
        if let Some(recorder) = &mut self.recorder {
            recorder.hear(&heard);
        }
        if let Some(mut channels) = self.world.get_resource_mut::<RoomChannels>() {
            channels.hear(heard);
        }
    }

    /// Clients whom the game removes, and what to tell their players.
    pub(crate) fn take_kicks(&mut self) -> Vec<(ClientId, String)> {
        let outbox = self.world.get_resource_mut::<Outbox>();
        outbox.map_or_else(Vec::new, |mut outbox| outbox.take_kicks())
    }

    /// What the game wants done in channels since this was asked last.
    pub(crate) fn take_wishes(&mut self) -> Vec<Wish> {
        let channels = self.world.get_resource_mut::<RoomChannels>();
        channels.map_or_else(Vec::new, |mut channels| channels.take_wishes())
    }

    /// What the game has sent since this was asked last.
    pub fn take_messages(&mut self) -> Vec<(ClientId, Vec<u8>)> {
        self.world.get_resource_mut::<Outbox>().map_or_else(Vec::new, |mut outbox| outbox.take())
    }

    /// Takes a client's input for a tick. One that comes late is not used for its tick, which
    /// is over, but goes on from here if none newer has come. `delay` says how far in the past the
    /// client saw others as it made the input, counted from the input's tick.
    pub fn push_input(
        &mut self,
        client: ClientId,
        tick: Tick,
        input: &[u8],
        delay: Option<Delay>,
    ) -> Result<(), InputError> {
        let Some(player) = self.players.get_mut(&client) else { return Ok(()) };
        let ahead = tick.since(self.tick);
        let farthest = i32::try_from(INPUT_TICKS_AHEAD_MAX).unwrap_or(i32::MAX);
        let oldest = i32::try_from(INPUT_TICKS_BEHIND_MAX).unwrap_or(i32::MAX);
        if ahead > farthest || ahead < -oldest {
            return Err(InputError::TickOutOfRange);
        }
        let decoded = decode_record(input, &self.schema.input);
        let decoded = decoded.map_err(|_| InputError::OutOfRange)?;
        // A late one is used in the next tick, when what the client saw is older by as much.
        let late = i64::from((1 - ahead).max(0)) * 256;
        let delay = delay
            .filter(|_| self.is_rewinding)
            .map(|delay| Delay::of_parts(i64::from(delay.parts()) + late, self.info.tick_rate));
        let heard = Heard { input: decoded, bytes: input.to_vec(), delay };
        if ahead > 0 {
            // The first word for a tick stands: a client cannot take back what it said.
            if let Entry::Vacant(place) = player.waiting.entry(tick.get()) {
                place.insert(heard);
            }
            return Ok(());
        }
        self.inputs_late += 1;
        if player.applied.is_none_or(|applied| tick.is_newer_than(applied)) {
            player.delay = heard.delay;
            player.last = heard;
            player.repeated = 0;
            player.applied = Some(tick);
        }
        Ok(())
    }

    /// Makes one tick, with the inputs that have come.
    pub fn step(&mut self, now: Instant) -> Published {
        self.begin_tick();
        for (client, player) in &mut self.players {
            player.advance(self.tick, &self.schema.input);
            if let Some(recorder) = &mut self.recorder {
                recorder.input(*client, &player.last.bytes, player.delay);
            }
        }
        self.rewind();
        for (client, player) in &self.players {
            self.game.input(&mut self.world, *client, &player.last.input);
        }
        self.end_tick();
        self.publish(now)
    }

    /// Makes one tick with these inputs, as a replay does, and returns the world's checksum.
    pub(crate) fn step_with(&mut self, inputs: &BTreeMap<u32, Recorded>) -> u64 {
        self.begin_tick();
        for (client, player) in &mut self.players {
            player.delay = inputs.get(&client.get()).and_then(|recorded| recorded.delay);
        }
        self.rewind();
        for client in self.players.keys() {
            let bytes = inputs.get(&client.get()).map_or(&[][..], |recorded| &recorded.input);
            let input = decode_record(bytes, &self.schema.input).unwrap_or_default();
            self.game.input(&mut self.world, *client, &input);
        }
        self.end_tick();
        self.history.newest().map_or(0, |snapshot| snapshot.checksum())
    }

    fn begin_tick(&mut self) {
        self.tick = self.tick.plus(1);
        self.world.insert_resource(self.tick);
    }

    /// Tells the game what clients saw who act in this tick.
    fn rewind(&mut self) {
        let delays = self.players.iter();
        let delays = delays.filter_map(|(client, player)| Some((*client, player.delay?)));
        self.world.resource_mut::<Rewind>().begin(self.tick, delays, &self.history);
    }

    fn end_tick(&mut self) {
        self.schedule.run(&mut self.world);
        if let Some(mut channels) = self.world.get_resource_mut::<RoomChannels>() {
            channels.forget_heard();
        }
        let snapshot = self.capture.capture(&mut self.world, self.tick);
        // Anything that remembers what was removed, or looks for changes, starts over.
        self.world.clear_trackers();
        if let Some(recorder) = &mut self.recorder {
            recorder.tick(self.tick, snapshot.checksum());
        }
        self.history.push(snapshot);
    }

    /// What there is to tell the network after a tick.
    pub(crate) fn publish(&mut self, at: Instant) -> Published {
        let clients = || {
            self.players.iter().map(|(client, player)| {
                let view = self.game.view(&self.world, *client);
                (*client, PublishedClient { view, input_applied: player.applied })
            })
        };
        let newest = self.history.newest();
        let before = self.history.at(self.tick.plus(u32::MAX));
        let is_same_world = newest.zip(before).is_some_and(|(one, other)| one.is_same_as(other));
        // Rooms in which nothing happens do not make anew what thousands of clients may see.
        let is_same = self.clients.iter().map(|(id, client)| (*id, *client)).eq(clients());
        if !is_same {
            self.clients = Arc::new(clients().collect());
        }
        if !is_same_world || !is_same {
            self.changed_at = self.tick;
        }
        let (tick, changed_at) = (self.tick, self.changed_at);
        let (history, clients) = (self.history.clone(), Arc::clone(&self.clients));
        Published { tick, at, changed_at, history, clients }
    }
}

impl<I: Record + Default + Clone> Player<I> {
    fn new(schema: &RecordSchema) -> Self {
        Self {
            waiting: BTreeMap::new(),
            last: Heard::neutral(schema),
            repeated: 0,
            applied: None,
            delay: None,
        }
    }

    /// Goes on to `tick`: its input is then the last one.
    fn advance(&mut self, tick: Tick, schema: &RecordSchema) {
        // What waits lies within a window, so the wrapping counter cannot confuse the order for
        // long; what was passed by is gone.
        self.waiting.retain(|waiting, _| !tick.is_newer_than(Tick::new(*waiting)));
        if let Some(heard) = self.waiting.remove(&tick.get()) {
            self.delay = heard.delay;
            self.last = heard;
            self.repeated = 0;
            self.applied = Some(tick);
        } else {
            self.repeated = self.repeated.saturating_add(1);
            if self.repeated == INPUT_REPEAT_TICKS + 1 {
                self.last = Heard::neutral(schema);
            }
        }
    }
}

impl<I: Record + Default> Heard<I> {
    fn neutral(schema: &RecordSchema) -> Self {
        let input = I::default();
        let bytes = encode_record(&input, schema);
        Self { input, bytes, delay: None }
    }
}
