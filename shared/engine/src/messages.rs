//! What travels: one enum per direction.
//!
//! A *frame* is one unit on a transport; *messages* inside it are reliable and numbered. State
//! and inputs are neither: they name their tick, and are only ever superseded.
//!
//! A client opens each attachment with [`ClientFrame::Hello`] and hears [`ServerFrame::Welcome`]
//! or [`ServerFrame::Close`]. From then on both sides exchange updates until one closes. Over
//! HTTP, frames travel as [`crate::exchange`] says.

pub mod channels;

use alloc::{string::String, vec::Vec};

use bincode::{Decode, Encode};

use self::channels::{ChannelMessage, ChannelRequest};
use crate::close_reason::CloseReason;

/// The number of a reliable message, counted from 1 in each direction. 0 acknowledges nothing.
pub type Sequence = u32;

/// One unit from client to server.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub enum ClientFrame {
    /// The first frame on a new attachment.
    Hello(Hello),
    /// Everything after it.
    Update(ClientUpdate),
    /// The player leaves for good.
    Leave,
    /// Is anybody there? Before the hello only: the server sends the number back, which proves
    /// the way in both directions before a session moves to it.
    Probe(u32),
    /// This attachment ends, and the player means to be back: a page is unloaded, say.
    Away,
}

/// A client introduces itself.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Hello {
    /// Hash of the schema that the client was built against: [`crate::Schema::hash`].
    pub protocol: u64,
    /// Which room. Empty: the server's default room.
    pub room: String,
    /// Connection token; may be empty where the server allows anonymous play.
    pub token: String,
    /// The game's join request, encoded as its record. Used only where nothing is resumed.
    pub join: Vec<u8>,
    /// Session token of the newest [`Welcome`], to go on with that session; empty to begin one.
    pub session: Vec<u8>,
    /// Highest reliable message of that session received without a gap.
    pub acknowledged: Sequence,
}

/// What a playing client has to say.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode)]
pub struct ClientUpdate {
    /// Highest reliable message received without a gap.
    pub acknowledged: Sequence,
    /// Tick of the newest state that the client's application has taken in; 0 before the first.
    pub seen: u32,
    /// Tick that the client's pictures of what others do show as the newest of `inputs` is made;
    /// 0, with a fraction of 0, where there is none. Each input before that one saw a tick less.
    pub shown: u32,
    /// How far beyond that tick the pictures are, in 1/256 of a tick.
    pub shown_fraction: u8,
    /// Client's clock when this frame was made, in milliseconds modulo 2³²; the server echoes
    /// it, which gives the client a clock sample. `None` when no sample is wanted.
    pub stamp_ms: Option<u32>,
    /// Tick that the first of `inputs` is meant for; the rest are for the ticks after it.
    pub first_input: u32,
    /// Inputs, each encoded as the game's input record.
    pub inputs: Vec<Vec<u8>>,
    /// Number of the first of `messages`; the rest follow on.
    pub first_message: Sequence,
    /// Reliable messages.
    pub messages: Vec<Vec<u8>>,
    /// What the replica holds, sent once after a checksum that did not match; else empty. See
    /// [`crate::replication::Replica::report`].
    pub report: Vec<u8>,
}

/// One unit from server to client.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub enum ServerFrame {
    /// The hello was accepted.
    Welcome(Welcome),
    /// State, reliable messages, a clock echo: whatever there is.
    Update(ServerUpdate),
    /// The session ends. The transport is closed with the same code.
    Close(Close),
    /// The answer to [`ClientFrame::Probe`].
    Probe(u32),
}

/// What a client needs to know before the first state.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Welcome {
    /// The client's own number.
    pub client: u32,
    /// Ticks per second of the room.
    pub tick_rate: u16,
    /// The room's tick as this frame was made.
    pub tick: u32,
    /// Name of the room that was joined.
    pub room: String,
    /// Session token: whoever shows it goes on with this session. A secret, new at each welcome;
    /// the ones before it lose their worth as soon as this one is used.
    pub session: Vec<u8>,
    /// Whether the session goes on that the hello named. If not, this is a new player, and
    /// messages are numbered from 1 again in both directions.
    pub is_resumed: bool,
    /// Highest reliable message received without a gap.
    pub acknowledged: Sequence,
}

/// What a playing client is told.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode)]
pub struct ServerUpdate {
    /// Highest reliable message received without a gap.
    pub acknowledged: Sequence,
    /// Echo of the newest stamp, for the client's clock.
    pub clock: Option<ClockEcho>,
    /// Number of the first of `messages`; the rest follow on.
    pub first_message: Sequence,
    /// Reliable messages.
    pub messages: Vec<Vec<u8>>,
    /// A state frame, or empty: see [`crate::replication`].
    pub state: Vec<u8>,
}

/// A reliable message from a client.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub enum ClientMessage {
    /// For the game, as the client wrote it.
    Game(Vec<u8>),
    /// A new connection token, before the one in use runs out.
    Token(String),
    /// About a channel.
    Channel(ChannelRequest),
}

/// A reliable message from a server.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub enum ServerMessage {
    /// From the game, at this tick.
    Game {
        /// Tick in which it was sent.
        tick: u32,
        /// As the game wrote it.
        body: Vec<u8>,
    },
    /// The connection token is good for so long; said after each one that runs out.
    Token {
        /// Seconds from now.
        seconds: u32,
    },
    /// About a channel.
    Channel(ChannelMessage),
}

/// Lets a client place its clock beside the server's.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub struct ClockEcho {
    /// [`ClientUpdate::stamp_ms`] as it came.
    pub stamp_ms: u32,
    /// How long the stamp waited on the server, in milliseconds.
    pub held_ms: u32,
    /// The room's tick as this frame was made.
    pub tick: u32,
    /// How far into that tick, in 1/65536 of a tick.
    pub tick_fraction: u16,
}

/// The end, and why.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Close {
    /// Why.
    pub reason: CloseReason,
    /// The game's or server's own sentence, shown instead of the reason's when not empty.
    pub sentence: String,
    /// For [`crate::close_reason::Advice::ComeBack`]: when, in milliseconds from now.
    pub retry_after_ms: u32,
}

impl Close {
    /// Closes for `reason`, with nothing to add to it.
    pub const fn because(reason: CloseReason) -> Self {
        Self { reason, sentence: String::new(), retry_after_ms: 0 }
    }
}
