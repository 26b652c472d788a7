//! What happens to those who play, one mechanic at a time.

// Counts are small, and a panic is a failed test.
#![allow(clippy::indexing_slicing)]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use arena::{
    damage::{Hurt, Shield},
    seats::Pilot,
};
use arena_shared::{
    Asteroid, Bullet, Controls, Motion, Radar, Ship, Standing,
    bullet::LIFETIME_TICKS,
    gun::RELOAD_TICKS,
    ship::{HULL_MAX, RADIUS},
    vector::{difference, length},
    world::steps,
};
use support::{CENTRE, Match};
use tickwire_server::replication::Area;
use tickwire_shared::NetId;

const FIRE: Controls = Controls { thrust: false, fire: true, turn: 0 };
const THRUST: Controls = Controls { thrust: true, fire: false, turn: 0 };

fn beside(units: i32) -> [i32; 2] {
    [CENTRE[0] + steps(units), CENTRE[1]]
}

#[test]
fn a_new_client_gets_a_shielded_ship_clear_of_rocks() {
    let mut game = Match::new(0, 60, 1);
    for number in 0..20 {
        let client = game.join(number, "");
        let place = game.motion(client).position;
        for rock in game.world.query::<(&Motion, &Asteroid)>().iter(&game.world) {
            let distance = length(difference(rock.0.position, place));
            assert!(distance > steps(80), "a rock {distance} steps from a fresh ship");
        }
        let ship = game.ship(client).expect("a new client has a ship");
        assert!(ship.shielded && ship.hull == HULL_MAX && !ship.is_ai);
        assert!(!game.seat(client).ship.is_none(), "the seat says which ship is one's own");
    }
}

#[test]
fn thrust_moves_the_ship_where_it_points() {
    let mut game = Match::empty();
    let client = game.join_at(1, CENTRE, 256);
    game.press(client, THRUST);
    game.run(20);
    let moved = difference(game.motion(client).position, CENTRE);
    assert!(moved[0] == 0 && moved[1] > steps(100), "down by {moved:?}");
    assert!(game.ship(client).is_some_and(|ship| ship.thrusting));
    game.press(client, Controls::default());
    game.run(90);
    assert_eq!(game.motion(client).velocity, [0, 0], "it coasts to rest");
}

#[test]
fn shooting_somebody_down_scores_and_they_come_back_shielded() {
    let mut game = Match::empty();
    let shooter = game.join_at(1, CENTRE, 0);
    let victim = game.join_at(2, beside(200), 0);
    let first_ship = game.seat(victim).ship;
    game.press(shooter, FIRE);
    game.run_until(60, "the kill", |game| game.ship(victim).is_none());

    let (winner, loser) = (game.seat(shooter), game.seat(victim));
    assert_eq!((winner.kills, winner.deaths, winner.score), (1, 0, 10));
    assert_eq!((loser.kills, loser.deaths), (0, 1));
    assert!(loser.ship.is_none() && loser.respawn_ticks > 50, "{loser:?}");
    assert_eq!(game.ship(shooter).map(|ship| ship.score), Some(10), "everybody sees the score");

    game.press(shooter, Controls::default());
    game.run_until(60, "the next ship", |game| game.ship(victim).is_some());
    let ship = game.ship(victim).expect("just seen");
    assert!(ship.shielded && ship.hull == HULL_MAX);
    assert_ne!(game.seat(victim).ship, first_ship, "it is another ship");
    let shield = |game: &Match| game.ship(victim).is_some_and(|ship| ship.shielded);
    game.run_until(60, "the shield's end", |game| !shield(game));
}

#[test]
fn a_shield_stops_bullets_until_its_ship_fires() {
    let mut game = Match::empty();
    let shooter = game.join_at(1, CENTRE, 0);
    let target = game.join_at(2, beside(150), 512);
    let shielded = game.ship_entity(target).expect("a new client has a ship");
    game.world.get_mut::<Shield>(shielded).expect("ships have shields").ticks = 1000;
    game.press(shooter, FIRE);
    game.run(40);
    assert_eq!(game.ship(target).map(|ship| ship.hull), Some(HULL_MAX));
    game.press(target, FIRE);
    game.run(15);
    assert!(game.ship(target).is_some_and(|ship| ship.hull < HULL_MAX && !ship.shielded));
}

