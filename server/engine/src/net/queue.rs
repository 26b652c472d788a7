//! Publications from a message queue: whatever a backend puts into a JetStream stream of NATS is
//! published, once and in its order.
//!
//! The stream takes `tickwire.>`; what stands after `tickwire.` is the channel, as in
//! `tickwire.chat:main`. A channel whose name is no subject stands in the header
//! `Tickwire-Channel` instead. The body is text, or JSON where `Content-Type` says so.
//!
//! A message is acknowledged once it is published. Where acknowledgements got lost with a
//! connection, the queue is asked from the first of them on: what was published already is known
//! by its number in the stream or by its `Nats-Msg-Id`, and is not published again. While the
//! queue is away nothing is lost that it holds: its durable consumer knows where this server was.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use anyhow::{Context as _, Result, anyhow};
use async_nats::{
    Client, ConnectOptions, Event,
    jetstream::{
        self, AckKind, Message,
        consumer::{AckPolicy, DeliverPolicy, PullConsumer, pull},
        stream::{self, Stream},
    },
};
use futures_util::StreamExt as _;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::{
    channels::{ChannelError, ChannelName, Channels, Data, Moment, Post},
    config::Config,
    limits::{
        IDEMPOTENCY_KEY_BYTES_MAX, QUEUE_ACK_WAIT, QUEUE_AGE, QUEUE_BYTES_MAX, QUEUE_HEARTBEAT,
        QUEUE_RETRY_MAX, QUEUE_RETRY_MIN, QUEUE_TIMEOUT, QUEUE_UNACKNOWLEDGED_MAX,
    },
};

/// Where publications come from beside the doors.
#[derive(Clone, Debug)]
pub(crate) struct Queue {
    address: String,
    stream: String,
    consumer: String,
    state: Arc<Mutex<State>>,
}

/// How the queue is.
#[derive(Clone, Debug)]
enum State {
    Connected,
    Down { since: Instant, why: String },
}

const SUBJECT_PREFIX: &str = "tickwire.";
const CHANNEL_HEADER: &str = "Tickwire-Channel";

impl Queue {
    /// The one that the settings name, if any.
    pub(crate) fn of(config: &Config) -> Option<Self> {
        let state = State::Down { since: Instant::now(), why: String::from("not reached so far") };
        Some(Self {
            address: config.nats.clone()?,
            stream: config.nats_stream.clone(),
            // Each server publishes all of it to its own listeners.
            consumer: format!("tickwire-{}", config.node),
            state: Arc::new(Mutex::new(state)),
        })
    }

    /// Publishes what comes, and begins again for as long as it takes.
    pub(crate) async fn run(self, channels: Arc<Channels>, closing: CancellationToken) {
        let consuming = async {
            let mut pause = QUEUE_RETRY_MIN;
            loop {
                let began = Instant::now();
                let Err(error) = self.consume(&channels).await else { continue };
                tracing::warn!(queue = %self.address, "no publications from the queue: {error:#}");
                self.note_down(format!("{error:#}"));
                if began.elapsed() > QUEUE_RETRY_MAX {
                    pause = QUEUE_RETRY_MIN;
                }
                sleep(pause).await;
                pause = (pause * 2).min(QUEUE_RETRY_MAX);
            }
        };
        tokio::select! {
            () = consuming => {}
            () = closing.cancelled() => {}
        }
    }

    /// Whether publications come from it.
    pub(crate) fn is_connected(&self) -> bool {
        matches!(*self.lock(), State::Connected)
    }

    /// Publishes what comes until something is wrong.
    async fn consume(&self, channels: &Channels) -> Result<()> {
        let client = self.connect().await.context("connecting")?;
        let context = jetstream::new(client);
        let stream = context.get_or_create_stream(self.stream_config()).await;
        let stream = stream.with_context(|| format!("asking for the stream {}", self.stream))?;
        let consumer = self.consumer(&stream).await?;
        let messages = consumer.stream().heartbeat(QUEUE_HEARTBEAT).messages().await;
        let mut messages = messages.context("asking for messages")?;
        *self.lock() = State::Connected;
        tracing::info!(queue = %self.address, stream = self.stream, "publications from the queue");
        while let Some(message) = messages.next().await {
            self.handle(channels, message.context("waiting for a message")?).await?;
        }
        Err(anyhow!("the queue has no more to say"))
    }

