//! What each door answers.

use std::sync::Arc;

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
    guard,
    handshakes::Handshakes,
    http::{self, HttpDoor},
    listener::Peer,
    players::Players,
    websocket, websocket_link,
};
use crate::{
    metrics,
    page::{Page, plain},
};

/// The public door: the page, and the players.
pub(crate) fn public(players: Arc<Players>, handshakes: Handshakes, page: Page) -> Router {
    let http = post(http::post).with_state(HttpDoor::new(Arc::clone(&players), handshakes.clone()));
    let door = PublicDoor { players: Arc::clone(&players), handshakes };
    let serve_page = move |request: Request| {
        let page = page.clone();
        async move { page.respond(request.uri().path(), request.headers()) }
    };
    Router::new()
        .route("/play", get(upgrade).with_state(door).merge(http))
        .route("/healthz", get(healthy))
        .fallback(get(serve_page))
        .layer(from_fn_with_state(players, check_host))
}

#[derive(Clone, Debug)]
struct PublicDoor {
    players: Arc<Players>,
    handshakes: Handshakes,
}

/// The internal door: metrics.
pub(crate) fn internal(handle: PrometheusHandle) -> Router {
    let render = move || {
        let text = metrics::render(&handle);
        async move { ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text) }
    };
    Router::new()
        .route("/metrics", get(render))
        .route("/healthz", get(healthy))
        .layer(from_fn(check_internal))
}

async fn healthy() -> &'static str {
    "ok\n"
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
