//! What a replica shows of an entity.

use alloc::vec::Vec;

use super::{Replica, slot::Slot};
use crate::{
    ids::NetId,
    record::FieldReader,
    schema::{FieldKind, RecordSchema, Replicated},
};

/// An entity as a replica has it.
#[derive(Clone, Copy, Debug)]
pub struct ReplicaEntity<'a> {
    pub(super) replica: &'a Replica,
    pub(super) slot: &'a Slot,
    pub(super) number: u16,
}

impl ReplicaEntity<'_> {
    /// The slot that it has in this replica.
    pub fn slot(&self) -> u16 {
        self.number
    }

    /// Its name, in games with references.
    pub fn net_id(&self) -> Option<NetId> {
        self.slot.net_id
    }

    /// One of its components, where it has it and this client may see it.
    pub fn get<C: Replicated>(&self) -> Option<C> {
        let (number, schema) = self
            .replica
            .schema
            .components
            .iter()
            .enumerate()
            .find(|(_, component)| component.record.name == C::NAME)
            .map(|(number, component)| (number, &component.record))?;
        let (codes, sequences) = self.component(number, schema)?;
        Some(C::read(&mut FieldReader::new(schema, &codes, &sequences)))
    }

    /// Codes and sequences of a component, references to what is not in view read as none.
    pub fn component(
        &self,
        number: usize,
        schema: &RecordSchema,
    ) -> Option<(Vec<u32>, Vec<Vec<u32>>)> {
        let model = &self.replica.model;
        let bit = 1u64 << number;
        let group = model.groups.iter().position(|group| group.mask & bit != 0)?;
        let sub = self.slot.groups.get(group)?.as_ref().filter(|sub| sub.mask & bit != 0)?;
        let record = &model.groups.get(group)?.record;
        let (mut codes, mut sequences) = (Vec::new(), Vec::new());
        for field in record.fields.iter().filter(|field| field.component == number) {
            let is_reference = schema.fields[field.field].kind == FieldKind::Reference;
            for code in &sub.codes[field.lanes.clone()] {
                let is_hidden =
                    is_reference && !self.replica.names.contains_key(&NetId::from_bits(*code));
                codes.push(if is_hidden { NetId::NONE.to_bits() } else { *code });
            }
            sequences.extend(field.sequence.map(|at| sub.sequences[at].to_vec()));
        }
        Some((codes, sequences))
    }
}
