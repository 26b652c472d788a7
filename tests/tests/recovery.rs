//! Who listens to a channel gets every publication once and in order, or is told that something
//! is missing, whatever becomes of connections, servers and histories.
//!
//! What the channels answer is held against a model that knows all that was published: a hole
//! that nobody was told of fails, and so does a warning without a reason.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use tickwire_server::{
    channels::{
        ChannelError, ChannelName, Channels, Data, Delivery, HistoryBounds, Identity, Moment,
        NamespaceOptions, Namespaces, Position, Post, Publication, SlowPolicy, Start, Subscribed,
        Subscriber, Who,
    },
    limits::CHANNEL_IDLE,
};

/// What happened over some runs.
#[derive(Default, Debug)]
struct Tally {
    heard: u64,
    complete: u64,
    incomplete: u64,
    missed: u64,
    too_slow: u64,
    restarts: u64,
}

/// All that was published to one channel, and what of it is still kept.
#[derive(Default)]
struct Record {
    /// What each place carries.
    texts: HashMap<Position, String>,
    /// Where the channel stands, once that is known.
    newest: Option<Position>,
    /// Numbers of the life that goes on, with their times, as the namespace's bounds keep them.
    kept: Vec<(u64, Instant)>,
    used_at: Option<Instant>,
    /// Whether the server that counted so far is gone.
    is_restarted: bool,
}

impl Record {
    /// The channel was asked for something, and stands here: in its old life, unless that had a
    /// reason to end.
    fn note(&mut self, position: Position, now: Instant) -> Result<()> {
        if let Some(newest) = self.newest.filter(|newest| newest.epoch != position.epoch) {
            let is_idle = self.used_at.is_none_or(|used| now - used >= CHANNEL_IDLE);
            ensure!(self.is_restarted || is_idle, "{newest:?} became {position:?} for no reason");
            self.kept.clear();
        }
        self.is_restarted = false;
        self.newest = Some(position);
        self.used_at = Some(now);
        Ok(())
    }

    fn expire(&mut self, bounds: HistoryBounds, now: Instant) {
        self.kept.retain(|(_, at)| now - *at < bounds.age());
        let too_many = self.kept.len().saturating_sub(bounds.count);
        self.kept.drain(..too_many);
    }

    /// Whether all that came after `at` is kept.
    fn reaches(&self, at: Position) -> bool {
        self.newest.is_some_and(|newest| {
            newest.epoch == at.epoch
                && self.kept.iter().filter(|(offset, _)| *offset > at.offset).count() as u64
                    == newest.offset - at.offset
        })
    }
}

/// Somebody who listens, as a careful client does.
#[derive(Default)]
struct Listener {
    subscriber: Option<Subscriber>,
    is_listening: bool,
    /// Up to where it has heard, or knows what it has not.
    at: Option<Position>,
    /// How many deliveries it was told to be without, before the next.
    told: u64,
    /// From where on it has heard all, or was told what it is without.
    since: u64,
    /// The newest of each key since then.
    latest: HashMap<String, u64>,
}

impl Listener {
    fn hear(&mut self, one: &Publication, record: &Record, policy: SlowPolicy) -> Result<()> {
        let text = one.data.as_text().context("all is text")?;
        let published = record.texts.get(&one.position);
        ensure!(published.is_some_and(|published| published == text), "{one:?} was not published");
        let at = self.at.context("it knows where it began")?;
        ensure!(at.epoch == one.position.epoch, "another life than {at:?} without a word: {one:?}");
        ensure!(at.offset < one.position.offset, "twice, or out of order: {one:?} after {at:?}");
        let hole = one.position.offset - at.offset - 1;
        // Of a key only the latest waits: what it took the place of is not missed, and the few
        // that are left always fit.
        let missed = if policy == SlowPolicy::LatestPerKey { 0 } else { hole };
        ensure!(missed == self.told, "told of {}, without {missed} before {one:?}", self.told);
        self.told = 0;
        self.at = Some(one.position);
        if let Some(key) = &one.key {
            self.latest.insert(String::from(&**key), one.position.offset);
        }
        Ok(())
    }

