//! Orderly restarts while a queue is read: each message is published once over the lives of
//! several servers. Alone in its process, since counters are the process's.

use std::time::Duration;

use anyhow::{Context as _, Result};
use arena::{Arena, ArenaOptions};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use tickwire_server::Server;
use tickwire_tests::{
    local_server::{self, counter},
    nats::{Backend, Nats},
};
use tokio::{
    runtime::{Builder, Runtime},
    task::spawn_blocking,
    time::{sleep, timeout},
};

const PATIENCE: Duration = Duration::from_secs(120);
const COUNT: u32 = 50_000;
const PUBLISHED: &str = "tickwire_queue_messages_total{outcome=\"published\"}";
const REPEATED: &str = "tickwire_queue_messages_total{outcome=\"repeated\"}";
const CONNECTED: &str = "tickwire_queue_connected";

/// A server with a runtime of its own, as its process has: when that ends, so does whatever is
/// under way.
struct Life {
    runtime: Runtime,
    server: Server,
}

impl Life {
    async fn begin(flags: Vec<String>) -> Result<Self> {
        let begin = move || {
            let runtime = Builder::new_multi_thread().enable_all().build()?;
            let flags: Vec<_> = flags.iter().map(String::as_str).collect();
            let server = runtime.block_on(local_server::start(arena(), &flags))?;
            Ok(Self { runtime, server })
        };
        spawn_blocking(begin).await?
    }

    async fn end(self) -> Result<()> {
        let end = move || self.runtime.block_on(self.server.stop());
        Ok(spawn_blocking(end).await?)
    }
}

fn arena() -> Arena {
    Arena::new(ArenaOptions { pilots: 0, asteroids: 0 })
}

async fn wait_for(observer: &Server, name: &str, least: f64) -> Result<()> {
    timeout(PATIENCE, async {
        while counter(observer, name).await? < least {
            sleep(Duration::from_millis(1)).await;
        }
        anyhow::Ok(())
    })
    .await
    .with_context(|| format!("{name} never reaches {least}"))?
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_published_before_a_stop_is_known_to_the_queue_after_it() -> Result<()> {
    let nats = Nats::start_new().await?;
    let flags = vec![String::from("--nats"), nats.address()];
    let backend = Backend::connect(&nats).await?;
    let observer = local_server::start(arena(), &[]).await?;
    let life = Life::begin(flags.clone()).await?;
    wait_for(&observer, CONNECTED, 1.0).await?;
    life.end().await?;
    assert_eq!(counter(&observer, CONNECTED).await?, 0.0, "a server that stopped is not connected");
    backend.put_many("5", COUNT).await?;
    let mut rng = StdRng::seed_from_u64(8);
    let mut lives = 0;
    loop {
        let before = counter(&observer, PUBLISHED).await?;
        let life = Life::begin(flags.clone()).await?;
        let more = f64::from(rng.random_range(1..3_000));
        wait_for(&observer, PUBLISHED, (before + more).min(f64::from(COUNT))).await?;
        life.end().await?;
        lives += 1;
        let published = counter(&observer, PUBLISHED).await?;
        let readers = backend.readers("TICKWIRE").await?;
        let [reader] = &readers[..] else { anyhow::bail!("there is one place: {readers:?}") };
        // The stream counts from 1.
        let acknowledged = reader.ack_floor.stream_sequence as f64;
        assert_eq!(acknowledged, published, "the queue knows what was published, in life {lives}");
        if published >= f64::from(COUNT) {
            break;
        }
    }
    assert_eq!(counter(&observer, PUBLISHED).await?, f64::from(COUNT), "each once");
    assert_eq!(counter(&observer, REPEATED).await?, 0.0, "nobody had to tell them apart");
    eprintln!("{COUNT} messages over {lives} lives");
    observer.stop().await;
    Ok(())
}
