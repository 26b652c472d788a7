//! Frames and what a replica makes of them, in a file that TypeScript reads as well.
//!
//! `TICKWIRE_BLESS=1 cargo test -p tickwire-server --test replication golden` writes
//! `tests/golden/frames.json` anew, after the format was changed on purpose.

use std::{fmt::Write as _, fs, path::PathBuf};

use serde_json::{Value, json};
use tickwire_shared::{Record, RecordSchema, Replica, Schema, Values};

use crate::{
    Client, UNLIMITED,
    worlds::{Bang, Whisper, Zoo, Zookeeper},
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

/// Four clients in the zoo: one takes every frame, one every third, one is on a budget, one
/// stalls.
fn golden() -> String {
    let schema = Schema::of::<Zoo>();
    let mut zoo = Zookeeper::new(2026, 10);
    let mut clients: Vec<Client> = (0..4).map(Client::new).collect();
    let mut frames: Vec<Vec<Value>> = vec![Vec::new(); 4];
    for step in 0..75 {
        zoo.step();
        for (number, client) in clients.iter_mut().enumerate() {
            let is_due = match number {
                0 => step < 40,
                1 => step % 3 == 0,
                2 => step < 40,
                _ => step % 11 == 0 || step == 74,
            };
            let budget = if number == 2 { 40 } else { UNLIMITED };
            let view = zoo.view(number as u32 % 3);
            if let Some(bytes) = is_due.then(|| client.take(&zoo, &view, budget)).flatten() {
                frames[number].push(frame(&bytes, client, &zoo, &schema));
            }
        }
    }
    let clients: Vec<Value> =
        frames.into_iter().map(|frames| json!({ "frames": frames })).collect();
    let protocol = tickwire_server::typescript::data(&schema);
    let golden = json!({ "protocol": protocol, "clients": clients });
    let text = serde_json::to_string(&golden).expect("plain values are JSON");
    // One frame a line keeps differences readable.
    text.replace("{\"bytes\"", "\n{\"bytes\"") + "\n"
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
        "bytes": bytes.iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        }),
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
