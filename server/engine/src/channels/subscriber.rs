//! One connection's end of the channels.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};

use super::{
    ChannelError, ChannelName, Channels, Delivery, EndReason, HistoryRead, Identity, Moment, Post,
    Presence, Published, Rate, Reading, Standing, Start, Subscribed,
    allowance::Allowance,
    hub::{check_size, lock},
    inbox::Inbox,
};
use crate::limits::{
    CHANNEL_REQUEST_BURST, CHANNEL_REQUESTS_PER_SECOND, SUBSCRIPTIONS_PER_SUBSCRIBER,
};

/// One connection's end of the channels. Dropping it leaves all of them.
#[derive(Debug)]
pub struct Subscriber {
    channels: Arc<Channels>,
    id: u64,
    identity: Mutex<Arc<Identity>>,
    inbox: Arc<Inbox>,
    allowances: Mutex<Allowances>,
}

#[derive(Debug, Default)]
struct Allowances {
    /// For what only asks.
    requests: Option<Allowance>,
    /// For publications, by namespace.
    posts: HashMap<String, Allowance>,
}

impl Subscriber {
    pub(super) fn new(
        channels: Arc<Channels>,
        id: u64,
        identity: Identity,
        queue_bytes_max: usize,
    ) -> Self {
        Self {
            channels,
            id,
            identity: Mutex::new(Arc::new(identity)),
            inbox: Arc::new(Inbox::new(queue_bytes_max)),
            allowances: Mutex::default(),
        }
    }

    /// Who it is.
    pub fn identity(&self) -> Arc<Identity> {
        Arc::clone(&lock(&self.identity))
    }

    /// It has shown another token. Subscriptions that this one does not allow end.
    pub fn set_identity(&self, identity: Identity) {
        let identity = Arc::new(identity);
        *lock(&self.identity) = Arc::clone(&identity);
        for name in self.inbox.subscriptions() {
            if self.channels.options_for(&identity, &name).is_ok() {
                continue;
            }
            if let Some(channel) = self.channels.find(&name) {
                lock(&channel).end(self.id, EndReason::NotAllowed);
            }
        }
    }

    /// Listens to a channel. What is returned comes before anything that is delivered.
    pub fn subscribe(
        &self,
        channel: &ChannelName,
        start: Start,
        now: Moment,
    ) -> Result<Subscribed, ChannelError> {
        self.check_request(now)?;
        let identity = self.identity();
        let options = self.channels.options_for(&identity, channel)?;
        if self.inbox.subscription_count() >= SUBSCRIPTIONS_PER_SUBSCRIBER {
            return Err(ChannelError::TooManySubscriptions);
        }
        self.channels.with(channel, &options, now.at, |channel| {
            channel.subscribe(self.id, &identity.member, &self.inbox, start, now.at)
        })
    }

    /// Listens no more. Nothing of the channel is delivered after that.
    pub fn unsubscribe(&self, channel: &ChannelName) -> Result<(), ChannelError> {
        let found = self.channels.find(channel);
        if found.is_some_and(|found| lock(&found).unsubscribe(self.id)) {
            Ok(())
        } else {
            Err(ChannelError::NotSubscribed)
        }
    }

    /// Publishes, in its own name.
    pub fn publish(
        &self,
        channel: &ChannelName,
        mut post: Post,
        now: Moment,
    ) -> Result<Published, ChannelError> {
        let options = self.channels.options(channel)?;
        let identity = self.identity();
        if !identity.may_publish(channel, &options) {
            return Err(ChannelError::NotAllowed);
        }
        check_size(&post, &options)?;
        let publisher = match identity.standing {
            Standing::Server => post.publisher.take(),
            Standing::Anyone | Standing::Player => {
                self.check_rate(channel, options.rate, now)?;
                Some(Arc::clone(&identity.member))
            }
        };
        self.channels.publish_checked(channel, &options, now, |channel| {
            channel.check_muted(&identity.member, now.at)?;
            Ok(channel.publish(post, publisher, now))
        })
    }

    /// Who listens to a channel.
    pub fn presence(&self, channel: &ChannelName, now: Moment) -> Result<Presence, ChannelError> {
        self.check_request(now)?;
        self.channels.presence(&self.identity(), channel)
    }

    /// Reads a channel's history.
    pub fn history(
        &self,
        channel: &ChannelName,
        reading: Reading,
        now: Moment,
    ) -> Result<HistoryRead, ChannelError> {
        self.check_request(now)?;
        self.channels.history(&self.identity(), channel, reading, now)
    }

    /// The next delivery. Where there is none, the task is woken when one has come.
    pub fn poll_delivery(&self, cx: &Context<'_>) -> Poll<Delivery> {
        self.inbox.poll(cx)
    }

    /// The next delivery, if there is one.
    pub fn take_delivery(&self) -> Option<Delivery> {
        self.inbox.take()
    }

    /// Wakes `waker` whenever something comes and nothing was there: for whoever comes by on
    /// their own otherwise.
    pub fn wake(&self, waker: Waker) {
        self.inbox.wake(waker);
    }

    /// Channels that it listens to.
    pub fn subscriptions(&self) -> Vec<ChannelName> {
        self.inbox.subscriptions()
    }

    fn check_request(&self, now: Moment) -> Result<(), ChannelError> {
        if self.identity().standing == Standing::Server {
            return Ok(());
        }
        let mut allowances = lock(&self.allowances);
        let allowance = allowances.requests.get_or_insert_with(|| Allowance::new(REQUESTS, now.at));
        allowance.take(REQUESTS, now.at).map_err(too_fast)
    }

    fn check_rate(
        &self,
        channel: &ChannelName,
        rate: Rate,
        now: Moment,
    ) -> Result<(), ChannelError> {
        let mut allowances = lock(&self.allowances);
        if let Some(allowance) = allowances.posts.get_mut(channel.namespace()) {
            return allowance.take(rate, now.at).map_err(too_fast);
        }
        let mut allowance = Allowance::new(rate, now.at);
        let taken = allowance.take(rate, now.at).map_err(too_fast);
        allowances.posts.insert(String::from(channel.namespace()), allowance);
        taken
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        for name in self.inbox.subscriptions() {
            if let Some(channel) = self.channels.find(&name) {
                lock(&channel).unsubscribe(self.id);
            }
        }
    }
}

fn too_fast(wait: std::time::Duration) -> ChannelError {
    let ms = u32::try_from(wait.as_millis()).unwrap_or(u32::MAX);
    ChannelError::TooFast { retry_after_ms: ms.saturating_add(1) }
}

/// How often one connection may ask for something.
const REQUESTS: Rate =
    Rate { per_second: CHANNEL_REQUESTS_PER_SECOND, burst: CHANNEL_REQUEST_BURST };
