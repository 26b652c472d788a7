//! A player: a session, its place in a room, and the transport that is attached for now.
//!
//! Three parties touch it: whoever brings frames from the client, the room's worker, which comes
//! by once per tick with the new world, and the one who ends it. The lock between them is held
//! for one frame at most.
//!
//! # Parts
//! - `inner`: what is under the lock. `seat`: what it takes up in a room.
//! - `identity`: who it is, as its connection token says.

mod identity;
mod inner;
mod seat;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Instant, SystemTime},
};

use rand::random;
use tickwire_shared::{
    ClientId, CloseReason, Tick,
    codec::encode,
    messages::{ClientMessage, Close, Sequence, ServerMessage},
};

use self::{
    identity::Identity,
    inner::{Inner, State},
};
pub(crate) use self::{
    identity::player_identity,
    seat::{Absence, Seat},
};
use super::{link::Link, tokens::Tokens};
use crate::{
    bridge::{Mailbox, RoomHandle, RoomMessage},
    channels::{Moment, SessionChannels},
    connection_token::ConnectionToken,
    metrics,
    replication::Delay,
    room::Published,
    session::{Heard, Session, write_close},
    session_token::{SessionKeys, SessionToken},
};

/// A player.
#[derive(Debug)]
pub(crate) struct Player {
    id: u64,
    client: ClientId,
    room: RoomHandle,
    mailbox: Arc<Mailbox>,
    absence: Absence,
    tokens: Arc<Tokens>,
    inner: Mutex<Inner>,
}

/// What a visit has come to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Visit {
    /// The next tick may bring a frame.
    Busy,
    /// It will not, unless there are news or the world changes.
    Quiet,
    /// Nothing more will come of the player.
    Over,
}

/// How a client gets its token.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signer<'a> {
    pub(crate) keys: &'a SessionKeys,
    pub(crate) node: u32,
}

impl Player {
    /// Of a session that nothing is attached to.
    pub(crate) fn new(
        session: Session,
        seat: Seat,
        mailbox: Arc<Mailbox>,
        absence: Absence,
        tokens: Arc<Tokens>,
        token: &ConnectionToken,
        channels: SessionChannels,
    ) -> Self {
        channels.subscriber().wake(Arc::clone(&mailbox).into());
        let (client, room) = (seat.client, seat.room.clone());
        let identity = Identity::of(token, Instant::now());
        let (state, seat) = (State::New, Some(seat));
        let inner = Inner { session, state, seat, stay: 0, identity, channels };
        let id = random();
        Self { id, client, room, mailbox, absence, tokens, inner: Mutex::new(inner) }
    }

    pub(crate) const fn id(&self) -> u64 {
        self.id
    }

    pub(crate) const fn room(&self) -> &RoomHandle {
        &self.room
    }

    /// Who it is.
    pub(crate) const fn client(&self) -> ClientId {
        self.client
    }

    /// Attaches a transport in place of the one before, and welcomes the client. Returns the
    /// number of this stay.
    pub(crate) fn attach(
        &self,
        link: &Arc<dyn Link>,
        acknowledged: Sequence,
        signer: Signer<'_>,
        is_resumed: bool,
    ) -> Result<u64, CloseReason> {
        let mut inner = self.lock();
        if matches!(inner.state, State::Over) {
            return Err(CloseReason::SessionRefused);
        }
        let generation = inner.session.attach(acknowledged, Instant::now())?;
        let token = SessionToken { node: signer.node, session: self.id, generation };
        let token = signer.keys.sign(token, SystemTime::now());
        let tick = self.room().published().map_or_else(Tick::default, |published| published.tick);
        let welcome = inner.session.welcome(tick, token, is_resumed);
        metrics::session_began(link.transport().name());
        let before = std::mem::replace(&mut inner.state, State::Attached(Arc::clone(link)));
        if let State::Attached(before) = before {
            metrics::session_ended(before.transport().name());
            before.close(&Close::because(CloseReason::TakenOver));
        }
        inner.stay += 1;
        self.mailbox.note_news();
        self.tell_expiry(&inner.identity);
        write(link.as_ref(), welcome);
        Ok(inner.stay)
    }

