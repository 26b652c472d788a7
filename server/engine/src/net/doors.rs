//! What each door answers.

use std::{sync::Arc, time::Instant};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{Response, StatusCode, header},
    middleware::{Next, from_fn, from_fn_with_state},
    response::IntoResponse as _,
    routing::{get, post},
};
use metrics_exporter_prometheus::PrometheusHandle;
use tickwire_shared::CloseReason;

use super::{
    api::{self, ApiDoor},
    api_keys::{ApiKeys, Door},
    centrifugo,
    connections::Connections,
    guard,
    handshakes::Handshakes,
    http::{self, HttpDoor},
    listener::Peer,
    listening::{self, ListeningDoor},
    places::SharedPlaces,
    players::Players,
    publishing::{self, PublishingDoor},
    queue::Queue,
    tokens::Tokens,
    websocket, websocket_link,
};
use crate::{
    channels::Channels,
    metrics,
    page::{Page, plain},
};

/// What lies behind the doors.
#[derive(Clone, Debug)]
pub(crate) struct House {
    pub(crate) players: Arc<Players>,
    pub(crate) channels: Arc<Channels>,
    pub(crate) tokens: Arc<Tokens>,
    pub(crate) keys: Arc<ApiKeys>,
    pub(crate) handshakes: Handshakes,
    /// Places for those who listen.
    pub(crate) listeners: SharedPlaces,
    pub(crate) connections: Connections,
    pub(crate) queue: Option<Queue>,
    pub(crate) page: Page,
    pub(crate) since: Instant,
}

/// The public door: the page, the players, and whoever listens.
pub(crate) fn public(house: &House) -> Router {
    let House { players, handshakes, page, .. } = house.clone();
    let http = post(http::post).with_state(HttpDoor::new(Arc::clone(&players), handshakes.clone()));
    let door = PublicDoor { players: Arc::clone(&players), handshakes };
    let shows_examples = players.guard().is_loopback();
    let serve_page = move |request: Request| {
        let page = page.clone();
        async move { page.respond(request.uri().path(), request.headers(), shows_examples) }
    };
    Router::new()
        .route("/play", get(upgrade).with_state(door).merge(http))
        .route("/healthz", get(healthy).with_state((house.queue.clone(), Door::Public)))
        .merge(listening(house))
        .merge(backends(house, Door::Public))
        .fallback(get(serve_page))
        .layer(from_fn_with_state(players, check_host))
}

fn listening(house: &House) -> Router {
    let door = ListeningDoor {
        players: Arc::clone(&house.players),
        channels: Arc::clone(&house.channels),
        tokens: Arc::clone(&house.tokens),
        connections: house.connections.clone(),
        handshakes: house.handshakes.clone(),
        places: house.listeners.clone(),
    };
    Router::new()
        .route("/listen", get(listening::listen))
        .route("/listen/", get(listening::listen))
        .route("/messages", get(listening::messages))
        .route("/messages/", get(listening::messages))
        .route("/connection/websocket", get(centrifugo::connect))
        .with_state(door)
}

/// What backends may do: at the internal door, and with a key at the public one.
fn backends(house: &House, door: Door) -> Router {
    let House { players, channels, connections, keys, since, .. } = house.clone();
    let publishing =
        PublishingDoor { channels: Arc::clone(&channels), keys: Arc::clone(&keys), door };
    let publish = || get(publishing::publish).post(publishing::publish);
    let publishing = Router::new()
        .route("/publish", publish())
        .route("/publish/", publish())
        .with_state(publishing);
    let calls = ApiDoor { channels, players, connections, keys, door, since };
    let calls = Router::new()
        .route("/api", post(api::named_call))
        .route("/api/{call}", post(api::call))
        .route("/api/openapi.json", get(api::openapi))
        .with_state(calls);
    publishing.merge(calls)
}

#[derive(Clone, Debug)]
struct PublicDoor {
    players: Arc<Players>,
    handshakes: Handshakes,
}

/// The internal door: metrics, and backends.
pub(crate) fn internal(house: &House, handle: PrometheusHandle) -> Router {
    let render = move || {
        let text = metrics::render(&handle);
        async move { ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text) }
    };
    Router::new()
        .route("/metrics", get(render))
        .route("/healthz", get(healthy).with_state((house.queue.clone(), Door::Internal)))
        .merge(backends(house, Door::Internal))
        .layer(from_fn(check_internal))
}

/// The server is up; the message queue may not be, which is for operators to know in detail.
async fn healthy(State((queue, door)): State<(Option<Queue>, Door)>) -> String {
    match (queue, door) {
        (None, _) => String::from("ok\n"),
        (Some(queue), Door::Internal) => format!("ok\nqueue: {queue}\n"),
        (Some(queue), Door::Public) if queue.is_connected() => {
            String::from("ok\nqueue: connected\n")
        }
        (Some(_), Door::Public) => String::from("ok\nqueue: down\n"),
    }
}

async fn upgrade(State(door): State<PublicDoor>, mut request: Request) -> Response<Body> {
    let PublicDoor { players, handshakes } = door;
    if !handshakes.allow(Peer::of(&request)) {
        metrics::closed(CloseReason::TooFast);
        return plain(StatusCode::TOO_MANY_REQUESTS, "Too many connections from one address.\n");
    }
    let (response, upgraded) = match websocket::upgrade(&mut request) {
        Ok(upgraded) => upgraded,
        Err(refusal) => return refusal,
    };
    // A page cannot see why an upgrade failed. So a foreign one is let in as far as a close
    // frame, from which it can tell its player.
    let is_foreign = !players.guard().allows_origin(request.headers());
    let task = websocket_link::serve(Arc::clone(&players), upgraded, is_foreign);
    players.tracker().spawn(task);
    response
}

async fn check_host(
    State(players): State<Arc<Players>>,
    request: Request,
    next: Next,
) -> Response<Body> {
    if players.guard().allows_host(request.headers()) {
        return next.run(request).await;
    }
    metrics::closed(CloseReason::HostRefused);
    tracing::debug!(host = ?request.headers().get(header::HOST), "asked for by a foreign name");
    plain(StatusCode::MISDIRECTED_REQUEST, "This server does not answer to that name.\n")
}

async fn check_internal(request: Request, next: Next) -> Response<Body> {
    if guard::allows_internal(request.headers()) {
        return next.run(request).await.into_response();
    }
    plain(StatusCode::FORBIDDEN, "Not from a page, and by address only.\n")
}
