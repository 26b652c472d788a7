//! Happenings that are over as soon as they are seen.

use alloc::string::String;

use tickwire_shared::Record;

use crate::{components::COLOURS, world::POSITION_MAX};

/// The colour of what belongs to no pilot: exploding rock, and the killer where there is none.
pub const NO_COLOUR: u8 = COLOURS;

/// Size of a ship's [`Explosion`]; an asteroid's is the asteroid's own size.
pub const SHIP_EXPLOSION_SIZE: u8 = 5;

/// A bullet struck something.
#[derive(Record, Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hit {
    /// Where, in steps.
    #[field(min = 0, max = POSITION_MAX, position)]
    pub position: [i32; 2],
    /// Colour of the bullet.
    #[field(min = 0, max = COLOURS)]
    pub colour: u8,
}

/// Something broke apart.
#[derive(Record, Clone, Copy, PartialEq, Eq, Debug)]
pub struct Explosion {
    /// Where, in steps.
    #[field(min = 0, max = POSITION_MAX, position)]
    pub position: [i32; 2],
    /// An asteroid's size, [`SHIP_EXPLOSION_SIZE`] for a ship, 0 for a bullet that fizzled out
    /// at a wall.
    #[field(min = 0, max = SHIP_EXPLOSION_SIZE)]
    pub size: u8,
    /// Colour of the ship, [`NO_COLOUR`] for rock.
    #[field(min = 0, max = COLOURS)]
    pub colour: u8,
}

/// A ship fired.
#[derive(Record, Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shot {
    /// Where its muzzle was, in steps.
    #[field(min = 0, max = POSITION_MAX, position)]
    pub position: [i32; 2],
    /// Colour of the ship.
    #[field(min = 0, max = COLOURS)]
    pub colour: u8,
}

/// A pilot lost a ship. Everybody hears of it.
#[derive(Record, Clone, PartialEq, Eq, Debug)]
pub struct Kill {
    /// Who did it; empty where nobody did.
    #[field(max_len = 16)]
    pub killer: String,
    /// The killer's colour, [`NO_COLOUR`] where nobody did it.
    #[field(min = 0, max = COLOURS)]
    pub killer_colour: u8,
    /// Whose ship it was.
    #[field(max_len = 16)]
    pub victim: String,
    /// That pilot's colour.
    #[field(min = 0, max = COLOURS)]
    pub victim_colour: u8,
}
