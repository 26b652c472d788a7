//! Bots on real sockets, against a real server.

use std::time::Duration;

use arena::{Arena, ArenaOptions};
use arena_shared::{ArenaProtocol, Motion, Ship};
use tickwire_shared::{
    CloseReason, Replica, Schema, Tick,
    codec::encode,
    limits::{CLIENT_FRAME_BYTES_MAX, INPUT_TICKS_AHEAD_MAX},
    messages::{ClientFrame, ClientUpdate, Hello},
    record::encode_record,
};
use tickwire_tests::{
    client::Shared,
    house::House,
    pilot::{Pilot, fly_to},
    socket::{Bot, end_of},
    swarm::{Plan, run},
};

/// The middle of the world.
const CENTRE: [i32; 2] = [2048 * 16, 2048 * 16];

fn empty() -> Arena {
    Arena::new(ArenaOptions { pilots: 0, asteroids: 0 })
}

async fn join(house: &House, number: usize) -> Bot {
    let shared = Shared::of::<ArenaProtocol>();
    let request = Pilot::join(shared.schema(), number);
    Bot::join(&house.url(), &shared, "", request).await.expect("the arena lets everybody in")
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
    let house = House::open(empty(), &["--seed", "1"]).await.expect("a server");
    let (one, other) = (join(&house, 1).await, join(&house, 2).await);
    // Each goes on for as long as the other needs.
    let other = tokio::spawn(async move { watch(other, "bot-1", 60).await });
    let one = watch(one, "bot-2", 40).await;
    drop(one);
    other.abort();
    house.close().await;
}

#[tokio::test]
async fn twenty_replicas_equal_the_servers_world() {
    let house = House::open(Arena::new(ArenaOptions::default()), &[]).await.expect("a server");
    let duration = Duration::from_secs(5);
    let summary = run(&Plan { url: house.url(), bots: 20, duration }, || {}).await;
    let summary = summary.expect("the bots run");
    assert!(summary.is_good(), "{summary:?}");
    assert!(summary.checksums >= 20 * 7, "one frame in ten is compared: {}", summary.checksums);
    assert_eq!(summary.checksum_mismatches, 0);
    house.close().await;
}

