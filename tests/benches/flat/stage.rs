//! A world of ships, rocks and bullets like the arena workload, its clients, and their frames.

use bevy_ecs::{component::Component, entity::Entity, world::World};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tickwire_server::replication::{Area, Capture, ClientView, History, NetIds, View};
use tickwire_shared::{ClientId, NetId, Protocol, Record, Replicated, Tick};

/// Half of a view, in 1/16 units.
const HALF: [u32; 2] = [640 * 16, 512 * 16];

/// How much further an entity stays in view.
const MARGIN: u32 = 64 * 16;

/// Bytes of a frame at most, as a server allows.
const BUDGET_BYTES: usize = 4 * 1024;

/// Side, in 1/16 units, of a world that holds this many clients at the density at which a view that
/// lies wholly inside it holds about 54 entities.
pub(crate) fn side_at_density(clients: usize) -> i32 {
    // About half of the margin is in view: who was let in and has not left.
    let [width, height] = HALF.map(|half| 2.0 * f64::from(half) + f64::from(MARGIN));
    (ENTITIES_PER_CLIENT * clients as f64 * width * height / IN_VIEW).sqrt() as i32
}

/// Three that are always there, and the bullets that are under way.
const ENTITIES_PER_CLIENT: f64 = 3.95;

const IN_VIEW: f64 = 54.0;

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
pub(crate) struct Stage {
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
    /// Clients in the order in which they are served.
    order: Vec<(usize, Option<Area>)>,
}

impl Stage {
    /// A world that has been played for a while.
    pub(crate) fn new(clients: usize, side: i32) -> Self {
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
            order: (0..clients).map(|number| (number, None)).collect(),
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
    pub(crate) fn simulate(&mut self) {
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
            let mut bounces = [false; 2];
            if let Some(mut motion) = ship.get_mut::<Motion>() {
                for (velocity, thrust) in motion.velocity.iter_mut().zip(thrust) {
                    let push = if accelerates { thrust } else { 0 };
                    *velocity = ((*velocity + push) * 98 / 100).clamp(-240, 240);
                }
                bounces = drift(&mut motion, side);
            }
            // It turns as well: ships that push against the edge would gather there.
            if let Some(mut heading) = ship.get_mut::<Heading>().filter(|_| bounces != [false; 2]) {
                let [across, along] = bounces;
                let angle =
                    if across { 512_u16.wrapping_sub(heading.angle) } else { heading.angle };
                heading.angle = if along { 0_u16.wrapping_sub(angle) } else { angle } & 1023;
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
                let _ = drift(&mut motion, self.side);
            }
        }
        let world = &mut self.world;
        self.bullets.retain_mut(|(bullet, life)| {
            *life -= 1;
            *life > 0 || !world.despawn(*bullet)
        });
        self.look();
    }

    /// From the world to a snapshot with what most clients ask of it.
    pub(crate) fn capture(&mut self) {
        let snapshot = self.capture.capture(&mut self.world, self.tick);
        self.history.push(snapshot);
    }

    /// Brings clients into the order in which a worker serves them, as it does now and then.
    pub(crate) fn sort(&mut self) {
        let place = |(_, area): &(usize, Option<Area>)| area.map(|area| area.place_on_curve());
        self.order.sort_by_cached_key(place);
    }

    /// Where each client looks, as the room says it with each snapshot.
    fn look(&mut self) {
        for (number, area) in &mut self.order {
            *area = area_of(&self.world, self.ships[*number]);
        }
    }

    /// A frame for each client that is asked for, one after another, as a network worker makes
    /// them.
    pub(crate) fn compose(&mut self, watch: Watch) -> Composed {
        let mut all = Composed::default();
        for (number, area) in &self.order {
            let view = &mut self.views[*number];
            let Some(area) = area.filter(|area| watch.is_about(area, self.side)) else { continue };
            let client = ClientId::new(u32::try_from(*number).unwrap_or(0));
            self.frame.clear();
            let (input, now) = (Some(self.tick), View::of(area));
            let composed =
                view.compose(&self.history, &now, client, input, BUDGET_BYTES, &mut self.frame);
            all.clients += 1;
            all.bytes += composed.bytes;
            all.visible += composed.visible;
        }
        all
    }
}

/// Whose frames are asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Watch {
    All,
    /// Those whose view reaches over the world's edge.
    Edge,
    /// The others.
    Inside,
}

impl Watch {
    fn is_about(self, area: &Area, side: i32) -> bool {
        let Area::Rect { center, half, margin } = *area else { return true };
        let is_inside = center.iter().zip(half).all(|(center, half)| {
            let reach = half + margin;
            *center >= reach && center + reach <= side.unsigned_abs()
        });
        match self {
            Self::All => true,
            Self::Edge => !is_inside,
            Self::Inside => is_inside,
        }
    }
}

/// What was composed.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Composed {
    pub(crate) clients: usize,
    pub(crate) bytes: usize,
    /// Sub-entities of all those clients' views.
    pub(crate) visible: usize,
}

fn area_of(world: &World, ship: Entity) -> Option<Area> {
    let center = world.get::<Motion>(ship)?.position.map(i32::unsigned_abs);
    Some(Area::Rect { center, half: HALF, margin: MARGIN })
}

/// Moves on, and says along which axes it met the world's edge.
fn drift(motion: &mut Motion, side: i32) -> [bool; 2] {
    let mut bounces = [false; 2];
    for (axis, bounces) in bounces.iter_mut().enumerate() {
        let next = motion.position[axis] + motion.velocity[axis];
        if (0..side).contains(&next) {
            motion.position[axis] = next;
        } else {
            motion.velocity[axis] = -motion.velocity[axis];
            *bounces = true;
        }
    }
    bounces
}
