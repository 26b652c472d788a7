//! What a channel's users notice, with a clock that the tests turn.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::*;

fn name(name: &str) -> ChannelName {
    ChannelName::new(name).expect("a name")
}

fn moment() -> Moment {
    Moment { at: Instant::now(), unix_ms: 1_000_000 }
}

fn text(text: &str) -> Post {
    Post::of(Data::text(String::from(text)).expect("text"))
}

fn channels() -> Arc<Channels> {
    Channels::new(Namespaces::for_loopback(), 7)
}

fn somebody(channels: &Arc<Channels>, client: &str) -> Subscriber {
    let member = Member { client: String::from(client), ..Member::default() };
    let identity = Identity { member: Arc::new(member), ..Identity::default() };
    channels.connect(identity, 64 * 1024)
}

/// What was published, as it arrives.
fn texts<'a>(publications: impl IntoIterator<Item = &'a Arc<Publication>>) -> Vec<String> {
    let text = |one: &Arc<Publication>| String::from(one.data.as_text().unwrap_or("?"));
    publications.into_iter().map(text).collect()
}

/// All that waits for somebody, in short.
fn heard(subscriber: &Subscriber) -> Vec<String> {
    std::iter::from_fn(|| subscriber.take_delivery())
        .map(|delivery| match delivery {
            Delivery::Publication(one) => String::from(one.data.as_text().unwrap_or("?")),
            Delivery::Joined { member, .. } => format!("+{}", member.client),
            Delivery::Left { member, .. } => format!("-{}", member.client),
            Delivery::Missed { count, .. } => format!("missed {count}"),
            Delivery::Ended { reason, .. } => format!("ended {reason:?}"),
        })
        .collect()
}

#[test]
fn everybody_in_a_channel_hears_what_is_said_there_and_nobody_else() {
    let (channels, now) = (channels(), moment());
    let (alice, bob, eve) =
        (somebody(&channels, "a"), somebody(&channels, "b"), somebody(&channels, "e"));
    for (who, channel) in [(&alice, "chat:x"), (&bob, "chat:x"), (&eve, "chat:y")] {
        who.subscribe(&name(channel), Start::Live, now).expect("chat is open");
    }
    let published = alice.publish(&name("chat:x"), text("hi"), now).expect("so is publishing");
    assert_eq!((published.listeners, published.position.offset), (2, 1));
    assert_eq!(heard(&alice), ["+b", "hi"]);
    assert_eq!(heard(&bob), ["hi"]);
    assert_eq!(heard(&eve), [""; 0]);
    drop(bob);
    assert_eq!(heard(&alice), ["-b"]);
}

#[test]
fn who_comes_back_hears_what_was_missed_once_and_in_order() {
    let (channels, now) = (channels(), moment());
    let channel = name("chat:x");
    let reader = somebody(&channels, "r");
    let start = reader.subscribe(&channel, Start::Live, now).expect("open").position;
    for number in 1..=3 {
        channels.publish(&channel, text(&number.to_string()), now).expect("the server may");
    }
    reader.unsubscribe(&channel).expect("it listens");
    assert_eq!(heard(&reader), [""; 0], "what waited is not delivered after that");
    let back = reader.subscribe(&channel, Start::After(start), now).expect("open");
    channels.publish(&channel, text("4"), now).expect("the server may");
    assert!(back.is_complete);
    assert_eq!(texts(&back.recovered), ["1", "2", "3"]);
    assert_eq!(heard(&reader), ["4"]);
}

#[test]
fn a_recovery_that_is_not_complete_says_so() {
    let (channels, now) = (channels(), moment());
    let channel = name("chat:x");
    let reader = somebody(&channels, "r");
    let start = reader.subscribe(&channel, Start::Live, now).expect("open").position;
    reader.unsubscribe(&channel).expect("it listens");
    for number in 1..=101 {
        channels.publish(&channel, text(&number.to_string()), now).expect("the server may");
    }
    let first = Position { offset: 1, ..start };
    let read = |after| {
        let reading = Reading { after: Some(after), limit: 1000, newest_first: false };
        channels.history(&Identity::server(), &channel, reading, now).expect("it may")
    };
    assert!(!read(start).is_complete, "the history holds a hundred");
    assert!(read(first).is_complete);
    assert!(!read(Position { offset: 102, ..start }).is_complete, "that has not been yet");
    let other = read(Position { epoch: start.epoch + 1, offset: 50 });
    assert_eq!((other.is_complete, other.publications.len()), (false, 100), "another life");
}

