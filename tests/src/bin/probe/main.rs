//! Probes how the game feels: real servers, bad networks between, and the page's own engine.
//!
//! `cargo run --release -p tickwire-tests --bin probe -- --json` runs them all and ends in one JSON
//! object. The pages run under Node.js without a screen; what they do is in
//! `tests/probe`.

mod page;
mod report;
mod stage;
mod targets;

use std::time::Duration;

use anyhow::Result;
use clap::Parser;
use serde_json::json;
use tickwire_tests::proxy::Conditions;

use crate::{
    page::Pages,
    report::Report,
    stage::{Stage, Target},
};

/// Probes how the game feels
#[derive(Parser)]
struct Arguments {
    /// Ends in one JSON object
    #[arg(long)]
    json: bool,
    /// Shots at each latency
    #[arg(long, default_value_t = 8, value_name = "COUNT")]
    shots: u32,
    /// For how long ships are flown and watched
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    seconds: u32,
    /// Only tries whether it can count: one latency, half a minute, and one JSON object
    #[arg(long, conflicts_with_all = ["shots", "seconds"])]
    brief: bool,
}

/// Round trips at which shots are tried, in milliseconds.
const SHOT_ROUND_TRIPS_MS: [u64; 3] = [0, 100, 250];

/// How often a key is pressed for the picture that answers it.
const KEY_PRESSES: u32 = 20;

#[tokio::main]
async fn main() -> Result<()> {
    let Arguments { json, shots, seconds, brief } = Arguments::parse();
    let pages = Pages::bundle()?;
    if brief {
        return try_out(&pages).await;
    }
    let flown = json!({ "presses": KEY_PRESSES, "seconds": seconds, "seed": 1 });
    // Whoever is run into is never at rest.
    let pushed = json!({ "presses": 0, "seconds": seconds, "seed": 2 });
    let shot = json!({ "shots": shots });
    let own = |stage| pages.run("ownMotion", flown.clone(), stage);
    let shoot = |round_trip_ms, flags: &'static [&'static str]| {
        let stage = Stage { target: Target::Patrol, flags, ..Stage::over(steady(round_trip_ms)) };
        pages.run("hits", shot.clone(), stage)
    };
    let watched = Stage { target: Target::Orbit, ..Stage::over(stalling(100, 40)) };
    let rammed = Stage { target: Target::Ram, ..Stage::over(steady(100)) };
    let [at_0, at_100, at_250] = SHOT_ROUND_TRIPS_MS.map(|ms| shoot(ms, &[]));
    let [off_0, off_100, off_250] =
        SHOT_ROUND_TRIPS_MS.map(|ms| shoot(ms, &["--no-lag-compensation"]));
    // A few at a time: pages that wait for each other's processor time are bad networks of
    // their own.
    let on = tokio::try_join!(at_0, at_100, at_250)?;
    let off = tokio::try_join!(off_0, off_100, off_250)?;
    let own = tokio::try_join!(
        own(Stage::over(steady(100))),
        own(Stage::over(jittery(250, 30))),
        own(Stage::over(stalling(100, 40))),
    )?;
    let (rammed, smoothness, others) = tokio::try_join!(
        pages.run("ownMotion", pushed, rammed),
        pages.run("smoothness", flown.clone(), watched),
        pages.run("keyToOthers", json!({}), Stage::over(steady(100))),
    )?;
    let report = Report {
        hits: [on.0, on.1, on.2],
        hits_without_compensation: [off.0, off.1, off.2],
        own: [own.0, own.1, own.2, rammed],
        smoothness,
        others,
    };
    if json {
        println!("{}", report.to_json()?);
    } else {
        print!("{}", report.to_text()?);
    }
    Ok(())
}

/// A few shots, a few keys and a few seconds of a ship that circles, all at the same time.
async fn try_out(pages: &Pages) -> Result<()> {
    let patrolled = Stage { target: Target::Patrol, ..Stage::over(steady(100)) };
    let watched = Stage { target: Target::Orbit, ..Stage::over(stalling(100, 40)) };
    let flown = json!({ "presses": 2, "seconds": 5, "seed": 1 });
    let (hits, own, smoothness) = tokio::try_join!(
        pages.run("hits", json!({ "shots": 2 }), patrolled),
        pages.run("ownMotion", flown, Stage::over(steady(100))),
        pages.run("smoothness", json!({ "seconds": 10 }), watched),
    )?;
    println!("{}", json!({ "hits": hits, "own": own, "smoothness": smoothness }));
    Ok(())
}

/// A round trip that is always the same.
fn steady(round_trip_ms: u64) -> Conditions {
    Conditions { latency: Duration::from_millis(round_trip_ms / 2), ..Conditions::CLEAR }
}

/// A round trip that differs by so much either way.
fn jittery(round_trip_ms: u64, by_ms: u64) -> Conditions {
    let latency = Duration::from_millis((round_trip_ms - by_ms) / 2);
    Conditions { latency, jitter: Duration::from_millis(by_ms), ..Conditions::CLEAR }
}

/// The same, with one chunk in a hundred stuck for 200 ms.
fn stalling(round_trip_ms: u64, by_ms: u64) -> Conditions {
    let stall = Duration::from_millis(200);
    Conditions { stall_chance: 0.01, stall, ..jittery(round_trip_ms, by_ms) }
}
