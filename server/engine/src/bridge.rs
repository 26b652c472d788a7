//! What lies between the network and a room: a bounded inbox one way, the newest world the other.
//!
//! The network never calls the game and the game never waits for the network: both only ever
//! hold these locks for as long as it takes to move a value.
//!
//! # Parts
//! - `inbox`: what clients have said.

mod inbox;

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use tickwire_shared::{ClientId, CloseReason, Tick, messages::Close, reliable::SenderFull};
use tokio::sync::watch;

use self::inbox::Inbox;
pub use self::inbox::{InboxFull, Joining, RoomMessage};
use crate::{game::RoomInfo, limits::UNACKNOWLEDGED_BYTES_MAX, room::Published};

/// Reliable messages on their way from a room to a session.
#[derive(Debug, Default)]
pub struct Mailbox {
    inner: Mutex<Mail>,
    /// Something has come for the session, from the room or from its client, since it was
    /// visited last.
    has_news: AtomicBool,
}

#[derive(Debug, Default)]
struct Mail {
    messages: Vec<Vec<u8>>,
    bytes: usize,
    is_overflown: bool,
    /// The session is to end like this.
    close: Option<Close>,
}

/// Whoever has something for the session wakes its mailbox.
impl std::task::Wake for Mailbox {
    fn wake(self: Arc<Self>) {
        self.note_news();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.note_news();
    }
}

impl Mailbox {
    /// Puts a message in. Where it does not fit any more, the session is to end: it must not
    /// miss one.
    pub fn push(&self, message: Vec<u8>) {
        self.note_news();
        let mut mail = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if mail.is_overflown || mail.bytes + message.len() > UNACKNOWLEDGED_BYTES_MAX {
            *mail = Mail { is_overflown: true, ..Mail::default() };
            return;
        }
        mail.bytes += message.len();
        mail.messages.push(message);
    }

    /// Ends the session.
    pub fn end(&self, close: Close) {
        self.note_news();
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).close = Some(close);
    }

    /// How the session is to end, if it is.
    pub fn take_end(&self) -> Option<Close> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).close.take()
    }

    /// Something has come that the session is to be visited for.
    pub fn note_news(&self) {
        self.has_news.store(true, Ordering::Release);
    }

    /// Whether something has come since this was asked last.
    pub fn take_news(&self) -> bool {
        self.has_news.load(Ordering::Acquire) && self.has_news.swap(false, Ordering::AcqRel)
    }

    /// All that came since.
    pub fn take(&self) -> Result<Vec<Vec<u8>>, SenderFull> {
        let mut mail = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if mail.is_overflown {
            return Err(SenderFull);
        }
        mail.bytes = 0;
        Ok(std::mem::take(&mut mail.messages))
    }
}

/// A room did not let a client in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refused {
    /// Why.
    pub reason: CloseReason,
    /// The game's own sentence; empty when there is none.
    pub sentence: String,
}

/// The network's end of a room.
#[derive(Clone, Debug)]
pub struct RoomHandle {
    info: Arc<RoomInfo>,
    inbox: Arc<Mutex<Inbox>>,
    published: watch::Receiver<Option<Arc<Published>>>,
}

/// The room's end.
#[derive(Debug)]
pub struct RoomEnd {
    inbox: Arc<Mutex<Inbox>>,
    published: watch::Sender<Option<Arc<Published>>>,
}

/// Both ends of a new bridge.
pub fn bridge(info: RoomInfo) -> (RoomHandle, RoomEnd) {
    let inbox = Arc::default();
    let (sender, receiver) = watch::channel(None);
    let handle =
        RoomHandle { info: Arc::new(info), inbox: Arc::clone(&inbox), published: receiver };
    (handle, RoomEnd { inbox, published: sender })
}

impl RoomHandle {
    /// What the room was made from.
    pub fn info(&self) -> &RoomInfo {
        &self.info
    }

    /// Whether the room takes a client's next frame, whatever is in it: to be asked before any of
    /// it counts as taken. A share may be exceeded by what one frame holds.
    pub fn admit(&self, client: ClientId) -> Result<(), InboxFull> {
        self.lock().admit(client)
    }

    /// Asks the room to let a client in.
    pub fn join(&self, joining: Joining) -> Result<(), InboxFull> {
        let mut inbox = self.lock();
        inbox.check_place()?;
        inbox.push(joining.client, RoomMessage::Join(Box::new(joining)));
        Ok(())
    }

    /// Hands the room something for its next tick, of a client whose frame was admitted. Of inputs
    /// whose tick is over it keeps a client's newest: the room would use no other, and a network
    /// that goes on after a stall brings thousands.
    pub fn push(&self, message: RoomMessage) {
        let client = message.client();
        let late = match &message {
            RoomMessage::Input { tick, .. } => Some(*tick).filter(|tick| self.is_over(*tick)),
            _ => None,
        };
        let mut inbox = self.lock();
        match late {
            Some(tick) => inbox.push_late(client, tick, message),
            None => inbox.push(client, message),
        }
    }

    /// What the room showed last; `None` before its first tick.
    pub fn published(&self) -> Option<Arc<Published>> {
        self.published.borrow().clone()
    }

    /// A receiver that wakes at each tick.
    pub fn subscribe(&self) -> watch::Receiver<Option<Arc<Published>>> {
        self.published.clone()
    }

    /// Whether the room has made this tick.
    fn is_over(&self, tick: Tick) -> bool {
        let published = self.published.borrow();
        published.as_ref().is_some_and(|published| !tick.is_newer_than(published.tick))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RoomEnd {
    /// Everything that has come since.
    pub fn drain(&self) -> Vec<RoomMessage> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner).drain()
    }

    /// Shows the world after a tick.
    pub fn publish(&self, published: Published) {
        self.published.send_replace(Some(Arc::new(published)));
    }
}
