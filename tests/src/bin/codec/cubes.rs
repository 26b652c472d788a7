//! The cubes workload: one client sees them all, each frame coded from an earlier one.
//!
//! A recording is an array without a header, plain or gzipped: frames of 901 cubes of eight i32,
//! little endian: the dropped component of the orientation (0 to 3), the three others (0 to 511),
//! x and y (−131,072 to 131,071), z (0 to 16,383), and whether the cube interacts (0 or 1).

use std::{ops::Range, sync::Arc};

use anyhow::{Context as _, ensure};
use bevy_ecs::{component::Component, entity::Entity, world::World};
use serde_json::{Value, json};
use tickwire_server::replication::{Capture, History, NetIds, View};
use tickwire_shared::{
    Field, FieldKind, FieldOptions, FieldReader, Protocol, Record, Replicated, Schema, Tick,
    Values,
    replication::{
        model::{Archetype, Model},
        training::Counts,
    },
};

use crate::{
    plain,
    stage::{Client, Tally, median, take_all},
};

const CUBES: usize = 901;

/// One cube as recorded: rotation (4), position (3), interacting.
pub(crate) type Cube = [i32; 8];

struct Cubes;

impl Protocol for Cubes {
    const NAME: &'static str = "cubes";
    const TICK_RATE: u16 = 60;
    type Components = (Body,);
    type Events = ();
    type Input = Nothing;
    type Join = Nothing;
}

#[derive(Record, Clone, Default)]
struct Nothing {}

#[derive(Replicated, Component)]
struct Body {
    #[field(min = -131_072, max = 131_071, predict = "linear")]
    position: [i32; 3],
    #[field(bits = 9, predict = "linear")]
    rotation: Recorded,
    interacting: bool,
}

/// A rotation that comes as codes, which a trip through floats would not always give back.
struct Recorded([u32; 4]);

impl Field for Recorded {
    fn kind(options: &FieldOptions) -> FieldKind {
        tickwire_shared::Rotation::kind(options)
    }

    fn write(&self, _: &FieldKind, out: &mut Values) -> bool {
        out.codes.extend(self.0);
        true
    }

    fn read(_: &FieldKind, input: &mut FieldReader<'_>) -> Self {
        Self(std::array::from_fn(|_| input.code()))
    }
}

/// The frames of a recording.
pub(crate) fn parse(bytes: &[u8]) -> anyhow::Result<Vec<Vec<Cube>>> {
    let frame_bytes = CUBES * 32;
    ensure!(
        !bytes.is_empty() && bytes.len().is_multiple_of(frame_bytes),
        "whole frames of 901 cubes"
    );
    let cube = |bytes: &[u8]| -> anyhow::Result<Cube> {
        let mut cube = [0; 8];
        for (number, four) in cube.iter_mut().zip(bytes.chunks_exact(4)) {
            *number = i32::from_le_bytes(four.try_into()?);
        }
        Ok(cube)
    };
    bytes
        .chunks_exact(frame_bytes)
        .map(|frame| frame.chunks_exact(32).map(cube).collect())
        .collect()
}

/// Plays the recording and says what it took.
pub(crate) fn measure(
    frames: &[Vec<Cube>],
    train_on: Option<&[Vec<Cube>]>,
    reference: u32,
) -> anyhow::Result<Value> {
    let schema = Arc::new(Schema::of::<Cubes>());
    let half = frames.len() / 2;
    let all = 0..frames.len();
    let run = |model: Model, ticks: Range<usize>, tally: &mut Tally| {
        play(frames, ticks, reference, &schema, &Arc::new(model), tally)
    };
    let mut tally = Tally::default();
    let model = match train_on {
        Some(other) => train(other, 0..other.len(), reference, &schema)?,
        None => Model::of(&schema),
    };
    run(model, all, &mut tally)?;
    let mut crossed = Tally::default();
    if train_on.is_none() {
        let (first, second) = (0..half, half..frames.len());
        let model = train(frames, second.clone(), reference, &schema)?;
        println!("{} tables, {} bytes as text", model.tables().len(), model.to_text().len());
        run(model.clone(), first.clone(), &mut crossed)?;
        let mut detail = Tally { counts: Some(Counts::new()), ..Tally::default() };
        run(model.clone(), first.clone(), &mut detail)?;
        detail.print_bits(&model, &schema);
        // The second half goes on from the first: its first references are known.
        let from = half - reference as usize;
        run(train(frames, first, reference, &schema)?, from..second.end, &mut crossed)?;
    }
    let (zstd_bytes, packed_bits) = others(frames, reference as usize, &schema)?;
    let measured = (frames.len() - reference as usize) as f64;
    Ok(json!({
        "workload": "cubes",
        "reference": reference,
        "trained": train_on.is_some(),
        "frames": tally.frames,
        "bytes_per_frame": tally.mean(tally.bytes),
        "bytes_per_frame_cross_validated":
            train_on.is_none().then(|| crossed.mean(crossed.bytes)),
        "encode_us_per_frame": median(&tally.encode_us),
        "decode_us_per_frame": median(&tally.decode_us),
        "zstd_bincode_bytes_per_frame": zstd_bytes as f64 / measured,
        "bit_packed_bytes_per_frame": packed_bits as f64 / 8.0 / measured,
        "exact": true,
    }))
}

