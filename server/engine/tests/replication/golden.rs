//! Frames and what a replica makes of them, in a file that TypeScript reads as well.
//!
//! `TICKWIRE_BLESS=1 cargo test -p tickwire-server --test replication golden` writes
//! `tests/golden/frames.json` anew, after the format was changed on purpose.

use std::{fmt::Write as _, fs, path::PathBuf, sync::Arc};

use serde_json::{Value, json};
use tickwire_shared::{Record, RecordSchema, Replica, Schema, Values};

use crate::{
    Client, UNLIMITED,
    worlds::{Bang, Whisper, Zoo, Zookeeper, trained_schema},
};

#[test]
fn golden_frames_are_what_the_encoder_writes() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/frames.json");
    let text = golden();
    if std::env::var_os("TICKWIRE_BLESS").is_some() {
        fs::write(&path, &text).expect("tests/golden can be written to");
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == text,
        "the frame format has changed; if that was the purpose, run with TICKWIRE_BLESS=1, bump \
         WIRE_VERSION and change the TypeScript replica too"
    );
}

/// The zoo with the codec's own tables, and for a while with trained ones.
fn golden() -> String {
    let worlds = [(Arc::new(Schema::of::<Zoo>()), 75), (trained_schema(), 25)];
    let worlds: Vec<Value> = worlds.iter().map(|(schema, steps)| watch(schema, *steps)).collect();
    let text = serde_json::to_string(&json!({ "worlds": worlds })).expect("plain values are JSON");
    // One frame a line keeps differences readable.
    text.replace("{\"bytes\"", "\n{\"bytes\"") + "\n"
}

/// Four clients in the zoo: one takes every frame, one every third, one is on a budget, one
/// stalls.
fn watch(schema: &Arc<Schema>, steps: u32) -> Value {
    let mut zoo = Zookeeper::with_schema(2026, 10, schema);
    let mut clients: Vec<Client> = (0..4).map(|number| Client::in_zoo(number, &zoo)).collect();
    let mut frames: Vec<Vec<Value>> = vec![Vec::new(); 4];
    for step in 0..steps {
        zoo.step();
        for (number, client) in clients.iter_mut().enumerate() {
            let is_due = match number {
                0 => step < 40,
                1 => step % 3 == 0,
                2 => step < 40,
                _ => step % 11 == 0 || step + 1 == steps,
            };
            let budget = if number == 2 { 40 } else { UNLIMITED };
            let view = zoo.view(number as u32 % 3);
            if let Some(bytes) = is_due.then(|| client.take(&zoo, &view, budget)).flatten() {
                frames[number].push(frame(&bytes, client, &zoo, schema));
            }
        }
    }
    let clients = frames.into_iter().zip(&clients);
    let clients: Vec<Value> = clients
        .map(
            |(frames, client)| json!({ "frames": frames, "report": hex(&client.replica.report()) }),
        )
        .collect();
    json!({ "protocol": tickwire_server::typescript::data(schema), "clients": clients })
}

fn frame(bytes: &[u8], client: &Client, zoo: &Zookeeper, schema: &Schema) -> Value {
    let entities: Vec<Value> = client
        .replica
        .entities()
        .map(|entity| {
            let components: serde_json::Map<String, Value> = schema
                .components
                .iter()
                .enumerate()
                .filter_map(|(number, component)| {
                    let values = entity.component(number, &component.record)?;
                    let name = component.record.name.to_owned();
                    Some((name, json!({ "codes": values.0, "sequences": values.1 })))
                })
                .collect();
            json!({
                "slot": entity.slot(),
                "netId": entity.net_id().map(tickwire_shared::NetId::to_bits),
                "components": components,
            })
        })
        .collect();
    let mut events = events_of::<Bang>(&client.replica, &schema.events[0]);
    events.extend(events_of::<Whisper>(&client.replica, &schema.events[1]));
    json!({
        "bytes": hex(bytes),
        "tick": zoo.tick.get(),
        "inputApplied": zoo.tick.minus(3).get(),
        "entities": entities,
        "events": events,
    })
}

fn events_of<E: Record>(replica: &Replica, schema: &RecordSchema) -> Vec<Value> {
    let events = replica.events::<E>().map(|(tick, event)| {
        let Values { codes, sequences } = Values::of(&event, schema);
        json!({ "name": E::NAME, "tick": tick.get(), "codes": codes, "sequences": sequences })
    });
    events.collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
