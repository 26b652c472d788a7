//! Publications from a message queue: all of them, once, in order, whoever of the two is down
//! for a while.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use arena::{Arena, ArenaOptions};
use futures_util::StreamExt as _;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use tickwire_server::Server;
use tickwire_tests::{
    local_server,
    nats::{Backend, Nats},
};
use tokio::{
    net::TcpStream,
    time::{sleep, timeout},
};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

const PATIENCE: Duration = Duration::from_secs(60);

async fn start(nats: &Nats) -> Result<Server> {
    let arena = Arena::new(ArenaOptions { pilots: 0, asteroids: 0 });
    local_server::start(arena, &["--nats", &nats.address()]).await
}

async fn health(server: &Server) -> Result<String> {
    let url = format!("http://{}/healthz", server.internal_address());
    Ok(reqwest::get(url).await?.text().await?)
}

async fn wait_for_health(server: &Server, word: &str) -> Result<String> {
    timeout(PATIENCE, async {
        loop {
            let health = health(server).await?;
            if health.contains(word) {
                return Ok(health);
            }
            sleep(Duration::from_millis(50)).await;
        }
    })
    .await
    .with_context(|| format!("it is never {word}"))?
}

async fn listen(server: &Server, query: &str) -> Result<Socket> {
    let url = format!("ws://{}/listen?{query}", server.public_address());
    Ok(connect_async(url).await?.0)
}

async fn hear(socket: &mut Socket) -> Result<String> {
    loop {
        let message = timeout(PATIENCE, socket.next()).await.context("nothing comes")?;
        if let Message::Text(text) = message.context("it ends")?? {
            return Ok(String::from(text.as_str()));
        }
    }
}

#[tokio::test]
async fn a_queue_that_is_down_at_the_start_is_said_so_and_tried_until_it_is_there() -> Result<()> {
    let mut nats = Nats::new().await?;
    let server = start(&nats).await?;
    let down = wait_for_health(&server, "connecting").await?;
    ensure!(down.starts_with("ok\nqueue: down for "), "the server itself is up: {down}");
    let public = format!("http://{}/healthz", server.public_address());
    assert_eq!(reqwest::get(public).await?.text().await?, "ok\nqueue: down\n", "no details there");
    let mut listener = listen(&server, "cid=5").await?;
    nats.start().await?;
    wait_for_health(&server, "queue: connected").await?;
    let backend = Backend::connect(&nats).await?;
    for (id, text) in [("1", "one"), ("2", "two"), ("1", "one"), ("3", "three")] {
        backend.put("5", id, text).await?;
    }
    // What can never be published holds nothing up.
    backend.put("unknown:1", "4", "nowhere").await?;
    backend.put("chat:main", "5", "elsewhere").await?;
    backend.put("5", "6", "last").await?;
    for expected in ["one", "two", "three", "last"] {
        assert_eq!(hear(&mut listener).await?, expected);
    }
    server.stop().await;
    Ok(())
}

#[tokio::test]
async fn what_the_queue_held_while_the_server_was_away_is_published_when_it_is_back() -> Result<()>
{
    let mut nats = Nats::new().await?;
    nats.start().await?;
    let backend = Backend::connect(&nats).await?;
    let server = start(&nats).await?;
    wait_for_health(&server, "queue: connected").await?;
    let mut listener = listen(&server, "cid=5").await?;
    backend.put("5", "a", "before").await?;
    assert_eq!(hear(&mut listener).await?, "before");
    // Its acknowledgement is under way.
    sleep(Duration::from_millis(500)).await;
    server.stop().await;
    for number in 0..100 {
        backend.put("5", &format!("b{number}"), &number.to_string()).await?;
    }
    let server = start(&nats).await?;
    let mut listener = listen(&server, "cid=5&since=0").await?;
    for number in 0..100 {
        assert_eq!(hear(&mut listener).await?, number.to_string());
    }
    server.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_queue_that_is_killed_under_load_loses_nothing_and_says_nothing_twice() -> Result<()> {
    const COUNT: u32 = 2_000;
    let mut nats = Nats::new().await?;
    nats.start().await?;
    let server = start(&nats).await?;
    wait_for_health(&server, "queue: connected").await?;
    let mut listener = listen(&server, "cid=5").await?;
    let backend = Backend::connect(&nats).await?;
    let putting = tokio::spawn(async move {
        for number in 0..COUNT {
            backend.put("5", &format!("load {number}"), &number.to_string()).await?;
        }
        anyhow::Ok(())
    });
    let hearing = tokio::spawn(async move {
        let mut heard = Vec::new();
        for _ in 0..COUNT {
            heard.push(hear(&mut listener).await?.parse::<u32>()?);
        }
        // Whatever is said twice has its chance.
        sleep(Duration::from_secs(1)).await;
        while let Ok(Some(message)) = timeout(Duration::from_millis(100), listener.next()).await {
            ensure!(!matches!(message?, Message::Text(_)), "something was said twice");
        }
        anyhow::Ok(heard)
    });
    let mut rng = StdRng::seed_from_u64(3);
    let mut kills = 0;
    while !putting.is_finished() && kills < 3 {
        sleep(Duration::from_millis(rng.random_range(200..600))).await;
        nats.kill();
        kills += 1;
        sleep(Duration::from_millis(rng.random_range(0..500))).await;
        nats.start().await?;
    }
    putting.await??;
    let heard = hearing.await??;
    ensure!(heard == (0..COUNT).collect::<Vec<_>>(), "all of them, once and in order: {heard:?}");
    eprintln!("{COUNT} messages over {kills} kills");
    server.stop().await;
    Ok(())
}
