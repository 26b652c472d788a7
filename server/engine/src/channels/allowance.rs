//! How often something may be done: a token bucket, without a clock.

use std::time::{Duration, Instant};

use super::Rate;

/// What is left of a rate.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowance {
    left: f64,
    at: Instant,
}

impl Allowance {
    /// All of it.
    pub(super) fn new(rate: Rate, now: Instant) -> Self {
        Self { left: f64::from(rate.burst), at: now }
    }

    /// Takes one, or says after how long there is one again.
    pub(super) fn take(&mut self, rate: Rate, now: Instant) -> Result<(), Duration> {
        let per_second = f64::from(rate.per_second.max(1));
        let gained = now.saturating_duration_since(self.at).as_secs_f64() * per_second;
        self.left = (self.left + gained).min(f64::from(rate.burst));
        self.at = now;
        if self.left < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - self.left) / per_second));
        }
        self.left -= 1.0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_the_rate_holds() {
        let rate = Rate { per_second: 2, burst: 3 };
        let start = Instant::now();
        let mut allowance = Allowance::new(rate, start);
        for _ in 0..3 {
            assert_eq!(allowance.take(rate, start), Ok(()));
        }
        assert_eq!(allowance.take(rate, start), Err(Duration::from_millis(500)));
        assert_eq!(allowance.take(rate, start + Duration::from_millis(500)), Ok(()));
        assert!(allowance.take(rate, start + Duration::from_millis(600)).is_err());
    }
}
