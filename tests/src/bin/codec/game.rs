//! Tables for the arena from a recorded match, `--record` of the arena server.

use std::{
    fs::{self, File},
    io::BufReader,
    path::Path,
    sync::Arc,
};

use anyhow::Context as _;
use arena::{Arena, ArenaOptions};
use arena_shared::ArenaProtocol;
use serde_json::{Value, json};
use tickwire_server::{
    recording::Recording,
    replication::{ClientView, Survey},
    room::Published,
};
use tickwire_shared::Schema;

/// Plays the match to its players and writes tables made of what they were sent.
pub(crate) fn train(file: &Path, tables: &Path) -> anyhow::Result<Value> {
    let schema = Arc::new(Schema::of::<ArenaProtocol>());
    let mut survey = Survey::default();
    replay(file, |published| {
        if let Some(newest) = published.history.newest() {
            survey.observe(newest);
        }
    })?;
    let mut trainer = survey.into_trainer(&schema);
    let mut failed = None;
    let mut before = std::collections::BTreeMap::new();
    let (mut bytes, mut frames) = (0, 0u32);
    replay(file, |published| {
        let Some(newest) = published.history.newest() else { return };
        let views = published.clients.iter().map(|(id, client)| (*id, client.view));
        failed = failed.take().or_else(|| trainer.observe(newest, views).err());
        for (id, client) in published.clients.iter() {
            let mut frame = Vec::new();
            let view: &mut ClientView = before.entry(*id).or_default();
            let input = client.input_applied;
            view.compose(&published.history, &client.view, *id, input, usize::MAX, &mut frame);
            bytes += frame.len();
            frames += 1;
        }
    })?;
    if let Some(error) = failed {
        return Err(error).context("a frame that was just made");
    }
    let text = trainer.tables();
    fs::write(tables, &text).with_context(|| format!("writing {}", tables.display()))?;
    Ok(json!({
        "workload": "game",
        "client_frames": frames,
        "bytes_per_client_frame_with_present_tables": bytes as f64 / f64::from(frames.max(1)),
        "tables_bytes": text.len(),
    }))
}

fn replay(file: &Path, watch: impl FnMut(&Published)) -> anyhow::Result<()> {
    let input = File::open(file).with_context(|| format!("opening {}", file.display()))?;
    let recording = Recording::open(BufReader::new(input))?;
    let options = ArenaOptions::from_line(&recording.header().settings)
        .context("the recording's settings are not an arena's")?;
    recording.replay_watched(Arena::new(options), watch)?;
    Ok(())
}
