//! Whether a client's frame costs the same however many clients there are.
//!
//! `cargo bench -p tickwire-tests --bench flat`. The worlds of all sizes are played in turn, a few
//! ticks each, since whatever else the machine does would otherwise look like a matter of size. All
//! have about 54 entities in a view, as in the arena workload; views that reach over the world's edge,
//! of which a small world has more, are not counted. Prints the median and the least of the ticks,
//! in microseconds per client, and how both compare to the smallest world.

#![allow(clippy::indexing_slicing, clippy::cast_possible_truncation, reason = "a bench may panic")]

mod stage;

use std::time::Instant;

use stage::{Stage, Watch, side_at_density};

const SIZES: [usize; 6] = [100, 200, 500, 1000, 2000, 5000];
/// Clients of the world that is measured beside these, with about 252 entities in a view.
const CROWDED: usize = 1000;
/// How often each world gets its turn.
const TURNS: usize = 30;
/// Ticks of a turn that count.
const TICKS: usize = 4;

struct Row {
    name: String,
    clients: usize,
    stage: Stage,
    capture_us: Vec<f64>,
    frame_us: Vec<f64>,
    visible: usize,
    bytes: usize,
    frames: usize,
}

impl Row {
    fn new(name: &str, clients: usize, side: i32) -> Self {
        Self {
            name: format!("{name} {clients}"),
            clients,
            stage: Stage::new(clients, side),
            capture_us: Vec::new(),
            frame_us: Vec::new(),
            visible: 0,
            bytes: 0,
            frames: 0,
        }
    }

    /// A turn: a tick in which caches fill with this world again, and those that count.
    fn play(&mut self) {
        self.stage.simulate();
        self.stage.capture();
        self.stage.sort();
        self.stage.compose(Watch::All);
        for _ in 0..TICKS {
            self.tick();
        }
    }

    fn tick(&mut self) {
        self.stage.simulate();
        let began = Instant::now();
        self.stage.capture();
        let captured = Instant::now();
        // Whoever looks over the world's edge has less in view: it is not counted.
        self.stage.compose(Watch::Edge);
        let edges = Instant::now();
        let composed = self.stage.compose(Watch::Inside);
        let ended = Instant::now();
        let micros = |from: Instant, to: Instant| to.duration_since(from).as_secs_f64() * 1e6;
        self.capture_us.push(micros(began, captured) / self.clients as f64);
        self.frame_us.push(micros(edges, ended) / composed.clients as f64);
        self.bytes += composed.bytes;
        self.visible += composed.visible;
        self.frames += composed.clients;
    }
}

fn main() {
    let mut rows: Vec<Row> = SIZES
        .iter()
        .map(|clients| Row::new("clients", *clients, side_at_density(*clients)))
        .collect();
    rows.push(Row::new("crowded", CROWDED, side_at_density(208)));
    for _ in 0..TURNS {
        rows.iter_mut().for_each(Row::play);
    }
    println!("              visible  bytes | frame us: median  ratio    least  ratio | capture us");
    let mut first = None;
    for row in &mut rows {
        let (median, least) = middle_and_least(&mut row.frame_us);
        let (capture, _) = middle_and_least(&mut row.capture_us);
        let frames = row.frames as f64;
        let (first_median, first_least) = *first.get_or_insert((median, least));
        println!(
            "{:<13} {:>7.1} {:>6.1} | {:>16.2} {:>6.2} {:>8.2} {:>6.2} | {:>10.2}",
            row.name,
            row.visible as f64 / frames,
            row.bytes as f64 / frames,
            median,
            median / first_median,
            least,
            least / first_least,
            capture,
        );
    }
}

fn middle_and_least(times: &mut [f64]) -> (f64, f64) {
    times.sort_by(f64::total_cmp);
    (times[times.len() / 2], times[0])
}
