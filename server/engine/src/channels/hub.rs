//! All channels, and the ways in.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, RandomState},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use super::{
    ChannelError, ChannelName, HistoryRead, Identity, Moment, NamespaceOptions, Namespaces, Post,
    Presence, Published, Reading, Statistics, Subscriber, channel::Channel,
};
use crate::limits::HISTORY_BYTES_TOTAL_MAX;

/// All channels of a server.
#[derive(Debug)]
pub struct Channels {
    namespaces: Namespaces,
    shards: Vec<Shard>,
    hasher: RandomState,
    /// How many channels each namespace has.
    counts: HashMap<String, AtomicUsize>,
    history_bytes: AtomicUsize,
    epochs: Mutex<StdRng>,
    next_subscriber: AtomicU64,
}

/// Channels behind one lock.
type Shard = Mutex<HashMap<ChannelName, Arc<Mutex<Channel>>>>;

impl Channels {
    /// With these namespaces and no channel so far. `seed` is where the epochs begin: it has to
    /// be another at each start.
    pub fn new(namespaces: Namespaces, seed: u64) -> Arc<Self> {
        let counts = namespaces.names().map(|name| (String::from(name), AtomicUsize::new(0)));
        Arc::new(Self {
            counts: counts.collect(),
            namespaces,
            shards: (0..SHARDS).map(|_| Shard::default()).collect(),
            hasher: RandomState::new(),
            history_bytes: AtomicUsize::new(0),
            epochs: Mutex::new(StdRng::seed_from_u64(seed)),
            next_subscriber: AtomicU64::new(0),
        })
    }

    /// Somebody who may listen and publish as far as their identity goes. At most
    /// `queue_bytes_max` wait for them.
    pub fn connect(self: &Arc<Self>, identity: Identity, queue_bytes_max: usize) -> Subscriber {
        let id = self.next_subscriber.fetch_add(1, Ordering::Relaxed);
        Subscriber::new(Arc::clone(self), id, identity, queue_bytes_max)
    }

    /// Publishes as the server, which no rate binds.
    pub fn publish(
        &self,
        channel: &ChannelName,
        mut post: Post,
        now: Moment,
    ) -> Result<Published, ChannelError> {
        let options = self.options(channel)?;
        check_size(&post, &options)?;
        let publisher = post.publisher.take();
        self.publish_checked(channel, &options, now, |channel| {
            Ok(channel.publish(post, publisher, now))
        })
    }

    /// Reads a channel's history.
    pub fn history(
        &self,
        identity: &Identity,
        channel: &ChannelName,
        reading: Reading,
        now: Moment,
    ) -> Result<HistoryRead, ChannelError> {
        let options = self.options_for(identity, channel)?;
        self.with(channel, &options, now.at, |channel| Ok(channel.read(reading, now.at)))
    }

    /// Who listens to a channel.
    pub fn presence(
        &self,
        identity: &Identity,
        channel: &ChannelName,
    ) -> Result<Presence, ChannelError> {
        let options = self.options_for(identity, channel)?;
        if !options.presence {
            return Err(ChannelError::NoPresence);
        }
        Ok(self.find(channel).map_or_else(Presence::default, |channel| lock(&channel).presence()))
    }

    /// Silences a client in a channel for so long, whatever connection it comes back on if its
    /// token has a name for it. Zero lets it speak again.
    pub fn mute(
        &self,
        channel: &ChannelName,
        client: &str,
        time: Duration,
        now: Moment,
    ) -> Result<(), ChannelError> {
        let options = self.options(channel)?;
        self.with(channel, &options, now.at, |channel| {
            channel.mute(client, time, now.at);
            Ok(())
        })
    }

    /// Ends a client's subscription, and refuses another for so long.
    pub fn kick(
        &self,
        channel: &ChannelName,
        client: &str,
        time: Duration,
        now: Moment,
    ) -> Result<(), ChannelError> {
        let options = self.options(channel)?;
        self.with(channel, &options, now.at, |channel| {
            channel.kick(client, time, now.at);
            Ok(())
        })
    }

    /// Figures of a channel, where there is one.
    pub fn statistics(&self, channel: &ChannelName) -> Option<Statistics> {
        self.find(channel).map(|channel| lock(&channel).statistics())
    }

    /// Figures of all channels whose names begin with `prefix`, by name.
    pub fn all_statistics(&self, prefix: &str) -> Vec<Statistics> {
        let mut all: Vec<_> = self
            .all()
            .into_iter()
            .filter(|(name, _)| name.as_str().starts_with(prefix))
            .map(|(_, channel)| lock(&channel).statistics())
            .collect();
        all.sort_by(|one, other| one.channel.cmp(&other.channel));
        all
    }

    /// What holds for a channel.
    pub fn options(&self, channel: &ChannelName) -> Result<Arc<NamespaceOptions>, ChannelError> {
        self.namespaces.options_of(channel).cloned().ok_or(ChannelError::UnknownNamespace)
    }

    /// The same, for somebody who may listen to it.
    pub(super) fn options_for(
        &self,
        identity: &Identity,
        channel: &ChannelName,
    ) -> Result<Arc<NamespaceOptions>, ChannelError> {
        let options = self.options(channel)?;
        if identity.may_listen(channel, &options) {
            Ok(options)
        } else {
            Err(ChannelError::NotAllowed)
        }
    }

    /// Lets go what is too old. To be called every second or so.
    pub fn sweep(&self, now: Instant) {
        for shard in &self.shards {
            lock(shard).retain(|name, channel| {
                let mut channel = lock(channel);
                let is_over = self.counted(&mut channel, |channel| channel.sweep(now));
                channel.is_gone = is_over;
                if is_over {
                    self.count_out(name);
                }
                !is_over
            });
        }
    }

