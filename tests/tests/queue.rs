//! Publications from a message queue: all of them, once, in order, whoever of the two is down
//! for a while.

use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf, time::Duration};

use anyhow::{Context as _, Result, ensure};
use arena::{Arena, ArenaOptions};
use async_nats::jetstream::{
    consumer::{DeliverPolicy, PullConsumer, pull},
    stream,
};
use futures_util::StreamExt as _;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use tickwire_server::Server;
use tickwire_tests::{
    local_server::{self, counter},
    nats::{Backend, Nats},
    proxy::{Conditions, Proxy},
};
use tokio::{
    net::TcpStream,
    time::{sleep, timeout},
};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

const PATIENCE: Duration = Duration::from_secs(60);

async fn start(nats: &Nats) -> Result<Server> {
    start_with(&["--nats", &nats.address()]).await
}

async fn start_with(flags: &[&str]) -> Result<Server> {
    let arena = Arena::new(ArenaOptions { pilots: 0, asteroids: 0 });
    local_server::start(arena, flags).await
}

/// A file that is removed when it is dropped.
struct Secret(PathBuf);

impl Secret {
    fn new(text: &str, mode: u32) -> Result<Self> {
        let path = std::env::temp_dir().join(format!("nats-{:016x}", rand::random::<u64>()));
        fs::write(&path, text)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(mode))?;
        Ok(Self(path))
    }

    fn path(&self) -> Result<&str> {
        self.0.to_str().context("a path")
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

async fn health(server: &Server) -> Result<String> {
    let url = format!("http://{}/healthz", server.internal_address());
    Ok(reqwest::get(url).await?.text().await?)
}

async fn wait_for_health(server: &Server, word: &str) -> Result<String> {
    let mut last = String::new();
    let waiting = timeout(PATIENCE, async {
        while !last.contains(word) {
            sleep(Duration::from_millis(50)).await;
            last = health(server).await?;
        }
        anyhow::Ok(())
    });
    let waited = waiting.await;
    waited.with_context(|| format!("it is never {word}, but {last}"))??;
    Ok(last)
}

async fn listen(server: &Server, query: &str) -> Result<Socket> {
    let url = format!("ws://{}/listen?{query}", server.public_address());
    Ok(connect_async(url).await?.0)
}

/// Listens at a server once publications from the queue reach it.
async fn listen_when_connected(server: &Server, query: &str) -> Result<Socket> {
    wait_for_health(server, "queue: connected").await?;
    listen(server, query).await
}

async fn hear(socket: &mut Socket) -> Result<String> {
    loop {
        let message = timeout(PATIENCE, socket.next()).await.context("nothing comes")?;
        if let Message::Text(text) = message.context("it ends")?? {
            return Ok(String::from(text.as_str()));
        }
    }
}

/// What comes to a listener who said `since`.
async fn hear_object(socket: &mut Socket) -> Result<String> {
    let object: serde_json::Value = serde_json::from_str(&hear(socket).await?)?;
    let text = object.get("Text").and_then(serde_json::Value::as_str);
    Ok(String::from(text.context("a text")?))
}

async fn ensure_a_message_comes_through(nats: &Nats, server: &Server) -> Result<()> {
    let mut listener = listen_when_connected(server, "cid=5").await?;
    Backend::connect(nats).await?.put("5", "1", "in").await?;
    assert_eq!(hear(&mut listener).await?, "in");
    Ok(())
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
    let refused = "tickwire_queue_messages_total{outcome=\"refused\"}";
    let refused_before = counter(&server, refused).await?;
    backend.put("unknown:1", "4", "nowhere").await?;
    backend.put("chat:main", "5", "elsewhere").await?;
    backend.put("5", "6", "last").await?;
    for expected in ["one", "two", "three", "last"] {
        assert_eq!(hear(&mut listener).await?, expected);
    }
    assert!(counter(&server, refused).await? >= refused_before + 1.0, "it is counted");
    server.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_plain_publication_to_the_subject_arrives_as_well() -> Result<()> {
    let nats = Nats::start_new().await?;
    let server = start(&nats).await?;
    let mut listener = listen_when_connected(&server, "cid=5").await?;
    let backend = Backend::connect(&nats).await?;
    for number in 0..10 {
        backend.send("tickwire.5", &number.to_string()).await?;
    }
    for number in 0..10 {
        assert_eq!(hear(&mut listener).await?, number.to_string());
    }
    server.stop().await;
    // The stream holds it, whoever sent it and whoever is there.
    backend.send("tickwire.5", "while away").await?;
    let server = start(&nats).await?;
    let mut listener = listen(&server, "cid=5&since=0").await?;
    assert_eq!(hear_object(&mut listener).await?, "while away");
    server.stop().await;
    Ok(())
}

#[tokio::test]
async fn one_queue_serves_several_installations_by_their_prefixes() -> Result<()> {
    let nats = Nats::start_new().await?;
    let address = nats.address();
    let usual = start(&nats).await?;
    let flags = ["--nats", &address, "--nats-prefix", "live.game", "--nats-stream", "LIVE"];
    let other = start_with(&flags).await?;
    for server in [&usual, &other] {
        wait_for_health(server, "queue: connected").await?;
    }
    let mut usual_listener = listen(&usual, "cid=5").await?;
    let mut other_listener = listen(&other, "cid=5").await?;
    let backend = Backend::connect(&nats).await?;
    backend.send("live.game.5", "to the other").await?;
    backend.send("tickwire.5", "to the usual one").await?;
    assert_eq!(hear(&mut usual_listener).await?, "to the usual one");
    assert_eq!(hear(&mut other_listener).await?, "to the other");
    usual.stop().await;
    other.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_place_that_is_somebody_elses_is_not_taken() -> Result<()> {
    let nats = Nats::start_new().await?;
    let backend = Backend::connect(&nats).await?;
    let stream = stream::Config {
        name: String::from("TICKWIRE"),
        subjects: vec![String::from("tickwire.>"), String::from("orders.>")],
        ..stream::Config::default()
    };
    let stream = backend.context().create_stream(stream).await?;
    let theirs = pull::Config {
        durable_name: Some(String::from("tickwire-0")),
        filter_subject: String::from("orders.>"),
        ..pull::Config::default()
    };
    let _: PullConsumer = stream.create_consumer(theirs).await?;
    let server = start(&nats).await?;
    let health = wait_for_health(&server, "orders.>").await?;
    assert!(health.contains("tickwire-0") && health.contains("--node"), "what to do: {health}");
    server.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_queue_that_asks_for_a_password_is_shown_the_one_in_the_file() -> Result<()> {
    let mut nats = Nats::new().await?;
    nats.ask_for("arena", "s3cret");
    nats.start().await?;
    let address = nats.address();
    let stranger = start(&nats).await?;
    let health = wait_for_health(&stranger, "authorization").await?;
    assert!(health.starts_with("ok\nqueue: down for "), "it is said: {health}");
    stranger.stop().await;

    let secret = Secret::new("arena:wrong\n", 0o600)?;
    let server = start_with(&["--nats", &address, "--nats-credentials", secret.path()?]).await?;
    let health = wait_for_health(&server, "authorization").await?;
    assert!(!health.contains("wrong"), "the password is nobody's to see: {health}");
    // Put right while the server runs.
    fs::write(&secret.0, "arena:s3cret\n")?;
    ensure_a_message_comes_through(&nats, &server).await?;
    server.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_queue_of_an_operator_is_shown_the_credentials_of_a_user() -> Result<()> {
    let mut nats = Nats::new().await?;
    let credentials = Secret::new(&nats.ask_for_credentials()?, 0o600)?;
    nats.start().await?;
    let stranger = start(&nats).await?;
    wait_for_health(&stranger, "authorization").await?;
    stranger.stop().await;
    let flags = ["--nats", &nats.address(), "--nats-credentials", credentials.path()?];
    let server = start_with(&flags).await?;
    ensure_a_message_comes_through(&nats, &server).await?;
    server.stop().await;
    Ok(())
}

#[tokio::test]
async fn credentials_that_cannot_be_used_end_the_start() -> Result<()> {
    let address = "nats://127.0.0.1:4222";
    let readable = Secret::new("arena:s3cret\n", 0o644)?;
    let empty = Secret::new("\n", 0o600)?;
    let files = [
        ("/nowhere/nats", "/nowhere/nats"),
        (readable.path()?, "chmod 600"),
        (empty.path()?, "empty"),
    ];
    for (file, expected) in files {
        let started = start_with(&["--nats", address, "--nats-credentials", file]).await;
        let error = format!("{:#}", started.err().context("it is refused")?);
        assert!(error.contains(expected) && error.contains(file), "{error}");
        assert!(!error.contains("s3cret"), "{error}");
    }
    let started = start_with(&["--nats", "nats://arena:s3cret@127.0.0.1:4222"]).await;
    let error = format!("{:#}", started.err().context("it is refused")?);
    assert!(error.contains("--nats-credentials") && !error.contains("s3cret"), "{error}");
    Ok(())
}

/// A queue in which `first` and `second` were published, and `third` to `fifth` were taken along
/// by somebody who was never heard of again.
async fn nats_with_a_lost_reader() -> Result<(Nats, Backend)> {
    let nats = Nats::start_new().await?;
    let backend = Backend::connect(&nats).await?;
    let server = start(&nats).await?;
    let mut listener = listen_when_connected(&server, "cid=5").await?;
    for text in ["first", "second"] {
        backend.put("5", text, text).await?;
        assert_eq!(hear(&mut listener).await?, text);
    }
    server.stop().await;
    for text in ["third", "fourth", "fifth"] {
        backend.put("5", text, text).await?;
    }
    let stream = backend.context().get_stream("TICKWIRE").await?;
    let consumer = stream.get_consumer("tickwire-0").await;
    let consumer: PullConsumer = consumer.map_err(anyhow::Error::from_boxed)?;
    let taken = consumer.fetch().max_messages(3).messages().await?.count().await;
    ensure!(taken == 3, "they are under way");
    Ok((nats, backend))
}

async fn ensure_nothing_but_the_rest_is_published(nats: &Nats, backend: &Backend) -> Result<()> {
    let server = start(nats).await?;
    let mut listener = listen_when_connected(&server, "cid=5&since=0").await?;
    backend.put("5", "sixth", "sixth").await?;
    for text in ["third", "fourth", "fifth", "sixth"] {
        assert_eq!(hear_object(&mut listener).await?, text);
    }
    assert_eq!(backend.readers("TICKWIRE").await?.len(), 1, "there is one place");
    server.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_place_that_cannot_be_moved_now_is_known_later() -> Result<()> {
    let (mut nats, backend) = nats_with_a_lost_reader().await?;
    nats.stop()?;
    nats.configure(
        "no_auth_user: anybody
         authorization { users: [ { user: anybody, password: anybody, permissions: {
             publish: { deny: [\"$JS.API.CONSUMER.CREATE.>\", \"$JS.API.CONSUMER.DURABLE.CREATE.>\"] }
         } } ] }",
    );
    nats.start().await?;
    let server = start(&nats).await?;
    wait_for_health(&server, "asking for the consumer").await?;
    server.stop().await;
    nats.stop()?;
    nats.configure("");
    nats.start().await?;
    ensure_nothing_but_the_rest_is_published(&nats, &backend).await
}

#[tokio::test]
async fn a_place_is_known_whoever_died_while_it_was_moved() -> Result<()> {
    let (nats, backend) = nats_with_a_lost_reader().await?;
    // The new one is made, and the old one is still there.
    let stream = backend.context().get_stream("TICKWIRE").await?;
    let again = pull::Config {
        durable_name: Some(String::from("tickwire-0-again")),
        deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: 3 },
        filter_subject: String::from("tickwire.>"),
        ..pull::Config::default()
    };
    let _: PullConsumer = stream.create_consumer(again).await?;
    ensure_nothing_but_the_rest_is_published(&nats, &backend).await
}

#[tokio::test]
async fn a_connection_that_is_cut_under_load_lets_nothing_be_overtaken() -> Result<()> {
    const COUNT: u32 = 2_000;
    let nats = Nats::start_new().await?;
    let proxy = Proxy::start(nats.socket_address(), Conditions::CLEAR, 5).await?;
    let server = start_with(&["--nats", &format!("nats://{}", proxy.address())]).await?;
    let mut listener = listen_when_connected(&server, "cid=5").await?;
    let backend = Backend::connect(&nats).await?;
    let putting = tokio::spawn(async move {
        for number in 0..COUNT {
            backend.put("5", &format!("cut {number}"), &number.to_string()).await?;
        }
        anyhow::Ok(())
    });
    let mut rng = StdRng::seed_from_u64(4);
    let mut next_cut = 0;
    for number in 0..COUNT {
        if number == next_cut {
            proxy.cut();
            next_cut += rng.random_range(50..500);
        }
        assert_eq!(hear(&mut listener).await?, number.to_string(), "once and in order");
    }
    putting.await??;
    server.stop().await;
    Ok(())
}

#[tokio::test]
async fn what_the_queue_held_while_the_server_was_away_is_published_when_it_is_back() -> Result<()>
{
    let nats = Nats::start_new().await?;
    let backend = Backend::connect(&nats).await?;
    let server = start(&nats).await?;
    let mut listener = listen_when_connected(&server, "cid=5").await?;
    backend.put("5", "a", "before").await?;
    assert_eq!(hear(&mut listener).await?, "before");
    server.stop().await;
    for number in 0..100 {
        backend.put("5", &format!("b{number}"), &number.to_string()).await?;
    }
    let server = start(&nats).await?;
    let mut listener = listen(&server, "cid=5&since=0").await?;
    for number in 0..100 {
        assert_eq!(hear_object(&mut listener).await?, number.to_string());
    }
    server.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_queue_that_is_killed_under_load_loses_nothing_and_says_nothing_twice() -> Result<()> {
    const COUNT: u32 = 2_000;
    let mut nats = Nats::start_new().await?;
    let server = start(&nats).await?;
    let mut listener = listen_when_connected(&server, "cid=5").await?;
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
