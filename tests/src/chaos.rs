//! One client on the worst of networks, in memory and on a virtual clock: connections break,
//! requests and answers get lost, come twice, late and in another order, polls overlap, and the
//! client moves from rung to rung all the while.
//!
//! Session, client, and both ends of the exchange over HTTP are the real ones. The same seed
//! gives the same course.

#![expect(clippy::indexing_slicing, reason = "a place in a list is made here, and lists only grow")]

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, anyhow, ensure};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use tickwire_server::{
    Claims, Game, Room, RoomInfo,
    room::Published,
    session::{Heard, Opening, Session, read_opening},
};
use tickwire_shared::{
    ClientId, Protocol as _,
    codec::{decode_request, encode},
    exchange::{Admission, Pending, Polled, RequestKind, Requester, Responder},
    messages::{ClientMessage, Hello, ServerMessage},
    record::encode_record,
};

use crate::{
    chatty::{Chatty, Said, number},
    client::{Client, Event, Shared},
    pilot::Pilot,
    transport::Rung,
};

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Numbers that the server heard, in order.
    pub heard_by_server: Vec<u32>,
    /// Numbers that the client heard, in order.
    pub heard_by_client: Vec<u32>,
    /// Checksums that were equal after the network had calmed down.
    pub calm_matches: u64,
    /// Checksums that differed.
    pub mismatches: u64,
    /// Connections that were made.
    pub attachments: usize,
    /// Requests and answers that were lost, or came twice.
    pub mishaps: usize,
}

/// Milliseconds since the beginning.
type Ms = u64;

const TICK_MS: Ms = 50;
const LONGEST_MS: Ms = 10 * 60_000;
const CALM_MS: Ms = 3_000;
const REQUEST_TIMEOUT_MS: Ms = 400;
const POLL_INTERVAL_MS: Ms = 100;
const MESSAGES_PER_UPDATE: u32 = 40;

/// Chances per tick that a connection breaks, that the client moves, and that it asks again
/// while a poll is under way.
const BREAK_CHANCE: f64 = 0.01;
const MOVE_CHANCE: f64 = 0.02;
const IMPATIENCE_CHANCE: f64 = 0.05;
/// Chances per request that it is lost, that its answer is, and that it comes twice.
const REQUEST_LOST_CHANCE: f64 = 0.05;
const ANSWER_LOST_CHANCE: f64 = 0.05;
const REQUEST_TWICE_CHANCE: f64 = 0.08;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Lane {
    Poll,
    Send,
}

/// Something that happens at a moment.
#[derive(Debug)]
enum Happening {
    FrameUp(Vec<u8>),
    FrameDown(Vec<u8>),
    /// A request reaches the server. Nobody waits for the answer of one that came twice.
    Request {
        lane: Lane,
        body: Vec<u8>,
        is_awaited: bool,
    },
    /// An answer reaches the client; `None` where it, or its request, was lost.
    Answer {
        lane: Lane,
        number: u32,
        body: Option<Vec<u8>>,
    },
    /// The client makes its next poll.
    PollDue,
    /// The client finds that the connection is gone.
    Noticed,
}

/// One connection, both ends.
struct Attachment {
    rung: Rung,
    requester: Requester,
    responder: Responder,
    /// Number of the poll whose answer is awaited.
    waiting: Option<u32>,
    state: State,
    is_broken: bool,
    /// Frames on one connection do not overtake each other.
    up_free_at: Ms,
    down_free_at: Ms,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Opening,
    Playing { stay: u32 },
}

struct Chaos {
    rng: StdRng,
    room: Room<Chatty>,
    published: Option<Published>,
    shared: Shared,
    start: Instant,
    now: Ms,
    is_calm: bool,
    client: Client,
    pilot: Pilot,
    id: Option<ClientId>,
    session: Option<Session>,
    stay: u32,
    attachments: Vec<Attachment>,
    /// The attachment that the client was welcomed on last. It is listened to until there is a
    /// welcome on a newer one.
    welcomed: usize,
    happenings: BTreeMap<u64, (usize, Happening)>,
    due: BinaryHeap<Reverse<(Ms, u64)>>,
    next_happening: u64,
    messages: u32,
    sent: u32,
    outcome: Outcome,
}

