//! Every bound that the server keeps, with its reason. What both ends keep is in
//! [`tickwire_shared::limits`].

use std::time::Duration;

/// For how many ticks a client's last input goes on when none arrives: a quarter of a second at
/// 20 Hz bridges a hiccup; after that a ship that nobody steers would be a nuisance.
pub const INPUT_REPEAT_TICKS: u32 = 5;

/// Most bytes that wait for a room, over all its clients: inputs of 5,000 clients for a tick and
/// a stall of half a second on top.
pub const INBOX_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Bytes that one client has in the room's inbox beyond which its next frame is refused: four
/// frames between two ticks, where a client sends one. What a network brings after a stall takes
/// less, since the room has no use for all the inputs whose tick is over.
pub const INBOX_BYTES_PER_CLIENT_MAX: usize = 64 * 1024;

/// Most unwritten bytes that the WebSocket layer holds for one client, beyond which the
/// connection ends. A frame is composed only when nothing is unwritten, so this is one frame.
pub const OUTBOX_BYTES_MAX: usize = tickwire_shared::limits::SERVER_FRAME_BYTES_MAX + 1024;

/// Most bytes of reliable messages that wait for a client's acknowledgement.
pub const UNACKNOWLEDGED_BYTES_MAX: usize = 256 * 1024;

/// Read buffer of a WebSocket. Inputs are tens of bytes, and there are thousands of sockets.
pub const READ_BUFFER_BYTES: usize = 4 * 1024;

/// How long a connection may take to say hello.
pub const HELLO_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a client may say nothing. Clients acknowledge several times a second, or answer a
/// heartbeat, so this is a dead network. The player stays for the grace time after that.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long the server says nothing before it sends an empty frame, so that both ends know that
/// the other is there. Proxies cut connections that are silent for 60 s; some after 20.
pub const HEARTBEAT: Duration = Duration::from_secs(15);

/// How long a poll is held. Proxies give up on an answer after 30 s and more.
pub const POLL_HOLD: Duration = Duration::from_secs(22);

/// How long a client that polls may take to its next poll: it repeats a lost one within seconds.
pub const POLL_GAP: Duration = Duration::from_secs(10);

/// How long what was said last waits for a poll to fetch it.
pub const CLOSE_LINGER: Duration = Duration::from_secs(10);

/// How long the body of a request may take to arrive.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a client may take over the head of a request, over TLS, and between two requests on
/// one connection.
pub const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest head of a request, and most bytes of an answer that wait to be written, in bytes: what
/// a slow client costs.
pub const HTTP_BUFFER_BYTES: usize = 16 * 1024;

/// Most requests at once on one HTTP/2 connection: a page's files, a poll and a send.
pub const HTTP2_STREAMS_MAX: u32 = 64;

/// How long the server waits before it accepts again when it has no file descriptors left.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Connections per client: a client that polls has one that waits and one that sends.
pub const CONNECTIONS_PER_CLIENT: usize = 2;

/// Connections beyond those of clients: pages that load, and those who never speak, for whom
/// there is [`HEADER_TIMEOUT`].
pub const CONNECTIONS_BEYOND: usize = 10_000;

/// Zeros at the start of a stream, in bytes: some intermediaries and browsers hold a stream back
/// until they have a kilobyte or two.
pub const STREAM_PADDING_BYTES: usize = 2 * 1024;

/// Probes that a client may send before its hello.
pub const PROBES_MAX: u32 = 8;

/// Frames of a client that has been welcomed a moment before the server is ready for them: its
/// first update, and what it sends in the ticks after that.
pub const EARLY_FRAMES_MAX: usize = 8;

/// How long a session token is good when nobody resumes with it. A session that is attached gets
/// a new one with each attachment; beyond that the player has been gone for long.
pub const SESSION_TOKEN_LIFETIME: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// How long a client may leave a frame unread while the socket is full.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long the server waits for sockets to take their farewell.
pub const STOP_TIMEOUT: Duration = Duration::from_secs(3);

/// How long a client waits before it comes back to a server that stopped, in milliseconds.
pub const STOP_RETRY_AFTER_MS: u32 = 2_000;

/// Most frames that a client may send in a second, beyond the burst. One per tick at 60 Hz, twice
/// over.
pub const FRAMES_PER_SECOND_MAX: u32 = 120;

/// Most frames that a client may send at once: what a network that stalled for the idle timeout
/// delivers when it goes on, at one frame per tick at 60 Hz.
pub const FRAMES_BURST_MAX: u32 = 60 * IDLE_TIMEOUT.as_secs() as u32;

/// Most ticks that a room makes up for after a pause, before it lets time go: half a second of
/// catching up feels like a stutter, more of it like a film played too fast.
pub const CATCH_UP_TICKS_MAX: u32 = 10;