    /// A token of this generation is shown by somebody who wants to go on with the session.
    pub(crate) fn handle_token(&self, generation: u32) -> Result<(), CloseReason> {
        let mut inner = self.lock();
        inner.session.handle_token(generation).map_err(|_| CloseReason::SessionRefused)
    }

    /// Whether this is the user, the client, or both where both are named.
    pub(crate) fn is_meant(&self, user: &str, client: &str) -> bool {
        (user.is_empty() || self.lock().identity.subject == user)
            && (client.is_empty() || client == self.client.get().to_string())
    }

    /// Whether the connection token has run out.
    pub(crate) fn is_expired(&self) -> bool {
        self.lock().identity.is_expired(Instant::now())
    }

    /// The client has shown a newer connection token, which is good.
    pub(crate) fn handle_connection_token(
        &self,
        token: &ConnectionToken,
    ) -> Result<(), CloseReason> {
        let mut inner = self.lock();
        if inner.identity.subject != token.claims.subject {
            return Err(CloseReason::TokenRefused);
        }
        inner.identity = Identity::of(token, Instant::now());
        let name = inner.channels.subscriber().identity().member.name.clone();
        inner.channels.set_identity(player_identity(self.client, &token.claims, name));
        Ok(())
    }

    /// Takes a frame from the client.
    pub(crate) fn handle_frame(self: &Arc<Self>, stay: u64, bytes: &[u8]) {
        self.mailbox.note_news();
        let mut inner = self.lock();
        if inner.stay != stay || !matches!(inner.state, State::Attached(_)) {
            return;
        }
        metrics::frame_received(bytes.len());
        if let Err(full) = self.room().admit(self.client) {
            // None of it counts as received, so that nothing is lost when the client comes back.
            tracing::debug!(client = %self.client, %full, "refused");
            return inner.refuse(full.close_reason(), &self.absence);
        }
        let published = self.room().published();
        let heard = inner.session.handle_frame(bytes, published.as_deref(), Instant::now());
        if let Some(desync) = inner.session.poll_desync() {
            metrics::desync();
            let what = desync.map_or_else(
                || String::from("replica differs, in what is not known any more"),
                |desync| desync.to_string(),
            );
            tracing::warn!(client = %self.client, "{what}");
        }
        match heard {
            Ok(Heard::Said { messages, inputs, delay }) => {
                self.say(&mut inner, messages, inputs, delay);
            }
            Ok(Heard::Leave) => inner.end(&Close::because(CloseReason::Left)),
            Ok(Heard::Away) => inner.detach(None, &self.absence),
            Err(reason) => {
                tracing::debug!(client = %self.client, %reason, "refused");
                inner.refuse(reason, &self.absence);
            }
        }
    }

    /// Something came from the client that is no frame: a poll.
    pub(crate) fn handle_alive(&self, stay: u64) {
        self.mailbox.note_news();
        let mut inner = self.lock();
        if inner.stay == stay
            && let Err(reason) = inner.session.handle_alive(Instant::now())
        {
            inner.refuse(reason, &self.absence);
        }
    }

    /// The client does not keep to what its transport is for.
    pub(crate) fn handle_misuse(&self, stay: u64, reason: CloseReason) {
        let mut inner = self.lock();
        if inner.stay == stay {
            tracing::debug!(client = %self.client, %reason, "refused");
            inner.refuse(reason, &self.absence);
        }
    }

    /// Where news for the player are noted.
    pub(crate) const fn mailbox(&self) -> &Arc<Mailbox> {
        &self.mailbox
    }

