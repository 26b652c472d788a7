//! Connections of one door: how many, how slow at most, and with which encryption.

use std::{
    future::pending,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    extract::Request,
    http::{HeaderValue, header},
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tower_service::Service as _;

use super::tls::Tls;
use crate::limits::{ACCEPT_PAUSE, HEADER_TIMEOUT, HTTP_BUFFER_BYTES, HTTP2_STREAMS_MAX};

/// Where a connection comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

impl Peer {
    /// Of the connection that a request came on.
    pub(crate) fn of(request: &Request) -> Option<Self> {
        request.extensions().get().copied()
    }

    /// At an address with its port.
    #[cfg(test)]
    pub(crate) fn at(address: &str) -> Self {
        Self(address.parse().expect("an address"))
    }

    /// Who shares its limits: whoever has one IPv6 address has a whole /64 of them.
    pub(crate) fn network(self) -> IpAddr {
        match self.0.ip().to_canonical() {
            IpAddr::V4(address) => IpAddr::V4(address),
            IpAddr::V6(address) => IpAddr::V6((u128::from(address) & !u128::from(u64::MAX)).into()),
        }
    }
}

/// Serves `router` to everybody who connects, `connections_max` at once, until `closing`.
pub(crate) async fn listen(
    listener: TcpListener,
    router: Router,
    tls: Option<Tls>,
    connections_max: usize,
    closing: CancellationToken,
) {
    let places = Arc::new(Semaphore::new(connections_max));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = closing.cancelled() => return,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, most likely: some come back as connections end.
                tracing::warn!(%error, "a connection cannot be accepted");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            // Nothing can be said without reading first, and that is what there is no place for.
            crate::metrics::connection_refused();
            continue;
        };
        let _ = stream.set_nodelay(true);
        let (router, tls, closing) = (router.clone(), tls.clone(), closing.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = serve(stream, Peer(address), router, tls) => {}
                () = closing.cancelled() => {}
            }
            drop(place);
        });
    }
}

async fn serve(stream: TcpStream, peer: Peer, router: Router, tls: Option<Tls>) {
    match tls {
        None => speak_http(stream, peer, router).await,
        Some(tls) => match timeout(HEADER_TIMEOUT, tls.accept(stream)).await {
            Ok(Ok(stream)) => speak_http(stream, peer, router).await,
            Ok(Err(error)) => tracing::debug!(%error, "no TLS came about"),
            Err(_) => tracing::debug!("no TLS came about in time"),
        },
    }
}

async fn speak_http<S>(stream: S, peer: Peer, router: Router)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let has_spoken = Arc::new(AtomicBool::new(false));
    let spoken = Arc::clone(&has_spoken);
    let service = hyper::service::service_fn(move |mut request: hyper::Request<_>| {
        spoken.store(true, Ordering::Relaxed);
        request.extensions_mut().insert(peer);
        name_host(&mut request);
        router.clone().call(request)
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(HTTP_BUFFER_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(KEEP_ALIVE)
        .max_concurrent_streams(HTTP2_STREAMS_MAX);
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
    // Until it is known which HTTP is spoken, no other timer runs.
    let silence = async {
        sleep(HEADER_TIMEOUT).await;
        if has_spoken.load(Ordering::Relaxed) {
            pending::<()>().await;
        }
    };
    tokio::select! {
        ended = Box::pin(connection) => {
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection ended");
            }
        }
        () = silence => tracing::debug!("a connection on which nothing was asked"),
    }
}

/// HTTP/2 names the host in the address alone; who asks for it later looks at the header.
fn name_host<B>(request: &mut hyper::Request<B>) {
    if request.headers().contains_key(header::HOST) {
        return;
    }
    let host = request.uri().authority().map(|host| HeaderValue::from_str(host.as_str()));
    if let Some(Ok(host)) = host {
        request.headers_mut().insert(header::HOST, host);
    }
}

/// Between two pings that tell whether an HTTP/2 connection lives.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
