//! Reliable messages arrive once and in order, and worlds are equal, whatever the network does.

use anyhow::{Result, ensure};
use tickwire_tests::chaos::{Outcome, run};

/// In each direction and scenario.
const MESSAGES: u32 = 10_000;

/// Seeds that once failed stay here, beside the plain ones.
const SEEDS_THAT_FAILED: [u64; 0] = [];

fn check(seed: u64) -> Result<Outcome> {
    let outcome = run(seed, MESSAGES)?;
    let all: Vec<u32> = (0..MESSAGES).collect();
    ensure!(outcome.heard_by_server == all, "seed {seed}: the server heard something else");
    ensure!(outcome.heard_by_client == all, "seed {seed}: the client heard something else");
    ensure!(outcome.mismatches == 0, "seed {seed}: {} worlds differed", outcome.mismatches);
    ensure!(outcome.calm_matches > 0, "seed {seed}: no world was compared in the end");
    Ok(outcome)
}

fn check_all(seeds: impl Iterator<Item = u64>) -> Result<()> {
    let (mut attachments, mut mishaps) = (0, 0);
    for seed in seeds {
        let outcome = check(seed)?;
        attachments += outcome.attachments;
        mishaps += outcome.mishaps;
    }
    eprintln!("{attachments} connections, {mishaps} mishaps");
    ensure!(attachments > 500 && mishaps > 2_500, "there was no chaos");
    Ok(())
}

#[test]
fn ten_thousand_messages_each_way_in_a_hundred_scenarios() -> Result<()> {
    check_all((0..100).chain(SEEDS_THAT_FAILED))
}

#[test]
fn ten_thousand_messages_each_way_in_another_hundred() -> Result<()> {
    check_all(100..200)
}
