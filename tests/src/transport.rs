//! How bots reach a server: each rung of the ladder, as a pair of queues of frames.

use std::{fmt, str::FromStr};

use anyhow::{Context as _, Result, bail};
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

mod http;
mod websocket;

/// A rung of the ladder.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Rung {
    /// A WebSocket.
    WebSocket,
    /// One answer that does not end, and requests beside it.
    Stream,
    /// Polls that wait for their answer, and requests beside them.
    LongPoll,
    /// Polls at intervals.
    Poll,
}

impl Rung {
    /// Best first.
    pub const ALL: [Self; 4] = [Self::WebSocket, Self::Stream, Self::LongPoll, Self::Poll];

    /// Its name on command lines and in the server's metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::WebSocket => "websocket",
            Self::Stream => "stream",
            Self::LongPoll => "long-poll",
            Self::Poll => "poll",
        }
    }
}

impl fmt::Display for Rung {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Rung {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "ws" => Ok(Self::WebSocket),
            _ => Self::ALL
                .into_iter()
                .find(|rung| rung.name() == text)
                .with_context(|| format!("{text} is none of ws, stream, long-poll, poll")),
        }
    }
}

/// A connection to a server. Dropping it cuts it.
#[derive(Debug)]
pub struct Transport {
    up: mpsc::UnboundedSender<Vec<u8>>,
    down: mpsc::Receiver<Result<Vec<u8>>>,
    _task: AbortOnDropHandle<()>,
}

/// Frames that wait for a bot: it reads them all, in time.
const FRAMES_WAITING: usize = 16;

impl Transport {
    /// Connects to the public door at `url`, such as `http://127.0.0.1:8080`. Over HTTP the first
    /// request goes with the first frame.
    pub async fn open(url: &str, rung: Rung) -> Result<Self> {
        let (up, sent) = mpsc::unbounded_channel();
        let (heard, down) = mpsc::channel(FRAMES_WAITING);
        let task = if rung == Rung::WebSocket {
            let socket = websocket::connect(url).await?;
            tokio::spawn(websocket::run(socket, sent, heard))
        } else {
            let address = http_url(url)?;
            tokio::spawn(http::run(address, rung, sent, heard))
        };
        Ok(Self { up, down, _task: AbortOnDropHandle::new(task) })
    }

    /// Sends a frame. Where the connection is gone, [`Transport::hear`] tells.
    pub fn send(&self, frame: Vec<u8>) {
        let _ = self.up.send(frame);
    }

    /// The next frame from the server.
    pub async fn hear(&mut self) -> Result<Vec<u8>> {
        match self.down.recv().await {
            Some(frame) => frame,
            None => bail!("the server hung up"),
        }
    }
}

fn http_url(url: &str) -> Result<String> {
    let url = url.trim_end_matches('/');
    if url.starts_with("http://") || url.starts_with("https://") {
        return Ok(format!("{url}/play"));
    }
    bail!("{url} is no http:// address");
}

/// The WebSocket address of a server's public door.
pub fn websocket_url(url: &str) -> Result<String> {
    Ok(http_url(url)?.replacen("http", "ws", 1))
}
