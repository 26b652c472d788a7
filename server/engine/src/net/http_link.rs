//! Frames over plain HTTP: as the answers to polls, or in one answer that does not end.
//!
//! See [`tickwire_shared::exchange`]. Nobody waits here: polls leave a place to answer to, and a
//! stream's body is asked for more by the HTTP server whenever it can write.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker},
    time::Instant,
};

use bytes::Bytes;
use hyper::body::{Body, Frame};
use tickwire_shared::{
    exchange::{Admission, Polled, Responder, frames},
    messages::Close,
};
use tokio::sync::oneshot;

use super::{
    conversation::Conversation,
    link::{Link, Transport},
    player::farewell,
};
use crate::limits::{POLL_GAP, POLL_HOLD, STREAM_PADDING_BYTES};

/// The answers to one attachment's polls.
#[derive(Debug)]
pub(crate) struct PollLink {
    transport: Transport,
    inner: Mutex<Polls>,
}

#[derive(Debug)]
struct Polls {
    responder: Responder,
    waiter: Option<Waiter>,
    /// When a poll was last answered or came.
    polled_at: Instant,
    is_closed: bool,
}

#[derive(Debug)]
struct Waiter {
    answer: oneshot::Sender<Bytes>,
    since: Instant,
}

/// What to do about a poll.
#[derive(Debug)]
pub(crate) enum PollOutcome {
    /// It waits for its answer; one that never comes is empty. Where it is new, its frames are to
    /// be handled.
    Waits { answered: oneshot::Receiver<Bytes>, is_new: bool },
    /// This is the answer.
    Answered(Bytes),
    /// One before it is missing.
    Skipped,
}

impl PollLink {
    pub(crate) fn new(transport: Transport) -> Arc<Self> {
        let inner = Polls {
            responder: Responder::default(),
            waiter: None,
            polled_at: Instant::now(),
            is_closed: false,
        };
        Arc::new(Self { transport, inner: Mutex::new(inner) })
    }

    /// A poll has come. One that waits before it ends at once, empty.
    pub(crate) fn handle_poll(&self, number: u32) -> PollOutcome {
        let mut inner = self.lock();
        let now = Instant::now();
        inner.polled_at = now;
        match inner.responder.handle_poll(number) {
            Polled::Skipped => PollOutcome::Skipped,
            Polled::Answered(answer) => PollOutcome::Answered(Bytes::from(answer)),
            Polled::Waits { is_new } => {
                let (answer, answered) = oneshot::channel();
                inner.waiter = Some(Waiter { answer, since: now });
                if inner.responder.has_unsent() {
                    inner.answer();
                }
                PollOutcome::Waits { answered, is_new }
            }
        }
    }

    /// Whatever there is has to do for the poll that waits.
    pub(crate) fn answer(&self) {
        self.lock().answer();
    }

    /// A send has come.
    pub(crate) fn handle_send(&self, number: u32) -> Admission {
        self.lock().responder.handle_send(number)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Polls> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Link for PollLink {
    fn transport(&self) -> Transport {
        self.transport
    }

    fn is_ready(&self) -> bool {
        let inner = self.lock();
        inner.responder.is_waiting() && !inner.is_closed
    }

    fn write(&self, frame: Vec<u8>) {
        let mut inner = self.lock();
        if inner.is_closed {
            return;
        }
        inner.responder.push(&frame);
        inner.answer();
    }

    fn close(&self, close: &Close) {
        let (frame, ..) = farewell(close);
        self.write(frame);
        self.lock().is_closed = true;
    }

    fn handle_tick(&self, now: Instant) -> bool {
        let mut inner = self.lock();
        let held = |waiter: &Waiter| now.saturating_duration_since(waiter.since) >= POLL_HOLD;
        if inner.waiter.as_ref().is_some_and(held) {
            inner.answer();
        }
        let waits = inner.responder.is_waiting();
        !waits && now.saturating_duration_since(inner.polled_at) >= POLL_GAP
    }
}

impl Polls {
    fn answer(&mut self) {
        let Some(body) = self.responder.poll_answer() else { return };
        self.polled_at = Instant::now();
        if let Some(waiter) = self.waiter.take() {
            // Where the poll's connection is gone, its repetition gets the same.
            let _ = waiter.answer.send(Bytes::from(body));
        }
    }
}

/// One attachment's stream, and what is sent beside it.
#[derive(Debug)]
pub(crate) struct StreamLink {
    inner: Mutex<Streaming>,
}

#[derive(Debug)]
struct Streaming {
    responder: Responder,
    unwritten: Vec<u8>,
    unwritten_since: Option<Instant>,
    waker: Option<Waker>,
    is_closed: bool,
}

impl StreamLink {
    pub(crate) fn new() -> Arc<Self> {
        let inner = Streaming {
            responder: Responder::default(),
            unwritten: vec![0; STREAM_PADDING_BYTES],
            unwritten_since: None,
            waker: None,
            is_closed: false,
        };
        Arc::new(Self { inner: Mutex::new(inner) })
    }

    /// A send has come.
    pub(crate) fn handle_send(&self, number: u32) -> Admission {
        self.lock().responder.handle_send(number)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Streaming> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Link for StreamLink {
    fn transport(&self) -> Transport {
        Transport::Stream
    }

    fn is_ready(&self) -> bool {
        let inner = self.lock();
        inner.unwritten.is_empty() && !inner.is_closed
    }

    fn write(&self, frame: Vec<u8>) {
        let mut inner = self.lock();
        if inner.is_closed {
            return;
        }
        frames::write(&frame, &mut inner.unwritten);
        inner.unwritten_since.get_or_insert_with(Instant::now);
        if let Some(waker) = inner.waker.take() {
            waker.wake();
        }
    }

    fn close(&self, close: &Close) {
        let (frame, ..) = farewell(close);
        self.write(frame);
        self.lock().is_closed = true;
    }

    fn handle_tick(&self, now: Instant) -> bool {
        let stuck =
            |since: Instant| now.saturating_duration_since(since) >= crate::limits::WRITE_TIMEOUT;
        self.lock().unwritten_since.is_some_and(stuck)
    }
}

/// The body of the answer that does not end. Dropped with its connection.
#[derive(Debug)]
pub(crate) struct StreamBody {
    link: Arc<StreamLink>,
    conversation: Arc<Conversation>,
}

impl StreamBody {
    pub(crate) const fn new(link: Arc<StreamLink>, conversation: Arc<Conversation>) -> Self {
        Self { link, conversation }
    }
}

impl Body for StreamBody {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let mut inner = self.link.lock();
        if !inner.unwritten.is_empty() {
            let bytes = std::mem::take(&mut inner.unwritten);
            inner.unwritten_since = None;
            return Poll::Ready(Some(Ok(Frame::data(Bytes::from(bytes)))));
        }
        if inner.is_closed {
            return Poll::Ready(None);
        }
        inner.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for StreamBody {
    fn drop(&mut self) {
        self.conversation.handle_gone();
    }
}