/// How far back a client's view of others is believed, at most: more than a round trip of 250 ms
/// with pictures that bridge its jitter. Beyond that those who are shot at have been behind cover
/// for too long.
pub const REWIND_MAX: Duration = Duration::from_millis(500);

/// Bytes per frame beyond which entities wait for a later one: three full packets. Reliable
/// messages in the frame count, down to half of it. What is planned and what it takes are the same
/// within 2 % on average; where thousands of entities refer to each other a frame may be longer by
/// a tenth.
pub const STATE_FRAME_BYTES_MAX: usize = 4 * 1024;

/// Connections beyond the most clients: those that are about to say hello, or to hear why not.
pub const CONNECTIONS_BEYOND_CLIENTS_MAX: usize = 1_000;

/// Longest name of a channel, in bytes.
pub const CHANNEL_NAME_BYTES_MAX: usize = 255;

/// Longest publication that a namespace may allow, in bytes. A few of them fit into a frame.
pub const PUBLICATION_BYTES_MAX: usize = 64 * 1024;

/// Most publications that a namespace may keep per channel: each takes some 200 bytes beside what
/// it carries.
pub const HISTORY_COUNT_MAX: usize = 10_000;

/// Most bytes that a namespace may keep per channel.
pub const HISTORY_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Most bytes of history, over all channels. Beyond that the channels used longest ago lose
/// theirs.
pub const HISTORY_BYTES_TOTAL_MAX: usize = 256 * 1024 * 1024;

/// Most channels of a namespace, unless it says otherwise. Beyond that those go that nobody
/// listens to.
pub const CHANNELS_PER_NAMESPACE: usize = 10_000;

/// How long a channel keeps its numbers when nobody listens and nothing is kept: who comes back
/// within that time is told rightly that nothing is missing.
pub const CHANNEL_IDLE: Duration = Duration::from_secs(10 * 60);

/// Most channels that one connection listens to.
pub const SUBSCRIPTIONS_PER_SUBSCRIBER: usize = 128;

/// How often one connection may subscribe, read a history or ask who is here.
pub const CHANNEL_REQUESTS_PER_SECOND: u32 = 20;

/// The same at once: a page that opens all its channels.
pub const CHANNEL_REQUEST_BURST: u32 = 200;

/// Most listeners of a channel beyond which nobody hears who comes and goes: that grows with the
/// square, and nobody reads it.
pub const JOIN_EVENTS_MEMBERS_MAX: usize = 200;

/// Most members in one answer to who is here.
pub const PRESENCE_MEMBERS_MAX: usize = 500;

/// Most decisions of moderators per channel and kind. The one that ends soonest gives way.
pub const MODERATED_MAX: usize = 1_000;

/// Most idempotency keys that a channel remembers.
pub const IDEMPOTENCY_KEYS_MAX: usize = 10_000;

/// How long it remembers them: longer than a queue takes to deliver again what was not
/// acknowledged.
pub const IDEMPOTENCY_AGE: Duration = Duration::from_secs(5 * 60);

/// How far the clocks of those who sign connection tokens may be from ours.
pub const TOKEN_LEEWAY: Duration = Duration::from_secs(5);

/// How long a player stays whose connection token has run out: time to fetch and show a new one
/// over a slow network.
pub const TOKEN_GRACE: Duration = Duration::from_secs(25);

/// Most keys for connection tokens from one source; each may be tried for a forged one.
pub const TOKEN_KEYS_MAX: usize = 32;

/// Shortest secret for connection tokens, in bytes: as long as the hash that it goes into.
pub const SECRET_BYTES_MIN: usize = 32;

/// Longest subject of a connection token, in bytes: an address or an identifier.
pub const SUBJECT_BYTES_MAX: usize = 128;

/// Longest name in a connection token, in bytes.
pub const DISPLAY_NAME_BYTES_MAX: usize = 128;

/// Most that a connection token says of its holder for others to see, in bytes: it goes to all of
/// them.
pub const INFO_BYTES_MAX: usize = 1024;

/// Longest key set that is read, in bytes.
pub const KEY_SET_BYTES_MAX: usize = 256 * 1024;

/// How long an address may take to answer with its key set.
pub const KEY_SET_TIMEOUT: Duration = Duration::from_secs(5);

/// Between two looks at an address with keys: revoked keys are good for this long.
pub const KEY_SET_INTERVAL: Duration = Duration::from_secs(5 * 60);

/// Between two looks that tokens with unknown keys bring about: forged ones are free to make.
pub const KEY_SET_PAUSE: Duration = Duration::from_secs(10);

