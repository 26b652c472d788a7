//! A slow network costs its own player frames, and nobody else anything. All through a real nginx,
//! whose buffers and sockets could hold minutes of small frames.

use std::{net::SocketAddr, time::Duration};

use anyhow::Result;
use arena::{Arena, ArenaOptions};
use tickwire_tests::{
    local_server::start,
    nginx::Nginx,
    proxy::{Conditions, Proxy},
    swarm::{Plan, Summary, run},
};

/// How old the world of a client may be that reads half a kilobyte a second.
const AGE_MAX_MS: u64 = 2_000;

/// For how many seconds they play, where that is not said by `TICKWIRE_SLOW_SECONDS`. Without a
/// bound on what is under way the slow one would be 20 s behind by then. A minute of it is played on
/// a virtual clock, among the matches in memory.
const SECONDS: u64 = 30;

const BYSTANDERS: usize = 20;

/// In a full room, so that half a kilobyte is by far less than there would be to read.
const ROOM: ArenaOptions = ArenaOptions { pilots: 100, asteroids: 100 };

fn plan(address: SocketAddr, bots: usize, duration: Duration) -> Plan {
    let settling = duration / 2;
    Plan { settling, ..Plan::playing(format!("http://{address}"), bots, duration) }
}

fn duration() -> Result<Duration> {
    let seconds = std::env::var("TICKWIRE_SLOW_SECONDS").ok();
    Ok(Duration::from_secs(seconds.map_or(Ok(SECONDS), |seconds| seconds.parse())?))
}

fn age_on_screen_ms(summary: &Summary, share: f64) -> u64 {
    summary.screen_age_us.value_at_quantile(share) / 1000
}

fn age_on_arrival_ms(summary: &Summary, share: f64) -> u64 {
    summary.age_us.value_at_quantile(share) / 1000
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_busy_and_stalling_clients_stay_fresh_and_others_notice_nothing() -> Result<()> {
    let server = start(Arena::new(ROOM), &[]).await?;
    let nginx = Nginx::start(server.public_address()).await?;
    let slow = Conditions { bytes_per_second: Some(500), ..Conditions::CLEAR };
    let slow = Proxy::start(nginx.address(), slow, 1).await?;
    // A chunk in two hundred, which is one in a few seconds, holds everything up for three.
    let stalling = Conditions {
        latency: Duration::from_millis(40),
        jitter: Duration::from_millis(10),
        stall_chance: 0.005,
        stall: Duration::from_secs(3),
        ..Conditions::CLEAR
    };
    let stalling = Proxy::start(nginx.address(), stalling, 2).await?;
    // The same room without any of them, at the same time: what the machine is busy with otherwise
    // slows both down alike.
    let quiet_server = start(Arena::new(ROOM), &[]).await?;
    let quiet_nginx = Nginx::start(quiet_server.public_address()).await?;

    let duration = duration()?;
    let unaware = plan(quiet_nginx.address(), BYSTANDERS, duration);
    let others = plan(nginx.address(), BYSTANDERS, duration);
    let slow = plan(slow.address(), 1, duration);
    let stalling = plan(stalling.address(), 1, duration);
    // Every fifth frame at 20 ticks a second.
    let busy =
        Plan { frame_interval: Duration::from_millis(250), ..plan(nginx.address(), 1, duration) };
    let (unaware, others, slow, stalling, busy) = tokio::join!(
        run(&unaware, || {}),
        run(&others, || {}),
        run(&slow, || {}),
        run(&stalling, || {}),
        run(&busy, || {})
    );
    let (unaware, others, slow, stalling, busy) = (unaware?, others?, slow?, stalling?, busy?);
    let all = [
        ("unaware", &unaware),
        ("others", &others),
        ("slow", &slow),
        ("stalling", &stalling),
        ("busy", &busy),
    ];
    for (who, summary) in all {
        println!(
            "{who}: {:.1} frames a second of {:.0} bytes, {} worlds compared, age on screen \
             p50 {} ms, p99 {} ms",
            summary.frames_per_bot_s(),
            summary.bytes_per_bot_s() / summary.frames_per_bot_s(),
            summary.checksums,
            age_on_screen_ms(summary, 0.5),
            age_on_screen_ms(summary, 0.99),
        );
        assert!(summary.is_good(), "{who}: {:?}", summary.errors);
        assert!(summary.checksums > 0, "{who}: worlds were compared");
    }

    let (slow_rate, rate) = (slow.frames_per_bot_s(), others.frames_per_bot_s());
    assert!(slow_rate > 1.0, "the slow one gets what it can take: {slow_rate:.1} frames a second");
    assert!(slow.bytes_per_bot_s() < 600.0, "the slow one was slow");
    assert!(busy.frames_per_bot_s() < rate / 4.0, "the busy one left frames out");
    assert!(age_on_screen_ms(&stalling, 1.0) > 2_500, "the stalling one stalled");
    for (who, summary) in [("slow", &slow), ("busy", &busy)] {
        let oldest = age_on_screen_ms(summary, 0.99);
        assert!(oldest < AGE_MAX_MS, "{who}: the world is {oldest} ms old");
    }

    let unaware_rate = unaware.frames_per_bot_s();
    assert!(rate > unaware_rate * 0.9, "others get their frames: {rate:.1} of {unaware_rate:.1}");
    let (age, unaware_age) = (age_on_arrival_ms(&others, 0.5), age_on_arrival_ms(&unaware, 0.5));
    assert!(age < unaware_age * 3 / 2 + 10, "others get them in time: {age}, {unaware_age} ms");

    server.stop().await;
    quiet_server.stop().await;
    Ok(())
}
