//! Tables from experience: counts what frames hold, and makes tables that code it in few bits.
//!
//! A place of which little was seen leans on the same context in other archetypes, and these on the
//! defaults. Which places share a table is worked out in `pools`.

use alloc::{collections::BTreeMap, vec::Vec};

use super::{
    FrameError,
    coder::Coder,
    model::{Archetype, Model, Node},
    pools::{self, Pool, Sightings},
    rans::Decoder,
    table::Table,
};
use crate::schema::Schema;

/// How often each value was met, by place.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    places: Vec<Vec<u32>>,
    /// Bits that went plainly.
    pub flat_bits: u64,
}

/// How many sightings what a place leans on is worth.
const LEANING: f64 = 12.0;

impl Counts {
    /// No sightings.
    pub fn new() -> Self {
        Self::default()
    }

    /// One sighting.
    pub fn add(&mut self, model: &Model, at: usize, value: u32) {
        if self.places.len() < model.places().len() {
            self.places.resize(model.places().len(), Vec::new());
        }
        let place = &mut self.places[at];
        if place.is_empty() {
            place.resize(model.table(at).alphabet(), 0);
        }
        place[value as usize] += 1;
    }

    /// The model with tables made of these counts.
    pub fn train(&self, model: &Model) -> Model {
        let nodes = model.nodes().iter().map(|(node, has_archetypes)| {
            let archetypes = if *has_archetypes { model.archetypes.len() + 1 } else { 1 };
            self.met(model, *node, archetypes)
        });
        let nodes: Vec<Met> = nodes.collect();
        let mut sightings: BTreeMap<usize, Vec<&Sightings>> = BTreeMap::new();
        for met in &nodes {
            sightings.entry(met.alphabet).or_default().extend(met.own.values());
        }
        let pools: BTreeMap<usize, Vec<Pool>> =
            sightings.iter().map(|(alphabet, own)| (*alphabet, pools::pools(own))).collect();
        let mut tables = TableSet::default();
        let mut places = Vec::with_capacity(model.places().len());
        for met in &nodes {
            let pools = &pools[&met.alphabet];
            for (at, pool) in met.choose(pools) {
                // Where nothing that was met is like what is expected, that stays.
                let table =
                    pool.map_or_else(|| model.table(at).clone(), |pool| pools[pool].table());
                places.push(tables.number(table));
            }
        }
        let mut trained = model.clone();
        trained
            .replace_tables(tables.tables, places)
            .expect("the tables were made for this very model");
        trained
    }

    /// What the places of a node met.
    fn met(&self, model: &Model, node: Node, archetypes: usize) -> Met {
        let alphabet = model.table(node.first).alphabet();
        let mut met = Met { node, archetypes, alphabet, common: Vec::new(), own: BTreeMap::new() };
        for context in 0..node.contexts {
            let default = model.table(node.at(0, context)).frequencies();
            let leaning = default.map(|frequency| f64::from(frequency) / 4096.0 * LEANING);
            let mut common = Sightings { counts: leaning.collect(), weight: 0.0 };
            let places = (0..archetypes).map(|archetype| node.at(archetype, context));
            let places = places.filter_map(|at| Some((at, self.places.get(at)?)));
            let places = places.filter(|(_, counts)| !counts.is_empty());
            places.clone().for_each(|(_, counts)| common.add(counts));
            let scale = LEANING / common.counts.iter().sum::<f64>();
            common.counts.iter_mut().for_each(|count| *count *= scale);
            for (at, counts) in places {
                let mut own = Sightings { counts: common.counts.clone(), weight: 0.0 };
                own.add(counts);
                met.own.insert(at, own);
            }
            met.common.push(common);
        }
        met
    }

    /// The combinations of components that were met most, for [`Model::with_archetypes`].
    pub fn archetypes(seen: &BTreeMap<Archetype, u32>) -> Vec<Archetype> {
        let mut all: Vec<(u32, Archetype)> =
            seen.iter().map(|(archetype, count)| (*count, *archetype)).collect();
        all.sort_unstable_by(|a, b| b.cmp(a));
        all.into_iter().take(ARCHETYPES_MAX).map(|(_, archetype)| archetype).collect()
    }

    /// Bits that all of it would take as self-terminated codes of whole bits, joined bit by bit:
    /// an optimal prefix code per table instead of the frame's one entropy coder.
    pub fn prefix_code_bits(&self, model: &Model) -> u64 {
        let places = self.places.iter().enumerate().filter(|(_, counts)| !counts.is_empty());
        let bits = places.map(|(at, counts)| {
            let lengths = prefix_lengths(model.table(at).frequencies());
            let values = counts.iter().zip(lengths);
            values.map(|(count, length)| u64::from(*count) * u64::from(length)).sum::<u64>()
        });
        bits.sum::<u64>() + self.flat_bits
    }

