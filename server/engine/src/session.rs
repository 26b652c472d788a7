//! A client's life on the server, without a socket or a clock of its own.
//!
//! A session outlives its connections: a transport is attached to it for a while, is lost, and
//! another takes its place. What belongs to one such stay is an `Attachment`; what has to
//! survive it is here: who the client is, and the messages that it must get once and in order.
//!
//! The shell (`net`) hands over frames and moments, and carries out what comes back.

use std::{sync::Arc, time::Instant};

use tickwire_shared::{
    ClientId, CloseReason, DecodeError, Schema, Tick,
    codec::{decode_client, encode},
    limits::{
        INPUT_BYTES_MAX, INPUT_TICKS_AHEAD_MAX, INPUT_TICKS_BEHIND_MAX, INPUTS_PER_FRAME_MAX,
        JOIN_BYTES_MAX, MESSAGE_BYTES_MAX, MESSAGES_PER_FRAME_MAX, REPORT_BYTES_MAX,
        ROOM_NAME_BYTES_MAX, SESSION_TOKEN_BYTES_MAX, TOKEN_BYTES_MAX,
    },
    messages::{
        ClientFrame, ClientMessage, ClientUpdate, Close, Hello, Sequence, ServerFrame,
        ServerUpdate, Welcome,
    },
    record::Values,
    reliable::{ReliableReceiver, ReliableSender, SenderFull},
};

use crate::{
    attachment::Attachment,
    game::RoomInfo,
    limits::{MESSAGES_FRAME_BYTES_MAX, UNACKNOWLEDGED_BYTES_MAX},
    replication::{Delay, Desync},
    room::Published,
};

/// A client's life on the server.
#[derive(Debug)]
pub struct Session {
    schema: Arc<Schema>,
    client: ClientId,
    room: RoomInfo,
    sender: ReliableSender,
    receiver: ReliableReceiver,
    attachment: Option<Box<Attachment>>,
    generations: Generations,
}

/// How often the session was attached to, which its tokens say.
#[derive(Clone, Copy, Debug, Default)]
struct Generations {
    /// Of the newest token. The client may not have it: a welcome can get lost.
    issued: u32,
    /// Of the newest token that the client has shown to have.
    confirmed: u32,
}

/// The first word on a new attachment.
#[derive(Debug)]
pub enum Opening {
    /// A client introduces itself.
    Hello(Hello),
    /// To be answered with this frame; the hello is still to come.
    Probe(Vec<u8>),
    /// It has thought better of it.
    Leave,
}

/// What a frame from the client asks of the shell.
#[derive(Debug)]
pub enum Heard {
    /// Pass these to the room, in this order.
    Said {
        /// Reliable messages.
        messages: Vec<ClientMessage>,
        /// Inputs, each for its tick.
        inputs: Vec<(Tick, Vec<u8>)>,
        /// How far in the past the client saw others as it made them, as far as that is believed.
        delay: Option<Delay>,
    },
    /// The client leaves for good.
    Leave,
    /// The client ends the attachment and means to be back.
    Away,
}

/// A session token that was overtaken: somebody has used a newer one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a newer token of this session was used")]
pub struct TokenOvertaken;

/// Reads the first word on a new attachment.
pub fn read_opening(bytes: &[u8], protocol: u64) -> Result<Opening, CloseReason> {
    match read_frame(bytes)? {
        ClientFrame::Hello(hello) => {
            check_hello(&hello, protocol)?;
            Ok(Opening::Hello(hello))
        }
        ClientFrame::Probe(number) => Ok(Opening::Probe(encode(&ServerFrame::Probe(number)))),
        ClientFrame::Leave | ClientFrame::Away => Ok(Opening::Leave),
        ClientFrame::Update(_) => Err(CloseReason::UnexpectedFrame),
    }
}

/// Whether nothing comes after this frame: the client leaves, or its page goes away.
pub fn is_last_word(bytes: &[u8]) -> bool {
    matches!(read_frame(bytes), Ok(ClientFrame::Leave | ClientFrame::Away))
}

/// The frame that says that it is the end.
pub fn write_close(close: &Close) -> Vec<u8> {
    encode(&ServerFrame::Close(close.clone()))
}

