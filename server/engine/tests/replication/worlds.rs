//! Seeded random worlds with every kind of field, and what each client ought to see of them.

use std::collections::BTreeMap;

use bevy_ecs::{component::Component, entity::Entity, world::World};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use std::sync::Arc;
use tickwire_server::replication::{
    Area, Capture, EventQueue, History, NetIds, Owner, Reach, Snapshot, Survey, Team, View,
    VisibleTo,
};
use tickwire_shared::{
    Audience, Choice, ClientId, FieldKind, NetId, Protocol, Record, Replica, Replicated, Rotation,
    Schema, Tick, replication::model::Model,
};

/// A game with every kind of field, every audience and every predictor.
pub(crate) struct Zoo;

impl Protocol for Zoo {
    const NAME: &'static str = "zoo";
    type Components =
        (Motion, Heading, Label, Vital, Spin, Link, Secret, Orders, Rumour, Board, Drift);
    type Events = (Bang, Whisper);
    type Input = Nothing;
    type Join = Nothing;
}

#[derive(Record, Clone, Default, Debug)]
pub(crate) struct Nothing {}

#[derive(Replicated, Component, Clone, PartialEq, Debug)]
pub(crate) struct Motion {
    #[field(min = 0, max = 4095, position, predict = "velocity")]
    pub position: [i32; 2],
    #[field(min = -64, max = 63)]
    pub velocity: [i16; 2],
}

#[derive(Replicated, Component, Clone, PartialEq, Debug)]
pub(crate) struct Heading {
    #[field(angle, bits = 10, predict = "linear")]
    pub angle: u16,
    #[field(min = -1.0, max = 1.0, step = 0.001, predict = "linear")]
    pub tilt: f32,
}

#[derive(Choice, Clone, Copy, PartialEq, Debug)]
pub(crate) enum Kind {
    Rock,
    Ship,
    Ghost,
}

#[derive(Replicated, Component, Clone, PartialEq, Debug)]
pub(crate) struct Label {
    #[field(static, max_len = 12)]
    pub name: String,
    #[field(static)]
    pub kind: Kind,
}

#[derive(Replicated, Component, Clone, PartialEq, Debug)]
pub(crate) struct Vital {
    pub hull: u8,
    #[field(min = 1, max = 9)]
    pub shield: Option<u8>,
    #[field(transient)]
    pub is_hit: bool,
    pub mood: Kind,
    #[field(min = 0, max = 999, max_len = 6)]
    pub cargo: Vec<u16>,
    pub big: u32,
}

#[derive(Replicated, Component, Clone, PartialEq, Debug)]
pub(crate) struct Spin {
    #[field(bits = 9, predict = "linear")]
    pub rotation: Rotation,
}

#[derive(Replicated, Component, Clone, PartialEq, Debug)]
pub(crate) struct Link {
    pub target: NetId,
}

#[derive(Replicated, Component, Clone, PartialEq, Debug)]
#[replicated(audience = "owner")]
pub(crate) struct Secret {
    pub ammo: u16,
    pub goal: NetId,
}

#[derive(Replicated, Component, Clone, PartialEq, Debug)]
#[replicated(audience = "team")]
pub(crate) struct Orders {
    #[field(max_len = 10)]
    pub text: String,
}

#[derive(Replicated, Component, Clone, PartialEq, Debug)]
#[replicated(audience = 3)]
pub(crate) struct Rumour {
    #[field(min = -5.0, max = 5.0, step = 0.5)]
    pub strength: f32,
}

/// Moves steadily, in floats.
#[derive(Replicated, Component, Clone, PartialEq, Debug)]
pub(crate) struct Drift {
    #[field(min = -100, max = 100, step = 0.1, predict = "speed")]
    pub place: [f32; 3],
    #[field(min = -20, max = 20, step = 0.5)]
    pub speed: [f32; 3],
}

/// Positionless.
#[derive(Replicated, Component, Clone, PartialEq, Debug)]
pub(crate) struct Board {
    pub score: i16,
}

#[derive(Record, Clone, PartialEq, Debug)]
pub(crate) struct Bang {
    #[field(min = 0, max = 4095, position)]
    pub place: [i32; 2],
    pub by: NetId,
}

#[derive(Record, Clone, PartialEq, Debug)]
pub(crate) struct Whisper {
    #[field(max_len = 8)]
    pub text: String,
}

/// A world that changes at random.
pub(crate) struct Zookeeper {
    pub world: World,
    pub capture: Capture,
    pub history: History,
    pub tick: Tick,
    rng: StdRng,
    alive: Vec<Entity>,
    /// How many entities there are, about.
    pub crowd: usize,
    /// Whether anything happens.
    pub is_frozen: bool,
}

