//! What lies between the network and a room: a bounded inbox one way, the newest world the other.
//!
//! The network never calls the game and the game never waits for the network: both only ever
//! hold these locks for as long as it takes to move a value.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use tickwire_shared::{ClientId, CloseReason, Tick, messages::Close, reliable::SenderFull};
use tokio::sync::{oneshot, watch};

use crate::{
    game::{Claims, RoomInfo},
    limits::{INBOX_BYTES_MAX, UNACKNOWLEDGED_BYTES_MAX},
    replication::Delay,
    room::Published,
};

/// Something for a room to do before its next tick.
#[derive(Debug)]
pub enum RoomMessage {
    /// Let a client in.
    Join {
        /// Who.
        client: ClientId,
        /// The game's join request, encoded.
        request: Vec<u8>,
        /// What its token says.
        claims: Claims,
        /// Where the room puts messages for it.
        mailbox: Arc<Mailbox>,
        /// Where the answer goes: what others call the client, or why it is not let in.
        answer: oneshot::Sender<Result<String, Refused>>,
    },
    /// Let a client go.
    Leave {
        /// Who.
        client: ClientId,
    },
    /// A client's reliable message.
    Message {
        /// Who.
        client: ClientId,
        /// As the client wrote it.
        message: Vec<u8>,
    },
    /// A client's input for a tick.
    Input {
        /// Who.
        client: ClientId,
        /// Which tick it is for.
        tick: Tick,
        /// The input, encoded.
        input: Vec<u8>,
        /// How far in the past the client saw others as it made it.
        delay: Option<Delay>,
    },
}

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

/// The room's inbox is full.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the room has no place for more")]
pub struct InboxFull;

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

#[derive(Debug, Default)]
struct Inbox {
    messages: Vec<RoomMessage>,
    bytes: usize,
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

    /// Hands the room something for its next tick. A client's leaving is always taken.
    pub fn push(&self, message: RoomMessage) -> Result<(), InboxFull> {
        let mut inbox = self.inbox.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = inbox.bytes + message.bytes();
        if bytes > INBOX_BYTES_MAX && !matches!(message, RoomMessage::Leave { .. }) {
            return Err(InboxFull);
        }
        inbox.bytes = bytes;
        inbox.messages.push(message);
        Ok(())
    }

    /// What the room showed last; `None` before its first tick.
    pub fn published(&self) -> Option<Arc<Published>> {
        self.published.borrow().clone()
    }

    /// A receiver that wakes at each tick.
    pub fn subscribe(&self) -> watch::Receiver<Option<Arc<Published>>> {
        self.published.clone()
    }
}

impl RoomEnd {
    /// Everything that has come since.
    pub fn drain(&self) -> Vec<RoomMessage> {
        let mut inbox = self.inbox.lock().unwrap_or_else(PoisonError::into_inner);
        inbox.bytes = 0;
        std::mem::take(&mut inbox.messages)
    }

    /// Shows the world after a tick.
    pub fn publish(&self, published: Published) {
        self.published.send_replace(Some(Arc::new(published)));
    }
}

impl RoomMessage {
    fn bytes(&self) -> usize {
        let carried = match self {
            Self::Join { request, claims, .. } => request.len() + claims.bytes(),
            Self::Message { message, .. } => message.len(),
            Self::Input { input, .. } => input.len(),
            Self::Leave { .. } => 0,
        };
        size_of::<Self>() + carried
    }
}
