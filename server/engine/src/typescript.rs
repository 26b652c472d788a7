//! Writes a game's protocol as a TypeScript module: types for people, data for the engine.
//!
//! The data is what `web-client/engine/schema.ts` describes: records as they were declared, and
//! the codec's model with all its tables, so that a browser needs no code to make them.

use std::fmt::Write as _;

use serde_json::{Value, json};
use tickwire_shared::{
    FieldKind, Lane, Number, RecordSchema, Schema,
    replication::{
        field::{Coding, FieldModel, Prediction},
        frame::FrameNodes,
        model::{Model, Node, RecordModel},
        motion::MotionModel,
    },
};

/// The module of a game's protocol.
pub fn module(schema: &Schema) -> String {
    let mut text = String::from(HEAD);
    let components = schema.components.iter().map(|component| &component.record);
    for record in components.clone().chain(&schema.events) {
        write_interface(&mut text, record);
    }
    write_interface(&mut text, &schema.input);
    write_interface(&mut text, &schema.join);
    text.push_str("/** An entity in view, with the components that this client may see. */\n");
    text.push_str("export interface Entity extends EntityBase {\n");
    for record in components {
        let (name, property) = (record.name, lower_camel(record.name));
        let _ = writeln!(text, "  readonly {property}: {name} | undefined;");
    }
    text.push_str("}\n\n/** Short-lived happenings, by name. */\nexport interface Events {\n");
    for event in &schema.events {
        let _ = writeln!(text, "  {}: {};", lower_camel(event.name), event.name);
    }
    let (input, join) = (schema.input.name, schema.join.name);
    let _ = write!(
        text,
        "}}\n\n/** A connection to this game. */\nexport type GameClient = Client<Entity, \
         Events>;\n\n/** The game, for `connect`. */\nexport const protocol = {} as unknown as \
         TypedProtocol<Entity, Events, {input}, {join}>;\n",
        data(schema)
    );
    text
}

/// The protocol as data. The hash is text: JSON's numbers are too short for it.
pub fn data(schema: &Schema) -> Value {
    let model = Model::of(schema);
    let components: Vec<Value> =
        schema.components.iter().map(|component| record(&component.record)).collect();
    let events: Vec<Value> = schema.events.iter().map(record).collect();
    json!({
        "name": schema.name,
        "hash": format!("{:016x}", schema.hash()),
        "tickRate": schema.tick_rate,
        "components": components,
        "events": events,
        "input": record(&schema.input),
        "join": record(&schema.join),
        "model": model_data(&model),
    })
}

const HEAD: &str = "\
// Written by `cargo run -p arena -- protocol`. Do not edit: change the Rust types and write it anew.
/* biome-ignore-all format lint: generated */

import type { Client, EntityBase, NetId, TypedProtocol } from '../engine/index.ts';

";

fn write_interface(text: &mut String, record: &RecordSchema) {
    let _ = writeln!(text, "export interface {} {{", record.name);
    for field in &record.fields {
        let name = lower_camel(field.name);
        let _ = writeln!(text, "  {name}: {};", type_of(&field.kind));
    }
    text.push_str("}\n\n");
}

fn type_of(kind: &FieldKind) -> String {
    match kind {
        FieldKind::Number(_) | FieldKind::Angle { .. } => String::from("number"),
        FieldKind::Flag => String::from("boolean"),
        FieldKind::Choice { variants } => {
            variants.iter().map(|variant| format!("'{variant}'")).collect::<Vec<_>>().join(" | ")
        }
        FieldKind::Vector { axes, .. } => {
            format!("[{}]", vec!["number"; usize::from(*axes)].join(", "))
        }
        FieldKind::Rotation { .. } => String::from("[number, number, number, number]"),
        FieldKind::Reference => String::from("NetId | undefined"),
        FieldKind::Option(value) => format!("{} | undefined", type_of(value)),
        FieldKind::Text { .. } => String::from("string"),
        FieldKind::List { element, .. } => format!("({})[]", type_of(element)),
    }
}

