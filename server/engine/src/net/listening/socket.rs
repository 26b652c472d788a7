//! Listening by WebSocket: each publication is a text message. What the listener sends is a
//! publication of its own, `{"message": …}`, where the namespace lets it; else it is told why not,
//! as `{"error": …}`, and goes on listening.

use std::{future::poll_fn, sync::Arc};

use axum::{body::Body, extract::Request, http::Response};
use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use hyper::upgrade::OnUpgrade;
use serde::Deserialize;
use serde_json::{json, value::RawValue};
use tokio::time::{Instant, interval_at, timeout};
use tokio_tungstenite::tungstenite::{
    Error, Message, Utf8Bytes,
    error::CapacityError,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

use super::{Listener, ListeningDoor, Over, Question, text::utf8_of};
use crate::{
    channels::{Delivery, Moment, Post, Publication, Subscribed},
    limits::{
        COMMAND_BYTES_MAX, COMMAND_ERRORS_MAX, HELLO_TIMEOUT, IDLE_TIMEOUT, LISTENING_HEARTBEAT,
        STOP_TIMEOUT, WRITE_TIMEOUT,
    },
    net::{
        api::{Code, json_data},
        websocket::{self, Socket},
    },
};

pub(super) fn answer(
    door: &ListeningDoor,
    listener: Listener,
    question: &Question,
    request: &mut Request,
) -> Response<Body> {
    let cursor = question.since();
    let begun = match listener.begin(door, cursor) {
        Ok(begun) => begun,
        Err(refusal) => return refusal,
    };
    match websocket::upgrade(request) {
        Ok((response, upgraded)) => {
            door.players.tracker().spawn(serve(door.clone(), listener, begun, upgraded));
            response
        }
        Err(refusal) => refusal,
    }
}

/// Why a socket is closed.
struct Farewell {
    code: CloseCode,
    sentence: String,
}

async fn serve(door: ListeningDoor, listener: Listener, begun: Subscribed, upgraded: OnUpgrade) {
    let Ok(Ok(upgraded)) = timeout(HELLO_TIMEOUT, upgraded).await else { return };
    let mut socket = websocket::socket_of(upgraded, COMMAND_BYTES_MAX).await;
    let Some(Farewell { code, sentence }) = talk(&door, &listener, begun, &mut socket).await else {
        return;
    };
    drop(listener);
    let reason = Utf8Bytes::from(sentence);
    let close = Message::Close(Some(CloseFrame { code, reason }));
    let _ = timeout(STOP_TIMEOUT, async {
        socket.send(close).await?;
        while let Some(Ok(_)) = socket.next().await {}
        Ok::<_, Error>(())
    })
    .await;
}

/// Until one side has enough; `None` where the other is gone.
async fn talk(
    door: &ListeningDoor,
    listener: &Listener,
    begun: Subscribed,
    socket: &mut Socket,
) -> Option<Farewell> {
    for publication in begun.recovered {
        write(socket, message_of(&publication)).await?;
    }
    let mut beats = interval_at(Instant::now() + LISTENING_HEARTBEAT, LISTENING_HEARTBEAT);
    let mut heard_at = Instant::now();
    let mut refused = 0;
    let over = listener.over(door);
    tokio::pin!(over);
    loop {
        tokio::select! {
            delivery = poll_fn(|cx| listener.subscriber.poll_delivery(cx)) => match delivery {
                Delivery::Publication(publication) => write(socket, message_of(&publication)).await?,
                Delivery::Ended { .. } => {
                    return Some(farewell(CloseCode::Policy, "This channel is closed to you."));
                }
                Delivery::Missed { .. } | Delivery::Joined { .. } | Delivery::Left { .. } => {}
            },
            message = socket.next() => {
                heard_at = Instant::now();
                match message? {
                    Ok(Message::Text(text)) => {
                        if let Err(refusal) = publish(listener, &text) {
                            refused += 1;
                            if refused > COMMAND_ERRORS_MAX {
                                return Some(farewell(CloseCode::Policy, "That was refused too often."));
                            }
                            write(socket, Message::text(refusal)).await?;
                        }
                    }
                    Ok(Message::Binary(_)) => {
                        return Some(farewell(CloseCode::Unsupported, "Text, please."));
                    }
                    Ok(_) => {}
                    Err(error) => return farewell_for(&error),
                }
            }
            _ = beats.tick() => {
                if heard_at.elapsed() > IDLE_TIMEOUT {
                    return None;
                }
                write(socket, Message::Ping(Bytes::new())).await?;
            }
            over = &mut over => return Some(match over {
                Over::Stopping => farewell(CloseCode::Restart, "The server restarts."),
                Over::Expired => farewell(CloseCode::Policy, "Your ticket has run out."),
                Over::Disconnected => farewell(CloseCode::Policy, "You were sent away."),
            }),
        }
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

fn farewell(code: CloseCode, sentence: &str) -> Farewell {
    Farewell { code, sentence: String::from(sentence) }
}

fn farewell_for(error: &Error) -> Option<Farewell> {
    match error {
        Error::Capacity(CapacityError::MessageTooLong { .. }) => {
            Some(farewell(CloseCode::Size, "That is too long."))
        }
        Error::Utf8(_) => Some(farewell(CloseCode::Invalid, "That is no text.")),
        _ => None,
    }
}

fn message_of(publication: &Arc<Publication>) -> Message {
    Message::Text(utf8_of(&publication.data))
}

/// Writes a message; `None` where the other side does not take it in time.
async fn write(socket: &mut Socket, message: Message) -> Option<()> {
    timeout(WRITE_TIMEOUT, socket.send(message)).await.ok()?.ok()
}
