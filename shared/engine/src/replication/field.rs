//! What the codec knows of one field: how it is guessed, and the nodes that code it.

use alloc::vec::Vec;
use core::ops::Range;

use super::{
    contexts, defaults,
    model::{Node, Nodes},
    motion::MotionModel,
    token::{signed_alphabet, unsigned_alphabet},
};
use crate::schema::{FieldKind, Lane, Predictor, RecordSchema};

/// What the codec knows of one field of a group or an event.
#[derive(Clone, Debug)]
pub struct FieldModel {
    /// Number of its component, or 0 in an event.
    pub component: usize,
    /// Position in its component.
    pub field: usize,
    /// Its lanes among those of its group or event.
    pub lanes: Range<usize>,
    /// Its place among the sequences of its group or event.
    pub sequence: Option<usize>,
    /// How its values are coded.
    pub coding: Coding,
    /// See [`crate::FieldSchema::is_static`].
    pub is_static: bool,
    /// See [`crate::FieldSchema::is_transient`].
    pub is_transient: bool,
    /// How its next value is guessed.
    pub prediction: Prediction,
    /// Its hidden lanes, where it moves and is known finer than its codes.
    pub motion: Option<MotionModel>,
    /// First of its lanes among those of all fine fields, groups in order.
    pub fine: Option<usize>,
    /// Node: whether it differs from the guess. Context: see [`super`].
    pub changed: Node,
    /// Nodes of a changed value, by lane.
    pub updates: Vec<Node>,
    /// Nodes of a value on entry, by lane.
    pub enters: Vec<Node>,
}

/// How a field's values are coded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Coding {
    /// Lane by lane, as misses of a guess.
    Numbers,
    /// One bit.
    Flag,
    /// One of a few.
    Choice,
    /// First whether there is one, then its lanes.
    Optional,
    /// The dropped component, then misses of the kept ones.
    Rotation {
        /// Bits of each kept component.
        bits: u8,
    },
    /// Apart from the rest, because it depends on what the client sees.
    Reference,
    /// Length, then bytes.
    Text {
        /// Most bytes.
        len_max: u16,
        /// Node of the upper half of a byte. Context: the byte before, modulo 32.
        high: Node,
        /// Node of the lower half. Context: that, and four times 32 for the upper half.
        low: Node,
    },
    /// Length, then elements.
    List {
        /// Lanes of an element.
        lanes: Vec<Lane>,
        /// Most elements.
        len_max: u16,
    },
}

/// How a field's next value is guessed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Prediction {
    /// It stays.
    Hold,
    /// It goes on as it did between the two states that the receiver has.
    Linear,
    /// It moves by `(code × scale + offset) / 65,536` codes a tick, lane by lane.
    Velocity {
        /// First lane of the velocity.
        lane: usize,
        /// Factor of the velocity's code.
        scale: i64,
        /// Added to it.
        offset: i64,
    },
}

/// Where a field stands, for [`FieldModel::new`].
pub(super) struct FieldPlace<'a> {
    pub(super) component: usize,
    pub(super) schema: &'a RecordSchema,
    pub(super) field: usize,
    /// First lane of the component.
    pub(super) first_lane: usize,
    pub(super) lanes: Range<usize>,
    pub(super) sequence: Option<usize>,
    /// Its first hidden lane, where it has such.
    pub(super) hidden: Option<usize>,
    pub(super) fine: Option<usize>,
    pub(super) tick_rate: u16,
    /// Whether it belongs to an entity rather than an event.
    pub(super) is_entity: bool,
    /// Nodes of text.
    pub(super) text: (Node, Node),
}

