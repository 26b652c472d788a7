//! How early a client sends its inputs, beside half a round trip: as early as it takes for them
//! to be there in time, and hardly more, since each tick of lead is a tick of delay.

use tickwire_shared::Tick;

/// The lead at first, at least and at most, in ticks.
const TICKS: f64 = 1.5;
const TICKS_MIN: f64 = 1.25;
const TICKS_MAX: f64 = 6.0;

/// What an input too late adds to the lead, and what one in time takes from it: back by a tick in
/// half a minute at 20 Hz.
const LATE_TICKS: f64 = 0.25;
const IN_TIME_TICKS: f64 = 1.0 / 600.0;

/// How early a client sends its inputs.
#[derive(Clone, Copy, Debug)]
pub struct InputLead {
    ticks: f64,
    late: u64,
    in_time: u64,
}

impl Default for InputLead {
    fn default() -> Self {
        Self { ticks: TICKS, late: 0, in_time: 0 }
    }
}

impl InputLead {
    /// The lead, in ticks.
    pub const fn ticks(&self) -> f64 {
        self.ticks
    }

    /// How many states held the input for their tick, and how many an older one.
    pub const fn heard(&self) -> (u64, u64) {
        (self.in_time, self.late)
    }

    /// A state came of a tick for which an input had been sent; `applied` is the newest that it
    /// holds.
    pub fn handle_state(&mut self, tick: Tick, applied: Option<Tick>) {
        let is_late = applied.is_none_or(|applied| tick.is_newer_than(applied));
        if is_late {
            self.late += 1;
            self.ticks = (self.ticks + LATE_TICKS).min(TICKS_MAX);
        } else {
            self.in_time += 1;
            self.ticks = (self.ticks - IN_TIME_TICKS).max(TICKS_MIN);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_inputs_are_sent_earlier_and_calm_brings_them_back() {
        let mut lead = InputLead::default();
        for tick in 0..8 {
            lead.handle_state(Tick::new(10 + tick), Some(Tick::new(9 + tick)));
        }
        assert!((lead.ticks() - 3.5).abs() < 0.01);
        for tick in 0..600 {
            lead.handle_state(Tick::new(20 + tick), Some(Tick::new(20 + tick)));
        }
        assert!((lead.ticks() - 2.5).abs() < 0.01, "a tick in half a minute");
        for tick in 0..100 {
            lead.handle_state(Tick::new(1000 + tick), None);
        }
        assert!((lead.ticks() - TICKS_MAX).abs() < 0.01, "within bounds");
        assert_eq!(lead.heard(), (600, 108));
    }
}
