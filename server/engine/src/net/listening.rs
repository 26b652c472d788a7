//! Channels for everything that speaks HTTP: one address, told apart by what the request asks for.
//!
//! | a request to `/listen/?cid=5` that | is answered by |
//! |---|---|
//! | asks for a WebSocket | [`socket`]: each publication as a text message, or an object where it says `since` |
//! | accepts `text/event-stream` | [`server_sent`]: events, each with its id |
//! | accepts `text/html`, as a frame does | [`frame`]: a page that does not end, of calls to its parent |
//! | is any other | [`poll`]: as soon as there is something, an array of it |
//!
//! `/messages/?cid=5&since=…` is answered at once, for those who come by at intervals.
//!
//! Whoever comes back says where it was: with `since`, with `Last-Event-ID`, with `If-None-Match`
//! or `If-Modified-Since`; and a poll that says none of these is told apart by a cookie. What it
//! gets begins right after that, and says so where that cannot be.

mod cursor;
mod frame;
mod poll;
mod server_sent;
mod socket;
mod stream;
pub(super) mod text;

use std::{
    future::pending,
    sync::Arc,
    time::{Instant, SystemTime},
};

use axum::{
    body::Body,
    extract::{Query, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header},
};
use serde::Deserialize;
use tickwire_shared::CloseReason;
use tokio::time::sleep_until;

use super::{
    connections::{Connection, Connections},
    guard::Guard,
    handshakes::Handshakes,
    listener::Peer,
    places::{NoPlace, SharedPlace, SharedPlaces},
    players::Players,
    publishing::{channel_named, status_of},
    tokens::Tokens,
    websocket::wants_websocket,
};
use crate::{
    channels::{
        ChannelError, ChannelName, Channels, Identity, Member, Moment, Subscribed, Subscriber,
    },
    connection_token::ConnectionToken,
    limits::LISTENER_QUEUE_BYTES_MAX,
    metrics,
    page::plain_text,
};

use cursor::{Cursor, start};
pub(crate) use poll::messages;

/// What all ways of listening need.
#[derive(Clone, Debug)]
pub(crate) struct ListeningDoor {
    pub(crate) players: Arc<Players>,
    pub(crate) channels: Arc<Channels>,
    pub(crate) tokens: Arc<Tokens>,
    pub(crate) connections: Connections,
    pub(crate) handshakes: Handshakes,
    pub(crate) places: SharedPlaces,
}

/// A request, as far as it matters who asks for what.
#[derive(Debug)]
struct Question {
    headers: HeaderMap,
    /// `None` where the address cannot be read.
    asked: Option<Asked>,
    peer: Option<Peer>,
}

/// What stands in the address.
#[derive(Deserialize, Debug)]
struct Asked {
    cid: Option<String>,
    since: Option<String>,
}

/// Somebody who may listen to a channel.
#[derive(Debug)]
struct Listener {
    subscriber: Subscriber,
    channel: ChannelName,
    /// Until when its token is good.
    until: Option<Instant>,
    connection: Connection,
    _place: SharedPlace,
}

/// Why somebody has to go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Over {
    /// The server stops.
    Stopping,
    /// The token has run out.
    Expired,
    /// A backend wants it.
    Disconnected,
}

/// A way of listening.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Way {
    Socket,
    ServerSent,
    Frame,
    Poll,
}

/// A GET to `/listen/`.
pub(crate) async fn listen(
    State(door): State<ListeningDoor>,
    mut request: Request,
) -> Response<Body> {
    let question = Question::of(&request);
    let way = Way::of(&question.headers);
    let mut response = match door.admit(way, &question).await {
        Err(refusal) => refusal,
        Ok(listener) => match way {
            Way::Socket => socket::answer(&door, listener, &question, &mut request),
            Way::ServerSent => server_sent::answer(&door, listener, &question),
            Way::Frame => frame::answer(&door, listener, &question),
            Way::Poll => poll::answer(&door, listener, &question).await,
        },
    };
    finish(&door.players, &question, response.headers_mut());
    response
}

impl Question {
    fn of(request: &Request) -> Self {
        let asked = Query::<Asked>::try_from_uri(request.uri()).ok().map(|Query(asked)| asked);
        Self { headers: request.headers().clone(), asked, peer: Peer::of(request) }
    }

    /// Whether the address says where the listener was, be it nowhere.
    fn says_since(&self) -> bool {
        self.asked.as_ref().is_some_and(|asked| asked.since.is_some())
    }

    /// Where the address says that the listener was.
    fn since(&self) -> Option<Cursor> {
        Cursor::parse(self.asked.as_ref()?.since.as_deref()?)
    }
}

impl Way {
    /// Its name in metrics.
    const fn name(self) -> &'static str {
        match self {
            Self::Socket => "websocket",
            Self::ServerSent => "server-sent",
            Self::Frame => "frame",
            Self::Poll => "long-poll",
        }
    }

    fn of(headers: &HeaderMap) -> Self {
        let accepts = |kind: &str| {
            headers
                .get_all(header::ACCEPT)
                .iter()
                .filter_map(|value| value.to_str().ok())
                .any(|value| value.to_ascii_lowercase().contains(kind))
        };
        if wants_websocket(headers) {
            Self::Socket
        } else if accepts("text/event-stream") {
            Self::ServerSent
        } else if accepts("text/html") {
            Self::Frame
        } else {
            Self::Poll
        }
    }
}