    /// Composes and writes a frame if the session is ready for one. Called by the worker, once
    /// per tick unless nothing is to be expected, and by a poll as it comes. `is_still`: the world
    /// is as it was at the visit before.
    pub(crate) fn handle_tick(&self, published: &Published, is_still: bool, now: Instant) -> Visit {
        let mail = self.mailbox.take();
        let end = self.mailbox.take_end();
        let mut inner = self.lock();
        if let Some(close) = end {
            inner.end(&close);
            return Visit::Over;
        }
        let mail = mail.and_then(|messages| {
            messages.into_iter().try_for_each(|message| inner.session.push_message(message))
        });
        if mail.is_err() {
            // It must not miss one, and does not take them in.
            inner.end(&Close::because(CloseReason::TooSlow));
            return Visit::Over;
        }
        match &inner.state {
            State::Attached(link) => {
                let link = Arc::clone(link);
                if link.handle_tick(now) {
                    inner.detach(Some(CloseReason::TooSlow), &self.absence);
                } else if inner.session.is_timed_out(now) {
                    inner.detach(Some(CloseReason::IdleTimeout), &self.absence);
                } else if inner.identity.is_over(now) {
                    inner.detach(Some(CloseReason::TokenExpired), &self.absence);
                } else if !link.is_ready() {
                    // A poll that comes is news; what is unwritten is looked after.
                } else if inner.take_channel_messages().is_err() {
                    inner.end(&Close::because(CloseReason::TooSlow));
                    return Visit::Over;
                } else if let Some(frame) = inner.session.poll_frame(published, now) {
                    write(link.as_ref(), frame);
                } else if inner.session.is_quiet(is_still) {
                    return Visit::Quiet;
                }
                Visit::Busy
            }
            State::Away { since, .. } => {
                if now.saturating_duration_since(*since) >= self.absence.grace {
                    inner.over();
                    return Visit::Over;
                }
                Visit::Quiet
            }
            State::New => Visit::Busy,
            State::Over => Visit::Over,
        }
    }

    /// The transport of this stay is gone.
    pub(crate) fn handle_detached(&self, stay: u64) {
        let mut inner = self.lock();
        if inner.stay == stay && matches!(inner.state, State::Attached(_)) {
            inner.detach(None, &self.absence);
        }
    }

    /// Ends the player's life here.
    pub(crate) fn end(&self, close: &Close) {
        self.lock().end(close);
    }

    /// Whether the transport of this stay is still attached.
    pub(crate) fn is_attached(&self, stay: u64) -> bool {
        let inner = self.lock();
        inner.stay == stay && matches!(inner.state, State::Attached(_))
    }

    /// Whether it is over: nothing more will come of it.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.lock().state, State::Over)
    }

    fn say(
        self: &Arc<Self>,
        inner: &mut Inner,
        messages: Vec<ClientMessage>,
        inputs: Vec<(Tick, Vec<u8>)>,
        delay: Option<Delay>,
    ) {
        let client = self.client;
        let room = self.room();
        for message in messages {
            match message {
                ClientMessage::Game(message) => room.push(RoomMessage::Message { client, message }),
                ClientMessage::Token(_) if inner.identity.is_refreshing => {
                    return inner.refuse(CloseReason::TooFast, &self.absence);
                }
                ClientMessage::Token(token) => {
                    inner.identity.is_refreshing = true;
                    tokio::spawn(Arc::clone(self).refresh(token));
                }
                ClientMessage::Channel(asked) => {
                    let answer = inner.channels.handle_request(asked, Moment::now());
                    if inner.session.push_message(answer).is_err() {
                        return inner.end(&Close::because(CloseReason::TooSlow));
                    }
                }
            }
        }
        for (tick, input) in inputs {
            room.push(RoomMessage::Input { client, tick, input, delay });
        }
    }

    /// Looks at a newer connection token.
    async fn refresh(self: Arc<Self>, token: String) {
        let token = self.tokens.admit(&token).await;
        match token.and_then(|token| self.handle_connection_token(&token)) {
            Ok(()) => self.tell_expiry(&self.lock().identity),
            Err(reason) => {
                tracing::debug!(client = %self.client, %reason, "refused");
                self.lock().refuse(reason, &self.absence);
            }
        }
    }

    /// Tells the client for how long its connection token is good.
    fn tell_expiry(&self, identity: &Identity) {
        if let Some(seconds) = identity.seconds_left(Instant::now()) {
            self.mailbox.push(encode(&ServerMessage::Token { seconds }));
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn write(link: &dyn Link, frame: Vec<u8>) {
    metrics::frame_sent(link.transport().name(), frame.len());
    link.write(frame);
}

impl Drop for Player {
    fn drop(&mut self) {
        self.lock().end(&Close::because(CloseReason::ServerError));
    }
}

/// The last frame, and the code and text of it for transports that have a place for these.
pub(crate) fn farewell(close: &Close) -> (Vec<u8>, u16, String) {
    let text = if close.sentence.is_empty() { close.reason.sentence() } else { &close.sentence };
    (write_close(close), close.reason.code(), String::from(text))
}
