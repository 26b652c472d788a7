//! Which places share a table, after training.
//!
//! Contexts are many and fine, tables few: they travel with the game's page, and one of which
//! little was seen predicts badly. Places that met values alike are *pooled*, whatever field,
//! lane or combination of components they belong to, as long as their alphabets are one size.

use alloc::vec::Vec;

use super::table::Table;

/// What a place met: how often each value, which need not be whole.
#[derive(Clone, Debug)]
pub(super) struct Sightings {
    pub(super) counts: Vec<f64>,
    /// How many of these were really met: places lean on what is likely of them.
    pub(super) weight: f64,
}

impl Sightings {
    /// Adds what was met.
    pub(super) fn add(&mut self, counts: &[u32]) {
        for (sum, count) in self.counts.iter_mut().zip(counts) {
            *sum += f64::from(*count);
            self.weight += f64::from(*count);
        }
    }

    /// The pool to take the table of, given that of the place before; `None` where the place met
    /// nothing, and no pool is like what is expected of it.
    pub(super) fn choose(&self, pools: &[Pool], before: Option<usize>) -> Option<usize> {
        let (cheapest, bits) = cheapest(pools, &self.counts)?;
        let most = if self.weight > 0.0 {
            bits + CHANGE_BITS_MIN
        } else {
            Pool::of(&self.counts).bits(&self.counts) + SURPRISE_BITS_MAX
        };
        let stays = before.filter(|before| pools[*before].bits(&self.counts) < most);
        stays.or_else(|| (bits < most).then_some(cheapest))
    }
}

/// Places of one alphabet that share a table.
#[derive(Clone, Debug)]
pub(super) struct Pool {
    counts: Vec<f64>,
    /// Bits of each value.
    prices: Vec<f64>,
}

/// Bits that a table of its own has to save over the whole of the training.
const SAVING_BITS_MIN: f64 = 256.0;

/// Bits that another table than the one of the place before has to save: runs are short to write.
const CHANGE_BITS_MIN: f64 = 32.0;

/// Bits by which the defaults of a place may be missed where it met nothing.
const SURPRISE_BITS_MAX: f64 = 18.0;

/// How often all places choose anew between the pools.
const ROUNDS: usize = 4;

/// Pools for these places.
pub(super) fn pools(places: &[&Sightings]) -> Vec<Pool> {
    // Those that met most come first: what they begin is worth joining.
    let mut places = places.to_vec();
    places.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    let mut pools: Vec<Pool> = Vec::new();
    for place in &places {
        let own = Pool::of(&place.counts);
        match cheapest(&pools, &place.counts) {
            Some((pool, bits)) if bits - own.bits(&place.counts) < SAVING_BITS_MIN => {
                pools[pool].join(&place.counts);
            }
            _ => pools.push(own),
        }
    }
    for _ in 0..ROUNDS {
        let mut next: Vec<Option<Vec<f64>>> = alloc::vec![None; pools.len()];
        for place in &places {
            let Some((pool, _)) = cheapest(&pools, &place.counts) else { continue };
            let sum = next[pool].get_or_insert_with(|| alloc::vec![0.0; place.counts.len()]);
            add(sum, &place.counts);
        }
        pools = next.iter().flatten().map(|counts| Pool::of(counts)).collect();
    }
    merged(pools)
}

/// The pool in which these take the fewest bits, and how many.
fn cheapest(pools: &[Pool], counts: &[f64]) -> Option<(usize, f64)> {
    let bits = pools.iter().map(|pool| pool.bits(counts)).enumerate();
    bits.min_by(|a, b| a.1.total_cmp(&b.1))
}

