//! What a replica holds, for the server to say where it differs.

use alloc::vec::Vec;

use super::Replica;
use crate::limits::REPORT_BYTES_MAX;

impl Replica {
    /// What the replica holds, for the server to say where it differs. As much as fits, from a
    /// slot on that changes with the tick. See [`crate::replication`] for the format.
    pub fn report(&self) -> Vec<u8> {
        let mut out = Vec::new();
        push_varint(&mut out, self.audited.get());
        push_varint(&mut out, self.header.tick.get());
        // The server only remembers who had which slot at the last sum.
        let all: Vec<_> = self
            .sub_entities()
            .filter(|(_, _, sub, _)| !sub.entered.is_newer_than(self.audited))
            .collect();
        let first = self.header.tick.get() as usize % all.len().max(1);
        for (slot, group, sub, shape) in all[first..].iter().chain(&all[..first]) {
            let mut part = Vec::new();
            let age = self.header.tick.since(sub.base).unsigned_abs();
            let mask = [sub.mask as u32, (sub.mask >> 32) as u32];
            for number in [*slot as u32, *group as u32, age].into_iter().chain(mask) {
                push_varint(&mut part, number);
            }
            for field in shape.lasting_fields() {
                sub.codes[field.lanes.clone()]
                    .iter()
                    .for_each(|code| push_varint(&mut part, *code));
                if let Some(at) = field.sequence {
                    push_varint(&mut part, sub.sequences[at].len() as u32);
                    sub.sequences[at].iter().for_each(|code| push_varint(&mut part, *code));
                }
            }
            if out.len() + part.len() > REPORT_BYTES_MAX {
                break;
            }
            out.extend(part);
        }
        out
    }
}

/// Seven bits a byte, lowest first; the top bit says that more follow.
fn push_varint(out: &mut Vec<u8>, mut number: u32) {
    while number > 0x7f {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}
