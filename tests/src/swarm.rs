//! Many bots on real sockets, and what they see: the load tool without its command line.

use std::{
    str::FromStr,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use arena_shared::ArenaProtocol;
use hdrhistogram::Histogram;
use tickwire_shared::{messages::Close, record::encode_record, replication::FrameInfo};
use tokio::{
    task::JoinSet,
    time::{MissedTickBehavior, interval, sleep, sleep_until, timeout},
};

use crate::{
    client::{Client, Event, Shared},
    pilot::Pilot,
    transport::{Rung, Transport},
};

/// How long a bot may take from the first packet to its place in the room.
const JOIN_TIMEOUT: Duration = Duration::from_secs(10);

/// Between two pictures on a screen of 60 Hz.
const PICTURE: Duration = Duration::from_micros(16_667);

/// Between two signs of life of a bot that only stays.
const IDLE_UPDATE_INTERVAL: Duration = Duration::from_secs(12);

/// How long a bot that leaves waits for its last word to be on its way.
const LEAVE_TIME: Duration = Duration::from_millis(50);

/// What to do.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Address of the public door, such as `http://127.0.0.1:8080`.
    pub url: String,
    /// How many bots.
    pub bots: usize,
    /// How long each plays once it has joined.
    pub duration: Duration,
    /// How they connect.
    pub mix: Mix,
    /// Whether they only stay: they want nothing and take nothing in, so that no frame is due.
    pub is_idle: bool,
    /// Least time between two frames that each takes, as of a page that is busy otherwise.
    pub frame_interval: Duration,
    /// How long each has played before ages of its world count.
    pub settling: Duration,
}

impl Plan {
    /// Bots that play, all over WebSockets.
    pub fn playing(url: String, bots: usize, duration: Duration) -> Self {
        Self {
            url,
            bots,
            duration,
            mix: Mix::all(Rung::WebSocket),
            is_idle: false,
            frame_interval: Duration::ZERO,
            settling: Duration::ZERO,
        }
    }
}

/// Which bots connect how: shares of the whole, which add up to 1.
#[derive(Clone, PartialEq, Debug)]
pub struct Mix(Vec<(Rung, f64)>);

impl Mix {
    /// All on one rung.
    pub fn all(rung: Rung) -> Self {
        Self(vec![(rung, 1.0)])
    }

    /// The rung of one of `bots` bots: each stretch of them holds all rungs by their shares.
    fn rung(&self, number: usize) -> Rung {
        // The golden ratio spreads consecutive numbers evenly over the unit interval.
        let place = (number as f64 * 0.618_033_988_749_895).fract();
        let mut end = 0.0;
        for (rung, share) in &self.0 {
            end += share;
            if place < end {
                return *rung;
            }
        }
        self.0.last().map_or(Rung::WebSocket, |(rung, _)| *rung)
    }
}

impl FromStr for Mix {
    type Err = anyhow::Error;

    /// One rung, or shares as in `ws=0.8,long-poll=0.2`.
    fn from_str(text: &str) -> Result<Self> {
        if !text.contains('=') {
            return Ok(Self::all(text.parse()?));
        }
        let shares = text.split(',').map(|part| {
            let (rung, share) = part.split_once('=').context("expected rung=share")?;
            let share: f64 = share.parse().with_context(|| format!("{share} is no share"))?;
            ensure!((0.0..=1.0).contains(&share), "{share} is no share of a whole");
            Ok((rung.parse()?, share))
        });
        let shares: Vec<(Rung, f64)> = shares.collect::<Result<_>>()?;
        let whole: f64 = shares.iter().map(|(_, share)| share).sum();
        ensure!((whole - 1.0).abs() < 1e-6, "the shares add up to {whole}, not to 1");
        Ok(Self(shares))
    }
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
    /// How old the newest world at hand was, looked at as often as a screen is drawn, in
    /// microseconds.
    pub screen_age_us: Histogram<u64>,
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
    /// From when on ages count.
    ages_from: Option<Instant>,
    age_us: Histogram<u64>,
    screen_age_us: Histogram<u64>,
    checksums: u64,
    checksum_mismatches: u64,
    error: Option<String>,
}

