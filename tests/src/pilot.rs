//! A player of the arena who flies about and shoots, on a seed.

use arena_shared::{Controls, JoinRequest};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use tickwire_shared::{Schema, record::encode_record};

/// A player of the arena.
#[derive(Debug)]
pub struct Pilot {
    rng: StdRng,
    controls: Controls,
    hold_ticks: u32,
}

impl Pilot {
    /// One of many pilots, told apart by the seed.
    pub fn new(seed: u64) -> Self {
        Self { rng: StdRng::seed_from_u64(seed), controls: Controls::default(), hold_ticks: 0 }
    }

    /// Its join request, encoded.
    pub fn join(schema: &Schema, number: usize) -> Vec<u8> {
        let name = format!("bot-{number}");
        let colour = u8::try_from(number % usize::from(arena_shared::components::COLOURS));
        let request = JoinRequest { name, colour: colour.unwrap_or(0) };
        encode_record(&request, &schema.join)
    }

    /// What it wants at the next tick.
    pub fn controls(&mut self) -> Controls {
        if self.hold_ticks == 0 {
            self.hold_ticks = self.rng.random_range(8..30);
            self.controls.thrust = self.rng.random_bool(0.7);
            self.controls.turn =
                *[-30, -12, 0, 0, 12, 30].get(self.rng.random_range(0..6usize)).unwrap_or(&0);
            self.controls.fire = self.rng.random_bool(0.6);
        }
        self.hold_ticks -= 1;
        self.controls
    }
}
