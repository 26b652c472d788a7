//! A replica that went astray: which value, and whose is which.

use std::fmt;

use tickwire_shared::{
    FieldKind, NetId, Tick,
    replication::values::{Sequence, Shape},
};

use super::{history::History, snapshot::State};

/// The first value found in which a client's replica differs from the room.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Desync {
    /// When.
    pub tick: Tick,
    /// Which entity.
    pub entity: NetId,
    /// Which component.
    pub component: &'static str,
    /// Which field.
    pub field: &'static str,
    /// What the room has.
    pub server: String,
    /// What the client has.
    pub client: String,
}

impl fmt::Display for Desync {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tick, entity, component, field, server, client } = self;
        write!(
            f,
            "replica differs at {tick}: entity {entity}, {component}.{field} is {server} here and \
             {client} there"
        )
    }
}

/// Who had which slot when a checksum was sent.
#[derive(Clone, Debug)]
pub(super) struct Audit {
    tick: Tick,
    slots: Vec<Option<(u16, u16)>>,
}

impl Audit {
    pub(super) fn new(tick: Tick, slots: impl Iterator<Item = Option<(u16, u16)>>) -> Self {
        Self { tick, slots: slots.collect() }
    }

    pub(super) fn memory_bytes(&self) -> usize {
        size_of::<Self>() + self.slots.capacity() * size_of::<Option<(u16, u16)>>()
    }
}

/// Reads a replica's report and finds the first difference. Any bytes may come.
pub(super) fn examine(audits: &[Audit], history: &History, report: &[u8]) -> Option<Desync> {
    let mut input = Varints(report);
    let (audited, tick) = (Tick::new(input.next()?), Tick::new(input.next()?));
    let audit = audits.iter().find(|audit| audit.tick == audited)?;
    loop {
        let (slot, group, age) = (input.next()?, input.next()?, input.next()?);
        let mask = u64::from(input.next()?) | u64::from(input.next()?) << 32;
        let (row, generation) = (*audit.slots.get(slot as usize)?)?;
        let base = tick.minus(age);
        let snapshot = history.at(base)?;
        let group = group as usize;
        let model = snapshot.model.groups.get(group)?;
        snapshot.tenant(row, generation)?;
        let name = NetId::new(row, generation);
        let truth = snapshot.mask(row.into(), group);
        if mask != truth {
            let number = (mask ^ truth).trailing_zeros() as usize;
            let component = snapshot.schema.components.get(number)?.record.name;
            let word = |mask: u64| if mask >> number & 1 != 0 { "there" } else { "missing" };
            return Some(Desync {
                tick: base,
                entity: name,
                component,
                field: "(all)",
                server: word(truth).into(),
                client: word(mask).into(),
            });
        }
        let mut state = State::default();
        snapshot.gather(row.into(), group, &mut state);
        let shape = Shape { record: &model.record, mask, archetype: 0 };
        for field in shape.lasting_fields() {
            let schema = &snapshot.schema.components.get(field.component)?.record;
            let schema_field = schema.fields.get(field.field)?;
            let server: Sequence = match field.sequence {
                Some(at) => state.sequences.get(at)?.clone(),
                None => state.codes.get(field.lanes.clone())?.into(),
            };
            let count = match field.sequence {
                Some(_) => input.next()? as usize,
                None => field.lanes.len(),
            };
            let mut client = Vec::new();
            for _ in 0..count {
                client.push(input.next()?);
            }
            if server[..] != client[..] {
                return Some(Desync {
                    tick: base,
                    entity: name,
                    component: schema.name,
                    field: schema_field.name,
                    server: in_words(&schema_field.kind, &server),
                    client: in_words(&schema_field.kind, &client),
                });
            }
        }
    }
}

/// A value as a person would write it.
fn in_words(kind: &FieldKind, codes: &[u32]) -> String {
    match (kind, codes) {
        (FieldKind::Number(number) | FieldKind::Vector { axis: number, .. }, _) => {
            let values = codes.iter().map(|code| number.min + f64::from(*code) * number.step);
            let words: Vec<String> = values.map(|value| value.to_string()).collect();
            words.join(", ")
        }
        (FieldKind::Flag, [code]) => (*code != 0).to_string(),
        (FieldKind::Choice { variants }, [code]) => {
            variants.get(*code as usize).copied().unwrap_or("?").to_owned()
        }
        (FieldKind::Text { .. }, _) => {
            let bytes: Vec<u8> = codes.iter().map(|code| code.to_le_bytes()[0]).collect();
            format!("{:?}", String::from_utf8_lossy(&bytes))
        }
        _ => format!("{codes:?}"),
    }
}

struct Varints<'a>(&'a [u8]);

impl Varints<'_> {
    fn next(&mut self) -> Option<u32> {
        let mut number = 0u32;
        for shift in (0..35).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u32::from(byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }
}
