//! Tables from experience: counts what frames hold, and makes tables that code it in few bits.
//!
//! A place of which little was seen leans on its node's other archetypes, and these on the
//! defaults. A table of its own has to earn its room: the tables travel with the game's page.

use alloc::{collections::BTreeMap, vec::Vec};

use super::{
    FrameError,
    coder::Coder,
    model::{Archetype, Model, Node},
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

/// Bits that a table of its own has to save over the whole of the training.
const SAVING_BITS_MIN: f64 = 256.0;

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
        let mut tables = TableSet::default();
        let mut places = Vec::with_capacity(model.places().len());
        for (node, has_archetypes) in model.nodes() {
            let archetypes = if *has_archetypes { model.archetypes.len() + 1 } else { 1 };
            let whole = self.whole(model, *node, archetypes);
            let common: Vec<Vec<f64>> = (0..node.contexts)
                .map(|context| self.common(model, *node, context, archetypes, &whole))
                .collect();
            for archetype in 0..archetypes {
                for (context, common) in common.iter().enumerate() {
                    let counts = self.places.get(node.at(archetype, context));
                    let shared = Table::new(&weights(common));
                    places.push(tables.number(self.own_table(counts, common, shared)));
                }
            }
        }
        let mut trained = model.clone();
        trained
            .replace_tables(tables.tables, places)
            .expect("the tables were made for this very model");
        trained
    }

    /// How likely each value of a node is over all contexts, leaning on the default.
    fn whole(&self, model: &Model, node: Node, archetypes: usize) -> Vec<f64> {
        let default = model.table(node.first).frequencies();
        let mut sums: Vec<f64> =
            default.map(|frequency| f64::from(frequency) / 4096.0 * LEANING).collect();
        for at in node.first..node.first + node.contexts * archetypes {
            add(&mut sums, self.places.get(at));
        }
        shares(sums)
    }

    /// How likely each value is over all archetypes in a context; over all contexts too, unless
    /// telling them apart saves enough.
    fn common(
        &self,
        model: &Model,
        node: Node,
        context: usize,
        archetypes: usize,
        whole: &[f64],
    ) -> Vec<f64> {
        let mut counts = alloc::vec![0.0; whole.len()];
        for archetype in 0..archetypes {
            add(&mut counts, self.places.get(node.at(archetype, context)));
        }
        if counts.iter().all(|count| *count == 0.0) {
            let default = model.table(node.at(0, context)).frequencies();
            return default.map(|frequency| f64::from(frequency) / 4096.0).collect();
        }
        let sums = counts.iter().zip(whole).map(|(count, share)| count + share * LEANING);
        let own = shares(sums.collect());
        let bits = |shares: &[f64]| {
            let table = Table::new(&weights(shares));
            let values = (0..).zip(&counts);
            values.map(|(value, count)| f64::from(table.symbol(value).cost()) * count).sum::<f64>()
        };
        if bits(whole) - bits(&own) > SAVING_BITS_MIN * 256.0 { own } else { whole.to_vec() }
    }

    /// The table of a place: its own where that saves enough.
    fn own_table(&self, counts: Option<&Vec<u32>>, common: &[f64], shared: Table) -> Table {
        let Some(counts) = counts.filter(|counts| !counts.is_empty()) else { return shared };
        let sums: Vec<f64> = counts
            .iter()
            .zip(common)
            .map(|(count, share)| f64::from(*count) + share * LEANING)
            .collect();
        let total: f64 = sums.iter().sum();
        let own: Vec<f64> = sums.into_iter().map(|sum| sum / total).collect();
        let own = Table::new(&weights(&own));
        let cost = |table: &Table| {
            let values = (0..).zip(counts);
            values
                .map(|(value, count)| u64::from(table.symbol(value).cost()) * u64::from(*count))
                .sum()
        };
        let (shared_cost, own_cost): (u64, u64) = (cost(&shared), cost(&own));
        let saving = shared_cost as f64 - own_cost as f64;
        if saving > SAVING_BITS_MIN * 256.0 { own } else { shared }
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

fn add(sums: &mut [f64], counts: Option<&Vec<u32>>) {
    for (sum, count) in sums.iter_mut().zip(counts.into_iter().flatten()) {
        *sum += f64::from(*count);
    }
}

fn shares(sums: Vec<f64>) -> Vec<f64> {
    let total: f64 = sums.iter().sum();
    sums.into_iter().map(|sum| sum / total).collect()
}

fn weights(shares: &[f64]) -> Vec<u32> {
    shares.iter().map(|share| (share * f64::from(1 << 24)) as u32).collect()
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
