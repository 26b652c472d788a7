//! Short-lived happenings that clients hear of.

use std::{any::TypeId, sync::Arc};

use bevy_ecs::resource::Resource;
use tickwire_shared::{
    ClientId, Protocol, Record, RecordSet, Schema, Values, replication::values::Sequence,
};

/// Who hears of an event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reach {
    /// Every client of the room.
    Everyone,
    /// Clients whose view holds this place, in codes of the position field.
    At([u32; 2]),
    /// One client.
    Client(ClientId),
}

/// Events of the tick under way, until the capture takes them.
#[derive(Resource, Debug)]
pub struct EventQueue {
    schema: Arc<Schema>,
    position: fn(TypeId) -> Option<usize>,
    events: Vec<QueuedEvent>,
}

/// An event as a snapshot holds it.
#[derive(Clone, Debug)]
pub struct QueuedEvent {
    /// Its number in the schema.
    pub number: usize,
    /// Who hears of it.
    pub reach: Reach,
    /// Its codes.
    pub codes: Vec<u32>,
    /// Its sequences.
    pub sequences: Vec<Sequence>,
}

impl EventQueue {
    /// An empty queue for the events of a game.
    pub fn of<P: Protocol>() -> Self {
        let schema = Arc::new(Schema::of::<P>());
        Self { schema, position: P::Events::position, events: Vec::new() }
    }

    /// Lets clients hear of an event. Panics where it is not one of the protocol's.
    pub fn send<E: Record>(&mut self, event: &E, reach: Reach) {
        let number = (self.position)(TypeId::of::<E>());
        let number = number.expect("an event has to be one of Protocol::Events");
        let Some(schema) = self.schema.events.get(number) else { return };
        let Values { codes, sequences } = Values::of(event, schema);
        let sequences = sequences.into_iter().map(Sequence::from).collect();
        self.events.push(QueuedEvent { number, reach, codes, sequences });
    }

    /// How many events this tick has so far.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether this tick has none so far.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    pub(super) fn take(&mut self) -> Vec<QueuedEvent> {
        std::mem::take(&mut self.events)
    }
}
