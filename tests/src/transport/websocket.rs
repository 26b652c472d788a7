//! Frames over a WebSocket.

use anyhow::{Context as _, Result, anyhow};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::{net::TcpStream, sync::mpsc};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

use super::websocket_url;

pub(super) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

pub(super) async fn connect(url: &str) -> Result<Socket> {
    let (socket, _) = connect_async(websocket_url(url)?).await.context("connecting")?;
    Ok(socket)
}

/// Carries frames until one side is gone.
pub(super) async fn run(
    mut socket: Socket,
    mut sent: mpsc::UnboundedReceiver<Vec<u8>>,
    heard: mpsc::Sender<Result<Vec<u8>>>,
) {
    loop {
        tokio::select! {
            frame = sent.recv() => {
                let Some(frame) = frame else { break };
                if let Err(error) = socket.send(Message::Binary(frame.into())).await {
                    let _ = heard.send(Err(anyhow!(error).context("sending a frame"))).await;
                    break;
                }
            }
            message = socket.next() => {
                let frame = match message {
                    Some(Ok(Message::Binary(frame))) => Ok(frame.into()),
                    Some(Ok(Message::Close(_))) | None => break,
                    Some(Ok(_)) => continue,
                    Some(Err(error)) => Err(anyhow!(error).context("reading a frame")),
                };
                if heard.send(frame).await.is_err() {
                    break;
                }
            }
        }
    }
    let _ = socket.close(None).await;
}
