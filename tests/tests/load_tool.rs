//! The load tool counts what goes wrong: each of its figures is made to show it here.

use std::{process::Command, thread, time::Duration};

use arena::{Arena, ArenaOptions};
use arena_shared::{ArenaProtocol, Controls, JoinRequest};
use bevy_ecs::{schedule::Schedule, world::World};
use serde_json::Value;
use tickwire_server::{Claims, Game, Refusal, RoomInfo, View};
use tickwire_shared::ClientId;
use tickwire_tests::{
    bad_server::{BadServer, Fault},
    local_server::start,
    proxy::{Conditions, Proxy},
    scrape::Scrape,
    swarm::{Plan, Summary, run},
};

async fn swarm(url: String, bots: usize, seconds: u64) -> Summary {
    let duration = Duration::from_secs(seconds);
    run(&Plan::playing(url, bots, duration), || {}).await.expect("the tool itself works")
}

async fn against(fault: Fault) -> Summary {
    let server = BadServer::start(fault).await.expect("a bad server");
    swarm(server.url(), 2, 3).await
}

#[tokio::test]
async fn a_world_that_is_not_the_servers_is_a_checksum_mismatch() {
    let summary = against(Fault::ChangesWorlds).await;
    assert_eq!(summary.joined, 2);
    assert!(summary.checksum_mismatches > 0, "{summary:?}");
    assert!(!summary.is_good());
}

#[tokio::test]
async fn a_server_that_hangs_up_is_an_error_of_each_bot() {
    let summary = against(Fault::HangsUp).await;
    assert_eq!((summary.joined, summary.errors.len()), (2, 2), "{summary:?}");
    assert!(summary.frames > 0, "until then there were frames");
    assert!(!summary.is_good());
}

#[tokio::test]
async fn nonsense_from_the_server_is_an_error_of_each_bot() {
    let summary = against(Fault::TalksNonsense).await;
    assert_eq!((summary.joined, summary.errors.len()), (2, 2), "{summary:?}");
}

#[tokio::test]
async fn nobody_joins_where_nobody_answers() {
    let summary = against(Fault::NeverAnswers).await;
    assert_eq!((summary.joined, summary.errors.len()), (0, 2), "{summary:?}");
    assert!(!summary.is_good());
}

#[tokio::test]
async fn worlds_get_older_on_a_slow_network() {
    let server = start(Arena::new(ArenaOptions::default()), &[]).await.expect("a server");
    let latency = Duration::from_millis(150);
    let weather = Conditions { latency, ..Conditions::CLEAR };
    let proxy = Proxy::start(server.public_address(), weather, 1).await.expect("a proxy");
    let far = swarm(format!("http://{}", proxy.address()), 2, 4).await;
    let near = swarm(format!("http://{}", server.public_address()), 2, 2).await;
    assert!(far.is_good() && near.is_good(), "{far:?} {near:?}");
    let median_ms = |summary: &Summary| summary.age_us.value_at_quantile(0.5) / 1000;
    let (far, near) = (median_ms(&far), median_ms(&near));
    assert!((140..300).contains(&far), "one way takes 150 ms, and worlds are {far} ms old");
    assert!(near < 100, "next door worlds are {near} ms old");
    server.stop().await;
}

/// An arena whose ticks take too long as soon as there is a player.
struct Slow(Arena);

impl Game for Slow {
    type Protocol = ArenaProtocol;

    fn setup(&self, world: &mut World, schedule: &mut Schedule, room: &RoomInfo) {
        self.0.setup(world, schedule, room);
    }

    fn join(
        &self,
        world: &mut World,
        client: ClientId,
        join: JoinRequest,
        claims: &Claims,
    ) -> Result<(), Refusal> {
        self.0.join(world, client, join, claims)
    }

    fn leave(&self, world: &mut World, client: ClientId) {
        self.0.leave(world, client);
    }

    fn input(&self, world: &mut World, client: ClientId, input: &Controls) {
        thread::sleep(Duration::from_millis(70));
        self.0.input(world, client, input);
    }

    fn view(&self, world: &World, client: ClientId) -> View {
        self.0.view(world, client)
    }
}

#[tokio::test]
async fn a_game_that_takes_too_long_shows_in_the_servers_figures() {
    let slow = Slow(Arena::new(ArenaOptions::default()));
    let running = start(slow, &[]).await.expect("a server");
    let metrics = format!("http://{}/metrics", running.internal_address());
    let before = Scrape::take(&metrics).await.expect("metrics");
    let summary = swarm(format!("http://{}", running.public_address()), 1, 3).await;
    let after = Scrape::take(&metrics).await.expect("metrics");
    let server = after.since(&before, 3.0);
    assert!(server.overruns > 10, "each tick took longer than 50 ms: {server:?}");
    assert!(server.tick_ms.max.is_some_and(|max| max >= 70.0), "{server:?}");
    assert!(server.tick_ms.p99.is_some_and(|p99| p99 >= 50.0), "{server:?}");
    assert!(server.cpu_cores.is_some_and(|cores| cores > 0.0), "{server:?}");
    assert!(server.rss_bytes.is_some_and(|bytes| bytes > 1_000_000), "{server:?}");
    assert!(summary.frames_per_bot_s() < 19.0, "and bots get fewer frames");
    assert!(summary.bytes_per_bot_s() > 0.0);
    running.stop().await;
}

/// The most that a session may take with 500 entities in view, all that the server holds for it.
const SESSION_BYTES_MAX: f64 = 64.0 * 1024.0;

#[test]
fn a_session_with_five_hundred_entities_in_view_takes_little_of_the_servers_memory() {
    let idle = Command::new(env!("CARGO_BIN_EXE_idle"))
        .args(["--sessions", "300", "--visible", "500", "--seconds", "0"])
        .output()
        .expect("the tool runs");
    assert!(idle.status.success(), "{}", String::from_utf8_lossy(&idle.stderr));
    let report: Value = serde_json::from_slice(&idle.stdout).expect("its last line is JSON");
    let bytes = report["rss_bytes_per_session"].as_f64().expect("a figure");
    println!("{bytes:.0} bytes for each session");
    // Fewer than its view takes: then it is not there.
    assert!((16_384.0..SESSION_BYTES_MAX).contains(&bytes), "{bytes} bytes for each session");
}
