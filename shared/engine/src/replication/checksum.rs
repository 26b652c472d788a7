//! Sums by which both ends notice that a replica has gone astray.
//!
//! All arithmetic is modulo 2³². A sum is over sub-entities, so that its order does not matter.

/// Hash of one sub-entity's lasting state, in the making.
#[derive(Clone, Copy, Debug)]
pub struct StateHash(u32);

impl StateHash {
    /// Starts with which components there are.
    pub fn new(mask: u64) -> Self {
        let mut hash = Self(0x8529_7a4d);
        hash.add(mask as u32);
        hash.add((mask >> 32) as u32);
        hash
    }

    /// Adds a code, or the length of a sequence before its codes.
    pub fn add(&mut self, code: u32) {
        self.0 = (self.0.rotate_left(5) ^ code).wrapping_mul(0x9e37_79b1);
    }

    /// The hash.
    pub fn finish(self) -> u32 {
        scramble(self.0)
    }
}

/// What a sub-entity adds to the sum of its frame.
pub fn in_slot(state: u32, slot: u32, group: u32) -> u32 {
    scramble(state ^ (slot << 6 | group).wrapping_mul(0x85eb_ca6b))
}

/// The 16 bits at the end of a frame that carries a sum.
pub fn check_of_sum(sum: u32, tick: u32) -> u16 {
    (scramble(sum ^ tick) >> 16) as u16
}

/// The 16 bits at the end of any other frame.
pub fn check_of_tick(tick: u32) -> u16 {
    (scramble(tick) >> 16) as u16
}

fn scramble(value: u32) -> u32 {
    let value = (value ^ value >> 16).wrapping_mul(0x7feb_352d);
    let value = (value ^ value >> 15).wrapping_mul(0x846c_a68b);
    value ^ value >> 16
}
