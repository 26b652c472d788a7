//! Those who compose and write: each wakes once per tick of its room and visits its players.
//!
//! One wake-up serves many clients, and what a frame needs (snapshot, deltas) stays in the cache.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use tokio::{sync::watch, task::yield_now};

use super::player::Player;
use crate::{bridge::RoomHandle, room::Published};

/// The workers of one room.
#[derive(Debug)]
pub(crate) struct Workers {
    lists: Vec<Arc<List>>,
}

/// The players whom a worker keeps until it is over with them.
type List = Mutex<Vec<Arc<Player>>>;

/// Players that a worker visits before it lets other tasks have the thread: about a third of a
/// millisecond.
const VISITS_PER_TURN: usize = 32;

impl Workers {
    /// Starts as many as there are processors. They end with the room.
    pub(crate) fn start(room: &RoomHandle) -> Self {
        let count = std::thread::available_parallelism().map_or(1, usize::from);
        let lists = (0..count).map(|_| {
            let list = Arc::<List>::default();
            tokio::spawn(work(room.subscribe(), Arc::clone(&list)));
            list
        });
        Self { lists: lists.collect() }
    }

    /// Gives a player to the worker with the fewest.
    pub(crate) fn add(&self, player: &Arc<Player>) {
        if let Some(list) = self.lists.iter().min_by_key(|list| lock(list).len()) {
            lock(list).push(Arc::clone(player));
        }
    }
}

fn lock(list: &List) -> std::sync::MutexGuard<'_, Vec<Arc<Player>>> {
    list.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn work(mut published: watch::Receiver<Option<Arc<Published>>>, list: Arc<List>) {
    let mut visiting = Vec::new();
    while published.changed().await.is_ok() {
        let Some(newest) = published.borrow_and_update().clone() else { continue };
        {
            let mut list = lock(&list);
            list.retain(|player| !player.is_over());
            visiting.extend(list.iter().cloned());
        }
        for (at, player) in visiting.drain(..).enumerate() {
            player.handle_tick(&newest, Instant::now());
            if at % VISITS_PER_TURN == VISITS_PER_TURN - 1 {
                yield_now().await;
            }
        }
    }
    // The room is gone, and with it those who wait in it.
    lock(&list).clear();
}
