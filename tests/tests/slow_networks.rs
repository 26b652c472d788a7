//! A slow network costs its own player frames, and nobody else anything.

use std::time::Duration;

use anyhow::Result;
use arena::{Arena, ArenaOptions};
use tickwire_tests::{
    local_server::start,
    proxy::{Conditions, Proxy},
    swarm::{Plan, Summary, run},
};

/// How old a world may be on arrival for a client that reads half a kilobyte a second.
const AGE_MAX: Duration = Duration::from_secs(2);

fn oldest_ms(summary: &Summary, share: f64) -> u64 {
    summary.age_us.value_at_quantile(share) / 1000
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_and_stalling_clients_stay_fresh_and_others_notice_nothing() -> Result<()> {
    let server = start(Arena::new(ArenaOptions::default()), &[]).await?;
    let address = server.public_address();
    let slow = Conditions { bytes_per_second: Some(500), ..Conditions::CLEAR };
    let slow = Proxy::start(address, slow, 1).await?;
    // A chunk in two hundred, which is one in a few seconds, holds everything up for three.
    let stalling = Conditions {
        latency: Duration::from_millis(40),
        jitter: Duration::from_millis(30),
        stall_chance: 1.0 / 200.0,
        stall: Duration::from_secs(3),
        ..Conditions::CLEAR
    };
    let stalling = Proxy::start(address, stalling, 2).await?;
    let plan =
        |address, bots| Plan::playing(format!("http://{address}"), bots, Duration::from_secs(20));
    let plans = [plan(address, 8), plan(slow.address(), 1), plan(stalling.address(), 1)];
    let [others, slow, stalling] = &plans;
    let (others, slow, stalling) =
        tokio::join!(run(others, || {}), run(slow, || {}), run(stalling, || {}));
    let (others, slow, stalling) = (others?, slow?, stalling?);
    for (who, summary) in [("others", &others), ("slow", &slow), ("stalling", &stalling)] {
        assert!(summary.is_good(), "{who}: {:?}", summary.errors);
        assert!(summary.checksums > 0, "{who}: worlds were compared");
    }
    // Ratios within one run: a busy machine slows everybody down alike.
    let (slow_rate, rate) = (slow.frames_per_bot_s(), others.frames_per_bot_s());
    assert!(slow_rate > 1.0, "the slow one gets what it can take: {slow_rate:.1} frames a second");
    // A slow one in a quiet corner takes nearly every frame too.
    assert!(rate > slow_rate * 0.95, "others are not held up: {rate:.1} and {slow_rate:.1}");
    let oldest = oldest_ms(&slow, 0.99);
    assert!(u128::from(oldest) < AGE_MAX.as_millis(), "the slow one's world is {oldest} ms old");
    server.stop().await;
    Ok(())
}
