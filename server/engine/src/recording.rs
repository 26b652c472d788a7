//! A room's course in a file: everything that decides it, and sums to compare with.
//!
//! A recording is text. The first line is the [`Header`], each further one a tick with its joins,
//! leaves, the inputs and delays that differ from the tick before, and the checksum of the world
//! after it. What is not there is as if nobody had it: a recording from before something was
//! written down is read like that.
//! Every line ends in ` #` and a running 64-bit FNV-1a hash of all text before it, so that no
//! byte can change unnoticed, and a file that was cut off is good up to its last whole line.

use std::{
    collections::BTreeMap,
    io::{self, BufRead, Write},
    sync::Arc,
    time::Instant,
};

use serde::{Deserialize, Serialize};
use tickwire_shared::{ClientId, Protocol, Schema, Tick};

use crate::{
    channels::Grants,
    game::{Claims, Game, RoomInfo},
    replication::Delay,
    room::{Published, Room},
    room_channels::Heard,
};

/// What has to be equal for a replay to make sense.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Header {
    /// [`Protocol::NAME`] of the game.
    pub game: String,
    /// Hash of its schema.
    pub protocol: u64,
    /// [`Game::settings`] of the game.
    pub settings: String,
    /// Name of the room.
    pub room: String,
    /// Seed of the room.
    pub seed: u64,
    /// Ticks per second of the room.
    pub tick_rate: u16,
}

/// One tick.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
struct TickLine {
    tick: u32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    changes: Vec<Change>,
    /// Client and input, where it is not what it was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    inputs: Vec<(u32, Vec<u8>)>,
    /// Client and how far in the past it saw others, in 1/256 of a tick, where that is not what
    /// it was; 0 where it is not known any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    delays: Vec<(u32, u32)>,
    checksum: u64,
}

/// What a client did in a tick.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Recorded {
    /// Its input, encoded.
    pub(crate) input: Vec<u8>,
    /// How far in the past it saw others.
    pub(crate) delay: Option<Delay>,
}

/// Somebody comes, goes, or says something.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Change {
    Join {
        client: u32,
        request: Vec<u8>,
        subject: String,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        name: String,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        info: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rooms: Option<Vec<String>>,
        #[serde(default, skip_serializing_if = "Grants::is_empty")]
        grants: Grants,
    },
    Leave {
        client: u32,
    },
    Message {
        client: u32,
        message: Vec<u8>,
    },
    Hear(Heard),
}

/// Writes a recording.
pub struct Recorder {
    out: Box<dyn Write + Send>,
    line: TickLine,
    inputs: BTreeMap<u32, Recorded>,
    hash: u64,
    failed: bool,
}

impl std::fmt::Debug for Recorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recorder").field("line", &self.line).finish_non_exhaustive()
    }
}

impl Recorder {
    /// Begins a recording of a room of `game`. The room has to be new.
    pub fn new<G: Game>(
        game: &G,
        info: &RoomInfo,
        out: impl Write + Send + 'static,
    ) -> io::Result<Self> {
        let mut recorder = Self {
            out: Box::new(out),
            line: TickLine::default(),
            inputs: BTreeMap::new(),
            hash: FNV_OFFSET,
            failed: false,
        };
        recorder.write(&Header {
            game: String::from(G::Protocol::NAME),
            protocol: Schema::of::<G::Protocol>().hash(),
            settings: game.settings(),
            room: info.name.clone(),
            seed: info.seed,
            tick_rate: info.tick_rate,
        })?;
        Ok(recorder)
    }

    pub(crate) fn join(&mut self, client: ClientId, request: &[u8], claims: &Claims) {
        let (client, request) = (client.get(), request.to_vec());
        let Claims { subject, name, info, rooms, grants } = claims.clone();
        let join = Change::Join { client, request, subject, name, info, rooms, grants };
        self.line.changes.push(join);
    }

    pub(crate) fn leave(&mut self, client: ClientId) {
        self.inputs.remove(&client.get());
        self.line.changes.push(Change::Leave { client: client.get() });
    }

