//! One channel: its numbers, its history, and those who listen.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    ChannelError, ChannelName, Delivery, EndReason, Member, Moment, NamespaceOptions, Position,
    Post, Publication,
    history::History,
    inbox::{Inbox, Pushed},
    repeats::Repeats,
    seats::{Seat, Seats},
};
use crate::limits::{CHANNEL_IDLE, JOIN_EVENTS_MEMBERS_MAX, MODERATED_MAX, PRESENCE_MEMBERS_MAX};

/// From where on a subscriber listens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Start {
    /// From now on.
    Live,
    /// With the newest so many of the history.
    Last(usize),
    /// With all that was published after this.
    After(Position),
}

/// A subscription has begun.
#[derive(Clone, Debug)]
pub struct Subscribed {
    /// Where the channel stands. What is published from here on comes by itself.
    pub position: Position,
    /// What lies between the start that was asked for and `position`, oldest first.
    pub recovered: Vec<Arc<Publication>>,
    /// Whether that is all of it. If not, something is missing before it.
    pub is_complete: bool,
}

/// What of a history is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reading {
    /// Only what was published after this.
    pub after: Option<Position>,
    /// At most so many.
    pub limit: usize,
    /// Newest first; the limit leaves out the oldest then.
    pub newest_first: bool,
}

/// Part of a history.
#[derive(Clone, Debug)]
pub struct HistoryRead {
    /// Where the channel stands.
    pub position: Position,
    /// What was asked for, as far as it is kept.
    pub publications: Vec<Arc<Publication>>,
    /// Whether the history reaches back to where the reading begins; to the channel's first
    /// publication where that was not said.
    pub is_complete: bool,
}

/// A publication was taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Published {
    /// Its number.
    pub position: Position,
    /// How many listen to the channel.
    pub listeners: usize,
    /// Whether it had been published before, and was not again.
    pub is_repeat: bool,
}

/// Who is here.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Presence {
    /// Some of them; all where there are at most [`PRESENCE_MEMBERS_MAX`].
    pub members: Vec<Arc<Member>>,
    /// How many connections.
    pub clients: usize,
    /// How many users; those who are anonymous count by connection.
    pub users: usize,
}

/// Figures of a channel.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Statistics {
    /// Its name.
    pub channel: ChannelName,
    /// How many listen.
    pub listeners: usize,
    /// Where it stands; the offset is how much was published.
    pub position: Position,
    /// How many publications are kept.
    pub stored: usize,
    /// How many bytes are kept.
    pub stored_bytes: usize,
}

/// One channel.
#[derive(Debug)]
pub(super) struct Channel {
    name: ChannelName,
    options: Arc<NamespaceOptions>,
    position: Position,
    history: History,
    seats: Seats,
    repeats: Repeats,
    /// Who may not publish, and until when.
    muted: HashMap<String, Instant>,
    /// Who may not listen, and until when.
    banned: HashMap<String, Instant>,
    used_at: Instant,
    /// Since when there is nothing to keep it for but its numbers.
    idle_since: Option<Instant>,
    /// Whether another has taken its place, or will.
    pub(super) is_gone: bool,
}

impl Channel {
    /// A new one, with an epoch of its own.
    pub(super) fn new(
        name: ChannelName,
        options: Arc<NamespaceOptions>,
        epoch: u64,
        now: Instant,
    ) -> Self {
        Self {
            name,
            options,
            position: Position { epoch, offset: 0 },
            history: History::default(),
            seats: Seats::default(),
            repeats: Repeats::default(),
            muted: HashMap::new(),
            banned: HashMap::new(),
            used_at: now,
            idle_since: None,
            is_gone: false,
        }
    }

    /// Publishes, in the name of `publisher`.
    pub(super) fn publish(
        &mut self,
        mut post: Post,
        publisher: Option<Arc<Member>>,
        now: Moment,
    ) -> Published {
        self.used_at = now.at;
        let listeners = self.seats.len();
        let idempotency_key = post.idempotency_key.take();
        self.repeats.expire(now.at);
        if let Some(position) = idempotency_key.as_ref().and_then(|key| self.repeats.find(key)) {
            return Published { position, listeners, is_repeat: true };
        }
        self.position.offset += 1;
        let position = self.position;
        if let Some(key) = idempotency_key {
            self.repeats.note(key, position, now.at);
        }
        let name = self.name.clone();
        let publication = Publication::new(name, position, post, publisher, now.unix_ms);
        let publication = Arc::new(publication);
        self.history.push(Arc::clone(&publication), self.options.history, now.at);
        self.send(&Delivery::Publication(publication));
        Published { position, listeners, is_repeat: false }
    }

