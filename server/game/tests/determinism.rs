//! The same seed and inputs give the same world, byte for byte.

// Counts are small, and a panic is a failed test.
#![allow(clippy::indexing_slicing)]

mod support;

use arena_shared::{ArenaProtocol, Controls};
use bevy_ecs::{component::Component, entity::Entity};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use support::Match;
use tickwire_server::replication::Capture;
use tickwire_shared::{NetId, Tick};

#[test]
fn two_rooms_with_the_same_seed_and_inputs_stay_equal() {
    let course = played(5, |_, _| {});
    assert_eq!(course, played(5, |_, _| {}));
    assert_ne!(course, played(6, |_, _| {}), "another seed is another world");
}

#[test]
fn the_order_of_entities_in_memory_does_not_matter() {
    let shuffled = played(5, |game, random| {
        // A component that means nothing moves its entity to another archetype, which is
        // another place in every query.
        let entities: Vec<Entity> =
            game.world.query::<(Entity, &NetId)>().iter(&game.world).map(|it| it.0).collect();
        for entity in entities {
            let mut entity = game.world.entity_mut(entity);
            if random.random_bool(0.2) {
                entity.insert(Ballast);
            } else if random.random_bool(0.3) {
                entity.remove::<Ballast>();
            }
        }
    });
    let course = played(5, |_, _| {});
    let differs = course.iter().zip(&shuffled).position(|(one, other)| one != other);
    assert_eq!(differs, None, "the first tick that differs");
}

#[derive(Component)]
struct Ballast;

/// The world's checksum after each tick of a minute with three humans who come and go.
fn played(seed: u64, between: impl Fn(&mut Match, &mut StdRng)) -> Vec<u64> {
    let mut game = Match::new(10, 60, seed);
    let mut inputs = StdRng::seed_from_u64(99);
    let mut meddling = StdRng::seed_from_u64(100);
    let mut capture = Capture::of::<ArenaProtocol>();
    let mut clients = Vec::new();
    let mut course = Vec::new();
    for tick in 0..1200u32 {
        if tick % 300 == 0 {
            clients.push(game.join(tick, "somebody"));
        }
        if tick == 700 {
            game.leave(clients.remove(0));
        }
        for client in &clients {
            let controls = Controls {
                thrust: inputs.random_bool(0.7),
                fire: inputs.random_bool(0.5),
                turn: inputs.random_range(-40..=40),
            };
            game.press(*client, controls);
        }
        game.step();
        between(&mut game, &mut meddling);
        course.push(capture.capture(&mut game.world, Tick::new(tick)).checksum());
    }
    course
}
