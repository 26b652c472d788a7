//! Finds steady motion: what moves as it did is sent once, finer than its codes.
//!
//! The room decides for all clients, tick by tick, and writes what it decided into the hidden
//! lanes of the snapshot ([`tickwire_shared::replication::motion`]). As long as motion that is
//! known foretells the codes, it stays; when it misses, it is measured anew or given up.

#![allow(clippy::indexing_slicing, reason = "columns are as long as the rows that index them")]

use tickwire_shared::{
    Lane,
    replication::{
        field::{FieldModel, Prediction},
        model::{Group, Model},
        motion::{FINE, FINE_BITS, MotionModel, PRECISION_MAX, RATE_ZERO},
        values::{Past, Shape},
    },
};

use super::snapshot::{Row, Snapshot, State};

/// For how many ticks measured motion should foretell codes.
const HORIZON_TICKS: i64 = 64;

/// Fine values of a snapshot, lane by lane, in 1/65,536 of a code.
#[derive(Debug, Default)]
pub(super) struct FineColumns {
    values: Vec<i64>,
    rows: usize,
}

impl FineColumns {
    pub(super) fn clear(&mut self, rows: usize, lanes: usize) {
        self.values.clear();
        self.values.resize(rows * lanes, 0);
        self.rows = rows;
    }

    pub(super) fn set(&mut self, lane: usize, row: usize, value: i64) {
        self.values[lane * self.rows + row] = value;
    }

    fn at(&self, lane: usize, row: usize) -> i64 {
        self.values[lane * self.rows + row]
    }
}

/// Fills the hidden lanes of a snapshot. `fine` are the last snapshot's values and the new ones.
pub(super) fn settle(
    model: &Model,
    rows: &[Row],
    codes: &mut [u32],
    last: Option<&Snapshot>,
    fine: [&FineColumns; 2],
) {
    let mut past = State::default();
    for (number, group) in model.groups.iter().enumerate() {
        if group.record.fields.iter().all(|field| field.motion.is_none()) {
            continue;
        }
        for (at, row) in rows.iter().enumerate().filter(|(_, row)| row.mask & group.mask != 0) {
            let before = last.filter(|last| {
                last.rows.get(at).is_some_and(|old| {
                    old.generation == row.generation && (old.mask ^ row.mask) & group.mask == 0
                })
            });
            let from = at * model.lanes + group.first_lane;
            let now = &mut codes[from..from + group.record.lanes.len()];
            if let Some(before) = before {
                before.gather(at, number, &mut past);
            }
            let mover = Mover { group, row: at, is_new: before.is_none(), fine };
            mover.settle(row.mask & group.mask, &past, now);
        }
    }
}

/// One entity's motion.
struct Mover<'a> {
    group: &'a Group,
    row: usize,
    is_new: bool,
    fine: [&'a FineColumns; 2],
}

impl Mover<'_> {
    fn settle(&self, mask: u64, past: &State, now: &mut [u32]) {
        let shape = Shape { record: &self.group.record, mask, archetype: 0 };
        let past =
            Past { codes: &past.codes, previous: None, sequences: &past.sequences, steps: 1 };
        for field in self.group.record.fields.iter().filter(|field| field.bit() & mask != 0) {
            let Some(motion) = &field.motion else { continue };
            if self.is_new || shape.steady_on(field, motion, past, now).is_none() {
                motion.forget(now);
                self.measure(field, motion, now);
            }
        }
    }

    /// Writes the motion as it is now, where there is one.
    fn measure(&self, field: &FieldModel, motion: &MotionModel, now: &mut [u32]) -> Option<()> {
        let first = field.fine?;
        let [before, fine] = self.fine;
        // How much more than what the receiver can tell the lanes move, in 1/65,536 of a code.
        let mut rates = Vec::with_capacity(motion.count);
        for number in 0..motion.count {
            let lane = self.group.record.lanes[field.lanes.start + number];
            rates.push(match field.prediction {
                Prediction::Velocity { lane: velocity, scale, offset } => {
                    let column = self.velocity_column(velocity)? + number;
                    let speed = fine.at(column, self.row);
                    if !self.is_new && speed != before.at(column, self.row) {
                        return None;
                    }
                    let rate = (i128::from(speed) * i128::from(scale)).div_euclid(65_536);
                    let nominal = field.nominal_rate(number, now) << (16 - FINE_BITS);
                    i64::try_from(rate).ok()? + offset - nominal
                }
                _ if self.is_new => return None,
                _ => {
                    let column = first + number;
                    shortest(lane, fine.at(column, self.row) - before.at(column, self.row))
                }
            });
        }
        let precision = precision(&rates);
        for (number, rate) in rates.iter().enumerate() {
            let unit = unit(precision);
            let rate = u32::try_from(i64::from(RATE_ZERO) + (rate + unit / 2).div_euclid(unit));
            let phase = (fine.at(first + number, self.row) + 32_768).rem_euclid(65_536);
            now[motion.lane + 1 + number] = rate.ok()?;
            now[motion.lane + 1 + motion.count + number] =
                u32::try_from(phase * FINE / 65_536).ok()?;
        }
        now[motion.lane] = precision;
        Some(())
    }

    /// The column of a velocity's first lane, where it is fine too.
    fn velocity_column(&self, lane: usize) -> Option<usize> {
        self.group.record.fields.iter().find(|field| field.lanes.start == lane)?.fine
    }
}

/// The way of a lane that may wrap.
fn shortest(lane: Lane, way: i64) -> i64 {
    if !lane.is_cyclic {
        return way;
    }
    let around = (i64::from(lane.code_max) + 1) * 65_536;
    let way = way.rem_euclid(around);
    if way > around / 2 { way - around } else { way }
}

/// The unit of a rate, in 1/65,536 of a code.
fn unit(precision: u32) -> i64 {
    65_536 >> (precision.max(1) - 1)
}

/// The least precision at which these rates foretell codes for the horizon, about.
fn precision(rates: &[i64]) -> u32 {
    let is_enough = |precision: u32| {
        let unit = unit(precision);
        rates.iter().all(|rate| {
            let miss = (rate + unit / 2).rem_euclid(unit) - unit / 2;
            miss.abs() * HORIZON_TICKS <= 65_536 / 4
        })
    };
    (1..PRECISION_MAX).find(|precision| is_enough(*precision)).unwrap_or(PRECISION_MAX)
}
