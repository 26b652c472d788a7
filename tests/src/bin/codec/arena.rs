//! The arena workload: every player is a client and sees what is around it.
//!
//! A trace is little endian, plain or gzipped. Header, 32 bytes: `ARTR`, u16 version 1, u16 tick
//! rate, u32 players, u32 ticks, u32 seed, f32 side of the world, f32 half width and f32 half
//! height of a view. Then for each tick u32 tick, u32 count, and columns of `count` values, by
//! rising id: u32 id, u8 kind (0 player, 1 asteroid, 2 bullet), u8 alive, u8 health, u8 size, u16
//! score, u16 owner, f32 x, y, vx, vy, and f32 heading in radians.

use std::{
    collections::{BTreeMap, HashMap},
    f32::consts::TAU,
    path::Path,
    sync::Arc,
    time::Instant,
};

use anyhow::{Context as _, ensure};
use bevy_ecs::{component::Component, entity::Entity, world::World};
use serde_json::{Value, json};
use tickwire_server::replication::{Area, Capture, History, NetIds, Snapshot, View};
use tickwire_shared::{
    NetId, Protocol, Record, Replicated, Schema, Tick,
    replication::{
        model::{Archetype, Model},
        training::Counts,
    },
};

use crate::{
    plain,
    stage::{Client, Tally, count_archetypes, median, take_all},
};

struct ArenaTrace;

impl Protocol for ArenaTrace {
    const NAME: &'static str = "arena trace";
    type Components = (Motion, Heading, Player, Asteroid, Bullet);
    type Events = ();
    type Input = Nothing;
    type Join = Nothing;
}

#[derive(Record, Clone, Default)]
struct Nothing {}

#[derive(Replicated, Component)]
struct Motion {
    #[field(min = 0, max = 4096, step = 0.125, position, predict = "velocity")]
    position: [f32; 2],
    #[field(min = -640, max = 635, step = 5)]
    velocity: [f32; 2],
}

#[derive(Replicated, Component)]
struct Heading {
    #[field(angle, bits = 8, predict = "linear")]
    angle: f32,
}

#[derive(Replicated, Component)]
struct Player {
    health: u8,
    score: u16,
    alive: bool,
    #[field(static, max_len = 16)]
    name: String,
}

#[derive(Replicated, Component)]
struct Asteroid {
    #[field(static)]
    size: u8,
}

#[derive(Replicated, Component)]
struct Bullet {
    #[field(static)]
    owner: u16,
}

/// A recorded match.
pub(crate) struct Trace {
    /// Half of the view, in codes.
    half: [u32; 2],
    ticks: Vec<(u32, Vec<Body>)>,
}

/// What tables a measurement uses.
pub(crate) enum Training {
    /// The defaults.
    None,
    /// Those of the other half.
    Halves,
    /// Those of another trace.
    On(Trace),
}

struct Body {
    id: u32,
    kind: u8,
    is_alive: bool,
    health: u8,
    size: u8,
    score: u16,
    owner: u16,
    place: [f32; 2],
    velocity: [f32; 2],
    heading: f32,
}

impl Trace {
    pub(crate) fn parse(bytes: &[u8]) -> anyhow::Result<Self> {
        let mut input = Input(bytes);
        ensure!(input.take(4)? == b"ARTR", "a trace begins with ARTR");
        ensure!(input.u16()? == 1, "version 1");
        let _tick_rate = input.u16()?;
        let (_players, ticks, _seed, _world) =
            (input.u32()?, input.u32()?, input.u32()?, input.u32()?);
        let half = [input.f32()?, input.f32()?].map(|half| (half * 8.0) as u32);
        let ticks = (0..ticks).map(|_| Self::parse_tick(&mut input)).collect::<Result<_, _>>()?;
        Ok(Self { half, ticks })
    }

