//! What stands around the entities in a frame: header, statuses, entries.

use alloc::vec::Vec;

use super::{
    FrameError,
    coder::Coder,
    defaults,
    model::{Model, Node, Nodes},
    table::Table,
    token::unsigned_alphabet,
};
use crate::{schema::Schema, tick::Tick};

/// What has become of a sub-entity that the client has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// As predicted.
    Exact,
    /// Otherwise: what differs follows.
    Changed,
    /// Not in this client's view any more.
    Leave,
    /// Its whole state follows, as on entry.
    Reset,
    /// Nothing is said; its base stays.
    Deferred,
}

impl Status {
    /// The status with this code.
    pub(super) fn from_code(code: u32) -> Result<Self, FrameError> {
        match code {
            0 => Ok(Self::Exact),
            1 => Ok(Self::Changed),
            2 => Ok(Self::Leave),
            3 => Ok(Self::Reset),
            4 => Ok(Self::Deferred),
            _ => Err(FrameError::Malformed),
        }
    }

    /// Its code.
    pub fn code(self) -> u32 {
        match self {
            Self::Exact => 0,
            Self::Changed => 1,
            Self::Leave => 2,
            Self::Reset => 3,
            Self::Deferred => 4,
        }
    }

    /// The two last statuses as a context, after this one: bit 0 whether the last was no exact
    /// one, bit 1 the one before.
    #[must_use]
    pub fn after(self, history: u8) -> u8 {
        match self {
            Self::Exact => history << 1 & 2,
            Self::Changed | Self::Reset => history << 1 & 2 | 1,
            Self::Leave | Self::Deferred => history,
        }
    }
}

/// History of a sub-entity that just entered.
pub const HISTORY_ON_ENTRY: u8 = 1;

/// What follows in the list of entries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Entry {
    /// The list is over.
    End,
    /// An entity that the client did not have.
    New,
    /// A further group of the entity just before.
    Further,
    /// A group of an entity that the client has: its slot follows.
    Known,
}

impl Entry {
    pub(super) fn from_code(code: u32) -> Result<Self, FrameError> {
        match code {
            0 => Ok(Self::End),
            1 => Ok(Self::New),
            2 => Ok(Self::Further),
            3 => Ok(Self::Known),
            _ => Err(FrameError::Malformed),
        }
    }

    /// Its code.
    pub fn code(self) -> u32 {
        match self {
            Self::End => 0,
            Self::New => 1,
            Self::Further => 2,
            Self::Known => 3,
        }
    }
}

/// The beginning of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Header {
    /// Whether the replica starts anew, empty.
    pub is_fresh: bool,
    /// The tick that the frame leads to.
    pub tick: Tick,
    /// Ticks since the frame before; 0 in a fresh one.
    pub steps: u32,
    /// Tick of the client's newest input that the state includes.
    pub input_applied: Option<Tick>,
    /// Whether some sub-entities are deferred.
    pub has_deferred: bool,
    /// Whether the check at the end is over the whole replica.
    pub has_sum: bool,
    /// Slot of the entity around which the view lies; `None`: it stays where it last was.
    pub anchor: Option<u16>,
}

impl Header {
    /// Codes the header of the frame after one with the header `before`.
    pub fn code<C: Coder>(
        self,
        coder: &mut C,
        model: &Model,
        before: &Self,
    ) -> Result<Self, FrameError> {
        let nodes = &model.frame;
        let mut header = self;
        header.is_fresh = coder.flag(model, nodes.fresh.at(0, 0), self.is_fresh)?;
        if header.is_fresh {
            header.tick = Tick::new(coder.bits(self.tick.get(), 32)?);
            header.steps = 0;
        } else {
            let less = self.steps.saturating_sub(1);
            header.steps = coder.unsigned(model, nodes.steps.at(0, 0), less)? + 1;
            header.tick = before.tick.plus(header.steps);
        }
        header.input_applied = header.code_input(coder, model, before)?;
        header.has_deferred = coder.flag(model, nodes.deferred.at(0, 0), self.has_deferred)?;
        header.has_sum = coder.flag(model, nodes.sum.at(0, 0), self.has_sum)?;
        let old = if header.is_fresh { None } else { before.anchor };
        header.anchor = old;
        if coder.flag(model, nodes.anchor.at(0, 0), self.anchor != old)? {
            let next = self.anchor.map_or(0, |slot| u32::from(slot) + 1);
            let next = coder.bits(next, 16)?;
            header.anchor = next.checked_sub(1).and_then(|slot| u16::try_from(slot).ok());
        }
        Ok(header)
    }

