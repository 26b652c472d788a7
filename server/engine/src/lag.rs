//! How old the pictures can be that a client acts on, as far as the server can tell.
//!
//! A client says what it saw, and might say anything. What bounds it is what the server measured
//! itself: when it sent each frame, and when the client's application had taken it in. Whoever
//! draws between frames, as smooth motion needs, shows a moment that is as old as the frames that
//! come late, plus the time from one frame to the next, plus a bit for the unevenness of timers.
//!
//! A client that is slow, or acts as if it were, is granted what its slowness costs it, and no
//! more than [`REWIND_MAX`](crate::limits::REWIND_MAX): that is the price of judging by what
//! players see. A client that is quick gains nothing by its word.

use std::{collections::VecDeque, time::Instant};

use tickwire_shared::Tick;

use crate::replication::Delay;

/// Frames that are remembered: eight seconds at 20 Hz. Clients that remember late frames for six,
/// and then take a second or two to come nearer again, are not cut short.
const FRAMES_REMEMBERED: usize = 160;

/// Of each so many frames remembered the worst one is not counted: a stall now and then makes no
/// client's pictures late.
const FRAMES_PER_STALL: usize = 32;

/// Most frames under way that are watched; a client that leaves more unread says nothing of use.
const UNDER_WAY_MAX: usize = 256;

/// What uneven timers add to a picture's age, in ticks.
const TIMER_TICKS: f64 = 1.0;

/// Parts of a tick in a [`Delay`].
const PARTS: f64 = 256.0;

/// How old a client's pictures can be.
#[derive(Debug)]
pub(crate) struct Lag {
    tick_rate: u16,
    under_way: VecDeque<Sent>,
    sent_last: Option<Tick>,
    /// Ticks from a frame's sending, and the one before it, to the word that it was taken in.
    waits: VecDeque<f32>,
}

#[derive(Clone, Copy, Debug)]
struct Sent {
    tick: Tick,
    at: Instant,
    /// Ticks since the frame before.
    spacing: u16,
}

/// A client's word on what it saw.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claim {
    /// Tick of the input that it made then.
    pub(crate) input: Tick,
    /// Tick that its pictures showed, or had passed.
    pub(crate) shown: Tick,
    /// By how much, in 1/256 of a tick.
    pub(crate) shown_fraction: u8,
}

impl Lag {
    /// Of a client that has been sent nothing.
    pub(crate) fn new(tick_rate: u16) -> Self {
        let (under_way, waits) = (VecDeque::new(), VecDeque::new());
        Self { tick_rate, under_way, sent_last: None, waits }
    }

    /// A frame of this tick goes.
    pub(crate) fn handle_sent(&mut self, tick: Tick, now: Instant) {
        let spacing = self.sent_last.map_or(1, |last| tick.since(last));
        let spacing = u16::try_from(spacing).unwrap_or(u16::MAX);
        self.sent_last = Some(tick);
        if self.under_way.len() == UNDER_WAY_MAX {
            self.under_way.pop_front();
        }
        self.under_way.push_back(Sent { tick, at: now, spacing });
    }

    /// The client has taken in the frame of this tick, and with it those before.
    pub(crate) fn handle_seen(&mut self, tick: Tick, now: Instant) {
        let Some(at) = self.under_way.iter().position(|sent| sent.tick == tick) else { return };
        // The one that waited longest decides: frames may come in bunches.
        let waits = self.under_way.drain(..=at).map(|sent| {
            let seconds = now.saturating_duration_since(sent.at).as_secs_f64();
            (seconds * f64::from(self.tick_rate) + f64::from(sent.spacing)) as f32
        });
        let longest = waits.fold(0.0, f32::max);
        if self.waits.len() == FRAMES_REMEMBERED {
            self.waits.pop_front();
        }
        self.waits.push_back(longest);
    }

