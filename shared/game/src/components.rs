//! What clients see of the arena, beside [`Motion`](crate::Motion) and
//! [`Heading`](crate::Heading).

use alloc::{string::String, vec::Vec};

use bevy_ecs::component::Component;
use tickwire_shared::{NetId, Replicated};

use crate::{asteroid, motion::ANGLES, ship, world::WORLD_UNITS};

/// Longest name of a pilot, in bytes.
pub const NAME_BYTES_MAX: u16 = 16;

/// Colours that a ship may have.
pub const COLOURS: u8 = 12;

/// Entries on the scoreboard.
pub const STANDINGS: u8 = 10;

/// Cells along each side of the radar.
pub const RADAR_CELLS: u16 = 64;

/// Length of a radar cell's side, in units.
pub const RADAR_CELL_UNITS: i32 = WORLD_UNITS / RADAR_CELLS as i32;

/// A ship, with [`Motion`](crate::Motion) and [`Heading`](crate::Heading).
#[derive(Component, Replicated, Clone, PartialEq, Eq, Debug)]
pub struct Ship {
    /// The pilot's name.
    #[field(max_len = 16, static)]
    pub name: String,
    /// The pilot's colour.
    #[field(min = 0, max = COLOURS - 1, static)]
    pub colour: u8,
    /// Flown by the server.
    #[field(static)]
    pub is_ai: bool,
    /// Hull points left.
    #[field(min = 0, max = ship::HULL_MAX)]
    pub hull: u8,
    /// The pilot's score.
    pub score: u16,
    /// The engine is on.
    pub thrusting: bool,
    /// Nothing hurts it just now.
    pub shielded: bool,
}

/// An asteroid, with [`Motion`](crate::Motion).
#[derive(Component, Replicated, Clone, Copy, PartialEq, Eq, Debug)]
pub struct Asteroid {
    /// 1 is a pebble, 4 a mountain; [`asteroid::radius`] says how large that is.
    #[field(min = 1, max = asteroid::SIZE_MAX, static)]
    pub size: u8,
    /// Which outline it has.
    #[field(min = 0, max = asteroid::SHAPES - 1, static)]
    pub shape: u8,
}

/// A bullet, with [`Motion`](crate::Motion).
#[derive(Component, Replicated, Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bullet {
    /// Colour of the ship that fired it.
    #[field(min = 0, max = COLOURS - 1, static)]
    pub colour: u8,
    /// The ship that fired it.
    #[field(static)]
    pub shooter: NetId,
}

/// One line of the scoreboard. There are always [`STANDINGS`] of them.
#[derive(Component, Replicated, Clone, PartialEq, Eq, Debug)]
pub struct Standing {
    /// Place, counted from 0.
    #[field(min = 0, max = STANDINGS - 1, static)]
    pub rank: u8,
    /// The pilot's name; empty where there are fewer pilots.
    #[field(max_len = 16)]
    pub name: String,
    /// The pilot's colour.
    #[field(min = 0, max = COLOURS - 1)]
    pub colour: u8,
    /// The pilot's score.
    pub score: u16,
}

/// Roughly where all ships are, for the minimap. There is one, refreshed once a second.
#[derive(Component, Replicated, Clone, PartialEq, Eq, Debug, Default)]
pub struct Radar {
    /// Cells that hold a ship, in rising order: row times [`RADAR_CELLS`], plus column.
    #[field(min = 0, max = RADAR_CELLS * RADAR_CELLS - 1, max_len = 128)]
    pub cells: Vec<u16>,
}

/// A pilot's place in the game, whether or not there is a ship just now. Only the pilot sees it.
#[derive(Component, Replicated, Clone, Copy, PartialEq, Eq, Debug)]
#[replicated(audience = "owner")]
pub struct Seat {
    /// The pilot's ship, or none while it is wrecked.
    pub ship: NetId,
    /// Ticks until there is a new ship.
    pub respawn_ticks: u8,
    /// Points.
    pub score: u16,
    /// Ships wrecked.
    pub kills: u16,
    /// Ships lost.
    pub deaths: u16,
}

const _: () = assert!(NAME_BYTES_MAX == 16, "the attributes above repeat the number");
const _: () = assert!(ANGLES == 1 << 10, "the heading's attribute repeats the number");
