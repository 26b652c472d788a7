//! A unit quaternion as a field.

use alloc::vec::Vec;

use crate::{
    record::{Field, FieldOptions, FieldReader, Values},
    schema::FieldKind,
};

/// A rotation in space: a unit quaternion x, y, z, w.
///
/// Travels as its three smallest components in `bits = …` bits each (9 where nothing is said);
/// `q` and `-q` are the same rotation and read back as either.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Rotation(pub [f32; 4]);

impl Rotation {
    /// No rotation.
    pub const IDENTITY: Self = Self([0.0, 0.0, 0.0, 1.0]);
}

impl Default for Rotation {
    fn default() -> Self {
        Self::IDENTITY
    }
}

impl Field for Rotation {
    fn kind(options: &FieldOptions) -> FieldKind {
        let bits = options.bits.unwrap_or(9);
        assert!((4..=12).contains(&bits), "a rotation has 4 to 12 bits a component");
        FieldKind::Rotation { bits }
    }

    fn write(&self, kind: &FieldKind, out: &mut Values) -> bool {
        let codes_max = f64::from(code_max(kind));
        let norm = self.0.iter().map(|part| f64::from(*part) * f64::from(*part)).sum::<f64>();
        let is_unit = (0.98..1.02).contains(&norm);
        let Self(parts) = if is_unit { *self } else { Self::IDENTITY };
        let (largest, biggest) = parts
            .into_iter()
            .enumerate()
            .fold((0, 0.0f32), |best, part| if part.1.abs() > best.1.abs() { part } else { best });
        let sign = if biggest < 0.0 { -1.0 } else { 1.0 };
        out.codes.push(u32::try_from(largest).unwrap_or(0));
        for (at, part) in parts.into_iter().enumerate() {
            if at != largest {
                let share = (f64::from(part) * sign / core::f64::consts::SQRT_2 + 0.5) * codes_max;
                out.codes.push((share + 0.5).clamp(0.0, codes_max) as u32);
            }
        }
        is_unit
    }

    fn read(kind: &FieldKind, input: &mut FieldReader<'_>) -> Self {
        let codes_max = f64::from(code_max(kind));
        let largest = input.code() as usize;
        let kept: Vec<f64> = (0..3)
            .map(|_| (f64::from(input.code()) / codes_max - 0.5) * core::f64::consts::SQRT_2)
            .collect();
        let rest = 1.0 - kept.iter().map(|part| part * part).sum::<f64>();
        let mut kept = kept.into_iter();
        Self(core::array::from_fn(|at| {
            let part =
                if at == largest { square_root(rest) } else { kept.next().unwrap_or_default() };
            part as f32
        }))
    }
}

/// Highest code of a kept component.
fn code_max(kind: &FieldKind) -> u32 {
    match kind {
        FieldKind::Rotation { bits } => (1 << bits) - 1,
        _ => unreachable!("a rotation is a rotation"),
    }
}

/// `f64::sqrt` for `core`, by Newton's steps, for what a unit quaternion leaves over.
fn square_root(value: f64) -> f64 {
    if value <= 0.0 {
        return 0.0;
    }
    (0..32).fold(1.0, |root, _| 0.5 * (root + value / root))
}

#[cfg(test)]
mod tests {
    use super::Rotation;
    use crate::record::{Field, FieldOptions, FieldReader, Values};
    use crate::schema::RecordSchema;

    #[test]
    fn a_rotation_comes_back_within_its_step_and_a_broken_one_is_noticed() {
        let kind = Rotation::kind(&FieldOptions { bits: Some(9), ..FieldOptions::default() });
        let schema = RecordSchema { name: "", fields: alloc::vec::Vec::new() };
        for parts in [[0.5, -0.5, 0.5, -0.5], [0.0, 0.6, 0.0, -0.8], [1.0, 0.0, 0.0, 0.0]] {
            let mut values = Values::default();
            assert!(Rotation(parts).write(&kind, &mut values), "a unit quaternion is inside");
            let mut reader = FieldReader::new(&schema, &values.codes, &[]);
            let Rotation(back) = Rotation::read(&kind, &mut reader);
            let cosine: f32 = parts.iter().zip(back).map(|(a, b)| a * b).sum();
            assert!(cosine.abs() > 0.9999, "{parts:?} came back as {back:?}");
        }
        let mut values = Values::default();
        assert!(!Rotation([f32::NAN; 4]).write(&kind, &mut values), "no rotation at all");
        assert_eq!(values.codes.len(), 4);
    }
}