    /// The delay that is granted to an input of a client which claims to have seen this, where
    /// the room stands `ticks_until` before the input's tick. `None` as long as nothing is known.
    pub(crate) fn grant(&self, claim: Claim, ticks_until: f64) -> Option<Delay> {
        let parts = i64::from(claim.input.since(claim.shown)) * 256;
        let claimed = parts - i64::from(claim.shown_fraction);
        let believed = (self.picture_age()? + ticks_until) * PARTS;
        Some(Delay::of_parts(claimed.min(believed as i64), self.tick_rate))
    }

    /// How old pictures may be as word of what was done about them arrives, in ticks.
    fn picture_age(&self) -> Option<f64> {
        let stalls = self.waits.len() / FRAMES_PER_STALL;
        let mut waits: Vec<f32> = self.waits.iter().copied().collect();
        let at = waits.len().checked_sub(stalls + 1)?;
        let (_, wait, _) = waits.select_nth_unstable_by(at, f32::total_cmp);
        Some(f64::from(*wait) + TIMER_TICKS)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const TICK_MS: u64 = 50;

    /// What is granted to a client that claims to have seen a world of `claimed` ticks before its
    /// input, after half a minute on a path whose frames and answers each take so long.
    fn granted(way_ms: impl Fn(u32) -> u64, claimed: u32) -> f64 {
        let start = Instant::now();
        let mut lag = Lag::new(20);
        let mut granted = 0.0;
        let mut came_at = 0;
        for tick in 0..600u32 {
            let sent_at = u64::from(tick) * TICK_MS;
            lag.handle_sent(Tick::new(tick), start + Duration::from_millis(sent_at));
            came_at = (sent_at + 2 * way_ms(tick)).max(came_at);
            lag.handle_seen(Tick::new(tick), start + Duration::from_millis(came_at));
            let input = Tick::new(tick + 20);
            let shown = input.minus(claimed);
            let claim = Claim { input, shown, shown_fraction: 0 };
            // The input came two ticks ahead of its time.
            let delay = lag.grant(claim, 2.0).expect("a frame was seen");
            granted = f64::from(delay.parts()) / PARTS;
        }
        granted
    }

    #[test]
    fn an_honest_word_is_believed() {
        // There and back in 100 ms is two ticks; a tick between frames, a bit for timers, and two
        // that the input came early.
        for claimed in 1..=6 {
            assert!((granted(|_| 50, claimed) - f64::from(claimed)).abs() < 0.01);
        }
        // With frames that come up to 80 ms later the pictures are later too.
        assert!((granted(|tick| 50 + u64::from(tick * 7 % 5) * 10, 7) - 7.0).abs() < 0.01);
    }

    #[test]
    fn a_lie_gains_nothing_beyond_what_was_measured() {
        assert!((granted(|_| 0, 1000) - 4.0).abs() < 0.01, "nothing, and the same beside it");
        assert!((granted(|_| 50, 1000) - 6.0).abs() < 0.01, "100 ms on top");
        assert!((granted(|_| 400, 1000) - 10.0).abs() < 0.01, "500 ms in all");
        let stalls = |tick| if tick % 200 == 199 { 200 } else { 0 };
        assert!(granted(stalls, 1000) < 5.0, "a stall now and then opens no door");
    }

    #[test]
    fn nothing_is_believed_before_something_is_known() {
        let mut lag = Lag::new(20);
        let claim = Claim { input: Tick::new(9), shown: Tick::new(3), shown_fraction: 0 };
        assert_eq!(lag.grant(claim, 0.0), None);
        lag.handle_seen(Tick::new(3), Instant::now());
        assert_eq!(lag.grant(claim, 0.0), None, "a frame that was never sent proves nothing");
    }

    #[test]
    fn pictures_of_the_future_are_of_the_state_before() {
        let mut lag = Lag::new(20);
        let now = Instant::now();
        lag.handle_sent(Tick::new(1), now);
        lag.handle_seen(Tick::new(1), now);
        let claim = Claim { input: Tick::new(9), shown: Tick::new(12), shown_fraction: 9 };
        assert_eq!(lag.grant(claim, 1.0), Some(Delay::LEAST));
    }
}
