//! A client's life on the server, without a socket or a clock of its own.
//!
//! The shell (`net`) hands over frames and moments, and carries out what comes back. A
//! session says hello, is joined by its room, then pulls a state frame whenever it is ready: with
//! nothing unwritten, and not too far ahead of what the *application* at the other end has taken
//! in, since sockets and proxies can hold minutes of small frames.

use std::{sync::Arc, time::Duration, time::Instant};

use tickwire_shared::{
    ClientId, CloseReason, DecodeError, Schema, Tick, Values,
    codec::{decode_client, encode},
    limits::{
        INPUT_BYTES_MAX, INPUT_TICKS_AHEAD_MAX, INPUT_TICKS_BEHIND_MAX, INPUTS_PER_FRAME_MAX,
        JOIN_BYTES_MAX, MESSAGE_BYTES_MAX, MESSAGES_PER_FRAME_MAX, ROOM_NAME_BYTES_MAX,
        TOKEN_BYTES_MAX,
    },
    messages::{
        ClientFrame, ClientUpdate, ClockEcho, Close, Hello, ServerFrame, ServerUpdate, Welcome,
    },
    reliable::{ReliableReceiver, ReliableSender},
};

use crate::{
    game::RoomInfo,
    limits::{
        FRAMES_PER_SECOND_MAX, HELLO_TIMEOUT, IDLE_TIMEOUT, STATE_FRAME_BYTES_MAX,
        UNACKNOWLEDGED_BYTES_MAX,
    },
    pace::Pace,
    replication::{ClientView, Desync},
    room::Published,
};

/// A client's life on the server.
#[derive(Debug)]
pub struct Session {
    schema: Arc<Schema>,
    protocol: u64,
    state: State,
    heard_at: Instant,
    allowance: Allowance,
}

#[derive(Debug)]
enum State {
    AwaitingHello { since: Instant },
    Joining,
    Playing(Box<Playing>),
    Closed,
}

/// What a client with a place in a room has.
#[derive(Debug)]
struct Playing {
    client: ClientId,
    room: RoomInfo,
    view: ClientView,
    sender: ReliableSender,
    receiver: ReliableReceiver,
    pace: Pace,
    stamp: Option<(u32, Instant)>,
    /// Highest number of the client's messages that it knows to be acknowledged.
    acknowledged: u32,
    /// What the client's last report was found to differ in; inside, `None` where that could not
    /// be told any more.
    desync: Option<Option<Desync>>,
}

/// What a frame from the client asks of the shell.
#[derive(Debug)]
pub enum Heard {
    /// Bring the client into its room, then call [`Session::handle_joined`] or close.
    Hello(Hello),
    /// Pass these inputs to the room.
    Inputs(Vec<(Tick, Vec<u8>)>),
    /// The client leaves for good.
    Leave,
}

impl Session {
    /// A session with a client that has said nothing so far.
    pub fn new(schema: Arc<Schema>, now: Instant) -> Self {
        let protocol = schema.hash();
        let state = State::AwaitingHello { since: now };
        Self { schema, protocol, state, heard_at: now, allowance: Allowance::new(now) }
    }

    /// Who it is, once it has a place in a room.
    pub fn client(&self) -> Option<ClientId> {
        match &self.state {
            State::Playing(playing) => Some(playing.client),
            _ => None,
        }
    }

    /// Takes a frame from the client. `published` is what its room showed last.
    pub fn handle_frame(
        &mut self,
        bytes: &[u8],
        published: Option<&Published>,
        now: Instant,
    ) -> Result<Heard, CloseReason> {
        self.heard_at = now;
        if !self.allowance.take(now) {
            return Err(CloseReason::TooFast);
        }
        let frame = decode_client(bytes).map_err(|error| match error {
            DecodeError::TooLarge { .. } => CloseReason::FrameTooLarge,
            _ => CloseReason::MalformedFrame,
        })?;
        match (frame, &mut self.state) {
            (ClientFrame::Hello(hello), State::AwaitingHello { .. }) => {
                check_hello(&hello, self.protocol)?;
                self.state = State::Joining;
                Ok(Heard::Hello(hello))
            }
            (ClientFrame::Update(update), State::Playing(playing)) => {
                playing.handle_update(update, &self.schema, published, now)
            }
            (ClientFrame::Leave, _) => Ok(Heard::Leave),
            _ => Err(CloseReason::UnexpectedFrame),
        }
    }