/// Lets a client and a server send each other `messages` numbered messages on such a network.
pub fn run(seed: u64, messages: u32) -> Result<Outcome> {
    let start = Instant::now();
    let shared = Shared::of::<<Chatty as Game>::Protocol>();
    let rate = arena_shared::ArenaProtocol::TICK_RATE;
    let info = RoomInfo { name: String::new(), seed, tick_rate: rate };
    let mut chaos = Chaos {
        rng: StdRng::seed_from_u64(seed),
        room: Room::new(Arc::new(Chatty::new(messages, MESSAGES_PER_UPDATE)), info),
        published: None,
        client: Client::new(&shared, start),
        shared,
        start,
        now: 0,
        is_calm: false,
        pilot: Pilot::new(seed),
        id: None,
        session: None,
        stay: 0,
        attachments: Vec::new(),
        welcomed: 0,
        happenings: BTreeMap::new(),
        due: BinaryHeap::new(),
        next_happening: 0,
        messages,
        sent: 0,
        outcome: Outcome::default(),
    };
    chaos.play().with_context(|| format!("seed {seed} at {} ms", chaos.now))?;
    Ok(chaos.outcome)
}

impl Chaos {
    fn play(&mut self) -> Result<()> {
        self.open();
        let mut calm_since = None;
        while calm_since.is_none_or(|since| self.now < since + CALM_MS) {
            ensure!(self.now < LONGEST_MS, "not all has arrived: {:?}", self.progress());
            self.tick()?;
            let end = self.now + TICK_MS;
            self.carry_until(end)?;
            if calm_since.is_none() && self.is_done() {
                calm_since = Some(self.now);
                self.is_calm = true;
            }
        }
        if let Some(id) = self.id {
            let said = self.room.world().resource::<Said>();
            self.outcome.heard_by_server = said.heard.get(&id).cloned().unwrap_or_default();
        }
        self.outcome.attachments = self.attachments.len();
        Ok(())
    }

    fn is_done(&self) -> bool {
        let (up, down) = self.progress();
        up >= self.messages as usize
            && down >= self.messages as usize
            && self.client.is_all_acknowledged()
            && self.client.is_attached()
    }

    fn progress(&self) -> (usize, usize) {
        let said = self.room.world().resource::<Said>();
        let heard = self.id.and_then(|id| said.heard.get(&id)).map_or(0, Vec::len);
        (heard, self.outcome.heard_by_client.len())
    }

    fn moment(&self) -> Instant {
        self.start + Duration::from_millis(self.now)
    }

    fn chance(&mut self, chance: f64) -> bool {
        !self.is_calm && self.rng.random_bool(chance)
    }

    fn plan(&mut self, at: Ms, attachment: usize, happening: Happening) {
        let key = self.next_happening;
        self.next_happening += 1;
        self.happenings.insert(key, (attachment, happening));
        self.due.push(Reverse((at, key)));
    }

    fn tick(&mut self) -> Result<()> {
        let now = self.moment();
        let published = self.room.step(now);
        let tick = self.room.tick().get();
        for (_, body) in self.room.take_messages() {
            if let Some(session) = &mut self.session {
                session.push_message(encode(&ServerMessage::Game { tick, body }))?;
            }
        }
        self.published = Some(published);
        self.compose();
        let newest = self.attachments.len() - 1;
        let current = self.welcomed;
        if self.client.is_attached() {
            for _ in 0..MESSAGES_PER_UPDATE.min(self.messages - self.sent) {
                self.client.send(self.sent.to_le_bytes().to_vec())?;
                self.sent += 1;
            }
            let schema = Arc::clone(self.shared.schema());
            let controls = self.pilot.controls();
            let update =
                self.client.poll_update(|_, _| encode_record(&controls, &schema.input), now);
            self.send(current, update);
        }
        if self.chance(IMPATIENCE_CHANCE)
            && let Some(pending) = self.attachments[current].requester.pending_poll().cloned()
        {
            self.outcome.mishaps += 1;
            self.launch(current, Lane::Poll, &pending);
        }
        if self.chance(BREAK_CHANCE) {
            self.attachments[newest].is_broken = true;
            let at = self.now + self.rng.random_range(0..600);
            self.plan(at, newest, Happening::Noticed);
        } else if self.chance(MOVE_CHANCE) {
            self.open();
        }
        Ok(())
    }

