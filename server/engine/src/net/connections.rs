//! Connections that are no players': those who listen. Kept so that a backend can end them.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio_util::sync::CancellationToken;

use crate::{channels::Member, metrics};

/// Everybody who listens.
#[derive(Clone, Debug, Default)]
pub(crate) struct Connections(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    next: AtomicU64,
    entries: Mutex<HashMap<u64, Entry>>,
}

#[derive(Debug)]
struct Entry {
    member: Arc<Member>,
    end: CancellationToken,
}

/// One of them; gone when dropped.
#[derive(Debug)]
pub(crate) struct Connection {
    id: u64,
    way: &'static str,
    connections: Connections,
    end: CancellationToken,
}

impl Connections {
    /// One more, who listens in this way.
    pub(crate) fn add(&self, member: Arc<Member>, way: &'static str) -> Connection {
        metrics::listener_began(way);
        let id = self.0.next.fetch_add(1, Ordering::Relaxed);
        let end = CancellationToken::new();
        self.lock().insert(id, Entry { member, end: end.clone() });
        Connection { id, way, connections: self.clone(), end }
    }

    /// Ends those of this user, of this client, or of both where both are named.
    pub(crate) fn disconnect(&self, user: &str, client: &str) {
        for Entry { member, end } in self.lock().values() {
            let is_meant = (user.is_empty() || member.user == user)
                && (client.is_empty() || member.client == client);
            if is_meant {
                end.cancel();
            }
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<u64, Entry>> {
        self.0.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connection {
    /// Ends when a backend wants it to.
    pub(crate) const fn end(&self) -> &CancellationToken {
        &self.end
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        metrics::listener_ended(self.way);
        self.connections.lock().remove(&self.id);
    }
}