    fn parse_tick(input: &mut Input<'_>) -> anyhow::Result<(u32, Vec<Body>)> {
        let (tick, count) = (input.u32()?, input.u32()? as usize);
        fn column<'a, T>(
            input: &mut Input<'a>,
            count: usize,
            mut read: impl FnMut(&mut Input<'a>) -> anyhow::Result<T>,
        ) -> anyhow::Result<Vec<T>> {
            (0..count).map(|_| read(input)).collect()
        }
        let ids = column(input, count, Input::u32)?;
        let kinds = column(input, count, Input::u8)?;
        let alive = column(input, count, Input::u8)?;
        let health = column(input, count, Input::u8)?;
        let sizes = column(input, count, Input::u8)?;
        let scores = column(input, count, Input::u16)?;
        let owners = column(input, count, Input::u16)?;
        let x = column(input, count, Input::f32)?;
        let y = column(input, count, Input::f32)?;
        let vx = column(input, count, Input::f32)?;
        let vy = column(input, count, Input::f32)?;
        let headings = column(input, count, Input::f32)?;
        let bodies = (0..count).map(|at| Body {
            id: ids[at],
            kind: kinds[at],
            is_alive: alive[at] != 0,
            health: health[at],
            size: sizes[at],
            score: scores[at],
            owner: owners[at],
            place: [x[at], y[at]],
            velocity: [vx[at], vy[at]],
            heading: headings[at],
        });
        Ok((tick, bodies.collect()))
    }
}

/// Plays the trace and says what it took.
pub(crate) fn measure(
    trace: &Trace,
    training: &Training,
    tables: Option<&Path>,
) -> anyhow::Result<Value> {
    let schema = Arc::new(Schema::of::<ArenaTrace>());
    let half = trace.ticks.len() / 2;
    let (whole, first, second) = (0..trace.ticks.len(), 0..half, half..trace.ticks.len());
    let runs = match training {
        Training::None => vec![(whole, Model::of(&schema))],
        Training::On(other) => vec![(whole, train(other, 0..other.ticks.len(), &schema)?)],
        Training::Halves => vec![
            (first.clone(), train(trace, second.clone(), &schema)?),
            (second, train(trace, first, &schema)?),
        ],
    };
    let mut tally = Tally::default();
    let mut costs = Costs::default();
    let parts = u32::try_from(runs.len())?;
    let mut prefix_code_bytes = 0.0;
    for (ticks, model) in runs {
        let model = Arc::new(model);
        if let Some(path) = tables {
            std::fs::write(path, model.to_text()).context("writing the tables")?;
        }
        println!("{} tables, {} bytes as text", model.tables().len(), model.to_text().len());
        play(trace, ticks.clone(), &schema, &model, &mut tally, &mut costs)?;
        let mut detail = Tally { counts: Some(Counts::new()), ..Tally::default() };
        play(trace, ticks, &schema, &model, &mut detail, &mut Costs::default())?;
        detail.print_bits(&model, &schema);
        prefix_code_bytes += detail.prefix_code_bytes(&model) / f64::from(parts);
    }
    Ok(json!({
        "workload": "arena",
        "trained": !matches!(training, Training::None),
        "clients_frames": tally.frames,
        "bytes_per_client_frame": tally.mean(tally.bytes),
        "bytes_per_visible_entity": tally.bytes as f64 / tally.visible.max(1) as f64,
        "visible_entities": tally.mean(tally.visible),
        "entered_per_client_frame": tally.mean(tally.entered),
        "encode_us_per_client_frame": median(&tally.encode_us),
        "decode_us_per_client_frame": median(&tally.decode_us),
        "capture_us_per_tick": median(&costs.capture_us),
        "model_us_per_tick": median(&costs.model_us),
        "prefix_code_bytes_per_client_frame": prefix_code_bytes,
        "zstd_bincode_bytes_per_client_frame": tally.mean(costs.zstd_bytes),
        "bit_packed_bytes_per_client_frame": tally.mean(costs.packed_bits) / 8.0,
        "exact": true,
    }))
}

/// Costs of a tick, and of what others would send.
#[derive(Default)]
struct Costs {
    ticks: u64,
    /// Time from the world to a snapshot, tick by tick, in microseconds.
    capture_us: Vec<f64>,
    /// Time to model it, likewise.
    model_us: Vec<f64>,
    zstd_bytes: u64,
    packed_bits: u64,
}

/// A model trained on a stretch of a trace.
fn train(
    trace: &Trace,
    ticks: std::ops::Range<usize>,
    schema: &Arc<Schema>,
) -> anyhow::Result<Model> {
    let mut seen = BTreeMap::<Archetype, u32>::new();
    let mut stage = Stage::new(schema, &Arc::new(Model::of(schema)));
    for (tick, bodies) in &trace.ticks[ticks.clone()] {
        stage.step(Tick::new(*tick), bodies, &mut Costs::default());
        count_archetypes(stage.newest()?, &mut seen);
    }
    let model = Arc::new(Model::with_archetypes(schema, Counts::archetypes(&seen)));
    let mut tally = Tally { counts: Some(Counts::new()), ..Tally::default() };
    play(trace, ticks, schema, &model, &mut tally, &mut Costs::default())?;
    let counts = tally.counts.unwrap_or_default();
    Ok(counts.train(&model))
}

