//! What the codec knows of a game: groups, fields, and which table codes what.
//!
//! Made from a [`Schema`] alone, so that both ends have the same. A *node* is a place in the
//! format that is coded with tables; it has one table per context, and where it belongs to an
//! entity, one set of contexts per *archetype*. Archetype 0 stands for every combination of
//! components that is not in the dictionary. Tables are numbered node by node in the order in
//! which the nodes are made here; that number is what [`Model::table`] takes.

use alloc::{collections::BTreeMap, format, string::String, vec::Vec};
use core::ops::Range;

use super::{
    defaults,
    field::{FieldModel, FieldPlace},
    frame::FrameNodes,
    motion::MotionModel,
    table::Table,
    trained::Trained,
};
use crate::schema::{Audience, FieldKind, Lane, Predictor, RecordSchema, Schema};

/// What the codec knows of a game.
#[derive(Clone, Debug)]
pub struct Model {
    /// Components that share an audience, in order of their first component.
    pub groups: Vec<Group>,
    /// Events, in the schema's order.
    pub events: Vec<RecordModel>,
    /// Known combinations of components; the first is number 1.
    pub archetypes: Vec<Archetype>,
    /// Whether entities need their names on the client: some field refers to them.
    pub has_references: bool,
    /// Nodes of the frame around the entities.
    pub frame: FrameNodes,
    /// Lanes of all groups together.
    pub lanes: usize,
    /// Sequences of all groups together.
    pub sequences: usize,
    /// Lanes of fine fields of all groups together.
    pub fine_lanes: usize,
    /// All nodes, and whether each has contexts per archetype.
    nodes: Vec<(Node, bool)>,
    tables: Vec<Table>,
    /// Number of a table, by number of place.
    places: Vec<u16>,
}

/// A visibility group.
#[derive(Clone, Debug)]
pub struct Group {
    /// Who sees it.
    pub audience: Audience,
    /// Its components, as bits of an entity's mask.
    pub mask: u64,
    /// Its fields, component by component.
    pub record: RecordModel,
    /// Where its lanes begin among those of all groups.
    pub first_lane: usize,
    /// Where its sequences begin among those of all groups.
    pub first_sequence: usize,
    /// Node: exact, changed, leave, reset or deferred. Context: see [`super::frame`].
    pub status: Node,
}

/// Fields that are coded together.
#[derive(Clone, Debug)]
pub struct RecordModel {
    /// The fields.
    pub fields: Vec<FieldModel>,
    /// Positions in `fields`, in the order of coding: velocities before what they move.
    pub order: Vec<usize>,
    /// All lanes.
    pub lanes: Vec<Lane>,
    /// How many fields are sequences.
    pub sequences: usize,
    /// The field that places the entity, with the node of each axis.
    pub position: Option<usize>,
    /// Whether a field refers to an entity.
    pub has_references: bool,
}

/// A combination of components of a group.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Archetype {
    /// Which group.
    pub group: usize,
    /// Its components, as bits.
    pub mask: u64,
}

/// Places in the format that are coded with tables of one alphabet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Node {
    /// Number of its first place.
    pub first: usize,
    /// Places per archetype.
    pub contexts: usize,
}

impl Node {
    /// The place for an archetype and a context; archetype 0 where the node has none.
    pub fn at(self, archetype: usize, context: usize) -> usize {
        debug_assert!(context < self.contexts);
        self.first + archetype * self.contexts + context
    }
}

impl Model {
    /// The model of a schema. Panics, at start, where the schema asks for what is not supported
    /// or its tables are not its own.
    pub fn of(schema: &Schema) -> Self {
        if schema.tables.is_empty() {
            return Self::with_archetypes(schema, Vec::new());
        }
        let trained = Trained::parse(schema.tables)
            .expect("the protocol's tables are text that the codec tool wrote");
        let mut model = Self::with_archetypes(schema, trained.archetypes);
        model
            .replace_tables(trained.tables, trained.places)
            .expect("the protocol's tables were trained on this schema; train them again");
        model
    }