/// Most bytes that wait for one listener beside its socket: four of the longest publications.
pub const LISTENER_QUEUE_BYTES_MAX: usize = 4 * PUBLICATION_BYTES_MAX;

/// How long a listener hears nothing before it hears that. Proxies cut connections that are
/// silent for 60 s; some after 20.
pub const LISTENING_HEARTBEAT: Duration = Duration::from_secs(15);

/// What is written to a listener at once, in bytes, where much waits; one publication may be
/// longer.
pub const LISTENING_PIECE_BYTES: usize = 16 * 1024;

/// Most unwritten bytes that the WebSocket layer holds for one listener: a piece, and the longest
/// publication, of which JSON may make six letters for each.
pub const LISTENING_OUTBOX_BYTES_MAX: usize = LISTENING_PIECE_BYTES + 8 * PUBLICATION_BYTES_MAX;

/// How long a page in a hidden frame grows, in bytes, before it is begun anew: a browser keeps all
/// of it.
pub const FRAME_BYTES_MAX: usize = 1024 * 1024;

/// Longest message from those who listen by WebSocket, in bytes: the longest publication, in
/// JSON, and what names the channel.
pub const COMMAND_BYTES_MAX: usize = PUBLICATION_BYTES_MAX * 2;

/// Commands that may be refused on one connection before it ends: somebody does not listen.
pub const COMMAND_ERRORS_MAX: u32 = 100;

/// Most API keys: two for each backend while they are rotated.
pub const API_KEYS_MAX: usize = 64;

/// Longest body of a backend's call, in bytes: a batch of a thousand short publications.
pub const API_BODY_BYTES_MAX: usize = 1024 * 1024;

/// Most calls in a batch.
pub const API_COMMANDS_MAX: usize = 1_000;

/// Most channels in one call or one answer.
pub const API_CHANNELS_MAX: usize = 1_000;

/// Longest idempotency key, in bytes.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 256;

/// Between two looks for what channels may forget.
pub const CHANNEL_SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// How long the message queue may take to answer.
pub const QUEUE_TIMEOUT: Duration = Duration::from_secs(5);

/// How often the message queue says that it is there: twice that long without a word, and it is
/// not.
pub const QUEUE_HEARTBEAT: Duration = Duration::from_secs(5);

/// How long this server waits before it tries the message queue again, at first; twice as long
/// each time.
pub const QUEUE_RETRY_MIN: Duration = Duration::from_millis(250);

/// The longest such wait.
pub const QUEUE_RETRY_MAX: Duration = Duration::from_secs(5);

/// How long a stop waits until the message queue knows what was published.
pub const QUEUE_STOP_TIMEOUT: Duration = Duration::from_secs(2);

/// How often a message is delivered for which there is no place now, [`QUEUE_RETRY_MAX`] apart.
/// What comes after it counts as unacknowledged for so long, which has to be shorter than
/// [`IDEMPOTENCY_AGE`].
pub const QUEUE_DELIVERIES_MAX: i64 = 12;

/// How long a message may be under way before the queue delivers it again; shorter than
/// [`IDEMPOTENCY_AGE`], so that it is known then.
pub const QUEUE_ACK_WAIT: Duration = Duration::from_secs(30);

/// Most messages under way from the queue; fewer than [`IDEMPOTENCY_KEYS_MAX`], so that all of
/// them are known when they are delivered again.
pub const QUEUE_UNACKNOWLEDGED_MAX: i64 = 1_000;

/// How long a stream keeps messages that this server made for want of one.
pub const QUEUE_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// How much it keeps, in bytes.
pub const QUEUE_BYTES_MAX: i64 = 1024 * 1024 * 1024;

/// Most bytes that wait for a player in its channels; beyond that the namespace's policy holds.
pub const PLAYER_QUEUE_BYTES_MAX: usize = 128 * 1024;

/// Most bytes of reliable messages that wait for a player's acknowledgement before channels hold
/// theirs back: the rest of [`UNACKNOWLEDGED_BYTES_MAX`] is the game's.
pub const CHANNEL_UNACKNOWLEDGED_BYTES_MAX: usize = 96 * 1024;

/// Bytes of reliable messages after which a player's frame is full: what is said must not hold up
/// what is seen.
pub const MESSAGES_FRAME_BYTES_MAX: usize = 16 * 1024;

/// Longest answer to a player who reads a history or asks who is here, in bytes.
pub const CHANNEL_ANSWER_BYTES_MAX: usize = 16 * 1024;

/// Most bytes that wait for a room's game in the channels that it listens to.
pub const ROOM_QUEUE_BYTES_MAX: usize = 1024 * 1024;

/// Most publications that a room's game hears before one tick; the rest waits for the next.
pub const HEARD_PER_TICK_MAX: usize = 256;
