//! Static frequencies: how likely each value of a small alphabet is.

use alloc::vec::Vec;

use super::rans::{FREQUENCY_SUM, Symbol};

/// Frequencies of the values 0, 1, 2 …; each at least 1, all together 2¹².
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Table {
    /// Where each value's stretch begins; then 2¹².
    starts: Vec<u16>,
}

impl Table {
    /// Scales `weights` to frequencies. No value is impossible: each gets at least 1.
    ///
    /// The sums are whole numbers and do not depend on the platform.
    pub fn new(weights: &[u32]) -> Self {
        let spare = FREQUENCY_SUM.saturating_sub(weights.len() as u32);
        let total: u64 = weights.iter().map(|weight| u64::from(*weight)).sum::<u64>().max(1);
        let mut frequencies: Vec<u32> = weights
            .iter()
            .map(|weight| 1 + (u64::from(*weight) * u64::from(spare) / total) as u32)
            .collect();
        // What rounding down left over goes to the likeliest.
        let rest = FREQUENCY_SUM - frequencies.iter().sum::<u32>();
        if let Some(most) = frequencies.iter_mut().rev().max_by_key(|frequency| **frequency) {
            *most += rest;
        }
        Self::from_frequencies(&frequencies).expect("the frequencies were made to add up")
    }

    /// Takes frequencies as they are; `None` unless they are all positive and add up to 2¹².
    pub fn from_frequencies(frequencies: &[u32]) -> Option<Self> {
        let mut starts = Vec::with_capacity(frequencies.len() + 1);
        let mut start = 0u32;
        for frequency in frequencies {
            starts.push(start as u16);
            start = start.checked_add(*frequency).filter(|end| *end <= FREQUENCY_SUM)?;
            if *frequency == 0 {
                return None;
            }
        }
        starts.push(start as u16);
        (start == FREQUENCY_SUM).then_some(Self { starts })
    }

    /// The frequencies.
    pub fn frequencies(&self) -> impl Iterator<Item = u32> {
        self.starts.windows(2).map(|pair| u32::from(pair[1]) - u32::from(pair[0]))
    }

    /// How many values there are.
    pub fn alphabet(&self) -> usize {
        self.starts.len() - 1
    }

    pub(crate) fn symbol(&self, value: u32) -> Symbol {
        let (start, end) = (self.starts[value as usize], self.starts[value as usize + 1]);
        Symbol::new(u32::from(start), u32::from(end - start))
    }

    /// The value whose stretch holds `point`, and the stretch.
    pub(crate) fn find(&self, point: u32) -> (u32, Symbol) {
        let after = self.starts.partition_point(|start| u32::from(*start) <= point);
        let value = (after - 1) as u32;
        (value, self.symbol(value))
    }
}