fn record(record: &RecordSchema) -> Value {
    let fields = record
        .fields
        .iter()
        .map(|field| json!({ "name": lower_camel(field.name), "kind": kind_data(&field.kind) }));
    json!({ "name": lower_camel(record.name), "fields": fields.collect::<Vec<_>>() })
}

fn kind_data(kind: &FieldKind) -> Value {
    match kind {
        FieldKind::Number(number) => number_data(number),
        FieldKind::Angle { bits } => json!({ "type": "angle", "bits": bits }),
        FieldKind::Flag => json!({ "type": "flag" }),
        FieldKind::Choice { variants } => json!({ "type": "choice", "variants": variants }),
        FieldKind::Vector { axes, axis } => {
            json!({ "type": "vector", "axes": axes, "axis": number_data(axis) })
        }
        FieldKind::Rotation { bits } => json!({ "type": "rotation", "bits": bits }),
        FieldKind::Reference => json!({ "type": "reference" }),
        FieldKind::Option(value) => json!({ "type": "option", "value": kind_data(value) }),
        FieldKind::Text { len_max } => json!({ "type": "text", "lenMax": len_max }),
        FieldKind::List { element, len_max } => {
            json!({ "type": "list", "element": kind_data(element), "lenMax": len_max })
        }
    }
}

fn number_data(number: &Number) -> Value {
    let Number { min, step, code_max, .. } = number;
    json!({ "type": "number", "min": min, "step": step, "codeMax": code_max })
}

fn model_data(model: &Model) -> Value {
    let groups = model.groups.iter().map(|group| {
        json!({
            "mask": mask(group.mask),
            "record": record_model(&group.record),
            "status": node(group.status),
        })
    });
    let archetypes = model
        .archetypes
        .iter()
        .map(|archetype| json!({ "group": archetype.group, "mask": mask(archetype.mask) }));
    let tables = model.tables().iter().map(|table| {
        let frequencies: Vec<String> =
            table.frequencies().map(|frequency| frequency.to_string()).collect();
        frequencies.join(" ")
    });
    json!({
        "groups": groups.collect::<Vec<_>>(),
        "events": model.events.iter().map(record_model).collect::<Vec<_>>(),
        "archetypes": archetypes.collect::<Vec<_>>(),
        "hasReferences": model.has_references,
        "frame": frame(&model.frame),
        "tables": tables.collect::<Vec<_>>(),
        "places": runs(model.places()),
    })
}

fn frame(nodes: &FrameNodes) -> Value {
    json!({
        "fresh": node(nodes.fresh),
        "steps": node(nodes.steps),
        "input": node(nodes.input),
        "deferred": node(nodes.deferred),
        "sum": node(nodes.sum),
        "anchor": node(nodes.anchor),
        "entry": node(nodes.entry),
        "archetype": node(nodes.archetype),
        "group": node(nodes.group),
        "component": node(nodes.component),
        "index": node(nodes.index),
        "generation": node(nodes.generation),
        "target": node(nodes.target),
        "reference": node(nodes.reference),
        "event": node(nodes.event),
        "age": node(nodes.age),
    })
}

fn record_model(record: &RecordModel) -> Value {
    let position = record.position.and_then(|at| i64::try_from(at).ok()).unwrap_or(-1);
    json!({
        "fields": record.fields.iter().map(field).collect::<Vec<_>>(),
        "order": record.order,
        "lanes": record.lanes.iter().map(lane).collect::<Vec<_>>(),
        "sequences": record.sequences,
        "position": position,
    })
}

