//! Names of clients and of replicated entities.

use core::fmt;

/// A client's identity within one server process. Stable across that client's reconnects.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
#[cfg_attr(feature = "ecs", derive(bevy_ecs::component::Component))]
pub struct ClientId(u32);

impl ClientId {
    /// Wraps a number handed out by the server.
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The number behind the name.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "client {}", self.0)
    }
}

/// A replicated entity's name, equal on server and clients: a row of the snapshot, and which
/// life of that row is meant.
///
/// Rows are given out lowest first and used again, so that snapshots stay dense; the generation
/// tells a new tenant from the one before.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
#[cfg_attr(feature = "ecs", derive(bevy_ecs::component::Component))]
#[cfg_attr(feature = "ecs", component(immutable))]
pub struct NetId {
    index: u16,
    generation: u16,
}

impl NetId {
    /// The reference that points at nothing. No entity is ever given this name.
    pub const NONE: Self = Self { index: u16::MAX, generation: u16::MAX };

    /// Names the given life of the given row.
    pub const fn new(index: u16, generation: u16) -> Self {
        Self { index, generation }
    }

    /// Row in the snapshot.
    pub const fn index(self) -> u16 {
        self.index
    }

    /// Which tenant of the row.
    pub const fn generation(self) -> u16 {
        self.generation
    }

    /// Both parts in one number, as it travels.
    pub const fn to_bits(self) -> u32 {
        (self.generation as u32) << 16 | self.index as u32
    }

    /// The inverse of [`NetId::to_bits`].
    pub const fn from_bits(bits: u32) -> Self {
        Self { index: (bits & 0xffff) as u16, generation: (bits >> 16) as u16 }
    }

    /// Whether this is [`NetId::NONE`].
    pub const fn is_none(self) -> bool {
        self.to_bits() == Self::NONE.to_bits()
    }
}

impl fmt::Display for NetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}v{}", self.index, self.generation)
    }
}