/// Plays a stretch of a trace to all clients and checks what they have.
fn play(
    trace: &Trace,
    ticks: std::ops::Range<usize>,
    schema: &Arc<Schema>,
    model: &Arc<Model>,
    tally: &mut Tally,
    costs: &mut Costs,
) -> anyhow::Result<()> {
    let mut stage = Stage::new(schema, model);
    let mut clients: BTreeMap<u32, Client> = BTreeMap::new();
    let mut before: HashMap<(u32, NetId), Vec<u32>> = HashMap::new();
    let widths: Vec<u32> = schema
        .components
        .iter()
        .flat_map(|component| component.record.lanes())
        .map(|lane| lane.bits())
        .collect();
    for (tick, bodies) in &trace.ticks[ticks] {
        stage.step(Tick::new(*tick), bodies, costs);
        let snapshot = Arc::clone(stage.newest()?);
        let truth: Vec<(NetId, [u32; 2], Vec<u32>, Vec<Vec<u32>>)> = snapshot
            .net_ids()
            .map(|net_id| {
                let (codes, sequences) = state(&snapshot, net_id);
                (net_id, [codes[1], codes[2]], codes, sequences)
            })
            .collect();
        let centers: BTreeMap<u32, [u32; 2]> = bodies
            .iter()
            .filter(|body| body.kind == 0)
            .map(|body| (body.id, body.place.map(|place| (place * 8.0 + 0.5).floor() as u32)))
            .collect();
        clients.retain(|id, _| centers.contains_key(id));
        for id in centers.keys() {
            clients.entry(*id).or_insert_with(|| Client::new(*id, schema, model));
        }
        let views = clients.values_mut().zip(centers.values()).map(|(client, center)| {
            (client, View::of(Area::Rect { center: *center, half: trace.half, margin: 0 }))
        });
        take_all(views, &stage.history, tally)?;
        for (id, center) in &centers {
            let (client, center) = (&clients[id], *center);

            let mut wanted: Vec<_> = truth
                .iter()
                .filter(|(_, place, ..)| {
                    (0..2).all(|axis| place[axis].abs_diff(center[axis]) <= trace.half[axis])
                })
                .map(|(_, _, codes, sequences)| (codes.clone(), sequences.clone()))
                .collect();
            let mut has: Vec<_> =
                client.replica.entities().map(|entity| replica_state(&entity, schema)).collect();
            wanted.sort();
            has.sort();
            ensure!(wanted == has, "client {id} differs at tick {tick}");
            if costs.is_comparing() {
                let states: Vec<Vec<u32>> = wanted.iter().map(|(codes, _)| codes.clone()).collect();
                costs.zstd_bytes += plain::zstd_of_bincode(&states)? as u64;
                let mut next = HashMap::new();
                for (net_id, place, codes, _) in &truth {
                    if (0..2).all(|axis| place[axis].abs_diff(center[axis]) <= trace.half[axis]) {
                        let old = before.remove(&(*id, *net_id));
                        let (lanes, widths) = present(codes, &widths);
                        costs.packed_bits += plain::bit_packed(old.as_deref(), &lanes, &widths);
                        next.insert((*id, *net_id), lanes);
                    }
                }
                // Those left behind: a slot number each.
                let left = before.extract_if(|(client, _), _| client == id).count();
                costs.packed_bits += 8 * left as u64 + 32;
                before.extend(next);
            }
        }
    }
    Ok(())
}

impl Costs {
    fn is_comparing(&self) -> bool {
        self.ticks > 0
    }
}

/// All codes of an entity: its mask, then each component's lanes (zeros where it has none).
fn state(snapshot: &Snapshot, net_id: NetId) -> (Vec<u32>, Vec<Vec<u32>>) {
    flatten(snapshot.schema(), |number| snapshot.component(net_id, number))
}

fn replica_state(
    entity: &tickwire_shared::ReplicaEntity<'_>,
    schema: &Schema,
) -> (Vec<u32>, Vec<Vec<u32>>) {
    flatten(schema, |number| entity.component(number, &schema.components[number].record))
}

