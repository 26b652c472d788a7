//! How a bad network treats bytes, on a seed: as a connection over TCP does. Nothing is lost and
//! nothing overtakes; what a real network would lose comes late, and all behind it too.

use std::{fs, str::FromStr, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, bail, ensure};
use rand::{RngExt as _, rngs::StdRng};
use tokio::time::Instant;

/// How a network behaves, in each direction.
#[derive(Clone, Debug, PartialEq)]
pub struct Conditions {
    /// Least delay of a byte.
    pub latency: Duration,
    /// Most that is added to it, uniformly.
    pub jitter: Duration,
    /// Most bytes per second towards the client; `None` for no limit.
    pub bytes_per_second: Option<u32>,
    /// Chance that a chunk is followed by a stall.
    pub stall_chance: f64,
    /// Length of a stall.
    pub stall: Duration,
    /// Loss in bursts.
    pub burst: Burst,
    /// When bytes may pass towards the client, instead of a rate.
    pub trace: Option<Trace>,
    /// Takes every byte and passes on none, as some middlemen do after an upgrade.
    pub swallows: bool,
}

/// Loss in bursts, after Gilbert ("Capacity of a Burst-Noise Channel", 1960) and Elliott: a
/// network is good or bad, and in its bad state each chunk is lost once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Burst {
    /// Chance per chunk that the network turns bad.
    pub bad_chance: f64,
    /// Chance per chunk that it turns good again.
    pub good_chance: f64,
    /// What it takes to notice a loss and send again.
    pub lost: Duration,
}

/// When bytes may pass, from a recording of a real network: a moment in milliseconds for each
/// 1,500 bytes, one per line, as the emulator Mahimahi has them. It repeats itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace(Arc<[u64]>);

/// Bytes that pass at each moment of a trace.
const TRACE_BYTES: usize = 1500;

impl Conditions {
    /// Passes bytes on at once.
    pub const CLEAR: Self = Self {
        latency: Duration::ZERO,
        jitter: Duration::ZERO,
        bytes_per_second: None,
        stall_chance: 0.0,
        stall: Duration::ZERO,
        burst: Burst { bad_chance: 0.0, good_chance: 1.0, lost: Duration::ZERO },
        trace: None,
        swallows: false,
    };
}

impl FromStr for Conditions {
    type Err = anyhow::Error;

    /// Words as the page's `?lag=` takes them: `100,jitter:40,stall:1/200` is a round trip of
    /// 100 ms, 40 more or less, with each hundredth chunk stuck for 200 ms. Also `rate:32` (KiB
    /// per second), `burst:2/25/200` (per cent to turn bad, per cent to turn good, ms per loss)
    /// and `trace:FILE`.
    fn from_str(words: &str) -> Result<Self> {
        let (mut conditions, mut round_trip, mut by) = (Self::CLEAR, 0.0, 0.0);
        for word in words.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            let (name, value) = word.split_once(':').unwrap_or(("latency", word));
            if name == "trace" {
                let text = fs::read_to_string(value).with_context(|| format!("reading {value}"))?;
                conditions.trace = Some(text.parse().with_context(|| format!("in {value}"))?);
                continue;
            }
            let numbers = value.split('/').map(str::parse::<f64>).collect::<Result<Vec<_>, _>>();
            let numbers = numbers.with_context(|| format!("{word} is no part of a network"))?;
            ensure!(numbers.iter().all(|number| (0.0..1e6).contains(number)), "{word}: too much");
            match (name, numbers.as_slice()) {
                ("latency", [ms]) => round_trip = *ms,
                ("jitter", [ms]) => by = *ms,
                ("stall", [share, ms]) => {
                    conditions.stall_chance = (share / 100.0).min(1.0);
                    conditions.stall = millis(*ms);
                }
                ("rate", [kib]) => conditions.bytes_per_second = Some((kib * 1024.0) as u32),
                ("burst", [bad, good, ms]) => {
                    let [bad_chance, good_chance] = [bad, good].map(|part| (part / 100.0).min(1.0));
                    conditions.burst = Burst { bad_chance, good_chance, lost: millis(*ms) };
                }
                _ => bail!("{word} is no part of a network"),
            }
        }
        // Each way has half of the round trip, and half of what it differs by, up or down.
        conditions.latency = millis((round_trip - by).max(0.0) / 2.0);
        conditions.jitter = millis(by);
        Ok(conditions)
    }
}

impl FromStr for Trace {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let moments = lines.map(str::parse).collect::<Result<Vec<u64>, _>>();
        let moments = moments.context("a trace has a moment in milliseconds on each line")?;
        ensure!(moments.is_sorted(), "the moments of a trace rise");
        ensure!(moments.last().is_some_and(|last| *last > 0), "a trace takes some time");
        Ok(Self(moments.into()))
    }
}