impl Zookeeper {
    pub(crate) fn new(seed: u64, crowd: usize) -> Self {
        Self::with_schema(seed, crowd, &Arc::new(Schema::of::<Zoo>()))
    }

    /// The zoo's schema may have tables of its own.
    pub(crate) fn with_schema(seed: u64, crowd: usize, schema: &Arc<Schema>) -> Self {
        let model = Arc::new(Model::of(schema));
        let mut world = World::new();
        NetIds::install(&mut world);
        world.insert_resource(EventQueue::of::<Zoo>());
        let mut keeper = Self {
            world,
            capture: Capture::with_model::<Zoo>(Arc::clone(schema), model),
            history: History::with_capacity(33),
            tick: Tick::new(u32::MAX - 20),
            rng: StdRng::seed_from_u64(seed),
            alive: Vec::new(),
            crowd,
            is_frozen: false,
        };
        keeper.step();
        keeper
    }

    pub(crate) fn step(&mut self) -> Arc<Snapshot> {
        self.tick = self.tick.plus(1);
        if !self.is_frozen {
            self.shuffle();
            self.change();
            self.make_noise();
        }
        let snapshot = self.capture.capture(&mut self.world, self.tick);
        self.history.push(Arc::clone(&snapshot));
        snapshot
    }

    fn shuffle(&mut self) {
        while self.alive.len() > self.crowd || self.rng.random_bool(0.2) && !self.alive.is_empty() {
            let at = self.rng.random_range(0..self.alive.len());
            self.world.despawn(self.alive.swap_remove(at));
        }
        while self.alive.len() < self.crowd {
            let entity = self.spawn();
            self.alive.push(entity);
        }
    }

    fn spawn(&mut self) -> Entity {
        let net_id = self.world.resource_mut::<NetIds>().allocate();
        let rng = &mut self.rng;
        let kind = [Kind::Rock, Kind::Ship, Kind::Ghost][rng.random_range(0..3)];
        let name: String =
            (0..rng.random_range(0..6)).map(|_| rng.random_range('a'..='y')).collect();
        let mut entity = self.world.spawn((net_id, Label { name, kind }));
        if rng.random_bool(0.8) {
            entity.insert(Motion {
                position: [rng.random_range(0..4096), rng.random_range(0..4096)],
                velocity: [rng.random_range(-64..64), rng.random_range(-64..64)],
            });
        }
        if rng.random_bool(0.5) {
            entity.insert(Heading { angle: rng.random_range(0..1024), tilt: 0.0 });
        }
        if rng.random_bool(0.6) {
            entity.insert(Vital {
                hull: rng.random(),
                shield: None,
                is_hit: false,
                mood: kind,
                cargo: vec![],
                big: rng.random(),
            });
        }
        if rng.random_bool(0.5) {
            let speed = std::array::from_fn(|_| rng.random_range(-9.0..9.0));
            entity.insert(Drift { place: [0.0; 3], speed });
        }
        if rng.random_bool(0.3) {
            entity.insert(Spin { rotation: Rotation::IDENTITY });
        }
        if rng.random_bool(0.4) {
            entity.insert((Link { target: NetId::NONE }, Team(rng.random_range(0..3))));
            entity.insert(Orders { text: String::from("hold") });
        }
        if rng.random_bool(0.3) {
            entity.insert(Owner(ClientId::new(rng.random_range(0..4))));
            entity.insert(Secret { ammo: rng.random(), goal: NetId::NONE });
        }
        if rng.random_bool(0.3) {
            entity.insert(Rumour { strength: 0.5 });
        }
        if rng.random_bool(0.1) {
            entity.insert(Board { score: rng.random() });
        }
        if rng.random_bool(0.2) {
            entity.insert(VisibleTo(1 << rng.random_range(0..3)));
        }
        entity.id()
    }