    /// Takes somebody in, and tells them what they missed.
    pub(super) fn subscribe(
        &mut self,
        id: u64,
        member: &Arc<Member>,
        inbox: &Arc<Inbox>,
        start: Start,
        now: Instant,
    ) -> Result<Subscribed, ChannelError> {
        self.used_at = now;
        if let Some(seconds) = lasts(&self.banned, member, now) {
            return Err(ChannelError::Banned { seconds });
        }
        if self.seats.contains(id) {
            return Err(ChannelError::AlreadySubscribed);
        }
        let member = Arc::clone(member);
        if self.tells_who_comes() {
            let channel = self.name.clone();
            self.send(&Delivery::Joined { channel, member: Arc::clone(&member) });
        }
        // From here on it gets what is published; what was before is read under the same lock.
        inbox.begin(self.name.clone());
        self.seats.insert(Seat { id, member, inbox: Arc::clone(inbox) });
        self.history.expire(self.options.history, now);
        let (recovered, is_complete) = match start {
            Start::Live => (Vec::new(), true),
            Start::Last(count) => (self.history.last(count).cloned().collect(), true),
            Start::After(after) => (self.after(after).cloned().collect(), self.reaches(after)),
        };
        Ok(Subscribed { position: self.position, recovered, is_complete })
    }

    /// Lets somebody go. Returns whether they were here.
    pub(super) fn unsubscribe(&mut self, id: u64) -> bool {
        let Some(seat) = self.seats.remove(id) else { return false };
        seat.inbox.forget(&self.name);
        self.tell_left(seat.member);
        true
    }

    /// Ends somebody's subscription.
    pub(super) fn end(&mut self, id: u64, reason: EndReason) {
        if let Some(seat) = self.seats.remove(id) {
            seat.inbox.end(&self.name, reason);
            self.tell_left(seat.member);
        }
    }

    /// Reads the history.
    pub(super) fn read(&mut self, reading: Reading, now: Instant) -> HistoryRead {
        self.used_at = now;
        self.history.expire(self.options.history, now);
        let Reading { after, limit, newest_first } = reading;
        let start = after.unwrap_or(Position { offset: 0, ..self.position });
        let found = self.after(start).cloned();
        let publications = if newest_first {
            found.rev().take(limit).collect()
        } else {
            found.take(limit).collect()
        };
        HistoryRead { position: self.position, publications, is_complete: self.reaches(start) }
    }

    /// Who is here.
    pub(super) fn presence(&self) -> Presence {
        let mut users = std::collections::HashSet::new();
        let mut nameless = 0;
        for Seat { member, .. } in self.seats.iter() {
            if member.user.is_empty() {
                nameless += 1;
            } else {
                users.insert(member.user.as_str());
            }
        }
        let members = self.seats.iter().take(PRESENCE_MEMBERS_MAX);
        Presence {
            members: members.map(|seat| Arc::clone(&seat.member)).collect(),
            clients: self.seats.len(),
            users: users.len() + nameless,
        }
    }

    /// Whether `member` may publish as far as moderators are concerned.
    pub(super) fn check_muted(&self, member: &Member, now: Instant) -> Result<(), ChannelError> {
        match lasts(&self.muted, member, now) {
            Some(seconds) => Err(ChannelError::Muted { seconds }),
            None => Ok(()),
        }
    }

    /// Silences a client for so long; not at all where that is zero. Where it has a name that its
    /// token says, it is the name that is silenced.
    pub(super) fn mute(&mut self, client: &str, time: Duration, now: Instant) {
        self.used_at = now;
        let who = self.known_as(client);
        moderate(&mut self.muted, who, time, now);
    }

    /// Sends a client away, and keeps it out for so long.
    pub(super) fn kick(&mut self, client: &str, time: Duration, now: Instant) {
        self.used_at = now;
        let who = self.known_as(client);
        let ids: Vec<_> = self
            .seats
            .iter()
            .filter(|seat| known_as(&seat.member) == who)
            .map(|seat| seat.id)
            .collect();
        moderate(&mut self.banned, who, time, now);
        for id in ids {
            self.end(id, EndReason::Kicked);
        }
    }

