//! Turning a game's structs into lane codes and back.
//!
//! `#[derive(Record)]` and `#[derive(Replicated)]` write these impls; [`Field`] says for each
//! Rust type what it means. Values off their grid are clamped and counted, never trusted: a NaN
//! from a game's bug must not travel.

use alloc::{boxed::Box, string::String, vec::Vec};
use core::any::TypeId;

use crate::{
    bits::{BitReader, BitWriter},
    codec::DecodeError,
    ids::NetId,
    limits::SEQUENCE_LEN_MAX,
    schema::{FieldKind, FieldSchema, Number, RecordSchema},
};

/// A struct whose fields are all declared.
pub trait Record: Sized + Send + Sync + 'static {
    /// Name of the type.
    const NAME: &'static str;

    /// Its fields, in order.
    fn fields() -> Vec<FieldSchema>;

    /// Hands each field to `out`, in order.
    fn write(&self, out: &mut FieldWriter<'_>);

    /// Takes each field from `input`, in order.
    fn read(input: &mut FieldReader<'_>) -> Self;
}

/// A tuple of record types.
pub trait RecordSet: 'static {
    /// Their schemas, in order.
    fn schemas() -> Vec<RecordSchema>;

    /// Place of a type in the tuple.
    fn position(id: TypeId) -> Option<usize>;
}

/// The codes of one record.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Values {
    /// One code per lane.
    pub codes: Vec<u32>,
    /// One list of codes per field that is a sequence.
    pub sequences: Vec<Vec<u32>>,
}

impl Values {
    /// Empties both lists, keeping their memory.
    pub fn clear(&mut self) {
        self.codes.clear();
        self.sequences.clear();
    }

    /// The codes of `record`. `schema` must be the record's own.
    pub fn of<R: Record>(record: &R, schema: &RecordSchema) -> Self {
        let mut values = Self::default();
        record.write(&mut FieldWriter::new(schema, &mut values));
        values
    }

    /// The record with these codes. `schema` must be the record's own.
    pub fn to_record<R: Record>(&self, schema: &RecordSchema) -> R {
        R::read(&mut FieldReader::new(schema, &self.codes, &self.sequences))
    }

    /// Each code in as many bits as its lane needs; sequences after their length.
    pub fn encode(&self, schema: &RecordSchema) -> Vec<u8> {
        let mut out = BitWriter::default();
        for (lane, code) in schema.lanes().iter().zip(&self.codes) {
            out.bits(*code, lane.bits());
        }
        let kinds = schema.fields.iter().map(|field| &field.kind).filter(|kind| kind.is_sequence());
        for (kind, sequence) in kinds.zip(&self.sequences) {
            let lanes = kind.element_lanes();
            let length = sequence.len() / lanes.len().max(1);
            out.bits(u32::try_from(length).unwrap_or(0), length_bits(kind.len_max()));
            for (lane, code) in lanes.iter().cycle().zip(sequence) {
                out.bits(*code, lane.bits());
            }
        }
        out.finish()
    }

    /// The inverse of [`Values::encode`]. Whatever it returns is inside every declared range.
    pub fn decode(bytes: &[u8], schema: &RecordSchema) -> Result<Self, DecodeError> {
        let mut input = BitReader::new(bytes);
        let mut values = Self::default();
        for lane in schema.lanes() {
            let code = input.bits(lane.bits()).ok_or(DecodeError::Malformed)?;
            if code > lane.code_max {
                return Err(DecodeError::OutOfRange { field: lane.field });
            }
            values.codes.push(code);
        }
        for (at, field) in schema.fields.iter().enumerate() {
            if !field.kind.is_sequence() {
                continue;
            }
            let lanes = field.kind.element_lanes();
            let length = input.bits(length_bits(field.kind.len_max()));
            let length = length.ok_or(DecodeError::Malformed)?;
            if length > u32::from(field.kind.len_max()) {
                return Err(DecodeError::OutOfRange { field: at });
            }
            let mut sequence = Vec::new();
            for _ in 0..length {
                for lane in &lanes {
                    let code = input.bits(lane.bits()).ok_or(DecodeError::Malformed)?;
                    if code > lane.code_max {
                        return Err(DecodeError::OutOfRange { field: at });
                    }
                    sequence.push(code);
                }
            }
            values.sequences.push(sequence);
        }
        match input.trailing_bytes() {
            0 => Ok(values),
            trailing => Err(DecodeError::Trailing(trailing)),
        }
    }
}

/// Bytes of a record on its own: inputs, join requests, events.
pub fn encode_record<R: Record>(record: &R, schema: &RecordSchema) -> Vec<u8> {
    Values::of(record, schema).encode(schema)
}

