//! Where the server's clock stands, as a client can tell.
//!
//! Cristian's algorithm: each echo of a stamp bounds the server's time to within half a round
//! trip, and of the recent echoes the one with the shortest round trip is believed.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use tickwire_shared::{Tick, messages::ClockEcho};

/// Echoes that are remembered: at two a second, a quarter of a minute, over which clocks drift
/// apart by well under a millisecond.
const SAMPLES_MAX: usize = 32;

/// Where the server's clock stands.
#[derive(Clone, Debug)]
pub struct ServerClock {
    started: Instant,
    tick_rate: f64,
    samples: VecDeque<Sample>,
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    round_trip: Duration,
    /// Ticks of the server, with fraction, at `at`.
    ticks: f64,
    at: Instant,
}

impl ServerClock {
    /// A clock that knows nothing so far.
    pub fn new(started: Instant, tick_rate: u16) -> Self {
        Self { started, tick_rate: f64::from(tick_rate), samples: VecDeque::new() }
    }

    /// The stamp for a frame that is made now.
    pub fn stamp(&self, now: Instant) -> u32 {
        // Modulo 2³² by design.
        self.millis(now) as u32
    }

    /// Takes an echo that arrived now.
    pub fn handle_echo(&mut self, echo: &ClockEcho, now: Instant) {
        let since = (self.millis(now) as u32).wrapping_sub(echo.stamp_ms);
        let round_trip = Duration::from_millis(u64::from(since.saturating_sub(echo.held_ms)));
        let ticks = f64::from(echo.tick) + f64::from(echo.tick_fraction) / 65536.0;
        let under_way = round_trip.as_secs_f64() / 2.0 * self.tick_rate;
        self.samples.push_back(Sample { round_trip, ticks: ticks + under_way, at: now });
        if self.samples.len() > SAMPLES_MAX {
            self.samples.pop_front();
        }
    }

    /// Ticks of the server now, with fraction; `None` before the first echo.
    pub fn ticks(&self, now: Instant) -> Option<f64> {
        let best = self.samples.iter().min_by_key(|sample| sample.round_trip)?;
        Some(best.ticks + now.duration_since(best.at).as_secs_f64() * self.tick_rate)
    }

    /// Shortest round trip of late.
    pub fn round_trip(&self) -> Option<Duration> {
        self.samples.iter().map(|sample| sample.round_trip).min()
    }

    /// How old the world of `tick` is now.
    pub fn age(&self, tick: Tick, now: Instant) -> Option<Duration> {
        let ticks = self.ticks(now)? - f64::from(tick.get());
        Some(Duration::from_secs_f64((ticks / self.tick_rate).max(0.0)))
    }

    fn millis(&self, now: Instant) -> u128 {
        now.duration_since(self.started).as_millis()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quickest_echo_places_the_clock() {
        let start = Instant::now();
        let ms = |ms| start + Duration::from_millis(ms);
        let mut clock = ServerClock::new(start, 20);
        assert_eq!(clock.ticks(start), None, "nothing is known before the first echo");
        // Sent at 0, held for 10 ms, back at 110: the round trip took 100. The server said tick
        // 7, which was 50 ms ago when it arrives: a whole tick.
        let echo = ClockEcho { stamp_ms: 0, held_ms: 10, tick: 7, tick_fraction: 0 };
        clock.handle_echo(&echo, ms(110));
        assert_eq!(clock.ticks(ms(110)), Some(8.0));
        // A late echo of a jam says less than the first, and is not believed.
        let late = ClockEcho { stamp_ms: 110, held_ms: 0, tick: 9, tick_fraction: 0 };
        clock.handle_echo(&late, ms(1110));
        assert_eq!(clock.ticks(ms(1110)), Some(28.0));
        assert_eq!(clock.age(Tick::new(27), ms(1110)), Some(Duration::from_millis(50)));
    }
}
