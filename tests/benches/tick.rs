//! What a tick costs against clients: capture, modelling, and each client's frame.
//!
//! `cargo bench -p tickwire-tests --bench tick`. A world of ships, rocks and bullets like the
//! arena workload; `crowd` keeps its density (about 54 entities in a view) as it grows, `fixed`
//! packs 1,000 clients into the world of 200 (about 252 in a view). Items are clients: the time
//! per client and frame is the reciprocal of the throughput.

#![allow(clippy::indexing_slicing, clippy::cast_possible_truncation, reason = "a bench may panic")]

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bevy_ecs::{component::Component, entity::Entity, world::World};
use divan::{Bencher, counter::ItemsCount};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tickwire_server::replication::{Area, Capture, ClientView, History, NetIds, Snapshot, View};
use tickwire_shared::{ClientId, NetId, Protocol, Record, Replicated, Tick};

fn main() {
    divan::main();
}

/// Frames to all clients, one after another, as a network worker makes them.
#[divan::bench(args = [100, 200, 500, 1000, 2000, 5000], sample_count = 40, sample_size = 1)]
fn crowd_frames(bencher: Bencher<'_, '_>, clients: usize) {
    frames(bencher, clients, side_of(clients));
}

/// The same where everybody is in one place.
#[divan::bench(args = [1000], sample_count = 40, sample_size = 1)]
fn fixed_frames(bencher: Bencher<'_, '_>, clients: usize) {
    frames(bencher, clients, side_of(200));
}

/// From the world to a snapshot with what most clients ask of it.
#[divan::bench(args = [100, 200, 500, 1000, 2000, 5000], sample_count = 40, sample_size = 1)]
fn crowd_capture_and_model(bencher: Bencher<'_, '_>, clients: usize) {
    let stage = Mutex::new(Stage::new(clients, side_of(clients)));
    bencher
        .counter(ItemsCount::new(clients))
        .with_inputs(|| lock(&stage).simulate())
        .bench_values(|()| lock(&stage).capture());
}

fn frames(bencher: Bencher<'_, '_>, clients: usize, side: i32) {
    let stage = Mutex::new(Stage::new(clients, side));
    for _ in 0..3 {
        let mut stage = lock(&stage);
        stage.simulate();
        stage.capture();
        stage.compose();
    }
    bencher
        .counter(ItemsCount::new(clients))
        .with_inputs(|| {
            let mut stage = lock(&stage);
            stage.simulate();
            stage.capture();
        })
        .bench_values(|()| lock(&stage).compose());
}

fn lock(stage: &Mutex<Stage>) -> MutexGuard<'_, Stage> {
    stage.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Side of a world in 1/16 units in which a view holds about as much as with 200 in 4096.
fn side_of(clients: usize) -> i32 {
    (4096.0 * 16.0 * (clients as f64 / 200.0).sqrt()) as i32
}

struct Bench;

impl Protocol for Bench {
    const NAME: &'static str = "bench";
    type Components = (Motion, Heading, Ship, Rock, Bullet);
    type Events = ();
    type Input = Nothing;
    type Join = Nothing;
}

#[derive(Record, Clone, Default)]
struct Nothing {}

#[derive(Replicated, Component, Clone)]
struct Motion {
    #[field(min = 0, max = 524_287, position, predict = "velocity")]
    position: [i32; 2],
    #[field(min = -512, max = 511)]
    velocity: [i32; 2],
}

#[derive(Replicated, Component)]
struct Heading {
    #[field(angle, bits = 10, predict = "linear")]
    angle: u16,
}

#[derive(Replicated, Component)]
struct Ship {
    #[field(static, max_len = 16)]
    name: String,
    hull: u8,
    score: u16,
    turn: i8,
}

#[derive(Replicated, Component)]
struct Rock {
    #[field(static)]
    size: u8,
}

#[derive(Replicated, Component)]
struct Bullet {
    #[field(static)]
    shooter: NetId,
    #[field(transient)]
    is_new: bool,
}

/// A world, its clients, and what they were sent.
struct Stage {
    world: World,
    capture: Capture,
    history: History,
    rng: StdRng,
    side: i32,
    tick: Tick,
    ships: Vec<Entity>,
    rocks: Vec<Entity>,
    bullets: Vec<(Entity, u8)>,
    views: Vec<ClientView>,
    frame: Vec<u8>,
}

