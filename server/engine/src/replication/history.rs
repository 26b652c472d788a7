//! The recent snapshots of a room.

use std::{collections::VecDeque, sync::Arc};

use tickwire_shared::Tick;

use super::snapshot::Snapshot;

/// How long snapshots are kept, in milliseconds. Deltas start from them, lag compensation and
/// recordings read them: longer than a player's round trip and a stall that is worth bridging.
pub const HISTORY_MS: u32 = 1_600;

/// Fewest snapshots that are kept, for rooms that tick slowly.
const SNAPSHOTS_MIN: usize = 16;

/// The recent snapshots of a room. Cheap to clone: the snapshots are shared.
#[derive(Clone, Debug)]
pub struct History {
    snapshots: VecDeque<Arc<Snapshot>>,
    capacity: usize,
}

impl History {
    /// An empty history of a room that makes so many ticks per second.
    pub fn new(tick_rate: u16) -> Self {
        let capacity = (u32::from(tick_rate) * HISTORY_MS / 1000) as usize + 1;
        Self::with_capacity(capacity.max(SNAPSHOTS_MIN))
    }

    /// An empty history of so many snapshots.
    pub fn with_capacity(capacity: usize) -> Self {
        Self { snapshots: VecDeque::with_capacity(capacity + 1), capacity }
    }

    /// Adds the snapshot of the next tick; the oldest goes. What most clients will need of it is
    /// worked out here, once.
    pub fn push(&mut self, snapshot: Arc<Snapshot>) {
        if let Some(newest) = self.newest()
            && snapshot.tick().since(newest.tick()) != 1
        {
            // A room that jumps starts a new history.
            self.snapshots.clear();
        }
        self.snapshots.push_back(snapshot);
        if self.snapshots.len() > self.capacity {
            self.snapshots.pop_front();
        }
        super::deltas::prepare(self);
    }

    /// The newest snapshot.
    pub fn newest(&self) -> Option<&Arc<Snapshot>> {
        self.snapshots.back()
    }

    /// The snapshot of a tick, where it is still kept.
    pub fn at(&self, tick: Tick) -> Option<&Arc<Snapshot>> {
        let newest = self.newest()?.tick();
        let back = usize::try_from(newest.since(tick)).ok()?;
        self.snapshots.get(self.snapshots.len().checked_sub(back + 1)?)
    }

    /// How many snapshots are kept at most.
    pub fn capacity(&self) -> usize {
        self.capacity
    }
}
