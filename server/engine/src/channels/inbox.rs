//! What waits for one subscriber, bounded in bytes.
//!
//! Who publishes puts in and goes on; whoever writes to the subscriber takes out. What does not
//! fit falls to the namespace's policy, and leaves a mark in its place.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker},
};

use super::{ChannelName, Delivery, EndReason, SlowPolicy};

/// What waits for one subscriber.
#[derive(Debug)]
pub(super) struct Inbox {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// What waits, oldest first. What was taken back leaves a gap.
    entries: VecDeque<Option<Delivery>>,
    /// Number of the first entry; they count on.
    first: u64,
    /// How many are no gaps.
    waiting: usize,
    bytes: usize,
    bytes_max: usize,
    /// Numbers of the entries that a newer one of the same key takes the place of.
    latest: HashMap<(ChannelName, Arc<str>), u64>,
    /// Channels that are listened to, and how much was missed there since it was last told.
    subscriptions: HashMap<ChannelName, u32>,
    missed: usize,
    waker: Option<Waker>,
}

/// What became of something that was put in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Pushed {
    /// It waits, or something has given way.
    Taken,
    /// The subscription is over.
    TooSlow,
}

impl Inbox {
    /// Empty; holds `bytes_max`.
    pub(super) fn new(bytes_max: usize) -> Self {
        let inner = Inner {
            entries: VecDeque::new(),
            first: 0,
            waiting: 0,
            bytes: 0,
            bytes_max,
            latest: HashMap::new(),
            subscriptions: HashMap::new(),
            missed: 0,
            waker: None,
        };
        Self { inner: Mutex::new(inner) }
    }

    /// Puts something in.
    pub(super) fn push(&self, delivery: Delivery, policy: SlowPolicy) -> Pushed {
        let mut inner = self.lock();
        if !inner.subscriptions.contains_key(delivery.channel()) {
            return Pushed::Taken;
        }
        let bytes = delivery.bytes();
        let key = match &delivery {
            Delivery::Publication(publication) if policy == SlowPolicy::LatestPerKey => {
                publication.key.clone().map(|key| (publication.channel.clone(), key))
            }
            _ => None,
        };
        if let Some(before) = key.as_ref().and_then(|key| inner.latest.get(key).copied()) {
            inner.take_back(before);
        }
        while inner.bytes + bytes > inner.bytes_max {
            if policy == SlowPolicy::Close {
                inner.end(delivery.channel(), EndReason::TooSlow);
                return Pushed::TooSlow;
            }
            let channel = delivery.channel();
            let oldest = inner
                .entries
                .iter()
                .position(|entry| entry.as_ref().is_some_and(|entry| entry.channel() == channel));
            inner.note_missed(channel);
            match oldest {
                Some(at) => {
                    let number = inner.first + at as u64;
                    inner.take_back(number);
                }
                // Other channels have all the place.
                None => return Pushed::Taken,
            }
        }
        if let Some(key) = key {
            let number = inner.first + inner.entries.len() as u64;
            inner.latest.insert(key, number);
        }
        inner.put(delivery);
        Pushed::Taken
    }

