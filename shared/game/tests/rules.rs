//! What the arena's rules promise, over many seeded random cases.

// Axes are counted with 0 and 1.
#![allow(clippy::indexing_slicing)]

use arena_shared::{
    Controls, Heading, Motion, asteroid, bullet,
    collision::{Body, bounce},
    motion::ANGLES,
    ship, step_ship,
    vector::{difference, length, length_squared},
    world::{POSITION_MAX, VELOCITY_MAX, VELOCITY_MIN, steps},
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tickwire_shared::{Record, RecordSchema, Values};

const CENTRE: [i32; 2] = [POSITION_MAX / 2, POSITION_MAX / 2];

#[test]
fn thrust_settles_at_top_speed_along_the_heading() {
    for angle in 0..ANGLES {
        let mut motion = Motion::new(CENTRE, [100, -100]);
        let mut heading = Heading { angle };
        for _ in 0..80 {
            // Held at the centre, so that no wall is met on the way.
            motion.position = CENTRE;
            step_ship(&mut motion, &mut heading, &Controls { thrust: true, ..neutral() });
        }
        assert_eq!(motion.velocity(), ship::velocity_at(angle, ship::SPEED_MAX));
    }
}

#[test]
fn thrust_is_brisk() {
    let mut motion = Motion::new(CENTRE, [0, 0]);
    for _ in 0..20 {
        step_ship(&mut motion, &mut Heading::default(), &Controls { thrust: true, ..neutral() });
    }
    let speed = length(motion.velocity());
    assert!(speed * 3 > ship::SPEED_MAX * 2, "two thirds of top speed in a second, not {speed}");
}

#[test]
fn a_coasting_ship_comes_to_rest() {
    for velocity in [[240, 0], [-240, 3], [1, -1], [511, -512]] {
        let mut motion = Motion::new(CENTRE, velocity);
        for _ in 0..100 {
            step_ship(&mut motion, &mut Heading::default(), &neutral());
        }
        assert_eq!(motion.velocity(), [0, 0], "from {velocity:?}");
    }
}

#[test]
fn the_heading_wraps_both_ways() {
    let mut motion = Motion::new(CENTRE, [0, 0]);
    let mut heading = Heading { angle: 1010 };
    step_ship(&mut motion, &mut heading, &Controls { turn: 40, ..neutral() });
    assert_eq!(heading.angle, 26);
    step_ship(&mut motion, &mut heading, &Controls { turn: -40, ..neutral() });
    assert_eq!(heading.angle, 1010);
}

#[test]
fn bodies_stay_inside_and_move_by_their_velocity() {
    let mut random = StdRng::seed_from_u64(1);
    for _ in 0..200 {
        let mut motion = random_motion(&mut random, steps(15));
        let mut heading = Heading { angle: random.random_range(0..ANGLES) };
        let mut rock = random_motion(&mut random, asteroid::radius(4));
        for _ in 0..300 {
            let (before, rock_before) = (motion, rock);
            step_ship(&mut motion, &mut heading, &random_controls(&mut random));
            asteroid::step_asteroid(&mut rock, 4);
            assert_inside(&motion, ship::RADIUS);
            assert_inside(&rock, asteroid::radius(4));
            assert_eq!(motion.previous_position(), before.position);
            assert_eq!(rock.previous_position(), rock_before.position);
        }
    }
}

#[test]
fn a_replay_from_any_frame_equals_the_server() {
    let mut random = StdRng::seed_from_u64(2);
    let mut motion = random_motion(&mut random, ship::RADIUS);
    let mut heading = Heading { angle: 5 };
    for _ in 0..2000 {
        let (mut replayed, mut replayed_heading) = (through_wire(&motion), through_wire(&heading));
        let controls = random_controls(&mut random);
        step_ship(&mut motion, &mut heading, &controls);
        step_ship(&mut replayed, &mut replayed_heading, &controls);
        assert_eq!((replayed, replayed_heading), (motion, heading));
    }
}

#[test]
fn no_bullet_tunnels_through_a_moving_ship() {
    let mut random = StdRng::seed_from_u64(3);
    let (mut hits, mut misses) = (0, 0);
    for case in 0..20_000 {
        let target = random_motion(&mut random, ship::RADIUS);
        let angle = random.random_range(0..ANGLES);
        let velocity = ship::velocity_at(angle, bullet::SPEED_MAX);
        let offset = [(); 2].map(|()| random.random_range(-700..=700));
        let place = [target.position[0] + offset[0], target.position[1] + offset[1]];
        let shot = Motion::new(place, velocity);

        let contact = bullet::first_contact(&shot, &target, ship::RADIUS);
        let (nearest, first_inside) = walked_contact(&shot, &target);
        let reach = ship::RADIUS + bullet::RADIUS;
        match contact {
            Some(moment) => {
                hits += 1;
                assert!(nearest <= reach + 2, "case {case} hit from {nearest} steps away");
                if let Some(walked) = first_inside {
                    assert!((moment - walked).abs() <= 16, "case {case}: {moment}, not {walked}");
                }
            }
            None => {
                misses += 1;
                assert!(nearest >= reach - 2, "case {case} went {nearest} steps past the centre");
            }
        }
    }
    assert!(hits > 2000 && misses > 2000, "{hits} hits and {misses} misses prove both sides");
}

#[test]
fn a_bullet_fired_at_full_speed_starts_at_the_ship_and_keeps_its_aim() {
    let mut random = StdRng::seed_from_u64(4);
    for _ in 0..500 {
        let ship = random_motion(&mut random, ship::RADIUS);
        let heading = Heading { angle: random.random_range(0..ANGLES) };
        let shot = bullet::launch(&ship, heading);
        assert_eq!(shot.previous_position(), ship.previous_position());
        assert!(length(shot.velocity()) <= bullet::SPEED_MAX);
    }
}

#[test]
fn colliding_bodies_part_and_keep_their_momentum() {
    let mut random = StdRng::seed_from_u64(5);
    let mut collisions = 0;
    for _ in 0..5000 {
        let motion = random_motion(&mut random, steps(60));
        let offset = [(); 2].map(|()| random.random_range(-900..=900));
        let place = [motion.position[0] + offset[0], motion.position[1] + offset[1]];
        let velocity = [(); 2].map(|()| random.random_range(-90..=90));
        let first = Body {
            motion,
            radius: ship::RADIUS,
            mass: ship::MASS,
            speed_max: 2000,
            bounce_sixteenths: 10,
        };
        let second = Body {
            motion: Motion::new(place, velocity),
            radius: asteroid::radius(3),
            mass: asteroid::mass(3),
            speed_max: 2000,
            bounce_sixteenths: 16,
        };
        let Some(impact) = bounce(&first, &second) else { continue };
        collisions += 1;
        for axis in 0..2 {
            let before = first.motion.velocity()[axis] * first.mass
                + second.motion.velocity()[axis] * second.mass;
            let after = impact.first[axis] * first.mass + impact.second[axis] * second.mass;
            assert!((before - after).abs() <= first.mass + second.mass, "{before} became {after}");
        }
        let apart = difference(second.motion.position, first.motion.position);
        let relative = difference(impact.second, impact.first);
        let next = [apart[0] + relative[0], apart[1] + relative[1]];
        assert!(length_squared(next) > length_squared(apart), "they move apart");
    }
    assert!(collisions > 500, "only {collisions} collisions");
}

#[test]
fn bodies_that_do_not_touch_are_left_alone() {
    let body = |x, velocity| Body {
        motion: Motion::new([x, 1000], velocity),
        radius: 100,
        mass: 1,
        speed_max: 500,
        bounce_sixteenths: 16,
    };
    assert_eq!(bounce(&body(1000, [50, 0]), &body(1225, [0, 0])), None, "not half a step ahead");
    let impact = bounce(&body(1000, [50, 0]), &body(1224, [0, 0])).expect("they touch");
    assert_eq!(impact.closing_speed, 50);
}

fn neutral() -> Controls {
    Controls::default()
}

fn random_motion(random: &mut StdRng, radius: i32) -> Motion {
    let position = [(); 2].map(|()| random.random_range(radius..=POSITION_MAX - radius));
    Motion::new(position, [(); 2].map(|()| random.random_range(VELOCITY_MIN..=VELOCITY_MAX)))
}

fn random_controls(random: &mut StdRng) -> Controls {
    Controls {
        thrust: random.random_bool(0.7),
        fire: random.random_bool(0.3),
        turn: random.random_range(-ship::TURN_MAX..=ship::TURN_MAX),
    }
}

fn assert_inside(motion: &Motion, radius: i32) {
    let inside = radius..=POSITION_MAX - radius;
    assert!(motion.position.iter().all(|axis| inside.contains(axis)), "{motion:?}");
}

fn through_wire<R: Record>(record: &R) -> R {
    let schema = RecordSchema::of::<R>();
    Values::of(record, &schema).to_record(&schema)
}

/// The nearest distance of two bodies during their last step, and the moment at which they
/// first touched, found by walking along it.
fn walked_contact(shot: &Motion, target: &Motion) -> (i32, Option<i64>) {
    let mut nearest = i32::MAX;
    let mut first_inside = None;
    for moment in 0..=bullet::MOMENTS_PER_TICK {
        let along = |motion: &Motion, axis: usize| {
            // In 1/1024 steps: at these scales, rounding would hide a graze.
            let from = i64::from(motion.previous_position()[axis]) * bullet::MOMENTS_PER_TICK;
            from + i64::from(motion.velocity()[axis]) * moment
        };
        let x = along(shot, 0) - along(target, 0);
        let y = along(shot, 1) - along(target, 1);
        let distance = (x * x + y * y).isqrt() / bullet::MOMENTS_PER_TICK;
        nearest = nearest.min(i32::try_from(distance).expect("the world is small"));
        let reach = i64::from(ship::RADIUS + bullet::RADIUS);
        if distance < reach && first_inside.is_none() {
            first_inside = Some(moment);
        }
    }
    (nearest, first_inside)
}
