//! Frames over plain HTTP, as a browser without WebSocket sends them.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use rand::random;
use reqwest::{Client, Response, StatusCode};
use tickwire_shared::exchange::{Pending, RequestKind, Requester, frames::FrameReader};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep, sleep_until},
};

use super::Rung;

type Heard = mpsc::Sender<Result<Vec<u8>>>;

/// Between two polls that are not held.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Between an attempt that failed and the next one.
const RETRY_AFTER: Duration = Duration::from_millis(250);

/// Attempts in a row that may fail.
const ATTEMPTS_MAX: u32 = 20;

/// Carries frames until one side is gone.
pub(super) async fn run(
    url: String,
    rung: Rung,
    sent: mpsc::UnboundedReceiver<Vec<u8>>,
    heard: Heard,
) {
    let exchanged = match rung {
        Rung::Stream => stream(&url, sent, &heard).await,
        Rung::Poll => poll(&url, sent, &heard).await,
        Rung::LongPoll | Rung::WebSocket => long_poll(&url, sent, &heard).await,
    };
    if let Err(error) = exchanged {
        let _ = heard.send(Err(error)).await;
    }
}

async fn long_poll(
    url: &str,
    mut sent: mpsc::UnboundedReceiver<Vec<u8>>,
    heard: &Heard,
) -> Result<()> {
    let http = Client::new();
    let mut requester = Requester::new(random(), RequestKind::HeldPoll);
    let Some(hello) = sent.recv().await else { return Ok(()) };
    requester.push(hello);
    let mut polling = Box::pin(ask(&http, url, requester.poll_poll()));
    let mut sending = Box::pin(ask(&http, url, None));
    loop {
        tokio::select! {
            frame = sent.recv() => {
                let Some(frame) = frame else { return Ok(()) };
                requester.push(frame);
                if requester.pending_send().is_none() {
                    sending = Box::pin(ask(&http, url, requester.poll_send()));
                }
            }
            answer = &mut polling => {
                let (number, body) = answer?;
                for frame in requester.handle_poll_answered(number, &body)? {
                    if heard.send(Ok(frame)).await.is_err() {
                        return Ok(());
                    }
                }
                polling = Box::pin(ask(&http, url, requester.poll_poll()));
            }
            answer = &mut sending => {
                let (number, _) = answer?;
                requester.handle_send_answered(number);
                sending = Box::pin(ask(&http, url, requester.poll_send()));
            }
        }
    }
}

async fn poll(url: &str, mut sent: mpsc::UnboundedReceiver<Vec<u8>>, heard: &Heard) -> Result<()> {
    let http = Client::new();
    let mut requester = Requester::new(random(), RequestKind::Poll);
    let Some(hello) = sent.recv().await else { return Ok(()) };
    requester.push(hello);
    loop {
        let due = Instant::now() + POLL_INTERVAL;
        let (number, body) = ask(&http, url, requester.poll_poll()).await?;
        for frame in requester.handle_poll_answered(number, &body)? {
            if heard.send(Ok(frame)).await.is_err() {
                return Ok(());
            }
        }
        sleep_until(due).await;
        while let Ok(frame) = sent.try_recv() {
            requester.push(frame);
        }
        if sent.is_closed() {
            return Ok(());
        }
    }
}

async fn stream(
    url: &str,
    mut sent: mpsc::UnboundedReceiver<Vec<u8>>,
    heard: &Heard,
) -> Result<()> {
    let http = Client::new();
    let mut requester = Requester::new(random(), RequestKind::Stream);
    let Some(hello) = sent.recv().await else { return Ok(()) };
    requester.push(hello);
    let opening = requester.poll_poll().context("a stream opens once")?;
    let mut answer = post(&http, url, &opening).await?;
    let mut reader = FrameReader::default();
    let mut sending = Box::pin(ask(&http, url, None));
    loop {
        tokio::select! {
            frame = sent.recv() => {
                let Some(frame) = frame else { return Ok(()) };
                requester.push(frame);
                if requester.pending_send().is_none() {
                    sending = Box::pin(ask(&http, url, requester.poll_send()));
                }
            }
            piece = answer.chunk() => {
                let Some(piece) = piece.context("reading the stream")? else { return Ok(()) };
                reader.push(&piece);
                while let Some(frame) = reader.poll_frame()? {
                    if heard.send(Ok(frame)).await.is_err() {
                        return Ok(());
                    }
                }
            }
            answer = &mut sending => {
                let (number, _) = answer?;
                requester.handle_send_answered(number);
                sending = Box::pin(ask(&http, url, requester.poll_send()));
            }
        }
    }
}

/// Makes a request until it is answered, and returns its number with the answer. Without one
/// this never ends.
async fn ask(http: &Client, url: &str, pending: Option<Pending>) -> Result<(u32, Vec<u8>)> {
    let Some(pending) = pending else { return std::future::pending().await };
    let mut attempts = 0;
    loop {
        let answer = async {
            let answer = post(http, url, &pending).await?;
            answer.bytes().await.context("reading an answer")
        };
        match answer.await {
            Ok(body) => return Ok((pending.number, body.to_vec())),
            Err(error) if attempts == ATTEMPTS_MAX || error.is::<Refused>() => return Err(error),
            Err(_) => attempts += 1,
        }
        sleep(RETRY_AFTER).await;
    }
}

/// The server has answered, and does not want this.
#[derive(Debug, thiserror::Error)]
#[error("the server answered {0}")]
pub(super) struct Refused(StatusCode);

async fn post(http: &Client, url: &str, pending: &Pending) -> Result<Response> {
    let request = http.post(url).header("content-type", "text/plain").body(pending.body.clone());
    let answer = request.send().await.context("asking")?;
    let status = answer.status();
    if status.is_client_error() {
        return Err(Refused(status).into());
    }
    ensure!(status.is_success(), "the server answered {status}");
    Ok(answer)
}
