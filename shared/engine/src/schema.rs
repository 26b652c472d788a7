//! What a game's data looks like: components, inputs, join request and events, field by field.
//!
//! A schema is made once at start from the game's [`Protocol`] and drives everything that
//! touches data without knowing the game: capture, codec, checksums, generated TypeScript.
//! Every field is a fixed number of *lanes*, each an unsigned *code* from 0 to its maximum; text
//! and lists are *sequences* of codes beside the lanes.

use alloc::{boxed::Box, format, string::String, vec::Vec};
use core::fmt::Write as _;

use crate::{
    limits::COMPONENTS_MAX,
    record::{Record, RecordSet},
};

/// Version of everything that this crate puts on the wire around a game's own data. Part of
/// every protocol hash.
pub const WIRE_VERSION: u32 = 5;

/// A game, as both ends agree on it.
pub trait Protocol: Send + Sync + 'static {
    /// Short name, part of the protocol hash.
    const NAME: &'static str;
    /// Steps per second of the game's rooms, where the server's configuration says nothing else.
    const TICK_RATE: u16 = 20;
    /// Trained codec tables, as text written by the `codec` tool; empty for the defaults.
    const TABLES: &'static str = "";
    /// The replicated components, as a tuple of types.
    type Components: ComponentSet;
    /// Short-lived happenings that clients hear of, as a tuple of types.
    type Events: RecordSet;
    /// What a client wants to do at one tick. `Default` is the neutral input.
    type Input: Record + Default + Clone;
    /// What a client says of itself as it joins.
    type Join: Record;
}

/// A component that clients get to see. Derived.
#[cfg(feature = "ecs")]
pub trait Replicated: Record + bevy_ecs::component::Component {
    /// Who gets to see it.
    const AUDIENCE: Audience;
}

/// A component that clients get to see. Derived.
#[cfg(not(feature = "ecs"))]
pub trait Replicated: Record {
    /// Who gets to see it.
    const AUDIENCE: Audience;
}

/// Who sees a component of an entity that is in view. Components with the same audience form
/// one visibility group.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Audience {
    /// Every client that has the entity in view.
    Everyone,
    /// The client that owns the entity.
    Owner,
    /// Clients of the entity's team.
    Team,
    /// Clients for which the game's visibility rule says so; rules are told apart by number.
    Rule(u8),
}

/// A tuple of component types.
pub trait ComponentSet {
    /// Calls `visitor` with each type, in order.
    fn visit(visitor: &mut impl ComponentVisitor);
}

/// Something to be done with each component type of a game.
pub trait ComponentVisitor {
    /// Does it with `C`.
    fn component<C: Replicated>(&mut self);
}

/// All that is known of a game's data.
#[derive(Clone, Debug)]
pub struct Schema {
    /// [`Protocol::NAME`].
    pub name: &'static str,
    /// [`Protocol::TICK_RATE`].
    pub tick_rate: u16,
    /// [`Protocol::TABLES`].
    pub tables: &'static str,
    /// Replicated components; a component's place here is its number on the wire.
    pub components: Vec<ComponentSchema>,
    /// Events; an event's place here is its number on the wire.
    pub events: Vec<RecordSchema>,
    /// The input record.
    pub input: RecordSchema,
    /// The join request record.
    pub join: RecordSchema,
}

/// A replicated component.
#[derive(Clone, Debug)]
pub struct ComponentSchema {
    /// Its fields.
    pub record: RecordSchema,
    /// Who sees it.
    pub audience: Audience,
}

/// A named list of fields.
#[derive(Clone, Debug)]
pub struct RecordSchema {
    /// Name of the Rust type.
    pub name: &'static str,
    /// Fields in order of declaration.
    pub fields: Vec<FieldSchema>,
}

/// One field.
#[derive(Clone, Debug)]
pub struct FieldSchema {
    /// Name of the Rust field.
    pub name: &'static str,
    /// What values it has.
    pub kind: FieldKind,
    /// Never changes in an entity's life: sent on entry only.
    pub is_static: bool,
    /// Matters only in its own tick: not part of an entity's lasting state.
    pub is_transient: bool,
    /// Places the entity in the world, for interest. Vectors only.
    pub is_position: bool,
    /// Whether the game knows values finer than their codes ([`crate::Field::IS_FINE`]): steady
    /// motion is then sent once, fine enough to foretell codes for a while.
    pub is_fine: bool,
    /// How the next value is guessed from what the receiver has.
    pub predictor: Predictor,
}

