//! A client's copy of the part of the world that it sees.

mod entity;
mod entries;
mod events;
mod references;
mod report;
mod slot;
mod statuses;

use alloc::{collections::BTreeMap, sync::Arc, vec::Vec};

pub use self::entity::ReplicaEntity;
use self::{
    events::ReplicaEvent,
    slot::{Slot, SubEntity},
};
use super::{
    FrameError, checksum,
    frame::Header,
    model::Model,
    rans::Decoder,
    training::{CountingDecoder, Counts, FrameDecoder},
    values::Shape,
};
use crate::{
    ids::NetId,
    limits::{FRAME_SYMBOLS_MAX, SERVER_FRAME_BYTES_MAX},
    schema::{Protocol, Schema},
    tick::Tick,
};

/// What a frame said of itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FrameInfo {
    /// The tick that the replica is at now.
    pub tick: Tick,
    /// Ticks since the frame before; 0 after a fresh start.
    pub steps: u32,
    /// Whether the replica started anew.
    pub is_fresh: bool,
    /// Tick of the client's newest input that the state includes.
    pub input_applied: Option<Tick>,
    /// `Some(false)`: the replica is not what the server believes; see [`Replica::report`].
    pub checksum: Option<bool>,
}

/// A client's copy of what it sees.
///
/// After an error, or a checksum that does not match, the client sends [`Replica::report`]; the
/// server then starts anew. Until that fresh frame comes, others end in [`FrameError::NoBase`].
#[derive(Clone, Debug)]
pub struct Replica {
    schema: Arc<Schema>,
    model: Arc<Model>,
    header: Header,
    has_state: bool,
    /// Tick of the last frame that carried a sum.
    audited: Tick,
    slots: Vec<Slot>,
    /// No free slot lies below.
    lowest_free: usize,
    /// Where the view lies: new entities are placed from here.
    anchor: Vec<u32>,
    names: BTreeMap<NetId, u16>,
    events: Vec<ReplicaEvent>,
}

impl Replica {
    /// An empty replica of a world with this schema.
    pub fn new(schema: Arc<Schema>) -> Self {
        let model = Arc::new(Model::of(&schema));
        Self::with_model(schema, model)
    }

    /// The same, sharing a model that was made of `schema`.
    pub fn with_model(schema: Arc<Schema>, model: Arc<Model>) -> Self {
        Self {
            schema,
            model,
            header: Header::default(),
            has_state: false,
            audited: Tick::default(),
            slots: Vec::new(),
            lowest_free: 0,
            anchor: Vec::new(),
            names: BTreeMap::new(),
            events: Vec::new(),
        }
    }

    /// An empty replica of a game's world.
    pub fn of<P: Protocol>() -> Self {
        Self::new(Arc::new(Schema::of::<P>()))
    }

    /// The tick that the replica is at; `None` before the first frame.
    pub fn tick(&self) -> Option<Tick> {
        self.has_state.then_some(self.header.tick)
    }