    /// Bits that each node took under the model's tables, the costliest first.
    pub fn bits_by_node(
        &self,
        model: &Model,
        schema: &Schema,
    ) -> Vec<(alloc::string::String, f64)> {
        let mut bits: Vec<_> = model
            .nodes()
            .iter()
            .map(|(node, has_archetypes)| {
                let archetypes = if *has_archetypes { model.archetypes.len() + 1 } else { 1 };
                let places = node.first..node.first + node.contexts * archetypes;
                let cost: u64 = places
                    .filter_map(|at| Some((at, self.places.get(at)?)))
                    .flat_map(|(at, counts)| {
                        (0..).zip(counts).map(move |(value, count)| (at, value, count))
                    })
                    .map(|(at, value, count)| {
                        u64::from(model.table(at).symbol(value).cost()) * u64::from(*count)
                    })
                    .sum();
                (model.name_of(*node, schema), cost as f64 / 256.0)
            })
            .collect();
        bits.sort_by(|a, b| b.1.total_cmp(&a.1));
        bits
    }
}

/// Lengths of an optimal prefix code for these frequencies, by value.
fn prefix_lengths(frequencies: impl Iterator<Item = u32>) -> Vec<u32> {
    // Lightest first: joining two groups makes each of their values one bit longer.
    let mut groups: Vec<(u32, Vec<usize>)> =
        frequencies.enumerate().map(|(value, frequency)| (frequency, alloc::vec![value])).collect();
    let mut lengths = alloc::vec![0; groups.len()];
    while groups.len() > 1 {
        groups.sort_by_key(|group| core::cmp::Reverse(group.0));
        let (Some(first), Some(second)) = (groups.pop(), groups.pop()) else { break };
        let mut joined = first.1;
        joined.extend(second.1);
        joined.iter().for_each(|value| lengths[*value] += 1);
        groups.push((first.0 + second.0, joined));
    }
    lengths
}

/// Most combinations of components that are told apart.
const ARCHETYPES_MAX: usize = 15;

/// What the places of a node met.
struct Met {
    node: Node,
    archetypes: usize,
    alphabet: usize,
    /// In each context over all archetypes, leaning on the default.
    common: Vec<Sightings>,
    /// At each place where something was met, leaning on what its context met.
    own: BTreeMap<usize, Sightings>,
}

impl Met {
    /// The pool of each place, in order; `None` where it keeps the default.
    fn choose(&self, pools: &[Pool]) -> Vec<(usize, Option<usize>)> {
        let mut before = None;
        let common = self.common.iter().map(|common| {
            before = common.choose(pools, before);
            before
        });
        let common: Vec<Option<usize>> = common.collect();
        let mut chosen = Vec::with_capacity(self.archetypes * common.len());
        for archetype in 0..self.archetypes {
            before = None;
            for (context, common) in common.iter().enumerate() {
                let at = self.node.at(archetype, context);
                let own = self.own.get(&at);
                before = own.map_or(*common, |own| own.choose(pools, before));
                chosen.push((at, before));
            }
        }
        chosen
    }
}

#[derive(Default)]
struct TableSet {
    tables: Vec<Table>,
    numbers: BTreeMap<Table, u16>,
}

impl TableSet {
    fn number(&mut self, table: Table) -> u16 {
        let next = u16::try_from(self.tables.len()).expect("tables are fewer than 65,536");
        if let Some(number) = self.numbers.get(&table) {
            return *number;
        }
        self.tables.push(table.clone());
        self.numbers.insert(table, next);
        next
    }
}

/// A coder that frames are read from.
pub(super) trait FrameDecoder: Coder {
    /// The check, after the last symbol.
    fn finish(self) -> Result<u16, FrameError>;
}

impl FrameDecoder for Decoder<'_> {
    fn finish(self) -> Result<u16, FrameError> {
        Decoder::finish(self)
    }
}

/// Decodes, and counts what comes.
pub(super) struct CountingDecoder<'a> {
    pub(super) decoder: Decoder<'a>,
    pub(super) counts: &'a mut Counts,
}

impl FrameDecoder for CountingDecoder<'_> {
    fn finish(self) -> Result<u16, FrameError> {
        self.decoder.finish()
    }
}

impl Coder for CountingDecoder<'_> {
    const DECODES: bool = true;

    fn symbol(&mut self, model: &Model, at: usize, _: u32) -> Result<u32, FrameError> {
        let value = Coder::symbol(&mut self.decoder, model, at, 0)?;
        self.counts.add(model, at, value);
        Ok(value)
    }

    fn flat(&mut self, _: u32, count: u32) -> Result<u32, FrameError> {
        self.counts.flat_bits += u64::from(count);
        Decoder::flat(&mut self.decoder, count)
    }
}
