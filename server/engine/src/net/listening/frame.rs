//! Listening in a hidden frame: a page that does not end, in which each publication is a script
//! that calls `parent.handle(text)`. For browsers that have nothing better.
//!
//! Text stays text: in a script it is a string whose every letter that HTML or JavaScript could
//! take for something else is escaped. Only scripts with this answer's own nonce run.

use axum::{
    body::Body,
    http::{HeaderValue, Response, header},
};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use bytes::{Bytes, BytesMut};

use super::{
    Listener, ListeningDoor, Question,
    cursor::{Cursor, beginning, write},
    stream::{Format, Stream},
    text::{script_string, text_of},
};
use crate::{
    channels::{Position, Publication, Wire},
    limits::{FRAME_BYTES_MAX, STREAM_PADDING_BYTES},
};

pub(super) fn answer(
    door: &ListeningDoor,
    listener: Listener,
    question: &Question,
) -> Response<Body> {
    let cursor = question.since().or_else(|| Cursor::of_headers(&question.headers));
    let begun = match listener.begin(door, cursor) {
        Ok(begun) => begun,
        Err(refusal) => return refusal,
    };
    let nonce = BASE64.encode(rand::random::<[u8; 16]>());
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; base-uri 'none'; frame-ancestors {}",
        door.guard().frame_ancestors()
    );
    let format = Scripts { nonce, since: beginning(cursor, &begun) };
    let mut response = Response::new(Body::new(Stream::new(format, door, listener, begun)));
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// A page of scripts.
struct Scripts {
    nonce: String,
    /// Where the listener stands before anything has come.
    since: String,
}

impl Scripts {
    fn script(&self, script: &[u8], out: &mut BytesMut) {
        out.extend_from_slice(b"<script nonce=\"");
        out.extend_from_slice(self.nonce.as_bytes());
        out.extend_from_slice(b"\">");
        out.extend_from_slice(script);
        out.extend_from_slice(b"</script>\n");
    }
}

impl Format for Scripts {
    fn beginning(&self, out: &mut BytesMut) {
        out.extend_from_slice(b"<!doctype html><meta charset=\"utf-8\"><title>Tickwire</title>\n");
        let begin = format!("var since=\"{}\";{SCRIPT}", self.since);
        self.script(begin.as_bytes(), out);
        // Browsers, and middlemen, hold a page back until they have seen some of it.
        out.resize(out.len() + STREAM_PADDING_BYTES, b' ');
        out.extend_from_slice(b"\n");
    }

    fn publication(&self, publication: &Publication, out: &mut BytesMut) {
        self.script(&publication.encoded(Wire::Script, write_call), out);
    }

    fn missed(&self, position: Option<Position>, out: &mut BytesMut) {
        let since =
            position.map_or_else(|| String::from("since"), |at| format!("\"{}\"", write(at)));
        self.script(format!("l({since})").as_bytes(), out);
    }

    fn heartbeat(&self, out: &mut BytesMut) {
        out.extend_from_slice(b"<!-- -->\n");
    }

    fn end(&self, may_come_back: bool, out: &mut BytesMut) {
        self.script(if may_come_back { b"again(0)" } else { b"again=function(){}" }, out);
    }

    fn bytes_max(&self) -> usize {
        FRAME_BYTES_MAX
    }
}

/// `m` hands a message over; `l` says that some are missing; `again` asks for what comes after
/// the newest, also where the page was cut off.
const SCRIPT: &str = "\
    function m(text,id){since=id;if(parent!==window&&parent.handle)parent.handle(text)}\
    function l(id){since=id;if(parent!==window&&parent.handleMissed)parent.handleMissed()}\
    function again(ms){setTimeout(function(){\
    location.replace(location.pathname+location.search.replace(/[?&]since=[^&]*/g,'').replace(/^&/,'?')\
    +'&since='+since)},ms)}\
    window.onload=function(){again(2000)}";

fn write_call(publication: &Publication) -> Bytes {
    let text = script_string(&text_of(&publication.data));
    Bytes::from(format!("m({text},\"{}\")", write(publication.position)))
}
