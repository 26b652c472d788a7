//! Numbers in as many bits as they need, lowest bit first.

use alloc::vec::Vec;

/// Appends bits to bytes.
#[derive(Clone, Debug, Default)]
pub struct BitWriter {
    bytes: Vec<u8>,
    pending: u64,
    pending_bits: u32,
}

impl BitWriter {
    /// Appends the lowest `count` bits of `value`; `count` is at most 32.
    pub fn bits(&mut self, value: u32, count: u32) {
        debug_assert!(count <= 32 && u64::from(value) >> count == 0, "{value} in {count} bits");
        self.pending |= u64::from(value) << self.pending_bits;
        self.pending_bits += count;
        while self.pending_bits >= 8 {
            self.bytes.push(self.pending.to_le_bytes()[0]);
            self.pending >>= 8;
            self.pending_bits -= 8;
        }
    }

    /// The bytes; the last is filled up with zeros.
    pub fn finish(mut self) -> Vec<u8> {
        if self.pending_bits > 0 {
            self.bytes.push(self.pending.to_le_bytes()[0]);
        }
        self.bytes
    }
}

/// Takes bits from bytes.
#[derive(Clone, Debug)]
pub struct BitReader<'a> {
    bytes: &'a [u8],
    pending: u64,
    pending_bits: u32,
}

impl<'a> BitReader<'a> {
    /// Reads from the first byte on.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, pending: 0, pending_bits: 0 }
    }

    /// The next `count` bits, at most 32; `None` where there are not as many.
    pub fn bits(&mut self, count: u32) -> Option<u32> {
        while self.pending_bits < count {
            let (first, rest) = self.bytes.split_first()?;
            self.bytes = rest;
            self.pending |= u64::from(*first) << self.pending_bits;
            self.pending_bits += 8;
        }
        let value = self.pending & ((1 << count) - 1);
        self.pending >>= count;
        self.pending_bits -= count;
        u32::try_from(value).ok()
    }

    /// Whole bytes that were not touched.
    pub fn trailing_bytes(&self) -> usize {
        self.bytes.len()
    }
}
