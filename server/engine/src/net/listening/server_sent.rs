//! Listening by server-sent events: each publication an event whose id is its cursor.

use axum::{
    body::Body,
    http::{HeaderValue, Response, header},
};
use bytes::{Bytes, BytesMut};

use super::{
    Listener, ListeningDoor, Question,
    cursor::{Cursor, beginning, write},
    stream::{Format, Stream},
    text::text_of,
};
use crate::{
    channels::{Position, Publication, Wire},
    limits::STREAM_PADDING_BYTES,
};

pub(super) fn answer(
    door: &ListeningDoor,
    listener: Listener,
    question: &Question,
) -> Response<Body> {
    let last = question.headers.get("last-event-id").and_then(|id| id.to_str().ok());
    // A browser that connects again knows better than the address that it began with.
    let cursor = last.and_then(Cursor::parse).or_else(|| question.since());
    let begun = match listener.begin(door, cursor) {
        Ok(begun) => begun,
        Err(refusal) => return refusal,
    };
    let format = Events { since: beginning(cursor, &begun) };
    let mut response = Response::new(Body::new(Stream::new(format, door, listener, begun)));
    let kind = HeaderValue::from_static("text/event-stream; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// Server-sent events.
struct Events {
    /// Where the listener stands before anything has come.
    since: String,
}

impl Format for Events {
    fn beginning(&self, out: &mut BytesMut) {
        // A comment that middlemen will not hold back.
        out.extend_from_slice(b":");
        out.resize(out.len() + STREAM_PADDING_BYTES, b' ');
        out.extend_from_slice(b"\nretry: 2000\n");
        // An id without data sets the browser's cursor and is no event.
        out.extend_from_slice(format!("id: {}\n\n", self.since).as_bytes());
    }

    fn publication(&self, publication: &Publication, out: &mut BytesMut) {
        out.extend_from_slice(&publication.encoded(Wire::ServerSent, write_event));
    }

    fn missed(&self, position: Option<Position>, out: &mut BytesMut) {
        if let Some(position) = position {
            out.extend_from_slice(format!("id: {}\n", write(position)).as_bytes());
        }
        out.extend_from_slice(b"event: missed\ndata\n\n");
    }

    fn heartbeat(&self, out: &mut BytesMut) {
        out.extend_from_slice(b":\n\n");
    }

    fn end(&self, may_come_back: bool, out: &mut BytesMut) {
        if !may_come_back {
            out.extend_from_slice(b"event: refused\ndata\n\n");
        }
    }

    fn bytes_max(&self) -> usize {
        usize::MAX
    }
}

fn write_event(publication: &Publication) -> Bytes {
    let mut event = format!("id: {}\n", write(publication.position));
    // Each of the three ends a line there; a line of text must not become a field.
    let text = text_of(&publication.data);
    for line in text.replace("\r\n", "\n").split(['\n', '\r']) {
        event.push_str("data: ");
        event.push_str(line);
        event.push('\n');
    }
    event.push('\n');
    Bytes::from(event)
}
