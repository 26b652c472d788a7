//! One bot on a real connection, for tests that tell it what to do and look at what it sees.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tickwire_shared::{Replica, Tick, messages::Close};
use tokio::time::{Interval, interval, timeout};

use crate::{
    client::{Client, Event, Shared},
    transport::{Rung, Transport},
};

/// How long a server may take for anything.
const PATIENCE: Duration = Duration::from_secs(10);

/// The server has ended the session.
#[derive(Debug, thiserror::Error)]
#[error("closed: {}", .0.reason)]
pub struct Closed(pub Close);

/// A bot that has joined.
#[derive(Debug)]
pub struct Bot {
    client: Client,
    transport: Transport,
    /// State frames so far.
    pub frames: u64,
    /// Checksums so far that were equal, and that were not.
    pub checksums: [u64; 2],
}

impl Bot {
    /// Joins a room of the server at `url`.
    pub async fn join(url: &str, shared: &Shared, room: &str, join: Vec<u8>) -> Result<Self> {
        Self::join_on(url, Rung::WebSocket, shared, room, join).await
    }

    /// Joins on this rung.
    pub async fn join_on(
        url: &str,
        rung: Rung,
        shared: &Shared,
        room: &str,
        join: Vec<u8>,
    ) -> Result<Self> {
        Self::join_with(url, rung, Client::new(shared, Instant::now()), room, join).await
    }

    /// Joins as this client, who has not said hello.
    pub async fn join_with(
        url: &str,
        rung: Rung,
        client: Client,
        room: &str,
        join: Vec<u8>,
    ) -> Result<Self> {
        let transport = Transport::open(url, rung).await?;
        let mut bot = Self { client, transport, frames: 0, checksums: [0, 0] };
        bot.say_hello(room, join).await?;
        Ok(bot)
    }

    /// Goes on with the session over another connection. The one before is cut, or goes on
    /// beside it until the server ends it; returned is the one before.
    pub async fn move_to(&mut self, url: &str, rung: Rung) -> Result<Transport> {
        let transport = Transport::open(url, rung).await?;
        self.client.handle_lost();
        let before = std::mem::replace(&mut self.transport, transport);
        self.say_hello("", Vec::new()).await?;
        Ok(before)
    }

    async fn say_hello(&mut self, room: &str, join: Vec<u8>) -> Result<()> {
        self.transport.send(self.client.hello(room, join));
        timeout(PATIENCE, async {
            while !self.client.is_attached() {
                self.hear().await?;
            }
            Ok(())
        })
        .await
        .context("waiting for the welcome")?
    }

    /// The client without its connection.
    pub fn client(&mut self) -> &mut Client {
        &mut self.client
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
                self.step(&mut ticks, &mut input).await?;
            }
            Ok(())
        })
        .await
        .context("waiting for something to see")?
    }

    /// One thing of what happens: says what it wants at a tick, or hears a frame.
    pub async fn step(
        &mut self,
        ticks: &mut Interval,
        input: impl FnMut(&Replica, Tick) -> Vec<u8>,
    ) -> Result<()> {
        tokio::select! {
            _ = ticks.tick() => {
                self.speak(input);
                Ok(())
            }
            frame = self.transport.hear() => self.take(&frame?),
        }
    }

    /// Says what it has to say, whether or not it is time.
    pub fn speak(&mut self, input: impl FnMut(&Replica, Tick) -> Vec<u8>) {
        self.transport.send(self.client.poll_update(input, Instant::now()));
    }

    async fn hear(&mut self) -> Result<()> {
        let frame = self.transport.hear().await?;
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
            Event::Closed(close) => bail!(Closed(close)),
            Event::Joined | Event::Other => {}
        }
        Ok(())
    }
}