fn field(field: &FieldModel) -> Value {
    let sequence = field.sequence.and_then(|at| i64::try_from(at).ok()).unwrap_or(-1);
    json!({
        "component": field.component,
        "lanes": [field.lanes.start, field.lanes.end],
        "sequence": sequence,
        "coding": coding(&field.coding),
        "isStatic": field.is_static,
        "isTransient": field.is_transient,
        "prediction": prediction(&field.prediction),
        "motion": field.motion.as_ref().map(motion),
        "changed": node(field.changed),
        "updates": field.updates.iter().copied().map(node).collect::<Vec<_>>(),
        "enters": field.enters.iter().copied().map(node).collect::<Vec<_>>(),
    })
}

fn coding(coding: &Coding) -> Value {
    match coding {
        Coding::Numbers => json!({ "type": "numbers" }),
        Coding::Flag => json!({ "type": "flag" }),
        Coding::Choice => json!({ "type": "choice" }),
        Coding::Optional => json!({ "type": "optional" }),
        Coding::Reference => json!({ "type": "reference" }),
        Coding::Rotation { bits } => json!({ "type": "rotation", "bits": bits }),
        Coding::Text { len_max, high, low } => {
            json!({ "type": "text", "lenMax": len_max, "high": node(*high), "low": node(*low) })
        }
        Coding::List { lanes, len_max } => {
            let lanes: Vec<Value> = lanes.iter().map(lane).collect();
            json!({ "type": "list", "lenMax": len_max, "lanes": lanes })
        }
    }
}

fn prediction(prediction: &Prediction) -> Value {
    match prediction {
        Prediction::Hold => json!({ "type": "hold" }),
        Prediction::Linear => json!({ "type": "linear" }),
        Prediction::Velocity { lane, scale, offset } => {
            json!({ "type": "velocity", "lane": lane, "scale": scale, "offset": offset })
        }
    }
}

fn motion(motion: &MotionModel) -> Value {
    json!({
        "lane": motion.lane,
        "count": motion.count,
        "precision": node(motion.precision),
        "rates": motion.rates.iter().copied().map(node).collect::<Vec<_>>(),
    })
}

fn lane(lane: &Lane) -> Value {
    json!({ "codeMax": lane.code_max, "isCyclic": lane.is_cyclic, "zero": lane.zero })
}

fn node(node: Node) -> Value {
    json!([node.first, node.contexts])
}

fn mask(mask: u64) -> Value {
    json!([mask & 0xffff_ffff, mask >> 32])
}

/// Equal neighbours as (number, how many).
fn runs(places: &[u16]) -> Vec<usize> {
    places
        .chunk_by(|one, next| one == next)
        .flat_map(|run| [run.first().map_or(0, |number| usize::from(*number)), run.len()])
        .collect()
}

