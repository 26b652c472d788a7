//! A player of the arena who flies about and shoots, on a seed.

use arena_shared::{Controls, Heading, JoinRequest, Motion, Seat, motion::ANGLES};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use tickwire_shared::{Replica, Schema, record::encode_record};

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

/// Controls that bring a client's own ship to a place, and keep it about there.
pub fn fly_to(world: &Replica, place: [i32; 2]) -> Controls {
    let seat = world.entities().find_map(|entity| entity.get::<Seat>());
    let ship = seat.and_then(|seat| world.find(seat.ship));
    let Some(ship) = ship else { return Controls::default() };
    let (Some(motion), Some(heading)) = (ship.get::<Motion>(), ship.get::<Heading>()) else {
        return Controls::default();
    };
    // Aims at where it would be in two seconds if it did nothing, so that it brakes in time.
    let [x, y] = [0, 1].map(|axis: usize| {
        let part = |values: &[i32; 2]| f64::from(values.get(axis).copied().unwrap_or(0));
        let velocity = motion.velocity.get(axis).copied().map_or(0.0, f64::from);
        part(&place) - part(&motion.position) - velocity * AHEAD_TICKS
    });
    let turns = y.atan2(x) / std::f64::consts::TAU * f64::from(ANGLES);
    let off = (turns - f64::from(heading.angle)).rem_euclid(f64::from(ANGLES));
    let off = if off > f64::from(ANGLES) / 2.0 { off - f64::from(ANGLES) } else { off };
    Controls { thrust: off.abs() < 90.0, fire: false, turn: off.clamp(-40.0, 40.0) as i8 }
}

const AHEAD_TICKS: f64 = 40.0;
