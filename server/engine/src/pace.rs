//! How much may be under way to a client, in frames and in bytes.
//!
//! Sockets and proxies take minutes of small frames, so what the client's *application* has
//! taken in is what counts. As many frames are under way as fill the path without waiting on
//! it: the shortest round trip times the rate at which the client takes frames, plus two. (The
//! smoothed round trip would not do: on a slow path it grows with the frames under way, and they
//! with it.) A frame is at most what the path carries in a part of a second. Both are the model of
//! Cardwell et al., "BBR: Congestion-Based Congestion Control" (2016); bytes are sampled as in
//! Cheng et al., "Delivery Rate Estimation" (draft-cheng-iccrg-delivery-rate-estimation).

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use tickwire_shared::Tick;

use crate::limits::STATE_FRAME_BYTES_MAX;

/// Frames beyond what fills the path: one to be written, one to be read.
const FRAMES_TO_SPARE: f64 = 2.0;

/// Share of a new rate in the smoothed one.
const RATE_GAIN: f64 = 0.125;

/// What the path may need for a frame, in seconds.
const FRAME_SECONDS_MAX: f64 = 0.25;

/// What may always be under way on a narrow path, in seconds of what it carries.
const UNDER_WAY_SECONDS_MIN: f64 = 3.0 * FRAME_SECONDS_MAX;

/// On a path that carries this, no frame is too large.
const BYTES_PER_SECOND_MAX: f64 = STATE_FRAME_BYTES_MAX as f64 / FRAME_SECONDS_MAX;

/// What a frame may have on the slowest path: a few entities.
const BUDGET_BYTES_MIN: f64 = 64.0;

/// How much may be under way to a client.
#[derive(Debug)]
pub(crate) struct Pace {
    ticks_per_second: f64,
    under_way: VecDeque<Sent>,
    /// Shortest round trip so far.
    round_trip: Option<Duration>,
    /// Frames that the client takes in a second.
    rate: f64,
    /// Bytes that the path carries in a second, as far as that matters.
    bytes_per_second: f64,
    seen_at: Option<Instant>,
    bytes_seen: u64,
}

/// A frame under way.
#[derive(Clone, Copy, Debug)]
struct Sent {
    tick: Tick,
    at: Instant,
    bytes: u64,
    /// When the client had last taken a frame, and how many bytes by then.
    seen_before: (Instant, u64),
}

impl Pace {
    /// For a client that has been sent nothing.
    pub(crate) fn new(tick_rate: u16) -> Self {
        let ticks_per_second = f64::from(tick_rate.max(1));
        Self {
            ticks_per_second,
            under_way: VecDeque::new(),
            round_trip: None,
            rate: ticks_per_second,
            bytes_per_second: BYTES_PER_SECOND_MAX,
            seen_at: None,
            bytes_seen: 0,
        }
    }

    /// Bytes that the world should have at most in the next frame, beside so many of messages.
    /// However much there is to say, half of what the path carries is the world's.
    pub(crate) fn budget_bytes(&self, message_bytes: usize) -> usize {
        let bytes = self.bytes_per_second * FRAME_SECONDS_MAX;
        let left = (bytes - message_bytes as f64).max(bytes / 2.0);
        left.max(BUDGET_BYTES_MIN) as usize
    }

    /// Whether another frame may go.
    pub(crate) fn is_ready(&self) -> bool {
        let round_trip = self.round_trip.unwrap_or_default().as_secs_f64();
        let frames_max = (round_trip * self.rate).ceil() + FRAMES_TO_SPARE;
        (self.under_way.len() as f64) < frames_max && !self.is_full(round_trip)
    }

    /// Whether a narrow path has enough to carry for now. On one that was never idle even the
    /// shortest round trip is mostly waiting, and says too little of how many frames fill it.
    fn is_full(&self, round_trip: f64) -> bool {
        let bytes: u64 = self.under_way.iter().map(|sent| sent.bytes).sum();
        let most = self.bytes_per_second * round_trip.max(UNDER_WAY_SECONDS_MIN);
        self.bytes_per_second < BYTES_PER_SECOND_MAX && bytes as f64 >= most
    }

    /// A frame of this tick goes.
    pub(crate) fn handle_sent(&mut self, tick: Tick, bytes: usize, now: Instant) {
        let before = if self.under_way.is_empty() { now } else { self.seen_at.unwrap_or(now) };
        let seen_before = (before, self.bytes_seen);
        self.under_way.push_back(Sent { tick, at: now, bytes: bytes as u64, seen_before });
    }