impl Session {
    /// Of a client whom `room` has let in. Nothing is attached to it.
    pub fn new(schema: Arc<Schema>, client: ClientId, room: RoomInfo) -> Self {
        Self {
            schema,
            client,
            room,
            sender: ReliableSender::new(UNACKNOWLEDGED_BYTES_MAX),
            receiver: ReliableReceiver::default(),
            attachment: None,
            generations: Generations::default(),
        }
    }

    /// Who it is.
    pub const fn client(&self) -> ClientId {
        self.client
    }

    /// What its room was made from.
    pub const fn room(&self) -> &RoomInfo {
        &self.room
    }

    /// A new transport begins with a fresh view of the world, and with all messages that were not
    /// acknowledged. `acknowledged` is what the client has received. Returns the generation for
    /// the token in the welcome.
    pub fn attach(&mut self, acknowledged: Sequence, now: Instant) -> Result<u32, CloseReason> {
        let unsent = |_| CloseReason::UnexpectedFrame;
        self.sender.handle_acknowledged(acknowledged).map_err(unsent)?;
        self.sender.handle_attached();
        self.attachment = Some(Box::new(Attachment::new(self.room.tick_rate, now)));
        self.generations.issued = self.generations.issued.wrapping_add(1);
        Ok(self.generations.issued)
    }

    /// The transport is gone. What belonged to it is given up.
    pub fn detach(&mut self) {
        self.attachment = None;
    }

    /// Whether a transport is attached.
    pub const fn is_attached(&self) -> bool {
        self.attachment.is_some()
    }

    /// A token of this generation is shown by somebody who wants to go on with the session.
    pub fn handle_token(&mut self, generation: u32) -> Result<(), TokenOvertaken> {
        let Generations { issued, confirmed } = self.generations;
        let is_good = generation.wrapping_sub(confirmed) <= issued.wrapping_sub(confirmed);
        if !is_good {
            return Err(TokenOvertaken);
        }
        self.generations.confirmed = generation;
        Ok(())
    }

    /// The first frame to a client that has just been attached.
    pub fn welcome(&self, tick: Tick, token: Vec<u8>, is_resumed: bool) -> Vec<u8> {
        encode(&ServerFrame::Welcome(Welcome {
            client: self.client.get(),
            tick_rate: self.room.tick_rate,
            tick: tick.get(),
            room: self.room.name.clone(),
            session: token,
            is_resumed,
            acknowledged: self.receiver.acknowledged(),
        }))
    }

    /// Takes a frame from the client. `published` is what its room showed last.
    pub fn handle_frame(
        &mut self,
        bytes: &[u8],
        published: Option<&Published>,
        now: Instant,
    ) -> Result<Heard, CloseReason> {
        let attachment = self.attachment.as_mut().ok_or(CloseReason::UnexpectedFrame)?;
        attachment.handle_heard(now)?;
        match read_frame(bytes)? {
            ClientFrame::Update(update) => self.handle_update(update, published, now),
            ClientFrame::Leave => Ok(Heard::Leave),
            ClientFrame::Away => Ok(Heard::Away),
            ClientFrame::Hello(_) | ClientFrame::Probe(_) => Err(CloseReason::UnexpectedFrame),
        }
    }

    /// Something came from the client that is no frame: a poll.
    pub fn handle_alive(&mut self, now: Instant) -> Result<(), CloseReason> {
        self.attachment.as_mut().map_or(Ok(()), |attachment| attachment.handle_heard(now))
    }

    /// Takes a reliable message to the client.
    pub fn push_message(&mut self, message: Vec<u8>) -> Result<(), SenderFull> {
        self.sender.push(message)
    }

    /// Bytes of reliable messages that wait for the client's acknowledgement.
    pub const fn unacknowledged_bytes(&self) -> usize {
        self.sender.waiting_bytes()
    }

    /// The next frame to the client; `None` when it is not ready for one or there is nothing to
    /// say. To be called only with nothing unwritten.
    pub fn poll_frame(&mut self, published: &Published, now: Instant) -> Option<Vec<u8>> {
        let attachment = self.attachment.as_mut()?;
        let (first_message, messages) = self.sender.poll_messages(MESSAGES_FRAME_BYTES_MAX);
        let message_bytes = messages.iter().map(Vec::len).sum();
        let state = attachment.poll_state(self.client, published, message_bytes, now);
        let acknowledged = self.receiver.acknowledged();
        let is_owed = attachment.owes_acknowledgement(acknowledged) || attachment.is_silent(now);
        if state.is_empty() && messages.is_empty() && !is_owed {
            // A stamp waits for the next frame: how long it waited is said with it.
            return None;
        }
        let clock = attachment.handle_spoken(acknowledged, published, self.room.tick_rate, now);
        let update = ServerUpdate { acknowledged, clock, first_message, messages, state };
        Some(encode(&ServerFrame::Update(update)))
    }