/// The inverse of [`encode_record`].
pub fn decode_record<R: Record>(bytes: &[u8], schema: &RecordSchema) -> Result<R, DecodeError> {
    Values::decode(bytes, schema).map(|values| values.to_record(schema))
}

fn length_bits(len_max: u16) -> u32 {
    u16::BITS - len_max.leading_zeros()
}

/// Takes fields in order and quantizes them.
pub struct FieldWriter<'a> {
    fields: core::iter::Enumerate<core::slice::Iter<'a, FieldSchema>>,
    values: &'a mut Values,
    fine: Option<&'a mut Vec<i64>>,
    clamped: u64,
}

impl<'a> FieldWriter<'a> {
    /// Appends to `values`.
    pub fn new(schema: &'a RecordSchema, values: &'a mut Values) -> Self {
        Self { fields: schema.fields.iter().enumerate(), values, fine: None, clamped: 0 }
    }

    /// Also appends to `fine` what [`Field::fine`] gives.
    pub fn with_fine(
        schema: &'a RecordSchema,
        values: &'a mut Values,
        fine: &'a mut Vec<i64>,
    ) -> Self {
        Self { fine: Some(fine), ..Self::new(schema, values) }
    }

    /// The next field's value.
    pub fn field<F: Field>(&mut self, value: &F) {
        let (at, field) = self.fields.next().expect("a record writes the fields that it declares");
        if !value.write(&field.kind, self.values) {
            self.clamped |= 1 << at.min(63);
        }
        if let Some(fine) = &mut self.fine {
            value.fine(&field.kind, fine);
        }
    }

    /// Which fields held a value off their grid, as a bit mask (63 stands for all after it).
    pub fn clamped(&self) -> u64 {
        self.clamped
    }
}

/// Gives fields in order, back on the game's scale.
pub struct FieldReader<'a> {
    fields: core::slice::Iter<'a, FieldSchema>,
    codes: &'a [u32],
    sequences: &'a [Vec<u32>],
}

impl<'a> FieldReader<'a> {
    /// Reads the codes of one record.
    pub fn new(schema: &'a RecordSchema, codes: &'a [u32], sequences: &'a [Vec<u32>]) -> Self {
        Self { fields: schema.fields.iter(), codes, sequences }
    }

    /// The next field's value.
    pub fn field<F: Field>(&mut self) -> F {
        let field = self.fields.next().expect("a record reads the fields that it declares");
        F::read(&field.kind, self)
    }

    /// The next lane's code, for hand-written [`Field`]s.
    pub fn code(&mut self) -> u32 {
        let (first, rest) = self.codes.split_first().expect("values hold a code for each lane");
        self.codes = rest;
        *first
    }

    fn sequence(&mut self) -> &'a [u32] {
        let (first, rest) =
            self.sequences.split_first().expect("values hold a list for each sequence");
        self.sequences = rest;
        first
    }
}

/// What the attributes of a field say.
#[derive(Clone, Copy, Debug, Default)]
pub struct FieldOptions {
    /// `min = …`
    pub min: Option<f64>,
    /// `max = …`
    pub max: Option<f64>,
    /// `step = …`
    pub step: Option<f64>,
    /// `angle`
    pub angle: bool,
    /// `bits = …`, of an angle or rotation.
    pub bits: Option<u8>,
    /// `max_len = …`, of text or a list.
    pub max_len: Option<u16>,
}

/// A Rust type that can be a field.
pub trait Field: Sized {
    /// Whether values lie between codes: see [`Field::fine`].
    const IS_FINE: bool = false;

    /// What the type means under these attributes. Panics, at start, where they make no sense.
    fn kind(options: &FieldOptions) -> FieldKind;

    /// Appends the value's codes. `false`: it was off its grid, and the nearest code was taken.
    fn write(&self, kind: &FieldKind, out: &mut Values) -> bool;

