//! What is known when something is coded, as the number of a context.
//!
//! Fine on purpose: each class says what would blur another. Training pools the contexts that turn
//! out alike ([`super::pools`]), so they cost places, and hardly tables.

/// Classes of how far the lane itself was seen to move.
const MOTION_CLASSES: usize = 10;

/// Classes of how much less that is than the field's lane that moved most.
const SHARE_CLASSES: usize = 3;

/// Contexts of a motion: both, and its direction; or that it is unknown.
pub(super) const MOTION_CONTEXTS: usize = MOTION_CLASSES * SHARE_CLASSES * 2 + 1;

/// Classes of the worst miss that was coded before in an update.
const MISS_CLASSES: usize = 10;

/// Contexts of a miss.
pub(super) const MISS_CONTEXTS: usize = MOTION_CONTEXTS * MISS_CLASSES;

/// Classes of how near the second component of a rotation is to the largest.
pub(super) const NEARNESSES: usize = 9;

/// Classes of how much happens to a rotation: how fast it turns, or how far the update's lanes
/// missed before it, if that is more.
const STIR_CLASSES: usize = 8;

/// Contexts of a rotation's dropped component: both; or that no turn is known.
pub(super) const DROPPED_CONTEXTS: usize = NEARNESSES * (STIR_CLASSES + 1);

/// Contexts of "this field changed": how it moved before, and the two flags before.
pub(super) const CHANGED_CONTEXTS: usize = 12;

/// Context of how far a lane misses its guess: how far it was seen to move, how far the lane of
/// its field that moved most did, and the worst miss before.
pub(super) fn miss(motion: Option<i64>, fastest: u64, worst: Option<u64>) -> usize {
    let missed = worst.map_or(0, |worst| 1 + bits(worst).min(MISS_CLASSES - 2));
    let moved = motion.map_or(MOTION_CONTEXTS - 1, |motion| {
        let own = bits(motion.unsigned_abs());
        let share = match bits(fastest).saturating_sub(own) {
            0 => 0,
            1 | 2 => 1,
            _ => 2,
        };
        2 * (SHARE_CLASSES * own.min(MOTION_CLASSES - 1) + share) + usize::from(motion < 0)
    });
    MOTION_CONTEXTS * missed + moved
}

/// The classes of a context of [`miss`]: of the lane's own motion, where it is known, and of the
/// worst miss before, 0 for none.
pub(super) fn miss_classes(context: usize) -> (Option<usize>, usize) {
    let (moved, missed) = (context % MOTION_CONTEXTS, context / MOTION_CONTEXTS);
    let own = moved / (2 * SHARE_CLASSES);
    ((own < MOTION_CLASSES).then_some(own), missed)
}

/// Context of which component of a rotation is dropped: how near the second of its guess is to the
/// first, how far its lanes were seen to move, and the worst miss before.
pub(super) fn dropped(near: usize, fastest: Option<u64>, worst: Option<u64>) -> usize {
    let stir = fastest.map_or(STIR_CLASSES, |fastest| {
        bits(fastest.max(worst.unwrap_or(0))).min(STIR_CLASSES - 1)
    });
    near + NEARNESSES * stir
}

/// How many bits a magnitude has: 0 for 0, 1 for 1, 2 for 2 and 3, 3 for 4 to 7, and so on.
fn bits(magnitude: u64) -> usize {
    (u64::BITS - magnitude.leading_zeros()) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAGNITUDES: [u64; 9] = [0, 1, 2, 3, 255, 256, 511, 512, u32::MAX as u64];

    #[test]
    fn contexts_of_misses_are_all_met_and_no_others() {
        let mut met = [false; MISS_CONTEXTS];
        let magnitudes = || (0..33).map(|bit| (1u64 << bit) - 1).chain(MAGNITUDES);
        let worsts: alloc::vec::Vec<Option<u64>> = magnitudes().map(Some).chain([None]).collect();
        for worst in &worsts {
            met[miss(None, 0, *worst)] = true;
            for fastest in magnitudes() {
                for motion in magnitudes().filter(|motion| *motion <= fastest) {
                    met[miss(Some(motion as i64), fastest, *worst)] = true;
                    met[miss(Some(-(motion as i64)), fastest, *worst)] = true;
                }
            }
        }
        // Nothing moves backwards by nothing.
        let still = 2 * SHARE_CLASSES;
        let unmet = met.iter().enumerate().filter(|(_, met)| !**met).map(|(at, _)| at);
        assert!(unmet.map(|at| at % MOTION_CONTEXTS).all(|moved| moved < still && moved % 2 == 1));
    }

    #[test]
    fn contexts_of_dropped_components_are_all_met_and_no_others() {
        let mut met = [false; DROPPED_CONTEXTS];
        for near in 0..NEARNESSES {
            met[dropped(near, None, Some(7))] = true;
            for fastest in MAGNITUDES.into_iter().chain([4, 8, 16, 32]) {
                met[dropped(near, Some(fastest), None)] = true;
                assert!(
                    dropped(near, Some(0), Some(fastest)) == dropped(near, Some(fastest), None)
                );
            }
        }
        assert!(met.iter().all(|met| *met));
    }
}