    /// Whether no frame will be due before something comes from the client or changes in the
    /// world. `is_still`: nothing has changed there.
    pub fn is_quiet(&self, is_still: bool) -> bool {
        self.attachment.as_ref().is_none_or(|one| is_still || !one.is_ready())
    }

    /// The client's world was not what it should have been: what differed, where that is known.
    pub fn poll_desync(&mut self) -> Option<Option<Desync>> {
        self.attachment.as_mut()?.poll_desync()
    }

    /// Whether nothing was heard on the attachment for too long.
    pub fn is_timed_out(&self, now: Instant) -> bool {
        self.attachment.as_ref().is_some_and(|attachment| attachment.is_timed_out(now))
    }

    /// Memory that the session holds for its client's view, in bytes.
    pub fn view_bytes(&self) -> usize {
        self.attachment.as_ref().map_or(0, |attachment| attachment.view_bytes())
    }

    fn handle_update(
        &mut self,
        update: ClientUpdate,
        published: Option<&Published>,
        now: Instant,
    ) -> Result<Heard, CloseReason> {
        check_lengths(&update)?;
        self.generations.confirmed = self.generations.issued;
        let unexpected = |_| CloseReason::UnexpectedFrame;
        self.sender.handle_acknowledged(update.acknowledged).map_err(unexpected)?;
        if let Some(attachment) = &mut self.attachment {
            attachment.handle_update(&update, published, now);
        }
        let delay = self.attachment.as_ref().zip(published).and_then(|(attachment, published)| {
            attachment.delay(&update, published, self.room.tick_rate, now)
        });
        let messages = self
            .receiver
            .handle_messages(update.first_message, update.messages)
            .map_err(|_| CloseReason::UnexpectedFrame)?;
        let messages = messages.iter().map(|message| decode_client(message));
        let messages =
            messages.collect::<Result<_, _>>().map_err(|_| CloseReason::MalformedFrame)?;
        let room_tick = published.map_or_else(Tick::default, |published| published.tick);
        let mut inputs = Vec::with_capacity(update.inputs.len());
        for (offset, bytes) in (0..).zip(update.inputs) {
            let tick = Tick::new(update.first_input).plus(offset);
            check_input_tick(tick, room_tick)?;
            Values::decode(&bytes, &self.schema.input).map_err(|_| CloseReason::InputOutOfRange)?;
            inputs.push((tick, bytes));
        }
        Ok(Heard::Said { messages, inputs, delay })
    }
}

fn read_frame(bytes: &[u8]) -> Result<ClientFrame, CloseReason> {
    decode_client(bytes).map_err(|error| match error {
        DecodeError::TooLarge { .. } => CloseReason::FrameTooLarge,
        _ => CloseReason::MalformedFrame,
    })
}

fn check_hello(hello: &Hello, protocol: u64) -> Result<(), CloseReason> {
    let is_long = hello.room.len() > ROOM_NAME_BYTES_MAX
        || hello.token.len() > TOKEN_BYTES_MAX
        || hello.session.len() > SESSION_TOKEN_BYTES_MAX
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
        || update.messages.iter().any(|message| message.len() > MESSAGE_BYTES_MAX)
        || update.report.len() > REPORT_BYTES_MAX;
    if is_long { Err(CloseReason::FrameTooLarge) } else { Ok(()) }
}

fn check_input_tick(tick: Tick, room_tick: Tick) -> Result<(), CloseReason> {
    let ahead = i64::from(tick.since(room_tick));
    // One more than the room allows: it may have made a tick since.
    let allowed = -i64::from(INPUT_TICKS_BEHIND_MAX)..=i64::from(INPUT_TICKS_AHEAD_MAX) + 1;
    if allowed.contains(&ahead) { Ok(()) } else { Err(CloseReason::InputTickOutOfRange) }
}
