//! Codec tables from a room that was watched: play a recording twice, once to a [`Survey`], once
//! to a [`Trainer`], and keep the text that comes out as the game's `Protocol::TABLES`.

use std::{collections::BTreeMap, sync::Arc};

use tickwire_shared::{
    ClientId, FrameError, Replica, Schema,
    replication::{
        model::{Archetype, Model},
        training::Counts,
    },
};

use super::{client_view::ClientView, history::History, interest::View, snapshot::Snapshot};

/// Which combinations of components there are.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    seen: BTreeMap<Archetype, u32>,
}

impl Survey {
    /// Looks at a tick.
    pub fn observe(&mut self, snapshot: &Snapshot) {
        for archetype in snapshot.archetypes() {
            *self.seen.entry(archetype).or_default() += 1;
        }
    }

    /// A trainer that tells the commonest of them apart.
    pub fn into_trainer(self, schema: &Arc<Schema>) -> Trainer {
        Trainer {
            schema: Arc::clone(schema),
            model: Arc::new(Model::with_archetypes(schema, Counts::archetypes(&self.seen))),
            history: History::with_capacity(8),
            clients: BTreeMap::new(),
            counts: Counts::new(),
        }
    }
}

/// Counts what a room's frames hold.
#[derive(Debug)]
pub struct Trainer {
    schema: Arc<Schema>,
    model: Arc<Model>,
    history: History,
    clients: BTreeMap<ClientId, (ClientView, Replica)>,
    counts: Counts,
}

impl Trainer {
    /// Sends a tick to each client, as a server would, and counts what is in the frames.
    pub fn observe(
        &mut self,
        snapshot: &Snapshot,
        views: impl Iterator<Item = (ClientId, View)>,
    ) -> Result<(), FrameError> {
        self.history.push(Arc::new(snapshot.under(&self.model)));
        let mut bytes = Vec::new();
        for (client, view) in views {
            let (sent, replica) = self.clients.entry(client).or_insert_with(|| {
                let (schema, model) = (Arc::clone(&self.schema), Arc::clone(&self.model));
                (ClientView::new(), Replica::with_model(schema, model))
            });
            bytes.clear();
            let input = Some(snapshot.tick());
            sent.compose(&self.history, &view, client, input, usize::MAX, &mut bytes);
            if !bytes.is_empty() {
                replica.apply_counting(&bytes, &mut self.counts)?;
            }
        }
        Ok(())
    }

    /// The tables, as text for `Protocol::TABLES`.
    pub fn tables(&self) -> String {
        self.counts.train(&self.model).to_text()
    }
}