    /// An untrained model that tells the given archetypes apart.
    pub fn with_archetypes(schema: &Schema, archetypes: Vec<Archetype>) -> Self {
        let mut nodes = Nodes { archetypes: archetypes.len() + 1, ..Nodes::default() };
        let frame = FrameNodes::new(&mut nodes, archetypes.len(), schema);
        let mut groups: Vec<Group> = Vec::new();
        let (mut lanes, mut sequences) = (0, 0);
        for component in &schema.components {
            let audience = component.audience;
            if groups.iter().any(|group| group.audience == audience) {
                continue;
            }
            let members = schema
                .components
                .iter()
                .enumerate()
                .filter(|(_, component)| component.audience == audience)
                .map(|(number, component)| (number, &component.record));
            let mask = members.clone().fold(0, |mask, (number, _)| mask | 1 << number);
            let record = RecordModel::new(members, &mut nodes, &frame, Some(schema.tick_rate));
            let status = nodes.per_archetype(defaults::STATUS_CONTEXTS, defaults::status);
            let (first_lane, first_sequence) = (lanes, sequences);
            lanes += record.lanes.len();
            sequences += record.sequences;
            groups.push(Group { audience, mask, record, first_lane, first_sequence, status });
        }
        let events: Vec<RecordModel> = schema
            .events
            .iter()
            .map(|event| RecordModel::new([(0, event)].into_iter(), &mut nodes, &frame, None))
            .collect();
        let has_references = groups.iter().map(|group| &group.record).chain(&events);
        let has_references = has_references.into_iter().any(|record| record.has_references);
        let Nodes { tables, places, all: nodes, fine_lanes, .. } = nodes;
        let mut ordered = alloc::vec![None; tables.len()];
        for (table, number) in tables {
            if let Some(slot) = ordered.get_mut(usize::from(number)) {
                *slot = Some(table);
            }
        }
        let tables = ordered.into_iter().flatten().collect();
        Self {
            groups,
            events,
            archetypes,
            has_references,
            frame,
            lanes,
            sequences,
            fine_lanes,
            nodes,
            tables,
            places,
        }
    }

    /// The table of a place.
    pub fn table(&self, at: usize) -> &Table {
        &self.tables[usize::from(self.places[at])]
    }

    /// All tables.
    pub fn tables(&self) -> &[Table] {
        &self.tables
    }

    /// For each place, its table's position in [`Model::tables`].
    pub fn places(&self) -> &[u16] {
        &self.places
    }

    /// All nodes, and whether each has contexts per archetype.
    pub fn nodes(&self) -> &[(Node, bool)] {
        &self.nodes
    }

    /// What a node codes, in words.
    pub fn name_of(&self, node: Node, schema: &Schema) -> String {
        for (number, group) in self.groups.iter().enumerate() {
            if group.status == node {
                return format!("group {number}: status");
            }
        }
        let groups = self.groups.iter().flat_map(|group| &group.record.fields);
        let entities = groups.map(|field| (field, schema.components.get(field.component)));
        let entities = entities.filter_map(|(field, owner)| Some((field, &owner?.record)));
        let events = self.events.iter().zip(&schema.events);
        let events =
            events.flat_map(|(event, owner)| event.fields.iter().map(move |field| (field, owner)));
        for (field, owner) in entities.chain(events) {
            let name = owner.fields.get(field.field).map_or("", |field| field.name);
            let lane = |nodes: &[Node]| nodes.iter().position(|own| *own == node);
            let part = if field.changed == node {
                String::from("changed")
            } else if let Some(lane) = lane(&field.updates) {
                format!("update {lane}")
            } else if let Some(lane) = lane(&field.enters) {
                format!("entry {lane}")
            } else if let Some(motion) = &field.motion
                && (motion.precision == node || motion.rates.contains(&node))
            {
                String::from("motion")
            } else {
                continue;
            };
            return format!("{}.{name}: {part}", owner.name);
        }
        format!("frame: node at {}", node.first)
    }

    /// Puts trained tables in; `None` where they don't fit.
    pub fn replace_tables(&mut self, tables: Vec<Table>, places: Vec<u16>) -> Option<()> {
        let fits = places.len() == self.places.len()
            && places.iter().enumerate().all(|(at, number)| {
                tables
                    .get(usize::from(*number))
                    .is_some_and(|table| table.alphabet() == self.table(at).alphabet())
            });
        fits.then(|| (self.tables, self.places) = (tables, places))
    }