impl Trace {
    /// The first moment after `since` at which so many pieces have passed.
    fn next(&self, since: Duration, pieces: usize) -> Duration {
        let period = self.0.last().copied().unwrap_or(1).max(1);
        let since = u64::try_from(since.as_millis()).unwrap_or(u64::MAX / 2);
        let (round, within) = (since / period, since % period);
        let at = self.0.partition_point(|moment| *moment <= within) + pieces.max(1) - 1;
        let moment = self.0.get(at % self.0.len()).copied().unwrap_or(0);
        Duration::from_millis((round + (at / self.0.len()) as u64) * period + moment)
    }
}

/// One direction of a connection: when what goes in comes out.
#[derive(Debug)]
pub struct Line {
    rng: StdRng,
    began: Instant,
    free_at: Instant,
    released: Instant,
    is_bad: bool,
    is_limited: bool,
}

impl Line {
    /// A line that nothing is on; only one towards the client `is_limited` in its rate.
    pub fn new(rng: StdRng, is_limited: bool, now: Instant) -> Self {
        Self { rng, began: now, free_at: now, released: now, is_bad: false, is_limited }
    }

    /// When a chunk of so many bytes comes out that goes in now.
    pub fn release(&mut self, conditions: &Conditions, bytes: usize, now: Instant) -> Instant {
        self.free_at = self.free_at.max(now);
        if self.is_limited {
            if let Some(trace) = &conditions.trace {
                let since = self.free_at.duration_since(self.began);
                self.free_at = self.began + trace.next(since, bytes.div_ceil(TRACE_BYTES));
            } else if let Some(rate) = conditions.bytes_per_second {
                self.free_at += Duration::from_secs_f64(bytes as f64 / f64::from(rate.max(1)));
            }
        }
        let jitter = conditions.jitter.mul_f64(self.rng.random::<f64>());
        let mut at = self.free_at + conditions.latency + jitter;
        if self.rng.random_bool(conditions.stall_chance) {
            at += conditions.stall;
        }
        let Burst { bad_chance, good_chance, lost } = conditions.burst;
        let chance = if self.is_bad { 1.0 - good_chance } else { bad_chance };
        self.is_bad = self.rng.random_bool(chance);
        if self.is_bad {
            at += lost;
        }
        self.released = self.released.max(at);
        self.released
    }
}

fn millis(ms: f64) -> Duration {
    Duration::from_secs_f64(ms / 1000.0)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;

    use super::*;

    /// How late each of a thousand chunks comes out that go in every 20 ms, in milliseconds.
    fn delays(conditions: &Conditions) -> Vec<f64> {
        let start = Instant::now();
        let mut line = Line::new(StdRng::seed_from_u64(3), true, start);
        let chunks = (0..1000).map(|at| {
            let now = start + Duration::from_millis(at * 20);
            line.release(conditions, 500, now).duration_since(now).as_secs_f64() * 1000.0
        });
        chunks.collect()
    }

    #[test]
    fn words_make_a_network() {
        let network: Conditions = "100,jitter:40,stall:1/200".parse().expect("a network");
        let expected = Conditions {
            latency: Duration::from_millis(30),
            jitter: Duration::from_millis(40),
            stall_chance: 0.01,
            stall: Duration::from_millis(200),
            ..Conditions::CLEAR
        };
        assert_eq!(network, expected);
        for nonsense in ["fast", "jitter:", "burst:1/2", "trace:/nowhere", "latency:-1"] {
            assert!(nonsense.parse::<Conditions>().is_err(), "{nonsense}");
        }
    }

    #[test]
    fn losses_come_in_bursts() {
        let late = delays(&"burst:1/25/200".parse().expect("a network"));
        let is_late: Vec<bool> = late.iter().map(|ms| *ms > 150.0).collect();
        let share = is_late.iter().filter(|late| **late).count() as f64 / 1000.0;
        let begins = is_late.windows(2).filter(|pair| !pair[0] && pair[1]).count();
        assert!((0.01..0.2).contains(&share), "{share} of chunks wait long");
        assert!((3..30).contains(&begins), "in {begins} bursts");
    }

    #[test]
    fn a_trace_says_when_bytes_pass() {
        // Nothing for 90 ms, then one piece each 5 ms.
        let trace: Trace = "90\n95\n100\n".parse().expect("a trace");
        let late = delays(&Conditions { trace: Some(trace), ..Conditions::CLEAR });
        let longest = late.iter().copied().fold(0.0, f64::max);
        assert!(late.first().is_some_and(|ms| (*ms - 90.0).abs() < 0.1));
        assert!(late.get(1).is_some_and(|ms| (*ms - 75.0).abs() < 0.1), "the piece after it");
        assert!(longest > 1000.0, "five chunks in 100 ms are more than the three that pass");
        assert!("5\n4\n".parse::<Trace>().is_err(), "time runs forward");
    }

    #[test]
    fn nothing_overtakes() {
        let network: Conditions = "80,jitter:60,stall:3/300,burst:2/25/100".parse().expect("one");
        let late = delays(&network);
        for (at, pair) in late.windows(2).enumerate() {
            assert!(pair[1] + 20.0 >= pair[0] - 1e-6, "chunk {} overtook", at + 1);
        }
    }
}
