//! A client without a screen or a socket: what a bot is made of.
//!
//! It speaks the real protocol. Frames and moments go in, frames and events come out. It outlives
//! its connections: its next hello, after [`Client::handle_lost`] or before, goes on with the
//! session.

use std::{sync::Arc, time::Instant};

use tickwire_shared::{
    ClientId, DecodeError, Protocol, Schema, Tick,
    codec::{decode_server, encode},
    limits::{MESSAGE_BYTES_MAX, MESSAGES_BYTES_PER_CLIENT_FRAME_MAX},
    messages::{
        ClientFrame, ClientMessage, ClientUpdate, Close, Hello, ServerFrame, ServerMessage,
        ServerUpdate, Welcome,
        channels::{ChannelAction, ChannelMessage, ChannelRequest},
    },
    reliable::{MessageMissing, ReliableReceiver, ReliableSender, SenderFull},
    replication::{FrameError, FrameInfo, Replica, model::Model},
};

use crate::{input_lead::InputLead, server_clock::ServerClock};

/// What clients of one game share.
#[derive(Clone, Debug)]
pub struct Shared {
    schema: Arc<Schema>,
    model: Arc<Model>,
    protocol: u64,
}

impl Shared {
    /// For clients of a game.
    pub fn of<P: Protocol>() -> Self {
        let schema = Arc::new(Schema::of::<P>());
        let model = Arc::new(Model::of(&schema));
        Self { protocol: schema.hash(), schema, model }
    }

    /// The game's schema.
    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }
}

/// A client without a screen or a socket.
#[derive(Debug)]
pub struct Client {
    shared: Shared,
    replica: Replica,
    clock: ServerClock,
    welcome: Option<Welcome>,
    /// Whether an attachment has been welcomed and not been lost since.
    is_attached: bool,
    /// Whether a hello waits for its welcome.
    is_greeting: bool,
    sender: ReliableSender,
    receiver: ReliableReceiver,
    messages: Vec<Vec<u8>>,
    /// Connection token for the next hello; empty for none.
    token: String,
    /// For how long the newest connection token is good, as the server said last.
    token_seconds: Option<u32>,
    channel_messages: Vec<ChannelMessage>,
    /// Tick of the first input, and the one that the next is for.
    first_input: Option<Tick>,
    next_input: Option<Tick>,
    lead: InputLead,
    /// By how many ticks it says that its pictures are older than they are.
    exaggeration: u32,
    stamped: u32,
    report: Vec<u8>,
    /// Whether the world here is known to be wrong, and a fresh one is on its way.
    is_healing: bool,
}

/// What a frame from the server brought.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// The server let the client in.
    Joined,
    /// The world moved on.
    State(FrameInfo),
    /// Nothing that needs an answer.
    Other,
    /// The server ended the session.
    Closed(Close),
}

