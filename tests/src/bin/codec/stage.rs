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
}

/// Sums over frames.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) frames: u64,
    pub(crate) bytes: u64,
    pub(crate) visible: u64,
    pub(crate) entered: u64,
    pub(crate) encode: Duration,
    pub(crate) decode: Duration,
    /// What was in the frames, where that is wanted.
    pub(crate) counts: Option<Counts>,
}

impl Client {
    pub(crate) fn new(number: u32, schema: &Arc<Schema>, model: &Arc<Model>) -> Self {
        Self {
            id: ClientId::new(number),
            view: ClientView::new(),
            replica: Replica::with_model(Arc::clone(schema), Arc::clone(model)),
        }
    }

    /// Composes and applies one frame.
    pub(crate) fn take(
        &mut self,
        history: &History,
        view: &View,
        tally: &mut Tally,
    ) -> anyhow::Result<()> {
        let mut bytes = Vec::with_capacity(4096);
        let input = history.newest().map(|newest| newest.tick());
        let start = Instant::now();
        let composed =
            self.view.compose(history, view, self.id, input, usize::MAX, &mut bytes);
        let composed_at = Instant::now();
        if !composed.is_frame {
            tally.frames += 1;
            return Ok(());
        }
        let info = match &mut tally.counts {
            Some(counts) => self.replica.apply_counting(&bytes, counts)?,
            None => self.replica.apply(&bytes)?,
        };
        tally.decode += composed_at.elapsed();
        tally.encode += composed_at - start;
        ensure!(info.checksum != Some(false), "the checksum matches");
        tally.frames += 1;
        tally.bytes += bytes.len() as u64;
        tally.visible += composed.visible as u64;
        tally.entered += composed.entered as u64;
        Ok(())
    }
}

impl Tally {
    /// A mean per frame.
    pub(crate) fn mean(&self, sum: u64) -> f64 {
        sum as f64 / self.frames.max(1) as f64
    }

    /// A mean time per frame, in microseconds.
    pub(crate) fn mean_us(&self, sum: Duration) -> f64 {
        sum.as_secs_f64() * 1e6 / self.frames.max(1) as f64
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
