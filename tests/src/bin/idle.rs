//! What sessions cost on which nothing happens, with nothing or with much in view: memory and
//! processor of a server by their number.
//!
//! The server is this program again, as a child of its own, so that its figures hold nothing of
//! the clients'.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use arena_shared::{ArenaProtocol, Controls};
use clap::{Parser, Subcommand};
use futures_util::StreamExt as _;
use serde::Serialize;
use tickwire_server::Config;
use tickwire_shared::record::encode_record;
use tickwire_tests::{
    child::{ChildServer, serve},
    client::{Client, Event, Shared},
    pilot::Pilot,
    scrape::Scrape,
    transport::{Rung, Transport},
};
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};

/// Measures what idle sessions cost a server
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    role: Option<Role>,
    /// How many sessions
    #[arg(long, default_value_t = 10_000)]
    sessions: usize,
    /// How they connect: ws, stream, long-poll or poll
    #[arg(long, default_value = "ws")]
    transport: Rung,
    /// Seconds for which the processor's time is measured
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// How many things each session has in view; none of them moves
    #[arg(long, default_value_t = 0)]
    visible: u16,
}

#[derive(Subcommand)]
enum Role {
    /// The server that is measured; started by the program itself
    #[command(hide = true)]
    Serve(Serve),
}

#[derive(clap::Args)]
struct Serve {
    #[command(flatten)]
    config: Config,
    /// How many things there are in the room
    #[arg(long)]
    things: u16,
}

/// The last line.
#[derive(Serialize)]
struct Report {
    sessions: usize,
    transport: &'static str,
    visible: u16,
    /// Resident memory of the server without sessions, and with all of them.
    rss_before_bytes: f64,
    rss_bytes: f64,
    /// From a tenth of the sessions to all of them.
    rss_bytes_per_session: f64,
    /// Share of one processor that the server takes while nothing happens.
    cpu_cores: f64,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    match arguments.role {
        Some(Role::Serve(Serve { config, things })) => serve(config, things).await,
        None => measure(&arguments).await,
    }
}

async fn measure(arguments: &Arguments) -> Result<()> {
    let clients_max = arguments.sessions.to_string();
    let doors = ["--listen", "127.0.0.1:0", "--internal", "127.0.0.1:0"];
    let limits = ["--clients-max", &clients_max, "--handshakes-per-second", "0"];
    let things = arguments.visible.to_string();
    let room = ["--things", &things];
    let server = ChildServer::start(&[&["serve"][..], &doors, &limits, &room].concat())?;
    let report = measure_server(arguments, &server.public, &server.internal).await?;
    println!("{}", serde_json::to_string(&report)?);
    Ok(())
}

async fn measure_server(arguments: &Arguments, public: &str, internal: &str) -> Result<Report> {
    let metrics = format!("http://{internal}/metrics");
    let url = format!("http://{public}");
    let first = arguments.sessions / 10;
    let before = Scrape::take(&metrics).await?;
    let mut sessions = JoinSet::new();
    open(&mut sessions, arguments, &url, first).await?;
    sleep(SETTLING).await;
    let tenth = Scrape::take(&metrics).await?;
    open(&mut sessions, arguments, &url, arguments.sessions - first).await?;
    sleep(SETTLING).await;
    let began = Instant::now();
    let all = Scrape::take(&metrics).await?;
    sleep(Duration::from_secs(arguments.seconds)).await;
    let after = Scrape::take(&metrics).await?;
    ensure!(sessions.len() == arguments.sessions, "some sessions have ended");
    let rss = |scrape: &Scrape| scrape.resident_bytes().context("no figure of memory");
    let figures = after.since(&all, began.elapsed().as_secs_f64());
    Ok(Report {
        sessions: arguments.sessions,
        transport: arguments.transport.name(),
        visible: arguments.visible,
        rss_before_bytes: rss(&before)?,
        rss_bytes: rss(&all)?,
        rss_bytes_per_session: (rss(&all)? - rss(&tenth)?) / (arguments.sessions - first) as f64,
        cpu_cores: figures.cpu_cores.context("no figure of the processor")?,
    })
}

/// How long allocators and timers get to calm down.
const SETTLING: Duration = Duration::from_secs(3);

/// Sessions that are opened at the same time.
const AT_ONCE: usize = 100;

/// How long a session may take until it has everything in view.
const PATIENCE: Duration = Duration::from_secs(60);

/// Opens sessions, and waits until each has everything in view.
async fn open(
    sessions: &mut JoinSet<()>,
    arguments: &Arguments,
    url: &str,
    count: usize,
) -> Result<()> {
    let shared = Shared::of::<ArenaProtocol>();
    let opening = futures_util::stream::iter(0..count)
        .map(|number| join(arguments.transport, url, &shared, number))
        .buffer_unordered(AT_ONCE);
    let mut opening = std::pin::pin!(opening);
    let visible = usize::from(arguments.visible);
    let mut filling = JoinSet::new();
    while let Some(joined) = opening.next().await {
        let (mut client, mut transport) = joined?;
        let neutral = encode_record(&Controls::default(), &shared.schema().input);
        filling.spawn(async move {
            while client.replica().entities().count() < visible {
                let frame = transport.hear().await?;
                client.handle_frame(&frame, Instant::now())?;
                // It says what it has taken in.
                transport.send(client.poll_update(|_, _| neutral.clone(), Instant::now()));
            }
            anyhow::Ok(transport)
        });
    }
    while let Some(full) = timeout(PATIENCE, filling.join_next()).await? {
        let mut transport = full.context("a session broke")??;
        sessions.spawn(async move {
            // A client that has nothing to say answers the server's heartbeats.
            while transport.hear().await.is_ok() {
                transport.send(Client::stay());
            }
        });
    }
    Ok(())
}

async fn join(
    rung: Rung,
    url: &str,
    shared: &Shared,
    number: usize,
) -> Result<(Client, Transport)> {
    let mut transport = Transport::open(url, rung).await?;
    let mut client = Client::new(shared, Instant::now());
    transport.send(client.hello("", Pilot::join(shared.schema(), number)));
    loop {
        let frame = transport.hear().await?;
        match client.handle_frame(&frame, Instant::now())? {
            Event::Joined => return Ok((client, transport)),
            Event::Closed(close) => anyhow::bail!("closed: {}", close.reason),
            _ => {}
        }
    }
}