/// What a server must not send.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ClientError {
    /// No frame.
    #[error("the server's frame cannot be read")]
    Frame(#[from] DecodeError),
    /// No state.
    #[error("the server's state cannot be applied")]
    State(#[from] FrameError),
    /// A gap in the reliable messages.
    #[error("the server skipped a message")]
    Message(#[from] MessageMissing),
    /// An update before the welcome, or a second welcome.
    #[error("the server's frame comes at the wrong time")]
    Unexpected,
}

/// Most bytes of messages that wait for the server's acknowledgement.
const UNACKNOWLEDGED_BYTES_MAX: usize = 64 * MESSAGE_BYTES_MAX;

/// Updates between two stamps for the clock.
const UPDATES_PER_STAMP: u32 = 10;

/// Most inputs that one update catches up on.
const INPUTS_PER_UPDATE_MAX: u32 = 4;

impl Client {
    /// A client that has not said hello.
    pub fn new(shared: &Shared, now: Instant) -> Self {
        Self {
            replica: Replica::with_model(Arc::clone(&shared.schema), Arc::clone(&shared.model)),
            clock: ServerClock::new(now, shared.schema.tick_rate),
            shared: shared.clone(),
            welcome: None,
            is_attached: false,
            is_greeting: false,
            sender: ReliableSender::new(UNACKNOWLEDGED_BYTES_MAX),
            receiver: ReliableReceiver::default(),
            messages: Vec::new(),
            token: String::new(),
            token_seconds: None,
            channel_messages: Vec::new(),
            first_input: None,
            next_input: None,
            lead: InputLead::default(),
            exaggeration: 0,
            stamped: 0,
            report: Vec::new(),
            is_healing: false,
        }
    }

    /// The first frame on a new attachment. `join` is the game's join request, encoded. The one
    /// before may be listened to until the welcome comes.
    pub fn hello(&mut self, room: &str, join: Vec<u8>) -> Vec<u8> {
        self.is_greeting = true;
        encode(&ClientFrame::Hello(Hello {
            protocol: self.shared.protocol,
            room: String::from(room),
            token: self.token.clone(),
            join,
            session: self.session_token().to_vec(),
            acknowledged: self.receiver.acknowledged(),
        }))
    }

    /// The frame that says that the client leaves for good.
    pub fn leave() -> Vec<u8> {
        encode(&ClientFrame::Leave)
    }

    /// An update that says nothing but that the client is there. It takes no state in, so that
    /// the server soon has none for it.
    pub fn stay() -> Vec<u8> {
        encode(&ClientFrame::Update(ClientUpdate { first_message: 1, ..ClientUpdate::default() }))
    }

    /// The connection is gone. What was sent and not acknowledged will be sent again.
    pub fn handle_lost(&mut self) {
        let (schema, model) = (&self.shared.schema, &self.shared.model);
        self.replica = Replica::with_model(Arc::clone(schema), Arc::clone(model));
        self.is_attached = false;
        self.is_greeting = false;
        self.report = Vec::new();
        self.is_healing = false;
    }

    /// With what it can go on with its session; empty before the first welcome.
    pub fn session_token(&self) -> &[u8] {
        self.welcome.as_ref().map_or(&[], |welcome| &welcome.session)
    }

    /// Whether the present connection has been welcomed.
    pub fn is_attached(&self) -> bool {
        self.is_attached
    }

    /// Whether the newest welcome went on with a session.
    pub fn is_resumed(&self) -> bool {
        self.welcome.as_ref().is_some_and(|welcome| welcome.is_resumed)
    }

    /// Sends a reliable message to the game.
    pub fn send(&mut self, message: Vec<u8>) -> Result<(), SenderFull> {
        self.sender.push(encode(&ClientMessage::Game(message)))
    }

    /// Whether everything that was sent has arrived.
    pub fn is_all_acknowledged(&self) -> bool {
        self.sender.waiting_bytes() == 0
    }

    /// Shows this connection token at each hello from now on.
    pub fn set_token(&mut self, token: &str) {
        self.token = String::from(token);
    }

    /// Shows the server a newer connection token.
    pub fn refresh_token(&mut self, token: &str) -> Result<(), SenderFull> {
        self.set_token(token);
        self.sender.push(encode(&ClientMessage::Token(String::from(token))))
    }

    /// Asks something of a channel.
    pub fn ask_channel(
        &mut self,
        request: u32,
        channel: &str,
        action: ChannelAction,
    ) -> Result<(), SenderFull> {
        let asked = ChannelRequest { request, channel: String::from(channel), action };
        self.sender.push(encode(&ClientMessage::Channel(asked)))
    }

    /// What was said of channels since this was asked last.
    pub fn take_channel_messages(&mut self) -> Vec<ChannelMessage> {
        std::mem::take(&mut self.channel_messages)
    }

    /// For how long the newest connection token is good, as the server said last.
    pub fn token_seconds(&self) -> Option<u32> {
        self.token_seconds
    }

    /// Reliable messages from the game since this was asked last.
    pub fn take_messages(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.messages)
    }

    /// The world as it is known here.
    pub fn replica(&self) -> &Replica {
        &self.replica
    }

    /// Where the server's clock stands.
    pub fn clock(&self) -> &ServerClock {
        &self.clock
    }

    /// The client's own number, once it has joined.
    pub fn id(&self) -> Option<ClientId> {
        self.welcome.as_ref().map(|welcome| ClientId::new(welcome.client))
    }

    /// Puts something wrong into the world as it is known here, as a bug would.
    pub fn corrupt(&mut self, nth: usize) -> bool {
        self.replica.corrupt(nth)
    }

    /// Lies from now on: says that its pictures are older than they are, by so many ticks.
    pub fn exaggerate(&mut self, ticks: u32) {
        self.exaggeration = ticks;
    }

    /// How early it sends its inputs.
    pub fn lead(&self) -> &InputLead {
        &self.lead
    }

    /// The room's ticks per second, once the client has joined.
    pub fn tick_rate(&self) -> Option<u16> {
        self.welcome.as_ref().map(|welcome| welcome.tick_rate)
    }

    /// Takes a frame from the server.
    pub fn handle_frame(&mut self, bytes: &[u8], now: Instant) -> Result<Event, ClientError> {
        match decode_server(bytes)? {
            ServerFrame::Welcome(welcome) if self.is_greeting => {
                self.handle_lost();
                self.handle_welcome(welcome, now)?;
                Ok(Event::Joined)
            }
            ServerFrame::Update(update) if self.is_attached => self.handle_update(update, now),
            ServerFrame::Close(close) => Ok(Event::Closed(close)),
            _ => Err(ClientError::Unexpected),
        }
    }

    fn handle_welcome(&mut self, welcome: Welcome, now: Instant) -> Result<(), ClientError> {
        self.is_attached = true;
        self.is_greeting = false;
        if welcome.is_resumed {
            let unsent = |_| ClientError::Unexpected;
            self.sender.handle_acknowledged(welcome.acknowledged).map_err(unsent)?;
            self.sender.handle_attached();
        } else {
            // Somebody new.
            self.clock = ServerClock::new(now, welcome.tick_rate);
            self.sender = ReliableSender::new(UNACKNOWLEDGED_BYTES_MAX);
            self.receiver = ReliableReceiver::default();
            self.first_input = None;
            self.next_input = None;
            self.lead = InputLead::default();
        }
        self.welcome = Some(welcome);
        Ok(())
    }

    fn handle_update(&mut self, update: ServerUpdate, now: Instant) -> Result<Event, ClientError> {
        if let Some(echo) = &update.clock {
            self.clock.handle_echo(echo, now);
        }
        let unsent = |_| ClientError::Unexpected;
        self.sender.handle_acknowledged(update.acknowledged).map_err(unsent)?;
        for message in self.receiver.handle_messages(update.first_message, update.messages)? {
            match decode_server(&message)? {
                ServerMessage::Game { body, .. } => self.messages.push(body),
                ServerMessage::Token { seconds } => self.token_seconds = Some(seconds),
                ServerMessage::Channel(message) => self.channel_messages.push(message),
            }
        }
        if update.state.is_empty() {
            return Ok(Event::Other);
        }
        let info = match self.replica.apply(&update.state) {
            Ok(info) => info,
            // Still under way when the report went out: the server starts anew soon.
            Err(FrameError::NoBase) if self.is_healing => return Ok(Event::Other),
            Err(error) => return Err(error.into()),
        };
        if self.was_sent_for(info.tick) {
            self.lead.handle_state(info.tick, info.input_applied);
        }
        self.is_healing = info.checksum == Some(false);
        if self.is_healing {
            self.report = self.replica.report();
        }
        Ok(Event::State(info))
    }

    /// The next frame to the server, to be sent once per tick; `input` says what the player
    /// wants at a tick.
    pub fn poll_update(
        &mut self,
        mut input: impl FnMut(&Replica, Tick) -> Vec<u8>,
        now: Instant,
    ) -> Vec<u8> {
        let (first_input, inputs) = self.inputs(&mut input, now);
        let wants_stamp = self.stamped.is_multiple_of(UPDATES_PER_STAMP);
        self.stamped += 1;
        let (first_message, messages) =
            self.sender.poll_messages(MESSAGES_BYTES_PER_CLIENT_FRAME_MAX);
        encode(&ClientFrame::Update(ClientUpdate {
            acknowledged: self.receiver.acknowledged(),
            seen: self.replica.tick().map_or(0, Tick::get),
            // A bot looks at the newest state that it has.
            shown: self.replica.tick().map_or(0, |tick| tick.minus(self.exaggeration).get()),
            shown_fraction: 0,
            stamp_ms: wants_stamp.then(|| self.clock.stamp(now)),
            first_input: first_input.get(),
            inputs,
            first_message,
            messages,
            report: std::mem::take(&mut self.report),
        }))
    }

    /// Whether an input for this tick has been sent.
    fn was_sent_for(&self, tick: Tick) -> bool {
        let sent = self.first_input.zip(self.next_input);
        sent.is_some_and(|(first, next)| !first.is_newer_than(tick) && next.is_newer_than(tick))
    }

    fn inputs(
        &mut self,
        input: &mut impl FnMut(&Replica, Tick) -> Vec<u8>,
        now: Instant,
    ) -> (Tick, Vec<Vec<u8>>) {
        let Some(ticks) = self.clock.ticks(now) else { return (Tick::default(), Vec::new()) };
        let half_trip = self.clock.round_trip().unwrap_or_default().as_secs_f64() / 2.0;
        let lead = half_trip * f64::from(self.tick_rate().unwrap_or(1)) + self.lead.ticks();
        let target = Tick::new((ticks + lead) as u32);
        let first = match self.next_input {
            Some(next)
                if (0..INPUTS_PER_UPDATE_MAX.cast_signed()).contains(&target.since(next)) =>
            {
                next
            }
            // Sent already: the clock was set back a little.
            Some(next) if next.is_newer_than(target) && next.since(target) < 4 => {
                return (next, Vec::new());
            }
            _ => target,
        };
        let count = target.since(first).unsigned_abs() + 1;
        self.first_input.get_or_insert(first);
        self.next_input = Some(target.plus(1));
        let inputs = (0..count).map(|offset| input(&self.replica, first.plus(offset)));
        (first, inputs.collect())
    }
}
