//! Symbols that are made when somebody first asks for them, for all who ask after that.
//!
//! Few of a world's entities are asked for in a tick, but those by several clients, mostly
//! neighbours, and on any network worker. Numbers that lie together share their memory, and a lock
//! that is held while one of them is made.

#![allow(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "chunks are as long as their name says; a tick has few symbols"
)]

use std::sync::{Mutex, PoisonError};

use tickwire_shared::replication::rans::Symbol;

/// Symbols by number, made at first demand, with what there is to say of them.
#[derive(Debug)]
pub(super) struct OnDemand<T> {
    chunks: Box<[Mutex<Chunk<T>>]>,
}

#[derive(Debug)]
struct Chunk<T> {
    /// Empty until the first demand.
    made: Vec<Option<Made<T>>>,
    symbols: Vec<Symbol>,
}

#[derive(Clone, Copy, Debug)]
struct Made<T> {
    about: T,
    from: u32,
    to: u32,
}

/// Numbers that share their memory.
const CHUNK: usize = 64;

/// Symbols that there is room for at once: those of a dozen entities.
const SYMBOLS: usize = 128;

impl<T: Copy> OnDemand<T> {
    /// For numbers below `count`.
    pub(super) fn new(count: usize) -> Self {
        let chunk = |_| Mutex::new(Chunk { made: Vec::new(), symbols: Vec::new() });
        Self { chunks: (0..count.div_ceil(CHUNK)).map(chunk).collect() }
    }

    /// Appends the symbols of a number to `out`.
    pub(super) fn copy(
        &self,
        number: usize,
        out: &mut Vec<Symbol>,
        make: impl FnOnce(&mut Vec<Symbol>) -> T,
    ) -> T {
        // Whoever panicked while making something has left nothing but symbols of nobody.
        let mut chunk = self.chunks[number / CHUNK].lock().unwrap_or_else(PoisonError::into_inner);
        let Chunk { made, symbols } = &mut *chunk;
        if made.is_empty() {
            made.resize(CHUNK, None);
            symbols.reserve(SYMBOLS);
        }
        let made = made[number % CHUNK].get_or_insert_with(|| {
            let from = symbols.len() as u32;
            let about = make(symbols);
            Made { about, from, to: symbols.len() as u32 }
        });
        out.extend_from_slice(&symbols[made.from as usize..made.to as usize]);
        made.about
    }
}