    pub(crate) fn message(&mut self, client: ClientId, message: &[u8]) {
        let (client, message) = (client.get(), message.to_vec());
        self.line.changes.push(Change::Message { client, message });
    }

    pub(crate) fn hear(&mut self, heard: &Heard) {
        self.line.changes.push(Change::Hear(heard.clone()));
    }

    pub(crate) fn input(&mut self, client: ClientId, input: &[u8], delay: Option<Delay>) {
        let client = client.get();
        let is_new = !self.inputs.contains_key(&client);
        let before = self.inputs.entry(client).or_default();
        if is_new || before.input != input {
            before.input = input.to_vec();
            self.line.inputs.push((client, input.to_vec()));
        }
        if before.delay != delay {
            before.delay = delay;
            self.line.delays.push((client, delay.map_or(0, Delay::parts)));
        }
    }

    pub(crate) fn tick(&mut self, tick: Tick, checksum: u64) {
        let line = TickLine { tick: tick.get(), checksum, ..std::mem::take(&mut self.line) };
        if self.failed {
            return;
        }
        if let Err(error) = self.write(&line) {
            self.failed = true;
            tracing::error!(%error, %tick, "the recording ends here");
        }
    }

    fn write(&mut self, line: &impl Serialize) -> io::Result<()> {
        let text = serde_json::to_string(line)?;
        self.hash = fnv(self.hash, text.as_bytes());
        writeln!(self.out, "{text} #{:016x}", self.hash)
    }
}

/// What a replay found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReplayReport {
    /// Ticks that were made again, all with the recorded checksum.
    pub ticks: u32,
    /// Whether the file ended in the middle of a line, as after a crash.
    pub is_cut_off: bool,
}

/// Why a replay came to an end.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The file cannot be read.
    #[error("cannot read the recording")]
    Io(#[from] io::Error),
    /// A line is not what was written.
    #[error("line {line} was changed or is not of a recording")]
    Damaged {
        /// Counted from 1.
        line: usize,
    },
    /// It comes from another game or version of it.
    #[error("the recording is of {game} with protocol {protocol:016x}, this is {expected:016x}")]
    OtherProtocol {
        /// Name of the recorded game.
        game: String,
        /// Hash of its schema.
        protocol: u64,
        /// Hash of ours.
        expected: u64,
    },
    /// Ticks do not follow each other.
    #[error("line {line} is of tick {found}, not {expected}")]
    WrongTick {
        /// Counted from 1.
        line: usize,
        /// The tick it names.
        found: u32,
        /// The tick it should be of.
        expected: u32,
    },
    /// A client that joined then is refused now.
    #[error("at tick {tick} client {client} is not let in any more")]
    JoinRefused {
        /// The tick before which it joined.
        tick: u32,
        /// Who.
        client: u32,
    },
    /// The world came out otherwise.
    #[error("the worlds differ at tick {tick}: {found:016x} now, {recorded:016x} then")]
    Differs {
        /// The first tick that differs.
        tick: u32,
        /// What was recorded.
        recorded: u64,
        /// What came out.
        found: u64,
    },
}

/// Reads a recording line by line, checking the running hash.
#[derive(Debug)]
pub struct Recording<R> {
    input: R,
    header: Header,
    lines: usize,
    hash: u64,
    is_cut_off: bool,
}

impl<R: BufRead> Recording<R> {
    /// Opens a recording and reads its header.
    pub fn open(mut input: R) -> Result<Self, ReplayError> {
        let mut hash = FNV_OFFSET;
        let mut is_cut_off = false;
        let header = read_line(&mut input, 1, &mut hash, &mut is_cut_off)?;
        let header = header.ok_or(ReplayError::Damaged { line: 1 })?;
        Ok(Self { input, header, lines: 1, hash, is_cut_off })
    }

    /// What it is of.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Plays it again, and stops where the world differs from what was recorded. `game` has to
    /// be made from the header's settings.
    pub fn replay<G: Game>(self, game: G) -> Result<ReplayReport, ReplayError> {
        self.replay_watched(game, |_| ())
    }