    /// Lets go what is too old. Returns whether there is nothing left to keep the channel for.
    pub(super) fn sweep(&mut self, now: Instant) -> bool {
        self.history.expire(self.options.history, now);
        self.repeats.expire(now);
        self.muted.retain(|_, until| *until > now);
        self.banned.retain(|_, until| *until > now);
        let is_in_use = self.seats.len() > 0
            || self.history.len() > 0
            || !self.repeats.is_empty()
            || !self.muted.is_empty()
            || !self.banned.is_empty();
        if is_in_use {
            self.idle_since = None;
            return false;
        }
        let since = (*self.idle_since.get_or_insert(now)).max(self.used_at);
        now.saturating_duration_since(since) >= CHANNEL_IDLE
    }

    /// Forgets its history, to make room for others'. Who recovers is told.
    pub(super) fn forget_history(&mut self) {
        self.history.clear();
    }

    /// When somebody last wanted something of it.
    pub(super) const fn used_at(&self) -> Instant {
        self.used_at
    }

    /// How many listen.
    pub(super) fn listeners(&self) -> usize {
        self.seats.len()
    }

    /// How many bytes its history holds.
    pub(super) const fn history_bytes(&self) -> usize {
        self.history.bytes()
    }

    /// Its figures.
    pub(super) fn statistics(&self) -> Statistics {
        Statistics {
            channel: self.name.clone(),
            listeners: self.seats.len(),
            position: self.position,
            stored: self.history.len(),
            stored_bytes: self.history.bytes(),
        }
    }

    fn after(&self, after: Position) -> impl DoubleEndedIterator<Item = &Arc<Publication>> {
        // All of another life's successor is new.
        let is_same = after.epoch == self.position.epoch;
        self.history.after(if is_same { after.offset } else { 0 })
    }

    fn reaches(&self, after: Position) -> bool {
        after.epoch == self.position.epoch
            && after.offset <= self.position.offset
            && self.history.reaches_back_to(after.offset, self.position.offset)
    }

    fn tells_who_comes(&self) -> bool {
        self.options.join_leave && self.seats.len() < JOIN_EVENTS_MEMBERS_MAX
    }

    fn tell_left(&mut self, member: Arc<Member>) {
        if self.tells_who_comes() {
            self.send(&Delivery::Left { channel: self.name.clone(), member });
        }
    }

    /// Puts something into every inbox. Those who are too slow for it are gone after that.
    fn send(&mut self, delivery: &Delivery) {
        let policy = self.options.slow;
        let mut slow = Vec::new();
        for seat in self.seats.iter() {
            if seat.inbox.push(delivery.clone(), policy) == Pushed::TooSlow {
                slow.push(seat.id);
            }
        }
        for id in slow {
            if let Some(seat) = self.seats.remove(id) {
                self.tell_left(seat.member);
            }
        }
    }

    fn known_as(&self, client: &str) -> String {
        let seat = self.seats.iter().find(|seat| seat.member.client == client);
        seat.map_or_else(|| format!("client {client}"), |seat| known_as(&seat.member))
    }
}

/// By what moderators' decisions find somebody again: a new connection does not undo them.
fn known_as(member: &Member) -> String {
    if member.user.is_empty() {
        format!("client {}", member.client)
    } else {
        format!("user {}", member.user)
    }
}

fn moderate(list: &mut HashMap<String, Instant>, who: String, time: Duration, now: Instant) {
    list.retain(|_, until| *until > now);
    if time.is_zero() {
        list.remove(&who);
        return;
    }
    if list.len() >= MODERATED_MAX
        && let Some(soonest) =
            list.iter().min_by_key(|(_, until)| **until).map(|(who, _)| who.clone())
    {
        list.remove(&soonest);
    }
    list.insert(who, now + time);
}

/// For how many seconds still somebody is on the list.
fn lasts(list: &HashMap<String, Instant>, member: &Member, now: Instant) -> Option<u32> {
    if list.is_empty() {
        return None;
    }
    let left = list.get(&known_as(member))?.checked_duration_since(now)?;
    (!left.is_zero()).then(|| u32::try_from(left.as_secs()).unwrap_or(u32::MAX).saturating_add(1))
}
