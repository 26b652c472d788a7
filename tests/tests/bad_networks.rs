//! Real sockets through a proxy that delays, stalls and cuts: nothing reliable is lost or doubled,
//! and nobody loses a ship.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, Result, ensure};
use arena::{Arena, ArenaOptions};
use arena_shared::{ArenaProtocol, Controls};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use tickwire_server::Server;
use tickwire_shared::record::encode_record;
use tickwire_tests::{
    chatty::{Chatty, Log, number},
    client::Shared,
    local_server::{counter, start},
    pilot::Pilot,
    proxy::{Conditions, Proxy},
    socket::Bot,
    transport::Rung,
};
use tokio::{
    task::JoinSet,
    time::{Instant, interval, sleep, timeout},
};

/// In each direction and for each bot.
const MESSAGES: u32 = 10_000;
const MESSAGES_PER_TICK: u32 = 50;
const TICK: Duration = Duration::from_millis(50);

/// Seeds that once failed stay here, beside the plain ones.
const SEEDS_THAT_FAILED: [u64; 0] = [];

/// Plays until all messages have come and gone, over whatever the seed brings. Returns what was
/// heard, and how often the bot had to connect.
async fn talk(server: &Server, shared: &Shared, seed: u64) -> Result<(Vec<u32>, u32)> {
    let mut rng = StdRng::seed_from_u64(seed);
    let weather = Conditions {
        latency: Duration::from_millis(rng.random_range(1..20)),
        jitter: Duration::from_millis(rng.random_range(0..20)),
        stall_chance: 0.002,
        stall: Duration::from_millis(300),
        ..Conditions::CLEAR
    };
    let proxy = Proxy::start(server.public_address(), weather, seed).await?;
    let url = format!("http://{}", proxy.address());
    let mut any = move || {
        let rungs = Rung::ALL.iter().cycle().skip(rng.random_range(0..Rung::ALL.len()));
        rungs.copied().next().unwrap_or(Rung::Poll)
    };
    let mut rng = StdRng::seed_from_u64(!seed);
    let mut bot = Bot::join_on(&url, any(), shared, "", Pilot::join(shared.schema(), 1)).await?;
    let id = bot.client().id();
    let mut pilot = Pilot::new(seed);
    let (mut heard, mut sent, mut connections) = (Vec::new(), 0, 1);
    let mut ticks = interval(TICK);
    let mut mishap_at = Instant::now() + Duration::from_secs(1);
    while heard.len() < MESSAGES as usize || sent < MESSAGES || !bot.client().is_all_acknowledged()
    {
        let controls = pilot.controls();
        let input = |_: &_, _| encode_record(&controls, &shared.schema().input);
        let mut is_lost = bot.step(&mut ticks, input).await.is_err();
        if Instant::now() >= mishap_at {
            mishap_at = Instant::now() + Duration::from_millis(rng.random_range(200..1500));
            match rng.random_range(0..3) {
                0 => proxy.cut(),
                1 => is_lost = true,
                _ => {}
            }
        }
        while is_lost {
            connections += 1;
            ensure!(connections < 500, "no way back");
            match bot.move_to(&url, any()).await {
                // The one before ends as it may.
                Ok(_) => is_lost = false,
                Err(_) => sleep(Duration::from_millis(50)).await,
            }
        }
        ensure!(bot.client().id() == id, "it is somebody else");
        for message in bot.client().take_messages() {
            heard.push(number(&message).context("a message of ours")?);
        }
        while sent < MESSAGES && sent < heard.len() as u32 + MESSAGES_PER_TICK {
            bot.client().send(sent.to_le_bytes().to_vec())?;
            sent += 1;
        }
    }
    ensure!(bot.checksums[1] == 0, "a world differed");
    Ok((heard, connections))
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_messages_each_way_over_twenty_bad_networks() -> Result<()> {
    let log = Log::default();
    let game = Chatty::new(MESSAGES, MESSAGES_PER_TICK).with_log(&log);
    let server = Arc::new(start(game, &[]).await?);
    let shared = Shared::of::<ArenaProtocol>();
    let mut bots = JoinSet::new();
    for seed in (0..20).chain(SEEDS_THAT_FAILED) {
        let (server, shared) = (Arc::clone(&server), shared.clone());
        bots.spawn(async move {
            let talked = timeout(Duration::from_secs(120), talk(&server, &shared, seed)).await;
            talked.context("it takes too long")?.with_context(|| format!("seed {seed}"))
        });
    }
    let all: Vec<u32> = (0..MESSAGES).collect();
    let mut connections = 0;
    while let Some(talked) = bots.join_next().await {
        let (heard, connected) = talked??;
        ensure!(heard == all, "a bot heard something else");
        connections += connected;
    }
    eprintln!("{connections} connections");
    ensure!(connections > 60, "the networks were good");
    // What a session has acknowledged reaches the game with the next tick.
    server_heard(&log, &all).await;
    let log = log.lock().map_err(|_| anyhow::anyhow!("the game broke"))?;
    ensure!(log.len() == 20 + SEEDS_THAT_FAILED.len(), "the server heard {} bots", log.len());
    for (client, heard) in log.iter() {
        let differs = heard.iter().zip(&all).position(|(heard, said)| heard != said);
        ensure!(*heard == all, "of {client:?} came {}, wrong at {differs:?}", heard.len());
    }
    Ok(())
}

/// Waits until each client's log is as long as it should be, or for ten seconds.
async fn server_heard(log: &Log, all: &[u32]) {
    for _ in 0..200 {
        let is_complete =
            log.lock().is_ok_and(|log| log.values().all(|heard| heard.len() >= all.len()));
        if is_complete {
            return;
        }
        sleep(TICK).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_seconds_without_a_network_cost_neither_ship_nor_message() -> Result<()> {
    let messages = 2_000;
    let server = start(Chatty::new(messages, 2), &[]).await?;
    let shared = Shared::of::<ArenaProtocol>();
    let proxy = Proxy::start(server.public_address(), Conditions::CLEAR, 1).await?;
    let url = format!("http://{}", proxy.address());
    let mut bot = Bot::join(&url, &shared, "", Pilot::join(shared.schema(), 1)).await?;
    let id = bot.client().id();
    let neutral = encode_record(&Controls::default(), &shared.schema().input);
    let quiet = |_: &_, _| neutral.clone();
    bot.play_until(Duration::from_secs(5), &quiet, |replica| replica.entities().count() > 0)
        .await?;
    proxy.set(Conditions { swallows: true, ..Conditions::CLEAR });
    proxy.cut();
    sleep(Duration::from_secs(30)).await;
    let away = counter(&server, "tickwire_sessions{transport=\"websocket\"}").await?;
    ensure!(away < 1.0, "the server knows that nobody is connected");
    proxy.set(Conditions::CLEAR);
    let began = Instant::now();
    bot.move_to(&url, Rung::WebSocket).await?;
    bot.play_until(Duration::from_secs(5), &quiet, |replica| replica.entities().count() > 0)
        .await?;
    let took = began.elapsed();
    eprintln!("back after {took:?}");
    ensure!(bot.client().id() == id && bot.client().is_resumed(), "in its own ship");
    let mut heard = Vec::new();
    let mut ticks = interval(TICK);
    while heard.len() < messages as usize {
        bot.step(&mut ticks, &quiet).await?;
        let new = bot.client().take_messages();
        heard.extend(new.iter().filter_map(|message| number(message)));
    }
    ensure!(heard == (0..messages).collect::<Vec<_>>(), "each message came once, in order");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_class_behind_one_address_plays_and_a_flood_of_handshakes_does_not() -> Result<()> {
    let flags = ["--handshakes-per-second", "1", "--handshake-burst", "200"];
    let server = Arc::new(start(Arena::new(ArenaOptions::default()), &flags).await?);
    let shared = Shared::of::<ArenaProtocol>();
    let url = format!("http://{}", server.public_address());
    let began = Instant::now();
    let mut joining = JoinSet::new();
    for pupil in 0..35usize {
        let (url, shared) = (url.clone(), shared.clone());
        let rung = Rung::ALL[pupil % 4];
        joining.spawn(async move {
            Bot::join_on(&url, rung, &shared, "", Pilot::join(shared.schema(), pupil)).await
        });
    }
    let mut class = Vec::new();
    while let Some(joined) = joining.join_next().await {
        class.push(joined??);
    }
    eprintln!("35 players are in after {:?}", began.elapsed());
    ensure!(began.elapsed() < Duration::from_secs(5), "it takes {:?}", began.elapsed());
    let mut refused = 0;
    for _ in 0..400 {
        refused += usize::from(Bot::join(&url, &shared, "", Vec::new()).await.is_err());
    }
    ensure!(refused >= 200, "the flood got in: {refused} refused");
    let neutral = encode_record(&Controls::default(), &shared.schema().input);
    let quiet = |_: &_, _| neutral.clone();
    for pupil in &mut class {
        let before = pupil.frames;
        let mut left = 20;
        let enough = |_: &_| {
            left -= 1;
            left == 0
        };
        pupil.play_until(Duration::from_secs(20), &quiet, enough).await?;
        ensure!(pupil.frames > before, "who is in plays on");
    }
    Ok(())
}
