//! Every bound that both ends keep, with its reason.
//!
//! Bounds on the server's own queues are in `limits.rs` of the server crate.

/// Longest frame that a client may send, in bytes: a hello with a long token, or a second of
/// inputs. Anything larger is an attack or a bug.
pub const CLIENT_FRAME_BYTES_MAX: usize = 16 * 1024;

/// Longest frame that a server sends, in bytes: the first view of a world with thousands of
/// entities, with a wide margin.
pub const SERVER_FRAME_BYTES_MAX: usize = 1024 * 1024;

/// Most inputs in one frame: what a client gathers while a poll of one second is under way at
/// 60 Hz.
pub const INPUTS_PER_FRAME_MAX: usize = 64;

/// Longest encoding of one input, in bytes.
pub const INPUT_BYTES_MAX: usize = 256;

/// Most reliable messages in one frame.
pub const MESSAGES_PER_FRAME_MAX: usize = 64;

/// Bytes of reliable messages after which a client's frame is full: its other parts must fit
/// beside them.
pub const MESSAGES_BYTES_PER_CLIENT_FRAME_MAX: usize = 6 * 1024;

/// Longest reliable message, in bytes.
pub const MESSAGE_BYTES_MAX: usize = 4 * 1024;

/// Longest encoding of a join request (name, colour …), in bytes.
pub const JOIN_BYTES_MAX: usize = 1024;

/// Longest room name, in bytes.
pub const ROOM_NAME_BYTES_MAX: usize = 64;

/// Longest connection token, in bytes: a JWT with a fair number of claims, and a reliable message
/// with some bytes to spare, since that is how a new one is shown.
pub const TOKEN_BYTES_MAX: usize = MESSAGE_BYTES_MAX - 16;

/// Longest session token, in bytes.
pub const SESSION_TOKEN_BYTES_MAX: usize = 128;

/// Longest body of a request over HTTP, in bytes: what a client gathers while its last request is
/// under way. The text form takes a third more.
pub const REQUEST_BYTES_MAX: usize = 64 * 1024;

/// Most frames in one request over HTTP.
pub const REQUEST_FRAMES_MAX: usize = 128;

/// How far ahead of the room's tick an input may be, in ticks. Clients aim one or two ticks
/// ahead; two seconds at 20 Hz covers a client whose clock is just settling.
pub const INPUT_TICKS_AHEAD_MAX: u32 = 40;

/// How far behind the room's tick an input may be, in ticks, before it is called nonsense
/// rather than late. A minute at 20 Hz: longer stalls lose the connection anyway.
pub const INPUT_TICKS_BEHIND_MAX: u32 = 1200;

/// Most replicated entities in one room: what the 16-bit row of a `NetId` can name, with the
/// last kept for "none".
pub const ENTITIES_MAX: usize = u16::MAX as usize;

/// Most component types in a schema: their presence travels as a 64-bit mask.
pub const COMPONENTS_MAX: usize = 64;

/// Longest variable-length field (text or list), in elements.
pub const SEQUENCE_LEN_MAX: usize = 1024;

/// Most symbols in one state frame. A symbol may cost nearly nothing, so that bytes alone bound
/// neither a decoder's time nor its memory; the first view of 5,000 entities takes 200,000.
pub const FRAME_SYMBOLS_MAX: u32 = 1 << 22;

/// Most codes in all texts and lists of a replica: 16 MiB.
pub const REPLICA_SEQUENCE_CODES_MAX: usize = 1 << 22;

/// Most codes in all lanes of a replica, of the present, the state before and the one that is
/// being made: 64 MiB.
pub const REPLICA_CODES_MAX: usize = 1 << 24;

/// Most events in one state frame.
pub const EVENTS_PER_FRAME_MAX: usize = 4096;

/// Longest report of what a replica holds, in bytes. Half of a client frame: the frame's other
/// parts must fit beside it, [`MESSAGES_BYTES_PER_CLIENT_FRAME_MAX`] among them.
pub const REPORT_BYTES_MAX: usize = 8 * 1024;
