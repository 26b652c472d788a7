//! One bot on a real socket, for tests that tell it what to do and look at what it sees.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use futures_util::{SinkExt as _, StreamExt as _};
use tickwire_shared::{Replica, Tick};
use tokio::{
    net::TcpStream,
    time::{interval, timeout},
};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

use crate::{
    client::{Client, Event, Shared},
    swarm::websocket_url,
};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// How long a server may take for anything.
const PATIENCE: Duration = Duration::from_secs(10);

/// A bot that has joined.
#[derive(Debug)]
pub struct Bot {
    client: Client,
    socket: Socket,
    /// State frames so far.
    pub frames: u64,
    /// Checksums so far that were equal, and that were not.
    pub checksums: [u64; 2],
}

impl Bot {
    /// Joins a room of the server at `url`.
    pub async fn join(url: &str, shared: &Shared, room: &str, join: Vec<u8>) -> Result<Self> {
        let (socket, _) = connect_async(websocket_url(url)?).await.context("connecting")?;
        let client = Client::new(shared, Instant::now());
        let mut bot = Self { client, socket, frames: 0, checksums: [0, 0] };
        let hello = bot.client.hello(room, join);
        bot.socket.send(Message::Binary(hello.into())).await.context("saying hello")?;
        timeout(PATIENCE, async {
            while bot.client.id().is_none() {
                bot.hear().await?;
            }
            Ok(bot)
        })
        .await
        .context("waiting for the welcome")?
    }

    /// What it sees.
    pub fn replica(&self) -> &Replica {
        self.client.replica()
    }

    /// Plays until it sees what is asked for. `input` says what it wants at a tick.
    pub async fn play_until(
        &mut self,
        patience: Duration,
        mut input: impl FnMut(&Replica, Tick) -> Vec<u8>,
        mut is_done: impl FnMut(&Replica) -> bool,
    ) -> Result<()> {
        let period = Duration::from_secs(1) / u32::from(self.client.tick_rate().unwrap_or(20));
        let mut ticks = interval(period);
        timeout(patience, async {
            while !is_done(self.client.replica()) {
                tokio::select! {
                    _ = ticks.tick() => {
                        let update = self.client.poll_update(&mut input, Instant::now());
                        let update = Message::Binary(update.into());
                        self.socket.send(update).await.context("sending an update")?;
                    }
                    heard = hear(&mut self.socket) => self.take(&heard?)?,
                }
            }
            Ok(())
        })
        .await
        .context("waiting for something to see")?
    }

    async fn hear(&mut self) -> Result<()> {
        let frame = hear(&mut self.socket).await?;
        self.take(&frame)
    }

    fn take(&mut self, frame: &[u8]) -> Result<()> {
        match self.client.handle_frame(frame, Instant::now())? {
            Event::State(info) => {
                self.frames += 1;
                let [equal, different] = &mut self.checksums;
                *equal += u64::from(info.checksum == Some(true));
                *different += u64::from(info.checksum == Some(false));
            }
            Event::Closed(close) => bail!("closed: {}", close.reason),
            Event::Joined | Event::Other => {}
        }
        Ok(())
    }
}

async fn hear(socket: &mut Socket) -> Result<Vec<u8>> {
    loop {
        match socket.next().await.context("the server hung up")?.context("reading")? {
            Message::Binary(frame) => return Ok(frame.into()),
            Message::Close(_) => bail!("the server closed the socket"),
            _ => {}
        }
    }
}
