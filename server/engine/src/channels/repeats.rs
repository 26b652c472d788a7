//! Posts that were taken already, by their idempotency keys.

use std::{
    collections::{HashMap, VecDeque},
    time::Instant,
};

use super::Position;
use crate::limits::{IDEMPOTENCY_AGE, IDEMPOTENCY_KEYS_MAX};

/// Posts that a channel has taken lately.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    taken: HashMap<String, Position>,
    order: VecDeque<(Instant, String)>,
}

impl Repeats {
    /// Where the post with this key was published.
    pub(super) fn find(&self, key: &str) -> Option<Position> {
        self.taken.get(key).copied()
    }

    /// A post was published.
    pub(super) fn note(&mut self, key: String, position: Position, now: Instant) {
        self.expire(now);
        if self.order.len() >= IDEMPOTENCY_KEYS_MAX {
            self.drop_oldest();
        }
        self.order.push_back((now, key.clone()));
        self.taken.insert(key, position);
    }

    /// Forgets what is long past.
    pub(super) fn expire(&mut self, now: Instant) {
        let is_old = |at: Instant| now.saturating_duration_since(at) >= IDEMPOTENCY_AGE;
        while self.order.front().is_some_and(|(at, _)| is_old(*at)) {
            self.drop_oldest();
        }
    }

    /// Whether it remembers nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    fn drop_oldest(&mut self) {
        if let Some((_, key)) = self.order.pop_front() {
            self.taken.remove(&key);
        }
    }
}