    /// The client goes on over another rung, whatever became of the connection before.
    fn open(&mut self) {
        let rung = Rung::ALL[self.rng.random_range(0..Rung::ALL.len())];
        let kind = match rung {
            Rung::Poll => RequestKind::Poll,
            Rung::LongPoll | Rung::WebSocket => RequestKind::HeldPoll,
            Rung::Stream => RequestKind::Stream,
        };
        self.attachments.push(Attachment {
            rung,
            requester: Requester::new(self.rng.random(), kind),
            responder: Responder::default(),
            waiting: None,
            state: State::Opening,
            is_broken: false,
            up_free_at: self.now,
            down_free_at: self.now,
        });
        let hello = self.client.hello("", Pilot::join(self.shared.schema(), 1));
        self.send(self.attachments.len() - 1, hello);
    }

    fn carry_until(&mut self, end: Ms) -> Result<()> {
        while let Some(Reverse((at, key))) = self.due.peek().copied()
            && at < end
        {
            self.due.pop();
            self.now = self.now.max(at);
            let Some((attachment, happening)) = self.happenings.remove(&key) else { continue };
            self.handle(attachment, happening)?;
        }
        self.now = end;
        Ok(())
    }

    fn handle(&mut self, at: usize, happening: Happening) -> Result<()> {
        let is_newest = at + 1 == self.attachments.len();
        let is_current = is_newest || self.client.is_attached() && at == self.welcomed;
        let is_broken = self.attachments[at].is_broken;
        match happening {
            Happening::Noticed if is_newest => self.open(),
            Happening::FrameUp(frame) if !is_broken => self.hear(at, &frame)?,
            Happening::Request { lane, body, is_awaited } if !is_broken => {
                self.serve(at, lane, &body, is_awaited)?;
            }
            Happening::FrameDown(frame) if is_current && !is_broken => self.take(at, &frame)?,
            Happening::Answer { lane, number, body } if is_current && !is_broken => {
                self.handle_answer(at, lane, number, body)?;
            }
            Happening::PollDue if is_current && !is_broken => self.pump(at),
            _ => {}
        }
        Ok(())
    }

    // The client's end.

    fn send(&mut self, at: usize, frame: Vec<u8>) {
        if self.attachments[at].rung == Rung::WebSocket {
            let arrives = self.delay().max(self.attachments[at].up_free_at);
            self.attachments[at].up_free_at = arrives;
            self.plan(arrives, at, Happening::FrameUp(frame));
            return;
        }
        let is_first = self.attachments[at].state == State::Opening;
        self.attachments[at].requester.push(frame);
        // Polls at intervals come in their time.
        if self.attachments[at].rung != Rung::Poll || is_first {
            self.pump(at);
        }
    }

    fn pump(&mut self, at: usize) {
        let requester = &mut self.attachments[at].requester;
        let (poll, send) = (requester.poll_poll(), requester.poll_send());
        if let Some(pending) = poll {
            self.launch(at, Lane::Poll, &pending);
        }
        if let Some(pending) = send {
            self.launch(at, Lane::Send, &pending);
        }
    }

    fn launch(&mut self, at: usize, lane: Lane, pending: &Pending) {
        let body = pending.body.clone();
        if self.chance(REQUEST_LOST_CHANCE) {
            self.outcome.mishaps += 1;
            let answer = Happening::Answer { lane, number: pending.number, body: None };
            self.plan(self.now + REQUEST_TIMEOUT_MS, at, answer);
        } else {
            let arrives = self.delay();
            let request = Happening::Request { lane, body: body.clone(), is_awaited: true };
            self.plan(arrives, at, request);
        }
        if self.chance(REQUEST_TWICE_CHANCE) {
            self.outcome.mishaps += 1;
            let arrives = self.delay() + self.rng.random_range(0..1500);
            self.plan(arrives, at, Happening::Request { lane, body, is_awaited: false });
        }
    }

