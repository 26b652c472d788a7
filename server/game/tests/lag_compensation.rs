//! A shot that looked like a hit is one.

mod support;

use arena_shared::{
    Controls, Heading, Motion,
    bullet::MUZZLE_SPEED,
    ship::{HULL_MAX, SPEED_MAX},
};
use support::{CENTRE, Match};
use tickwire_server::replication::Delay;

const FIRE: Controls = Controls { thrust: false, fire: true, turn: 0 };
const THRUST: Controls = Controls { thrust: true, fire: false, turn: 0 };

/// Straight down, at full speed.
const DOWN: Heading = Heading { angle: 256 };

/// Ticks before the shot, over which the target is seen.
const TICKS_BEFORE: i32 = 20;

/// Ticks of a bullet's flight to the line on which the target crosses.
const TICKS_OF_FLIGHT: i32 = 12;

/// A ship crosses from above; another, at rest, fires so that its bullet meets the first where
/// that was `seen_parts` before, in 1/256 of a tick. Returns whether it was hit.
fn shoot(seen_parts: i32, delay: Option<Delay>) -> bool {
    let mut game = Match::empty();
    let shooter = game.join_at(1, CENTRE, 0);
    let ticks = TICKS_BEFORE + TICKS_OF_FLIGHT;
    let start = [
        CENTRE[0] + TICKS_OF_FLIGHT * MUZZLE_SPEED,
        CENTRE[1] - ticks * SPEED_MAX + SPEED_MAX * seen_parts / 256,
    ];
    let target = game.join_at(2, start, DOWN.angle);
    let ship = game.ship_entity(target).expect("it flies");
    *game.world.get_mut(ship).expect("ships move") = Motion::new(start, [0, SPEED_MAX]);
    game.press(target, THRUST);
    if let Some(delay) = delay {
        game.delay(shooter, delay);
    }
    game.run(TICKS_BEFORE.unsigned_abs());
    game.press(shooter, FIRE);
    game.run(1);
    game.press(shooter, Controls::default());
    game.run(TICKS_OF_FLIGHT.unsigned_abs() + 4);
    game.ship(target).is_none_or(|ship| ship.hull < HULL_MAX)
}

#[test]
fn a_bullet_meets_ships_as_its_shooter_sees_them() {
    for parts in [256, 2 * 256, 5 * 256, 5 * 256 + 128, 8 * 256 + 77, 10 * 256] {
        let delay = Delay::of_parts(parts.into(), 20);
        assert!(shoot(parts, Some(delay)), "{parts}/256 of a tick ago it was right there");
    }
}

#[test]
fn without_compensation_the_same_shots_miss() {
    for parts in [2 * 256, 5 * 256, 8 * 256 + 77, 10 * 256] {
        assert!(!shoot(parts, None), "{parts}/256 of a tick later it is gone");
    }
    assert!(shoot(0, None), "who sees the present hits the present");
}

#[test]
fn a_shooter_who_sees_little_delay_misses_what_lies_farther_back() {
    assert!(!shoot(8 * 256, Some(Delay::of_parts(3 * 256, 20))));
    assert!(!shoot(0, Some(Delay::of_parts(8 * 256, 20))), "nor is the present hit");
}

#[test]
fn a_bullet_keeps_the_delay_of_its_shot() {
    let mut game = Match::empty();
    let shooter = game.join_at(1, CENTRE, 0);
    let delay = Delay::of_parts(1000, 20);
    game.delay(shooter, delay);
    game.press(shooter, FIRE);
    game.run(1);
    game.delay(shooter, Delay::LEAST);
    game.run(3);
    let fired = game.all::<arena::weapons::FiredBy>();
    assert_eq!(fired.iter().map(|fired| fired.delay).collect::<Vec<_>>(), [Some(delay)]);
}