#[test]
fn history_is_bounded_by_age_and_channels_outlive_it_for_a_while() {
    let (channels, now) = (channels(), moment());
    let channel = name("chat:x");
    channels.publish(&channel, text("old"), now).expect("the server may");
    let later = now.after(Duration::from_secs(3600));
    channels.sweep(later.at);
    let reading = Reading { after: None, limit: 10, newest_first: false };
    let read = channels.history(&Identity::server(), &channel, reading, later).expect("it may");
    assert_eq!((read.publications.len(), read.is_complete, read.position.offset), (0, false, 1));
    let position = read.position;
    channels.sweep(later.after(Duration::from_secs(599)).at);
    assert!(channels.statistics(&channel).is_some());
    let much_later = later.after(Duration::from_secs(600));
    channels.sweep(much_later.at);
    assert_eq!(channels.statistics(&channel), None);
    let read = channels.history(&Identity::server(), &channel, reading, much_later);
    assert_ne!(read.expect("it may").position.epoch, position.epoch, "it is another one now");
}

#[test]
fn what_nobody_described_is_refused() {
    let (channels, now) = (channels(), moment());
    let reader = somebody(&channels, "r");
    let subscribe = |channel| reader.subscribe(&name(channel), Start::Live, now).map(|_| ());
    assert_eq!(subscribe("secret:x"), Err(ChannelError::UnknownNamespace));
    assert_eq!(subscribe("5"), Ok(()));
    let refused = reader.publish(&name("5"), text("x"), now);
    assert_eq!(refused, Err(ChannelError::NotAllowed));
    let server = channels.publish(&name("secret:x"), text("x"), now);
    assert_eq!(server, Err(ChannelError::UnknownNamespace));
}

#[test]
fn whoever_says_too_much_or_too_often_is_told_and_nothing_is_delivered() {
    let (channels, now) = (channels(), moment());
    let (talker, reader) = (somebody(&channels, "t"), somebody(&channels, "r"));
    let channel = name("chat:x");
    reader.subscribe(&channel, Start::Live, now).expect("open");
    let refused = talker.publish(&channel, text(&"x".repeat(5000)), now);
    assert_eq!(refused, Err(ChannelError::TooLarge { bytes: 5000, max: 4096 }));
    for _ in 0..20 {
        talker.publish(&channel, text("x"), now).expect("a burst");
    }
    let refused = talker.publish(&channel, text("x"), now);
    assert_eq!(refused, Err(ChannelError::TooFast { retry_after_ms: 201 }));
    assert_eq!(heard(&reader).len(), 20);
    talker.publish(&channel, text("x"), now.after(Duration::from_millis(201))).expect("again");
}

#[test]
fn moderators_silence_and_send_away_for_a_time() {
    let (channels, now) = (channels(), moment());
    let (troll, channel) = (somebody(&channels, "t"), name("chat:x"));
    troll.subscribe(&channel, Start::Live, now).expect("open");
    channels.mute(&channel, "t", Duration::from_secs(60), now).expect("the server may");
    let refused = troll.publish(&channel, text("x"), now.after(Duration::from_secs(20)));
    assert_eq!(refused, Err(ChannelError::Muted { seconds: 41 }));
    let later = now.after(Duration::from_secs(60));
    troll.publish(&channel, text("sorry"), later).expect("that was long enough");
    channels.kick(&channel, "t", Duration::from_secs(5), later).expect("the server may");
    assert_eq!(heard(&troll), ["ended Kicked"]);
    let refused = troll.subscribe(&channel, Start::Live, later).map(|_| ());
    assert_eq!(refused, Err(ChannelError::Banned { seconds: 6 }));
    let later = later.after(Duration::from_secs(5));
    troll.subscribe(&channel, Start::Live, later).expect("that was long enough");
}

#[test]
fn a_post_that_comes_twice_is_published_once() {
    let (channels, now) = (channels(), moment());
    let post = Post { idempotency_key: Some(String::from("k")), ..text("x") };
    let publish = |post, now| channels.publish(&name("5"), post, now).expect("the server may");
    let first = publish(post.clone(), now);
    let again = publish(post.clone(), now.after(Duration::from_secs(299)));
    assert_eq!((again.position, again.is_repeat), (first.position, true));
    let much_later = publish(post, now.after(Duration::from_secs(600)));
    assert_eq!(much_later.position.offset, 2, "keys are forgotten in the end");
}