fn flatten(
    schema: &Schema,
    component: impl Fn(usize) -> Option<(Vec<u32>, Vec<Vec<u32>>)>,
) -> (Vec<u32>, Vec<Vec<u32>>) {
    let (mut codes, mut sequences) = (vec![0], Vec::new());
    for (number, component_schema) in schema.components.iter().enumerate() {
        match component(number) {
            Some(values) => {
                codes[0] |= 1 << number;
                codes.extend(values.0);
                sequences.extend(values.1);
            }
            None => codes.extend(component_schema.record.lanes().iter().map(|_| 0)),
        }
    }
    (codes, sequences)
}

/// The codes of the components that are there, and their widths.
fn present(codes: &[u32], widths: &[u32]) -> (Vec<u32>, Vec<u32>) {
    let schema = Schema::of::<ArenaTrace>();
    let (mut lanes, mut kept) = (Vec::new(), Vec::new());
    let mut at = 0;
    for (number, component) in schema.components.iter().enumerate() {
        for _ in component.record.lanes() {
            if codes[0] >> number & 1 != 0 {
                lanes.push(codes[at + 1]);
                kept.push(widths[at]);
            }
            at += 1;
        }
    }
    (lanes, kept)
}

/// A room in which the trace happens again.
struct Stage {
    world: World,
    capture: Capture,
    history: History,
    entities: HashMap<u32, Entity>,
}

impl Stage {
    fn new(schema: &Arc<Schema>, model: &Arc<Model>) -> Self {
        let mut world = World::new();
        NetIds::install(&mut world);
        let capture = Capture::with_model::<ArenaTrace>(Arc::clone(schema), Arc::clone(model));
        Self { world, capture, history: History::new(20), entities: HashMap::new() }
    }

    fn newest(&self) -> anyhow::Result<&Arc<Snapshot>> {
        self.history.newest().context("the stage has been stepped")
    }

    fn step(&mut self, tick: Tick, bodies: &[Body], costs: &mut Costs) {
        let there: std::collections::HashSet<u32> = bodies.iter().map(|body| body.id).collect();
        let gone: Vec<u32> =
            self.entities.keys().filter(|id| !there.contains(id)).copied().collect();
        for id in gone {
            if let Some(entity) = self.entities.remove(&id) {
                self.world.despawn(entity);
            }
        }
        for body in bodies {
            let entity = *self.entities.entry(body.id).or_insert_with(|| {
                let net_id = self.world.resource_mut::<NetIds>().allocate();
                self.world.spawn(net_id).id()
            });
            let mut entity = self.world.entity_mut(entity);
            // The trace rounds headings down, fields to the nearest: half a step and a little.
            let angle = body.heading - 1.5 / 1024.0 * TAU;
            entity.insert((
                Motion { position: body.place, velocity: body.velocity },
                Heading { angle },
            ));
            match body.kind {
                0 => entity.insert(Player {
                    health: body.health,
                    score: body.score,
                    alive: body.is_alive,
                    name: format!("pilot-{:04}", body.id),
                }),
                1 => entity.insert(Asteroid { size: body.size }),
                _ => entity.insert(Bullet { owner: body.owner }),
            };
        }
        let start = Instant::now();
        let snapshot = self.capture.capture(&mut self.world, tick);
        costs.capture_us.push(start.elapsed().as_secs_f64() * 1e6);
        let start = Instant::now();
        self.history.push(snapshot);
        costs.model_us.push(start.elapsed().as_secs_f64() * 1e6);
        costs.ticks += 1;
    }
}

/// Takes little-endian numbers from bytes.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, count: usize) -> anyhow::Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count).context("the trace ends early")?;
        self.0 = rest;
        Ok(taken)
    }

    fn u8(&mut self) -> anyhow::Result<u8> {
        Ok(self.take(1)?[0])
    }

    fn u16(&mut self) -> anyhow::Result<u16> {
        Ok(u16::from_le_bytes(self.take(2)?.try_into()?))
    }

    fn u32(&mut self) -> anyhow::Result<u32> {
        Ok(u32::from_le_bytes(self.take(4)?.try_into()?))
    }

    fn f32(&mut self) -> anyhow::Result<f32> {
        Ok(f32::from_le_bytes(self.take(4)?.try_into()?))
    }
}