impl ListeningDoor {
    /// Lets somebody in, who does not listen yet; or says why not.
    async fn admit(&self, way: Way, question: &Question) -> Result<Listener, Response<Body>> {
        let channel = self.read(question)?;
        // Polls go on and on; who begins without end is slowed down.
        if way != Way::Poll && !self.handshakes.allow(question.peer) {
            metrics::closed(CloseReason::TooFast);
            return Err(refuse(
                StatusCode::TOO_MANY_REQUESTS,
                "Too many connections from one address.",
            ));
        }
        let place = self.place(question.peer)?;
        let (identity, token) = self.identify(&question.headers).await?;
        let until = token.expires.and_then(|expires| {
            let left = expires.duration_since(SystemTime::now()).unwrap_or_default();
            Instant::now().checked_add(left)
        });
        let connection = self.connections.add(Arc::clone(&identity.member), way.name());
        let subscriber = self.channels.connect(identity, LISTENER_QUEUE_BYTES_MAX);
        Ok(Listener { subscriber, channel, until, connection, _place: place })
    }

    /// A place to listen from, if one is left to whoever asks.
    #[expect(clippy::result_large_err, reason = "it is the answer that goes out next")]
    pub(super) fn place(&self, peer: Option<Peer>) -> Result<SharedPlace, Response<Body>> {
        self.places.take(peer).map_err(|why| match why {
            NoPlace::Full => {
                metrics::closed(CloseReason::ServerFull);
                refuse(StatusCode::SERVICE_UNAVAILABLE, "As many listen as can.")
            }
            NoPlace::ShareTaken => {
                metrics::closed(CloseReason::TooFast);
                refuse(StatusCode::TOO_MANY_REQUESTS, "Too many listen from one address.")
            }
        })
    }

    /// The channel that is asked for, by a page that may.
    #[expect(clippy::result_large_err, reason = "it is the answer that goes out next")]
    fn read(&self, question: &Question) -> Result<ChannelName, Response<Body>> {
        if !self.guard().allows_origin(&question.headers) {
            metrics::closed(CloseReason::OriginRefused);
            return Err(refuse(StatusCode::FORBIDDEN, CloseReason::OriginRefused.sentence()));
        }
        let asked = question
            .asked
            .as_ref()
            .ok_or_else(|| refuse(StatusCode::BAD_REQUEST, "The address cannot be read."))?;
        let cid = asked.cid.as_deref().ok_or_else(|| {
            refuse(StatusCode::BAD_REQUEST, "Which channel? Name it, as in ?cid=5.")
        })?;
        channel_named(cid).map_err(|why| refuse(StatusCode::BAD_REQUEST, &why))
    }

    /// Who asks: by a token in a header, or in a cookie of the backend's; never in an address,
    /// which is kept in logs.
    async fn identify(
        &self,
        headers: &HeaderMap,
    ) -> Result<(Identity, ConnectionToken), Response<Body>> {
        let token = match bearer(headers).or_else(|| cursor::cookie(headers, TOKEN_COOKIE)) {
            None => ConnectionToken::default(),
            Some(token) => self.tokens.admit(token).await.map_err(|reason| {
                metrics::closed(reason);
                refuse(StatusCode::UNAUTHORIZED, reason.sentence())
            })?,
        };
        let member = Member {
            client: format!("listener:{:016x}", rand::random::<u64>()),
            user: token.claims.subject.clone(),
            name: token.claims.name.clone(),
            info: token.claims.info.clone(),
        };
        let grants = token.claims.grants.clone();
        let identity = Identity { member: Arc::new(member), grants, ..Identity::default() };
        Ok((identity, token))
    }

    fn guard(&self) -> &Guard {
        self.players.guard()
    }
}

impl Listener {
    /// Comes when the listener has to go.
    fn over(&self, door: &ListeningDoor) -> impl Future<Output = Over> + Send + use<> {
        let stopping = door.players.stopping().clone();
        let end = self.connection.end().clone();
        let until = self.until.map(tokio::time::Instant::from_std);
        async move {
            let expired = async {
                match until {
                    Some(until) => sleep_until(until).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                () = stopping.cancelled() => Over::Stopping,
                () = end.cancelled() => Over::Disconnected,
                () = expired => Over::Expired,
            }
        }
    }

    /// Listens from where it was. After what is returned, it hears what comes.
    #[expect(clippy::result_large_err, reason = "it is the answer that goes out next")]
    fn begin(
        &self,
        door: &ListeningDoor,
        cursor: Option<Cursor>,
    ) -> Result<Subscribed, Response<Body>> {
        let start = start(&door.channels, &self.channel, cursor);
        self.subscriber.subscribe(&self.channel, start, Moment::now()).map_err(refuse_because)
    }
}

/// What every answer carries: nobody keeps it, nobody guesses at what it is.
fn finish(players: &Players, question: &Question, answer: &mut HeaderMap) {
    for (name, value) in ANSWER_HEADERS {
        answer.insert(name, HeaderValue::from_static(value));
    }
    let asked = &question.headers;
    let origin = asked.get(header::ORIGIN).filter(|_| players.guard().allows_origin(asked));
    if let Some(origin) = origin {
        answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    }
}

const ANSWER_HEADERS: [(HeaderName, &str); 4] = [
    (header::CACHE_CONTROL, "no-store, no-cache, no-transform, must-revalidate, max-age=0"),
    (HeaderName::from_static("x-accel-buffering"), "no"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::VARY, "origin, accept, cookie, authorization"),
];

/// Says to those who poll that something is missing before what they get.
const INCOMPLETE: HeaderName = HeaderName::from_static("tickwire-incomplete");

/// Where a backend leaves its users' connection tokens for those who cannot set a header.
const TOKEN_COOKIE: &str = "tickwire-token";

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn refuse(status: StatusCode, sentence: &str) -> Response<Body> {
    tracing::debug!(%status, sentence, "a listener is refused");
    plain_text(status, format!("{sentence}\n"))
}

fn refuse_because(error: ChannelError) -> Response<Body> {
    refuse(status_of(error), &format!("{error}."))
}
