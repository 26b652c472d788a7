//! How far this server is in the stream. The queue keeps that, in a durable consumer.
//!
//! A consumer delivers again what was not acknowledged, but after a while, when later messages
//! have overtaken it. So a consumer with something unacknowledged gives way to one that begins
//! there. The new one is made before the old one goes, under the other of two names, so that one
//! of them knows the place whenever this process or the queue dies: at the next start the one
//! that is further is kept. None is read from while there are two.
//!
//! ```text
//!              make B at floor + 1            delete A             read
//! A ─────────────────────────────▶ A and B ─────────────▶ B ─────────────▶
//! ```

use anyhow::{Context as _, Result, ensure};
use async_nats::jetstream::{
    consumer::{AckPolicy, DeliverPolicy, Info, PullConsumer, pull},
    context::ConsumerInfoErrorKind,
    stream::Stream,
};

use crate::limits::{QUEUE_ACK_WAIT, QUEUE_UNACKNOWLEDGED_MAX};

/// The names under which the queue keeps how far this server is, and of which messages.
#[derive(Clone, Debug)]
pub(super) struct Bookmark {
    names: [String; 2],
    filter: String,
}

impl Bookmark {
    /// Each server publishes all messages to its own listeners, and so has its own.
    pub(super) fn new(prefix: &str, node: u32) -> Self {
        let name = format!("{}-{node}", prefix.replace('.', "-"));
        Self { names: [name.clone(), format!("{name}-again")], filter: format!("{prefix}.>") }
    }

    /// The consumer, at the first message that was not acknowledged; at the first of all where
    /// this server was never here.
    pub(super) async fn open(&self, stream: &Stream) -> Result<PullConsumer> {
        let [one, other] = &self.names;
        let found = (self.find(stream, one).await?, self.find(stream, other).await?);
        let kept = match found {
            (None, None) => return self.make(stream, one, DeliverPolicy::All).await,
            (Some(kept), None) | (None, Some(kept)) => kept,
            (Some(one), Some(other)) => {
                let (kept, spare) =
                    if is_further(&other, &one) { (other, one) } else { (one, other) };
                delete(stream, &spare.name).await?;
                kept
            }
        };
        if kept.num_ack_pending == 0 {
            let consumer = stream.get_consumer(&kept.name).await;
            return consumer.map_err(anyhow::Error::from_boxed).with_context(|| about(&kept.name));
        }
        let start_sequence = kept.ack_floor.stream_sequence + 1;
        let name = if kept.name == *one { other } else { one };
        let start = DeliverPolicy::ByStartSequence { start_sequence };
        let made = self.make(stream, name, start).await?;
        delete(stream, &kept.name).await?;
        Ok(made)
    }

    async fn find(&self, stream: &Stream, name: &str) -> Result<Option<Info>> {
        let info = match stream.consumer_info(name).await {
            Err(error) if error.kind() == ConsumerInfoErrorKind::NotFound => return Ok(None),
            info => info.with_context(|| about(name))?,
        };
        ensure!(
            info.config.filter_subject == self.filter,
            "the consumer {name} reads {}, not {}: it is somebody else's, so choose another \
             --node or --nats-prefix, or delete it",
            info.config.filter_subject,
            self.filter
        );
        Ok(Some(info))
    }

    async fn make(
        &self,
        stream: &Stream,
        name: &str,
        deliver_policy: DeliverPolicy,
    ) -> Result<PullConsumer> {
        let config = pull::Config {
            durable_name: Some(String::from(name)),
            deliver_policy,
            ack_policy: AckPolicy::Explicit,
            ack_wait: QUEUE_ACK_WAIT,
            max_ack_pending: QUEUE_UNACKNOWLEDGED_MAX,
            filter_subject: self.filter.clone(),
            ..pull::Config::default()
        };
        stream.create_consumer(config).await.with_context(|| about(name))
    }
}

/// Whether `one` knows of more that was published. Of two that know of the same, the one from
/// which nothing is out has been made for the other's sake.
fn is_further(one: &Info, other: &Info) -> bool {
    let place = |info: &Info| (info.ack_floor.stream_sequence, info.num_ack_pending == 0);
    place(one) > place(other)
}

async fn delete(stream: &Stream, name: &str) -> Result<()> {
    stream.delete_consumer(name).await.with_context(|| about(name))?;
    Ok(())
}

fn about(name: &str) -> String {
    format!("asking for the consumer {name}")
}