    async fn connect(&self) -> Result<Client> {
        let state = Arc::clone(&self.state);
        let client = ConnectOptions::new()
            .name("tickwire")
            .connection_timeout(QUEUE_TIMEOUT)
            .request_timeout(Some(QUEUE_TIMEOUT))
            .ping_interval(QUEUE_HEARTBEAT)
            // A lost connection is begun anew with all that belongs to it.
            .max_reconnects(1)
            .event_callback(move |event| {
                if matches!(event, Event::Disconnected) {
                    note_down(&state, String::from("the connection is lost"));
                }
                std::future::ready(())
            })
            .connect(&self.address)
            .await?;
        Ok(client)
    }

    /// The consumer, at the first message that was not acknowledged: waiting until it is delivered
    /// again would let later ones overtake it.
    async fn consumer(&self, stream: &Stream) -> Result<PullConsumer> {
        let about = || format!("asking for the consumer {}", self.consumer);
        let config = self.consumer_config(DeliverPolicy::All);
        let consumer = stream.get_or_create_consumer(&self.consumer, config).await;
        let consumer: PullConsumer = consumer.with_context(about)?;
        let info = consumer.cached_info();
        if info.num_ack_pending == 0 {
            return Ok(consumer);
        }
        let start_sequence = info.ack_floor.stream_sequence + 1;
        stream.delete_consumer(&self.consumer).await.with_context(about)?;
        let config = self.consumer_config(DeliverPolicy::ByStartSequence { start_sequence });
        stream.create_consumer(config).await.with_context(about)
    }

    async fn handle(&self, channels: &Channels, message: Message) -> Result<()> {
        let kind = match read(&message) {
            Ok((channel, post)) => match channels.publish(&channel, post, Moment::now()) {
                Ok(_) => AckKind::Ack,
                // Some other channel will be given up in a while.
                Err(ChannelError::TooManyChannels) => AckKind::Nak(Some(QUEUE_RETRY_MAX)),
                Err(error) => refuse(&message, &error.to_string()),
            },
            Err(why) => refuse(&message, &why),
        };
        message.ack_with(kind).await.map_err(|error| anyhow!(error)).context("acknowledging")
    }

    /// The stream, where nobody has made one: on disk, and bounded.
    fn stream_config(&self) -> stream::Config {
        stream::Config {
            name: self.stream.clone(),
            subjects: vec![format!("{SUBJECT_PREFIX}>")],
            max_age: QUEUE_AGE,
            max_bytes: QUEUE_BYTES_MAX,
            ..stream::Config::default()
        }
    }

    fn consumer_config(&self, deliver_policy: DeliverPolicy) -> pull::Config {
        pull::Config {
            durable_name: Some(self.consumer.clone()),
            deliver_policy,
            ack_policy: AckPolicy::Explicit,
            ack_wait: QUEUE_ACK_WAIT,
            max_ack_pending: QUEUE_UNACKNOWLEDGED_MAX,
            filter_subject: format!("{SUBJECT_PREFIX}>"),
            ..pull::Config::default()
        }
    }

    fn note_down(&self, why: String) {
        note_down(&self.state, why);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
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

fn note_down(state: &Mutex<State>, why: String) {
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    let since = match &*state {
        State::Down { since, .. } => *since,
        State::Connected => Instant::now(),
    };
    *state = State::Down { since, why };
}

/// A message that will never be good is not asked for again.
fn refuse(message: &Message, why: &str) -> AckKind {
    tracing::warn!(subject = %message.subject, "a message in the queue is dropped: {why}");
    AckKind::Term
}

fn read(message: &Message) -> Result<(ChannelName, Post), String> {
    let header = |name: &str| Some(message.headers.as_ref()?.get(name)?.as_str());
    let channel = header(CHANNEL_HEADER)
        .or_else(|| message.subject.strip_prefix(SUBJECT_PREFIX))
        .unwrap_or_default();
    let channel = ChannelName::new(channel).map_err(|error| error.to_string())?;
    let body = message.payload.clone();
    let is_json = header("Content-Type").is_some_and(|kind| kind.starts_with("application/json"));
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
        return Err(format!("its Nats-Msg-Id is longer than {IDEMPOTENCY_KEY_BYTES_MAX} bytes"));
    }
    post.idempotency_key = id.map(String::from).or_else(number);
    Ok((channel, post))
}
