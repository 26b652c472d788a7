//! The pilots that the server flies: enough of them that nobody is alone, good enough to be
//! worth fighting, and never better than their hands allow. Like a player, a pilot steers
//! through [`Controls`] alone.

mod recruits;
mod steering;

use arena_shared::{
    Controls, Heading, Motion, Ship,
    bullet::LIFETIME_TICKS,
    motion::ANGLES,
    ship::{TURN_MAX, velocity_at},
    trigonometry::{heading_of, turn_between},
    vector::difference,
    world::steps,
};
use bevy_ecs::{
    component::Component,
    entity::Entity,
    system::{Query, Res, ResMut},
};
use tickwire_shared::NetId;

pub use recruits::{Recruiting, recruit};

use crate::{
    chance::Chance,
    order::by_net_id,
    seats::Pilot,
    survey::{Survey, distance_squared},
};

/// What a pilot of the server has in mind.
#[derive(Component, Clone, Debug, Default)]
pub struct Autopilot {
    /// The ship it hunts.
    prey: Option<Entity>,
    /// Where it flies while it hunts nobody, or breaks off.
    waypoint: [i32; 2],
    /// How far off it aims just now, in heading steps.
    aim_error: i32,
    /// Ticks until it thinks again.
    think_ticks: u32,
    /// Ticks that it keeps away from its prey after a pass.
    break_off_ticks: u32,
    /// Ticks of this burst of fire, or of the pause after it.
    burst_ticks: u32,
    is_bursting: bool,
}

/// A ship as pilots see it.
#[derive(Clone, Copy, Debug)]
struct Seen {
    entity: Entity,
    motion: Motion,
    is_ai: bool,
    is_shielded: bool,
    hunters: u32,
}

/// Where to point, and what to press.
struct Course {
    heading: u16,
    thrust: bool,
    fire: bool,
}

/// Flies every ship whose pilot is the server.
pub fn fly(
    mut chance: ResMut<'_, Chance>,
    survey: Res<'_, Survey>,
    mut seats: Query<'_, '_, (&NetId, &Pilot, &mut Autopilot)>,
    ships: Query<'_, '_, (Entity, &NetId, &Motion, &Heading, &Ship)>,
    mut controls: Query<'_, '_, &mut Controls>,
) {
    let mut seen = ships_seen(&ships, &seats);
    for (_, pilot, mut autopilot) in by_net_id(&mut seats, |(net_id, ..)| **net_id) {
        let Some(ship) = pilot.ship else { continue };
        let Ok((_, _, motion, heading, _)) = ships.get(ship) else { continue };
        autopilot.think_ticks = autopilot.think_ticks.saturating_sub(1);
        if autopilot.think_ticks == 0 {
            think(&mut autopilot, ship, motion, &mut seen, &mut chance);
        }
        let prey = autopilot.prey.and_then(|prey| seen.iter().find(|seen| seen.entity == prey));
        let course = match (steering::evasion(&survey, ship, motion), prey) {
            (Some(heading), _) => Course { heading, thrust: true, fire: false },
            (None, Some(prey)) if autopilot.break_off_ticks == 0 => {
                attack(&mut autopilot, motion, *heading, prey, &mut chance)
            }
            _ => wander(&mut autopilot, motion),
        };
        if let Ok(mut controls) = controls.get_mut(ship) {
            *controls = steer(*heading, &course);
        }
    }
}

fn ships_seen(
    ships: &Query<'_, '_, (Entity, &NetId, &Motion, &Heading, &Ship)>,
    seats: &Query<'_, '_, (&NetId, &Pilot, &mut Autopilot)>,
) -> Vec<Seen> {
    let mut seen: Vec<Seen> = by_net_id(ships, |(_, net_id, ..)| **net_id)
        .into_iter()
        .map(|(entity, _, motion, _, ship)| Seen {
            entity,
            motion: *motion,
            is_ai: ship.is_ai,
            is_shielded: ship.shielded,
            hunters: 0,
        })
        .collect();
    for (_, pilot, autopilot) in seats {
        let prey = autopilot.prey.filter(|_| pilot.ship.is_some());
        if let Some(prey) = seen.iter_mut().find(|seen| Some(seen.entity) == prey) {
            prey.hunters += 1;
        }
    }
    seen
}

/// Chooses whom to hunt and where else to go. Happens a few times a second, like a glance
/// around: between two thoughts a pilot goes on with what it was at. The uneven
/// number of ticks keeps them from all thinking in the same one.
fn think(
    autopilot: &mut Autopilot,
    ship: Entity,
    motion: &Motion,
    seen: &mut [Seen],
    chance: &mut Chance,
) {
    autopilot.think_ticks = chance.between(10, 13).unsigned_abs();
    autopilot.aim_error = chance.between(-AIM_ERROR_MAX, AIM_ERROR_MAX);
    let old_prey = autopilot.prey;
    let cost = |other: &Seen| {
        let distance = distance_squared(motion.position, other.motion.position).isqrt();
        let is_mine = Some(other.entity) == old_prey;
        let others = i64::from(other.hunters - u32::from(is_mine && other.hunters > 0));
        let loyalty = if is_mine { steps(150) } else { 0 };
        // A human whom nobody bothers would wonder where the game is.
        let pity = if !other.is_ai && others == 0 { steps(900) } else { 0 };
        distance + others * i64::from(HUNTER_COST) - i64::from(loyalty + pity)
    };
    let prey = seen
        .iter_mut()
        .filter(|other| other.entity != ship && !other.is_shielded)
        .map(|other| (cost(other), other))
        .min_by_key(|(cost, _)| *cost)
        .filter(|(cost, _)| *cost < i64::from(SIGHT));
    autopilot.prey = prey.map(|(_, other)| {
        other.hunters += 1;
        other.entity
    });
    let is_there = distance_squared(motion.position, autopilot.waypoint)
        < i64::from(steps(200)) * i64::from(steps(200));
    if is_there || chance.once_in(20) {
        autopilot.waypoint = next_waypoint(seen, chance);
    }
}