#[tokio::test]
async fn a_stopping_server_says_when_to_come_back() {
    let house = House::open(empty(), &[]).await.expect("a server");
    let url = house.url();
    let end = tokio::spawn(async move { end_of(&url, None, vec![hello(|_| {})]).await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    house.close().await;
    let (close, code) = end.await.expect("no panic").expect("a farewell");
    assert_eq!((close.reason, code), (CloseReason::ServerStopping, 4200));
    assert!(close.retry_after_ms > 0);
}

/// A hello of the arena, changed by `change`.
fn hello(change: impl FnOnce(&mut Hello)) -> Vec<u8> {
    let schema = Schema::of::<ArenaProtocol>();
    let mut hello = Hello {
        protocol: schema.hash(),
        room: String::new(),
        token: String::new(),
        join: Pilot::join(&schema, 0),
    };
    change(&mut hello);
    encode(&ClientFrame::Hello(hello))
}

fn update(first_input: u32, input: Vec<u8>) -> Vec<u8> {
    let inputs = vec![input];
    encode(&ClientFrame::Update(ClientUpdate { first_input, inputs, ..ClientUpdate::default() }))
}

#[tokio::test]
async fn bad_input_ends_in_its_own_code_and_nobody_else_notices() {
    let house = House::open(empty(), &[]).await.expect("a server");
    let bystander = join(&house, 1).await;
    let watching = tokio::spawn(async move {
        let mut bystander = bystander;
        let mut frames = 0;
        let four_seconds = |_: &Replica| {
            frames += 1;
            frames > 160
        };
        let played = bystander.play_until(Duration::from_secs(20), homing(), four_seconds).await;
        (bystander, played)
    });

    let neutral = encode_record(&fly_to_nowhere(), &Schema::of::<ArenaProtocol>().input);
    let cases: Vec<(CloseReason, Option<&'static str>, Vec<Vec<u8>>)> = vec![
        (CloseReason::MalformedFrame, None, vec![vec![0xff; 7]]),
        (CloseReason::MalformedFrame, None, vec![hello(|hello| hello.join = vec![0xff; 40])]),
        (CloseReason::FrameTooLarge, None, vec![vec![0; CLIENT_FRAME_BYTES_MAX + 1]]),
        (CloseReason::FrameTooLarge, None, vec![hello(|hello| hello.room = "r".repeat(65))]),
        (CloseReason::ProtocolMismatch, None, vec![hello(|hello| hello.protocol ^= 1)]),
        (CloseReason::UnknownRoom, None, vec![hello(|hello| hello.room = "attic".into())]),
        (CloseReason::UnexpectedFrame, None, vec![update(0, neutral.clone())]),
        (CloseReason::UnexpectedFrame, None, vec![hello(|_| {}), hello(|_| {})]),
        (CloseReason::InputOutOfRange, None, vec![hello(|_| {}), update(0, vec![0xff; 2])]),
        (
            CloseReason::InputTickOutOfRange,
            None,
            vec![hello(|_| {}), update(100_000 + INPUT_TICKS_AHEAD_MAX, neutral)],
        ),
        (CloseReason::OriginRefused, Some("https://evil.example"), vec![hello(|_| {})]),
    ];
    for (reason, origin, frames) in cases {
        let before = closes(&house, reason).await;
        let ended = end_of(&house.url(), origin, frames).await;
        let (close, code) = ended.unwrap_or_else(|error| panic!("{reason}: {error:#}"));
        assert_eq!((close.reason, code), (reason, reason.code()));
        assert!(closes(&house, reason).await > before, "{reason} is counted");
    }

    let (bystander, played) = watching.await.expect("no panic");
    played.expect("the bystander plays on");
    let [equal, different] = bystander.checksums;
    assert!(equal > 0 && different == 0, "it saw what the server had: {equal} and {different}");
    house.close().await;
}

#[tokio::test]
async fn a_full_server_says_so_and_lets_the_next_one_in_when_somebody_left() {
    let house = House::open(empty(), &["--clients-max", "1"]).await.expect("a server");
    let first = join(&house, 1).await;
    let (close, code) = end_of(&house.url(), None, vec![hello(|_| {})]).await.expect("a farewell");
    assert_eq!((close.reason, code), (CloseReason::ServerFull, 4100));
    drop(first);
    let shared = Shared::of::<ArenaProtocol>();
    for attempt in 0.. {
        let request = Pilot::join(shared.schema(), 2);
        if Bot::join(&house.url(), &shared, "", request).await.is_ok() {
            break;
        }
        assert!(attempt < 50, "the place is free again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    house.close().await;
}

#[tokio::test]
async fn a_foreign_name_is_not_answered() {
    let house = House::open(empty(), &[]).await.expect("a server");
    let before = closes(&house, CloseReason::HostRefused).await;
    let request = reqwest::Client::new().get(house.url()).header("host", "evil.example");
    let answer = request.send().await.expect("an answer");
    assert_eq!(answer.status().as_u16(), 421);
    assert!(closes(&house, CloseReason::HostRefused).await > before, "and it is counted");
    house.close().await;
}

fn fly_to_nowhere() -> arena_shared::Controls {
    arena_shared::Controls::default()
}

/// How many sessions ended for a reason so far.
async fn closes(house: &House, reason: CloseReason) -> f64 {
    let page = reqwest::get(house.metrics_url()).await.expect("the internal door");
    let page = page.text().await.expect("text");
    let name = format!("tickwire_closes_total{{reason=\"{}\"}} ", reason.name());
    let line = page.lines().find_map(|line| line.strip_prefix(&name));
    line.map_or(0.0, |value| value.parse().expect("a number"))
}