    /// Takes the value's codes.
    fn read(kind: &FieldKind, input: &mut FieldReader<'_>) -> Self;

    /// Appends where each lane of the value lies, in 1/65,536 of a code, for types that know it
    /// finer than their codes. The nearest code is this plus a half, rounded down.
    fn fine(&self, _: &FieldKind, _: &mut Vec<i64>) {}
}

macro_rules! integer_fields {
    ($($integer:ty)*) => {$(
        impl Field for $integer {
            fn kind(options: &FieldOptions) -> FieldKind {
                if options.angle {
                    return FieldKind::Angle { bits: options.bits.expect("an angle needs bits") };
                }
                FieldKind::Number(Number::new(
                    options.min.unwrap_or(<$integer>::MIN as f64),
                    options.max.unwrap_or(<$integer>::MAX as f64),
                    options.step.unwrap_or(1.0),
                    true,
                ))
            }

            fn write(&self, kind: &FieldKind, out: &mut Values) -> bool {
                match kind {
                    FieldKind::Number(number) => {
                        let steps = (i64::from(*self) - number.min as i64)
                            .div_euclid((number.step as i64).max(1));
                        let code = steps.clamp(0, i64::from(number.code_max));
                        out.codes.push(code as u32);
                        code == steps
                    }
                    FieldKind::Angle { bits } => {
                        out.codes.push(*self as u32 & (u32::MAX >> (32 - u32::from(*bits))));
                        true
                    }
                    _ => unreachable!("an integer is a number or an angle"),
                }
            }

            fn read(kind: &FieldKind, input: &mut FieldReader<'_>) -> Self {
                let code = i64::from(input.code());
                match kind {
                    FieldKind::Number(number) => {
                        (number.min as i64 + code * (number.step as i64).max(1)) as Self
                    }
                    _ => code as Self,
                }
            }
        }
    )*};
}

integer_fields!(u8 u16 u32 i8 i16 i32);

impl Field for f32 {
    const IS_FINE: bool = true;

    fn fine(&self, kind: &FieldKind, out: &mut Vec<i64>) {
        let value = f64::from(*self);
        let (steps, last) = match kind {
            FieldKind::Number(number) => {
                ((value - number.min) / number.step, f64::from(number.code_max))
            }
            FieldKind::Angle { bits } => {
                let turn = f64::from(1u32 << bits);
                let steps = value * turn / core::f64::consts::TAU;
                (steps - floor(steps / turn) * turn, turn)
            }
            _ => unreachable!("a float is a number or an angle"),
        };
        let steps = if steps.is_finite() { steps.clamp(0.0, last) } else { 0.0 };
        out.push(floor(steps * 65_536.0) as i64);
    }

    fn kind(options: &FieldOptions) -> FieldKind {
        if options.angle {
            return FieldKind::Angle { bits: options.bits.unwrap_or(8) };
        }
        let min = options.min.expect("a float needs min, max and step");
        let max = options.max.expect("a float needs min, max and step");
        let step = options.step.expect("a float needs min, max and step");
        FieldKind::Number(Number::new(min, max, step, false))
    }

    fn write(&self, kind: &FieldKind, out: &mut Values) -> bool {
        let value = f64::from(*self);
        match kind {
            FieldKind::Number(number) => {
                let steps = floor((value - number.min) / number.step + 0.5);
                let last = f64::from(number.code_max);
                let inside = !value.is_nan() && (0.0..=last).contains(&steps);
                let code = if value.is_nan() { f64::from(number.zero()) } else { steps };
                out.codes.push(code.clamp(0.0, last) as u32);
                inside
            }
            FieldKind::Angle { bits } => {
                let turn = f64::from(1u32 << bits);
                let steps = floor(value * turn / core::f64::consts::TAU + 0.5);
                let wrapped = steps - floor(steps / turn) * turn;
                out.codes.push(if value.is_finite() { wrapped as u32 % (1 << bits) } else { 0 });
                value.is_finite()
            }
            _ => unreachable!("a float is a number or an angle"),
        }
    }

    fn read(kind: &FieldKind, input: &mut FieldReader<'_>) -> Self {
        let code = f64::from(input.code());
        match kind {
            FieldKind::Number(number) => (number.min + code * number.step) as Self,
            FieldKind::Angle { bits } => {
                (code * core::f64::consts::TAU / f64::from(1u32 << bits)) as Self
            }
            _ => unreachable!("a float is a number or an angle"),
        }
    }
}

/// `f64::floor` for `core`, exact for the magnitudes that pass (below 2⁵²).
fn floor(value: f64) -> f64 {
    let whole = value as i64 as f64;
    if whole > value { whole - 1.0 } else { whole }
}

impl Field for bool {
    fn kind(_: &FieldOptions) -> FieldKind {
        FieldKind::Flag
    }

    fn write(&self, _: &FieldKind, out: &mut Values) -> bool {
        out.codes.push(u32::from(*self));
        true
    }

    fn read(_: &FieldKind, input: &mut FieldReader<'_>) -> Self {
        input.code() != 0
    }
}

impl Field for NetId {
    fn kind(_: &FieldOptions) -> FieldKind {
        FieldKind::Reference
    }

    fn write(&self, _: &FieldKind, out: &mut Values) -> bool {
        out.codes.push(self.to_bits());
        true
    }

    fn read(_: &FieldKind, input: &mut FieldReader<'_>) -> Self {
        Self::from_bits(input.code())
    }
}

impl<F: Field + Copy, const N: usize> Field for [F; N] {
    const IS_FINE: bool = F::IS_FINE;

    fn fine(&self, kind: &FieldKind, out: &mut Vec<i64>) {
        if Self::IS_FINE {
            let axis = axis_kind(kind);
            self.iter().for_each(|value| value.fine(&axis, out));
        }
    }