    /// The entities in view, by slot.
    pub fn entities(&self) -> impl Iterator<Item = ReplicaEntity<'_>> {
        self.slots.iter().enumerate().filter(|(_, slot)| slot.is_seen()).filter_map(
            |(number, slot)| {
                let number = u16::try_from(number).ok()?;
                Some(ReplicaEntity { replica: self, slot, number })
            },
        )
    }

    /// The entity with this name, where it is in view. Names are known in games with references.
    pub fn find(&self, net_id: NetId) -> Option<ReplicaEntity<'_>> {
        let number = *self.names.get(&net_id)?;
        let slot = self.slots.get(usize::from(number))?;
        Some(ReplicaEntity { replica: self, slot, number })
    }

    /// Takes a frame in. After an error only a fresh frame is taken.
    pub fn apply(&mut self, bytes: &[u8]) -> Result<FrameInfo, FrameError> {
        let decoder = Decoder::new(bytes, FRAME_SYMBOLS_MAX);
        let result = decoder.and_then(|decoder| self.try_apply(decoder, bytes.len()));
        self.has_state &= result.is_ok();
        result
    }

    /// The same, counting the frame's symbols for training.
    pub fn apply_counting(
        &mut self,
        bytes: &[u8],
        counts: &mut Counts,
    ) -> Result<FrameInfo, FrameError> {
        let decoder = Decoder::new(bytes, FRAME_SYMBOLS_MAX)?;
        self.try_apply(CountingDecoder { decoder, counts }, bytes.len())
    }

    fn try_apply<C: FrameDecoder>(
        &mut self,
        mut decoder: C,
        length: usize,
    ) -> Result<FrameInfo, FrameError> {
        if length > SERVER_FRAME_BYTES_MAX {
            return Err(FrameError::TooLarge);
        }
        let model = Arc::clone(&self.model);
        let header = Header::default().code(&mut decoder, &model, &self.header)?;
        if header.is_fresh {
            self.slots.clear();
            self.names.clear();
            self.anchor.clear();
            self.lowest_free = 0;
        } else if !self.has_state {
            return Err(FrameError::NoBase);
        }
        self.header = header;
        self.has_state = true;
        self.events.clear();
        let mut pending = Vec::new();
        self.take_statuses(&mut decoder, &model, &mut pending)?;
        self.take_entries(&mut decoder, &model, &mut pending)?;
        if model.has_references {
            self.take_references(&mut decoder, &model, &mut pending)?;
        }
        self.take_events(&mut decoder, &model, &mut pending)?;
        self.settle(&pending)?;
        let check = decoder.finish()?;
        let tick = header.tick.get();
        if header.has_sum {
            self.audited = header.tick;
        }
        let checksum = if header.has_sum {
            Some(check == checksum::check_of_sum(self.sum(), tick))
        } else if check == checksum::check_of_tick(tick) {
            None
        } else {
            return Err(FrameError::Malformed);
        };
        let Header { tick, steps, is_fresh, input_applied, .. } = header;
        Ok(FrameInfo { tick, steps, is_fresh, input_applied, checksum })
    }

    /// Follows the entity around which the view lies, while it is in view.
    fn move_anchor(&mut self, model: &Model) {
        let slot = self.header.anchor.and_then(|slot| self.slots.get(usize::from(slot)));
        let Some(slot) = slot else { return };
        for (sub, group) in slot.groups.iter().zip(&model.groups) {
            let (Some(sub), Some(at)) = (sub, group.record.position) else { continue };
            let field = &group.record.fields[at];
            if sub.mask & field.bit() != 0 {
                self.anchor.clear();
                self.anchor.extend_from_slice(&sub.codes[field.lanes.clone()]);
                return;
            }
        }
    }

    fn sub_entities(&self) -> impl Iterator<Item = (usize, usize, &SubEntity, Shape<'_>)> {
        self.slots.iter().enumerate().flat_map(move |(number, slot)| {
            slot.groups.iter().zip(&self.model.groups).enumerate().filter_map(
                move |(group, (sub, model))| {
                    let sub = sub.as_ref()?;
                    let SubEntity { mask, archetype, .. } = *sub;
                    Some((number, group, sub, Shape { record: &model.record, mask, archetype }))
                },
            )
        })
    }

    fn sum(&self) -> u32 {
        self.sub_entities().fold(0, |sum: u32, (slot, group, sub, shape)| {
            let state = shape.hash(&sub.codes, &sub.sequences);
            sum.wrapping_add(checksum::in_slot(state, slot as u32, group as u32))
        })
    }

    /// Turns one bit of the state over, for tests of healing. `false` where there is no state.
    #[doc(hidden)]
    pub fn corrupt(&mut self, nth: usize) -> bool {
        let model = Arc::clone(&self.model);
        for slot in &mut self.slots {
            for (sub, group) in slot.groups.iter_mut().zip(&model.groups) {
                let Some(sub) = sub else { continue };
                let shape = Shape { record: &group.record, mask: sub.mask, archetype: 0 };
                let lanes: Vec<usize> =
                    shape.lasting_fields().flat_map(|field| field.lanes.clone()).collect();
                if !lanes.is_empty() {
                    sub.codes[lanes[nth % lanes.len()]] ^= 1;
                    return true;
                }
            }
        }
        false
    }
}