#[test]
fn a_token_that_is_shown_later_may_end_subscriptions() {
    let (channels, now) = (channels().with_private(), moment());
    let mut identity = Identity::default();
    identity.grants.listen = vec![String::from("team:*")];
    let player = channels.connect(identity, 1024);
    player.subscribe(&name("team:red"), Start::Live, now).expect("its token says so");
    player.set_identity(Identity::default());
    assert_eq!(heard(&player), ["ended NotAllowed"]);
    assert_eq!(channels.statistics(&name("team:red")).map(|one| one.listeners), Some(0));
}

#[test]
fn a_flood_of_channels_costs_only_those_that_nobody_listens_to() {
    let options = NamespaceOptions {
        listen: Who::Anyone,
        channels_max: 10,
        history: HistoryBounds::of(1),
        ..NamespaceOptions::default()
    };
    let channels = Channels::new(Namespaces::default().with("few", options), 7);
    let now = moment();
    let reader = somebody(&channels, "r");
    for number in 0..9 {
        let channel = name(&format!("few:{number}"));
        reader.subscribe(&channel, Start::Live, now).expect("there is room");
    }
    for number in 0..50 {
        let channel = name(&format!("few:flood{number}"));
        channels.publish(&channel, text("x"), now).expect("one makes room for the next");
    }
    assert_eq!(channels.all_statistics("few:").len(), 10);
    reader.subscribe(&name("few:9"), Start::Live, now).expect("the tenth");
    let refused = reader.subscribe(&name("few:10"), Start::Live, now).map(|_| ());
    assert_eq!(refused, Err(ChannelError::TooManyChannels));
}

#[test]
fn a_publication_is_written_down_once_for_all() {
    let (channels, now) = (channels(), moment());
    let readers: Vec<_> = (0..3).map(|number| somebody(&channels, &number.to_string())).collect();
    for reader in &readers {
        reader.subscribe(&name("5"), Start::Live, now).expect("open");
    }
    channels.publish(&name("5"), text("x"), now).expect("the server may");
    let mut times = 0;
    for reader in &readers {
        let Some(Delivery::Publication(one)) = reader.take_delivery() else {
            panic!("everybody gets it")
        };
        one.encoded(Wire::Session, |one| {
            times += 1;
            one.data.bytes().clone()
        });
    }
    assert_eq!(times, 1);
}

#[test]
fn whoever_publishes_while_others_come_leaves_nobody_with_a_gap_or_a_double() {
    let (channels, channel) = (channels(), name("chat:x"));
    let now = moment();
    let before = {
        let reading = Reading { after: None, limit: 0, newest_first: false };
        channels.history(&Identity::server(), &channel, reading, now).expect("it may").position
    };
    std::thread::scope(|scope| {
        let publisher = scope.spawn(|| {
            for number in 1..=90 {
                channels.publish(&channel, text(&number.to_string()), now).expect("it may");
                std::thread::yield_now();
            }
        });
        let readers: Vec<_> = (0..8)
            .map(|number| {
                let (channels, channel) = (&channels, &channel);
                scope.spawn(move || {
                    let reader = somebody(channels, &format!("r{number}"));
                    std::thread::sleep(Duration::from_micros(number * 20));
                    let start = Start::After(before);
                    let begun = reader.subscribe(channel, start, now).expect("open");
                    assert!(begun.is_complete);
                    (reader, texts(&begun.recovered))
                })
            })
            .collect();
        publisher.join().expect("it publishes");
        let all: Vec<String> = (1..=90).map(|number| number.to_string()).collect();
        for reader in readers {
            let (reader, mut told) = reader.join().expect("it listens");
            told.extend(heard(&reader).into_iter().filter(|word| !word.starts_with(['+', '-'])));
            assert_eq!(told, all);
        }
    });
}

/// The usual channels, and a namespace for holders of the right token.
trait WithPrivate {
    fn with_private(self) -> Self;
}

impl WithPrivate for Arc<Channels> {
    fn with_private(self) -> Self {
        let private = NamespaceOptions { listen: Who::Granted, ..NamespaceOptions::default() };
        Channels::new(Namespaces::for_loopback().with("team", private), 7)
    }
}
