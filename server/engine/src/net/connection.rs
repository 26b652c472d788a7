//! One WebSocket and the session on it.
//!
//! Two parties touch a connection: its own task, which reads and waits for what cannot be
//! written at once, and its room's worker, which comes by once per tick with the new world and
//! tries to write. The lock between them is held for one frame at most.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker},
    time::Instant,
};

use bytes::Bytes;
use futures_util::{Sink, Stream};
use tickwire_shared::{ClientId, CloseReason, Tick, messages::Close};
use tokio::sync::Notify;
use tokio_tungstenite::tungstenite::{
    Error, Message,
    error::CapacityError,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

use super::websocket::Socket;
use crate::{
    bridge::RoomHandle,
    limits::WRITE_TIMEOUT,
    metrics,
    room::Published,
    session::{Heard, Session},
};

/// Name of the transport in metrics.
pub(crate) const TRANSPORT: &str = "websocket";

/// One WebSocket and the session on it.
#[derive(Debug)]
pub(crate) struct Connection {
    inner: Mutex<Inner>,
    /// Wakes the own task: something is left to be written, or the end has come.
    wake: Notify,
}

#[derive(Debug)]
struct Inner {
    socket: Socket,
    session: Session,
    room: Option<RoomHandle>,
    /// Since when bytes wait for the socket to take them.
    unwritten_since: Option<Instant>,
    is_closing: bool,
    /// Whether the own task knows of the end.
    is_end_told: bool,
    is_over: bool,
}

/// What the own task has to do next.
pub(crate) enum Event {
    /// The client's frame asks for something.
    Heard(Heard),
    /// This side has said that it is the end. What is left is to see it off.
    Closing,
    /// The connection is over.
    Over,
}

impl Connection {
    pub(crate) fn new(socket: Socket, session: Session) -> Arc<Self> {
        let inner = Inner {
            socket,
            session,
            room: None,
            unwritten_since: None,
            is_closing: false,
            is_end_told: false,
            is_over: false,
        };
        Arc::new(Self { inner: Mutex::new(inner), wake: Notify::new() })
    }

    /// Reads, and writes what is left over, until there is something to do.
    pub(crate) async fn next_event(&self) -> Event {
        loop {
            let woken = self.wake.notified();
            tokio::pin!(woken);
            let event = poll_fn(|cx| {
                // Registered before the look, so that no wake-up gets lost.
                let is_woken = woken.as_mut().poll(cx).is_ready();
                match self.lock().poll_event(cx) {
                    Poll::Ready(event) => Poll::Ready(Some(event)),
                    Poll::Pending if is_woken => Poll::Ready(None),
                    Poll::Pending => Poll::Pending,
                }
            });
            if let Some(event) = event.await {
                return event;
            }
        }
    }

    /// The room has let the client in.
    pub(crate) fn handle_joined(&self, client: ClientId, room: RoomHandle, tick: Tick) {
        let mut inner = self.lock();
        let welcome = inner.session.handle_joined(client, room.info(), tick);
        inner.room = Some(room);
        if !inner.is_closing {
            inner.write(welcome);
        }
        drop(inner);
        self.wake.notify_one();
    }

    /// Composes and writes a frame if the session is ready for one. Called by the worker, once
    /// per tick.
    pub(crate) fn handle_tick(&self, published: &Published, now: Instant) {
        let mut inner = self.lock();
        if inner.is_over || inner.is_closing {
            return;
        }
        if let Some(reason) = inner.overdue(now) {
            inner.close(Close::because(reason));
        } else if inner.unwritten_since.is_none()
            && let Some(frame) = inner.session.poll_frame(published, now)
        {
            inner.write(frame);
        }
        let has_unwritten = inner.unwritten_since.is_some();
        drop(inner);
        if has_unwritten {
            // The own task waits for the socket; the worker goes on.
            self.wake.notify_one();
        }
    }

    /// Something that took too long, for connections that no worker visits.
    pub(crate) fn handle_timeout(&self, now: Instant) {
        let mut inner = self.lock();
        if let Some(reason) = inner.overdue(now) {
            inner.close(Close::because(reason));
            drop(inner);
            self.wake.notify_one();
        }
    }

    /// Says why, and ends the connection once that is written.
    pub(crate) fn close(&self, close: Close) {
        self.lock().close(close);
        self.wake.notify_one();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        if self.is_over {
            return Poll::Ready(Event::Over);
        }
        if self.unwritten_since.is_some() {
            self.flush(cx);
        }
        loop {
            if self.is_closing && !self.is_end_told {
                self.is_end_told = true;
                return Poll::Ready(Event::Closing);
            }
            let message = match Pin::new(&mut self.socket).poll_next(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => return self.over(),
                Poll::Ready(Some(message)) => message,
            };
            let bytes = match message {
                Ok(Message::Binary(bytes)) => bytes,
                Ok(Message::Text(_)) => {
                    self.refuse(CloseReason::MalformedFrame);
                    continue;
                }
                Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => continue,
                Ok(Message::Close(_)) => {
                    self.flush(cx);
                    continue;
                }
                Err(Error::Capacity(CapacityError::MessageTooLong { .. })) => {
                    self.refuse(CloseReason::FrameTooLarge);
                    self.flush(cx);
                    return self.over();
                }
                Err(Error::Protocol(_) | Error::Utf8(_)) => {
                    self.refuse(CloseReason::MalformedFrame);
                    self.flush(cx);
                    return self.over();
                }
                Err(_) => return self.over(),
            };
            if self.is_closing {
                continue;
            }
            metrics::frame_received(bytes.len());
            let published = self.room.as_ref().and_then(RoomHandle::published);
            let heard = self.session.handle_frame(&bytes, published.as_deref(), Instant::now());
            if let Some(desync) = self.session.poll_desync() {
                metrics::desync();
                let what = desync.map_or_else(
                    || String::from("replica differs, in what is not known any more"),
                    |desync| desync.to_string(),
                );
                tracing::warn!(client = ?self.session.client(), "{what}");
            }
            match heard {
                Ok(heard) => return Poll::Ready(Event::Heard(heard)),
                Err(reason) => {
                    self.refuse(reason);
                    self.flush(cx);
                }
            }
        }
    }

    fn over(&mut self) -> Poll<Event> {
        self.is_over = true;
        Poll::Ready(Event::Over)
    }

    fn overdue(&self, now: Instant) -> Option<CloseReason> {
        let stuck = |since: Instant| now.duration_since(since) >= WRITE_TIMEOUT;
        if self.unwritten_since.is_some_and(stuck) {
            return Some(CloseReason::TooSlow);
        }
        self.session.handle_timeout(now)
    }

    /// The client's own fault.
    fn refuse(&mut self, reason: CloseReason) {
        tracing::debug!(client = ?self.session.client(), %reason, "refused");
        self.close(Close::because(reason));
    }

    fn close(&mut self, close: Close) {
        let reason = close.reason;
        let sentence = close.sentence.clone();
        let Some(frame) = self.session.handle_close(close) else { return };
        metrics::closed(reason);
        self.write(frame);
        // Close frames hold at most 123 bytes of text; the frame before has the whole sentence.
        let text = if sentence.is_empty() { reason.sentence() } else { &sentence };
        let mut end = text.len().min(123);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let text = text.get(..end).unwrap_or_default();
        let frame = CloseFrame { code: CloseCode::from(reason.code()), reason: text.into() };
        self.send(Message::Close(Some(frame)));
        self.is_closing = true;
    }

    fn write(&mut self, frame: Vec<u8>) {
        metrics::frame_sent(TRANSPORT, frame.len());
        self.send(Message::Binary(Bytes::from(frame)));
    }

    /// Hands a message to the socket and tries to write it at once.
    fn send(&mut self, message: Message) {
        if Pin::new(&mut self.socket).start_send(message).is_err() {
            self.is_over = true;
            return;
        }
        self.flush(&mut Context::from_waker(Waker::noop()));
    }

    fn flush(&mut self, cx: &mut Context<'_>) {
        match Pin::new(&mut self.socket).poll_flush(cx) {
            Poll::Ready(Ok(())) => self.unwritten_since = None,
            Poll::Ready(Err(_)) => self.is_over = true,
            Poll::Pending => {
                self.unwritten_since.get_or_insert_with(Instant::now);
            }
        }
    }
}