    fn change(&mut self) {
        let names: Vec<NetId> = self
            .alive
            .iter()
            .filter_map(|entity| self.world.get::<NetId>(*entity).copied())
            .collect();
        let rng = &mut self.rng;
        for entity in &self.alive {
            let mut entity = self.world.entity_mut(*entity);
            if let Some(mut motion) = entity.get_mut::<Motion>() {
                for axis in 0..2 {
                    if rng.random_bool(0.1) {
                        motion.velocity[axis] =
                            (motion.velocity[axis] + rng.random_range(-9..9)).clamp(-64, 63);
                    }
                    let next = motion.position[axis] + i32::from(motion.velocity[axis]);
                    if (0..4096).contains(&next) {
                        motion.position[axis] = next;
                    } else {
                        motion.velocity[axis] = -motion.velocity[axis].max(-63);
                    }
                }
                if rng.random_bool(0.01) {
                    motion.position = [rng.random_range(0..4096), rng.random_range(0..4096)];
                }
            }
            if let Some(mut heading) = entity.get_mut::<Heading>() {
                heading.angle = (heading.angle + 17) & 1023;
                heading.tilt = if rng.random_bool(0.02) {
                    [f32::NAN, f32::INFINITY, -7.0][rng.random_range(0..3)]
                } else {
                    heading.tilt + 0.004
                };
            }
            if let Some(mut vital) = entity.get_mut::<Vital>() {
                vital.is_hit = rng.random_bool(0.1);
                if rng.random_bool(0.1) {
                    vital.hull = [0, 255, vital.hull.wrapping_add(3)][rng.random_range(0..3)];
                    vital.big = [0, u32::MAX, rng.random()][rng.random_range(0..3)];
                }
                if rng.random_bool(0.1) {
                    vital.shield = rng.random_bool(0.7).then(|| rng.random_range(1..=9));
                    vital.mood = [Kind::Rock, Kind::Ship, Kind::Ghost][rng.random_range(0..3)];
                }
                if rng.random_bool(0.1) {
                    vital.cargo =
                        (0..rng.random_range(0..=6)).map(|_| rng.random_range(0..1000)).collect();
                }
            }
            if let Some(mut drift) = entity.get_mut::<Drift>() {
                if rng.random_bool(0.05) {
                    drift.speed[rng.random_range(0..3)] = rng.random_range(-25.0..25.0);
                }
                let Drift { place, speed } = drift.clone();
                for axis in 0..3 {
                    drift.place[axis] = (place[axis] + speed[axis] / 20.0).clamp(-99.0, 99.0);
                }
            }
            if let Some(mut spin) = entity.get_mut::<Spin>() {
                let Rotation([x, y, z, w]) = spin.rotation;
                // About a twentieth of a radian around x, and now and then anywhere.
                let (sin, cos) = if rng.random_bool(0.05) { (0.8, 0.6) } else { (0.025, 0.99969) };
                let next =
                    [cos * x + sin * w, cos * y - sin * z, cos * z + sin * y, cos * w - sin * x];
                let norm = next.iter().map(|part| part * part).sum::<f32>().sqrt();
                spin.rotation = Rotation(next.map(|part| part / norm));
            }
            if rng.random_bool(0.1)
                && let Some(mut link) = entity.get_mut::<Link>()
            {
                link.target = names[rng.random_range(0..names.len())];
            }
            if rng.random_bool(0.1)
                && let Some(mut secret) = entity.get_mut::<Secret>()
            {
                secret.goal = names[rng.random_range(0..names.len())];
                secret.ammo = secret.ammo.wrapping_add(1);
            }
            if rng.random_bool(0.05) {
                // Components come and go.
                if entity.contains::<Rumour>() {
                    entity.remove::<Rumour>();
                } else {
                    entity.insert(Rumour { strength: rng.random_range(-6.0..6.0) });
                }
            }
            if rng.random_bool(0.02)
                && let Some(mut label) = entity.get_mut::<Label>()
            {
                // A game's bug: what is static changes all the same.
                label.kind = [Kind::Rock, Kind::Ship, Kind::Ghost][rng.random_range(0..3)];
            }
            if rng.random_bool(0.03) {
                entity.insert(Team(rng.random_range(0..3)));
            }
        }
    }

    fn make_noise(&mut self) {
        let by = self.alive.first().and_then(|entity| self.world.get::<NetId>(*entity).copied());
        let mut queue = self.world.resource_mut::<EventQueue>();
        for _ in 0..self.rng.random_range(0..3) {
            let place: [i32; 2] = [self.rng.random_range(0..4096), self.rng.random_range(0..4096)];
            let bang = Bang { place, by: by.unwrap_or(NetId::NONE) };
            queue.send(&bang, Reach::At(place.map(i32::unsigned_abs)));
        }
        if self.rng.random_bool(0.3) {
            let text = format!("t{}", self.tick.get() % 1000);
            let client = ClientId::new(self.rng.random_range(0..4));
            queue.send(&Whisper { text: text.clone() }, Reach::Client(client));
            queue.send(&Whisper { text }, Reach::Everyone);
        }
    }