fn train(
    frames: &[Vec<Cube>],
    ticks: Range<usize>,
    reference: u32,
    schema: &Arc<Schema>,
) -> anyhow::Result<Model> {
    let model = Arc::new(Model::with_archetypes(schema, vec![Archetype { group: 0, mask: 1 }]));
    let mut tally = Tally { counts: Some(Counts::new()), ..Tally::default() };
    play(frames, ticks, reference, schema, &model, &mut tally)?;
    Ok(tally.counts.unwrap_or_default().train(&model))
}

/// Plays a stretch of a recording to as many clients as there are frames to a reference: each
/// takes every such frame, so that it knows nothing of those between.
fn play(
    frames: &[Vec<Cube>],
    ticks: Range<usize>,
    reference: u32,
    schema: &Arc<Schema>,
    model: &Arc<Model>,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    let mut world = World::new();
    NetIds::install(&mut world);
    let mut capture = Capture::with_model::<Cubes>(Arc::clone(schema), Arc::clone(model));
    let mut history = History::with_capacity(2 * reference as usize + 1);
    let bodies: Vec<Entity> = (0..CUBES)
        .map(|_| {
            let net_id = world.resource_mut::<NetIds>().allocate();
            world.spawn(net_id).id()
        })
        .collect();
    let mut clients: Vec<Client> =
        (0..reference).map(|number| Client::new(number, schema, model)).collect();
    let count = clients.len();
    let view = View::everything();
    for (number, at) in ticks.enumerate() {
        for (entity, cube) in bodies.iter().zip(&frames[at]) {
            let [largest, a, b, c, x, y, z, interacting] = *cube;
            world.entity_mut(*entity).insert(Body {
                position: [x, y, z],
                rotation: Recorded([largest, a, b, c].map(i32::unsigned_abs)),
                interacting: interacting != 0,
            });
        }
        history.push(capture.capture(&mut world, Tick::new(number as u32 + 1)));
        let client = &mut clients[number % count];
        // The first frames are known to the receiver.
        let mut known = Tally::default();
        let is_known = number < count;
        let tally = if is_known { &mut known } else { &mut *tally };
        take_all([(&mut *client, view)].into_iter(), &history, tally)?;
        let mut entities = client.replica.entities();
        for cube in &frames[at] {
            let body: Body = entities
                .next()
                .and_then(|entity| entity.get())
                .context("a client has every cube")?;
            let Recorded([largest, a, b, c]) = body.rotation;
            let [x, y, z] = body.position;
            let codes = [largest, a, b, c].map(u32::cast_signed);
            let has =
                [codes[0], codes[1], codes[2], codes[3], x, y, z, i32::from(body.interacting)];
            ensure!(has == *cube, "a cube differs in frame {at}");
        }
    }
    Ok(())
}

/// What zstd of the state and a delta without a model take.
fn others(frames: &[Vec<Cube>], reference: usize, schema: &Schema) -> anyhow::Result<(u64, u64)> {
    let widths: Vec<u32> =
        schema.components[0].record.lanes().iter().map(tickwire_shared::Lane::bits).collect();
    let codes = |cube: &Cube| -> Vec<u32> {
        let [largest, a, b, c, x, y, z, interacting] = *cube;
        let offset = |axis: i32| (axis + 131_072).unsigned_abs();
        let rotation = [largest, a, b, c].map(i32::unsigned_abs);
        let [largest, a, b, c] = rotation;
        vec![offset(x), offset(y), offset(z), largest, a, b, c, interacting.unsigned_abs()]
    };
    let (mut zstd_bytes, mut packed_bits) = (0, 0);
    for (before, now) in frames.iter().zip(&frames[reference..]) {
        let states: Vec<Vec<u32>> = now.iter().map(codes).collect();
        zstd_bytes += plain::zstd_of_bincode(&states)? as u64;
        for (before, now) in before.iter().map(codes).zip(&states) {
            packed_bits += plain::bit_packed(Some(&before), now, &widths);
        }
    }
    Ok((zstd_bytes, packed_bits))
}