    /// What comes next; registers whom to wake when there is nothing.
    pub(super) fn poll(&self, cx: &Context<'_>) -> Poll<Delivery> {
        let mut inner = self.lock();
        if let Some(delivery) = inner.take() {
            return Poll::Ready(delivery);
        }
        if !inner.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            inner.waker = Some(cx.waker().clone());
        }
        Poll::Pending
    }

    /// What comes next.
    pub(super) fn take(&self) -> Option<Delivery> {
        self.lock().take()
    }

    /// Wakes this one whenever something comes into the empty inbox.
    pub(super) fn wake(&self, waker: Waker) {
        self.lock().waker = Some(waker);
    }

    /// Listens to a channel.
    pub(super) fn begin(&self, channel: ChannelName) {
        self.lock().subscriptions.insert(channel, 0);
    }

    /// Listens no more; nothing of the channel will come. Returns whether it did before.
    pub(super) fn forget(&self, channel: &ChannelName) -> bool {
        self.lock().forget(channel)
    }

    /// Listens no more, and hears why.
    pub(super) fn end(&self, channel: &ChannelName, reason: EndReason) {
        self.lock().end(channel, reason);
    }

    /// Channels that are listened to.
    pub(super) fn subscriptions(&self) -> Vec<ChannelName> {
        self.lock().subscriptions.keys().cloned().collect()
    }

    /// How many channels are listened to.
    pub(super) fn subscription_count(&self) -> usize {
        self.lock().subscriptions.len()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn put(&mut self, delivery: Delivery) {
        let was_empty = self.waiting == 0;
        self.bytes += delivery.bytes();
        self.waiting += 1;
        self.entries.push_back(Some(delivery));
        if was_empty && let Some(waker) = &self.waker {
            waker.wake_by_ref();
        }
    }

    fn take(&mut self) -> Option<Delivery> {
        loop {
            if self.waiting == 0 {
                return self.take_missed(None);
            }
            let front = self.entries.front().and_then(Option::as_ref);
            let channel = front.map(|delivery| delivery.channel().clone());
            if let Some(missed) = channel.and_then(|channel| self.take_missed(Some(&channel))) {
                return Some(missed);
            }
            self.first += 1;
            let Some(delivery) = self.entries.pop_front().flatten() else { continue };
            self.count_out(&delivery, self.first - 1);
            return Some(delivery);
        }
    }

    /// What is to be said of deliveries that were missed: in this channel, or in any.
    fn take_missed(&mut self, channel: Option<&ChannelName>) -> Option<Delivery> {
        if self.missed == 0 {
            return None;
        }
        let found = match channel {
            Some(channel) => self.subscriptions.get_key_value(channel),
            None => self.subscriptions.iter().find(|(_, missed)| **missed > 0),
        };
        let channel = found.filter(|(_, missed)| **missed > 0)?.0.clone();
        let count = std::mem::take(self.subscriptions.get_mut(&channel)?);
        self.missed -= 1;
        Some(Delivery::Missed { channel, count })
    }

    fn note_missed(&mut self, channel: &ChannelName) {
        if let Some(missed) = self.subscriptions.get_mut(channel) {
            self.missed += usize::from(*missed == 0);
            *missed = missed.saturating_add(1);
        }
    }

    /// Takes an entry out of its place.
    fn take_back(&mut self, number: u64) {
        let at = usize::try_from(number.wrapping_sub(self.first)).unwrap_or(usize::MAX);
        if let Some(delivery) = self.entries.get_mut(at).and_then(Option::take) {
            self.count_out(&delivery, number);
        }
        while matches!(self.entries.front(), Some(None)) {
            self.entries.pop_front();
            self.first += 1;
        }
        if self.entries.len() > 2 * self.waiting + GAPS_MAX {
            self.close_gaps();
        }
    }

    fn count_out(&mut self, delivery: &Delivery, number: u64) {
        self.waiting -= 1;
        self.bytes -= delivery.bytes();
        if let Delivery::Publication(publication) = delivery
            && !self.latest.is_empty()
            && let Some(key) = &publication.key
        {
            let key = (publication.channel.clone(), Arc::clone(key));
            if self.latest.get(&key) == Some(&number) {
                self.latest.remove(&key);
            }
        }
    }

    fn close_gaps(&mut self) {
        let mut moved = HashMap::new();
        let mut next = self.first;
        for (number, entry) in (self.first..).zip(&self.entries) {
            if entry.is_some() {
                moved.insert(number, next);
                next += 1;
            }
        }
        self.entries.retain(Option::is_some);
        for number in self.latest.values_mut() {
            *number = moved.get(number).copied().unwrap_or(*number);
        }
    }

    fn forget(&mut self, channel: &ChannelName) -> bool {
        let Some(missed) = self.subscriptions.remove(channel) else { return false };
        self.missed -= usize::from(missed > 0);
        let end = self.first + self.entries.len() as u64;
        for number in self.first..end {
            let at = usize::try_from(number.wrapping_sub(self.first)).unwrap_or(usize::MAX);
            let entry = self.entries.get_mut(at);
            if let Some(entry) = entry
                && entry.as_ref().is_some_and(|delivery| delivery.channel() == channel)
                && let Some(delivery) = entry.take()
            {
                self.count_out(&delivery, number);
            }
        }
        self.close_gaps();
        true
    }

    fn end(&mut self, channel: &ChannelName, reason: EndReason) {
        if self.forget(channel) {
            self.put(Delivery::Ended { channel: channel.clone(), reason });
        }
    }
}