/// `snake_case` and `UpperCamel` to `lowerCamel`.
fn lower_camel(name: &str) -> String {
    let mut result = String::with_capacity(name.len());
    let mut is_word_start = false;
    for (at, letter) in name.chars().enumerate() {
        match letter {
            '_' => is_word_start = true,
            _ if at == 0 => result.push(letter.to_ascii_lowercase()),
            _ if is_word_start => {
                result.push(letter.to_ascii_uppercase());
                is_word_start = false;
            }
            _ => result.push(letter),
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use bevy_ecs::component::Component;
    use tickwire_shared::{Choice, NetId, Protocol, Record, Replicated, Rotation};

    use super::*;

    /// A game with a field of each kind.
    struct Shop;

    impl Protocol for Shop {
        const NAME: &'static str = "shop";
        const TICK_RATE: u16 = 5;
        type Components = (Shelf, Till);
        type Events = (DoorBell,);
        type Input = Wish;
        type Join = Guest;
    }

    #[derive(Choice, Clone, Copy, PartialEq, Debug)]
    enum Mood {
        Calm,
        InAHurry,
    }

    #[derive(Replicated, Component, Clone, PartialEq, Debug)]
    struct Shelf {
        #[field(min = 0, max = 99, position)]
        place: [i32; 3],
        #[field(angle, bits = 6)]
        faces: u8,
        #[field(bits = 9)]
        leaning: Rotation,
        #[field(min = 1, max = 9, max_len = 4)]
        goods: Vec<u8>,
    }

    #[derive(Replicated, Component, Clone, PartialEq, Debug)]
    #[replicated(audience = "owner")]
    struct Till {
        taken_today: u32,
        #[field(min = 0, max = 9)]
        served_by: Option<u8>,
        customer: NetId,
    }

    #[derive(Record, Clone, PartialEq, Debug)]
    struct DoorBell {
        mood: Mood,
    }

    #[derive(Record, Clone, Default, Debug)]
    struct Wish {
        buys: bool,
    }

    #[derive(Record, Clone, Debug)]
    struct Guest {
        #[field(max_len = 8)]
        name: String,
    }

    const TYPES: &str = "\
export interface Shelf {
  place: [number, number, number];
  faces: number;
  leaning: [number, number, number, number];
  goods: (number)[];
}

export interface Till {
  takenToday: number;
  servedBy: number | undefined;
  customer: NetId | undefined;
}

export interface DoorBell {
  mood: 'Calm' | 'InAHurry';
}

export interface Wish {
  buys: boolean;
}

export interface Guest {
  name: string;
}

/** An entity in view, with the components that this client may see. */
export interface Entity extends EntityBase {
  readonly shelf: Shelf | undefined;
  readonly till: Till | undefined;
}

/** Short-lived happenings, by name. */
export interface Events {
  doorBell: DoorBell;
}

";

    #[test]
    fn each_kind_of_field_has_its_type() {
        let module = module(&Schema::of::<Shop>());
        let types = module.strip_prefix(HEAD).expect("the head comes first");
        let end = types.find("/** A connection").expect("the data comes last");
        assert_eq!(types.get(..end), Some(TYPES));
    }

    #[test]
    fn the_data_is_one_expression_of_the_types_above() {
        let schema = Schema::of::<Shop>();
        let module = module(&schema);
        let (_, data) = module.split_once("export const protocol = ").expect("the data comes last");
        assert!(data.ends_with("} as unknown as TypedProtocol<Entity, Events, Wish, Guest>;\n"));
        // A hash of 64 bits is no number of JavaScript's: it would lose its last bits.
        assert!(data.contains(&format!("\"hash\":\"{:016x}\"", schema.hash())));
    }

    #[test]
    fn every_place_has_a_table_that_decodes() {
        let data = data(&Schema::of::<Shop>());
        assert_eq!(data.pointer("/tickRate"), Some(&json!(5)));
        assert_eq!(data.pointer("/model/groups").and_then(Value::as_array).map(Vec::len), Some(2));
        let tables = data.pointer("/model/tables").and_then(Value::as_array).expect("tables");
        for table in tables {
            let frequencies = table.as_str().expect("text").split(' ');
            let sum: u32 =
                frequencies.map(|frequency| frequency.parse::<u32>().expect("a number")).sum();
            assert_eq!(sum, 4096, "a table's shares make a whole");
        }
        let places = data.pointer("/model/places").and_then(Value::as_array).expect("places");
        assert_eq!(places.len() % 2, 0, "runs are pairs");
        for table in places.iter().step_by(2) {
            assert!(table.as_u64().is_some_and(|table| (table as usize) < tables.len()));
        }
    }

    #[test]
    fn names_follow_the_custom_of_each_language() {
        assert_eq!(lower_camel("respawn_ticks"), "respawnTicks");
        assert_eq!(lower_camel("JoinRequest"), "joinRequest");
        assert_eq!(lower_camel("is_ai"), "isAi");
    }

    #[test]
    fn equal_neighbours_are_written_once() {
        assert_eq!(runs(&[4, 4, 4, 1, 4]), [4, 3, 1, 1, 4, 1]);
        assert_eq!(runs(&[]), [0usize; 0]);
    }
}
