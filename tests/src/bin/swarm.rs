//! The load tool: bots that play the arena on a running server, and a summary of what they saw.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use hdrhistogram::Histogram;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use tickwire_tests::{
    proxy::{Conditions, Proxy},
    scrape::{Scrape, ServerFigures},
    swarm::{Mix, Plan, Summary, run},
};
use tokio::{net::lookup_host, time::sleep};

/// Lets bots play the arena on a running server, and says what they saw
#[derive(Parser)]
struct Arguments {
    /// The server's public door
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    url: String,
    /// How many bots
    #[arg(long, default_value_t = 50)]
    bots: usize,
    /// How long they play
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// How they connect: ws, stream, long-poll or poll, or a mix such as ws=0.8,long-poll=0.2
    #[arg(long, default_value = "ws")]
    transport: Mix,
    /// Puts this round trip between bots and server, in milliseconds
    #[arg(long)]
    round_trip: Option<u64>,
    /// Puts this network between, as the page's ?lag= takes it: 100,jitter:40,stall:1/200 is a
    /// round trip of 100 ms ± 40, with each hundredth chunk stuck for 200 ms. Also rate:32
    /// (KiB/s), burst:2/25/200 (per cent to turn bad, to turn good, ms per loss), trace:FILE
    #[arg(long, value_name = "NETWORK", conflicts_with = "round_trip")]
    lag: Option<Conditions>,
    /// They only stay: no frame is due to them
    #[arg(long)]
    idle: bool,
    /// The server's metrics, for its side of the story
    #[arg(long)]
    metrics: Option<String>,
    /// Ends with one line of JSON
    #[arg(long)]
    json: bool,
}

/// The last line of `--json`. What has no mechanism so far is `null`.
#[derive(Serialize)]
struct Report {
    bots: usize,
    joined: usize,
    errors: usize,
    frames_per_bot_s: f64,
    bytes_per_bot_s: f64,
    age_ms: AgeMs,
    /// The newest world at hand, at each picture of a screen of 60 Hz.
    screen_age_ms: AgeMs,
    checksums: u64,
    checksum_mismatches: u64,
    reliable_lost: Option<u64>,
    reliable_doubled: Option<u64>,
    server: Option<ServerFigures>,
}

/// How old worlds are as they arrive, in milliseconds.
#[derive(Serialize)]
struct AgeMs {
    p50: f64,
    p95: f64,
    p99: f64,
    max: f64,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let before = scrape(arguments.metrics.as_deref()).await?;
    let began = Instant::now();
    let summary = play(&arguments).await?;
    let after = scrape(arguments.metrics.as_deref()).await?;
    let server = after
        .zip(before)
        .map(|(after, before)| after.since(&before, began.elapsed().as_secs_f64()));
    let report = Report::new(&summary, server);
    print(&summary, &report);
    if arguments.json {
        println!("{}", serde_json::to_string(&report)?);
    }
    ensure!(summary.is_good(), "not every bot was served well");
    Ok(())
}

async fn scrape(url: Option<&str>) -> Result<Option<Scrape>> {
    match url {
        Some(url) => Scrape::take(url).await.map(Some),
        None => Ok(None),
    }
}

/// Runs the bots under a progress bar.
async fn play(arguments: &Arguments) -> Result<Summary> {
    let duration = Duration::from_secs(arguments.seconds);
    let far = |ms| Conditions { latency: Duration::from_millis(ms) / 2, ..Conditions::CLEAR };
    let distance = match arguments.lag.clone().or_else(|| arguments.round_trip.map(far)) {
        Some(conditions) => Some(distance(&arguments.url, conditions).await?),
        None => None,
    };
    let url = distance.as_ref().map(|proxy| format!("http://{}", proxy.address()));
    let plan = Plan {
        url: url.unwrap_or_else(|| arguments.url.clone()),
        bots: arguments.bots,
        duration,
        mix: arguments.transport.clone(),
        is_idle: arguments.idle,
        frame_interval: Duration::ZERO,
        settling: Duration::ZERO,
    };
    let bar = ProgressBar::new(arguments.seconds);
    bar.set_style(ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} s")?);
    bar.set_message(format!("{} bots", arguments.bots));
    let clock = tokio::spawn({
        let bar = bar.clone();
        async move {
            while !bar.is_finished() && bar.position() < bar.length().unwrap_or(0) {
                sleep(Duration::from_secs(1)).await;
                bar.inc(1);
            }
        }
    });
    let summary = run(&plan, || {}).await;
    bar.finish_and_clear();
    clock.abort();
    summary
}

/// A proxy that makes a server seem farther away.
async fn distance(url: &str, conditions: Conditions) -> Result<Proxy> {
    let host = url.trim_start_matches("http://").trim_end_matches('/');
    let upstream = lookup_host(host).await?.next().context("no such host")?;
    Proxy::start(upstream, conditions, 1).await
}

impl AgeMs {
    fn of(age_us: &Histogram<u64>) -> Self {
        let age = |share| age_us.value_at_quantile(share) as f64 / 1e3;
        Self { p50: age(0.5), p95: age(0.95), p99: age(0.99), max: age_us.max() as f64 / 1e3 }
    }
}

impl Report {
    fn new(summary: &Summary, server: Option<ServerFigures>) -> Self {
        Self {
            bots: summary.bots,
            joined: summary.joined,
            errors: summary.errors.len(),
            frames_per_bot_s: summary.frames_per_bot_s(),
            bytes_per_bot_s: summary.bytes_per_bot_s(),
            age_ms: AgeMs::of(&summary.age_us),
            screen_age_ms: AgeMs::of(&summary.screen_age_us),
            checksums: summary.checksums,
            checksum_mismatches: summary.checksum_mismatches,
            // The arena sends no reliable messages of its own so far.
            reliable_lost: None,
            reliable_doubled: None,
            server,
        }
    }
}

fn print(summary: &Summary, report: &Report) {
    println!("bots        {} joined of {}", report.joined, report.bots);
    println!("frames      {:.2} per bot and second", report.frames_per_bot_s);
    println!("bytes       {:.0} per bot and second", report.bytes_per_bot_s);
    let AgeMs { p50, p95, p99, max } = report.age_ms;
    println!("world's age {p50:.1} ms median, {p95:.1} p95, {p99:.1} p99, {max:.1} longest");
    let AgeMs { p50, p95, p99, max } = report.screen_age_ms;
    println!("on screen   {p50:.1} ms median, {p95:.1} p95, {p99:.1} p99, {max:.1} longest");
    println!(
        "checksums   {} equal of {}",
        report.checksums - report.checksum_mismatches,
        report.checksums
    );
    if let Some(server) = &report.server {
        let cores = server.cpu_cores.unwrap_or(f64::NAN);
        let bytes = server.rss_bytes.unwrap_or(0) as f64 / 1e6;
        println!("server      {cores:.2} processors, {bytes:.0} MB, {} overruns", server.overruns);
    }
    for error in &summary.errors {
        println!("failed      {error}");
    }
}
