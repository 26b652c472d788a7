//! Many bots on real sockets, and what they see: the load tool without its command line.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use arena_shared::ArenaProtocol;
use futures_util::{SinkExt as _, StreamExt as _};
use hdrhistogram::Histogram;
use tickwire_shared::{messages::Close, record::encode_record, replication::FrameInfo};
use tokio::{
    net::TcpStream,
    task::JoinSet,
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

use crate::{
    client::{Client, Event, Shared},
    pilot::Pilot,
};

/// How long a bot may take from the first packet to its place in the room.
const JOIN_TIMEOUT: Duration = Duration::from_secs(10);

/// What to do.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Address of the public door, such as `http://127.0.0.1:8080`.
    pub url: String,
    /// How many bots.
    pub bots: usize,
    /// How long each plays once all have joined.
    pub duration: Duration,
}

/// What all bots saw.
#[derive(Debug)]
pub struct Summary {
    /// How many were started.
    pub bots: usize,
    /// How many got into the room.
    pub joined: usize,
    /// What went wrong, one line for each bot that failed.
    pub errors: Vec<String>,
    /// State frames of all bots.
    pub frames: u64,
    /// Bytes of all frames to bots.
    pub bytes: u64,
    /// Seconds that all bots played, together.
    pub bot_seconds: f64,
    /// How old worlds were as they arrived, in microseconds.
    pub age_us: Histogram<u64>,
    /// Checksums that were compared.
    pub checksums: u64,
    /// Those that differed.
    pub checksum_mismatches: u64,
}

/// What one bot saw.
#[derive(Debug)]
struct Seen {
    has_joined: bool,
    frames: u64,
    bytes: u64,
    played: Duration,
    age_us: Histogram<u64>,
    checksums: u64,
    checksum_mismatches: u64,
    error: Option<String>,
}

impl Summary {
    fn new(bots: usize) -> Result<Self> {
        let age_us = age_histogram()?;
        Ok(Self {
            bots,
            joined: 0,
            errors: Vec::new(),
            frames: 0,
            bytes: 0,
            bot_seconds: 0.0,
            age_us,
            checksums: 0,
            checksum_mismatches: 0,
        })
    }

    fn add(&mut self, seen: Seen) -> Result<()> {
        self.joined += usize::from(seen.has_joined);
        self.errors.extend(seen.error);
        self.frames += seen.frames;
        self.bytes += seen.bytes;
        self.bot_seconds += seen.played.as_secs_f64();
        self.age_us.add(seen.age_us).context("adding up ages")?;
        self.checksums += seen.checksums;
        self.checksum_mismatches += seen.checksum_mismatches;
        Ok(())
    }

    /// State frames per bot and second.
    pub fn frames_per_bot_s(&self) -> f64 {
        self.frames as f64 / self.bot_seconds.max(f64::MIN_POSITIVE)
    }

    /// Bytes per bot and second.
    pub fn bytes_per_bot_s(&self) -> f64 {
        self.bytes as f64 / self.bot_seconds.max(f64::MIN_POSITIVE)
    }

    /// Whether every bot joined and none failed.
    pub fn is_good(&self) -> bool {
        self.joined == self.bots && self.errors.is_empty() && self.checksum_mismatches == 0
    }
}

/// Runs the bots. `progress` is called as each one ends.
pub async fn run(plan: &Plan, mut progress: impl FnMut()) -> Result<Summary> {
    let shared = Arc::new(Shared::of::<ArenaProtocol>());
    let address = websocket_url(&plan.url)?;
    let mut bots = JoinSet::new();
    for number in 0..plan.bots {
        let (shared, address) = (Arc::clone(&shared), address.clone());
        let duration = plan.duration;
        bots.spawn(async move { fly(&shared, &address, number, duration).await });
    }
    let mut summary = Summary::new(plan.bots)?;
    while let Some(seen) = bots.join_next().await {
        summary.add(seen.context("a bot panicked")??)?;
        progress();
    }
    Ok(summary)
}

/// The WebSocket address of a server's public door.
pub fn websocket_url(url: &str) -> Result<String> {
    let url = url.trim_end_matches('/');
    if let Some(rest) = url.strip_prefix("http://") {
        return Ok(format!("ws://{rest}/play"));
    }
    bail!("{url} is no http:// address");
}