#[test]
fn guns_reload_and_bullets_end() {
    let mut game = Match::empty();
    let client = game.join_at(1, CENTRE, 0);
    game.press(client, FIRE);
    game.run(u32::from(RELOAD_TICKS));
    assert_eq!(game.all::<Bullet>().len(), 1);
    game.run(1);
    assert_eq!(game.all::<Bullet>().len(), 2);
    game.press(client, Controls::default());
    game.run(LIFETIME_TICKS + 1);
    assert!(game.all::<Bullet>().is_empty());
    assert_eq!(game.ship(client).map(|ship| ship.hull), Some(HULL_MAX), "nobody hits themselves");
}

#[test]
fn ramming_a_mountain_hurts_and_is_nobodys_kill() {
    let mut game = Match::empty();
    let client = game.join_at(1, CENTRE, 0);
    game.add_rock(4, beside(600));
    game.press(client, THRUST);
    game.run_until(80, "the crash", |game| {
        game.ship(client).is_some_and(|ship| ship.hull < HULL_MAX)
    });
    assert!(game.motion(client).velocity[0] < 0, "it bounces back");
    let ship = game.ship_entity(client).expect("one crash does not wreck a ship");
    game.world.get_mut::<Ship>(ship).expect("it is a ship").hull = 1;
    game.run_until(200, "the fatal crash", |game| game.ship(client).is_none());
    let seat = game.seat(client);
    assert_eq!((seat.deaths, seat.kills), (1, 0));
}

#[test]
fn ships_bounce_off_each_other() {
    let mut game = Match::empty();
    let left = game.join_at(1, CENTRE, 0);
    let right = game.join_at(2, beside(150), 512);
    game.press(left, THRUST);
    game.press(right, THRUST);
    for _ in 0..100 {
        game.step();
        let (Some(_), Some(_)) = (game.ship(left), game.ship(right)) else { return };
        let apart = difference(game.motion(right).position, game.motion(left).position);
        assert!(length(apart) > RADIUS, "they pushed through each other");
    }
}

#[test]
fn a_hull_mends_in_peace() {
    let mut game = Match::empty();
    let client = game.join_at(1, CENTRE, 0);
    let ship = game.ship_entity(client).expect("a new client has a ship");
    game.world.get_mut::<Ship>(ship).expect("it is a ship").hull = 50;
    *game.world.get_mut(ship).expect("ships remember blows") = Hurt::default();
    game.run(80);
    assert_eq!(game.ship(client).map(|ship| ship.hull), Some(50), "not at once");
    game.run(200);
    assert!(game.ship(client).is_some_and(|ship| ship.hull == HULL_MAX));
}

#[test]
fn a_rock_breaks_into_two_of_the_next_size_and_pays() {
    let mut game = Match::empty();
    let client = game.join_at(1, CENTRE, 0);
    game.add_rock(2, beside(200));
    game.press(client, FIRE);
    game.run_until(60, "the break", |game| game.seat(client).score > 0);
    let sizes: Vec<u8> = game.all::<Asteroid>().iter().map(|rock| rock.size).collect();
    assert_eq!(sizes, [1, 1]);
}

#[test]
fn the_field_fills_up_again() {
    let mut game = Match::new(0, 60, 2);
    let rocks = |game: &mut Match| -> u32 {
        game.all::<Asteroid>().iter().map(|rock| 1 << (rock.size - 1)).sum()
    };
    let full = rocks(&mut game);
    let all: Vec<_> = game
        .world
        .query::<(bevy_ecs::entity::Entity, &Asteroid)>()
        .iter(&game.world)
        .map(|(entity, _)| entity)
        .collect();
    for rock in all.iter().skip(20) {
        game.world.despawn(*rock);
    }
    game.run(400);
    let again = rocks(&mut game);
    assert!((full - 8..=full).contains(&again), "{again} of {full}");
}

#[test]
fn names_are_tidied_and_the_nameless_are_numbered() {
    let mut game = Match::empty();
    let named = game.join(7, "  Ada \u{202e} Lovelace ");
    let nameless = game.join(9, "\u{200b} ");
    assert_eq!(game.pilot(named).name, "Ada Lovelace");
    assert_eq!(game.pilot(nameless).name, "pilot-2");
    assert_eq!(game.ship(nameless).map(|ship| ship.name).as_deref(), Some("pilot-2"));
}

#[test]
fn who_leaves_takes_ship_and_seat_along() {
    let mut game = Match::empty();
    let client = game.join(1, "");
    game.run(3);
    game.leave(client);
    game.run(3);
    assert!(game.all::<Ship>().is_empty() && game.all::<Pilot>().is_empty());
    assert_eq!(game.view(client).area, Area::Nowhere);
}