    /// Number of an entity's archetype: 0 where the dictionary has none.
    pub fn archetype(&self, group: usize, mask: u64) -> usize {
        let archetype = Archetype { group, mask };
        self.archetypes.iter().position(|known| *known == archetype).map_or(0, |at| at + 1)
    }
}

impl RecordModel {
    fn new<'a>(
        members: impl Iterator<Item = (usize, &'a RecordSchema)> + Clone,
        nodes: &mut Nodes,
        frame: &FrameNodes,
        tick_rate: Option<u16>,
    ) -> Self {
        let visible: usize = members.clone().map(|(_, schema)| schema.lanes().len()).sum();
        let mut hidden = Vec::new();
        let mut record = Self {
            fields: Vec::new(),
            order: Vec::new(),
            lanes: Vec::new(),
            sequences: 0,
            position: None,
            has_references: false,
        };
        for (component, schema) in members {
            let lanes = schema.lanes();
            let first_lane = record.lanes.len();
            let first_field = record.fields.len();
            for (at, field) in schema.fields.iter().enumerate() {
                let own = lanes.iter().enumerate().filter(|(_, lane)| lane.field == at);
                let own = own.map(|(number, _)| first_lane + number);
                let range = own.clone().min().map_or(0..0, |first| first..first + own.count());
                let sequence = field.kind.is_sequence().then_some(record.sequences);
                record.sequences += usize::from(sequence.is_some());
                if field.is_position && record.position.is_none() {
                    record.position = Some(record.fields.len());
                }
                record.has_references |= field.kind == FieldKind::Reference;
                let count = range.len();
                let is_fine = field.is_fine && tick_rate.is_some();
                let moves = is_fine && field.predictor != Predictor::Hold;
                let first_hidden = moves.then_some(visible + hidden.len());
                if moves {
                    hidden.extend(MotionModel::lanes(at, count));
                }
                let fine = is_fine.then_some(nodes.fine_lanes);
                nodes.fine_lanes += if is_fine { count } else { 0 };
                let place = FieldPlace {
                    component,
                    schema,
                    field: at,
                    first_lane,
                    lanes: range,
                    sequence,
                    hidden: first_hidden,
                    fine,
                    tick_rate: tick_rate.unwrap_or_default(),
                    is_entity: tick_rate.is_some(),
                    text: (frame.text_high, frame.text_low),
                };
                record.fields.push(FieldModel::new(place, nodes));
            }
            record.lanes.extend(lanes);
            let (first, second): (Vec<usize>, Vec<usize>) = (first_field..record.fields.len())
                .partition(|at| {
                    record.fields.get(*at).is_some_and(|field| !field.needs_velocity())
                });
            record.order.extend(first.into_iter().chain(second));
        }
        record.lanes.extend(hidden);
        record
    }

    /// The lanes of a field.
    pub fn lanes_of(&self, lanes: &Range<usize>) -> &[Lane] {
        &self.lanes[lanes.clone()]
    }
}

/// Hands out places while a model is made.
#[derive(Default)]
pub(super) struct Nodes {
    archetypes: usize,
    all: Vec<(Node, bool)>,
    fine_lanes: usize,
    tables: BTreeMap<Table, u16>,
    places: Vec<u16>,
}

impl Nodes {
    /// A node whose tables do not depend on an archetype.
    pub(super) fn shared(&mut self, contexts: usize, default: impl Fn(usize) -> Table) -> Node {
        let node = Node { first: self.places.len(), contexts };
        self.all.push((node, false));
        for context in 0..contexts {
            let place = self.number(default(context));
            self.places.push(place);
        }
        node
    }

    /// A node with tables for each archetype.
    pub(super) fn per_archetype(
        &mut self,
        contexts: usize,
        default: impl Fn(usize) -> Table,
    ) -> Node {
        let node = Node { first: self.places.len(), contexts };
        self.all.push((node, true));
        let numbers: Vec<u16> =
            (0..contexts).map(|context| self.number(default(context))).collect();
        for _ in 0..self.archetypes {
            self.places.extend(&numbers);
        }
        node
    }

    fn number(&mut self, table: Table) -> u16 {
        let next = u16::try_from(self.tables.len()).expect("default tables are few");
        *self.tables.entry(table).or_insert(next)
    }
}
