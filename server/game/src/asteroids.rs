//! The asteroid field: scattered at the start, broken up by bullets, filled up again.

use arena_shared::{
    Asteroid, Explosion, Motion, Seat,
    asteroid::{self, SHAPES, SIZE_MAX, hull, radius},
    events::NO_COLOUR,
    motion::ANGLES,
    ship::velocity_at,
    world::{POSITION_MAX, VIEW_HALF_UNITS, steps, steps_per_tick},
};
use bevy_ecs::{
    component::Component,
    entity::Entity,
    resource::Resource,
    system::{Commands, Query, Res, ResMut},
    world::{Mut, World},
};
use tickwire_server::replication::{EventQueue, NetIds};
use tickwire_shared::{NetId, Tick};

use crate::{chance::Chance, events::send_at, order::by_net_id, scoring, survey::Survey};

/// How much an asteroid still bears.
#[derive(Component, Clone, Copy, Debug)]
pub struct Rock {
    hits_left: u8,
    broken_by: Option<Entity>,
}

/// How much rock the field should hold.
#[derive(Resource, Clone, Copy, Debug)]
pub struct Field {
    bulk: u32,
}

impl Rock {
    /// Of an unhurt asteroid.
    pub fn new(size: u8) -> Self {
        Self { hits_left: hull(size), broken_by: None }
    }

    /// Feels a bullet from this seat. Whoever fires the last one breaks it.
    pub fn take_hit(&mut self, seat: Entity) {
        if self.hits_left > 0 {
            self.hits_left -= 1;
            self.broken_by = Some(seat);
        }
    }
}

/// Scatters a new field of about this many asteroids.
pub fn scatter(world: &mut World, count: u32) {
    let mut field = Field { bulk: 0 };
    world.resource_scope(|world, mut chance: Mut<'_, Chance>| {
        for _ in 0..count {
            let size = chance.one_of(FRESH_SIZES);
            let motion = drifting(chance.place(radius(size)), size, &mut chance);
            let net_id = world.resource_mut::<NetIds>().allocate();
            world.spawn((net_id, fresh_rock(size, motion, &mut chance)));
            field.bulk += bulk(size);
        }
    });
    world.insert_resource(field);
}

/// Breaks what has taken its last hit: two pieces of the next size fly apart, pebbles crumble.
pub fn break_rocks(
    mut commands: Commands<'_, '_>,
    mut net_ids: ResMut<'_, NetIds>,
    mut chance: ResMut<'_, Chance>,
    mut events: ResMut<'_, EventQueue>,
    rocks: Query<'_, '_, (Entity, &NetId, &Motion, &Asteroid, &Rock)>,
    mut seats: Query<'_, '_, &mut Seat>,
) {
    let broken = rocks.iter().filter(|(.., rock)| rock.hits_left == 0);
    for (entity, _, motion, asteroid, rock) in by_net_id(broken, |(_, net_id, ..)| **net_id) {
        send_at(&mut events, motion.position, |position| Explosion {
            position,
            size: asteroid.size,
            colour: NO_COLOUR,
        });
        if let Some(mut seat) = rock.broken_by.and_then(|seat| seats.get_mut(seat).ok()) {
            scoring::reward_asteroid(&mut seat, asteroid.size);
        }
        commands.entity(entity).despawn();
        if asteroid.size > 1 {
            for motion in pieces(motion, asteroid.size - 1, &mut chance) {
                let piece = fresh_rock(asteroid.size - 1, motion, &mut chance);
                commands.spawn((net_ids.allocate(), piece));
            }
        }
    }
}

/// Adds an asteroid where nobody looks, when the field has lost as much.
pub fn replenish(
    tick: Res<'_, Tick>,
    field: Res<'_, Field>,
    survey: Res<'_, Survey>,
    mut commands: Commands<'_, '_>,
    mut net_ids: ResMut<'_, NetIds>,
    mut chance: ResMut<'_, Chance>,
    asteroids: Query<'_, '_, &Asteroid>,
) {
    if !tick.get().is_multiple_of(REPLENISH_TICKS) {
        return;
    }
    let size = chance.one_of(FRESH_SIZES);
    let present: u32 = asteroids.iter().map(|asteroid| bulk(asteroid.size)).sum();
    if present + bulk(size) > field.bulk {
        return;
    }
    // The emptier the field, the nearer to somebody's eyes a new one may come.
    let distance_wanted =
        (OUT_OF_SIGHT * i64::from(present) / i64::from(field.bulk.max(1))).max(CLEARANCE);
    let place = chance.place(radius(size));
    let nearest = survey.nearest_ship_squared(place);
    if nearest.is_none_or(|nearest| nearest > distance_wanted * distance_wanted) {
        let motion = drifting(place, size, &mut chance);
        commands.spawn((net_ids.allocate(), fresh_rock(size, motion, &mut chance)));
    }
}

fn fresh_rock(size: u8, motion: Motion, chance: &mut Chance) -> (Motion, Asteroid, Rock) {
    let shape = u8::try_from(chance.between(0, i32::from(SHAPES) - 1)).unwrap_or(0);
    (motion, Asteroid { size, shape }, Rock::new(size))
}

fn drifting(place: [i32; 2], size: u8, chance: &mut Chance) -> Motion {
    let speed = chance.between(steps_per_tick(8), steps_per_tick(60)) * 3 / (i32::from(size) + 1);
    Motion::new(place, velocity_at(chance.angle(), speed))
}

/// Two pieces on either side of where the whole was, pushed apart.
fn pieces(whole: &Motion, size: u8, chance: &mut Chance) -> [Motion; 2] {
    let angle = chance.angle();
    let [x, y] = whole.velocity();
    let margin = radius(size);
    [angle, angle + ANGLES / 2].map(|angle| {
        let [push_x, push_y] = velocity_at(angle, PIECE_SPEED);
        let [offset_x, offset_y] = velocity_at(angle, radius(size));
        let [at_x, at_y] = whole.position;
        let place = [at_x + offset_x, at_y + offset_y];
        let velocity = [x + push_x, y + push_y];
        Motion::new(
            place.map(|axis| axis.clamp(margin, POSITION_MAX - margin)),
            arena_shared::vector::shortened(velocity, asteroid::SPEED_MAX),
        )
    })
}

/// How many pebbles are in an asteroid. Breaking one up keeps the sum.
fn bulk(size: u8) -> u32 {
    1 << (size.min(SIZE_MAX) - 1)
}

/// Sizes of new asteroids, as likely as they are often.
const FRESH_SIZES: [u8; 6] = [4, 4, 3, 3, 3, 2];

/// Speed at which pieces fly apart, each, in steps per tick.
const PIECE_SPEED: i32 = steps_per_tick(35);

/// Ticks between two looks at how much rock is left.
const REPLENISH_TICKS: u32 = 3;

/// Distance at which no ship's view shows a new asteroid, in steps.
const OUT_OF_SIGHT: i64 = steps(VIEW_HALF_UNITS[0] + VIEW_HALF_UNITS[1] / 2) as i64;

/// Distance that a new asteroid keeps from any ship, in steps.
const CLEARANCE: i64 = steps(250) as i64;