/// The values that a field can have.
#[derive(Clone, PartialEq, Debug)]
pub enum FieldKind {
    /// A number on a grid. One lane.
    Number(Number),
    /// A direction, in 2^`bits` steps per turn; wraps. One lane.
    Angle {
        /// Steps per turn, as a power of two.
        bits: u8,
    },
    /// Yes or no. One lane.
    Flag,
    /// One of a few names. One lane.
    Choice {
        /// The names, in order of code.
        variants: &'static [&'static str],
    },
    /// Several numbers on one grid that move together. One lane per axis.
    Vector {
        /// How many.
        axes: u8,
        /// Grid of each.
        axis: Number,
    },
    /// A unit quaternion as its three smallest components: lane 0 names the dropped one, lanes
    /// 1–3 hold the rest in x, y, z, w order.
    Rotation {
        /// Bits of each kept component.
        bits: u8,
    },
    /// Another entity, as the bits of its `NetId`. One lane.
    Reference,
    /// There or not: one lane for which, then the lanes of the value.
    Option(Box<Self>),
    /// UTF-8 text. A sequence of bytes.
    Text {
        /// Most bytes.
        len_max: u16,
    },
    /// A list of values that have lanes. A sequence of their codes.
    List {
        /// What is in it.
        element: Box<Self>,
        /// Most elements.
        len_max: u16,
    },
}

/// A grid of numbers: `min + code × step` for codes 0 to `code_max`.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Number {
    /// Least value.
    pub min: f64,
    /// Distance of neighbours.
    pub step: f64,
    /// Highest code.
    pub code_max: u32,
    /// Whether values are whole numbers (an integer type in Rust).
    pub is_integer: bool,
}

impl Number {
    /// The grid from `min` to `max` in steps of `step`.
    pub fn new(min: f64, max: f64, step: f64, is_integer: bool) -> Self {
        let codes = ((max - min) / step + 0.5) as u64;
        let code_max = u32::try_from(codes).expect("a number field has at most 2^32 steps");
        Self { min, step, code_max, is_integer }
    }

    /// The code nearest to zero.
    pub fn zero(&self) -> u32 {
        (((-self.min) / self.step + 0.5).max(0.0) as u32).min(self.code_max)
    }
}

/// How a field's next value is guessed; only the miss is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Predictor {
    /// It stays.
    Hold,
    /// It goes on changing as it last did (linear motion, steady spin).
    Linear,
    /// It moves by another field of the same component and shape: whole numbers in steps per
    /// tick, floats in units per second.
    Velocity {
        /// Position of that field in the record.
        field: usize,
    },
}

/// One unsigned code of a field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lane {
    /// Position of the lane's field in its record.
    pub field: usize,
    /// Highest code.
    pub code_max: u32,
    /// Whether codes wrap around.
    pub is_cyclic: bool,
    /// The code that means zero, where there is one.
    pub zero: u32,
}

impl Schema {
    /// The schema of a game.
    pub fn of<P: Protocol>() -> Self {
        let mut components = Components(Vec::new());
        P::Components::visit(&mut components);
        assert!(components.0.len() <= COMPONENTS_MAX, "a schema has at most 64 components");
        Self {
            name: P::NAME,
            tick_rate: P::TICK_RATE,
            tables: P::TABLES,
            components: components.0,
            events: P::Events::schemas(),
            input: RecordSchema::of::<P::Input>(),
            join: RecordSchema::of::<P::Join>(),
        }
    }

    /// Hash of everything that both ends must agree on: 64-bit FNV-1a over
    /// [`Schema::describe`].
    pub fn hash(&self) -> u64 {
        fnv(self.describe().as_bytes())
    }

    /// The schema in words, one line per field.
    pub fn describe(&self) -> String {
        let mut text = format!("tickwire {WIRE_VERSION} {} {} Hz\n", self.name, self.tick_rate);
        for component in &self.components {
            let _ = writeln!(text, "component for {:?}", component.audience);
            component.record.describe(&mut text);
        }
        for event in &self.events {
            text.push_str("event\n");
            event.describe(&mut text);
        }
        text.push_str("input\n");
        self.input.describe(&mut text);
        text.push_str("join\n");
        self.join.describe(&mut text);
        let _ = writeln!(text, "tables {:016x}", fnv(self.tables.as_bytes()));
        text
    }
}

fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

impl RecordSchema {
    /// The schema of a record.
    pub fn of<R: Record>() -> Self {
        Self { name: R::NAME, fields: R::fields() }
    }

    /// The record's lanes, in order.
    pub fn lanes(&self) -> Vec<Lane> {
        let mut lanes = Vec::new();
        for (at, field) in self.fields.iter().enumerate() {
            field.kind.push_lanes(at, &mut lanes);
        }
        lanes
    }

