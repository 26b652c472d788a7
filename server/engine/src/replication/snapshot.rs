//! The world after a tick, in codes.
//!
//! One row per `NetId` index, with a code for each lane. Row by row: whoever asks for an entity
//! asks for most of its lanes, and a column for each of them would be as many ways to memory. A
//! snapshot does not change; what is worked out from it (grid, deltas, hashes) is kept with it, at
//! most once.

#![allow(clippy::indexing_slicing, reason = "rows and lanes are checked where they come in")]

use std::sync::{Arc, OnceLock};

use tickwire_shared::{
    Audience, ClientId, NetId, Schema, Tick,
    replication::{
        model::{Archetype, Model},
        values::{Sequence, Shape},
    },
};

use super::{
    deltas::Memo,
    events::QueuedEvent,
    interest::{Grid, View},
};

/// The world after a tick, in codes.
#[derive(Debug)]
pub struct Snapshot {
    pub(super) schema: Arc<Schema>,
    pub(super) model: Arc<Model>,
    pub(super) tick: Tick,
    pub(super) rows: Vec<Row>,
    /// Row by row, a code for each lane of the model.
    pub(super) codes: Vec<u32>,
    /// Row by row, as many as the model has.
    pub(super) sequences: Vec<Sequence>,
    pub(super) events: Vec<QueuedEvent>,
    /// What it costs to tell somebody all of them, about, in 1/256 bit.
    pub(super) events_cost: u64,
    pub(super) grid: OnceLock<Grid>,
    pub(super) memo: Memo,
}

/// What is known of an entity beside its components.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Row {
    pub(super) generation: u16,
    pub(super) team: Option<u8>,
    pub(super) owner: Option<ClientId>,
    pub(super) visible_to: u64,
    /// Its components, as bits; 0 where nobody has this row.
    pub(super) mask: u64,
}

impl Row {
    pub(super) const EMPTY: Self =
        Self { generation: 0, team: None, owner: None, visible_to: u64::MAX, mask: 0 };
}

/// Who has a row, and which of its groups everybody may see: all that most clients need to know
/// of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tenancy {
    pub(super) generation: u16,
    open: u16,
}

impl Tenancy {
    pub(super) fn of(row: &Row, model: &Model) -> Self {
        let groups = model.groups.iter().take(u16::BITS as usize).enumerate();
        let open = groups.filter(|(_, group)| {
            group.audience == Audience::Everyone
                && row.visible_to == u64::MAX
                && row.mask & group.mask != 0
        });
        let open = open.fold(0, |open, (number, _)| open | 1 << number);
        Self { generation: row.generation, open }
    }

    /// Whether everybody who has the entity in view sees this group of it.
    pub(super) fn is_open(self, group: usize) -> bool {
        group < u16::BITS as usize && self.open >> group & 1 != 0
    }
}

impl Snapshot {
    /// The tick after which the world was like this.
    pub fn tick(&self) -> Tick {
        self.tick
    }

    /// The schema of the world.
    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// Whether there is nothing in this world that was not in that one.
    pub(crate) fn is_same_as(&self, before: &Self) -> bool {
        self.events.is_empty()
            && self.rows == before.rows
            && self.codes == before.codes
            && self.sequences == before.sequences
    }

