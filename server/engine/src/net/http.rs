//! Frames over plain HTTP: what a POST to `/play` does. See [`tickwire_shared::exchange`].

use std::{
    collections::{HashMap, hash_map::Entry},
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    body::{Body, to_bytes},
    extract::{Request as HttpRequest, State},
    http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header},
};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use bytes::Bytes;
use hyper::body::Body as _;
use tickwire_shared::{
    CloseReason,
    codec::decode_request,
    exchange::{Admission, AttachmentKey, BINARY, Request, RequestKind},
    limits::{REQUEST_BYTES_MAX, REQUEST_FRAMES_MAX},
    messages::Close,
};
use tokio::time::{interval, timeout};

use super::{
    conversation::Conversation,
    handshakes::Handshakes,
    http_link::{PollLink, PollOutcome, StreamBody, StreamLink},
    link::{Link, Transport},
    listener::Peer,
    places::Place,
    players::{Players, stopping},
};
use crate::{
    limits::{CLOSE_LINGER, HELLO_TIMEOUT, REQUEST_TIMEOUT, STOP_TIMEOUT},
    metrics,
    page::plain,
    session::is_last_word,
};

/// All attachments over plain HTTP.
#[derive(Debug)]
pub(crate) struct HttpDoor {
    players: Arc<Players>,
    handshakes: Handshakes,
    attachments: Mutex<HashMap<AttachmentKey, Arc<HttpAttachment>>>,
}

#[derive(Debug)]
struct HttpAttachment {
    link: HttpLink,
    conversation: Arc<Conversation>,
    since: Instant,
    over_since: Mutex<Option<Instant>>,
    _place: Place,
}

#[derive(Clone, Debug)]
enum HttpLink {
    Poll(Arc<PollLink>),
    Stream(Arc<StreamLink>),
}

/// How the answer's body is to be written.
#[derive(Clone, Copy, Debug)]
enum Form {
    Binary,
    Base64,
}

/// Between two looks at attachments that nobody uses any more.
const SWEEP_INTERVAL: Duration = Duration::from_secs(2);

impl HttpDoor {
    pub(crate) fn new(players: Arc<Players>, handshakes: Handshakes) -> Arc<Self> {
        let door = Arc::new(Self { players, handshakes, attachments: Mutex::default() });
        tokio::spawn(sweep(Arc::downgrade(&door)));
        door
    }

    fn find(&self, key: &AttachmentKey) -> Option<Arc<HttpAttachment>> {
        self.lock().get(key).cloned()
    }