    fn code_input<C: Coder>(
        self,
        coder: &mut C,
        model: &Model,
        before: &Self,
    ) -> Result<Option<Tick>, FrameError> {
        let expected = before.input_applied.map(|tick| tick.plus(self.steps));
        let how = match self.input_applied {
            applied if applied == expected && !self.is_fresh => 0,
            None => 1,
            applied if applied == before.input_applied && !self.is_fresh => 2,
            Some(_) => 3,
        };
        match coder.symbol(model, model.frame.input.at(0, 0), how)? {
            0 => Ok(expected),
            1 => Ok(None),
            2 => Ok(before.input_applied),
            _ => {
                let tick = self.input_applied.unwrap_or_default().get();
                Ok(Some(Tick::new(coder.bits(tick, 32)?)))
            }
        }
    }

    /// How many ticks the frame's events may be of.
    pub fn event_ticks(&self) -> u32 {
        self.steps.max(1)
    }
}

/// Nodes of the frame around the entities.
#[derive(Clone, Copy, Debug)]
pub struct FrameNodes {
    /// Flag: the replica starts anew.
    pub fresh: Node,
    /// Unsigned: ticks since the frame before, less one.
    pub steps: Node,
    /// 0: it moved on as far as the tick · 1: none · 2: it stayed · 3: its tick follows.
    pub input: Node,
    /// Flag: some are deferred.
    pub deferred: Node,
    /// Flag: the check is a sum.
    pub sum: Node,
    /// Flag: the anchor is another slot.
    pub anchor: Node,
    /// [`Entry`]. Context: entries so far, at most 3.
    pub entry: Node,
    /// Number of an archetype.
    pub archetype: Node,
    /// Number of a group.
    pub group: Node,
    /// Flag: a component is there.
    pub component: Node,
    /// Unsigned: index of a `NetId`.
    pub index: Node,
    /// Unsigned: generation of a `NetId`.
    pub generation: Node,
    /// Unsigned: slot that a field refers to, plus one; 0 for none.
    pub target: Node,
    /// Flag: another reference changed.
    pub reference: Node,
    /// Number of an event plus one, or 0 at the end. Context: events so far, at most 3.
    pub event: Node,
    /// Unsigned: how many ticks before the frame's an event happened.
    pub age: Node,
    /// Upper half of a byte of text. Context: the byte before, modulo 32.
    pub text_high: Node,
    /// Lower half of a byte of text. Context: the byte before, modulo 32, and 32 times the upper
    /// half modulo 4.
    pub text_low: Node,
}

impl FrameNodes {
    pub(super) fn new(nodes: &mut Nodes, archetypes: usize, schema: &Schema) -> Self {
        let unsigned = |nodes: &mut Nodes, most: u32, width: u64| {
            nodes.shared(1, |_| defaults::unsigned(unsigned_alphabet(most), width))
        };
        Self {
            fresh: nodes.shared(1, |_| defaults::flag(8, 4096)),
            steps: unsigned(nodes, 0xffff, 1),
            input: nodes.shared(1, |_| Table::new(&[3600, 200, 200, 96])),
            deferred: nodes.shared(1, |_| defaults::flag(128, 4096)),
            sum: nodes.shared(1, |_| defaults::flag(410, 4096)),
            anchor: nodes.shared(1, |_| defaults::flag(16, 4096)),
            entry: nodes.shared(4, |context| match context {
                0 => Table::new(&[2000, 2000, 20, 20]),
                _ => Table::new(&[1800, 2000, 200, 20]),
            }),
            archetype: nodes.shared(1, |_| defaults::even(archetypes + 1)),
            group: nodes.shared(1, |_| defaults::even(schema.components.len().max(1))),
            component: nodes.shared(1, |_| defaults::even(2)),
            index: unsigned(nodes, 0xffff, 256),
            generation: unsigned(nodes, 0xffff, 4),
            target: unsigned(nodes, 0xffff, 64),
            reference: nodes.shared(1, |_| defaults::flag(64, 4096)),
            event: nodes.shared(4, |context| {
                let kinds = schema.events.len();
                let end = kinds.max(1) * if context == 0 { 8 } else { 3 };
                let end = core::iter::once(u32::try_from(end).unwrap_or(u32::MAX));
                Table::new(&Vec::from_iter(end.chain(core::iter::repeat_n(1, kinds))))
            }),
            age: unsigned(nodes, 0xffff, 2),
            text_high: nodes.shared(32, |_| defaults::text_high()),
            text_low: nodes.shared(128, |_| defaults::even(16)),
        }
    }
}