/// Joins pools that save too little apart.
fn merged(mut pools: Vec<Pool>) -> Vec<Pool> {
    pools.sort_by(|a, b| a.total().total_cmp(&b.total()));
    let mut kept: Vec<Pool> = Vec::new();
    while !pools.is_empty() {
        let small = pools.remove(0);
        let apart = small.bits(&small.counts);
        let others = pools.iter().enumerate().map(|(at, other)| {
            let mut both = other.counts.clone();
            add(&mut both, &small.counts);
            (at, Pool::of(&both).bits(&both) - other.bits(&other.counts) - apart)
        });
        match others.min_by(|a, b| a.1.total_cmp(&b.1)) {
            Some((at, loss)) if loss < SAVING_BITS_MIN => pools[at].join(&small.counts),
            _ => kept.push(small),
        }
    }
    kept
}

impl Pool {
    /// A pool that met this.
    pub(super) fn of(counts: &[f64]) -> Self {
        let total: f64 = counts.iter().sum();
        // No value is impossible: a table gives each a frequency of at least 1.
        let spare = 4096.0 - counts.len() as f64;
        let price = |count: &f64| 12.0 - log2(1.0 + count / total * spare);
        Self { counts: counts.to_vec(), prices: counts.iter().map(price).collect() }
    }

    /// What values cost that were met so often.
    pub(super) fn bits(&self, counts: &[f64]) -> f64 {
        counts.iter().zip(&self.prices).map(|(count, price)| count * price).sum()
    }

    /// The table of the pool.
    pub(super) fn table(&self) -> Table {
        let total = self.total();
        let weight = |count: &f64| (count / total * f64::from(1 << 24)) as u32;
        Table::new(&self.counts.iter().map(weight).collect::<Vec<u32>>())
    }

    fn join(&mut self, counts: &[f64]) {
        add(&mut self.counts, counts);
        *self = Self::of(&self.counts);
    }

    fn total(&self) -> f64 {
        self.counts.iter().sum()
    }
}

fn add(sums: &mut [f64], counts: &[f64]) {
    for (sum, count) in sums.iter_mut().zip(counts) {
        *sum += count;
    }
}

/// The binary logarithm of a number from 1 on, the same on every platform.
fn log2(number: f64) -> f64 {
    const MANTISSA_BITS: u32 = 52;
    let bits = number.to_bits();
    let exponent = (bits >> MANTISSA_BITS) as f64 - 1023.0;
    let mantissa = f64::from_bits(bits & ((1 << MANTISSA_BITS) - 1) | 1023 << MANTISSA_BITS);
    // ln m = 2 artanh((m − 1) / (m + 1)), of which five terms are good for six digits.
    let ratio = (mantissa - 1.0) / (mantissa + 1.0);
    let square = ratio * ratio;
    let series = 1.0 + square * (1.0 / 3.0 + square * (0.2 + square * (1.0 / 7.0 + square / 9.0)));
    exponent + 2.0 * ratio * series / core::f64::consts::LN_2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sightings(counts: &[u32]) -> Sightings {
        let counts: Vec<f64> = counts.iter().map(|count| f64::from(*count)).collect();
        Sightings { weight: counts.iter().sum(), counts }
    }

    #[test]
    fn places_that_met_values_alike_share_a_pool_and_others_do_not() {
        let places = [[900, 90, 10], [10, 90, 900], [1800, 180, 20], [9, 1, 0], [0, 0, 3]];
        let places = places.map(|counts| sightings(&counts));
        let pools = pools(&places.each_ref());
        assert_eq!(pools.len(), 2);
        let pool_of = |at: usize| cheapest(&pools, &places[at].counts).map(|(pool, _)| pool);
        assert_eq!(pool_of(0), pool_of(2));
        assert_eq!(pool_of(0), pool_of(3));
        assert_eq!(pool_of(1), pool_of(4));
        assert_ne!(pool_of(0), pool_of(1));
    }

    #[test]
    fn logarithms_are_near_enough() {
        for (number, expected) in [(1.0, 0.0), (2.0, 1.0), (3.0, 1.584_963), (4095.0, 11.999_648)] {
            assert!((log2(number) - expected).abs() < 1e-5, "log2 of {number}");
        }
    }
}
