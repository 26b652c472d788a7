//! Ways between the codes of a lane.

use crate::{
    replication::{FrameError, coder::Coder, model::Model},
    schema::Lane,
};

impl Lane {
    /// The way from one code to another; the shorter one on a lane that wraps.
    pub(super) fn difference(self, to: u32, from: u32) -> i64 {
        let way = i64::from(to) - i64::from(from);
        if !self.is_cyclic {
            return way;
        }
        let around = i64::from(self.code_max) + 1;
        let way = way.rem_euclid(around);
        if way > around / 2 { way - around } else { way }
    }

    /// The code some way off, or the last one in that direction.
    pub(super) fn towards(self, from: u32, way: i64) -> u32 {
        let to = i64::from(from) + way;
        if self.is_cyclic {
            to.rem_euclid(i64::from(self.code_max) + 1) as u32
        } else {
            to.clamp(0, i64::from(self.code_max)) as u32
        }
    }

    /// The code some way off, where there is one.
    pub(super) fn moved(self, from: u32, way: i64) -> Result<u32, FrameError> {
        let to = i64::from(from) + way;
        if self.is_cyclic {
            return Ok(to.rem_euclid(i64::from(self.code_max) + 1) as u32);
        }
        u32::try_from(to).ok().filter(|to| *to <= self.code_max).ok_or(FrameError::OutOfRange)
    }
}

/// Codes a lane as its distance from a code that both ends know.
pub(super) fn code_from<C: Coder>(
    coder: &mut C,
    model: &Model,
    place: usize,
    lane: Lane,
    from: u32,
    code: u32,
) -> Result<u32, FrameError> {
    let way = coder.signed(model, place, lane.difference(code, from))?;
    lane.moved(from, way)
}