/// Gaps among the entries beyond which they are closed.
const GAPS_MAX: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channels::{Data, Position, Post, Publication};

    fn channel(name: &str) -> ChannelName {
        ChannelName::new(name).expect("a name")
    }

    fn publication(name: &str, offset: u64, key: Option<&str>) -> Delivery {
        let post = Post {
            key: key.map(Arc::from),
            ..Post::of(Data::text(vec![b'x'; 100]).expect("text"))
        };
        let position = Position { epoch: 1, offset };
        Delivery::Publication(Arc::new(Publication::new(channel(name), position, post, None, 0)))
    }

    fn listening(bytes_max: usize, names: &[&str]) -> Inbox {
        let inbox = Inbox::new(bytes_max);
        for name in names {
            inbox.begin(channel(name));
        }
        inbox
    }

    /// All that waits, in short.
    fn drain(inbox: &Inbox) -> Vec<String> {
        std::iter::from_fn(|| inbox.take())
            .map(|delivery| match delivery {
                Delivery::Publication(one) => format!("{}{}", one.channel, one.position.offset),
                Delivery::Missed { channel, count } => format!("{channel} missed {count}"),
                Delivery::Ended { channel, reason } => format!("{channel} ended {reason:?}"),
                Delivery::Joined { member, .. } => format!("+{}", member.client),
                Delivery::Left { member, .. } => format!("-{}", member.client),
            })
            .collect()
    }

    #[test]
    fn the_oldest_give_way_and_leave_a_mark() {
        let inbox = listening(3 * 228, &["a", "b"]);
        inbox.push(publication("b", 1, None), SlowPolicy::DropOldest);
        for offset in 1..=5 {
            inbox.push(publication("a", offset, None), SlowPolicy::DropOldest);
        }
        assert_eq!(drain(&inbox), ["b1", "a missed 3", "a4", "a5"], "others keep their place");
    }

    #[test]
    fn who_has_no_place_at_all_is_told_in_the_end() {
        let inbox = listening(228, &["a", "b"]);
        inbox.push(publication("b", 1, None), SlowPolicy::DropOldest);
        inbox.push(publication("a", 1, None), SlowPolicy::DropOldest);
        assert_eq!(drain(&inbox), ["b1", "a missed 1"]);
        assert_eq!(drain(&inbox), [""; 0], "once");
    }

    #[test]
    fn the_latest_of_each_key_is_what_waits() {
        let inbox = listening(10_000, &["q"]);
        for offset in 1..=400 {
            let key = if offset % 4 == 0 { "b" } else { "a" };
            inbox.push(publication("q", offset, Some(key)), SlowPolicy::LatestPerKey);
        }
        inbox.push(publication("q", 401, None), SlowPolicy::LatestPerKey);
        assert_eq!(drain(&inbox), ["q399", "q400", "q401"], "in the order of their last change");
        inbox.push(publication("q", 402, Some("a")), SlowPolicy::LatestPerKey);
        assert_eq!(drain(&inbox), ["q402"]);
    }

    #[test]
    fn a_subscription_that_is_closed_for_slowness_says_so_and_keeps_nothing() {
        let inbox = listening(2 * 228, &["a", "b"]);
        inbox.push(publication("b", 1, None), SlowPolicy::Close);
        assert_eq!(inbox.push(publication("a", 1, None), SlowPolicy::Close), Pushed::Taken);
        assert_eq!(inbox.push(publication("a", 2, None), SlowPolicy::Close), Pushed::TooSlow);
        assert_eq!(inbox.push(publication("a", 3, None), SlowPolicy::Close), Pushed::Taken);
        assert_eq!(drain(&inbox), ["b1", "a ended TooSlow"]);
    }

    #[test]
    fn nothing_of_a_channel_that_was_left_comes_after_all() {
        let inbox = listening(10_000, &["a", "b"]);
        for offset in 1..=3 {
            inbox.push(publication("a", offset, Some("k")), SlowPolicy::LatestPerKey);
            inbox.push(publication("b", offset, None), SlowPolicy::DropOldest);
        }
        assert!(inbox.forget(&channel("a")));
        inbox.push(publication("a", 4, None), SlowPolicy::DropOldest);
        assert_eq!(drain(&inbox), ["b1", "b2", "b3"]);
    }

    #[test]
    fn whoever_waits_is_woken_once_for_a_burst() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        #[derive(Default)]
        struct Bell(AtomicUsize);
        impl std::task::Wake for Bell {
            fn wake(self: Arc<Self>) {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
        let bell = Arc::new(Bell::default());
        let inbox = listening(10_000, &["a"]);
        let waker = Waker::from(Arc::clone(&bell));
        assert!(inbox.poll(&Context::from_waker(&waker)).is_pending());
        for offset in 1..=3 {
            inbox.push(publication("a", offset, None), SlowPolicy::DropOldest);
        }
        assert_eq!(bell.0.load(Ordering::Relaxed), 1);
        assert_eq!(drain(&inbox).len(), 3);
    }
}
