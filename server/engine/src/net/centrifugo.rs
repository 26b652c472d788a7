//! Centrifugo's client protocol: JSON over a WebSocket, at `/connection/websocket`, so that its
//! official clients work against this server by another address.
//!
//! `wire` is what travels, `conversation` what it means; here is the socket.

mod conversation;
pub(crate) mod wire;

use std::future::poll_fn;

use axum::{
    body::Body,
    extract::{Request, State},
    http::{Response, StatusCode},
};
use futures_util::StreamExt as _;
use hyper::upgrade::OnUpgrade;
use tickwire_shared::CloseReason;
use tokio::time::{Instant, interval_at, sleep_until, timeout};
use tokio_tungstenite::tungstenite::{
    Error, Message, Utf8Bytes, error::CapacityError, protocol::frame::coding::CloseCode,
};

use self::{
    conversation::Conversation,
    wire::{Disconnect, PING_INTERVAL, PONG_TIMEOUT},
};
use super::{
    listener::Peer,
    listening::ListeningDoor,
    places::SharedPlace,
    websocket::{self, Socket, Unwritten},
};
use crate::{limits::HELLO_TIMEOUT, metrics, page::plain};

/// A GET of `/connection/websocket`.
pub(crate) async fn connect(
    State(door): State<ListeningDoor>,
    mut request: Request,
) -> Response<Body> {
    if !door.players.guard().allows_origin(request.headers()) {
        metrics::closed(CloseReason::OriginRefused);
        return plain(StatusCode::FORBIDDEN, CloseReason::OriginRefused.sentence());
    }
    let peer = Peer::of(&request);
    if !door.handshakes.allow(peer) {
        metrics::closed(CloseReason::TooFast);
        return plain(StatusCode::TOO_MANY_REQUESTS, "Too many connections from one address.\n");
    }
    let place = match door.place(peer) {
        Ok(place) => place,
        Err(refusal) => return refusal,
    };
    match websocket::upgrade(&mut request) {
        Ok((response, upgraded)) => {
            door.players.tracker().spawn(serve(door.clone(), place, upgraded));
            response
        }
        Err(refusal) => refusal,
    }
}

async fn serve(door: ListeningDoor, _place: SharedPlace, upgraded: OnUpgrade) {
    let Ok(Ok(upgraded)) = timeout(HELLO_TIMEOUT, upgraded).await else { return };
    let mut socket = websocket::listening_socket(upgraded).await;
    let Err(Some(Disconnect { code, reason })) = talk(&door, &mut socket).await else { return };
    websocket::close(socket, CloseCode::from(code), reason).await;
}

/// Why it is over; `None` where the other side is gone.
type Over = Option<Disconnect>;

async fn talk(door: &ListeningDoor, socket: &mut Socket) -> Result<(), Over> {
    let mut conversation = Conversation::new(door.clone());
    let stale = sleep_until(Instant::now() + HELLO_TIMEOUT);
    tokio::pin!(stale);
    let mut pings = interval_at(Instant::now() + PING_INTERVAL, PING_INTERVAL);
    let mut heard_at = Instant::now();
    let door_end = door.players.stopping();
    loop {
        let deadline = conversation.deadline();
        let end = conversation.end();
        tokio::select! {
            delivery = poll_fn(|cx| conversation.poll_delivery(cx)) => {
                let mut pushes = Vec::from([conversation.push(&delivery)]);
                // Whatever else waits goes along.
                while let Some(delivery) = conversation.take_delivery() {
                    pushes.push(conversation.push(&delivery));
                }
                for push in pushes.into_iter().flatten() {
                    let text = Utf8Bytes::try_from(push).map_err(|_| None)?;
                    feed(socket, Message::Text(text)).await?;
                }
                flush(socket).await?;
            }
            message = socket.next() => {
                heard_at = Instant::now();
                match message.ok_or(None)? {
                    Ok(Message::Text(text)) => {
                        for line in text.lines().filter(|line| !line.trim().is_empty()) {
                            let reply = conversation.handle_command(line).await.map_err(Some)?;
                            if let Some(reply) = reply {
                                feed(socket, Message::text(reply)).await?;
                            }
                        }
                        flush(socket).await?;
                    }
                    Ok(Message::Binary(_)) => return Err(Some(Disconnect::BAD_REQUEST)),
                    Ok(_) => {}
                    Err(Error::Capacity(CapacityError::MessageTooLong { .. })) => {
                        return Err(Some(Disconnect::MESSAGE_SIZE_LIMIT));
                    }
                    Err(Error::Utf8(_)) => return Err(Some(Disconnect::BAD_REQUEST)),
                    Err(_) => return Err(None),
                }
            }
            _ = pings.tick(), if conversation.is_connected() => {
                feed(socket, Message::text("{}")).await?;
                flush(socket).await?;
            }
            () = sleep_until(heard_at + PING_INTERVAL + PONG_TIMEOUT), if conversation.is_connected() => {
                return Err(Some(Disconnect::NO_PONG));
            }
            () = &mut stale, if !conversation.is_connected() => return Err(Some(Disconnect::STALE)),
            () = async { sleep_until(deadline.unwrap_or_else(Instant::now)).await }, if deadline.is_some() => {
                conversation.handle_deadline().map_err(Some)?;
            }
            () = end.cancelled() => return Err(Some(Disconnect::FORCED)),
            () = door_end.cancelled() => return Err(Some(Disconnect::SHUTDOWN)),
        }
    }
}

async fn feed(socket: &mut Socket, message: Message) -> Result<(), Over> {
    websocket::feed(socket, message).await.map_err(over)
}

async fn flush(socket: &mut Socket) -> Result<(), Over> {
    websocket::flush(socket).await.map_err(over)
}

fn over(why: Unwritten) -> Over {
    (why == Unwritten::Slow).then_some(Disconnect::SLOW)
}
