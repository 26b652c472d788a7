//! Throws random and damaged frames at the decoders, and counts what becomes of them. A panic
//! ends it; the limits of `shared/engine/src/limits.rs` bound what a frame may claim.
//!
//! `cargo run --release -p tickwire-tests --bin fuzz -- --frames 10000000`. For the
//! decoder in TypeScript there is `npm run fuzz` in `web-client`.

use std::{sync::Arc, time::Instant};

use anyhow::{Context as _, Result};
use arena::{Arena, ArenaOptions};
use arena_shared::ArenaProtocol;
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::json;
use tickwire_server::{Claims, Room, RoomInfo, replication::ClientView};
use tickwire_shared::{
    ClientId, Replica, Schema,
    codec::{decode_client, decode_server},
    messages::{ClientFrame, ServerFrame},
    record::encode_record,
    replication::model::Model,
};
use tickwire_tests::pilot::Pilot;

/// Throws random and damaged frames at the decoders
#[derive(Parser)]
struct Arguments {
    /// How many state frames; as many messages go with them
    #[arg(long, default_value_t = 100_000)]
    frames: u64,
    /// Where chance begins
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// What became of the frames.
#[derive(Default)]
struct Tally {
    taken: u64,
    refused: u64,
    messages_taken: u64,
}

/// Damaged copies of each frame.
const COPIES: u64 = 200;
/// Clients that make the world busy.
const CLIENTS: u32 = 8;
/// Longest frame of nothing but chance.
const RANDOM_BYTES_MAX: usize = 400;

fn main() -> Result<()> {
    let Arguments { frames, seed } = Arguments::parse();
    let bar = ProgressBar::new(frames);
    bar.set_style(ProgressStyle::with_template("{wide_bar} {pos}/{len} {eta}")?);
    let tally = fuzz(frames, seed, &bar)?;
    bar.finish_and_clear();
    let Tally { taken, refused, messages_taken } = tally;
    println!(
        "{}",
        json!({ "frames": taken + refused, "taken": taken, "refused": refused,
                "messages_taken": messages_taken })
    );
    Ok(())
}

/// Plays the arena, and damages each frame of one of its clients in many ways.
fn fuzz(frames: u64, seed: u64, bar: &ProgressBar) -> Result<Tally> {
    let mut rng = StdRng::seed_from_u64(seed);
    let schema = Arc::new(Schema::of::<ArenaProtocol>());
    let model = Arc::new(Model::of(&schema));
    let info = RoomInfo { name: String::from("fuzz"), seed, tick_rate: 20 };
    let mut room = Room::new(Arc::new(Arena::new(ArenaOptions::default())), info);
    let mut pilots: Vec<Pilot> = (0..CLIENTS).map(|number| Pilot::new(number.into())).collect();
    for number in 0..CLIENTS {
        let request = Pilot::join(&schema, number as usize);
        room.join(ClientId::new(number), &request, &Claims::default())?;
    }
    let client = ClientId::new(0);
    let mut view = ClientView::new();
    let mut replica = Replica::with_model(Arc::clone(&schema), model);
    let mut tally = Tally::default();
    while tally.taken + tally.refused < frames {
        for (number, pilot) in (0..).zip(&mut pilots) {
            let input = encode_record(&pilot.controls(), &schema.input);
            room.push_input(ClientId::new(number), room.tick().plus(1), &input, None)?;
        }
        let published = room.step(Instant::now());
        let own = published.clients.get(&client).context("the client is in the room")?;
        let mut frame = Vec::new();
        // Now and then a whole view: entries are where most of the format is.
        if rng.random_bool(0.1) {
            view.restart();
        }
        view.compose(&published.history, &own.view, client, None, usize::MAX, &mut frame);
        for _ in 0..COPIES {
            let bytes = damaged(&frame, &mut rng);
            let mut copy = replica.clone();
            match copy.apply(&bytes) {
                Ok(_) => tally.taken += 1,
                Err(_) => tally.refused += 1,
            }
            let is_message = decode_client::<ClientFrame>(&bytes).is_ok()
                || decode_server::<ServerFrame>(&bytes).is_ok();
            tally.messages_taken += u64::from(is_message);
        }
        bar.inc(COPIES);
        if !frame.is_empty() {
            replica.apply(&frame).context("the whole frame")?;
        }
    }
    Ok(tally)
}

/// Random bytes, or the frame cut short, grown, or with some bits turned over.
fn damaged(frame: &[u8], rng: &mut StdRng) -> Vec<u8> {
    let mut bytes = frame.to_vec();
    match rng.random_range(0..8) {
        0 => {
            let length = rng.random_range(0..RANDOM_BYTES_MAX);
            return (0..length).map(|_| rng.random()).collect();
        }
        1 => bytes.truncate(rng.random_range(0..=bytes.len())),
        2 => bytes.extend((0..rng.random_range(1..20)).map(|_| rng.random::<u8>())),
        _ => {}
    }
    for _ in 0..rng.random_range(1..6) {
        let at = rng.random_range(0..bytes.len().max(1));
        if let Some(byte) = bytes.get_mut(at) {
            *byte ^= 1 << rng.random_range(0..8);
        }
    }
    bytes
}
