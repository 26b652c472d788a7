//! One stay of a transport on a session: what is lost with the connection.
//!
//! It pulls a state frame whenever the client is ready: with nothing unwritten, and not too far
//! ahead of what the *application* at the other end has taken in, since sockets and proxies can
//! hold minutes of small frames.

use std::time::{Duration, Instant};

use tickwire_shared::{
    ClientId, CloseReason, Tick,
    messages::{ClientUpdate, ClockEcho, Sequence},
};

use crate::{
    lag::{Claim, Lag},
    limits::{FRAMES_BURST_MAX, FRAMES_PER_SECOND_MAX, HEARTBEAT, IDLE_TIMEOUT},
    pace::Pace,
    replication::{ClientView, Delay, Desync},
    room::Published,
};

/// One stay of a transport on a session.
#[derive(Debug)]
pub(crate) struct Attachment {
    view: ClientView,
    pace: Pace,
    lag: Lag,
    /// The newest stamp of the client's clock, and when it came.
    stamp: Option<(u32, Instant)>,
    /// Highest number of the client's messages that it knows to be acknowledged.
    acknowledged: Sequence,
    /// What the client's last report was found to differ in; inside, `None` where that could not
    /// be told any more.
    desync: Option<Option<Desync>>,
    /// The tick that was looked at last: a poll may ask twice within one.
    looked_at: Option<Tick>,
    heard_at: Instant,
    spoken_at: Instant,
    allowance: Allowance,
}

impl Attachment {
    /// A transport of which nothing was heard but hello.
    pub(crate) fn new(tick_rate: u16, now: Instant) -> Self {
        Self {
            view: ClientView::new(),
            pace: Pace::new(tick_rate),
            lag: Lag::new(tick_rate),
            stamp: None,
            acknowledged: 0,
            desync: None,
            looked_at: None,
            heard_at: now,
            spoken_at: now,
            allowance: Allowance::new(now),
        }
    }

    /// Something came.
    pub(crate) fn handle_heard(&mut self, now: Instant) -> Result<(), CloseReason> {
        self.heard_at = now;
        if self.allowance.take(now) { Ok(()) } else { Err(CloseReason::TooFast) }
    }

    /// An update came.
    pub(crate) fn handle_update(
        &mut self,
        update: &ClientUpdate,
        published: Option<&Published>,
        now: Instant,
    ) {
        self.pace.handle_seen(Tick::new(update.seen), now);
        self.lag.handle_seen(Tick::new(update.seen), now);
        if let Some(stamp) = update.stamp_ms {
            self.stamp = Some((stamp, now));
        }
        if !update.report.is_empty()
            && let Some(published) = published
        {
            self.desync = Some(self.view.handle_report(&update.report, &published.history));
        }
    }

    /// With which delay the inputs of an update act: all of them, since each saw as much less as
    /// it was made before the newest. To be asked once the update was taken.
    pub(crate) fn delay(
        &self,
        update: &ClientUpdate,
        published: &Published,
        tick_rate: u16,
        now: Instant,
    ) -> Option<Delay> {
        let newest = u32::try_from(update.inputs.len()).ok()?.checked_sub(1)?;
        let input = Tick::new(update.first_input).plus(newest);
        let (shown, shown_fraction) = (Tick::new(update.shown), update.shown_fraction);
        if (update.shown, shown_fraction) == (0, 0) {
            return None;
        }
        let until = f64::from(input.since(published.tick)) - published.ticks_since(tick_rate, now);
        self.lag.grant(Claim { input, shown, shown_fraction }, until)
    }

    /// The world for the client, beside so many bytes of messages in the same frame; empty when it
    /// is not ready, or sees nothing new.
    pub(crate) fn poll_state(
        &mut self,
        client: ClientId,
        published: &Published,
        message_bytes: usize,
        now: Instant,
    ) -> Vec<u8> {
        let mut state = Vec::new();
        if self.looked_at != Some(published.tick)
            && self.pace.is_ready()
            && let Some(own) = published.clients.get(&client)
        {
            self.looked_at = Some(published.tick);
            self.view.compose(
                &published.history,
                &own.view,
                client,
                own.input_applied,
                self.pace.budget_bytes(message_bytes),
                &mut state,
            );
        }
        if !state.is_empty() {
            self.pace.handle_sent(published.tick, state.len() + message_bytes, now);
            self.lag.handle_sent(published.tick, now);
        }
        state
    }

    /// Whether the client may be sent another state.
    pub(crate) fn is_ready(&self) -> bool {
        self.pace.is_ready()
    }

    /// Whether the client has yet to hear that its messages have arrived.
    pub(crate) const fn owes_acknowledgement(&self, acknowledged: Sequence) -> bool {
        self.acknowledged != acknowledged
    }

    /// Whether a heartbeat is due.
    pub(crate) fn is_silent(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.spoken_at) >= HEARTBEAT
    }

    /// Whether nothing was heard for too long.
    pub(crate) fn is_timed_out(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.heard_at) >= IDLE_TIMEOUT
    }

    /// A frame goes, with the clock echo that this returns.
    pub(crate) fn handle_spoken(
        &mut self,
        acknowledged: Sequence,
        published: &Published,
        tick_rate: u16,
        now: Instant,
    ) -> Option<ClockEcho> {
        self.acknowledged = acknowledged;
        self.spoken_at = now;
        let (stamp_ms, came_at) = self.stamp.take()?;
        Some(published.clock(tick_rate, stamp_ms, now.duration_since(came_at), now))
    }

    /// What the client's last report was found to differ in.
    pub(crate) fn poll_desync(&mut self) -> Option<Option<Desync>> {
        self.desync.take()
    }

    /// Memory of the client's view, in bytes.
    pub(crate) fn view_bytes(&self) -> usize {
        self.view.memory_bytes()
    }
}

impl Published {
    /// Ticks that have gone by since it was made, with fraction.
    fn ticks_since(&self, tick_rate: u16, now: Instant) -> f64 {
        now.saturating_duration_since(self.at).as_secs_f64() * f64::from(tick_rate)
    }

    /// Where the server's clock stood as a frame was made.
    fn clock(&self, tick_rate: u16, stamp_ms: u32, held: Duration, now: Instant) -> ClockEcho {
        let ticks = self.ticks_since(tick_rate, now);
        let whole = ticks as u32;
        let fraction = (ticks.fract() * 65536.0) as u16;
        let held_ms = u32::try_from(held.as_millis()).unwrap_or(u32::MAX);
        let tick = self.tick.plus(whole).get();
        ClockEcho { stamp_ms, held_ms, tick, tick_fraction: fraction }
    }
}

/// A token bucket over frames.
#[derive(Debug)]
struct Allowance {
    frames: f64,
    at: Instant,
}

impl Allowance {
    const fn new(now: Instant) -> Self {
        Self { frames: FRAMES_BURST_MAX as f64, at: now }
    }

    fn take(&mut self, now: Instant) -> bool {
        let gained = now.duration_since(self.at).as_secs_f64() * f64::from(FRAMES_PER_SECOND_MAX);
        self.at = now;
        self.frames = (self.frames + gained).min(f64::from(FRAMES_BURST_MAX));
        self.frames -= 1.0;
        self.frames >= 0.0
    }
}
