//! A TCP proxy that treats connections as bad networks do: late, slow, stalling, cut, swallowed.
//!
//! TCP neither loses nor reorders, so neither does this. Delays come from a seed; they are real
//! time, for tests with real sockets. The in-memory link with its virtual clock is elsewhere.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context as _, Result};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{mpsc, watch},
    time::{Instant, sleep_until},
};
use tokio_util::task::AbortOnDropHandle;

use crate::conditions::Line;
pub use crate::conditions::{Burst, Conditions, Trace};

/// A running proxy. Dropping it cuts every connection.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    conditions: watch::Sender<Conditions>,
    connections: Arc<Mutex<Vec<AbortOnDropHandle<()>>>>,
    _accepting: AbortOnDropHandle<()>,
}

impl Proxy {
    /// Listens on a free loopback port and passes what comes on to `upstream`.
    pub async fn start(upstream: SocketAddr, conditions: Conditions, seed: u64) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("binding the proxy")?;
        let address = listener.local_addr().context("asking for the proxy's address")?;
        let (sender, receiver) = watch::channel(conditions);
        let connections = Arc::default();
        let accepting = accept(listener, upstream, receiver, Arc::clone(&connections), seed);
        let _accepting = AbortOnDropHandle::new(tokio::spawn(accepting));
        Ok(Self { address, conditions: sender, connections, _accepting })
    }

    /// Where to connect to.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes the weather, for bytes that come from now on.
    pub fn set(&self, conditions: Conditions) {
        self.conditions.send_replace(conditions);
    }

    /// Cuts every connection at once; new ones are welcome.
    pub fn cut(&self) {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// Bytes under way at most, in chunks: a bufferbloated router rather than an endless one.
const CHUNKS_UNDER_WAY_MAX: usize = 64;
/// Bytes taken from a socket at once.
const CHUNK_BYTES: usize = 2048;

async fn accept(
    listener: TcpListener,
    upstream: SocketAddr,
    conditions: watch::Receiver<Conditions>,
    connections: Arc<Mutex<Vec<AbortOnDropHandle<()>>>>,
    seed: u64,
) {
    for number in 0u64.. {
        let Ok((downstream, _)) = listener.accept().await else { return };
        let conditions = conditions.clone();
        let mut rng = StdRng::seed_from_u64(seed.wrapping_add(number));
        let task = tokio::spawn(async move {
            let Ok(upstream) = TcpStream::connect(upstream).await else { return };
            // Nagle's algorithm would add a delay that no condition asks for.
            let _ = (downstream.set_nodelay(true), upstream.set_nodelay(true));
            let (down_read, down_write) = downstream.into_split();
            let (up_read, up_write) = upstream.into_split();
            let other = StdRng::seed_from_u64(rng.random());
            tokio::join!(
                pass(down_read, up_write, conditions.clone(), Direction::Up, rng),
                pass(up_read, down_write, conditions, Direction::Down, other),
            );
        });
        let mut connections = connections.lock().unwrap_or_else(PoisonError::into_inner);
        connections.retain(|task| !task.is_finished());
        connections.push(AbortOnDropHandle::new(task));
    }
}

/// Which way bytes go.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Up,
    Down,
}

/// Carries one direction: a reader that stamps chunks with their time of release, and a writer
/// that waits for it.
async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    conditions: watch::Receiver<Conditions>,
    direction: Direction,
    rng: StdRng,
) {
    let (sender, mut receiver) = mpsc::channel::<(Instant, Vec<u8>)>(CHUNKS_UNDER_WAY_MAX);
    let read = async move {
        let mut line = Line::new(rng, direction == Direction::Down, Instant::now());
        let mut chunk = vec![0; CHUNK_BYTES];
        while let Ok(count @ 1..) = from.read(&mut chunk).await {
            let weather = conditions.borrow().clone();
            if weather.swallows {
                continue;
            }
            let at = line.release(&weather, count, Instant::now());
            let bytes = chunk.get(..count).unwrap_or_default().to_vec();
            if sender.send((at, bytes)).await.is_err() {
                return;
            }
        }
    };
    let write = async move {
        while let Some((at, bytes)) = receiver.recv().await {
            sleep_until(at).await;
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
        let _ = to.shutdown().await;
    };
    tokio::join!(read, write);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    async fn echo_server() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut read, mut write) = socket.split();
                    let _ = tokio::io::copy(&mut read, &mut write).await;
                });
            }
        });
        address
    }

    #[tokio::test]
    async fn bytes_arrive_late_whole_and_in_order() {
        let latency = Duration::from_millis(20);
        let weather = Conditions { latency, jitter: Duration::from_millis(5), ..Conditions::CLEAR };
        let proxy = Proxy::start(echo_server().await, weather, 7).await.expect("a proxy");
        let mut socket = TcpStream::connect(proxy.address()).await.expect("a connection");
        let sent: Vec<u8> = (0..100_000u32).map(|at| at.to_le_bytes()[0]).collect();
        let began = Instant::now();
        let (mut read, mut write) = socket.split();
        let mut received = vec![0; sent.len()];
        let (written, got) = tokio::join!(write.write_all(&sent), read.read_exact(&mut received));
        written.expect("the proxy takes everything");
        got.expect("the proxy gives everything back");
        assert!(received == sent, "bytes come back as they went");
        assert!(began.elapsed() >= latency * 2, "there and back takes two latencies");
    }

    #[tokio::test]
    async fn a_swallowing_proxy_answers_nothing_and_a_cut_ends_it() {
        let weather = Conditions { swallows: true, ..Conditions::CLEAR };
        let proxy = Proxy::start(echo_server().await, weather, 7).await.expect("a proxy");
        let mut socket = TcpStream::connect(proxy.address()).await.expect("a connection");
        socket.write_all(b"hello").await.expect("swallowed");
        let mut byte = [0];
        tokio::select! {
            _ = socket.read_exact(&mut byte) => panic!("nothing comes back"),
            () = tokio::time::sleep(Duration::from_millis(50)) => {}
        }
        proxy.cut();
        assert!(!matches!(socket.read(&mut byte).await, Ok(1..)), "a cut connection ends");
    }
}