    /// The attachment of this key, made by its first request.
    fn find_or_make(
        &self,
        request: &Request,
        transport: Transport,
        peer: Option<Peer>,
    ) -> Result<Arc<HttpAttachment>, (StatusCode, CloseReason)> {
        let mut attachments = self.lock();
        let vacant = match attachments.entry(request.attachment) {
            Entry::Occupied(known) => return Ok(Arc::clone(known.get())),
            Entry::Vacant(vacant) => vacant,
        };
        if !self.handshakes.allow(peer) {
            return Err((StatusCode::TOO_MANY_REQUESTS, CloseReason::TooFast));
        }
        let place = self.players.attachments().take();
        let place = place.ok_or((StatusCode::SERVICE_UNAVAILABLE, CloseReason::ServerFull))?;
        let link = match transport {
            Transport::Stream => HttpLink::Stream(StreamLink::new()),
            _ => HttpLink::Poll(PollLink::new(transport)),
        };
        let conversation = Conversation::new(Arc::clone(&self.players), link.as_link());
        let attachment = HttpAttachment {
            link,
            conversation,
            since: Instant::now(),
            over_since: Mutex::default(),
            _place: place,
        };
        Ok(Arc::clone(vacant.insert(Arc::new(attachment))))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<AttachmentKey, Arc<HttpAttachment>>> {
        self.attachments.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HttpLink {
    fn as_link(&self) -> Arc<dyn Link> {
        match self {
            Self::Poll(link) => Arc::clone(link) as Arc<dyn Link>,
            Self::Stream(link) => Arc::clone(link) as Arc<dyn Link>,
        }
    }
}

/// Forgets attachments that are over, and those that never said hello.
async fn sweep(door: std::sync::Weak<HttpDoor>) {
    let mut ticks = interval(SWEEP_INTERVAL);
    loop {
        ticks.tick().await;
        let Some(door) = door.upgrade() else { return };
        let now = Instant::now();
        door.lock().retain(|_, attachment| attachment.is_wanted(now));
        door.players.sweep();
    }
}

impl HttpAttachment {
    fn is_wanted(&self, now: Instant) -> bool {
        let is_late = now.saturating_duration_since(self.since) >= HELLO_TIMEOUT;
        if is_late && self.conversation.is_opening() {
            self.conversation.refuse(&Close::because(CloseReason::HelloTimeout));
        }
        if !self.conversation.is_over() {
            return true;
        }
        let mut over_since = self.over_since.lock().unwrap_or_else(PoisonError::into_inner);
        let since = *over_since.get_or_insert(now);
        now.saturating_duration_since(since) < CLOSE_LINGER
    }

    fn handle_frames(&self, frames: &[Vec<u8>]) {
        for frame in frames {
            self.conversation.handle_frame(frame);
        }
    }
}

/// A POST to `/play`.
pub(crate) async fn post(
    State(door): State<Arc<HttpDoor>>,
    http_request: HttpRequest,
) -> Response<Body> {
    let (head, body) = http_request.into_parts();
    let mut response = if door.players.guard().allows_origin(&head.headers) {
        let peer = head.extensions.get::<Peer>().copied();
        answer(&door, peer, body).await
    } else {
        metrics::closed(CloseReason::OriginRefused);
        refuse(StatusCode::FORBIDDEN, CloseReason::OriginRefused)
    };
    let headers = response.headers_mut();
    for (name, value) in ANSWER_HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    allow_page(&head.headers, headers);
    response
}

/// What keeps caches and proxies from keeping, changing, or holding back an answer.
const ANSWER_HEADERS: [(HeaderName, &str); 4] = [
    (header::CACHE_CONTROL, "no-store, no-cache, no-transform, must-revalidate, max-age=0"),
    (HeaderName::from_static("x-accel-buffering"), "no"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::VARY, "origin"),
];

/// Lets a page from elsewhere read the answer, be it a refusal. No cookies are ever used.
fn allow_page(asked: &HeaderMap, headers: &mut HeaderMap) {
    if let Some(origin) = asked.get(header::ORIGIN) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    }
}

async fn answer(door: &HttpDoor, peer: Option<Peer>, body: Body) -> Response<Body> {
    // Base64 takes a third more.
    let most = REQUEST_BYTES_MAX / 3 * 4 + 8;
    if body.size_hint().lower() > most as u64 {
        return refuse(StatusCode::PAYLOAD_TOO_LARGE, CloseReason::FrameTooLarge);
    }
    let body = match timeout(REQUEST_TIMEOUT, to_bytes(body, most)).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => return refuse(StatusCode::PAYLOAD_TOO_LARGE, CloseReason::FrameTooLarge),
        Err(_) => return refuse(StatusCode::REQUEST_TIMEOUT, CloseReason::TooSlow),
    };
    let (request, form) = match read(&body) {
        Ok(read) => read,
        Err(reason) => {
            metrics::closed(reason);
            return refuse(StatusCode::BAD_REQUEST, reason);
        }
    };
    match request.kind {
        RequestKind::Send => send(door, &request, form),
        RequestKind::Poll => poll(door, &request, Transport::Poll, peer, form).await,
        RequestKind::HeldPoll => poll(door, &request, Transport::LongPoll, peer, form).await,
        RequestKind::Stream => stream(door, &request, peer),
    }
}

fn read(body: &Bytes) -> Result<(Request, Form), CloseReason> {
    let malformed = |_| CloseReason::MalformedFrame;
    let (request, form) = match body.split_first() {
        Some((&BINARY, rest)) => (decode_request(rest).map_err(malformed)?, Form::Binary),
        _ => {
            let bytes = BASE64.decode(body).map_err(|_| CloseReason::MalformedFrame)?;
            (decode_request(&bytes).map_err(malformed)?, Form::Base64)
        }
    };
    if request.frames.len() > REQUEST_FRAMES_MAX {
        return Err(CloseReason::FrameTooLarge);
    }
    Ok((request, form))
}

fn send(door: &HttpDoor, request: &Request, form: Form) -> Response<Body> {
    let Some(attachment) = door.find(&request.attachment) else {
        return refuse(StatusCode::NOT_FOUND, CloseReason::AttachmentUnknown);
    };
    let admission = match &attachment.link {
        HttpLink::Poll(link) => link.handle_send(request.number),
        HttpLink::Stream(link) => link.handle_send(request.number),
    };
    match admission {
        Admission::Next => attachment.handle_frames(&request.frames),
        Admission::Known => {}
        // A page that goes away does not wait for the answer to the send before.
        Admission::Skipped if request.frames.iter().all(|frame| is_last_word(frame)) => {
            attachment.handle_frames(&request.frames);
        }
        Admission::Skipped => return refuse(StatusCode::CONFLICT, CloseReason::UnexpectedFrame),
    }
    written(Bytes::new(), form)
}

async fn poll(
    door: &HttpDoor,
    request: &Request,
    transport: Transport,
    peer: Option<Peer>,
    form: Form,
) -> Response<Body> {
    let attachment = if request.number == 1 {
        door.find_or_make(request, transport, peer)
    } else {
        let unknown = (StatusCode::NOT_FOUND, CloseReason::AttachmentUnknown);
        door.find(&request.attachment).ok_or(unknown)
    };
    let attachment = match attachment {
        Ok(attachment) => attachment,
        Err((status, reason)) => return refuse(status, reason),
    };
    let HttpLink::Poll(link) = &attachment.link else {
        return refuse(StatusCode::CONFLICT, CloseReason::UnexpectedFrame);
    };
    let answered = match link.handle_poll(request.number) {
        PollOutcome::Answered(body) => return written(body, form),
        PollOutcome::Skipped => return refuse(StatusCode::CONFLICT, CloseReason::UnexpectedFrame),
        PollOutcome::Waits { answered, is_new } => {
            attachment.conversation.handle_alive();
            if is_new {
                attachment.handle_frames(&request.frames);
            }
            answered
        }
    };
    attachment.conversation.handle_waiting();
    // The answer to a hello is worth waiting for in any case.
    if transport == Transport::Poll && !attachment.conversation.is_joining() {
        link.answer();
    }
    let mut answered = pin!(answered);
    // An answer that never comes was overtaken by a newer poll.
    let body = tokio::select! {
        body = &mut answered => body.unwrap_or_default(),
        () = door.players.stopping().cancelled() => {
            attachment.conversation.refuse(&stopping());
            // Whoever plays is told as well, in a moment.
            timeout(STOP_TIMEOUT, answered).await.map_or_else(|_| Bytes::new(), Result::unwrap_or_default)
        }
    };
    written(body, form)
}

fn stream(door: &HttpDoor, request: &Request, peer: Option<Peer>) -> Response<Body> {
    if door.find(&request.attachment).is_some() {
        return refuse(StatusCode::CONFLICT, CloseReason::UnexpectedFrame);
    }
    let attachment = match door.find_or_make(request, Transport::Stream, peer) {
        Ok(attachment) => attachment,
        Err((status, reason)) => return refuse(status, reason),
    };
    let HttpLink::Stream(link) = &attachment.link else {
        return refuse(StatusCode::CONFLICT, CloseReason::UnexpectedFrame);
    };
    attachment.handle_frames(&request.frames);
    let body = StreamBody::new(Arc::clone(link), Arc::clone(&attachment.conversation));
    let mut response = Response::new(Body::new(body));
    let binary = HeaderValue::from_static("application/octet-stream");
    response.headers_mut().insert(header::CONTENT_TYPE, binary);
    response
}

fn written(body: Bytes, form: Form) -> Response<Body> {
    let (mime, body) = match form {
        Form::Binary => ("application/octet-stream", Body::from(body)),
        Form::Base64 => ("text/plain; charset=utf-8", Body::from(BASE64.encode(body))),
    };
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(mime));
    response
}

fn refuse(status: StatusCode, reason: CloseReason) -> Response<Body> {
    tracing::debug!(%reason, %status, "refused");
    plain(status, reason.sentence())
}
