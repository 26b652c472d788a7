//! A whole match in memory: a room, sessions and clients on a network with a virtual clock.
//!
//! Everything but sockets is the real thing. Nothing sleeps, so a minute takes as long as its
//! ticks; the same seed gives the same match, byte for byte.

use std::{
    collections::VecDeque,
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use tickwire_server::{
    Claims, Game, Room, RoomInfo,
    recording::Recorder,
    room::Published,
    session::{Heard, Opening, Session, read_opening, write_close},
};
use tickwire_shared::{
    ClientId, CloseReason, Replica, Schema, Tick,
    messages::{ClientMessage, Close, Hello},
};

use crate::client::{Client, Event, Shared};

/// How frames travel, in each direction. As on TCP none is lost and none overtakes another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Network {
    /// Least time that a frame takes.
    pub latency: Duration,
    /// Most that is added to it, uniformly.
    pub jitter: Duration,
    /// Chance that a frame gets stuck, and those behind it with it.
    pub stall_chance: f64,
    /// For how long.
    pub stall: Duration,
    /// Chance per client and tick that the connection breaks. The client comes back at once.
    pub cut_chance: f64,
    /// How many bytes a client reads in a second, if not all at once. What it has not read waits
    /// without bound, as in a socket or proxy with large buffers.
    pub bytes_per_second: Option<u32>,
    /// Where chance begins.
    pub seed: u64,
}

impl Network {
    /// A cable.
    pub const CLEAR: Self = Self {
        latency: Duration::from_millis(1),
        jitter: Duration::ZERO,
        stall_chance: 0.0,
        stall: Duration::ZERO,
        cut_chance: 0.0,
        bytes_per_second: None,
        seed: 1,
    };
}

/// A room and its clients.
pub struct Match<G: Game> {
    room: Room<G>,
    published: Option<Published>,
    shared: Shared,
    network: Network,
    rng: StdRng,
    now: Instant,
    players: Vec<Player>,
    next_client: u32,
}

/// What a client wants to do at a tick, encoded, by what it sees.
pub type Behaviour = Box<dyn FnMut(&Replica, Tick) -> Vec<u8>>;

/// A client, its session, and what lies between.
pub struct Player {
    client: Client,
    session: Option<Session>,
    /// Whether its hello is still to come.
    is_opening: bool,
    join: Vec<u8>,
    behaviour: Behaviour,
    network: Network,
    up: Line,
    down: Line,
    seen: Seen,
}

/// What a client went through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// State frames.
    pub frames: u64,
    /// Checksums that were equal.
    pub matches: u64,
    /// Checksums that differed.
    pub mismatches: u64,
    /// Times that its connection broke.
    pub cuts: u64,
    /// How its last session ended.
    pub closed: Option<Close>,
    /// What it could not make sense of.
    pub error: Option<String>,
}

/// Frames under way, each with its arrival.
#[derive(Default)]
struct Line {
    frames: VecDeque<(Instant, Vec<u8>)>,
    /// When all of them will have been read.
    read_at: Option<Instant>,
}

/// Moments per tick at which frames arrive and clients speak.
const SLICES_PER_TICK: u32 = 10;

impl<G: Game> Match<G> {
    /// An empty room of `game`.
    pub fn new(game: G, info: RoomInfo, network: Network) -> Self {
        Self {
            room: Room::new(Arc::new(game), info),
            published: None,
            shared: Shared::of::<G::Protocol>(),
            network,
            rng: StdRng::seed_from_u64(network.seed),
            // Only ever compared with itself: no clock is looked at again.
            now: Instant::now(),
            players: Vec::new(),
            next_client: 1,
        }
    }

    /// Records the room from its first tick on.
    pub fn record(&mut self, recorder: Recorder) {
        self.room.record(recorder);
    }

    /// Brings a client, which says hello at once, and returns its place in [`Match::players`].
    pub fn add(&mut self, join: Vec<u8>, behaviour: Behaviour) -> usize {
        self.add_on(self.network, join, behaviour)
    }

    /// The same on a network of its own.
    pub fn add_on(&mut self, network: Network, join: Vec<u8>, behaviour: Behaviour) -> usize {
        let mut player = Player {
            client: Client::new(&self.shared, self.now),
            session: None,
            is_opening: true,
            join,
            behaviour,
            network,
            up: Line::default(),
            down: Line::default(),
            seen: Seen::default(),
        };
        player.say_hello(self.now);
        self.players.push(player);
        self.players.len() - 1
    }