    /// The room has let the client in. Returns the frame that says so.
    pub fn handle_joined(&mut self, client: ClientId, room: &RoomInfo, tick: Tick) -> Vec<u8> {
        self.state = State::Playing(Box::new(Playing {
            client,
            room: room.clone(),
            view: ClientView::new(),
            sender: ReliableSender::new(UNACKNOWLEDGED_BYTES_MAX),
            receiver: ReliableReceiver::default(),
            pace: Pace::new(room.tick_rate),
            stamp: None,
            acknowledged: 0,
            desync: None,
        }));
        encode(&ServerFrame::Welcome(Welcome {
            client: client.get(),
            tick_rate: room.tick_rate,
            tick: tick.get(),
            room: room.name.clone(),
        }))
    }

    /// The session ends. Returns the frame that says so; `None` when it has ended before.
    pub fn handle_close(&mut self, close: Close) -> Option<Vec<u8>> {
        if matches!(self.state, State::Closed) {
            return None;
        }
        self.state = State::Closed;
        Some(encode(&ServerFrame::Close(close)))
    }

    /// Something that waited too long.
    pub fn handle_timeout(&self, now: Instant) -> Option<CloseReason> {
        match &self.state {
            State::AwaitingHello { since } if now.duration_since(*since) >= HELLO_TIMEOUT => {
                Some(CloseReason::HelloTimeout)
            }
            State::Closed => None,
            _ if now.duration_since(self.heard_at) >= IDLE_TIMEOUT => {
                Some(CloseReason::IdleTimeout)
            }
            _ => None,
        }
    }

    /// The next frame to the client; `None` when it is not ready for one or there is nothing to
    /// say. To be called only with nothing unwritten.
    pub fn poll_frame(&mut self, published: &Published, now: Instant) -> Option<Vec<u8>> {
        match &mut self.state {
            State::Playing(playing) => playing.poll_frame(published, now),
            _ => None,
        }
    }

    /// The client's world was not what it should have been: what differed, where that is known.
    pub fn poll_desync(&mut self) -> Option<Option<Desync>> {
        match &mut self.state {
            State::Playing(playing) => playing.desync.take(),
            _ => None,
        }
    }
}

impl Playing {
    fn handle_update(
        &mut self,
        update: ClientUpdate,
        schema: &Schema,
        published: Option<&Published>,
        now: Instant,
    ) -> Result<Heard, CloseReason> {
        check_lengths(&update)?;
        self.pace.handle_seen(Tick::new(update.seen), now);
        let unsent = |_| CloseReason::UnexpectedFrame;
        self.sender.handle_acknowledged(update.acknowledged).map_err(unsent)?;
        if let Some(stamp) = update.stamp_ms {
            self.stamp = Some((stamp, now));
        }
        // The engine carries messages; no part of the server reads them so far.
        self.receiver
            .handle_messages(update.first_message, update.messages)
            .map_err(|_| CloseReason::UnexpectedFrame)?;
        if !update.report.is_empty()
            && let Some(published) = published
        {
            self.desync = Some(self.view.handle_report(&update.report, &published.history));
        }
        let room_tick = published.map_or_else(Tick::default, |published| published.tick);
        let mut inputs = Vec::with_capacity(update.inputs.len());
        for (offset, bytes) in (0..).zip(update.inputs) {
            let tick = Tick::new(update.first_input).plus(offset);
            check_input_tick(tick, room_tick)?;
            Values::decode(&bytes, &schema.input).map_err(|_| CloseReason::InputOutOfRange)?;
            inputs.push((tick, bytes));
        }
        Ok(Heard::Inputs(inputs))
    }