impl Stage {
    fn new(clients: usize, side: i32) -> Self {
        let mut world = World::new();
        NetIds::install(&mut world);
        let mut stage = Self {
            world,
            capture: Capture::of::<Bench>(),
            history: History::new(20),
            rng: StdRng::seed_from_u64(7),
            side,
            tick: Tick::new(1),
            ships: Vec::new(),
            rocks: Vec::new(),
            bullets: Vec::new(),
            views: vec![ClientView::new(); clients],
            frame: Vec::with_capacity(4096),
        };
        for number in 0..3 * clients {
            let position = [stage.rng.random_range(0..side), stage.rng.random_range(0..side)];
            let velocity = [stage.rng.random_range(-64..64), stage.rng.random_range(-64..64)];
            let entity = stage.spawn(Motion { position, velocity });
            let mut entity = stage.world.entity_mut(entity);
            if number < clients {
                let name = format!("pilot-{number}");
                entity.insert(Ship { name, hull: 100, score: 0, turn: 0 });
                stage.ships.push(entity.id());
            } else {
                entity.insert(Rock { size: 2 });
                stage.rocks.push(entity.id());
            }
        }
        for _ in 0..25 {
            stage.simulate();
            stage.capture();
        }
        stage
    }

    fn spawn(&mut self, motion: Motion) -> Entity {
        let net_id = self.world.resource_mut::<NetIds>().allocate();
        let angle = self.rng.random_range(0..1024);
        self.world.spawn((net_id, motion, Heading { angle })).id()
    }

    /// One tick of the game, if it can be called so.
    fn simulate(&mut self) {
        self.tick = self.tick.plus(1);
        for at in 0..self.ships.len() {
            let fires = self.rng.random_bool(0.05);
            let accelerates = self.rng.random_bool(0.7);
            let mut ship = self.world.entity_mut(self.ships[at]);
            let (mut turn, mut thrust) = (0, [0; 2]);
            if let Some(mut state) = ship.get_mut::<Ship>() {
                if self.rng.random_bool(0.05) {
                    state.turn = self.rng.random_range(-1..=1) * 20;
                }
                if self.rng.random_bool(0.02) {
                    state.score += 10;
                }
                turn = state.turn;
            }
            if let Some(mut heading) = ship.get_mut::<Heading>() {
                heading.angle = heading.angle.wrapping_add_signed(turn.into()) & 1023;
                let angle = f32::from(heading.angle) * std::f32::consts::TAU / 1024.0;
                thrust = [(angle.cos() * 16.0) as i32, (angle.sin() * 16.0) as i32];
            }
            let side = self.side;
            if let Some(mut motion) = ship.get_mut::<Motion>() {
                for (velocity, thrust) in motion.velocity.iter_mut().zip(thrust) {
                    let push = if accelerates { thrust } else { 0 };
                    *velocity = ((*velocity + push) * 98 / 100).clamp(-240, 240);
                }
                drift(&mut motion, side);
            }
            let motion = ship.get::<Motion>().cloned();
            let shooter = ship.get::<NetId>().copied();
            if let (true, Some(Motion { position, .. }), Some(shooter)) = (fires, motion, shooter) {
                let velocity = thrust.map(|push| push * 30);
                let bullet = self.spawn(Motion { position, velocity });
                self.world.entity_mut(bullet).insert(Bullet { shooter, is_new: true });
                self.bullets.push((bullet, 20));
            }
        }
        let rocks = self.rocks.iter().chain(self.bullets.iter().map(|(bullet, _)| bullet));
        for entity in rocks {
            if let Some(mut motion) = self.world.get_mut::<Motion>(*entity) {
                drift(&mut motion, self.side);
            }
        }
        let world = &mut self.world;
        self.bullets.retain_mut(|(bullet, life)| {
            *life -= 1;
            *life > 0 || !world.despawn(*bullet)
        });
    }

    fn capture(&mut self) {
        let snapshot = self.capture.capture(&mut self.world, self.tick);
        self.history.push(snapshot);
    }

    /// A frame for each client.
    fn compose(&mut self) -> usize {
        let newest: Arc<Snapshot> = Arc::clone(self.history.newest().expect("a tick was captured"));
        let mut bytes = 0;
        for (number, (view, ship)) in self.views.iter_mut().zip(&self.ships).enumerate() {
            let Some(Motion { position, .. }) = self.world.get::<Motion>(*ship) else { continue };
            let center = position.map(i32::unsigned_abs);
            let area = Area::Rect { center, half: [640 * 16, 512 * 16], margin: 64 * 16 };
            let client = ClientId::new(u32::try_from(number).unwrap_or(0));
            self.frame.clear();
            let input = Some(newest.tick());
            let view_now = View::of(area);
            view.compose(&self.history, &view_now, client, input, usize::MAX, &mut self.frame);
            bytes += self.frame.len();
        }
        bytes
    }
}

fn drift(motion: &mut Motion, side: i32) {
    for axis in 0..2 {
        let next = motion.position[axis] + motion.velocity[axis];
        if (0..side).contains(&next) {
            motion.position[axis] = next;
        } else {
            motion.velocity[axis] = -motion.velocity[axis];
        }
    }
}
