//! Those who compose and write: each wakes once per tick of its room and visits its players.
//!
//! One wake-up serves many clients, and what a frame needs (snapshot, deltas) stays in the cache.
//! Neighbours are visited one after another, since they see the same entities.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tickwire_shared::Tick;
use tokio::{sync::watch, task::yield_now};

use super::player::{Player, Visit};
use crate::{
    bridge::{Mailbox, RoomHandle},
    room::Published,
};

/// The workers of one room.
#[derive(Debug)]
pub(crate) struct Workers {
    /// Players on their way to each worker.
    lists: Vec<Arc<List>>,
    next: AtomicUsize,
}

type List = Mutex<Vec<Kept>>;

/// A player whom a worker keeps until it is over. What is looked at in each tick lies together: thousands of players who wait for
/// nothing would each have to be fetched from memory otherwise.
#[derive(Clone, Debug)]
struct Kept {
    mailbox: Arc<Mailbox>,
    player: Arc<Player>,
    /// Until when nothing is to be expected but news and changes.
    quiet_until: Option<Instant>,
    is_over: bool,
}

/// How long a player who waits for nothing is left alone: timeouts are this exact.
const QUIET: Duration = Duration::from_secs(1);

/// How often players are brought into the order of their places. In a second few move so far that
/// they would have other neighbours.
const SORT_TICKS: u32 = 20;

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
        Self { lists: lists.collect(), next: AtomicUsize::new(0) }
    }

    /// Gives a player to the next worker in turn.
    pub(crate) fn add(&self, player: &Arc<Player>) {
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        if let Some(list) = self.lists.get(next % self.lists.len().max(1)) {
            lock(list).push(Kept {
                mailbox: Arc::clone(player.mailbox()),
                player: Arc::clone(player),
                quiet_until: None,
                is_over: false,
            });
        }
    }
}

fn lock(list: &List) -> std::sync::MutexGuard<'_, Vec<Kept>> {
    list.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn work(mut published: watch::Receiver<Option<Arc<Published>>>, list: Arc<List>) {
    let mut kept = Vec::new();
    let mut visited = Tick::default();
    let mut sorted = Tick::default();
    while published.changed().await.is_ok() {
        let Some(newest) = published.borrow_and_update().clone() else { continue };
        kept.append(&mut lock(&list));
        // A tick may have been missed: what changed in it counts as well.
        let is_still = !newest.changed_at.is_newer_than(visited);
        visited = newest.tick;
        if newest.tick.since(sorted).unsigned_abs() >= SORT_TICKS {
            sorted = newest.tick;
            kept.sort_by_cached_key(|kept| kept.place_on_curve(&newest));
        }
        let now = Instant::now();
        let mut visits = 0;
        for kept in &mut kept {
            if !kept.is_due(is_still, now) {
                continue;
            }
            kept.visit(&newest, is_still);
            visits += 1;
            if visits % VISITS_PER_TURN == 0 {
                yield_now().await;
            }
        }
        kept.retain(|kept| !kept.is_over);
    }
}

impl Kept {
    fn place_on_curve(&self, newest: &Published) -> u64 {
        let client = newest.clients.get(&self.player.client());
        client.map_or(0, |client| client.view.area.place_on_curve())
    }

    fn is_due(&self, is_still: bool, now: Instant) -> bool {
        let has_news = self.mailbox.take_news();
        has_news || !is_still || self.quiet_until.is_none_or(|until| now >= until)
    }

    fn visit(&mut self, newest: &Published, is_still: bool) {
        let now = Instant::now();
        match self.player.handle_tick(newest, is_still, now) {
            Visit::Busy => self.quiet_until = None,
            Visit::Quiet => self.quiet_until = Some(now + QUIET),
            Visit::Over => self.is_over = true,
        }
    }
}
