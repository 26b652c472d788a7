//! The arena's binary: serves the game, replays recordings, prints the protocol for the browser.

use std::{
    fs::{self, File},
    io::BufReader,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use arena::{Arena, ArenaOptions, page::page};
use arena_shared::ArenaProtocol;
use clap::{Parser, Subcommand};
use tickwire_server::{Config, recording::Recording, typescript};
use tickwire_shared::Schema;

/// Tickwire's arena: ships, asteroids and bullets, for browsers
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    options: ArenaOptions,
    #[command(flatten)]
    config: Config,
}

/// What else the binary does; without one of these it serves the game.
#[derive(Subcommand)]
enum Command {
    /// Simulates a recorded room again, and compares every tick
    Replay {
        /// A file that --record wrote
        file: PathBuf,
    },
    /// Prints the TypeScript module with which the web client reads this game
    Protocol {
        /// Prints nothing, and fails where this file is not that module
        #[arg(long, value_name = "FILE")]
        check: Option<PathBuf>,
    },
}

fn main() -> Result<()> {
    let Arguments { command, options, config } = Arguments::parse();
    match command {
        None => tickwire_server::run(Arena::new(options), config, page()),
        Some(Command::Replay { file }) => replay(&file),
        Some(Command::Protocol { check }) => protocol(check.as_deref()),
    }
}

fn replay(file: &Path) -> Result<()> {
    let input = File::open(file).with_context(|| format!("opening {}", file.display()))?;
    let recording = Recording::open(BufReader::new(input))?;
    let options = ArenaOptions::from_line(&recording.header().settings)
        .context("the recording's settings are not an arena's")?;
    let report = recording.replay(Arena::new(options))?;
    println!("{} ticks, each with the recorded checksum", report.ticks);
    if report.is_cut_off {
        println!("the file ends in the middle of a line: the recorder was interrupted");
    }
    Ok(())
}

fn protocol(check: Option<&Path>) -> Result<()> {
    let module = typescript::module(&Schema::of::<ArenaProtocol>());
    let Some(file) = check else {
        print!("{module}");
        return Ok(());
    };
    let written =
        fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    if written != module {
        let file = file.display();
        bail!("{file} is stale: write it anew with `cargo run -p arena -- protocol > {file}`");
    }
    Ok(())
}