    /// A view that wanders with time, unlike any other client's.
    pub(crate) fn view(&self, client: u32) -> View {
        let turn = self.tick.get().wrapping_mul(7).wrapping_add(client * 900);
        let center = [500 + turn % 3000, 500 + (turn / 3) % 3000];
        View {
            area: match client % 4 {
                0 => Area::Everything,
                1 => Area::Rect { center, half: [700, 500], margin: 0 },
                2 => Area::Rect { center, half: [1500, 1500], margin: 0 },
                _ => Area::Nowhere,
            },
            team: client.is_multiple_of(2).then_some(1),
            rules: if client.is_multiple_of(3) { 1 << 3 } else { 0 },
            mask: 1 << (client % 3),
        }
    }
}

/// The zoo's schema with tables that were trained on it.
pub(crate) fn trained_schema() -> Arc<Schema> {
    let schema = Arc::new(Schema::of::<Zoo>());
    let mut survey = Survey::default();
    let mut zoo = Zookeeper::new(150, 30);
    for _ in 0..60 {
        survey.observe(&zoo.step());
    }
    let mut trainer = survey.into_trainer(&schema);
    let mut zoo = Zookeeper::new(150, 30);
    for _ in 0..200 {
        let snapshot = zoo.step();
        let views = (0..3).map(|number| (ClientId::new(number), zoo.view(number)));
        trainer.observe(&snapshot, views).expect("frames that were just made");
    }
    let tables: &'static str = Box::leak(trainer.tables().into_boxed_str());
    Arc::new(Schema { tables, ..Schema::clone(&schema) })
}

/// What a replica shows: by `NetId`, the codes of each component.
pub(crate) type Shown = BTreeMap<NetId, BTreeMap<usize, (Vec<u32>, Vec<Vec<u32>>)>>;

/// What a client with this view ought to have of a snapshot, worked out the slow way.
pub(crate) fn expected(snapshot: &Snapshot, world: &World, view: &View, client: ClientId) -> Shown {
    let schema = snapshot.schema();
    let mut shown = Shown::new();
    let facts: BTreeMap<NetId, (Option<ClientId>, Option<u8>, u64)> = world
        .iter_entities()
        .filter_map(|entity| {
            Some((
                *entity.get::<NetId>()?,
                (
                    entity.get::<Owner>().map(|owner| owner.0),
                    entity.get::<Team>().map(|team| team.0),
                    entity.get::<VisibleTo>().map_or(u64::MAX, |to| to.0),
                ),
            ))
        })
        .collect();
    for net_id in snapshot.net_ids() {
        let (owner, team, visible_to) = facts[&net_id];
        let in_area = match (snapshot.component(net_id, 0), view.area) {
            (None, _) | (_, Area::Everything) => true,
            (_, Area::Nowhere) => false,
            (Some((codes, _)), Area::Rect { center, half, .. }) => {
                (0..2).all(|axis| codes[axis].abs_diff(center[axis]) <= half[axis])
            }
        };
        if !in_area || visible_to & view.mask == 0 {
            continue;
        }
        let mut components = BTreeMap::new();
        for (number, component) in schema.components.iter().enumerate() {
            let is_seen = match component.audience {
                Audience::Everyone => true,
                Audience::Owner => owner == Some(client),
                Audience::Team => team.is_some() && team == view.team,
                Audience::Rule(rule) => view.rules >> rule & 1 != 0,
            };
            if let (true, Some(values)) = (is_seen, snapshot.component(net_id, number)) {
                components.insert(number, values);
            }
        }
        if !components.is_empty() {
            shown.insert(net_id, components);
        }
    }
    hide_references(&mut shown, schema);
    shown
}

/// References to what is not shown read as none.
fn hide_references(shown: &mut Shown, schema: &Schema) {
    let names: Vec<NetId> = shown.keys().copied().collect();
    for components in shown.values_mut() {
        for (number, (codes, _)) in components {
            for (code, lane) in codes.iter_mut().zip(schema.components[*number].record.lanes()) {
                let field = &schema.components[*number].record.fields[lane.field];
                if field.kind == FieldKind::Reference && !names.contains(&NetId::from_bits(*code)) {
                    *code = NetId::NONE.to_bits();
                }
            }
        }
    }
}

/// What a replica shows.
pub(crate) fn shown(replica: &Replica, schema: &Schema) -> Shown {
    let entities = replica.entities().map(|entity| {
        let components = schema.components.iter().enumerate().filter_map(|(number, component)| {
            Some((number, entity.component(number, &component.record)?))
        });
        (entity.net_id().expect("the zoo has references"), components.collect())
    });
    entities.collect()
}