    /// Puts something wrong into what a client sees, as a bug would.
    pub fn corrupt(&mut self, player: usize, nth: usize) -> bool {
        self.players.get_mut(player).is_some_and(|player| player.client.corrupt(nth))
    }

    /// A client, for a word with it.
    pub fn client_mut(&mut self, player: usize) -> Option<&mut Client> {
        self.players.get_mut(player).map(|player| &mut player.client)
    }

    /// Everybody who was brought, in order.
    pub fn players(&self) -> &[Player] {
        &self.players
    }

    /// What players share.
    pub fn shared(&self) -> &Shared {
        &self.shared
    }

    /// The room.
    pub fn room(&self) -> &Room<G> {
        &self.room
    }

    /// Puts a frame on a client's line to the server, whatever it is.
    pub fn send(&mut self, player: usize, frame: Vec<u8>) {
        let arrival = self.now + self.network.latency;
        if let Some(player) = self.players.get_mut(player) {
            player.up.push(arrival, frame);
        }
    }

    /// Lets `ticks` ticks go by.
    pub fn run(&mut self, ticks: u32) {
        let slice = Duration::from_secs(1) / u32::from(self.room.info().tick_rate.max(1));
        let slice = slice / SLICES_PER_TICK;
        for _ in 0..ticks {
            self.tick();
            for number in 0..SLICES_PER_TICK {
                self.carry();
                self.speak(number);
                self.now += slice;
            }
        }
    }

    fn tick(&mut self) {
        for at in 0..self.players.len() {
            let chance = self.players.get(at).map_or(0.0, |player| player.network.cut_chance);
            if self.rng.random_bool(chance) {
                self.cut(at);
            }
        }
        let published = self.room.step(self.now);
        for player in &mut self.players {
            let session = player.session.as_mut();
            if let Some(frame) = session.and_then(|one| one.poll_frame(&published, self.now)) {
                player.send_down(frame, self.now, &mut self.rng);
            }
        }
        self.published = Some(published);
    }

    /// Breaks a client's connection. It comes back, and goes on with its session.
    pub fn cut(&mut self, player: usize) {
        let Some(player) = self.players.get_mut(player) else { return };
        player.client.handle_lost();
        if let Some(session) = &mut player.session {
            session.detach();
        }
        player.is_opening = true;
        (player.up, player.down) = (Line::default(), Line::default());
        player.seen.cuts += 1;
        player.say_hello(self.now);
    }

    /// Hands over what has arrived.
    fn carry(&mut self) {
        let now = self.now;
        for player in &mut self.players {
            while let Some(frame) = player.up.pop(now) {
                let answer = if player.is_opening {
                    match read_opening(&frame, self.shared.schema().hash()) {
                        Ok(Opening::Hello(hello)) => {
                            let id = ClientId::new(self.next_client);
                            self.next_client += 1;
                            greet(&mut self.room, self.shared.schema(), player, id, &hello, now)
                        }
                        Ok(Opening::Probe(answer)) => Some(answer),
                        Ok(Opening::Leave) => close(&mut self.room, player, CloseReason::Left),
                        Err(reason) => close(&mut self.room, player, reason),
                    }
                } else {
                    hear(&mut self.room, self.published.as_ref(), player, &frame, now)
                };
                if let Some(frame) = answer {
                    player.send_down(frame, now, &mut self.rng);
                }
            }
            while let Some(frame) = player.down.pop(now) {
                player.hear(&frame, now);
            }
        }
    }

    /// Clients whose moment it is say what they want.
    fn speak(&mut self, slice: u32) {
        let own = |at: usize| at as u32 % SLICES_PER_TICK == slice;
        for (_, player) in self.players.iter_mut().enumerate().filter(|(at, _)| own(*at)) {
            if !player.client.is_attached() || player.seen.closed.is_some() {
                continue;
            }
            let frame = player.client.poll_update(&mut player.behaviour, self.now);
            player.up.push(player.network.arrival(self.now, &mut self.rng), frame);
        }
    }
}

