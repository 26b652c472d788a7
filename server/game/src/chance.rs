//! The room's dice: one generator, seeded with the room, that every system draws from in turn.

use bevy_ecs::resource::Resource;
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};

/// The only source of randomness in a room. Systems run in a fixed order and go through entities
/// in `NetId` order, so the same seed and inputs draw the same numbers.
#[derive(Resource)]
pub struct Chance(StdRng);

impl Chance {
    /// Dice that fall the same way for the same seed.
    pub fn seeded(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    /// A whole number from `low` to `high`, both included.
    pub fn between(&mut self, low: i32, high: i32) -> i32 {
        self.0.random_range(low..=high.max(low))
    }

    /// True once in `times` on average.
    pub fn once_in(&mut self, times: u32) -> bool {
        self.0.random_range(0..times.max(1)) == 0
    }

    /// One of some things; `None` where there are none.
    pub fn pick<'a, T>(&mut self, things: &'a [T]) -> Option<&'a T> {
        things.choose(&mut self.0)
    }

    /// One of a few things.
    pub fn one_of<T: Copy, const N: usize>(&mut self, things: [T; N]) -> T {
        *self.pick(&things).expect("there is something to choose from")
    }

    /// Any heading.
    pub fn angle(&mut self) -> u16 {
        self.0.random_range(0..arena_shared::motion::ANGLES)
    }

    /// A place at least `margin` steps away from the walls.
    pub fn place(&mut self, margin: i32) -> [i32; 2] {
        let last = arena_shared::world::POSITION_MAX - margin;
        [self.between(margin, last), self.between(margin, last)]
    }
}
