//! Texts and lists: they travel as a whole.

use alloc::{sync::Arc, vec::Vec};

use super::{Sequence, lane::code_from};
use crate::{
    replication::{
        FrameError,
        coder::Coder,
        field::{Coding, FieldModel},
        model::{Model, Node},
    },
    schema::Lane,
};

/// Codes a text or list as a whole.
pub(super) fn code_sequence<C: Coder>(
    coder: &mut C,
    model: &Model,
    field: &FieldModel,
    archetype: usize,
    sequences: &mut [Sequence],
) -> Result<(), FrameError> {
    let Some(sequence) = field.sequence.map(|at| &mut sequences[at]) else { return Ok(()) };
    let place = |number: usize| field.enters[number].at(archetype, 0);
    let (lanes, len_max): (&[Lane], u16) = match &field.coding {
        Coding::List { lanes, len_max } => (lanes, *len_max),
        Coding::Text { len_max, .. } => (&[], *len_max),
        _ => return Ok(()),
    };
    let width = lanes.len().max(1);
    let length = coder.unsigned(model, place(0), (sequence.len() / width) as u32)? as usize;
    if length > usize::from(len_max) {
        return Err(FrameError::OutOfRange);
    }
    let mut decoded: Vec<u32> = Vec::new();
    for at in 0..length * width {
        let truth = sequence.get(at).copied().unwrap_or(0);
        let known: &[u32] = if C::DECODES { &decoded } else { sequence };
        let code = if let Coding::Text { high, low, .. } = field.coding {
            let before = at.checked_sub(1).map_or(0, |at| known[at]);
            code_byte(coder, model, (high, low), before, truth)?
        } else {
            let lane = lanes[at % width];
            let from = at.checked_sub(width).map_or(lane.zero, |at| known[at]);
            code_from(coder, model, place(1 + at % width), lane, from, truth)?
        };
        if C::DECODES {
            decoded.push(code);
        }
    }
    if C::DECODES {
        *sequence = Arc::from(decoded);
    }
    Ok(())
}

fn code_byte<C: Coder>(
    coder: &mut C,
    model: &Model,
    (high, low): (Node, Node),
    before: u32,
    byte: u32,
) -> Result<u32, FrameError> {
    let context = (before & 31) as usize;
    let upper = coder.symbol(model, high.at(0, context), byte >> 4)?;
    let context = context + 32 * (upper & 3) as usize;
    let lower = coder.symbol(model, low.at(0, context), byte & 15)?;
    Ok(upper << 4 | lower)
}
