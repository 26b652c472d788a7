//! What clients say of what they saw is believed as far as the server measured it, whole
//! sessions between them on bad networks.

use std::time::Duration;

use arena::{Arena, ArenaOptions};
use arena_shared::ArenaProtocol;
use tickwire_server::{RoomInfo, replication::Rewind};
use tickwire_shared::{ClientId, Replica, Schema, Tick, record::encode_record};
use tickwire_tests::{
    memory::{Behaviour, Match, Network},
    pilot::Pilot,
};

const TICK_MS: f64 = 50.0;

fn pilot(seed: u64) -> Behaviour {
    let schema = Schema::of::<ArenaProtocol>();
    let mut pilot = Pilot::new(seed);
    Box::new(move |_: &Replica, _: Tick| encode_record(&pilot.controls(), &schema.input))
}

/// Two clients on one network, the second of which says that its pictures are so much older than
/// they are. Returns the delays with which they act on average, in milliseconds, after a minute.
fn delays(network: Network, exaggeration: u32) -> [f64; 2] {
    let info = RoomInfo { name: String::from("match"), seed: 5, tick_rate: 20 };
    let mut game = Match::new(Arena::new(ArenaOptions::default()), info, network);
    let schema = Schema::of::<ArenaProtocol>();
    for number in 0..2 {
        game.add(Pilot::join(&schema, number), pilot(number as u64));
    }
    game.client_mut(1).expect("it was added").exaggerate(exaggeration);
    game.run(200);
    let mut sums = [0.0; 2];
    for _ in 0..1000 {
        game.run(1);
        for (player, sum) in game.players().iter().zip(&mut sums) {
            let client = player.client().id().unwrap_or(ClientId::new(0));
            let delay = game.room().world().resource::<Rewind>().delay(client);
            *sum += delay.map_or(0.0, |delay| f64::from(delay.parts()) / 256.0);
        }
    }
    sums.map(|ticks| ticks / 1000.0 * TICK_MS)
}

fn network(latency_ms: u64, jitter_ms: u64) -> Network {
    Network {
        latency: Duration::from_millis(latency_ms),
        jitter: Duration::from_millis(jitter_ms),
        ..Network::CLEAR
    }
}

#[test]
fn honest_clients_act_on_what_they_saw() {
    for latency_ms in [1, 25, 50, 100] {
        let [delay_ms, _] = delays(network(latency_ms, 0), 0);
        // A round trip, the lead of its inputs less what of it is no whole tick, and up to a tick
        // since the state that it saw was made.
        let least = 2.0 * latency_ms as f64 + 0.25 * TICK_MS;
        assert!(
            (least..least + 2.5 * TICK_MS).contains(&delay_ms),
            "{delay_ms} ms over {latency_ms} ms each way"
        );
    }
}

#[test]
fn a_client_that_lies_gains_nothing_beyond_what_was_measured() {
    for (latency_ms, jitter_ms) in [(1, 0), (25, 0), (50, 40), (100, 30)] {
        let [honest_ms, lying_ms] = delays(network(latency_ms, jitter_ms), 1000);
        // The server cannot know how smoothly a client draws: a frame's distance, a tick for
        // timers, and the jitter are what any client may have on top.
        let most_ms = (honest_ms + 2.5 * TICK_MS + 2.0 * jitter_ms as f64).min(500.0);
        assert!(
            lying_ms <= most_ms,
            "{lying_ms} ms for the liar, {honest_ms} ms for the honest one at {latency_ms} ms \
             each way ± {jitter_ms}"
        );
    }
}

#[test]
fn no_client_acts_on_more_than_half_a_second() {
    let [honest_ms, lying_ms] = delays(network(400, 50), 1000);
    assert!((honest_ms - 500.0).abs() < 1.0 && (lying_ms - 500.0).abs() < 1.0);
}

#[test]
fn bots_learn_to_speak_in_time() {
    let info = RoomInfo { name: String::from("match"), seed: 5, tick_rate: 20 };
    let network = network(110, 30);
    let mut game = Match::new(Arena::new(ArenaOptions::default()), info, network);
    game.add(Pilot::join(&Schema::of::<ArenaProtocol>(), 0), pilot(1));
    game.run(600);
    let (in_time, late) = game.players()[0].client().lead().heard();
    game.run(6000);
    let (in_time, late) = {
        let (in_time_now, late_now) = game.players()[0].client().lead().heard();
        (in_time_now - in_time, late_now - late)
    };
    assert!(late * 100 < in_time + late, "{late} of {} inputs late", in_time + late);
}
