//! What a programmer would do first, for comparison.

/// Counts bits of a delta without any model: for each known entity whether it changed, for each
/// of its fields whether that changed, and changed fields in as many bits as they need.
pub(crate) fn bit_packed(before: Option<&[u32]>, now: &[u32], widths: &[u32]) -> u64 {
    let whole: u64 = widths.iter().map(|width| u64::from(*width)).sum();
    let Some(before) = before else { return 1 + whole };
    if before == now {
        return 1;
    }
    let changed = before.iter().zip(now).zip(widths).filter(|((before, now), _)| before != now);
    1 + widths.len() as u64 + changed.map(|(_, width)| u64::from(*width)).sum::<u64>()
}

/// Bytes of a frame's state as bincode, packed by zstd.
pub(crate) fn zstd_of_bincode(state: &[Vec<u32>]) -> anyhow::Result<usize> {
    let mut bytes = Vec::new();
    for entity in state {
        for code in entity {
            push_varint(&mut bytes, *code);
        }
    }
    Ok(zstd::bulk::compress(&bytes, 3)?.len())
}

/// A number as bincode's standard configuration writes it.
fn push_varint(out: &mut Vec<u8>, number: u32) {
    match number {
        0..=250 => out.push(number.to_le_bytes()[0]),
        251..=0xffff => {
            out.push(251);
            out.extend_from_slice(&number.to_le_bytes()[..2]);
        }
        _ => {
            out.push(252);
            out.extend_from_slice(&number.to_le_bytes());
        }
    }
}
