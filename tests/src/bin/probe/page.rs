//! The page under Node.js: bundled once, run for each probe.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use crate::stage::Stage;

/// The bundled page.
pub(crate) struct Pages {
    bundle: PathBuf,
    rules: PathBuf,
}

impl Pages {
    /// Bundles the page's engine, the arena's part of it, and the probes.
    pub(crate) fn bundle() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let web_client = root.join("web-client");
        let bundler = web_client.join("node_modules/.bin/rolldown");
        if !bundler.exists() {
            bail!("{} is not there: run `npm ci` in web-client", bundler.display());
        }
        let target = std::env::current_exe().context("asking for the program's own place")?;
        let bundle = target.with_file_name("probe.mjs");
        let output = Command::new(bundler)
            .arg(root.join("tests/probe/main.mjs"))
            .args(["--platform", "node", "--format", "esm", "--file"])
            .arg(&bundle)
            .current_dir(&web_client)
            .output()
            .context("bundling the page")?;
        if !output.status.success() {
            bail!("bundling the page: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(Self { bundle, rules: web_client.join("game/rules.wasm") })
    }

    /// Runs a probe on a stage and returns what it found.
    pub(crate) async fn run(&self, probe: &str, mut asked: Value, stage: Stage) -> Result<Value> {
        let set = stage.set().await.with_context(|| format!("setting the stage of {probe}"))?;
        let parts = asked.as_object_mut().context("what is asked of a probe is an object")?;
        parts.insert(String::from("probe"), json!(probe));
        parts.insert(String::from("url"), json!(set.url()));
        parts.insert(String::from("rules"), json!(self.rules));
        let child = Command::new("node")
            // What browsers have and Node.js 20 hides.
            .arg("--experimental-websocket")
            .arg(&self.bundle)
            .arg(asked.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("starting node")?;
        let mut running = Running(child);
        let mut out = running.0.stdout.take().context("the output was asked for")?;
        let found = spawn_blocking(move || {
            let mut found = String::new();
            out.read_to_string(&mut found).map(|_| found)
        });
        let found = found.await?.context("reading what node says")?;
        if !running.0.wait().context("waiting for node")?.success() {
            bail!("the probe {probe} failed, as node says above");
        }
        serde_json::from_str(&found).with_context(|| format!("what {probe} found: {found}"))
    }
}

/// A page that is closed when nobody waits for it any more.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Where it has ended there is nothing to kill.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
