//! The world, turned into codes after each tick.

#![allow(clippy::indexing_slicing, reason = "codes are made for all rows that index them")]

use std::sync::{Arc, OnceLock};

use bevy_ecs::{query::QueryState, world::World};
use tickwire_shared::{
    ComponentSet, ComponentVisitor, FieldWriter, NetId, Protocol, RecordSchema, Replicated, Schema,
    Tick, Values,
    replication::{model::Model, values::Sequence},
};

use super::{
    audience::{Owner, Team, VisibleTo},
    budget,
    deltas::Memo,
    events::EventQueue,
    motion::{self, FineColumns},
    snapshot::{Row, Snapshot},
};

/// Turns the world into snapshots.
pub struct Capture {
    schema: Arc<Schema>,
    model: Arc<Model>,
    columns: Vec<Box<dyn Column>>,
    entities: Option<QueryState<EntityQuery>>,
    clamped: Vec<Clamped>,
    last: Option<Arc<Snapshot>>,
    /// Fine values of the last snapshot and of the one under way.
    fine: [FineColumns; 2],
    distance_max: usize,
}

type EntityQuery =
    (&'static NetId, Option<&'static Owner>, Option<&'static Team>, Option<&'static VisibleTo>);

/// How often a field's values were off their grid.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Clamped {
    /// The component.
    pub component: &'static str,
    /// The field.
    pub field: &'static str,
    /// How many values so far.
    pub count: u64,
}

impl Capture {
    /// Captures worlds of a game.
    pub fn of<P: Protocol>() -> Self {
        let schema = Arc::new(Schema::of::<P>());
        let model = Arc::new(Model::of(&schema));
        Self::with_model::<P>(schema, model)
    }

    /// The same, sharing a model made of the game's schema.
    pub fn with_model<P: Protocol>(schema: Arc<Schema>, model: Arc<Model>) -> Self {
        let mut columns = Columns { model: &model, columns: Vec::new() };
        P::Components::visit(&mut columns);
        let columns = columns.columns;
        let clamped = schema.components.iter().flat_map(|component| {
            let name = component.record.name;
            let fields = component.record.fields.iter();
            fields.map(move |field| Clamped { component: name, field: field.name, count: 0 })
        });
        let clamped = clamped.collect();
        let distance_max = usize::from(schema.tick_rate) * 2;
        let distance_max = distance_max.max(DISTANCE_MAX);
        Self {
            schema,
            model,
            columns,
            entities: None,
            clamped,
            last: None,
            fine: Default::default(),
            distance_max,
        }
    }

    /// The schema of the worlds.
    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// The codec's model of the schema, for views and replicas to share.
    pub fn model(&self) -> &Arc<Model> {
        &self.model
    }

    /// Fields whose values were off their grid, with how many there were since the beginning.
    pub fn clamped(&self) -> impl Iterator<Item = Clamped> {
        self.clamped.iter().copied().filter(|clamped| clamped.count > 0)
    }

    /// Takes the world as it is after `tick`, and the events that are queued.
    pub fn capture(&mut self, world: &mut World, tick: Tick) -> Arc<Snapshot> {
        let mut rows = Vec::new();
        let query = self.entities.get_or_insert_with(|| world.query());
        for (net_id, owner, team, visible_to) in query.iter(world) {
            let at = usize::from(net_id.index());
            if at >= rows.len() {
                rows.resize(at + 1, Row::EMPTY);
            }
            rows[at] = Row {
                generation: net_id.generation(),
                team: team.map(|team| team.0),
                owner: owner.map(|owner| owner.0),
                visible_to: visible_to.map_or(u64::MAX, |visible_to| visible_to.0),
                mask: 0,
            };
        }
        let height = rows.len();
        self.fine.swap(0, 1);
        let [fine_before, fine] = &mut self.fine;
        fine.clear(height, self.model.fine_lanes);
        let mut page = Page {
            lanes: self.model.lanes,
            codes: blank_codes(&self.model, height),
            fine,
            sequences_per_row: self.model.sequences,
            sequences: vec![Sequence::from([]); self.model.sequences * height],
            rows,
            last: self.last.as_deref(),
            clamped: &mut self.clamped,
        };
        for column in &mut self.columns {
            column.fill(world, &mut page);
        }
        let Page { mut codes, sequences, rows, .. } = page;
        let last = self.last.as_deref();
        motion::settle(&self.model, &rows, &mut codes, last, [fine_before, fine]);
        let events = world
            .get_resource_mut::<EventQueue>()
            .map(|mut queue| queue.take())
            .unwrap_or_default();
        let snapshot = Arc::new(Snapshot {
            schema: Arc::clone(&self.schema),
            model: Arc::clone(&self.model),
            tick,
            memo: Memo::new(height, self.model.groups.len(), self.distance_max),
            rows,
            codes,
            sequences,
            events_cost: budget::events_cost(&events),
            events,
            grid: OnceLock::new(),
        });
        self.last = Some(Arc::clone(&snapshot));
        snapshot
    }
}

