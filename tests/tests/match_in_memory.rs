//! Whole matches of the arena in memory: what clients see is what the server has, on any network.

use std::time::Duration;

use arena::{Arena, ArenaOptions};
use arena_shared::{ArenaProtocol, Motion, Ship};
use tickwire_server::RoomInfo;
use tickwire_shared::{
    ClientId, CloseReason, Replica, Schema, Tick, limits::MESSAGE_BYTES_MAX, record::encode_record,
};
use tickwire_tests::{
    memory::{Behaviour, Match, Network},
    pilot::{Pilot, fly_to},
};

/// The middle of the world.
const CENTRE: [i32; 2] = [2048 * 16, 2048 * 16];

fn arena(options: ArenaOptions, network: Network) -> Match<Arena> {
    let info = RoomInfo { name: String::from("match"), seed: 5, tick_rate: 20 };
    Match::new(Arena::new(options), info, network)
}

fn pilot(seed: u64) -> Behaviour {
    let schema = Schema::of::<ArenaProtocol>();
    let mut pilot = Pilot::new(seed);
    Box::new(move |_: &Replica, _: Tick| encode_record(&pilot.controls(), &schema.input))
}

/// Flies to the middle and stays about there.
fn homing() -> Behaviour {
    let schema = Schema::of::<ArenaProtocol>();
    Box::new(move |world: &Replica, _: Tick| encode_record(&fly_to(world, CENTRE), &schema.input))
}

/// Twenty bots for a minute. Returns how often connections broke.
fn play(network: Network) -> u64 {
    let mut game = arena(ArenaOptions::default(), network);
    let schema = Schema::of::<ArenaProtocol>();
    for number in 0..20 {
        game.add(Pilot::join(&schema, number), pilot(number as u64));
    }
    game.run(1200);
    let mut cuts = 0;
    for (number, player) in game.players().iter().enumerate() {
        let seen = player.seen();
        assert_eq!((&seen.error, &seen.closed), (&None, &None), "bot {number}");
        assert_eq!(seen.mismatches, 0, "bot {number} sees what the server has");
        // One frame in ten carries a sum.
        assert!(seen.matches >= 30, "bot {number} compared {} checksums", seen.matches);
        cuts += seen.cuts;
    }
    cuts
}

#[test]
fn twenty_replicas_equal_the_server_on_a_cable() {
    let game = play(Network::CLEAR);
    assert_eq!(game, 0);
}

#[test]
fn twenty_replicas_equal_the_server_on_a_train() {
    play(Network {
        latency: Duration::from_millis(60),
        jitter: Duration::from_millis(40),
        stall_chance: 0.01,
        stall: Duration::from_millis(700),
        seed: 2,
        ..Network::CLEAR
    });
}

#[test]
fn twenty_replicas_equal_the_server_when_connections_break() {
    let latency = Duration::from_millis(30);
    let cuts = play(Network { latency, cut_chance: 0.003, seed: 3, ..Network::CLEAR });
    assert!(cuts > 20, "connections did break, here {cuts} times");
}

#[test]
fn every_tick_reaches_a_client_on_a_good_network() {
    let mut game = arena(ArenaOptions::default(), Network::CLEAR);
    game.add(Pilot::join(&Schema::of::<ArenaProtocol>(), 0), pilot(1));
    game.run(400);
    let frames = game.players()[0].seen().frames;
    assert!(frames >= 390, "{frames} of 400 ticks arrived");
}

#[test]
fn two_bots_see_each_other_move() {
    let mut game = arena(ArenaOptions { pilots: 0, asteroids: 0 }, Network::CLEAR);
    let schema = Schema::of::<ArenaProtocol>();
    let bots = [0, 1].map(|number| game.add(Pilot::join(&schema, number), homing()));
    let mut seen_at = [Vec::new(), Vec::new()];
    for _ in 0..1200 {
        game.run(1);
        for (bot, seen_at) in bots.iter().zip(&mut seen_at) {
            let other = format!("bot-{}", 1 - bot);
            seen_at.extend(place_of(game.players()[*bot].replica(), &other));
        }
    }
    for (bot, mut seen_at) in seen_at.into_iter().enumerate() {
        seen_at.dedup();
        assert!(seen_at.len() > 50, "bot {bot} saw the other at {} places", seen_at.len());
    }
}

