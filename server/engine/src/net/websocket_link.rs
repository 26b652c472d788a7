//! Frames over a WebSocket, one in each binary message.
//!
//! Two parties touch the socket: its own task, which reads and waits for what cannot be written
//! at once, and whoever has a frame for the client. The lock between them is held for one frame
//! at most.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker},
    time::Instant,
};

use bytes::Bytes;
use futures_util::{Sink, Stream};
use hyper::upgrade::OnUpgrade;
use tickwire_shared::{CloseReason, messages::Close};
use tokio::{
    sync::Notify,
    time::{sleep, timeout},
};
use tokio_tungstenite::tungstenite::{
    Error, Message,
    error::{CapacityError, ProtocolError},
    protocol::{CloseFrame, frame::coding::CloseCode},
};

use super::{
    conversation::Conversation,
    link::{Link, Transport},
    player::farewell,
    players::{Players, stopping},
    websocket::{self, Socket},
};
use crate::limits::{HELLO_TIMEOUT, STOP_TIMEOUT, WRITE_TIMEOUT};

/// Serves one WebSocket to its end.
pub(crate) async fn serve(players: Arc<Players>, upgraded: OnUpgrade, is_foreign: bool) {
    let Ok(Ok(upgraded)) = timeout(HELLO_TIMEOUT, upgraded).await else { return };
    let link = WebSocketLink::new(websocket::socket(upgraded).await);
    let conversation = Conversation::new(Arc::clone(&players), Arc::clone(&link) as Arc<dyn Link>);
    let place = players.attachments().take();
    if is_foreign {
        conversation.refuse(&Close::because(CloseReason::OriginRefused));
    } else if place.is_none() {
        conversation.refuse(&Close::because(CloseReason::ServerFull));
    } else {
        open(&players, &link, &conversation).await;
        loop {
            match link.next_event().await {
                Event::Frame(frame) => conversation.handle_frame(&frame),
                Event::Misused(reason) => conversation.handle_misuse(reason),
                Event::Closing | Event::Over => break,
            }
        }
    }
    conversation.handle_gone();
    // What was said last gets its time to arrive.
    let _ =
        timeout(STOP_TIMEOUT, async { while !matches!(link.next_event().await, Event::Over) {} })
            .await;
}

/// Until the client has said hello.
async fn open(players: &Players, link: &WebSocketLink, conversation: &Arc<Conversation>) {
    let greeting = async {
        while conversation.is_opening() {
            match link.next_event().await {
                Event::Frame(frame) => conversation.handle_frame(&frame),
                Event::Misused(reason) => conversation.handle_misuse(reason),
                Event::Closing | Event::Over => return,
            }
        }
    };
    tokio::select! {
        () = greeting => {}
        () = sleep(HELLO_TIMEOUT) => {
            conversation.refuse(&Close::because(CloseReason::HelloTimeout));
        }
        () = players.stopping().cancelled() => conversation.refuse(&stopping()),
    }
}

/// One WebSocket.
#[derive(Debug)]
struct WebSocketLink {
    inner: Mutex<Inner>,
    /// Wakes the own task: something is left to be written, or the end has come.
    wake: Notify,
}

#[derive(Debug)]
struct Inner {
    socket: Socket,
    /// Since when bytes wait for the socket to take them.
    unwritten_since: Option<Instant>,
    is_closing: bool,
    /// Whether nothing more can be read.
    is_broken: bool,
    /// Whether the own task knows of the end.
    is_end_told: bool,
    is_over: bool,
}

/// Whether the client is just gone, without the handshake that WebSocket has for it.
const fn is_hangup(error: &ProtocolError) -> bool {
    matches!(
        error,
        ProtocolError::ResetWithoutClosingHandshake
            | ProtocolError::SendAfterClosing
            | ProtocolError::ReceivedAfterClosing
    )
}

/// What the own task has to do next.
enum Event {
    /// The client has sent this.
    Frame(Bytes),
    /// The client does not keep to what a socket is for.
    Misused(CloseReason),
    /// This side has said that it is the end. What is left is to see it off.
    Closing,
    /// The connection is over.
    Over,
}

impl WebSocketLink {
    fn new(socket: Socket) -> Arc<Self> {
        let inner = Inner {
            socket,
            unwritten_since: None,
            is_closing: false,
            is_broken: false,
            is_end_told: false,
            is_over: false,
        };
        Arc::new(Self { inner: Mutex::new(inner), wake: Notify::new() })
    }

    /// Reads, and writes what is left over, until there is something to do.
    async fn next_event(&self) -> Event {
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

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Link for WebSocketLink {
    fn transport(&self) -> Transport {
        Transport::WebSocket
    }

    fn is_ready(&self) -> bool {
        let inner = self.lock();
        inner.unwritten_since.is_none() && !inner.is_over && !inner.is_closing
    }

    fn write(&self, frame: Vec<u8>) {
        let mut inner = self.lock();
        if inner.is_over || inner.is_closing {
            return;
        }
        inner.send(Message::Binary(Bytes::from(frame)));
        let has_unwritten = inner.unwritten_since.is_some();
        drop(inner);
        if has_unwritten {
            // The own task waits for the socket; whoever wrote goes on.
            self.wake.notify_one();
        }
    }

    fn close(&self, close: &Close) {
        let mut inner = self.lock();
        if !inner.is_over && !inner.is_closing {
            inner.close(close);
        }
        drop(inner);
        self.wake.notify_one();
    }

    fn handle_tick(&self, now: Instant) -> bool {
        let stuck = |since: Instant| now.saturating_duration_since(since) >= WRITE_TIMEOUT;
        self.lock().unwritten_since.is_some_and(stuck)
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
            if self.is_broken {
                return self.over();
            }
            let message = match Pin::new(&mut self.socket).poll_next(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => return self.over(),
                Poll::Ready(Some(message)) => message,
            };
            match message {
                Ok(Message::Binary(_)) if self.is_closing => {}
                Ok(Message::Binary(bytes)) => return Poll::Ready(Event::Frame(bytes)),
                Ok(Message::Text(_)) if self.is_closing => {}
                Ok(Message::Text(_)) => {
                    return Poll::Ready(Event::Misused(CloseReason::MalformedFrame));
                }
                Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => {}
                Ok(Message::Close(_)) => self.flush(cx),
                Err(Error::Capacity(CapacityError::MessageTooLong { .. })) => {
                    self.is_broken = true;
                    return Poll::Ready(Event::Misused(CloseReason::FrameTooLarge));
                }
                Err(Error::Protocol(error)) if !is_hangup(&error) => {
                    self.is_broken = true;
                    return Poll::Ready(Event::Misused(CloseReason::MalformedFrame));
                }
                Err(Error::Utf8(_)) => {
                    self.is_broken = true;
                    return Poll::Ready(Event::Misused(CloseReason::MalformedFrame));
                }
                Err(_) => return self.over(),
            }
        }
    }

    fn over(&mut self) -> Poll<Event> {
        self.is_over = true;
        Poll::Ready(Event::Over)
    }

    fn close(&mut self, close: &Close) {
        let (frame, code, text) = farewell(close);
        self.send(Message::Binary(Bytes::from(frame)));
        // Close frames hold at most 123 bytes of text; the frame before has the whole sentence.
        let mut end = text.len().min(123);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let text = text.get(..end).unwrap_or_default();
        let frame = CloseFrame { code: CloseCode::from(code), reason: text.into() };
        self.send(Message::Close(Some(frame)));
        self.is_closing = true;
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
