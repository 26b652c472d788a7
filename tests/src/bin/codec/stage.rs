//! Clients that take frames of a room's history, with what that costs.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::ensure;
use tickwire_server::replication::{ClientView, History, Snapshot, View};
use tickwire_shared::{
    ClientId, Replica, Schema,
    replication::{
        model::{Archetype, Model},
        training::Counts,
    },
};

/// A client and what it was sent.
pub(crate) struct Client {
    pub(crate) id: ClientId,
    pub(crate) view: ClientView,
    pub(crate) replica: Replica,
    frame: Vec<u8>,
}

/// Sums over frames.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) frames: u64,
    pub(crate) bytes: u64,
    pub(crate) visible: u64,
    pub(crate) entered: u64,
    /// Time to compose a frame in each tick, in microseconds.
    pub(crate) encode_us: Vec<f64>,
    /// Time to apply one, likewise.
    pub(crate) decode_us: Vec<f64>,
    /// What was in the frames, where that is wanted.
    pub(crate) counts: Option<Counts>,
}

impl Client {
    pub(crate) fn new(number: u32, schema: &Arc<Schema>, model: &Arc<Model>) -> Self {
        Self {
            id: ClientId::new(number),
            view: ClientView::new(),
            replica: Replica::with_model(Arc::clone(schema), Arc::clone(model)),
            frame: Vec::new(),
        }
    }
}

/// Each client takes a frame of what it views: first all are composed, then all applied, as a
/// server and its players would, with the time of each.
pub(crate) fn take_all<'a>(
    clients: impl Iterator<Item = (&'a mut Client, View)>,
    history: &History,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    let mut clients: Vec<(&mut Client, View)> = clients.collect();
    let input = history.newest().map(|newest| newest.tick());
    let start = Instant::now();
    for (client, view) in &mut clients {
        client.frame.clear();
        let Client { id, view: sent, frame, .. } = &mut **client;
        let composed = sent.compose(history, view, *id, input, usize::MAX, frame);
        tally.frames += 1;
        tally.bytes += frame.len() as u64;
        tally.visible += composed.visible as u64;
        tally.entered += composed.entered as u64;
    }
    let composed_at = Instant::now();
    // A world at rest takes no frame.
    for (client, _) in clients.iter_mut().filter(|(client, _)| !client.frame.is_empty()) {
        let info = match &mut tally.counts {
            Some(counts) => client.replica.apply_counting(&client.frame, counts)?,
            None => client.replica.apply(&client.frame)?,
        };
        ensure!(info.checksum != Some(false), "the checksum matches");
    }
    let share = |time: Duration| time.as_secs_f64() * 1e6 / clients.len().max(1) as f64;
    tally.decode_us.push(share(composed_at.elapsed()));
    tally.encode_us.push(share(composed_at - start));
    Ok(())
}

impl Tally {
    /// A mean per frame.
    pub(crate) fn mean(&self, sum: u64) -> f64 {
        sum as f64 / self.frames.max(1) as f64
    }

    /// Bytes per frame if each symbol were a code of whole bits, with the last byte filled up.
    pub(crate) fn prefix_code_bytes(&self, model: &Model) -> f64 {
        let bits = self.counts.as_ref().map_or(0, |counts| counts.prefix_code_bits(model));
        self.mean(bits) / 8.0 + 0.5
    }

    /// Prints where the bits went.
    pub(crate) fn print_bits(&self, model: &Model, schema: &Schema) {
        let Some(counts) = &self.counts else { return };
        println!("{:>8.2} bytes plain bits", self.mean(counts.flat_bits) / 8.0);
        for (name, bits) in counts.bits_by_node(model, schema).iter().take(40) {
            println!("{:>8.2} bytes {name}", bits / 8.0 / self.frames.max(1) as f64);
        }
    }
}

/// The combinations of components in a snapshot, counted.
pub(crate) fn count_archetypes(snapshot: &Snapshot, seen: &mut BTreeMap<Archetype, u32>) {
    for archetype in snapshot.archetypes() {
        *seen.entry(archetype).or_default() += 1;
    }
}

/// The middle one: what else the machine does now and then must not count.
pub(crate) fn median(times: &[f64]) -> f64 {
    let mut times = times.to_vec();
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(0.0)
}