    fn describe(&self, text: &mut String) {
        let _ = writeln!(text, "{}", self.name);
        for field in &self.fields {
            let _ = writeln!(
                text,
                "  {} {:?} static={} transient={} position={} fine={} {:?}",
                field.name,
                field.kind,
                field.is_static,
                field.is_transient,
                field.is_position,
                field.is_fine,
                field.predictor,
            );
        }
    }
}

impl FieldKind {
    /// Whether values are sequences rather than lanes.
    pub fn is_sequence(&self) -> bool {
        matches!(self, Self::Text { .. } | Self::List { .. })
    }

    /// Lanes of one element of a sequence; empty for kinds that are no sequences.
    pub fn element_lanes(&self) -> Vec<Lane> {
        let mut lanes = Vec::new();
        match self {
            Self::Text { .. } => lanes.push(Lane::plain(0, 255)),
            Self::List { element, .. } => element.push_lanes(0, &mut lanes),
            _ => {}
        }
        lanes
    }

    /// Most elements of a sequence.
    pub fn len_max(&self) -> u16 {
        match self {
            Self::Text { len_max } | Self::List { len_max, .. } => *len_max,
            _ => 0,
        }
    }

    fn push_lanes(&self, field: usize, lanes: &mut Vec<Lane>) {
        match self {
            Self::Number(number) => lanes.push(Lane::number(field, number)),
            Self::Angle { bits } => {
                lanes.push(Lane { is_cyclic: true, ..Lane::plain(field, mask(*bits)) });
            }
            Self::Flag => lanes.push(Lane::plain(field, 1)),
            Self::Choice { variants } => {
                let last = u32::try_from(variants.len()).unwrap_or(u32::MAX).saturating_sub(1);
                lanes.push(Lane::plain(field, last));
            }
            Self::Vector { axes, axis } => {
                lanes.extend((0..*axes).map(|_| Lane::number(field, axis)));
            }
            Self::Rotation { bits } => {
                lanes.push(Lane::plain(field, 3));
                let centre = 1 << (bits - 1);
                lanes.extend(
                    (0..3).map(|_| Lane { zero: centre, ..Lane::plain(field, mask(*bits)) }),
                );
            }
            Self::Reference => lanes.push(Lane::plain(field, u32::MAX)),
            Self::Option(value) => {
                lanes.push(Lane::plain(field, 1));
                value.push_lanes(field, lanes);
            }
            Self::Text { .. } | Self::List { .. } => {}
        }
    }
}

impl Lane {
    fn plain(field: usize, code_max: u32) -> Self {
        Self { field, code_max, is_cyclic: false, zero: 0 }
    }

    fn number(field: usize, number: &Number) -> Self {
        Self { field, code_max: number.code_max, is_cyclic: false, zero: number.zero() }
    }

    /// Bits that hold any code of this lane.
    pub fn bits(&self) -> u32 {
        u32::BITS - self.code_max.leading_zeros()
    }
}

const fn mask(bits: u8) -> u32 {
    u32::MAX >> (32 - bits as u32)
}

/// Collects the schemas of a component set.
struct Components(Vec<ComponentSchema>);

impl ComponentVisitor for Components {
    fn component<C: Replicated>(&mut self) {
        self.0.push(ComponentSchema { record: RecordSchema::of::<C>(), audience: C::AUDIENCE });
    }
}

macro_rules! component_sets {
    ($($name:ident)*) => {
        impl<$($name: Replicated),*> ComponentSet for ($($name,)*) {
            #[allow(unused_variables)]
            fn visit(visitor: &mut impl ComponentVisitor) {
                $(visitor.component::<$name>();)*
            }
        }
        impl<$($name: Record),*> RecordSet for ($($name,)*) {
            fn schemas() -> Vec<RecordSchema> {
                Vec::from([$(RecordSchema::of::<$name>()),*])
            }
            #[allow(unused_assignments, unused_mut, unused_variables)]
            fn position(id: core::any::TypeId) -> Option<usize> {
                let mut at = 0;
                $(
                    if core::any::TypeId::of::<$name>() == id { return Some(at); }
                    at += 1;
                )*
                None
            }
        }
    };
}

component_sets!();
component_sets!(A);
component_sets!(A B);
component_sets!(A B C);
component_sets!(A B C D);
component_sets!(A B C D E);
component_sets!(A B C D E F);
component_sets!(A B C D E F G);
component_sets!(A B C D E F G H);
component_sets!(A B C D E F G H I);
component_sets!(A B C D E F G H I J);
component_sets!(A B C D E F G H I J K);
component_sets!(A B C D E F G H I J K L);