    /// The same, showing `watch` each tick as the network would have got it.
    pub fn replay_watched<G: Game>(
        mut self,
        game: G,
        mut watch: impl FnMut(&Published),
    ) -> Result<ReplayReport, ReplayError> {
        let expected = Schema::of::<G::Protocol>().hash();
        if self.header.protocol != expected {
            let Header { game, protocol, .. } = self.header;
            return Err(ReplayError::OtherProtocol { game, protocol, expected });
        }
        let info = RoomInfo {
            name: self.header.room.clone(),
            seed: self.header.seed,
            tick_rate: self.header.tick_rate,
        };
        let mut room = Room::new(Arc::new(game), info);
        let mut inputs = BTreeMap::new();
        let mut ticks = 0;
        while let Some(line) = self.next_tick()? {
            let expected = room.tick().plus(1).get();
            if line.tick != expected {
                let found = line.tick;
                return Err(ReplayError::WrongTick { line: self.lines, found, expected });
            }
            replay_changes(&mut room, &mut inputs, &line)?;
            let tick_rate = room.info().tick_rate;
            for (client, input) in line.inputs {
                inputs.entry(client).or_default().input = input;
            }
            for (client, parts) in line.delays {
                let delay = (parts > 0).then(|| Delay::of_parts(parts.into(), tick_rate));
                inputs.entry(client).or_default().delay = delay;
            }
            let found = room.step_with(&inputs);
            if found != line.checksum {
                let (tick, recorded) = (line.tick, line.checksum);
                return Err(ReplayError::Differs { tick, recorded, found });
            }
            watch(&room.publish(Instant::now()));
            room.take_messages();
            room.take_wishes();
            room.take_kicks();
            ticks += 1;
        }
        Ok(ReplayReport { ticks, is_cut_off: self.is_cut_off })
    }

    fn next_tick(&mut self) -> Result<Option<TickLine>, ReplayError> {
        self.lines += 1;
        read_line(&mut self.input, self.lines, &mut self.hash, &mut self.is_cut_off)
    }
}

fn replay_changes<G: Game>(
    room: &mut Room<G>,
    inputs: &mut BTreeMap<u32, Recorded>,
    line: &TickLine,
) -> Result<(), ReplayError> {
    for change in &line.changes {
        match change {
            Change::Join { client, request, subject, name, info, rooms, grants } => {
                let [subject, name, info] = [subject, name, info].map(String::clone);
                let (rooms, grants) = (rooms.clone(), grants.clone());
                let claims = Claims { subject, name, info, rooms, grants };
                room.join(ClientId::new(*client), request, &claims)
                    .map_err(|_| ReplayError::JoinRefused { tick: line.tick, client: *client })?;
            }
            Change::Leave { client } => {
                inputs.remove(client);
                room.leave(ClientId::new(*client));
            }
            Change::Message { client, message } => room.message(ClientId::new(*client), message),
            Change::Hear(heard) => room.hear(heard.clone()),
        }
    }
    Ok(())
}

/// The next whole line; `None` where the file ends.
fn read_line<T: for<'a> Deserialize<'a>>(
    input: &mut impl BufRead,
    number: usize,
    hash: &mut u64,
    is_cut_off: &mut bool,
) -> Result<Option<T>, ReplayError> {
    let damaged = || ReplayError::Damaged { line: number };
    let mut bytes = Vec::new();
    input.read_until(b'\n', &mut bytes)?;
    let Some(whole) = bytes.strip_suffix(b"\n") else {
        *is_cut_off = !bytes.is_empty();
        return Ok(None);
    };
    let at = whole.len().checked_sub(HASH_SUFFIX_BYTES).ok_or_else(damaged)?;
    let (text, suffix) = whole.split_at(at);
    *hash = fnv(*hash, text);
    if suffix != format!(" #{hash:016x}").as_bytes() {
        return Err(damaged());
    }
    serde_json::from_slice(text).map(Some).map_err(|_| damaged())
}

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const HASH_SUFFIX_BYTES: usize = 18;

/// 64-bit FNV-1a, going on from `hash`.
fn fnv(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