    /// Comes back to where it was, or for the first time.
    fn begun(&mut self, begun: &Subscribed, record: &Record, policy: SlowPolicy) -> Result<()> {
        if let Some(at) = self.at {
            let is_complete = record.reaches(at);
            ensure!(begun.is_complete == is_complete, "{} after {at:?}", begun.is_complete);
        }
        let first = begun.recovered.first().map(|one| one.position);
        if !begun.is_complete || self.at.is_none() {
            // It was told: it begins anew.
            let offset = first.map_or(begun.position.offset, |first| first.offset - 1);
            self.at = Some(Position { offset, ..begun.position });
            self.since = offset;
            self.latest.clear();
        }
        self.told = 0;
        for one in &begun.recovered {
            let at = self.at.context("it has begun")?;
            ensure!(one.position.offset == at.offset + 1, "a hole in {:?}", begun.recovered);
            self.hear(one, record, policy)?;
        }
        ensure!(self.at == Some(begun.position), "{:?} is not all of it: {begun:?}", self.at);
        self.is_listening = true;
        Ok(())
    }
}

/// A server and its listeners, of one seed.
struct Run {
    random: StdRng,
    options: NamespaceOptions,
    channels: Arc<Channels>,
    channel: ChannelName,
    record: Record,
    listeners: Vec<Listener>,
    now: Moment,
    published: u64,
    tally: Tally,
}

impl Run {
    fn new(seed: u64) -> Result<Self> {
        let mut random = StdRng::seed_from_u64(seed);
        let slow = match seed % 3 {
            0 => SlowPolicy::Close,
            1 => SlowPolicy::DropOldest,
            _ => SlowPolicy::LatestPerKey,
        };
        let count = random.random_range(20..300);
        let seconds = random.random_range(60..1_800);
        let options = NamespaceOptions {
            listen: Who::Anyone,
            history: HistoryBounds { seconds, ..HistoryBounds::of(count) },
            slow,
            ..NamespaceOptions::default()
        };
        Ok(Self {
            channels: Channels::new(Namespaces::default().with("feed", options), seed),
            random,
            options,
            channel: ChannelName::new("feed:x")?,
            record: Record::default(),
            listeners: (0..4).map(|_| Listener::default()).collect(),
            now: Moment::now(),
            published: 0,
            tally: Tally::default(),
        })
    }

    fn go(mut self) -> Result<Tally> {
        for _ in 0..STEPS {
            self.step()?;
        }
        // Calm at last: everybody comes, and hears the rest.
        self.pass(Duration::from_secs(1));
        self.publish(1)?;
        for number in 0..self.listeners.len() {
            self.come(number)?;
            self.read(number, usize::MAX)?;
            self.come(number)?;
            let listener = self.listeners.get(number).context("it is one of them")?;
            ensure!(listener.at == self.record.newest, "{:?} is not the end", listener.at);
            ensure!(listener.told == 0, "something was missing after the newest");
            if self.options.slow != SlowPolicy::DropOldest {
                self.check_latest(listener)?;
            }
        }
        Ok(self.tally)
    }

    fn step(&mut self) -> Result<()> {
        let number = self.random.random_range(0..self.listeners.len());
        match self.random.random_range(0..100) {
            0..35 => {
                let count = self.random.random_range(1..30);
                self.publish(count)?;
            }
            35..60 => {
                let count = self.random.random_range(1..60);
                self.read(number, count)?;
            }
            60..80 => self.come(number)?,
            80..92 => self.cut(number),
            92..97 => {
                let ms = self.random.random_range(1..60_000);
                self.pass(Duration::from_millis(ms));
            }
            97 => self.pass(CHANNEL_IDLE),
            _ => self.restart(),
        }
        Ok(())
    }

    fn publish(&mut self, count: u64) -> Result<()> {
        for _ in 0..count {
            self.published += 1;
            let text =
                format!("{} {}", self.published, "x".repeat(self.random.random_range(0..80)));
            let key = Some(Arc::from(key_of(self.published)));
            let post = Post { key, ..Post::of(Data::text(text.clone())?) };
            let published = self.channels.publish(&self.channel, post, self.now)?;
            let position = published.position;
            self.record.note(position, self.now.at)?;
            self.record.kept.push((position.offset, self.now.at));
            self.record.expire(self.options.history, self.now.at);
            let before = self.record.texts.insert(position, text);
            ensure!(before.is_none(), "{position:?} was given twice");
        }
        Ok(())
    }

