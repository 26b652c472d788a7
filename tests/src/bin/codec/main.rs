//! What the replication codec makes of recorded worlds: bytes, time, and what others take.
//!
//! `codec arena FILE` plays a trace of the arena workload, every player a client; `codec cubes
//! FILE` a recording of 901 cubes, each frame coded from the one 6 or 1 before. Every decoded
//! frame is compared with its input. `codec game FILE --tables OUT` trains the tables of the arena
//! game on a recorded match. The last line is one JSON object.

#![allow(clippy::indexing_slicing, clippy::cast_possible_truncation, reason = "a tool may panic")]

mod arena;
mod cubes;
mod game;
mod plain;
mod stage;

use std::{
    fs::File,
    io::{BufReader, Read},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use clap::{Parser, Subcommand};

/// Measures the replication codec on recorded worlds.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    workload: Workload,
}

#[derive(Subcommand)]
enum Workload {
    /// The arena: every player is a client with a view of its own.
    Arena {
        /// A trace, plain or gzip.
        file: PathBuf,
        /// Another trace, to train tables on.
        #[arg(long)]
        train: Option<PathBuf>,
        /// Train on each half of the trace and measure the other.
        #[arg(long, conflicts_with = "train")]
        halves: bool,
        /// Writes the trained tables here.
        #[arg(long)]
        tables: Option<PathBuf>,
    },
    /// A recorded match of the arena game: makes codec tables for it.
    Game {
        /// A file that the arena's `--record` wrote.
        file: PathBuf,
        /// Where the tables go, for `Protocol::TABLES`.
        #[arg(long)]
        tables: PathBuf,
    },
    /// 901 cubes: one client sees them all.
    Cubes {
        /// A recording, plain or gzip.
        file: PathBuf,
        /// Another recording, to train tables on; without it, each half of the recording is
        /// also measured with tables trained on the other.
        #[arg(long)]
        train: Option<PathBuf>,
        /// How many frames before each its reference is.
        #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..=32))]
        reference: u32,
    },
}

fn main() -> anyhow::Result<()> {
    let result = match Arguments::parse().workload {
        Workload::Arena { file, train, halves, tables } => {
            let trace = arena::Trace::parse(&read(&file)?)?;
            let training = match (train, halves) {
                (Some(train), _) => arena::Training::On(arena::Trace::parse(&read(&train)?)?),
                (None, true) => arena::Training::Halves,
                (None, false) => arena::Training::None,
            };
            arena::measure(&trace, &training, tables.as_deref())?
        }
        Workload::Game { file, tables } => game::train(&file, &tables)?,
        Workload::Cubes { file, train, reference } => {
            let frames = cubes::parse(&read(&file)?)?;
            let train = train.map(|train| cubes::parse(&read(&train)?)).transpose()?;
            cubes::measure(&frames, train.as_deref(), reference)?
        }
    };
    println!("{result}");
    Ok(())
}

/// The bytes of a file, unpacked where it is gzip.
fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let open = || File::open(path).with_context(|| format!("opening {}", path.display()));
    let mut bytes = Vec::new();
    BufReader::new(open()?).read_to_end(&mut bytes).context("reading the recording")?;
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(bytes.as_slice())
            .read_to_end(&mut unpacked)
            .context("unpacking the recording")?;
        return Ok(unpacked);
    }
    Ok(bytes)
}