    fn handle_answer(
        &mut self,
        at: usize,
        lane: Lane,
        number: u32,
        body: Option<Vec<u8>>,
    ) -> Result<()> {
        let requester = &mut self.attachments[at].requester;
        let Some(body) = body else {
            let pending = match lane {
                Lane::Poll => requester.pending_poll().cloned(),
                Lane::Send => requester.pending_send().cloned(),
            };
            if let Some(pending) = pending.filter(|pending| pending.number == number) {
                self.launch(at, lane, &pending);
            }
            return Ok(());
        };
        match lane {
            Lane::Send => requester.handle_send_answered(number),
            Lane::Poll => {
                for frame in requester.handle_poll_answered(number, &body)? {
                    self.take(at, &frame)?;
                }
                if self.attachments[at].rung == Rung::Poll {
                    self.plan(self.now + POLL_INTERVAL_MS, at, Happening::PollDue);
                    return Ok(());
                }
            }
        }
        self.pump(at);
        Ok(())
    }

    fn take(&mut self, at: usize, frame: &[u8]) -> Result<()> {
        let now = self.moment();
        let is_newest = at + 1 == self.attachments.len();
        if at < self.welcomed {
            return Ok(());
        }
        match self.client.handle_frame(frame, now)? {
            Event::State(info) => {
                self.outcome.mismatches += u64::from(info.checksum == Some(false));
                let is_equal = info.checksum == Some(true);
                self.outcome.calm_matches += u64::from(is_equal && self.is_calm);
            }
            Event::Closed(close) => return Err(anyhow!("closed: {}", close.reason)),
            Event::Joined if is_newest => self.welcomed = at,
            Event::Joined => return Err(anyhow!("welcomed where no hello was said")),
            Event::Other => {}
        }
        let numbers = self.client.take_messages();
        let numbers = numbers.iter().map(|message| number(message).context("a message of ours"));
        for number in numbers.collect::<Result<Vec<_>>>()? {
            self.outcome.heard_by_client.push(number);
        }
        Ok(())
    }

    // The server's end.

    fn serve(&mut self, at: usize, lane: Lane, body: &[u8], is_awaited: bool) -> Result<()> {
        let request = decode_request(body.get(1..).unwrap_or_default())?;
        let number = request.number;
        if request.kind == RequestKind::Stream {
            // The stream itself is a connection: it comes once.
            let is_new = self.attachments[at].responder.handle_poll(1);
            if is_new == (Polled::Waits { is_new: true }) {
                for frame in &request.frames {
                    self.hear(at, frame)?;
                }
            }
            return Ok(());
        }
        match lane {
            Lane::Send => {
                match self.attachments[at].responder.handle_send(number) {
                    Admission::Next => {
                        for frame in &request.frames {
                            self.hear(at, frame)?;
                        }
                    }
                    Admission::Known => {}
                    Admission::Skipped => return Err(anyhow!("a send was skipped")),
                }
                if is_awaited {
                    self.answer(at, Lane::Send, number, Vec::new());
                }
            }
            Lane::Poll => match self.attachments[at].responder.handle_poll(number) {
                Polled::Answered(body) => {
                    if is_awaited {
                        self.answer(at, Lane::Poll, number, body);
                    }
                }
                Polled::Skipped => return Err(anyhow!("a poll was skipped")),
                Polled::Waits { is_new } => {
                    // The one before it ends, empty, as the shell does it: its client has either
                    // asked again, and then does not look at it, or it is lost.
                    self.attachments[at].waiting = is_awaited.then_some(number);
                    if is_new {
                        for frame in &request.frames {
                            self.hear(at, frame)?;
                        }
                    }
                    self.compose();
                    let is_held = self.attachments[at].rung == Rung::LongPoll;
                    if !is_held || self.attachments[at].responder.has_unsent() {
                        self.answer_poll(at);
                    }
                }
            },
        }
        Ok(())
    }

    fn answer_poll(&mut self, at: usize) {
        let attachment = &mut self.attachments[at];
        let Some(body) = attachment.responder.poll_answer() else { return };
        if let Some(number) = attachment.waiting.take() {
            self.answer(at, Lane::Poll, number, body);
        } else {
            // Whoever asked is gone; the client's own request is answered as lost.
            let number = attachment.requester.pending_poll().map(|pending| pending.number);
            if let Some(number) = number {
                let answer = Happening::Answer { lane: Lane::Poll, number, body: None };
                self.plan(self.now + REQUEST_TIMEOUT_MS, at, answer);
            }
        }
    }