#[test]
fn a_world_that_went_wrong_is_noticed_and_healed() {
    let latency = Duration::from_millis(50);
    let mut game = arena(ArenaOptions::default(), Network { latency, ..Network::CLEAR });
    let schema = Schema::of::<ArenaProtocol>();
    for number in 0..2 {
        game.add(Pilot::join(&schema, number), pilot(number as u64));
    }
    game.run(60);
    assert!(game.corrupt(0, 3), "there is something to corrupt");
    let matches = game.players()[0].seen().matches;
    // Ten ticks to the next sum, a round trip, and ten more for one that is right again.
    game.run(40);
    let seen = game.players()[0].seen();
    assert_eq!((&seen.error, seen.mismatches), (&None, 1), "noticed once");
    assert!(seen.matches > matches, "and healed");
    assert_eq!(game.players()[1].seen().mismatches, 0, "nobody else has anything to do with it");
}

#[test]
fn bad_frames_end_their_sender_and_nobody_else() {
    let mut game = arena(ArenaOptions::default(), Network::CLEAR);
    let schema = Schema::of::<ArenaProtocol>();
    for number in 0..3 {
        game.add(Pilot::join(&schema, number), pilot(number as u64));
    }
    game.run(40);
    game.send(0, vec![0xff; 20]);
    game.run(200);
    let closed = game.players()[0].seen().closed.as_ref().map(|close| close.reason);
    assert_eq!(closed, Some(CloseReason::MalformedFrame));
    for player in &game.players()[1..] {
        let seen = player.seen();
        assert_eq!((&seen.error, &seen.closed, seen.mismatches), (&None, &None, 0));
        assert!(seen.frames >= 230, "{} of 240 ticks arrived", seen.frames);
    }
}

#[test]
fn the_same_seed_is_the_same_match() {
    let course = || {
        let network = Network { jitter: Duration::from_millis(30), seed: 9, ..Network::CLEAR };
        let mut game = arena(ArenaOptions::default(), network);
        for number in 0..4 {
            game.add(Pilot::join(&Schema::of::<ArenaProtocol>(), number), pilot(number as u64));
        }
        game.run(300);
        let places: Vec<_> =
            game.players().iter().map(|player| place_of(player.replica(), "bot-0")).collect();
        let ids: Vec<_> = game.players().iter().map(|player| player.client().id()).collect();
        (places, ids)
    };
    let (places, ids) = course();
    assert_eq!(ids[0], Some(ClientId::new(1)));
    assert_eq!(places, course().0);
}

/// Where somebody's ship is, as far as this world shows it.
fn place_of(world: &Replica, name: &str) -> Option<[i32; 2]> {
    let ship = world
        .entities()
        .find(|entity| entity.get::<Ship>().is_some_and(|ship| ship.name == name))?;
    ship.get::<Motion>().map(|motion| motion.position)
}

#[test]
fn a_minute_of_reading_too_slowly_leaves_a_client_two_seconds_behind_at_most() {
    const BYTES_PER_SECOND: u32 = 500;
    // A full room: there would be four times as much to read.
    let full = ArenaOptions { pilots: 100, asteroids: 100 };
    let mut game = arena(full, Network::CLEAR);
    let schema = Schema::of::<ArenaProtocol>();
    for number in 0..20 {
        game.add(Pilot::join(&schema, number), pilot(number as u64));
    }
    let slow = Network { bytes_per_second: Some(BYTES_PER_SECOND), ..Network::CLEAR };
    let slow = game.add_on(slow, Pilot::join(&schema, 20), pilot(20));
    let mut oldest = 0;
    for tick in 0..1200 {
        game.run(1);
        // It settles within a quarter of that: how much it can take is not known before.
        if tick > 300 {
            let seen = game.players()[slow].replica().tick().expect("it sees a world");
            oldest = oldest.max(game.room().tick().since(seen));
        }
    }
    let seen = game.players()[slow].seen();
    println!("{} frames in a minute, a world {oldest} ticks old at most", seen.frames);
    assert_eq!((&seen.error, &seen.closed, seen.mismatches), (&None, &None, 0));
    assert!(seen.matches > 0 && seen.frames > 100, "it gets what it can take: {seen:?}");
    assert!(oldest <= 40, "its world is {oldest} ticks old, of which there are 20 in a second");
    for player in game.players().iter().take(20) {
        assert!(player.seen().frames > 1150, "others get every frame: {:?}", player.seen());
    }
}

#[test]
fn a_client_with_much_to_say_says_it_in_frames_that_the_server_takes() {
    let mut game = arena(ArenaOptions::default(), Network::CLEAR);
    let bot = game.add(Pilot::join(game.shared().schema(), 0), pilot(1));
    game.run(10);
    let client = game.client_mut(bot).expect("it was brought");
    for _ in 0..30 {
        client.send(vec![0; MESSAGE_BYTES_MAX - 8]).expect("there is room");
    }
    game.run(60);
    let closed = &game.players()[bot].seen().closed;
    assert_eq!(*closed, None, "no frame was too large");
    assert!(game.players()[bot].client().is_all_acknowledged(), "all of it has arrived");
}
