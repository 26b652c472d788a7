//! A real NATS server with JetStream, which can be killed and started again where it was.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, Result};
use async_nats::{
    Client, HeaderMap,
    jetstream::{self, Context},
};
use tokio::{
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};

/// A NATS server on this machine, with its own folder. Killed when dropped.
#[derive(Debug)]
pub struct Nats {
    port: u16,
    folder: PathBuf,
    child: Option<Child>,
}

/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

impl Nats {
    /// Chooses a port and a folder; nothing runs so far.
    pub async fn new() -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port();
        let folder = std::env::temp_dir().join(format!("nats-{:016x}", rand::random::<u64>()));
        Ok(Self { port, folder, child: None })
    }

    /// Where it is.
    pub fn address(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Starts it, with all that was kept before.
    pub async fn start(&mut self) -> Result<()> {
        let child = Command::new(program())
            .args(["-js", "-a", "127.0.0.1", "-p", &self.port.to_string(), "-sd"])
            .arg(&self.folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("nats-server has to be installed")?;
        self.child = Some(child);
        timeout(PATIENCE, async {
            while TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
                sleep(Duration::from_millis(20)).await;
            }
        })
        .await
        .context("it never listens")
    }

    /// Kills it in the middle of whatever it does.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        self.kill();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A backend that puts publications into the queue.
#[derive(Debug)]
pub struct Backend {
    context: Context,
    _client: Client,
}

impl Backend {
    /// One that keeps trying to be connected.
    pub async fn connect(nats: &Nats) -> Result<Self> {
        let options = async_nats::ConnectOptions::new()
            .request_timeout(Some(Duration::from_secs(2)))
            .reconnect_delay_callback(|_| Duration::from_millis(50))
            .retry_on_initial_connect();
        let client = options.connect(nats.address()).await?;
        Ok(Self { context: jetstream::new(client.clone()), _client: client })
    }

    /// Puts a publication in, again and again until the queue has it. `id` makes them one.
    pub async fn put(&self, channel: &str, id: &str, text: &str) -> Result<()> {
        timeout(PATIENCE, async {
            loop {
                let mut headers = HeaderMap::new();
                headers.insert("Nats-Msg-Id", id);
                let subject = format!("tickwire.{channel}");
                let text = String::from(text);
                let sent = self.context.publish_with_headers(subject, headers, text.into()).await;
                if let Ok(sent) = sent
                    && sent.await.is_ok()
                {
                    return;
                }
                sleep(Duration::from_millis(20)).await;
            }
        })
        .await
        .context("the queue never takes it")
    }
}

/// Debian keeps what serves where only root's path leads.
fn program() -> PathBuf {
    let installed = Path::new("/usr/sbin/nats-server");
    if installed.exists() { installed.to_path_buf() } else { PathBuf::from("nats-server") }
}
