//! Listening by WebSocket: each publication is a text message. What the listener sends is a
//! publication of its own, `{"message": …}`, where the namespace lets it; else it is told why not,
//! as `{"error": …}`, and goes on listening.
//!
//! Whoever says `since` in the address, be it empty, gets objects as those who poll do: `Id` to
//! come back with, `Cid`, `Text`; and `{"missed": true}` where something is missing. On a socket of
//! bare texts nothing can be said that could not have been published: where something is missing
//! there, it is closed.

use std::{future::poll_fn, sync::Arc};

use axum::{body::Body, extract::Request, http::Response};
use bytes::Bytes;
use futures_util::StreamExt as _;
use hyper::upgrade::OnUpgrade;
use serde::Deserialize;
use serde_json::{json, value::RawValue};
use tokio::time::{Instant, interval_at, timeout};
use tokio_tungstenite::tungstenite::{
    Error, Message, Utf8Bytes, error::CapacityError, protocol::frame::coding::CloseCode,
};

use super::{Listener, ListeningDoor, Over, Question, poll::write_message, text::utf8_of};
use crate::{
    channels::{Delivery, EndReason, Moment, Post, Publication, Subscribed, Wire},
    limits::{
        COMMAND_ERRORS_MAX, HELLO_TIMEOUT, IDLE_TIMEOUT, LISTENING_HEARTBEAT, LISTENING_PIECE_BYTES,
    },
    net::{
        api::{Code, json_data},
        websocket::{self, Socket, Unwritten},
    },
};

pub(super) fn answer(
    door: &ListeningDoor,
    listener: Listener,
    question: &Question,
    request: &mut Request,
) -> Response<Body> {
    let begun = match listener.begin(door, question.since()) {
        Ok(begun) => begun,
        Err(refusal) => return refusal,
    };
    let says = if question.says_since() { Says::Objects } else { Says::Texts };
    match websocket::upgrade(request) {
        Ok((response, upgraded)) => {
            let serving = serve(door.clone(), listener, says, begun, upgraded);
            door.players.tracker().spawn(serving);
            response
        }
        Err(refusal) => refusal,
    }
}

/// What a listener is told of a publication.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Says {
    Texts,
    Objects,
}

/// Why a socket is over.
enum End {
    /// The other side is gone, or takes nothing.
    Gone,
    /// It is told why.
    Farewell { code: CloseCode, sentence: &'static str },
}

async fn serve(
    door: ListeningDoor,
    listener: Listener,
    says: Says,
    begun: Subscribed,
    upgraded: OnUpgrade,
) {
    let Ok(Ok(upgraded)) = timeout(HELLO_TIMEOUT, upgraded).await else { return };
    let socket = websocket::listening_socket(upgraded).await;
    let mut talk = Talk { listener, says, socket, refused: 0 };
    let Err(End::Farewell { code, sentence }) = talk.go(&door, begun).await else { return };
    let Talk { listener, socket, .. } = talk;
    drop(listener);
    websocket::close(socket, code, sentence).await;
}

impl From<Unwritten> for End {
    fn from(_: Unwritten) -> Self {
        Self::Gone
    }
}

/// A listener and its socket.
struct Talk {
    listener: Listener,
    says: Says,
    socket: Socket,
    /// How much it has sent that was refused.
    refused: u32,
}

impl Talk {
    /// Goes on until one side has enough.
    async fn go(&mut self, door: &ListeningDoor, begun: Subscribed) -> Result<(), End> {
        if !begun.is_complete {
            let missed = self.missed()?;
            self.feed(missed).await?;
        }
        for publication in &begun.recovered {
            self.feed(self.message_of(publication)).await?;
        }
        self.flush().await?;
        let mut beats = interval_at(Instant::now() + LISTENING_HEARTBEAT, LISTENING_HEARTBEAT);
        let mut heard_at = Instant::now();
        let over = self.listener.over(door);
        tokio::pin!(over);
        loop {
            let Self { listener, socket, .. } = self;
            tokio::select! {
                delivery = poll_fn(|cx| listener.subscriber.poll_delivery(cx)) => {
                    self.deliver(delivery).await?;
                }
                message = socket.next() => {
                    heard_at = Instant::now();
                    self.handle(message.ok_or(End::Gone)?).await?;
                }
                _ = beats.tick() => {
                    if heard_at.elapsed() > IDLE_TIMEOUT {
                        return Err(End::Gone);
                    }
                    self.feed(Message::Ping(Bytes::new())).await?;
                    self.flush().await?;
                }
                over = &mut over => return Err(match over {
                    Over::Stopping => farewell(CloseCode::Restart, "The server restarts."),
                    Over::Expired => farewell(CloseCode::Policy, "Your ticket has run out."),
                    Over::Disconnected => farewell(CloseCode::Policy, "You were sent away."),
                }),
            }
        }
    }