    /// Connects and subscribes, as far as it does not listen already.
    fn come(&mut self, number: usize) -> Result<()> {
        let listener = self.listeners.get_mut(number).context("it is one of them")?;
        if listener.is_listening {
            return Ok(());
        }
        let start = match listener.at {
            Some(at) => Start::After(at),
            None if self.random.random() => Start::Last(self.random.random_range(0..100)),
            None => Start::Live,
        };
        let queue_bytes_max = self.random.random_range(2_000..12_000);
        let subscriber = listener
            .subscriber
            .take()
            .unwrap_or_else(|| self.channels.connect(Identity::default(), queue_bytes_max));
        let begun = subscriber.subscribe(&self.channel, start, self.now)?;
        listener.subscriber = Some(subscriber);
        self.record.note(begun.position, self.now.at)?;
        self.record.expire(self.options.history, self.now.at);
        if listener.at.is_some() {
            let count = if begun.is_complete {
                &mut self.tally.complete
            } else {
                &mut self.tally.incomplete
            };
            *count += 1;
        }
        listener.begun(&begun, &self.record, self.options.slow)
    }

    /// Takes in at most so many deliveries.
    fn read(&mut self, number: usize, count: usize) -> Result<()> {
        let listener = self.listeners.get_mut(number).context("it is one of them")?;
        for _ in 0..count {
            let next = listener.subscriber.as_ref().and_then(Subscriber::take_delivery);
            match next {
                None => break,
                Some(Delivery::Publication(one)) => {
                    self.tally.heard += 1;
                    listener.hear(&one, &self.record, self.options.slow)?;
                }
                Some(Delivery::Missed { count, .. }) => {
                    ensure!(self.options.slow != SlowPolicy::Close, "nothing gives way here");
                    self.tally.missed += u64::from(count);
                    listener.told += u64::from(count);
                }
                Some(Delivery::Ended { .. }) => {
                    ensure!(self.options.slow == SlowPolicy::Close, "nobody is sent away here");
                    self.tally.too_slow += 1;
                    listener.is_listening = false;
                }
                Some(other) => bail!("nobody is told who comes here: {other:?}"),
            }
        }
        Ok(())
    }

    /// What waits for it is lost with its connection.
    fn cut(&mut self, number: usize) {
        if let Some(listener) = self.listeners.get_mut(number) {
            listener.subscriber = None;
            listener.is_listening = false;
        }
    }

    fn pass(&mut self, time: Duration) {
        self.now = self.now.after(time);
        self.channels.sweep(self.now.at);
    }

    /// The server goes down, and all histories with it.
    fn restart(&mut self) {
        for number in 0..self.listeners.len() {
            self.cut(number);
        }
        let namespaces = Namespaces::default().with("feed", self.options);
        self.channels = Channels::new(namespaces, self.random.random());
        self.record.is_restarted = true;
        self.tally.restarts += 1;
    }

    /// Whatever was merged, the latest of each key has come.
    fn check_latest(&self, listener: &Listener) -> Result<()> {
        let newest = self.record.newest.context("there are publications")?;
        let mut latest = HashMap::new();
        for offset in listener.since + 1..=newest.offset {
            let place = Position { offset, ..newest };
            let text = self.record.texts.get(&place).context("all of them are on record")?;
            let number = text.split(' ').next().context("texts begin with their numbers")?;
            latest.insert(key_of(number.parse()?), offset);
        }
        ensure!(listener.latest == latest, "{:?}, where {latest:?} are new", listener.latest);
        Ok(())
    }
}

fn key_of(number: u64) -> String {
    format!("key {}", number % KEYS)
}

