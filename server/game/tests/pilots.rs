//! The server's pilots are there, alive, and beatable.

// Counts are small, and a panic is a failed test.
#![allow(clippy::indexing_slicing)]

mod support;

use arena::seats::Pilot;
use arena_shared::{Controls, Motion, Seat, Ship, vector::length, world::steps_per_tick};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use support::Match;

#[test]
fn the_server_fills_up_to_the_wanted_number_and_makes_way_for_humans() {
    let mut game = Match::new(10, 60, 1);
    game.run(2);
    assert_eq!(game.all::<Ship>().len(), 10);
    for number in 0..4 {
        game.join(number, "");
    }
    game.run(2);
    assert_eq!(game.all::<Ship>().len(), 14, "nobody vanishes in mid-flight");
    game.run(20 * 120);
    let ai = game.all::<Pilot>().iter().filter(|pilot| pilot.is_ai).count();
    assert_eq!(ai, 6, "those who were wrecked left");
}

#[test]
fn pilots_fly_briskly_and_score_kills_among_themselves() {
    let mut game = Match::new(10, 60, 2);
    let (mut speed, mut samples) = (0, 0);
    for _ in 0..20 * 180 {
        game.step();
        for (motion, _) in game.world.query::<(&Motion, &Ship)>().iter(&game.world) {
            speed += i64::from(length(motion.velocity()));
            samples += 1;
        }
    }
    let kills: u16 = game.all::<Seat>().iter().map(|seat| seat.kills).sum();
    assert!(kills > 10, "only {kills} kills in three minutes");
    assert!(speed / samples > i64::from(steps_per_tick(80)), "they dawdle");
}

#[test]
fn a_lone_visitor_soon_has_company_and_lives_a_while() {
    let (mut ticks_alive, mut deaths, mut ticks_alone) = (0, 0, 0);
    for seed in 0..6 {
        let mut game = Match::new(10, 60, seed);
        game.run(100);
        let client = game.join(1, "visitor");
        // A beginner: flies about and shoots at nothing.
        let mut hands = StdRng::seed_from_u64(seed);
        let mut controls = Controls::default();
        for tick in 0..20 * 180 {
            if hands.random_bool(0.05) {
                controls.thrust = hands.random_bool(0.8);
                controls.turn =
                    if hands.random_bool(0.6) { 0 } else { hands.random_range(-40..=40) };
            }
            game.press(client, controls);
            game.step();
            ticks_alive += u32::from(game.ship(client).is_some());
            let near =
                game.all::<Pilot>().iter().filter(|pilot| is_near(&game, client, pilot)).count();
            ticks_alone += usize::from(near == 0 && tick < 200);
        }
        deaths += u32::from(game.seat(client).deaths);
    }
    assert!(deaths > 6, "only {deaths} deaths in 18 minutes: nobody hunts");
    let seconds = ticks_alive / deaths / 20;
    assert!(seconds >= 25, "a beginner lives {seconds} s on average");
    assert!(ticks_alone < 6 * 100, "alone for {ticks_alone} of the first 1200 ticks");
}

fn is_near(game: &Match, client: tickwire_shared::ClientId, pilot: &Pilot) -> bool {
    let place = game.pilot(client).place;
    let apart = arena_shared::vector::difference(pilot.place, place);
    pilot.is_ai && pilot.ship.is_some() && length(apart) < arena_shared::world::steps(900)
}