impl FieldModel {
    pub(super) fn new(place: FieldPlace<'_>, nodes: &mut Nodes) -> Self {
        let schema = &place.schema.fields[place.field];
        let own: Vec<Lane> = place.schema.lanes();
        let own: Vec<Lane> = own.into_iter().filter(|lane| lane.field == place.field).collect();
        let coding = coding(&schema.kind, place.text);
        let prediction = prediction(&place, schema.predictor);
        let mut node = |contexts: usize, default: &dyn Fn(usize) -> super::table::Table| {
            if place.is_entity {
                nodes.per_archetype(contexts, default)
            } else {
                nodes.shared(contexts, default)
            }
        };
        // How often a flag rises says nothing of how often it falls.
        let values = if coding == Coding::Flag { 2 } else { 1 };
        let changed = node(values * contexts::CHANGED_CONTEXTS, &defaults::changed);
        let (mut updates, mut enters) = (Vec::new(), Vec::new());
        match &coding {
            Coding::Flag => enters.push(node(1, &|_| defaults::even(2))),
            Coding::Choice => {
                let count = own.first().map_or(1, |lane| lane.code_max as usize + 1);
                assert!(count <= 256, "a choice has at most 256 variants");
                updates.push(node(count.min(16), &|_| defaults::even(count)));
                enters.push(node(1, &|_| defaults::even(count)));
            }
            Coding::Reference => {}
            Coding::Text { len_max, .. } => {
                let count = unsigned_alphabet(u32::from(*len_max));
                enters.push(node(1, &|_| defaults::unsigned(count, 8)));
            }
            Coding::List { lanes, len_max } => {
                let count = unsigned_alphabet(u32::from(*len_max));
                enters.push(node(1, &|_| defaults::unsigned(count, 8)));
                for lane in lanes {
                    let count = signed_alphabet(lane.code_max);
                    let width = u64::from(lane.code_max / 16).max(1);
                    enters.push(node(1, &|_| defaults::signed(count, width)));
                }
            }
            Coding::Numbers | Coding::Optional | Coding::Rotation { .. } => {
                let is_rotation = matches!(coding, Coding::Rotation { .. });
                for (at, lane) in own.iter().enumerate() {
                    if at == 0 && coding != Coding::Numbers {
                        // Which component is dropped, or whether there is a value.
                        let count = if is_rotation { 4 } else { 2 };
                        let contexts = if is_rotation { contexts::DROPPED_CONTEXTS } else { 2 };
                        updates.push(node(contexts, &|context| {
                            if is_rotation { defaults::dropped(context) } else { defaults::even(2) }
                        }));
                        enters.push(node(1, &|_| defaults::even(count)));
                        continue;
                    }
                    let most = if lane.is_cyclic { lane.code_max / 2 + 1 } else { lane.code_max };
                    let count = signed_alphabet(most);
                    let miss = |context| defaults::miss(count, context);
                    updates.push(node(contexts::MISS_CONTEXTS, &miss));
                    let width = u64::from(lane.code_max / 4).max(1);
                    enters.push(node(1, &|_| defaults::signed(count, width)));
                }
            }
        }
        let motion = place.hidden.map(|lane| MotionModel::new(lane, place.lanes.len(), nodes));
        Self {
            component: place.component,
            field: place.field,
            lanes: place.lanes,
            sequence: place.sequence,
            coding,
            is_static: schema.is_static,
            is_transient: schema.is_transient,
            prediction,
            motion,
            fine: place.fine,
            changed,
            updates,
            enters,
        }
    }

    /// The bit of its component in a mask.
    pub fn bit(&self) -> u64 {
        1 << self.component
    }

    /// Whether its guess needs another field's new value.
    pub(super) fn needs_velocity(&self) -> bool {
        matches!(self.prediction, Prediction::Velocity { .. })
    }
}

fn coding(kind: &FieldKind, (high, low): (Node, Node)) -> Coding {
    match kind {
        FieldKind::Number(_) | FieldKind::Angle { .. } | FieldKind::Vector { .. } => {
            Coding::Numbers
        }
        FieldKind::Flag => Coding::Flag,
        FieldKind::Choice { .. } => Coding::Choice,
        FieldKind::Rotation { bits } => Coding::Rotation { bits: *bits },
        FieldKind::Reference => Coding::Reference,
        FieldKind::Option(value) => {
            assert!(
                **value != FieldKind::Reference,
                "a reference is optional as it is: use NetId::NONE"
            );
            Coding::Optional
        }
        FieldKind::Text { len_max } => Coding::Text { len_max: *len_max, high, low },
        FieldKind::List { element, len_max } => {
            assert!(**element != FieldKind::Reference, "a list holds no references");
            Coding::List { lanes: kind.element_lanes(), len_max: *len_max }
        }
    }
}

fn prediction(place: &FieldPlace<'_>, predictor: Predictor) -> Prediction {
    let Predictor::Velocity { field } = predictor else {
        return if predictor == Predictor::Linear { Prediction::Linear } else { Prediction::Hold };
    };
    let number = |field: usize| match place.schema.fields.get(field).map(|field| &field.kind) {
        Some(FieldKind::Number(number)) => Some((number, 1)),
        Some(FieldKind::Vector { axes, axis }) => Some((axis, *axes)),
        _ => None,
    };
    let (Some((velocity, count)), Some((own, own_count))) = (number(field), number(place.field))
    else {
        panic!("a field moves by a number or a vector of numbers");
    };
    assert_eq!(count, own_count, "a velocity has as many axes as what it moves");
    // Whole numbers are in steps a tick, floats in units a second.
    let codes =
        if own.is_integer { 1.0 } else { 1.0 / (own.step * f64::from(place.tick_rate.max(1))) };
    let fixed = |value: f64| {
        let value = value * codes * 65_536.0;
        (if value < 0.0 { value - 0.5 } else { value + 0.5 }) as i64
    };
    let first = place.schema.lanes().iter().position(|lane| lane.field == field).unwrap_or(0);
    let (scale, offset) = (fixed(velocity.step), fixed(velocity.min));
    let fits = |rate: i64| rate.unsigned_abs() < 1 << 44;
    assert!(
        scale.checked_mul(velocity.code_max.into()).is_some_and(fits) && fits(offset),
        "a velocity moves less than 2^28 steps a tick"
    );
    Prediction::Velocity { lane: place.first_lane + first, scale, offset }
}