    fn answer(&mut self, at: usize, lane: Lane, number: u32, body: Vec<u8>) {
        let is_lost = self.chance(ANSWER_LOST_CHANCE);
        self.outcome.mishaps += usize::from(is_lost);
        let arrives = if is_lost { self.now + REQUEST_TIMEOUT_MS } else { self.delay() };
        let body = (!is_lost).then_some(body);
        self.plan(arrives, at, Happening::Answer { lane, number, body });
    }

    fn hear(&mut self, at: usize, frame: &[u8]) -> Result<()> {
        let now = self.moment();
        if self.attachments[at].state == State::Opening {
            let schema = self.shared.schema();
            match read_opening(frame, schema.hash()) {
                Ok(Opening::Hello(hello)) => return self.greet(at, &hello),
                other => return Err(anyhow!("no hello: {other:?}")),
            }
        }
        if self.attachments[at].state != (State::Playing { stay: self.stay }) {
            // The session has moved on.
            return Ok(());
        }
        let Some(session) = &mut self.session else { return Ok(()) };
        let id = session.client();
        match session.handle_frame(frame, self.published.as_ref(), now) {
            Ok(Heard::Said { messages, inputs, delay }) => {
                for message in messages {
                    let ClientMessage::Game(message) = message else { continue };
                    self.room.message(id, &message);
                }
                for (tick, input) in inputs {
                    let _ = self.room.push_input(id, tick, &input, delay);
                }
                Ok(())
            }
            Ok(other) => Err(anyhow!("unexpected: {other:?}")),
            Err(reason) => Err(anyhow!("refused: {reason}")),
        }
    }

    fn greet(&mut self, at: usize, hello: &Hello) -> Result<()> {
        let is_resumed = !hello.session.is_empty();
        if is_resumed {
            let generation = u32::from_le_bytes(hello.session.as_slice().try_into()?);
            let session = self.session.as_mut().context("there is a session")?;
            if session.handle_token(generation).is_err() {
                // A hello from before the client moved on: whoever sent it does not listen.
                ensure!(at + 1 < self.attachments.len(), "the client's newest token is refused");
                return Ok(());
            }
        } else {
            // A welcome that got lost leaves somebody behind of whom nobody knows.
            if let Some(id) = self.id {
                self.room.leave(id);
            }
            let id = ClientId::new(at as u32 + 1);
            self.room.join(id, &hello.join, &Claims::default())?;
            self.id = Some(id);
            let schema = Arc::clone(self.shared.schema());
            self.session = Some(Session::new(schema, id, self.room.info().clone()));
        }
        let now = self.moment();
        let tick = self.room.tick();
        let session = self.session.as_mut().context("there is a session")?;
        let generation =
            session.attach(hello.acknowledged, now).map_err(|reason| anyhow!("{reason}"))?;
        let token = generation.to_le_bytes().to_vec();
        let welcome = session.welcome(tick, token, is_resumed);
        self.stay += 1;
        self.attachments[at].state = State::Playing { stay: self.stay };
        self.write(at, welcome);
        Ok(())
    }

    /// Composes a frame for the client where its connection can take one.
    fn compose(&mut self) {
        let now = self.moment();
        let stay = State::Playing { stay: self.stay };
        let Some(at) = self.attachments.iter().rposition(|one| one.state == stay) else { return };
        let attachment = &self.attachments[at];
        let is_polled = matches!(attachment.rung, Rung::LongPoll | Rung::Poll);
        if is_polled && !attachment.responder.is_waiting() {
            return;
        }
        let (Some(session), Some(published)) = (&mut self.session, &self.published) else { return };
        if let Some(frame) = session.poll_frame(published, now) {
            self.write(at, frame);
        }
    }

    fn write(&mut self, at: usize, frame: Vec<u8>) {
        if matches!(self.attachments[at].rung, Rung::LongPoll | Rung::Poll) {
            self.attachments[at].responder.push(&frame);
            self.answer_poll(at);
        } else {
            let arrives = self.delay().max(self.attachments[at].down_free_at);
            self.attachments[at].down_free_at = arrives;
            self.plan(arrives, at, Happening::FrameDown(frame));
        }
    }

    /// When something that leaves now arrives.
    fn delay(&mut self) -> Ms {
        self.now + self.rng.random_range(2..90)
    }
}
