//! Bots on real sockets, against a real server.

use std::time::Duration;

use arena::{Arena, ArenaOptions};
use arena_shared::{ArenaProtocol, Motion, Ship};
use tickwire_shared::{Replica, Schema, Tick, record::encode_record};
use tickwire_tests::{
    client::Shared,
    local_server::start,
    pilot::{Pilot, fly_to},
    socket::Bot,
    swarm::{Plan, run},
};

/// The middle of the world.
const CENTRE: [i32; 2] = [2048 * 16, 2048 * 16];

async fn join(url: &str, number: usize) -> Bot {
    let shared = Shared::of::<ArenaProtocol>();
    let request = Pilot::join(shared.schema(), number);
    Bot::join(url, &shared, "", request).await.expect("the arena lets everybody in")
}

fn homing() -> impl FnMut(&Replica, Tick) -> Vec<u8> {
    let schema = Schema::of::<ArenaProtocol>();
    move |world, _| encode_record(&fly_to(world, CENTRE), &schema.input)
}

/// Plays until the other one was seen at `places` places.
async fn watch(mut bot: Bot, other: &str, places: usize) -> Bot {
    let mut seen = Vec::new();
    let sees = |world: &Replica| {
        let named = |ship: Ship| ship.name == other;
        let ship = world.entities().find(|entity| entity.get::<Ship>().is_some_and(named));
        seen.extend(ship.and_then(|ship| ship.get::<Motion>()).map(|motion| motion.position));
        seen.dedup();
        seen.len() >= places
    };
    bot.play_until(Duration::from_secs(60), homing(), sees).await.expect("they meet");
    bot
}

#[tokio::test]
async fn two_bots_see_each_other_move() {
    let empty = Arena::new(ArenaOptions { pilots: 0, asteroids: 0 });
    let server = start(empty, &["--seed", "1"]).await.expect("a server");
    let url = format!("http://{}", server.public_address());
    let (one, other) = (join(&url, 1).await, join(&url, 2).await);
    // Each stays until both have seen enough.
    let (one, other) = tokio::join!(watch(one, "bot-2", 40), watch(other, "bot-1", 40));
    for bot in [one, other] {
        let [equal, different] = bot.checksums;
        assert!(equal > 0 && different == 0, "it saw what the server had: {equal}, {different}");
    }
    server.stop().await;
}

#[tokio::test]
async fn twenty_replicas_equal_the_servers_world() {
    let server = start(Arena::new(ArenaOptions::default()), &[]).await.expect("a server");
    let url = format!("http://{}", server.public_address());
    let duration = Duration::from_secs(5);
    let summary = run(&Plan::playing(url, 20, duration), || {}).await.expect("the bots run");
    assert!(summary.is_good(), "{summary:?}");
    assert!(summary.checksums >= 20 * 7, "one frame in ten is compared: {}", summary.checksums);
    server.stop().await;
}
