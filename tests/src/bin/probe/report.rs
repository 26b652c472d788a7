//! What the probes found.

use std::fmt::Write as _;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::SHOT_ROUND_TRIPS_MS;

/// What the probes found, each as its page said it.
pub(crate) struct Report {
    /// At each round trip.
    pub(crate) hits: [Value; 3],
    pub(crate) hits_without_compensation: [Value; 3],
    /// Over a steady network, a jittery one, a stalling one, and with collisions.
    pub(crate) own: [Value; 4],
    pub(crate) smoothness: Value,
    pub(crate) others: Value,
}

/// What disturbed the prediction of the own ship.
const DISTURBANCES: [&str; 4] = ["steady_100", "jitter_250_30", "stalls_100_40", "collisions"];

impl Report {
    /// One object, whose first names are the figures that matter.
    pub(crate) fn to_json(&self) -> Result<Value> {
        let [steady, jittery, ..] = &self.own;
        let late = number(jittery, "inputsLate")? / number(jittery, "inputs")?.max(1.0);
        let frames = self.own.iter().map(|own| number(own, "ownMotionFrames"));
        let frames = frames.collect::<Result<Vec<_>>>()?.into_iter().fold(0.0, f64::max);
        let by_kind = DISTURBANCES.into_iter().zip(&self.own);
        Ok(json!({
            "hits": by_round_trip(&self.hits),
            "hits_without_compensation": by_round_trip(&self.hits_without_compensation),
            "corrections_steady": steady.get("corrections"),
            "correction_units": {
                "mean": number(jittery, "correctionUnitsMean")?,
                "max": number(jittery, "correctionUnitsMax")?,
            },
            "late_inputs": late,
            "backward_steps": self.smoothness.get("backwardSteps"),
            "held_frames": self.smoothness.get("heldShare"),
            "own_motion_frames": frames,
            "others_motion_ms": self.others.get("medianMs"),
            "details": {
                "hits": self.hits,
                "hits_without_compensation": self.hits_without_compensation,
                "own_motion": by_kind.map(|(kind, own)| (kind, own.clone())).collect::<Value>(),
                "smoothness": self.smoothness,
                "key_to_others": self.others,
            },
        }))
    }

    /// The same for people.
    pub(crate) fn to_text(&self) -> Result<String> {
        let mut text = String::new();
        let json = self.to_json()?;
        for (name, value) in json.as_object().context("a report is an object")? {
            if name != "details" {
                writeln!(text, "{name}: {value}")?;
            }
        }
        Ok(text)
    }
}

fn by_round_trip(found: &[Value; 3]) -> Value {
    let hits = SHOT_ROUND_TRIPS_MS.iter().zip(found);
    hits.map(|(ms, found)| (ms.to_string(), json!(found.get("hits")))).collect()
}

fn number(found: &Value, name: &str) -> Result<f64> {
    let number = found.get(name).and_then(Value::as_f64);
    number.with_context(|| format!("a probe found no {name}: {found}"))
}