/// Lets a client in, or back in: tokens are not what is tested here.
fn greet<G: Game>(
    room: &mut Room<G>,
    schema: &Arc<Schema>,
    player: &mut Player,
    id: ClientId,
    hello: &Hello,
    now: Instant,
) -> Option<Vec<u8>> {
    let is_resumed = !hello.session.is_empty() && player.session.is_some();
    if !is_resumed {
        if let Err(error) = room.join(id, &hello.join, &Claims::default()) {
            let reason = CloseReason::JoinRefused;
            return Some(write_close(&Close {
                sentence: error.to_string(),
                ..Close::because(reason)
            }));
        }
        player.session = Some(Session::new(Arc::clone(schema), id, room.info().clone()));
    }
    let session = player.session.as_mut()?;
    match session.attach(hello.acknowledged, now) {
        Ok(generation) => {
            player.is_opening = false;
            Some(session.welcome(room.tick(), generation.to_le_bytes().to_vec(), is_resumed))
        }
        Err(reason) => close(room, player, reason),
    }
}

/// Takes what a client that plays has sent.
fn hear<G: Game>(
    room: &mut Room<G>,
    published: Option<&Published>,
    player: &mut Player,
    frame: &[u8],
    now: Instant,
) -> Option<Vec<u8>> {
    let session = player.session.as_mut()?;
    let id = session.client();
    match session.handle_frame(frame, published, now) {
        Ok(Heard::Said { messages, inputs, delay }) => {
            for message in messages {
                let ClientMessage::Game(message) = message else { continue };
                room.message(id, &message);
            }
            for (tick, input) in inputs {
                // Only an input at the window's very edge gets here and is refused.
                let _ = room.push_input(id, tick, &input, delay);
            }
            None
        }
        Ok(Heard::Away) => {
            session.detach();
            None
        }
        Ok(Heard::Leave) => close(room, player, CloseReason::Left),
        Err(reason) => close(room, player, reason),
    }
}

fn close<G: Game>(room: &mut Room<G>, player: &mut Player, reason: CloseReason) -> Option<Vec<u8>> {
    if let Some(session) = player.session.take() {
        room.leave(session.client());
    }
    Some(write_close(&Close::because(reason)))
}

impl Player {
    /// The client's end.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// What the client sees.
    pub fn replica(&self) -> &Replica {
        self.client.replica()
    }

    /// What it went through.
    pub fn seen(&self) -> &Seen {
        &self.seen
    }

    fn say_hello(&mut self, now: Instant) {
        self.up.push(now, self.client.hello("", self.join.clone()));
    }

    fn send_down(&mut self, frame: Vec<u8>, now: Instant, rng: &mut StdRng) {
        let bytes = frame.len() as f64;
        let takes = self.network.bytes_per_second.map_or(0.0, |rate| bytes / f64::from(rate));
        let from = self.down.read_at.map_or(now, |read_at| read_at.max(now));
        let read_at = from + Duration::from_secs_f64(takes);
        self.down.read_at = Some(read_at);
        self.down.push(self.network.arrival(read_at, rng), frame);
    }

    fn hear(&mut self, frame: &[u8], now: Instant) {
        match self.client.handle_frame(frame, now) {
            Ok(Event::State(info)) => {
                self.seen.frames += 1;
                self.seen.matches += u64::from(info.checksum == Some(true));
                self.seen.mismatches += u64::from(info.checksum == Some(false));
            }
            Ok(Event::Closed(close)) => self.seen.closed = Some(close),
            Ok(Event::Joined | Event::Other) => {}
            Err(error) => self.seen.error = Some(error.to_string()),
        }
    }
}

impl Network {
    /// When a frame that leaves now would arrive if none were before it.
    fn arrival(&self, now: Instant, rng: &mut StdRng) -> Instant {
        let jitter = self.jitter.mul_f64(rng.random::<f64>());
        let stall = if rng.random_bool(self.stall_chance) { self.stall } else { Duration::ZERO };
        now + self.latency + jitter + stall
    }
}

impl Line {
    fn push(&mut self, arrival: Instant, frame: Vec<u8>) {
        // None overtakes another.
        let arrival = self.frames.back().map_or(arrival, |(before, _)| arrival.max(*before));
        self.frames.push_back((arrival, frame));
    }

    fn pop(&mut self, now: Instant) -> Option<Vec<u8>> {
        self.frames.pop_front_if(|(arrival, _)| *arrival <= now).map(|(_, frame)| frame)
    }
}

impl<G: Game> fmt::Debug for Match<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Match").field("players", &self.players).finish_non_exhaustive()
    }
}

impl fmt::Debug for Player {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Player")
            .field("client", &self.client.id())
            .field("seen", &self.seen)
            .finish()
    }
}
