//! What an entering sub-entity is: its group and which components it has.

use super::{FrameError, coder::Coder, model::Model};

/// Codes group and mask.
pub fn code_shape<C: Coder>(
    coder: &mut C,
    model: &Model,
    group: usize,
    mask: u64,
) -> Result<(usize, u64), FrameError> {
    let nodes = &model.frame;
    let archetype = if C::DECODES { 0 } else { model.archetype(group, mask) };
    let archetype = coder.symbol(model, nodes.archetype.at(0, 0), archetype as u32)?;
    if let Some(known) = (archetype as usize).checked_sub(1) {
        let known = model.archetypes.get(known).ok_or(FrameError::Malformed)?;
        return Ok((known.group, known.mask));
    }
    let group = coder.symbol(model, nodes.group.at(0, 0), group as u32)? as usize;
    let members = model.groups.get(group).ok_or(FrameError::Malformed)?.mask;
    let mut coded = 0;
    for number in (0..u64::BITS).filter(|number| members >> number & 1 != 0) {
        let is_there = coder.flag(model, nodes.component.at(0, 0), mask >> number & 1 != 0)?;
        coded |= u64::from(is_there) << number;
    }
    if coded == 0 { Err(FrameError::Malformed) } else { Ok((group, coded)) }
}