    /// Does something with a channel, which is made where there is none.
    pub(super) fn with<T>(
        &self,
        name: &ChannelName,
        options: &Arc<NamespaceOptions>,
        now: Instant,
        act: impl FnOnce(&mut Channel) -> Result<T, ChannelError>,
    ) -> Result<T, ChannelError> {
        loop {
            let channel = self.find_or_make(name, options, now)?;
            let mut channel = lock(&channel);
            if !channel.is_gone {
                return self.counted(&mut channel, act);
            }
        }
    }

    /// The same for a publication, after which histories may have to give way.
    pub(super) fn publish_checked(
        &self,
        name: &ChannelName,
        options: &Arc<NamespaceOptions>,
        now: Moment,
        act: impl FnOnce(&mut Channel) -> Result<Published, ChannelError>,
    ) -> Result<Published, ChannelError> {
        let published = self.with(name, options, now.at, act);
        if self.history_bytes.load(Ordering::Relaxed) > HISTORY_BYTES_TOTAL_MAX {
            self.forget_oldest_histories();
        }
        published
    }

    /// The channel, where there is one.
    pub(super) fn find(&self, name: &ChannelName) -> Option<Arc<Mutex<Channel>>> {
        self.shard(name).get(name).cloned()
    }

    fn find_or_make(
        &self,
        name: &ChannelName,
        options: &Arc<NamespaceOptions>,
        now: Instant,
    ) -> Result<Arc<Mutex<Channel>>, ChannelError> {
        if let Some(channel) = self.find(name) {
            return Ok(channel);
        }
        let count = self.counts.get(name.namespace()).ok_or(ChannelError::UnknownNamespace)?;
        if count.load(Ordering::Relaxed) >= options.channels_max {
            self.drop_unused(name.namespace());
            if count.load(Ordering::Relaxed) >= options.channels_max {
                return Err(ChannelError::TooManyChannels);
            }
        }
        let mut shard = self.shard(name);
        let channel = shard.entry(name.clone()).or_insert_with(|| {
            count.fetch_add(1, Ordering::Relaxed);
            let mut epochs = self.epochs.lock().unwrap_or_else(PoisonError::into_inner);
            let epoch = epochs.random_range(1..EPOCHS_END);
            Arc::new(Mutex::new(Channel::new(name.clone(), Arc::clone(options), epoch, now)))
        });
        Ok(Arc::clone(channel))
    }

    /// A namespace is full: the tenth of its channels that nobody listens to and that was used
    /// longest ago goes.
    fn drop_unused(&self, namespace: &str) {
        let mut unused: Vec<_> = self
            .all()
            .into_iter()
            .filter(|(name, _)| name.namespace() == namespace)
            .filter_map(|(name, channel)| {
                let channel = lock(&channel);
                (channel.listeners() == 0).then(|| (channel.used_at(), name))
            })
            .collect();
        unused.sort_by_key(|(used_at, _)| *used_at);
        let count = unused.len().div_ceil(10);
        for (_, name) in unused.into_iter().take(count) {
            let mut shard = self.shard(&name);
            let Some(channel) = shard.get(&name).cloned() else { continue };
            let mut channel = lock(&channel);
            if channel.listeners() == 0 {
                self.counted(&mut channel, Channel::forget_history);
                channel.is_gone = true;
                shard.remove(&name);
                self.count_out(&name);
            }
        }
    }

    /// There is too much history: what belongs to the channels used longest ago goes, until
    /// nine tenths are left.
    fn forget_oldest_histories(&self) {
        let mut all: Vec<_> = self
            .all()
            .into_iter()
            .map(|(_, channel)| {
                let used_at = lock(&channel).used_at();
                (used_at, channel)
            })
            .collect();
        all.sort_by_key(|(used_at, _)| *used_at);
        for (_, channel) in all {
            if self.history_bytes.load(Ordering::Relaxed) <= HISTORY_BYTES_TOTAL_MAX / 10 * 9 {
                return;
            }
            self.counted(&mut lock(&channel), Channel::forget_history);
        }
    }

    /// Does something to a channel, and keeps count of what its history holds.
    fn counted<T>(&self, channel: &mut Channel, act: impl FnOnce(&mut Channel) -> T) -> T {
        let before = channel.history_bytes();
        let done = act(channel);
        let after = channel.history_bytes();
        self.history_bytes.fetch_add(after.wrapping_sub(before), Ordering::Relaxed);
        done
    }

    fn count_out(&self, name: &ChannelName) {
        if let Some(count) = self.counts.get(name.namespace()) {
            count.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn all(&self) -> Vec<(ChannelName, Arc<Mutex<Channel>>)> {
        let shards = self.shards.iter().flat_map(|shard| {
            let shard = lock(shard);
            shard.iter().map(|(name, one)| (name.clone(), Arc::clone(one))).collect::<Vec<_>>()
        });
        shards.collect()
    }

    fn shard(
        &self,
        name: &ChannelName,
    ) -> MutexGuard<'_, HashMap<ChannelName, Arc<Mutex<Channel>>>> {
        let number = usize::try_from(self.hasher.hash_one(name) % SHARDS).unwrap_or_default();
        lock(self.shards.get(number).expect("there are as many shards as numbers of them"))
    }
}

/// A post that a namespace's size does not allow is not published.
pub(super) fn check_size(post: &Post, options: &NamespaceOptions) -> Result<(), ChannelError> {
    let (bytes, max) = (post.bytes(), options.message_bytes_max);
    if bytes <= max { Ok(()) } else { Err(ChannelError::TooLarge { bytes, max }) }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Locks over the channels: more than processors, so that they rarely meet.
const SHARDS: u64 = 64;
/// Epochs are below what JavaScript's numbers hold.
const EPOCHS_END: u64 = 1 << 53;