#[test]
fn a_bullet_outlives_the_seat_that_fired_it() {
    let mut game = Match::empty();
    let shooter = game.join_at(1, CENTRE, 0);
    let victim = game.join_at(2, beside(300), 0);
    let ship = game.ship_entity(victim).expect("a new client has a ship");
    game.world.get_mut::<Ship>(ship).expect("it is a ship").hull = 10;
    game.press(shooter, FIRE);
    game.run(6);
    game.leave(shooter);
    game.run_until(30, "the hit", |game| game.ship(victim).is_none());
    assert_eq!(game.seat(victim).deaths, 1);
}

#[test]
fn a_client_looks_at_its_ship_and_then_at_its_wreck() {
    let mut game = Match::empty();
    let client = game.join_at(1, CENTRE, 0);
    game.press(client, THRUST);
    game.run(30);
    let place = game.motion(client).position;
    assert_eq!(centre_of_view(&game, client), place);
    let ship = game.ship_entity(client).expect("the ship flies");
    game.world.get_mut::<Ship>(ship).expect("it is a ship").hull = 0;
    game.run(2);
    assert!(game.seat(client).ship.is_none());
    let wreck = centre_of_view(&game, client);
    assert!(length(difference(wreck, place)) < steps(40), "near where it flew");
    game.run(10);
    assert_eq!(centre_of_view(&game, client), wreck);
}

fn centre_of_view(game: &Match, client: tickwire_shared::ClientId) -> [i32; 2] {
    match game.view(client).area {
        Area::Rect { center, .. } => center.map(u32::cast_signed),
        other => panic!("a pilot sees a part of the world, not {other:?}"),
    }
}

#[test]
fn the_board_shows_the_best_first_and_empty_lines_last() {
    let mut game = Match::empty();
    for (number, score) in [(1, 5), (2, 50), (3, 20)] {
        let client = game.join(number, &format!("number {number}"));
        let seat = game.seat_entity(client);
        game.world.get_mut::<arena_shared::Seat>(seat).expect("it is a seat").score = score;
    }
    game.run(11);
    let mut board = game.all::<Standing>();
    board.sort_by_key(|standing| standing.rank);
    let names: Vec<&str> = board.iter().map(|standing| standing.name.as_str()).collect();
    assert_eq!(names.len(), 10);
    assert_eq!(names[..4], ["number 2", "number 3", "number 1", ""]);
    assert_eq!(board[0].score, 50);
}

#[test]
fn the_radar_knows_roughly_where_ships_are() {
    let mut game = Match::empty();
    game.join_at(1, [steps(70), steps(200)], 0);
    game.join_at(2, [steps(3000), steps(20)], 0);
    game.run(21);
    assert_eq!(
        game.all::<Radar>().first().map(|radar| radar.cells.as_slice()),
        Some(&[46, 193][..])
    );
}

#[test]
fn whatever_moves_moves_by_the_velocity_that_it_shows() {
    let mut game = Match::new(12, 80, 4);
    let mut before: BTreeMap<NetId, Motion> = BTreeMap::new();
    let mut steps = 0;
    for _ in 0..1200 {
        game.step();
        let mut moving = game.world.query::<(&NetId, &Motion)>();
        let after: BTreeMap<NetId, Motion> =
            moving.iter(&game.world).map(|(net_id, motion)| (*net_id, *motion)).collect();
        for (net_id, motion) in &after {
            if let Some(before) = before.get(net_id) {
                assert_eq!(motion.previous_position(), before.position, "{net_id}");
                steps += 1;
            }
        }
        before = after;
    }
    assert!(steps > 100_000, "only {steps} steps were looked at");
}

#[test]
fn a_hundred_clients_join_and_play() {
    let mut game = Match::new(10, 60, 3);
    let clients: Vec<_> = (0..100).map(|number| game.join(number, "")).collect();
    for client in &clients {
        game.press(*client, Controls { thrust: true, fire: true, turn: 9 });
    }
    game.run(100);
    assert_eq!(game.all::<Pilot>().len(), 100, "enough humans: the server's pilots stay away");
    let seats: Vec<_> = clients.iter().map(|client| game.seat(*client)).collect();
    let ships: BTreeSet<NetId> =
        seats.iter().map(|seat| seat.ship).filter(|ship| !ship.is_none()).collect();
    let alive = seats.iter().filter(|seat| !seat.ship.is_none()).count();
    assert_eq!(ships.len(), alive, "each has a ship of its own");
}
