//! What a channel keeps: its newest publications, bounded by count, bytes and age.

use std::{collections::VecDeque, sync::Arc, time::Instant};

use super::{HistoryBounds, Publication};

/// The newest publications of a channel, oldest first, without gaps between them.
#[derive(Debug, Default)]
pub(super) struct History {
    kept: VecDeque<(Instant, Arc<Publication>)>,
    bytes: usize,
}

impl History {
    /// Takes the next publication.
    pub(super) fn push(
        &mut self,
        publication: Arc<Publication>,
        bounds: HistoryBounds,
        now: Instant,
    ) {
        if !bounds.keeps() {
            return;
        }
        self.bytes += publication.bytes();
        self.kept.push_back((now, publication));
        while self.kept.len() > bounds.count || self.bytes > bounds.bytes {
            self.drop_oldest();
        }
        self.expire(bounds, now);
    }

    /// Lets go what is too old.
    pub(super) fn expire(&mut self, bounds: HistoryBounds, now: Instant) {
        let is_old = |at: Instant| now.saturating_duration_since(at) >= bounds.age();
        while self.kept.front().is_some_and(|(at, _)| is_old(*at)) {
            self.drop_oldest();
        }
    }

    /// Lets go all of it.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Publications whose number is above `offset`, oldest first.
    pub(super) fn after(&self, offset: u64) -> impl DoubleEndedIterator<Item = &Arc<Publication>> {
        let at = self.kept.partition_point(|(_, one)| one.position.offset <= offset);
        self.kept.range(at..).map(|(_, publication)| publication)
    }

    /// The newest `count`, oldest first.
    pub(super) fn last(&self, count: usize) -> impl DoubleEndedIterator<Item = &Arc<Publication>> {
        let at = self.kept.len().saturating_sub(count);
        self.kept.range(at..).map(|(_, publication)| publication)
    }

    /// Whether it holds everything that was published after `offset`, where `newest` is the
    /// number of the newest publication.
    pub(super) fn reaches_back_to(&self, offset: u64, newest: u64) -> bool {
        let first = self.kept.front().map(|(_, one)| one.position.offset);
        offset == newest || first.is_some_and(|first| first <= offset + 1)
    }

    /// How many it holds.
    pub(super) fn len(&self) -> usize {
        self.kept.len()
    }

    /// How many bytes it holds.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    fn drop_oldest(&mut self) {
        if let Some((_, publication)) = self.kept.pop_front() {
            self.bytes -= publication.bytes();
        }
    }
}