#[test]
fn every_publication_comes_once_and_in_order_or_its_loss_is_told_in_a_thousand_runs() -> Result<()>
{
    let mut all = Tally::default();
    for seed in 0..1_000 {
        let tally = Run::new(seed)?.go().with_context(|| format!("seed {seed}"))?;
        all.heard += tally.heard;
        all.complete += tally.complete;
        all.incomplete += tally.incomplete;
        all.missed += tally.missed;
        all.too_slow += tally.too_slow;
        all.restarts += tally.restarts;
    }
    eprintln!("{all:?}");
    let rarest = [all.complete, all.incomplete, all.missed, all.too_slow, all.restarts];
    ensure!(rarest.iter().all(|count| *count > 500), "there was no chaos");
    Ok(())
}

/// Publishers and those who come back meet as the machine likes: what is published while a
/// history is read has to come after it, and only there.
#[test]
fn what_is_published_while_a_history_is_read_is_neither_lost_nor_doubled() -> Result<()> {
    let mut recoveries = 0;
    for seed in 0..200 {
        recoveries += race(seed).with_context(|| format!("seed {seed}"))?;
    }
    eprintln!("{recoveries} recoveries");
    ensure!(recoveries > 1_000, "nothing met");
    Ok(())
}

fn race(seed: u64) -> Result<u64> {
    let options = NamespaceOptions {
        listen: Who::Anyone,
        history: HistoryBounds::of(RACE_PUBLICATIONS),
        ..NamespaceOptions::default()
    };
    let channels = Channels::new(Namespaces::default().with("feed", options), seed);
    let channel = ChannelName::new("feed:x")?;
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let listeners: Vec<_> = (0..3)
            .map(|number| {
                let random = StdRng::seed_from_u64(seed * 3 + number);
                scope.spawn(|| keep_coming_back(&channels, &channel, random, &is_over))
            })
            .collect();
        for number in 1..=RACE_PUBLICATIONS {
            let post = Post::of(Data::text(number.to_string())?);
            channels.publish(&channel, post, Moment::now())?;
            if number % 5 == 0 {
                thread::yield_now();
            }
        }
        is_over.store(true, Ordering::Release);
        let mut recoveries = 0;
        for listener in listeners {
            let heard = listener.join().expect("listeners return what goes wrong");
            recoveries += heard?;
        }
        Ok(recoveries)
    })
}

/// Listens, goes and recovers until nothing more is published and all of it was heard. Returns
/// how often it came.
fn keep_coming_back(
    channels: &Arc<Channels>,
    channel: &ChannelName,
    mut random: StdRng,
    is_over: &AtomicBool,
) -> Result<u64> {
    let mut at = None;
    for round in 1.. {
        let is_last = is_over.load(Ordering::Acquire);
        let subscriber = channels.connect(Identity::default(), 1024 * 1024);
        let start = at.map_or(Start::Last(RACE_PUBLICATIONS), Start::After);
        let begun = match subscriber.subscribe(channel, start, Moment::now()) {
            Err(ChannelError::TooFast { .. }) => continue,
            begun => begun?,
        };
        ensure!(begun.is_complete, "the history holds all of it");
        for one in &begun.recovered {
            at = Some(next(at, one)?);
        }
        ensure!(at.is_none_or(|at| at == begun.position), "{at:?} is not all of it: {begun:?}");
        for _ in 0..random.random_range(1..40) {
            match subscriber.take_delivery() {
                Some(Delivery::Publication(one)) => at = Some(next(at, &one)?),
                Some(other) => bail!("nothing else was to come: {other:?}"),
                None => thread::yield_now(),
            }
        }
        if is_last {
            ensure!(
                at.is_some_and(|at| usize::try_from(at.offset) == Ok(RACE_PUBLICATIONS)),
                "{at:?} is no end"
            );
            return Ok(round);
        }
    }
    bail!("it has come back for ever")
}

/// Where somebody is who was at `at`, where there is nothing but this to come.
fn next(at: Option<Position>, one: &Publication) -> Result<Position> {
    let expected = at.map_or(1, |at| at.offset + 1);
    ensure!(one.position.offset == expected, "{one:?} where {expected} is next");
    ensure!(one.data.as_text() == Some(&*expected.to_string()), "{one:?} has another's place");
    Ok(one.position)
}

/// What publications of a run are about: of so many things each waits at most once.
const KEYS: u64 = 7;
/// What happens in one run.
const STEPS: usize = 100;
/// What is published in one race.
const RACE_PUBLICATIONS: usize = 1_000;