fn age_histogram() -> Result<Histogram<u64>> {
    // From a microsecond to a minute, to three digits.
    Histogram::new_with_bounds(1, 60_000_000, 3).context("making a histogram")
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// One bot's life. Only what breaks the tool itself is an error here; what goes wrong for the
/// bot is part of what it saw.
async fn fly(shared: &Shared, address: &str, number: usize, duration: Duration) -> Result<Seen> {
    let mut seen = Seen {
        has_joined: false,
        frames: 0,
        bytes: 0,
        played: Duration::ZERO,
        age_us: age_histogram()?,
        checksums: 0,
        checksum_mismatches: 0,
        error: None,
    };
    if let Err(error) = try_fly(shared, address, number, duration, &mut seen).await {
        seen.error = Some(format!("bot {number}: {error:#}"));
    }
    Ok(seen)
}

async fn try_fly(
    shared: &Shared,
    address: &str,
    number: usize,
    duration: Duration,
    seen: &mut Seen,
) -> Result<()> {
    let mut client = Client::new(shared, Instant::now());
    let mut socket = timeout(JOIN_TIMEOUT, join(&mut client, shared, address, number))
        .await
        .context("joining took too long")??;
    seen.has_joined = true;
    let began = Instant::now();
    let played = play(&mut client, &mut socket, shared, number, duration, seen).await;
    seen.played = began.elapsed();
    played
}

async fn join(
    client: &mut Client,
    shared: &Shared,
    address: &str,
    number: usize,
) -> Result<Socket> {
    let (mut socket, _) = connect_async(address).await.context("connecting")?;
    let hello = client.hello("", Pilot::join(shared.schema(), number));
    socket.send(Message::Binary(hello.into())).await.context("saying hello")?;
    while let Some(message) = socket.next().await {
        let Message::Binary(frame) = message.context("waiting for the welcome")? else { continue };
        match client.handle_frame(&frame, Instant::now())? {
            Event::Joined => return Ok(socket),
            Event::Closed(close) => bail!("{}", sentence(&close)),
            _ => {}
        }
    }
    bail!("the server hung up instead of a welcome")
}

async fn play(
    client: &mut Client,
    socket: &mut Socket,
    shared: &Shared,
    number: usize,
    duration: Duration,
    seen: &mut Seen,
) -> Result<()> {
    let mut pilot = Pilot::new(number as u64);
    let period = Duration::from_secs(1) / u32::from(client.tick_rate().unwrap_or(20).max(1));
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let end = tokio::time::sleep(duration);
    tokio::pin!(end);
    loop {
        tokio::select! {
            () = &mut end => {
                let _ = socket.close(None).await;
                return Ok(());
            }
            _ = ticks.tick() => {
                let schema = &shared.schema().input;
                let input = |_: &_, _| encode_record(&pilot.controls(), schema);
                let update = client.poll_update(input, Instant::now());
                socket.send(Message::Binary(update.into())).await.context("sending an update")?;
            }
            message = socket.next() => {
                let Some(message) = message else { bail!("the server hung up") };
                let Message::Binary(frame) = message.context("reading a frame")? else { continue };
                let now = Instant::now();
                seen.bytes += frame.len() as u64;
                match client.handle_frame(&frame, now)? {
                    Event::State(info) => seen.handle_state(client, info, now),
                    Event::Closed(close) => bail!("{}", sentence(&close)),
                    Event::Joined | Event::Other => {}
                }
            }
        }
    }
}

impl Seen {
    fn handle_state(&mut self, client: &Client, info: FrameInfo, now: Instant) {
        self.frames += 1;
        if let Some(age) = client.clock().age(info.tick, now) {
            self.age_us.saturating_record(u64::try_from(age.as_micros()).unwrap_or(u64::MAX));
        }
        if let Some(is_equal) = info.checksum {
            self.checksums += 1;
            self.checksum_mismatches += u64::from(!is_equal);
        }
    }
}

fn sentence(close: &Close) -> String {
    let own = if close.sentence.is_empty() { close.reason.sentence() } else { &close.sentence };
    format!("{}: {own}", close.reason)
}
