//! One channel with many listeners: how much of it this machine carries, and what it costs a
//! server beside the least that it could cost: a bare broadcast of the same bytes to as many.
//!
//! Both servers are this program again, as children of their own, one after the other. Each line
//! is one rate; the rate is halved until everybody gets everything in time.

mod audience;
mod bare;

use std::{
    process,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use audience::Audience;
use clap::{Parser, Subcommand};
use futures_util::{SinkExt as _, StreamExt as _, stream::SplitSink};
use serde::Serialize;
use serde_json::json;
use tickwire_server::Config;
use tickwire_tests::child::{ChildServer, serve};
use tokio::{
    net::TcpStream,
    time::{MissedTickBehavior, interval},
};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

/// Measures what it takes to publish to many
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    role: Option<Role>,
    /// How many listen
    #[arg(long, default_value_t = 5_000)]
    listeners: usize,
    /// Messages per second at first
    #[arg(long, default_value_t = 100)]
    rate: u32,
    /// For how long they are published at each rate
    #[arg(long, default_value_t = 5)]
    seconds: u32,
    /// Bytes of each message
    #[arg(long, default_value_t = 100)]
    bytes: usize,
}

#[derive(Subcommand)]
enum Role {
    /// The server that is measured; started by the program itself
    #[command(hide = true)]
    Serve(Box<Serve>),
    /// The least that there could be; started by the program itself
    #[command(hide = true)]
    Bare,
}

#[derive(clap::Args)]
struct Serve {
    #[command(flatten)]
    config: Config,
}

/// One line.
#[derive(Serialize)]
struct Report {
    listeners: usize,
    messages_per_second: u32,
    tickwire: Figures,
    bare: Figures,
    /// Processor time of the one by that of the other.
    cpu_ratio: f64,
}

/// What one server did at one rate.
#[derive(Serialize)]
struct Figures {
    deliveries: u64,
    /// Deliveries that did not come.
    missing: u64,
    /// From the first message until the last delivery.
    seconds: f64,
    delay_ms_p50: f64,
    delay_ms_p99: f64,
    cpu_seconds: f64,
    cpu_us_per_delivery: f64,
}

/// Whoever publishes, and does not wait for each to be taken.
struct Publisher {
    messages: SplitSink<Connected, Message>,
    /// How a message is asked to be published.
    wrap: fn(String) -> String,
}

type Connected = WebSocketStream<MaybeTlsStream<TcpStream>>;

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    match arguments.role {
        Some(Role::Serve(role)) => serve(role.config, 0).await,
        Some(Role::Bare) => bare::serve().await,
        None => measure(&arguments).await,
    }
}

async fn measure(arguments: &Arguments) -> Result<()> {
    let mut rate = arguments.rate;
    loop {
        let tickwire = measure_tickwire(arguments, rate).await.context("Tickwire")?;
        let bare = measure_bare(arguments, rate).await.context("the bare broadcast")?;
        let is_carried = tickwire.is_carried(arguments);
        let report = Report {
            listeners: arguments.listeners,
            messages_per_second: rate,
            cpu_ratio: tickwire.cpu_us_per_delivery / bare.cpu_us_per_delivery,
            tickwire,
            bare,
        };
        println!("{}", serde_json::to_string(&report)?);
        rate /= 2;
        if is_carried || rate == 0 {
            return Ok(());
        }
    }
}

async fn measure_tickwire(arguments: &Arguments, rate: u32) -> Result<Figures> {
    let channels = std::env::temp_dir().join(format!("tickwire-fanout-{}.toml", process::id()));
    std::fs::write(&channels, CHANNELS)?;
    let channels = channels.to_str().context("a path of plain letters")?;
    let most = (arguments.listeners + 1).to_string();
    let doors = ["--listen", "127.0.0.1:0", "--internal", "127.0.0.1:0", "--channels", channels];
    let limits = ["--listeners-max", &most, "--listeners-per-address-max", "0"];
    let limits = [&limits[..], &["--handshakes-per-second", "0"]].concat();
    let server = ChildServer::start(&[&["serve"][..], &doors, &limits].concat())?;
    std::fs::remove_file(channels)?;
    let url = format!("ws://{}/listen/?cid=load:a", server.public);
    let audience = Audience::gather(&url, arguments.listeners).await?;
    let publisher = Publisher::connect(&url, |text| json!({ "message": text }).to_string()).await?;
    measure_server(&server, audience, publisher, arguments, rate).await
}

async fn measure_bare(arguments: &Arguments, rate: u32) -> Result<Figures> {
    let server = ChildServer::start(&["bare"])?;
    let url = format!("ws://{}/", server.public);
    let audience = Audience::gather(&url, arguments.listeners).await?;
    let publisher = Publisher::connect(&format!("ws://{}/", server.internal), |text| text).await?;
    measure_server(&server, audience, publisher, arguments, rate).await
}

async fn measure_server(
    server: &ChildServer,
    mut audience: Audience,
    mut publisher: Publisher,
    arguments: &Arguments,
    rate: u32,
) -> Result<Figures> {
    let before = server.cpu_seconds()?;
    let began = Instant::now();
    let mut due = interval(Duration::from_secs(1) / rate);
    due.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let count = u64::from(rate) * u64::from(arguments.seconds);
    for number in 1..=count {
        due.tick().await;
        publisher.publish(audience.write(number, arguments.bytes)).await?;
    }
    let expected = count * arguments.listeners as u64;
    audience.wait_for(expected).await?;
    let (deliveries, seconds) = (audience.deliveries(), began.elapsed().as_secs_f64());
    let cpu_seconds = server.cpu_seconds()? - before;
    Ok(Figures {
        deliveries,
        missing: expected - deliveries,
        seconds,
        delay_ms_p50: audience.delay_ms(0.5),
        delay_ms_p99: audience.delay_ms(0.99),
        cpu_seconds,
        cpu_us_per_delivery: cpu_seconds * 1e6 / deliveries as f64,
    })
}

impl Figures {
    /// Whether everybody got everything, and in time.
    fn is_carried(&self, arguments: &Arguments) -> bool {
        self.missing == 0 && self.seconds < f64::from(arguments.seconds) + LATE_SECONDS_MAX
    }
}

impl Publisher {
    async fn connect(url: &str, wrap: fn(String) -> String) -> Result<Self> {
        let (socket, _) = connect_async(url).await?;
        let (messages, mut heard) = socket.split();
        // Whoever publishes may hear it too.
        tokio::spawn(async move { while let Some(Ok(_)) = heard.next().await {} });
        Ok(Self { messages, wrap })
    }

    async fn publish(&mut self, text: String) -> Result<()> {
        Ok(self.messages.send(Message::text((self.wrap)(text))).await?)
    }
}

/// A namespace in which one publishes as often as it likes.
const CHANNELS: &str = "\
[namespaces.load]
listen = \"anyone\"
publish = \"anyone\"
rate = { per_second = 100000, burst = 100000 }
";

/// How long after the last message the last delivery may come.
const LATE_SECONDS_MAX: f64 = 1.0;