    fn poll_frame(&mut self, published: &Published, now: Instant) -> Option<Vec<u8>> {
        let mut state = Vec::new();
        if self.pace.is_ready()
            && let Some(own) = published.clients.get(&self.client)
        {
            self.view.compose(
                &published.history,
                &own.view,
                self.client,
                own.input_applied,
                STATE_FRAME_BYTES_MAX,
                &mut state,
            );
        }
        let (first_message, messages) = self.sender.poll_messages();
        let owes_acknowledgement = self.receiver.acknowledged() != self.acknowledged;
        if state.is_empty() && messages.is_empty() && !owes_acknowledgement {
            // A stamp waits for the next frame: how long it waited is said with it.
            return None;
        }
        if !state.is_empty() {
            self.pace.handle_sent(published.tick, now);
        }
        self.acknowledged = self.receiver.acknowledged();
        let clock = self.stamp.take().map(|(stamp_ms, came_at)| {
            published.clock(&self.room, stamp_ms, now.duration_since(came_at), now)
        });
        let acknowledged = self.acknowledged;
        let update = ServerUpdate { acknowledged, clock, first_message, messages, state };
        Some(encode(&ServerFrame::Update(update)))
    }
}

impl Published {
    /// Where the server's clock stood as a frame was made.
    fn clock(&self, room: &RoomInfo, stamp_ms: u32, held: Duration, now: Instant) -> ClockEcho {
        let into_tick = now.saturating_duration_since(self.at).as_secs_f64();
        let ticks = into_tick * f64::from(room.tick_rate);
        let whole = ticks as u32;
        let fraction = (ticks.fract() * 65536.0) as u16;
        let held_ms = u32::try_from(held.as_millis()).unwrap_or(u32::MAX);
        let tick = self.tick.plus(whole).get();
        ClockEcho { stamp_ms, held_ms, tick, tick_fraction: fraction }
    }
}

fn check_hello(hello: &Hello, protocol: u64) -> Result<(), CloseReason> {
    let is_long = hello.room.len() > ROOM_NAME_BYTES_MAX
        || hello.token.len() > TOKEN_BYTES_MAX
        || hello.join.len() > JOIN_BYTES_MAX;
    if is_long {
        return Err(CloseReason::FrameTooLarge);
    }
    if hello.protocol != protocol {
        return Err(CloseReason::ProtocolMismatch);
    }
    Ok(())
}

fn check_lengths(update: &ClientUpdate) -> Result<(), CloseReason> {
    let is_long = update.inputs.len() > INPUTS_PER_FRAME_MAX
        || update.inputs.iter().any(|input| input.len() > INPUT_BYTES_MAX)
        || update.messages.len() > MESSAGES_PER_FRAME_MAX
        || update.messages.iter().any(|message| message.len() > MESSAGE_BYTES_MAX);
    if is_long { Err(CloseReason::FrameTooLarge) } else { Ok(()) }
}

fn check_input_tick(tick: Tick, room_tick: Tick) -> Result<(), CloseReason> {
    let ahead = i64::from(tick.since(room_tick));
    // One more than the room allows: it may have made a tick since.
    let allowed = -i64::from(INPUT_TICKS_BEHIND_MAX)..=i64::from(INPUT_TICKS_AHEAD_MAX) + 1;
    if allowed.contains(&ahead) { Ok(()) } else { Err(CloseReason::InputTickOutOfRange) }
}

/// A token bucket over frames.
#[derive(Debug)]
struct Allowance {
    frames: f64,
    at: Instant,
}

impl Allowance {
    const fn new(now: Instant) -> Self {
        Self { frames: FRAMES_PER_SECOND_MAX as f64, at: now }
    }

    fn take(&mut self, now: Instant) -> bool {
        let rate = f64::from(FRAMES_PER_SECOND_MAX);
        let gained = now.duration_since(self.at).as_secs_f64() * rate;
        self.at = now;
        self.frames = (self.frames + gained).min(rate);
        self.frames -= 1.0;
        self.frames >= 0.0
    }
}
