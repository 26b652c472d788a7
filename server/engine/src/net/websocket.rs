//! From an HTTP request to a WebSocket, by hand: the handshake of RFC 6455, section 4.2.

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, HeaderValue, Response, StatusCode, header},
};
use futures_util::{SinkExt as _, StreamExt as _};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tickwire_shared::limits::CLIENT_FRAME_BYTES_MAX;
use tokio::time::timeout;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error, Message, Utf8Bytes,
        handshake::derive_accept_key,
        protocol::{CloseFrame, Role, WebSocketConfig, frame::coding::CloseCode},
    },
};

use crate::{
    limits::{
        COMMAND_BYTES_MAX, LISTENING_OUTBOX_BYTES_MAX, LISTENING_PIECE_BYTES, OUTBOX_BYTES_MAX,
        READ_BUFFER_BYTES, STOP_TIMEOUT, WRITE_TIMEOUT,
    },
    page::plain,
};

/// A WebSocket of ours.
pub(crate) type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// Whether a request asks for a WebSocket.
pub(crate) fn wants_websocket(headers: &HeaderMap) -> bool {
    lists(headers, &header::CONNECTION, "upgrade") && lists(headers, &header::UPGRADE, "websocket")
}

/// The answer to a request for a WebSocket, and the promise of one; or the answer that says why
/// not.
#[expect(clippy::result_large_err, reason = "it is the answer that goes out next")]
pub(crate) fn upgrade(
    request: &mut Request,
) -> Result<(Response<Body>, OnUpgrade), Response<Body>> {
    let headers = request.headers();
    if !wants_websocket(headers) {
        return Err(plain(StatusCode::UPGRADE_REQUIRED, "This address speaks WebSocket.\n"));
    }
    if headers.get(header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        let mut refusal = plain(StatusCode::UPGRADE_REQUIRED, "WebSocket version 13, please.\n");
        refusal.headers_mut().insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        return Err(refusal);
    }
    let key = headers.get(header::SEC_WEBSOCKET_KEY).filter(|key| is_key(key.as_bytes()));
    let Some(key) = key else {
        return Err(plain(StatusCode::BAD_REQUEST, "The WebSocket key is none.\n"));
    };
    let accept = HeaderValue::from_str(&derive_accept_key(key.as_bytes()));
    let Ok(accept) = accept else {
        return Err(plain(StatusCode::BAD_REQUEST, "The WebSocket key is none.\n"));
    };
    let upgrade = hyper::upgrade::on(&mut *request);
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let answer = response.headers_mut();
    answer.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    answer.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    answer.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    Ok((response, upgrade))
}

/// The socket of a client that plays.
pub(crate) async fn socket(upgraded: Upgraded) -> Socket {
    // Every frame is written at once, or waits as one.
    let config =
        WebSocketConfig::default().write_buffer_size(0).max_write_buffer_size(OUTBOX_BYTES_MAX);
    socket_of(upgraded, config, CLIENT_FRAME_BYTES_MAX).await
}

/// The socket of somebody who listens to channels. What is fed to it goes out together.
pub(crate) async fn listening_socket(upgraded: Upgraded) -> Socket {
    let config = WebSocketConfig::default()
        .write_buffer_size(LISTENING_PIECE_BYTES)
        .max_write_buffer_size(LISTENING_OUTBOX_BYTES_MAX);
    socket_of(upgraded, config, COMMAND_BYTES_MAX).await
}

/// Why something is not written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Unwritten {
    /// The other side is gone.
    Gone,
    /// It takes nothing.
    Slow,
}

/// Hands a message to the socket, which may keep it until the next flush.
pub(crate) async fn feed(socket: &mut Socket, message: Message) -> Result<(), Unwritten> {
    in_time(socket.feed(message)).await
}

/// Writes what the socket has kept.
pub(crate) async fn flush(socket: &mut Socket) -> Result<(), Unwritten> {
    in_time(socket.flush()).await
}

async fn in_time(writing: impl Future<Output = Result<(), Error>>) -> Result<(), Unwritten> {
    match timeout(WRITE_TIMEOUT, writing).await {
        Ok(written) => written.map_err(|_| Unwritten::Gone),
        Err(_) => Err(Unwritten::Slow),
    }
}

/// Says why it is over, and gives the other side a while to hear it.
pub(crate) async fn close(mut socket: Socket, code: CloseCode, reason: &'static str) {
    let frame = CloseFrame { code, reason: Utf8Bytes::from_static(reason) };
    let _ = timeout(STOP_TIMEOUT, async {
        socket.send(Message::Close(Some(frame))).await?;
        while let Some(Ok(_)) = socket.next().await {}
        Ok::<_, Error>(())
    })
    .await;
}

/// The socket over an upgraded connection, to which nobody may send longer messages.
async fn socket_of(
    upgraded: Upgraded,
    config: WebSocketConfig,
    message_bytes_max: usize,
) -> Socket {
    let config = config
        .read_buffer_size(READ_BUFFER_BYTES)
        .max_message_size(Some(message_bytes_max))
        .max_frame_size(Some(message_bytes_max));
    WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config)).await
}

/// Whether a header's comma-separated list holds a word.
fn lists(headers: &HeaderMap, name: &header::HeaderName, word: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.split(',').any(|listed| listed.trim().eq_ignore_ascii_case(word)))
}

/// Whether this is 16 bytes in base64.
fn is_key(key: &[u8]) -> bool {
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    matches!(key, [digits @ .., b'=', b'='] if digits.len() == 22 && digits.iter().all(is_digit))
}