/// Somewhere: mostly about where a human flies, so that the game is where the players are.
fn next_waypoint(seen: &[Seen], chance: &mut Chance) -> [i32; 2] {
    let humans: Vec<&Seen> = seen.iter().filter(|ship| !ship.is_ai).collect();
    match chance.pick(&humans) {
        Some(human) if !chance.once_in(4) => {
            let around = |axis: i32, chance: &mut Chance| {
                let offset = chance.between(-steps(450), steps(450));
                steering::away_from_walls(axis + offset)
            };
            let [x, y] = human.motion.position;
            [around(x, chance), around(y, chance)]
        }
        _ => chance.place(steps(250)),
    }
}

/// Flies at the prey and shoots when it is about to cross the line of fire.
fn attack(
    autopilot: &mut Autopilot,
    motion: &Motion,
    heading: Heading,
    prey: &Seen,
    chance: &mut Chance,
) -> Course {
    let (aim, flight_ticks) = steering::lead(motion, &prey.motion);
    let aim_error = u16::try_from(autopilot.aim_error.rem_euclid(i32::from(ANGLES))).unwrap_or(0);
    let wanted = (heading_of(aim) + aim_error) % ANGLES;
    let distance = distance_squared(motion.position, prey.motion.position).isqrt();
    if distance < i64::from(PASS_DISTANCE) {
        // Too close to aim: fly past, and come round for another run.
        autopilot.break_off_ticks = chance.between(18, 34).unsigned_abs();
        autopilot.waypoint = beyond(motion, prey, chance);
    }
    autopilot.burst_ticks = autopilot.burst_ticks.saturating_sub(1);
    if autopilot.burst_ticks == 0 {
        autopilot.is_bursting = !autopilot.is_bursting;
        let (short, long) = if autopilot.is_bursting { (10, 24) } else { (20, 44) };
        autopilot.burst_ticks = chance.between(short, long).unsigned_abs();
    }
    let is_aligned = turn_between(heading.angle, wanted).abs() < TRIGGER_ANGLE;
    let is_in_range = flight_ticks < i64::from(LIFETIME_TICKS) * 9 / 10;
    Course {
        heading: wanted,
        thrust: true,
        fire: is_aligned && is_in_range && autopilot.is_bursting && !prey.is_shielded,
    }
}

/// A place on the far side of the prey, to its left or right.
fn beyond(motion: &Motion, prey: &Seen, chance: &mut Chance) -> [i32; 2] {
    let ahead = heading_of(difference(prey.motion.position, motion.position));
    let aside = chance.between(50, 130) * chance.one_of([-1, 1]);
    let angle = (i32::from(ahead) + aside).rem_euclid(i32::from(ANGLES));
    let [x, y] = velocity_at(u16::try_from(angle).unwrap_or(ahead), PASS_LENGTH);
    let [at_x, at_y] = prey.motion.position;
    [at_x + x, at_y + y].map(steering::away_from_walls)
}

/// Flies to the waypoint.
fn wander(autopilot: &mut Autopilot, motion: &Motion) -> Course {
    autopilot.break_off_ticks = autopilot.break_off_ticks.saturating_sub(1);
    let to_waypoint = difference(autopilot.waypoint, motion.position);
    Course { heading: heading_of(to_waypoint), thrust: true, fire: false }
}

fn steer(heading: Heading, course: &Course) -> Controls {
    let turn = turn_between(heading.angle, course.heading);
    let hand = TURN_HAND.min(i32::from(TURN_MAX));
    Controls {
        // Thrust while pointing the wrong way would only carry the ship off.
        thrust: course.thrust && turn.abs() < i32::from(ANGLES) / 5,
        fire: course.fire,
        turn: i8::try_from(turn.clamp(-hand, hand)).unwrap_or(0),
    }
}

/// How far pilots look for prey, in steps.
const SIGHT: i32 = steps(1100);

/// How much farther away a ship seems for each pilot that hunts it already, in steps.
const HUNTER_COST: i32 = steps(400);

/// Nearest that a pilot flies up to its prey before it breaks off, in steps.
const PASS_DISTANCE: i32 = steps(120);

/// How far past its prey a pilot flies then, in steps.
const PASS_LENGTH: i32 = steps(450);

/// Worst aim, in heading steps: a good 10° to either side.
const AIM_ERROR_MAX: i32 = 30;

/// How nearly a pilot points at its aim when it pulls the trigger, in heading steps.
const TRIGGER_ANGLE: i32 = 14;

/// How fast a pilot turns at most, in heading steps per tick: a little slower than a human can.
const TURN_HAND: i32 = 32;
