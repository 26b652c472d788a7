//! What a tick costs against clients: capture, modelling, and each client's frame.
//!
//! `cargo bench -p tickwire-tests --bench tick`. A world of ships, rocks and bullets like the
//! arena workload; `crowd` keeps its density (about 54 entities in a view) as it grows, `fixed`
//! packs 1,000 clients into the world of 200 (about 252 in a view). Items are clients: the time
//! per client and frame is the reciprocal of the throughput.

#![allow(clippy::indexing_slicing, clippy::cast_possible_truncation, reason = "a bench may panic")]

mod stage;

use std::sync::{Mutex, MutexGuard, PoisonError};

use divan::{Bencher, counter::ItemsCount};

use stage::{Stage, side_of};

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
        stage.sort();
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
