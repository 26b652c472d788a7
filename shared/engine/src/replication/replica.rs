//! A client's copy of the part of the world that it sees.

use alloc::{collections::BTreeMap, sync::Arc, vec::Vec};

use super::{
    FrameError, checksum,
    coder::Coder,
    frame::{Entry, HISTORY_ON_ENTRY, Header, Status},
    model::Model,
    rans::Decoder,
    training::{CountingDecoder, Counts, FrameDecoder},
    values::{Past, Present, Sequence, Shape},
};
use crate::{
    ids::NetId,
    limits::{
        ENTITIES_MAX, EVENTS_PER_FRAME_MAX, FRAME_SYMBOLS_MAX, REPLICA_CODES_MAX,
        REPLICA_SEQUENCE_CODES_MAX, REPORT_BYTES_MAX, SERVER_FRAME_BYTES_MAX,
    },
    record::{FieldReader, Record},
    schema::{FieldKind, Protocol, RecordSchema, Replicated, Schema},
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

/// Where an entity is kept while it is in view.
#[derive(Clone, Debug, Default)]
struct Slot {
    net_id: Option<NetId>,
    groups: Vec<Option<SubEntity>>,
    is_taken: bool,
}

/// An entity's state of one group.
#[derive(Clone, Debug)]
struct SubEntity {
    mask: u64,
    archetype: usize,
    entered: Tick,
    /// Tick of `codes`.
    base: Tick,
    /// How far before that `previous` is; 0: there is none.
    gap: u32,
    codes: Vec<u32>,
    previous: Vec<u32>,
    sequences: Vec<Sequence>,
    /// Where the next state is made.
    next: Vec<u32>,
    next_sequences: Vec<Sequence>,
    history: u8,
}

#[derive(Clone, Debug)]
struct ReplicaEvent {
    number: usize,
    tick: Tick,
    codes: Vec<u32>,
    sequences: Vec<Sequence>,
}

/// References, to be looked up once the frame's entities are all known.
enum Pending {
    Entity { slot: usize, group: usize, lane: usize, target: u32 },
    Event { number: usize, lane: usize, target: u32 },
}

/// An entity as a replica has it.
#[derive(Clone, Copy, Debug)]
pub struct ReplicaEntity<'a> {
    replica: &'a Replica,
    slot: &'a Slot,
    number: u16,
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

    /// Events of type `E` of the last frame, oldest first, each with its tick.
    pub fn events<E: Record>(&self) -> impl Iterator<Item = (Tick, E)> {
        let number = self.schema.events.iter().position(|event| event.name == E::NAME);
        self.events.iter().filter(move |event| Some(event.number) == number).map(|event| {
            let schema = &self.schema.events[event.number];
            let sequences: Vec<Vec<u32>> =
                event.sequences.iter().map(|sequence| sequence.to_vec()).collect();
            let mut reader = FieldReader::new(schema, &event.codes, &sequences);
            (event.tick, E::read(&mut reader))
        })
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

    fn take_statuses<C: Coder>(
        &mut self,
        decoder: &mut C,
        model: &Model,
        pending: &mut Vec<Pending>,
    ) -> Result<(), FrameError> {
        let tick = self.header.tick;
        for slot in 0..self.slots.len() {
            for (number, group) in model.groups.iter().enumerate() {
                let Some(sub) = &mut self.slots[slot].groups.get_mut(number) else { continue };
                let Some(entity) = sub.as_mut() else { continue };
                let context =
                    usize::from(entity.history) + 4 * usize::from(self.header.has_deferred);
                let at = group.status.at(entity.archetype, context);
                let status = Status::from_code(decoder.symbol(model, at, 0)?)?;
                let shape =
                    Shape { record: &group.record, mask: entity.mask, archetype: entity.archetype };
                match status {
                    Status::Exact => entity.advance(tick, |past, mut present| {
                        shape.predict(past, &mut present);
                        Ok(())
                    })?,
                    Status::Changed => entity.advance(tick, |past, mut present| {
                        shape.code_update(decoder, model, past, &mut present)
                    })?,
                    Status::Leave => **sub = None,
                    Status::Reset => {
                        let fresh =
                            self.take_sub_entity(decoder, model, slot, Some(number), pending)?;
                        self.slots[slot].groups[number] = Some(fresh.1);
                        continue;
                    }
                    Status::Deferred => {}
                }
                if let Some(entity) = sub.as_mut() {
                    entity.history = status.after(entity.history);
                }
            }
        }
        self.move_anchor(model);
        Ok(())
    }

    fn take_entries<C: Coder>(
        &mut self,
        decoder: &mut C,
        model: &Model,
        pending: &mut Vec<Pending>,
    ) -> Result<(), FrameError> {
        let mut count = 0;
        let mut slot = None;
        let kept_codes: usize = self.slots.iter().filter(|slot| slot.is_taken).count();
        let mut codes = 3 * kept_codes * model.lanes;
        loop {
            let at = model.frame.entry.at(0, count.min(3));
            match Entry::from_code(decoder.symbol(model, at, 0)?)? {
                Entry::End => break,
                Entry::New => {
                    let free = self.take_slot(model)?;
                    if model.has_references {
                        let index = decoder.unsigned(model, model.frame.index.at(0, 0), 0)?;
                        let generation =
                            decoder.unsigned(model, model.frame.generation.at(0, 0), 0)?;
                        let net_id = NetId::new(short(index)?, short(generation)?);
                        self.slots[free].net_id = Some(net_id);
                        self.names.insert(net_id, short(free as u32)?);
                    }
                    slot = Some(free);
                }
                Entry::Further => {}
                Entry::Known => slot = Some(decoder.bits(0, 16)? as usize),
            }
            let slot = slot.ok_or(FrameError::Malformed)?;
            if !self.slots.get(slot).is_some_and(|slot| slot.is_taken) {
                return Err(FrameError::Malformed);
            }
            let (group, entity) = self.take_sub_entity(decoder, model, slot, None, pending)?;
            codes += 3 * entity.codes.len();
            if codes > REPLICA_CODES_MAX {
                return Err(FrameError::TooLarge);
            }
            let place = &mut self.slots[slot].groups[group];
            if place.is_some() {
                return Err(FrameError::Malformed);
            }
            *place = Some(entity);
            self.move_anchor(model);
            count += 1;
        }
        // Updates make texts and lists longer, too.
        if model.sequences > 0 {
            let subs = self.slots.iter().flat_map(|slot| slot.groups.iter().flatten());
            let total: usize =
                subs.flat_map(|sub| &sub.sequences).map(|sequence| sequence.len()).sum();
            if total > REPLICA_SEQUENCE_CODES_MAX {
                return Err(FrameError::TooLarge);
            }
        }
        // Slots left in this frame are free from the next on.
        for slot in &mut self.slots {
            if slot.is_taken && !slot.is_seen() {
                slot.is_taken = false;
                if let Some(net_id) = slot.net_id.take() {
                    self.names.remove(&net_id);
                }
            }
        }
        self.lowest_free = 0;
        Ok(())
    }

    /// The lowest free slot.
    fn take_slot(&mut self, model: &Model) -> Result<usize, FrameError> {
        while self.slots.get(self.lowest_free).is_some_and(|slot| slot.is_taken) {
            self.lowest_free += 1;
        }
        if self.lowest_free >= ENTITIES_MAX {
            return Err(FrameError::TooLarge);
        }
        if self.lowest_free == self.slots.len() {
            let groups = alloc::vec![None; model.groups.len()];
            self.slots.push(Slot { net_id: None, groups, is_taken: false });
        }
        self.slots[self.lowest_free].is_taken = true;
        Ok(self.lowest_free)
    }

    /// The whole state of a sub-entity, and its group.
    fn take_sub_entity<C: Coder>(
        &mut self,
        decoder: &mut C,
        model: &Model,
        slot: usize,
        expected: Option<usize>,
        pending: &mut Vec<Pending>,
    ) -> Result<(usize, SubEntity), FrameError> {
        let (number, mask) = super::entry::code_shape(decoder, model, 0, 0)?;
        if expected.is_some_and(|expected| expected != number) {
            return Err(FrameError::Malformed);
        }
        let record = &model.groups[number].record;
        let archetype = model.archetype(number, mask);
        let shape = Shape { record, mask, archetype };
        let mut codes: Vec<u32> = record.lanes.iter().map(|lane| lane.zero).collect();
        let mut sequences = alloc::vec![Sequence::from([]); record.sequences];
        let mut present = Present { codes: &mut codes, sequences: &mut sequences };
        shape.code_position(decoder, model, &self.anchor, &mut present)?;
        shape.code_entry(decoder, model, &mut present)?;
        for lane in shape.references() {
            let target = decoder.unsigned(model, model.frame.target.at(0, 0), 0)?;
            pending.push(Pending::Entity { slot, group: number, lane, target });
        }
        let entity = SubEntity {
            mask,
            archetype,
            entered: self.header.tick,
            base: self.header.tick,
            gap: 0,
            previous: codes.clone(),
            next: codes.clone(),
            next_sequences: sequences.clone(),
            codes,
            sequences,
            history: HISTORY_ON_ENTRY,
        };
        Ok((number, entity))
    }

    /// References of known entities that now mean another.
    fn take_references<C: Coder>(
        &self,
        decoder: &mut C,
        model: &Model,
        pending: &mut Vec<Pending>,
    ) -> Result<(), FrameError> {
        while decoder.flag(model, model.frame.reference.at(0, 0), false)? {
            let slot = decoder.bits(0, 16)? as usize;
            let group = decoder.symbol(model, model.frame.group.at(0, 0), 0)? as usize;
            let lane = decoder.bits(0, 8)? as usize;
            let target = decoder.unsigned(model, model.frame.target.at(0, 0), 0)?;
            let sub = self.slots.get(slot).and_then(|slot| slot.groups.get(group)?.as_ref());
            let record = model.groups.get(group).map(|group| &group.record);
            let (Some(sub), Some(record)) = (sub, record) else {
                return Err(FrameError::Malformed);
            };
            let shape = Shape { record, mask: sub.mask, archetype: sub.archetype };
            if !shape.references().any(|own| own == lane) {
                return Err(FrameError::Malformed);
            }
            pending.push(Pending::Entity { slot, group, lane, target });
        }
        Ok(())
    }

    fn take_events<C: Coder>(
        &mut self,
        decoder: &mut C,
        model: &Model,
        pending: &mut Vec<Pending>,
    ) -> Result<(), FrameError> {
        let ticks = self.header.event_ticks();
        loop {
            let at = model.frame.event.at(0, self.events.len().min(3));
            let kind = decoder.symbol(model, at, 0)? as usize;
            let Some(number) = kind.checked_sub(1) else { return Ok(()) };
            if self.events.len() == EVENTS_PER_FRAME_MAX {
                return Err(FrameError::TooLarge);
            }
            let age =
                if ticks > 1 { decoder.unsigned(model, model.frame.age.at(0, 0), 0)? } else { 0 };
            if age >= ticks {
                return Err(FrameError::OutOfRange);
            }
            let record = &model.events[number];
            let shape = Shape { record, mask: u64::MAX, archetype: 0 };
            let mut codes: Vec<u32> = record.lanes.iter().map(|lane| lane.zero).collect();
            let mut sequences = alloc::vec![Sequence::from([]); record.sequences];
            let mut present = Present { codes: &mut codes, sequences: &mut sequences };
            shape.code_position(decoder, model, &self.anchor, &mut present)?;
            shape.code_entry(decoder, model, &mut present)?;
            for lane in shape.references() {
                let target = decoder.unsigned(model, model.frame.target.at(0, 0), 0)?;
                pending.push(Pending::Event { number: self.events.len(), lane, target });
            }
            let tick = self.header.tick.minus(age);
            self.events.push(ReplicaEvent { number, tick, codes, sequences });
        }
    }

    /// Puts names where the frame named slots.
    fn settle(&mut self, pending: &[Pending]) -> Result<(), FrameError> {
        let name = |slots: &[Slot], target: u32| match target.checked_sub(1) {
            None => Ok(NetId::NONE.to_bits()),
            Some(slot) => slots
                .get(slot as usize)
                .and_then(|slot| slot.net_id)
                .map(NetId::to_bits)
                .ok_or(FrameError::Malformed),
        };
        for reference in pending {
            match *reference {
                Pending::Entity { slot, group, lane, target } => {
                    let bits = name(&self.slots, target)?;
                    let sub = self.slots.get_mut(slot).and_then(|slot| slot.groups[group].as_mut());
                    sub.ok_or(FrameError::Malformed)?.codes[lane] = bits;
                }
                Pending::Event { number, lane, target } => {
                    self.events[number].codes[lane] = name(&self.slots, target)?;
                }
            }
        }
        Ok(())
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

    /// What the replica holds, for the server to say where it differs. As much as fits, from a
    /// slot on that changes with the tick. See [`super`] for the format.
    pub fn report(&self) -> Vec<u8> {
        let mut out = Vec::new();
        push_varint(&mut out, self.audited.get());
        push_varint(&mut out, self.header.tick.get());
        // The server only remembers who had which slot at the last sum.
        let all: Vec<_> = self
            .sub_entities()
            .filter(|(_, _, sub, _)| !sub.entered.is_newer_than(self.audited))
            .collect();
        let first = self.header.tick.get() as usize % all.len().max(1);
        for (slot, group, sub, shape) in all[first..].iter().chain(&all[..first]) {
            let mut part = Vec::new();
            let age = self.header.tick.since(sub.base).unsigned_abs();
            let mask = [sub.mask as u32, (sub.mask >> 32) as u32];
            for number in [*slot as u32, *group as u32, age].into_iter().chain(mask) {
                push_varint(&mut part, number);
            }
            for field in shape.lasting_fields() {
                sub.codes[field.lanes.clone()]
                    .iter()
                    .for_each(|code| push_varint(&mut part, *code));
                if let Some(at) = field.sequence {
                    push_varint(&mut part, sub.sequences[at].len() as u32);
                    sub.sequences[at].iter().for_each(|code| push_varint(&mut part, *code));
                }
            }
            if out.len() + part.len() > REPORT_BYTES_MAX {
                break;
            }
            out.extend(part);
        }
        out
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

impl Slot {
    fn is_seen(&self) -> bool {
        self.groups.iter().any(Option::is_some)
    }
}

impl SubEntity {
    /// Makes the state of `tick` of the one at the base.
    fn advance(
        &mut self,
        tick: Tick,
        make: impl FnOnce(Past<'_>, Present<'_>) -> Result<(), FrameError>,
    ) -> Result<(), FrameError> {
        let steps = tick.since(self.base).unsigned_abs();
        let past = Past {
            codes: &self.codes,
            previous: (self.gap == steps).then_some(&*self.previous),
            sequences: &self.sequences,
            steps,
        };
        make(past, Present { codes: &mut self.next, sequences: &mut self.next_sequences })?;
        // The buffers change places: what was the state before is the next to be written.
        core::mem::swap(&mut self.previous, &mut self.next);
        core::mem::swap(&mut self.previous, &mut self.codes);
        core::mem::swap(&mut self.sequences, &mut self.next_sequences);
        self.base = tick;
        self.gap = steps;
        Ok(())
    }
}

impl ReplicaEntity<'_> {
    /// The slot that it has in this replica.
    pub fn slot(&self) -> u16 {
        self.number
    }

    /// Its name, in games with references.
    pub fn net_id(&self) -> Option<NetId> {
        self.slot.net_id
    }

    /// One of its components, where it has it and this client may see it.
    pub fn get<C: Replicated>(&self) -> Option<C> {
        let (number, schema) = self
            .replica
            .schema
            .components
            .iter()
            .enumerate()
            .find(|(_, component)| component.record.name == C::NAME)
            .map(|(number, component)| (number, &component.record))?;
        let (codes, sequences) = self.component(number, schema)?;
        Some(C::read(&mut FieldReader::new(schema, &codes, &sequences)))
    }

    /// Codes and sequences of a component, references to what is not in view read as none.
    pub fn component(
        &self,
        number: usize,
        schema: &RecordSchema,
    ) -> Option<(Vec<u32>, Vec<Vec<u32>>)> {
        let model = &self.replica.model;
        let bit = 1u64 << number;
        let group = model.groups.iter().position(|group| group.mask & bit != 0)?;
        let sub = self.slot.groups.get(group)?.as_ref().filter(|sub| sub.mask & bit != 0)?;
        let record = &model.groups.get(group)?.record;
        let (mut codes, mut sequences) = (Vec::new(), Vec::new());
        for field in record.fields.iter().filter(|field| field.component == number) {
            let is_reference = schema.fields[field.field].kind == FieldKind::Reference;
            for code in &sub.codes[field.lanes.clone()] {
                let is_hidden =
                    is_reference && !self.replica.names.contains_key(&NetId::from_bits(*code));
                codes.push(if is_hidden { NetId::NONE.to_bits() } else { *code });
            }
            sequences.extend(field.sequence.map(|at| sub.sequences[at].to_vec()));
        }
        Some((codes, sequences))
    }
}

fn short(number: u32) -> Result<u16, FrameError> {
    u16::try_from(number).map_err(|_| FrameError::OutOfRange)
}

/// Seven bits a byte, lowest first; the top bit says that more follow.
fn push_varint(out: &mut Vec<u8>, mut number: u32) {
    while number > 0x7f {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}
