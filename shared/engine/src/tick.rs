//! Counting the steps of a room.

use core::fmt;

/// The number of a step of a room. Wraps after 2³² steps (nearly seven years at 20 Hz).
///
/// There is no `Ord`: a wrapping order is not transitive. Use [`Tick::is_newer_than`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[cfg_attr(feature = "ecs", derive(bevy_ecs::resource::Resource))]
pub struct Tick(u32);

impl Tick {
    /// The tick with this number.
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// Its number.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The tick `count` steps later.
    #[must_use]
    pub const fn plus(self, count: u32) -> Self {
        Self(self.0.wrapping_add(count))
    }

    /// The tick `count` steps earlier.
    #[must_use]
    pub const fn minus(self, count: u32) -> Self {
        Self(self.0.wrapping_sub(count))
    }

    /// Steps from `earlier` to `self`; negative when `earlier` is in fact later.
    pub const fn since(self, earlier: Self) -> i32 {
        self.0.wrapping_sub(earlier.0).cast_signed()
    }

    /// Whether `self` comes after `other` (within half the range).
    pub const fn is_newer_than(self, other: Self) -> bool {
        self.since(other) > 0
    }
}

impl fmt::Display for Tick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tick {}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Tick;

    #[test]
    fn newer_survives_wrapping() {
        let before = Tick::new(u32::MAX);
        let after = before.plus(2);
        assert_eq!(after.get(), 1);
        assert!(after.is_newer_than(before));
        assert!(!before.is_newer_than(after));
        assert_eq!(after.since(before), 2);
        assert_eq!(before.since(after), -2);
    }
}
