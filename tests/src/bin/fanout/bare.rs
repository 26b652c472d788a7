//! What it costs at the least: tokio, tokio-tungstenite and a broadcast, and nothing else.

use anyhow::Result;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::broadcast::{self, Receiver, Sender, error::RecvError},
};
use tokio_tungstenite::{
    accept_async,
    tungstenite::{Message, Utf8Bytes},
};

/// Sends what comes in at one address to all who have come to the other.
pub(crate) async fn serve() -> Result<()> {
    let listeners = TcpListener::bind("127.0.0.1:0").await?;
    let publishers = TcpListener::bind("127.0.0.1:0").await?;
    println!("{} {}", listeners.local_addr()?, publishers.local_addr()?);
    let (sender, _) = broadcast::channel(WAITING_MAX);
    loop {
        tokio::select! {
            listener = listeners.accept() => {
                tokio::spawn(listen(listener?.0, sender.subscribe()));
            }
            publisher = publishers.accept() => {
                tokio::spawn(publish(publisher?.0, sender.clone()));
            }
        }
    }
}

async fn listen(stream: TcpStream, mut messages: Receiver<Utf8Bytes>) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut socket = accept_async(stream).await?;
    loop {
        tokio::select! {
            message = messages.recv() => match message {
                Ok(text) => socket.send(Message::Text(text)).await?,
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return Ok(()),
            },
            // Whoever does not read does not hear of a close either.
            message = socket.next() => match message {
                Some(message) => drop(message?),
                None => return Ok(()),
            },
        }
    }
}

async fn publish(stream: TcpStream, messages: Sender<Utf8Bytes>) -> Result<()> {
    let mut socket = accept_async(stream).await?;
    while let Some(message) = socket.next().await {
        if let Message::Text(text) = message? {
            messages.send(text)?;
        }
    }
    Ok(())
}

/// Messages that wait for the slowest.
const WAITING_MAX: usize = 4_096;