    /// The client has taken in the frame of this tick, and with it those before.
    pub(crate) fn handle_seen(&mut self, tick: Tick, now: Instant) {
        let Some(at) = self.under_way.iter().position(|sent| sent.tick == tick) else { return };
        let is_held_up = !self.is_ready();
        self.bytes_seen += self.under_way.iter().take(at + 1).map(|sent| sent.bytes).sum::<u64>();
        let Some(sent) = self.under_way.drain(..=at).next_back() else { return };
        let sample = now.saturating_duration_since(sent.at);
        self.round_trip = Some(self.round_trip.map_or(sample, |least| least.min(sample)));
        if let Some(before) = self.seen_at {
            let seconds = now.saturating_duration_since(before).as_secs_f64();
            let rate = (at + 1) as f64 / seconds.max(f64::MIN_POSITIVE);
            // Where little was to be sent the rate says nothing about the path.
            let rate = if self.under_way.is_empty() { rate.max(self.rate) } else { rate };
            let rate = rate.min(self.ticks_per_second);
            self.rate += (rate - self.rate) * RATE_GAIN;
        }
        self.seen_at = Some(now);
        let queued = sample.saturating_sub(self.round_trip.unwrap_or_default()).as_secs_f64();
        let has_waited = is_held_up && queued * self.ticks_per_second > FRAMES_TO_SPARE;
        self.handle_bytes(sent, has_waited, now);
    }

    fn handle_bytes(&mut self, sent: Sent, has_waited: bool, now: Instant) {
        let (since, before) = sent.seen_before;
        let seconds = now.saturating_duration_since(since).as_secs_f64();
        let sample = (self.bytes_seen - before) as f64 / seconds.max(f64::MIN_POSITIVE);
        let rate = self.bytes_per_second;
        if sample >= rate {
            self.bytes_per_second = sample.min(BYTES_PER_SECOND_MAX);
        } else if has_waited {
            // Otherwise there was little to be sent, which says nothing about the path.
            self.bytes_per_second += (sample - rate) * RATE_GAIN;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK_MS: u64 = 50;

    const FRAME_BYTES: u64 = 100;

    /// Plays a path of this round trip that carries a frame per `frame_ms`, for a minute. Returns
    /// frames per second, the greatest age of a frame on arrival in the second half, and what a
    /// frame may have in the end.
    fn play(round_trip_ms: u64, frame_ms: u64) -> (f64, u64, usize) {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut pace = Pace::new(20);
        // When each frame reaches the client, and its tick.
        let mut arrivals = VecDeque::new();
        let (mut free_at, mut taken, mut oldest) = (0, 0, 0);
        for ms in 0..60_000u64 {
            while let Some((arrives, tick)) = arrivals.front().copied()
                && arrives + round_trip_ms / 2 <= ms
            {
                arrivals.pop_front();
                pace.handle_seen(Tick::new(tick), at(ms));
            }
            if ms % TICK_MS == 0 && pace.is_ready() {
                let tick = u32::try_from(ms / TICK_MS).expect("a minute is short");
                pace.handle_sent(Tick::new(tick), FRAME_BYTES as usize, at(ms));
                free_at = free_at.max(ms) + frame_ms;
                let arrives = free_at + round_trip_ms / 2;
                arrivals.push_back((arrives, tick));
                taken += 1;
                if ms > 30_000 {
                    oldest = oldest.max(arrives - ms);
                }
            }
        }
        (f64::from(taken) / 60.0, oldest, pace.budget_bytes(0))
    }

    #[test]
    fn a_long_path_is_filled() {
        for round_trip_ms in [0, 40, 100, 300, 800] {
            let (rate, _, budget) = play(round_trip_ms, 1);
            assert_eq!(budget, STATE_FRAME_BYTES_MAX, "{round_trip_ms} ms: nothing had to wait");
            assert!(rate > 19.0, "{round_trip_ms} ms: {rate} frames a second of 20");
        }
    }

    #[test]
    fn messages_take_their_place_from_the_world_but_not_all_of_it() {
        let pace = Pace::new(20);
        assert_eq!(pace.budget_bytes(0), STATE_FRAME_BYTES_MAX);
        assert_eq!(pace.budget_bytes(1_000), STATE_FRAME_BYTES_MAX - 1_000);
        assert_eq!(pace.budget_bytes(100_000), STATE_FRAME_BYTES_MAX / 2);
    }

    #[test]
    fn a_narrow_path_gets_fewer_fresher_frames() {
        for (round_trip_ms, frame_ms) in [(20, 120), (100, 200), (300, 400)] {
            let (rate, oldest, budget) = play(round_trip_ms, frame_ms);
            let most = 1000.0 / frame_ms as f64;
            assert!(rate > most * 0.8, "{rate} frames a second of {most} that the path carries");
            assert!(oldest < round_trip_ms / 2 + 5 * frame_ms, "a frame is {oldest} ms old");
            let carried = (FRAME_BYTES * 250 / frame_ms).max(64) as usize;
            let around = carried * 3 / 4..=carried * 5 / 4;
            assert!(around.contains(&budget), "{budget} bytes, of {carried} in a quarter second");
        }
    }
}
