//! A server that misbehaves, so that tests see its clients notice.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use arena::{Arena, ArenaOptions};
use arena_shared::ArenaProtocol;
use futures_util::{SinkExt as _, StreamExt as _};
use tickwire_server::{
    Claims, Room, RoomInfo,
    session::{Opening, Session, read_opening},
};
use tickwire_shared::{ClientId, Protocol as _, Schema};
use tokio::{
    net::{TcpListener, TcpStream},
    time::interval,
};
use tokio_tungstenite::{accept_async, tungstenite::Message};
use tokio_util::task::AbortOnDropHandle;

/// What is wrong with it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// After a second, what it sends is of another world than what it sent before.
    ChangesWorlds,
    /// After a second, it hangs up without a word.
    HangsUp,
    /// It takes the hello and never answers.
    NeverAnswers,
    /// After a second, what it sends is no frame.
    TalksNonsense,
}

/// A running server of arenas, one for each client. It ends when dropped.
#[derive(Debug)]
pub struct BadServer {
    address: SocketAddr,
    _accepting: AbortOnDropHandle<()>,
}

impl BadServer {
    /// Listens on a free loopback port.
    pub async fn start(fault: Fault) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("binding the server")?;
        let address = listener.local_addr().context("asking for the server's address")?;
        let accepting = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                // What ends a connection is the client's to notice.
                tokio::spawn(async move { serve(socket, fault).await.ok() });
            }
        });
        Ok(Self { address, _accepting: AbortOnDropHandle::new(accepting) })
    }

    /// Where to connect to.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// Ticks before it misbehaves: a second.
const GOOD_TICKS: u32 = 20;

async fn serve(socket: TcpStream, fault: Fault) -> Result<()> {
    let mut socket = accept_async(socket).await?;
    let schema = Arc::new(Schema::of::<ArenaProtocol>());
    let client = ClientId::new(1);
    let mut good = room(1);
    let mut session = Session::new(Arc::clone(&schema), client, good.info().clone());
    let mut other = room(2);
    let mut ticks = interval(Duration::from_secs(1) / u32::from(ArenaProtocol::TICK_RATE));
    loop {
        tokio::select! {
            _ = ticks.tick() => {
                let now = Instant::now();
                let (one, two) = (good.step(now), other.step(now));
                let is_bad = one.tick.get() > GOOD_TICKS;
                match fault {
                    Fault::HangsUp if is_bad => return Ok(()),
                    Fault::TalksNonsense if is_bad => {
                        socket.send(Message::Binary(vec![0xff; 9].into())).await?;
                    }
                    _ => {}
                }
                let is_other = is_bad && fault == Fault::ChangesWorlds;
                let published = if is_other { two } else { one };
                if let Some(frame) = session.poll_frame(&published, now) {
                    socket.send(Message::Binary(frame.into())).await?;
                }
            }
            message = socket.next() => {
                let Some(message) = message else { return Ok(()) };
                let Message::Binary(frame) = message? else { continue };
                if session.is_attached() {
                    // Inputs are compared with a tick that this server does not keep.
                    let _ = session.handle_frame(&frame, None, Instant::now());
                    continue;
                }
                if let Ok(Opening::Hello(hello)) = read_opening(&frame, schema.hash())
                    && fault != Fault::NeverAnswers
                {
                    for room in [&mut good, &mut other] {
                        room.join(client, &hello.join, &Claims::default())?;
                    }
                    if session.attach(0, Instant::now()).is_ok() {
                        let welcome = session.welcome(good.tick(), Vec::new(), false);
                        socket.send(Message::Binary(welcome.into())).await?;
                    }
                }
            }
        }
    }
}

fn room(seed: u64) -> Room<Arena> {
    let info = RoomInfo { name: String::new(), seed, tick_rate: ArenaProtocol::TICK_RATE };
    Room::new(Arc::new(Arena::new(ArenaOptions::default())), info)
}