/// Rows in which every lane has its zero.
fn blank_codes(model: &Model, height: usize) -> Vec<u32> {
    let lanes = model.groups.iter().flat_map(|group| &group.record.lanes);
    lanes.map(|lane| lane.zero).collect::<Vec<_>>().repeat(height)
}

/// Bases further back than this are not used, however fast the room ticks.
const DISTANCE_MAX: usize = 64;

/// A snapshot in the making.
struct Page<'a> {
    rows: Vec<Row>,
    lanes: usize,
    codes: Vec<u32>,
    fine: &'a mut FineColumns,
    sequences_per_row: usize,
    sequences: Vec<Sequence>,
    last: Option<&'a Snapshot>,
    clamped: &'a mut [Clamped],
}

/// The columns of one component type.
trait Column: Send + Sync {
    fn fill(&mut self, world: &mut World, page: &mut Page<'_>);
}

struct ColumnOf<C: Replicated> {
    query: Option<QueryState<(&'static NetId, &'static C)>>,
    schema: RecordSchema,
    bit: u64,
    first_lane: usize,
    first_sequence: usize,
    /// Position of its first field among all components' fields.
    first_field: usize,
    /// Its fine lanes among those of all groups.
    first_fine: usize,
    scratch: Values,
    fine: Vec<i64>,
}

impl<C: Replicated> Column for ColumnOf<C> {
    fn fill(&mut self, world: &mut World, page: &mut Page<'_>) {
        let query = self.query.get_or_insert_with(|| world.query());
        for (net_id, component) in query.iter(world) {
            let row = usize::from(net_id.index());
            page.rows[row].mask |= self.bit;
            self.scratch.clear();
            self.fine.clear();
            let mut writer =
                FieldWriter::with_fine(&self.schema, &mut self.scratch, &mut self.fine);
            component.write(&mut writer);
            let clamped = writer.clamped();
            if clamped != 0 {
                page.count_clamped(&self.schema, self.first_field, clamped, *net_id);
            }
            let first = row * page.lanes + self.first_lane;
            page.codes[first..first + self.scratch.codes.len()]
                .copy_from_slice(&self.scratch.codes);
            for (lane, fine) in self.fine.iter().enumerate() {
                page.fine.set(self.first_fine + lane, row, *fine);
            }
            for (number, sequence) in self.scratch.sequences.drain(..).enumerate() {
                let number = self.first_sequence + number;
                page.sequences[row * page.sequences_per_row + number] =
                    page.shared(number, row, net_id.generation(), sequence);
            }
        }
    }
}

impl Page<'_> {
    /// The sequence, shared with the snapshot before where it is the same.
    fn shared(&self, number: usize, row: usize, generation: u16, sequence: Vec<u32>) -> Sequence {
        self.last
            .filter(|last| last.rows.get(row).is_some_and(|row| row.generation == generation))
            .map(|last| last.sequence(number, row))
            .filter(|last| last[..] == sequence[..])
            .map_or_else(|| Sequence::from(sequence), Arc::clone)
    }

    fn count_clamped(
        &mut self,
        schema: &RecordSchema,
        first_field: usize,
        clamped: u64,
        net_id: NetId,
    ) {
        for at in (0..schema.fields.len()).filter(|at| clamped >> (*at).min(63) & 1 != 0) {
            let field = &mut self.clamped[first_field + at];
            if field.count == 0 {
                tracing::warn!(
                    entity = %net_id,
                    component = field.component,
                    field = field.field,
                    "a value is outside its declared range and was clamped; \
                     further ones of this field are only counted"
                );
            }
            field.count += 1;
        }
    }
}

/// Makes the columns of each component type.
struct Columns<'a> {
    model: &'a Model,
    columns: Vec<Box<dyn Column>>,
}

impl ComponentVisitor for Columns<'_> {
    fn component<C: Replicated>(&mut self) {
        let number = self.columns.len();
        let bit = 1u64 << number;
        let group = self.model.groups.iter().find(|group| group.mask & bit != 0);
        let group = group.expect("every component is in a group");
        let fields = || group.record.fields.iter().filter(|field| field.component == number);
        let lane = fields().filter(|field| !field.lanes.is_empty()).map(|field| field.lanes.start);
        let sequence = fields().filter_map(|field| field.sequence).min().unwrap_or(0);
        let fine = fields().filter_map(|field| field.fine).min().unwrap_or(0);
        let before = self.model.groups.iter().flat_map(|group| &group.record.fields);
        let before = before.filter(|field| field.component < number).count();
        self.columns.push(Box::new(ColumnOf::<C> {
            query: None,
            schema: RecordSchema::of::<C>(),
            bit,
            first_lane: group.first_lane + lane.min().unwrap_or(0),
            first_sequence: group.first_sequence + sequence,
            first_field: before,
            first_fine: fine,
            scratch: Values::default(),
            fine: Vec::new(),
        }));
    }
}
