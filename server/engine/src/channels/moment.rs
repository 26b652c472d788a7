//! When something happens, by both clocks that matter: one to measure with, one to tell people.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Moment {
    /// To measure ages and rates with.
    pub at: Instant,
    /// What a clock on the wall says, in milliseconds since 1970.
    pub unix_ms: u64,
}

impl Moment {
    /// This very moment. For shells: the core is told.
    pub fn now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { at: Instant::now(), unix_ms: u64::try_from(since.as_millis()).unwrap_or(u64::MAX) }
    }

    /// This long after.
    #[must_use]
    pub fn after(self, time: Duration) -> Self {
        let ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Self { at: self.at + time, unix_ms: self.unix_ms.saturating_add(ms) }
    }
}
