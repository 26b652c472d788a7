//! Many who listen, and what they hear.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use futures_util::StreamExt as _;
use hdrhistogram::Histogram;
use tokio::{net::TcpStream, task::JoinSet};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

/// All who listen. Dropping it sends them home.
pub(crate) struct Audience {
    listeners: JoinSet<Result<()>>,
    heard: Arc<Heard>,
}

/// What all of them have heard.
struct Heard {
    began: Instant,
    deliveries: AtomicU64,
    /// Until they came to whoever is asked, in microseconds.
    delays: Mutex<Histogram<u64>>,
}

impl Audience {
    /// So many come to an address.
    pub(crate) async fn gather(url: &str, count: usize) -> Result<Self> {
        let heard = Arc::new(Heard {
            began: Instant::now(),
            deliveries: AtomicU64::new(0),
            delays: Mutex::new(Histogram::new(3)?),
        });
        let mut listeners = JoinSet::new();
        let coming = futures_util::stream::iter(0..count)
            .map(|_| connect_async(url))
            .buffer_unordered(AT_ONCE);
        let mut coming = std::pin::pin!(coming);
        while let Some(come) = coming.next().await {
            let (socket, _) = come.context("coming to listen")?;
            let is_asked = listeners.len() % ASKED_ONE_OF == 0;
            listeners.spawn(listen(socket, Arc::clone(&heard), is_asked));
        }
        Ok(Self { listeners, heard })
    }

    /// A message of so many bytes that says its number and when it was made.
    pub(crate) fn write(&self, number: u64, bytes: usize) -> String {
        let micros = self.heard.began.elapsed().as_micros();
        let words = format!("{number} {micros} ");
        format!("{words:x<bytes$}")
    }

    /// How often somebody heard something.
    pub(crate) fn deliveries(&self) -> u64 {
        self.heard.deliveries.load(Ordering::Relaxed)
    }

    /// Waits until so much was heard in all, or nothing more for a while. Fails where somebody
    /// heard something twice, out of order, or not to the end.
    pub(crate) async fn wait_for(&mut self, deliveries: u64) -> Result<()> {
        let mut before = (self.deliveries(), Instant::now());
        while self.deliveries() < deliveries && before.1.elapsed() < STALLED {
            tokio::time::sleep(Duration::from_millis(10)).await;
            if self.deliveries() > before.0 {
                before = (self.deliveries(), Instant::now());
            }
        }
        match self.listeners.try_join_next() {
            Some(left) => left?.context("somebody left"),
            None => Ok(()),
        }
    }

    /// The delay that this share of deliveries stayed below, in milliseconds.
    pub(crate) fn delay_ms(&self, share: f64) -> f64 {
        let delays = self.heard.delays.lock().unwrap_or_else(PoisonError::into_inner);
        delays.value_at_quantile(share) as f64 / 1e3
    }
}

async fn listen(
    mut socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    heard: Arc<Heard>,
    is_asked: bool,
) -> Result<()> {
    let mut newest = 0;
    while let Some(message) = socket.next().await {
        let Message::Text(text) = message? else { continue };
        let mut words = text.split(' ');
        let mut next = || words.next().and_then(|word| word.parse::<u64>().ok());
        let (number, micros) = next().zip(next()).context("messages say their number and time")?;
        ensure!(number > newest, "{number} comes after {newest}");
        newest = number;
        heard.deliveries.fetch_add(1, Ordering::Relaxed);
        if is_asked {
            let now = u64::try_from(heard.began.elapsed().as_micros())?;
            let mut delays = heard.delays.lock().unwrap_or_else(PoisonError::into_inner);
            delays.record(now.saturating_sub(micros))?;
        }
    }
    bail!("the server has closed");
}

/// Who comes at the same time.
const AT_ONCE: usize = 100;
/// Of so many one is asked how long messages took.
const ASKED_ONE_OF: usize = 50;
/// Who has heard nothing for so long will hear nothing more.
const STALLED: Duration = Duration::from_secs(5);
