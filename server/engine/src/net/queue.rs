//! Publications from a message queue: whatever a backend puts into a JetStream stream of NATS is
//! published, once and in its order.
//!
//! The stream takes `tickwire.>`, or another prefix; what stands behind it is the channel, as in
//! `tickwire.chat:main`. A channel whose name is no subject stands in the header
//! `Tickwire-Channel` instead. The body is text, or JSON where `Content-Type` says so. Whether
//! it came by JetStream or by a plain publication to the subject is the same to the stream.
//!
//! A message is acknowledged once it is published. Where acknowledgements got lost with a
//! connection, the queue is asked from the first of them on ([`bookmark`]): what was published
//! already is known by its number in the stream or by its `Nats-Msg-Id`, and is not published
//! again. While the queue is away nothing is lost that it holds. A stop waits until the queue
//! knows what was published.
//!
//! What is known already is known to this process, for [`IDEMPOTENCY_AGE`]. So messages are
//! published twice where the process is killed with acknowledgements under way, or where these
//! got lost with a queue that is away for longer than that.
//!
//! [`IDEMPOTENCY_AGE`]: crate::limits::IDEMPOTENCY_AGE

mod bookmark;
mod credentials;

use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use anyhow::{Context as _, Result, anyhow, bail};
use async_nats::{
    Client, ConnectOptions, Event,
    jetstream::{self, AckKind, Message, consumer::pull, stream},
};
use futures_util::StreamExt as _;
use tokio::{
    task::JoinHandle,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use self::{bookmark::Bookmark, credentials::Credentials};
use crate::{
    channels::{ChannelError, ChannelName, Channels, Data, Moment, Post},
    config::Config,
    limits::{
        IDEMPOTENCY_KEY_BYTES_MAX, QUEUE_AGE, QUEUE_BYTES_MAX, QUEUE_DELIVERIES_MAX,
        QUEUE_HEARTBEAT, QUEUE_RETRY_MAX, QUEUE_RETRY_MIN, QUEUE_STOP_TIMEOUT, QUEUE_TIMEOUT,
    },
    metrics::{self, QueueOutcome},
};

/// Where publications come from beside the doors.
#[derive(Clone, Debug)]
pub(crate) struct Queue {
    address: String,
    credentials: Option<PathBuf>,
    stream: String,
    /// What subjects begin with, with its dot.
    prefix: String,
    bookmark: Bookmark,
    state: Arc<Mutex<State>>,
}

/// A queue that is being read.
#[derive(Debug)]
pub(crate) struct Reading {
    closing: CancellationToken,
    task: JoinHandle<()>,
}

/// How the queue is.
#[derive(Clone, Debug)]
enum State {
    Connected,
    Down { since: Instant, why: String },
}

const CHANNEL_HEADER: &str = "Tickwire-Channel";

impl Queue {
    /// The one that the settings name, if any.
    pub(crate) fn of(config: &Config) -> Result<Option<Self>> {
        let Some(address) = config.nats.clone() else { return Ok(None) };
        if let Some(path) = &config.nats_credentials {
            // Read again for each connection; what is wrong with it is said now.
            Credentials::load(path)?;
        }
        let prefix = format!("{}.", config.nats_prefix);
        let state = State::Down { since: Instant::now(), why: String::from("not reached so far") };
        metrics::queue_connected(false);
        Ok(Some(Self {
            address,
            credentials: config.nats_credentials.clone(),
            stream: config.nats_stream.clone(),
            bookmark: Bookmark::new(&config.nats_prefix, config.node),
            prefix,
            state: Arc::new(Mutex::new(state)),
        }))
    }

    /// Begins to publish what comes.
    pub(crate) fn start(&self, channels: Arc<Channels>) -> Reading {
        let closing = CancellationToken::new();
        let task = tokio::spawn(self.clone().run(channels, closing.clone()));
        Reading { closing, task }
    }

    /// Whether publications come from it.
    pub(crate) fn is_connected(&self) -> bool {
        matches!(*self.lock(), State::Connected)
    }

    /// Publishes what comes until `closing`, and begins again for as long as it takes.
    async fn run(self, channels: Arc<Channels>, closing: CancellationToken) {
        let mut pause = QUEUE_RETRY_MIN;
        loop {
            let began = Instant::now();
            let Err(error) = self.consume(&channels, &closing).await else { break };
            tracing::warn!(queue = %self.address, "no publications from the queue: {error:#}");
            self.note_down(format!("{error:#}"));
            if began.elapsed() > QUEUE_RETRY_MAX {
                pause = QUEUE_RETRY_MIN;
            }
            tokio::select! {
                () = sleep(pause) => {}
                () = closing.cancelled() => break,
            }
            pause = (pause * 2).min(QUEUE_RETRY_MAX);
        }
        self.note_down(String::from("the server stops"));
    }

    /// Publishes what comes until something is wrong, or until `closing`, and then lets the queue
    /// know. A message in hand is brought to its end.
    async fn consume(&self, channels: &Channels, closing: &CancellationToken) -> Result<()> {
        let lost = CancellationToken::new();
        let mut messages = tokio::select! {
            messages = self.open(lost.clone()) => messages?,
            () = closing.cancelled() => return Ok(()),
        };
        *self.lock() = State::Connected;
        metrics::queue_connected(true);
        tracing::info!(queue = %self.address, stream = self.stream, "publications from the queue");
        let mut done = None;
        loop {
            let message = tokio::select! {
                biased;
                () = closing.cancelled() => break,
                () = lost.cancelled() => bail!("the connection is lost"),
                message = messages.next() => message.context("the queue has no more to say")?,
            };
            let message = message.context("waiting for a message")?;
            if self.handle(channels, &message).await? {
                done = Some(message);
            }
        }
        let Some(last) = done else { return Ok(()) };
        // Acknowledgements are heard in their order: an answer to the last is one to all.
        let confirmed = last.double_ack_with(AckKind::Ack).await;
        confirmed.map_err(|error| anyhow!(error)).context("confirming what was published")
    }

    async fn open(&self, lost: CancellationToken) -> Result<pull::Stream> {
        let client = self.connect(lost).await.context("connecting")?;
        let context = jetstream::new(client);
        let stream = context.get_or_create_stream(self.stream_config()).await;
        let stream = stream.with_context(|| format!("asking for the stream {}", self.stream))?;
        let consumer = self.bookmark.open(&stream).await?;
        let messages = consumer.stream().heartbeat(QUEUE_HEARTBEAT).messages().await;
        messages.context("asking for messages")
    }

    async fn connect(&self, lost: CancellationToken) -> Result<Client> {
        let mut options = ConnectOptions::new();
        if let Some(path) = &self.credentials {
            options = Credentials::load(path)?.show(options)?;
        }
        let client = options
            .name("tickwire")
            .connection_timeout(QUEUE_TIMEOUT)
            .request_timeout(Some(QUEUE_TIMEOUT))
            .ping_interval(QUEUE_HEARTBEAT)
            // A lost connection is begun anew with all that belongs to it: what was under way on
            // it would be overtaken on the next one.
            .max_reconnects(1)
            .event_callback(move |event| {
                if matches!(event, Event::Disconnected) {
                    lost.cancel();
                }
                std::future::ready(())
            })
            .connect(&self.address)
            .await?;
        Ok(client)
    }

    /// Publishes a message and acknowledges it. Whether it is done with.
    async fn handle(&self, channels: &Channels, message: &Message) -> Result<bool> {
        let kind = match self.read(message) {
            Ok((channel, post)) => match channels.publish(&channel, post, Moment::now()) {
                Ok(published) => {
                    metrics::queue_message(if published.is_repeat {
                        QueueOutcome::Repeated
                    } else {
                        QueueOutcome::Published
                    });
                    AckKind::Ack
                }
                // Some other channel may be given up in a while.
                Err(ChannelError::TooManyChannels) if may_come_again(message) => {
                    AckKind::Nak(Some(QUEUE_RETRY_MAX))
                }
                Err(error) => refuse(message, &error.to_string()),
            },
            Err(why) => refuse(message, &why),
        };
        let is_over = !matches!(kind, AckKind::Nak(_));
        let acknowledged = message.ack_with(kind).await;
        acknowledged.map_err(|error| anyhow!(error)).context("acknowledging")?;
        Ok(is_over)
    }

    fn read(&self, message: &Message) -> Result<(ChannelName, Post), String> {
        let header = |name: &str| Some(message.headers.as_ref()?.get(name)?.as_str());
        let channel = header(CHANNEL_HEADER)
            .or_else(|| message.subject.strip_prefix(&self.prefix))
            .unwrap_or_default();
        let channel = ChannelName::new(channel).map_err(|error| error.to_string())?;
        let body = message.payload.clone();
        let is_json =
            header("Content-Type").is_some_and(|kind| kind.starts_with("application/json"));
        let data = if is_json { Data::json(body) } else { Data::text(body) };
        let mut post = Post::of(data.map_err(|error| error.to_string())?);
        // A stream that was deleted and made anew counts from 1 again, but at another moment.
        let number = || {
            let info = message.info().ok()?;
            let published = info.published.unix_timestamp_nanos();
            Some(format!("{} {} {published}", info.stream, info.stream_sequence))
        };
        let id = header("Nats-Msg-Id").filter(|id| !id.is_empty());
        if id.is_some_and(|id| id.len() > IDEMPOTENCY_KEY_BYTES_MAX) {
            return Err(format!(
                "its Nats-Msg-Id is longer than {IDEMPOTENCY_KEY_BYTES_MAX} bytes"
            ));
        }
        post.idempotency_key = id.map(String::from).or_else(number);
        Ok((channel, post))
    }

    /// The stream, where nobody has made one: on disk, and bounded.
    fn stream_config(&self) -> stream::Config {
        stream::Config {
            name: self.stream.clone(),
            subjects: vec![format!("{}>", self.prefix)],
            max_age: QUEUE_AGE,
            max_bytes: QUEUE_BYTES_MAX,
            ..stream::Config::default()
        }
    }

    fn note_down(&self, why: String) {
        metrics::queue_connected(false);
        let mut state = self.lock();
        let since = match &*state {
            State::Down { since, .. } => *since,
            State::Connected => Instant::now(),
        };
        *state = State::Down { since, why };
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Display for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.lock() {
            State::Connected => f.write_str("connected"),
            State::Down { since, why } => {
                write!(f, "down for {} s: {why}", since.elapsed().as_secs())
            }
        }
    }
}

impl Reading {
    /// Takes no more messages, and waits until the queue knows what was published: the next
    /// process would publish the rest again.
    pub(crate) async fn stop(self) {
        let Self { closing, mut task } = self;
        closing.cancel();
        if timeout(QUEUE_STOP_TIMEOUT, &mut task).await.is_err() {
            tracing::warn!("the queue does not say whether it knows what was published");
            task.abort();
        }
    }
}

/// Whether a message that cannot be published now is waited for.
fn may_come_again(message: &Message) -> bool {
    message.info().is_ok_and(|info| info.delivered < QUEUE_DELIVERIES_MAX)
}

/// A message that will never be good is not asked for again.
fn refuse(message: &Message, why: &str) -> AckKind {
    tracing::warn!(subject = %message.subject, "a message in the queue is dropped: {why}");
    metrics::queue_message(QueueOutcome::Refused);
    AckKind::Term
}