impl Summary {
    fn new(bots: usize) -> Result<Self> {
        Ok(Self {
            bots,
            joined: 0,
            errors: Vec::new(),
            frames: 0,
            bytes: 0,
            bot_seconds: 0.0,
            age_us: age_histogram()?,
            screen_age_us: age_histogram()?,
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
        self.screen_age_us.add(seen.screen_age_us).context("adding up ages")?;
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
    let plan = Arc::new(plan.clone());
    let mut bots = JoinSet::new();
    for number in 0..plan.bots {
        let (shared, plan) = (Arc::clone(&shared), Arc::clone(&plan));
        bots.spawn(async move { fly(&shared, &plan, number).await });
    }
    let mut summary = Summary::new(plan.bots)?;
    while let Some(seen) = bots.join_next().await {
        summary.add(seen.context("a bot panicked")??)?;
        progress();
    }
    Ok(summary)
}

fn age_histogram() -> Result<Histogram<u64>> {
    // From a microsecond to a minute, to three digits.
    Histogram::new_with_bounds(1, 60_000_000, 3).context("making a histogram")
}

/// One bot's life. Only what breaks the tool itself is an error here; what goes wrong for the
/// bot is part of what it saw.
async fn fly(shared: &Shared, plan: &Plan, number: usize) -> Result<Seen> {
    let mut seen = Seen {
        has_joined: false,
        frames: 0,
        bytes: 0,
        played: Duration::ZERO,
        ages_from: None,
        age_us: age_histogram()?,
        screen_age_us: age_histogram()?,
        checksums: 0,
        checksum_mismatches: 0,
        error: None,
    };
    if let Err(error) = try_fly(shared, plan, number, &mut seen).await {
        seen.error = Some(format!("bot {number}: {error:#}"));
    }
    Ok(seen)
}

async fn try_fly(shared: &Shared, plan: &Plan, number: usize, seen: &mut Seen) -> Result<()> {
    let mut client = Client::new(shared, Instant::now());
    let mut transport = timeout(JOIN_TIMEOUT, join(&mut client, shared, plan, number))
        .await
        .context("joining took too long")??;
    seen.has_joined = true;
    let began = Instant::now();
    let played = play(&mut client, &mut transport, shared, plan, number, seen).await;
    seen.played = began.elapsed();
    played
}

async fn join(
    client: &mut Client,
    shared: &Shared,
    plan: &Plan,
    number: usize,
) -> Result<Transport> {
    let mut transport = Transport::open(&plan.url, plan.mix.rung(number)).await?;
    transport.send(client.hello("", Pilot::join(shared.schema(), number)));
    loop {
        let frame = transport.hear().await.context("waiting for the welcome")?;
        match client.handle_frame(&frame, Instant::now())? {
            Event::Joined => return Ok(transport),
            Event::Closed(close) => bail!("{}", sentence(&close)),
            _ => {}
        }
    }
}

async fn play(
    client: &mut Client,
    transport: &mut Transport,
    shared: &Shared,
    plan: &Plan,
    number: usize,
    seen: &mut Seen,
) -> Result<()> {
    let mut pilot = Pilot::new(number as u64);
    let period = Duration::from_secs(1) / u32::from(client.tick_rate().unwrap_or(20).max(1));
    let mut ticks = interval(if plan.is_idle { IDLE_UPDATE_INTERVAL } else { period });
    let mut pictures = interval(if plan.is_idle { IDLE_UPDATE_INTERVAL } else { PICTURE });
    pictures.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let end = sleep(plan.duration);
    tokio::pin!(end);
    seen.ages_from = Some(Instant::now() + plan.settling);
    let mut next_frame = None;
    loop {
        tokio::select! {
            () = &mut end => {
                transport.send(Client::leave());
                // The last word gets its time to leave.
                sleep(LEAVE_TIME).await;
                return Ok(());
            }
            _ = ticks.tick() => {
                if plan.is_idle {
                    transport.send(Client::stay());
                    continue;
                }
                let schema = &shared.schema().input;
                let input = |_: &_, _| encode_record(&pilot.controls(), schema);
                transport.send(client.poll_update(input, Instant::now()));
            }
            _ = pictures.tick() => seen.handle_picture(client, Instant::now()),
            frame = hear_after(next_frame, transport) => {
                let frame = frame?;
                let now = Instant::now();
                if !plan.frame_interval.is_zero() {
                    next_frame = Some(now + plan.frame_interval);
                }
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

/// The next frame, but not before `moment`: until then it lies where the network left it.
async fn hear_after(moment: Option<Instant>, transport: &mut Transport) -> Result<Vec<u8>> {
    if let Some(moment) = moment {
        sleep_until(moment.into()).await;
    }
    transport.hear().await
}

impl Seen {
    fn handle_picture(&mut self, client: &Client, now: Instant) {
        let newest = client.replica().tick().filter(|_| self.is_settled(now));
        if let Some(age) = newest.and_then(|tick| client.clock().age(tick, now)) {
            let age = u64::try_from(age.as_micros()).unwrap_or(u64::MAX);
            self.screen_age_us.saturating_record(age);
        }
    }

    fn handle_state(&mut self, client: &Client, info: FrameInfo, now: Instant) {
        self.frames += 1;
        let age = client.clock().age(info.tick, now).filter(|_| self.is_settled(now));
        if let Some(age) = age {
            self.age_us.saturating_record(u64::try_from(age.as_micros()).unwrap_or(u64::MAX));
        }
        if let Some(is_equal) = info.checksum {
            self.checksums += 1;
            self.checksum_mismatches += u64::from(!is_equal);
        }
    }

    fn is_settled(&self, now: Instant) -> bool {
        self.ages_from.is_some_and(|from| now >= from)
    }
}

fn sentence(close: &Close) -> String {
    let own = if close.sentence.is_empty() { close.reason.sentence() } else { &close.sentence };
    format!("{}: {own}", close.reason)
}