    /// Writes what was delivered, and as much of what else waits as goes out with it.
    async fn deliver(&mut self, first: Delivery) -> Result<(), End> {
        let mut next = Some(first);
        let mut bytes = 0;
        while let Some(delivery) = next {
            let message = match delivery {
                Delivery::Publication(publication) => Some(self.message_of(&publication)),
                Delivery::Missed { .. } => Some(self.missed()?),
                Delivery::Ended { reason: EndReason::TooSlow, .. } => return Err(MISSED),
                Delivery::Ended { .. } => {
                    return Err(farewell(CloseCode::Policy, "This channel is closed to you."));
                }
                Delivery::Joined { .. } | Delivery::Left { .. } => None,
            };
            if let Some(message) = message {
                bytes += message.len();
                self.feed(message).await?;
            }
            let is_enough = bytes >= LISTENING_PIECE_BYTES;
            next = if is_enough { None } else { self.listener.subscriber.take_delivery() };
        }
        self.flush().await
    }

    /// Takes what the listener sends.
    async fn handle(&mut self, message: Result<Message, Error>) -> Result<(), End> {
        match message {
            Ok(Message::Text(text)) => {
                let Err(refusal) = publish(&self.listener, &text) else { return Ok(()) };
                self.refused += 1;
                if self.refused > COMMAND_ERRORS_MAX {
                    return Err(farewell(CloseCode::Policy, "That was refused too often."));
                }
                self.feed(Message::text(refusal)).await?;
                self.flush().await
            }
            Ok(Message::Binary(_)) => Err(farewell(CloseCode::Unsupported, "Text, please.")),
            Ok(_) => Ok(()),
            Err(Error::Capacity(CapacityError::MessageTooLong { .. })) => {
                Err(farewell(CloseCode::Size, "That is too long."))
            }
            Err(Error::Utf8(_)) => Err(farewell(CloseCode::Invalid, "That is no text.")),
            Err(_) => Err(End::Gone),
        }
    }

    fn message_of(&self, publication: &Arc<Publication>) -> Message {
        Message::Text(match self.says {
            Says::Texts => utf8_of(&publication.data),
            Says::Objects => {
                let object = publication.encoded(Wire::Object, write_message);
                Utf8Bytes::try_from(object).unwrap_or_default()
            }
        })
    }

    /// Says that something is missing here, where that can be said.
    fn missed(&self) -> Result<Message, End> {
        match self.says {
            Says::Texts => Err(MISSED),
            Says::Objects => Ok(Message::text(r#"{"missed":true}"#)),
        }
    }

    async fn feed(&mut self, message: Message) -> Result<(), End> {
        Ok(websocket::feed(&mut self.socket, message).await?)
    }

    async fn flush(&mut self) -> Result<(), End> {
        Ok(websocket::flush(&mut self.socket).await?)
    }
}

/// What a listener sends.
#[derive(Deserialize)]
struct Sent<'a> {
    #[serde(borrow)]
    message: &'a RawValue,
}

/// Publishes what a listener sends; or says why not, in words for the listener.
fn publish(listener: &Listener, text: &str) -> Result<(), String> {
    let refusal = |code: Code, message: &str| {
        json!({ "error": { "code": code.number(), "message": message } }).to_string()
    };
    let sent: Sent<'_> = serde_json::from_str(text)
        .map_err(|_| refusal(Code::BadRequest, "messages look like {\"message\": \"text\"}"))?;
    let post = Post::of(json_data(sent.message));
    let published = listener.subscriber.publish(&listener.channel, post, Moment::now());
    published.map(|_| ()).map_err(|error| refusal(Code::of(error), &error.to_string()))
}

/// Whoever comes back with the `Id` of its newest gets what there still is.
const MISSED: End =
    farewell(CloseCode::Again, "This connection was too slow: something is missing here.");

const fn farewell(code: CloseCode, sentence: &'static str) -> End {
    End::Farewell { code, sentence }
}