    fn kind(options: &FieldOptions) -> FieldKind {
        match F::kind(options) {
            FieldKind::Number(axis) => {
                FieldKind::Vector { axes: u8::try_from(N).expect("a vector is short"), axis }
            }
            other => panic!("an array field holds plain numbers, not {other:?}"),
        }
    }

    fn write(&self, kind: &FieldKind, out: &mut Values) -> bool {
        let axis = axis_kind(kind);
        self.iter().fold(true, |inside, value| value.write(&axis, out) & inside)
    }

    fn read(kind: &FieldKind, input: &mut FieldReader<'_>) -> Self {
        let axis = axis_kind(kind);
        core::array::from_fn(|_| F::read(&axis, input))
    }
}

fn axis_kind(kind: &FieldKind) -> FieldKind {
    match kind {
        FieldKind::Vector { axis, .. } => FieldKind::Number(*axis),
        _ => unreachable!("an array is a vector"),
    }
}

impl<F: Field + Default> Field for Option<F> {
    fn kind(options: &FieldOptions) -> FieldKind {
        let value = F::kind(options);
        assert!(!value.is_sequence(), "an optional field holds no sequence; use an empty one");
        FieldKind::Option(Box::new(value))
    }

    fn write(&self, kind: &FieldKind, out: &mut Values) -> bool {
        let FieldKind::Option(value_kind) = kind else { unreachable!("an option is an option") };
        out.codes.push(u32::from(self.is_some()));
        let Some(value) = self else {
            let mut lanes = Vec::new();
            value_kind.push_codes(&mut lanes);
            out.codes.extend(lanes);
            return true;
        };
        value.write(value_kind, out)
    }

    fn read(kind: &FieldKind, input: &mut FieldReader<'_>) -> Self {
        let FieldKind::Option(value_kind) = kind else { unreachable!("an option is an option") };
        let is_some = input.code() != 0;
        let value = F::read(value_kind, input);
        is_some.then_some(value)
    }
}

impl Field for String {
    fn kind(options: &FieldOptions) -> FieldKind {
        FieldKind::Text { len_max: checked_len(options) }
    }

    fn write(&self, kind: &FieldKind, out: &mut Values) -> bool {
        let mut end = self.len().min(usize::from(kind.len_max()));
        while !self.is_char_boundary(end) {
            end -= 1;
        }
        out.sequences.push(self.bytes().take(end).map(u32::from).collect());
        end == self.len()
    }

    fn read(_: &FieldKind, input: &mut FieldReader<'_>) -> Self {
        let bytes: Vec<u8> = input.sequence().iter().map(|code| *code as u8).collect();
        Self::from_utf8_lossy(&bytes).into_owned()
    }
}

impl<F: Field> Field for Vec<F> {
    fn kind(options: &FieldOptions) -> FieldKind {
        let element = F::kind(&FieldOptions { max_len: None, ..*options });
        assert!(!element.is_sequence(), "a list holds values, not sequences");
        FieldKind::List { element: Box::new(element), len_max: checked_len(options) }
    }

    fn write(&self, kind: &FieldKind, out: &mut Values) -> bool {
        let FieldKind::List { element, len_max } = kind else { unreachable!("a list is a list") };
        let mut scratch = Values::default();
        let mut inside = self.len() <= usize::from(*len_max);
        for value in self.iter().take(usize::from(*len_max)) {
            inside &= value.write(element, &mut scratch);
        }
        out.sequences.push(scratch.codes);
        inside
    }

    fn read(kind: &FieldKind, input: &mut FieldReader<'_>) -> Self {
        let FieldKind::List { element, .. } = kind else { unreachable!("a list is a list") };
        let mut elements =
            FieldReader { fields: [].iter(), codes: input.sequence(), sequences: &[] };
        let mut list = Self::new();
        while !elements.codes.is_empty() {
            list.push(F::read(element, &mut elements));
        }
        list
    }
}

fn checked_len(options: &FieldOptions) -> u16 {
    let len_max = options.max_len.expect("text and lists need max_len");
    assert!(usize::from(len_max) <= SEQUENCE_LEN_MAX, "max_len is at most {SEQUENCE_LEN_MAX}");
    len_max
}

impl FieldKind {
    /// One zero code per lane.
    fn push_codes(&self, codes: &mut Vec<u32>) {
        let count = match self {
            Self::Vector { axes, .. } => usize::from(*axes),
            Self::Rotation { .. } => 4,
            Self::Option(value) => {
                codes.push(0);
                return value.push_codes(codes);
            }
            Self::Text { .. } | Self::List { .. } => 0,
            _ => 1,
        };
        codes.extend(core::iter::repeat_n(0, count));
    }
}