    /// How many entities there are.
    pub fn len(&self) -> usize {
        self.rows.iter().filter(|row| row.mask != 0).count()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The entities' names.
    pub fn net_ids(&self) -> impl Iterator<Item = NetId> {
        self.rows
            .iter()
            .enumerate()
            .filter(|(_, row)| row.mask != 0)
            .filter_map(|(at, row)| Some(NetId::new(u16::try_from(at).ok()?, row.generation)))
    }

    /// Codes and sequences of a component, by its number in the schema.
    pub fn component(&self, net_id: NetId, number: usize) -> Option<(Vec<u32>, Vec<Vec<u32>>)> {
        let row = usize::from(net_id.index());
        let tenant = self.rows.get(row)?;
        let bit = 1u64.checked_shl(u32::try_from(number).ok()?)?;
        if tenant.generation != net_id.generation() || tenant.mask & bit == 0 {
            return None;
        }
        let group = self.model.groups.iter().find(|group| group.mask & bit != 0)?;
        let (mut codes, mut sequences) = (Vec::new(), Vec::new());
        for field in group.record.fields.iter().filter(|field| field.component == number) {
            codes.extend(field.lanes.clone().map(|lane| self.code(group.first_lane + lane, row)));
            sequences.extend(
                field.sequence.map(|at| self.sequence(group.first_sequence + at, row).to_vec()),
            );
        }
        Some((codes, sequences))
    }

    /// A sum over the whole world, for recordings and replays.
    pub fn checksum(&self) -> u64 {
        let mut sum = u64::from(self.tick.get());
        for (at, row) in self.rows.iter().enumerate().filter(|(_, row)| row.mask != 0) {
            let name = (at as u64) << 16 | u64::from(row.generation);
            sum = (sum.rotate_left(7) ^ name ^ row.mask).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            for lane in 0..self.model.lanes {
                let code = u64::from(self.code(lane, at));
                sum = (sum.rotate_left(7) ^ code).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            }
            for number in 0..self.model.sequences {
                let sequence = self.sequence(number, at);
                sum = (sum.rotate_left(7) ^ sequence.len() as u64)
                    .wrapping_mul(0x9e37_79b9_7f4a_7c15);
                for code in sequence.iter() {
                    sum =
                        (sum.rotate_left(7) ^ u64::from(*code)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                }
            }
        }
        sum
    }

    pub(super) fn code(&self, lane: usize, row: usize) -> u32 {
        self.codes[row * self.model.lanes + lane]
    }

    pub(super) fn sequence(&self, number: usize, row: usize) -> &Sequence {
        &self.sequences[row * self.model.sequences + number]
    }

    /// The row, where it is still the tenant of that generation.
    pub(super) fn tenant(&self, row: u16, generation: u16) -> Option<&Row> {
        self.rows
            .get(usize::from(row))
            .filter(|tenant| tenant.generation == generation && tenant.mask != 0)
    }

    /// The components of a group that an entity has.
    pub(super) fn mask(&self, row: usize, group: usize) -> u64 {
        self.rows.get(row).map_or(0, |row| row.mask & self.model.groups[group].mask)
    }

    pub(super) fn shape(&self, row: usize, group: usize) -> Shape<'_> {
        let mask = self.mask(row, group);
        let archetype = self.model.archetype(group, mask);
        Shape { record: &self.model.groups[group].record, mask, archetype }
    }

    /// Copies an entity's state of a group.
    pub(super) fn gather(&self, row: usize, group: usize, into: &mut State) {
        let group = &self.model.groups[group];
        let from = row * self.model.lanes + group.first_lane;
        into.codes.clear();
        into.codes.extend_from_slice(&self.codes[from..from + group.record.lanes.len()]);
        let from = row * self.model.sequences + group.first_sequence;
        into.sequences.clear();
        into.sequences.extend_from_slice(&self.sequences[from..from + group.record.sequences]);
    }

    pub(super) fn grid(&self) -> &Grid {
        self.grid.get_or_init(|| Grid::of(self))
    }

    /// Whether a client may see an entity's group, wherever it is.
    pub(super) fn may_see(&self, row: usize, group: usize, client: ClientId, view: &View) -> bool {
        let tenant = &self.rows[row];
        tenant.mask & self.model.groups[group].mask != 0
            && tenant.visible_to & view.mask != 0
            && match self.model.groups[group].audience {
                Audience::Everyone => true,
                Audience::Owner => tenant.owner == Some(client),
                Audience::Team => tenant.team.is_some() && tenant.team == view.team,
                Audience::Rule(rule) => {
                    1u32.checked_shl(u32::from(rule)).is_some_and(|bit| view.rules & bit != 0)
                }
            }
    }
}

/// An entity's state of a group, out of its columns.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub(super) codes: Vec<u32>,
    pub(super) sequences: Vec<Sequence>,
}

impl Snapshot {
    /// The combination of components of each entity's groups, for training.
    pub fn archetypes(&self) -> impl Iterator<Item = Archetype> {
        self.rows.iter().flat_map(|row| {
            self.model.groups.iter().enumerate().filter_map(|(group, model)| {
                let mask = row.mask & model.mask;
                (mask != 0).then_some(Archetype { group, mask })
            })
        })
    }
}

impl Snapshot {
    /// The same world under another model of its schema; nothing is worked out from it yet.
    pub(super) fn under(&self, model: &Arc<Model>) -> Self {
        Self {
            schema: Arc::clone(&self.schema),
            model: Arc::clone(model),
            tick: self.tick,
            rows: self.rows.clone(),
            codes: self.codes.clone(),
            sequences: self.sequences.clone(),
            events: self.events.clone(),
            events_cost: self.events_cost,
            grid: OnceLock::new(),
            memo: Memo::new(self.rows.len(), model.groups.len(), BASES),
        }
    }
}

/// How far back a trainer's bases reach: its clients take every frame, or nearly.
const BASES: usize = 16;
