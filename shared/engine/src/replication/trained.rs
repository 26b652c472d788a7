//! Trained tables as text: what a `Protocol` includes beside its code.
//!
//! ```text
//! tickwire tables 1
//! archetype 0 3          group and mask of each known combination of components
//! table 3000 1000 96     frequencies, 4096 together
//! places 0*12 1 0*3      for each place its table, with repetitions
//! ```

use alloc::{string::String, vec::Vec};
use core::fmt::Write as _;

use super::{
    model::{Archetype, Model},
    table::Table,
};

/// What the text holds.
pub(super) struct Trained {
    pub(super) archetypes: Vec<Archetype>,
    pub(super) tables: Vec<Table>,
    pub(super) places: Vec<u16>,
}

const TITLE: &str = "tickwire tables 1";

impl Trained {
    /// Reads the text; `None` where it is not such a text.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        lines.next().filter(|line| *line == TITLE)?;
        let mut trained = Self { archetypes: Vec::new(), tables: Vec::new(), places: Vec::new() };
        for line in lines {
            let mut words = line.split_ascii_whitespace();
            match words.next() {
                Some("archetype") => trained.archetypes.push(Archetype {
                    group: words.next()?.parse().ok()?,
                    mask: words.next()?.parse().ok()?,
                }),
                Some("table") => {
                    let frequencies: Option<Vec<u32>> =
                        words.map(|word| word.parse().ok()).collect();
                    trained.tables.push(Table::from_frequencies(&frequencies?)?);
                }
                Some("places") => {
                    for word in words {
                        let (number, count) = word.split_once('*').unwrap_or((word, "1"));
                        let count: usize = count.parse().ok()?;
                        let number: u16 = number.parse().ok()?;
                        trained.places.extend(core::iter::repeat_n(number, count));
                    }
                }
                None => {}
                Some(_) => return None,
            }
        }
        Some(trained)
    }
}

impl Model {
    /// The model's tables as text, for [`crate::Protocol::TABLES`].
    pub fn to_text(&self) -> String {
        let mut text = String::from(TITLE);
        text.push('\n');
        for Archetype { group, mask } in &self.archetypes {
            let _ = writeln!(text, "archetype {group} {mask}");
        }
        for table in self.tables() {
            text.push_str("table");
            for frequency in table.frequencies() {
                let _ = write!(text, " {frequency}");
            }
            text.push('\n');
        }
        for (line, run) in self.places().chunk_by(|a, b| a == b).enumerate() {
            text.push_str(if line.is_multiple_of(16) { "places" } else { "" });
            match run {
                [number] => _ = write!(text, " {number}"),
                [number, ..] => _ = write!(text, " {number}*{}", run.len()),
                [] => {}
            }
            text.push_str(if line % 16 == 15 { "\n" } else { "" });
        }
        text.push('\n');
        text
    }
}
