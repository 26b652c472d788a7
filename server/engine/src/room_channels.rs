//! Channels as a game's systems use them: a line to publish, a line to listen.
//!
//! A system never waits: what it wishes is done after the tick, and what was published elsewhere
//! comes before the next one, in an order that recordings keep.

use std::{sync::Arc, time::Duration};

use bevy_ecs::resource::Resource;
use serde::{Deserialize, Serialize};
use tickwire_shared::ClientId;

use crate::{
    channels::{
        ChannelName, Channels, Data, Delivery, Identity, Moment, Post, Publication, Start,
        Subscriber,
    },
    limits::{HEARD_PER_TICK_MAX, ROOM_QUEUE_BYTES_MAX},
};

/// A room's channels. Which there are, and for whom, [`crate::Game::namespaces`] says.
#[derive(Resource, Default, Debug)]
pub struct RoomChannels {
    heard: Vec<Heard>,
    wishes: Vec<Wish>,
}

/// Something that was published in a channel that the game listens to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Heard {
    /// Where.
    pub channel: String,
    /// The connection that published; empty for the server and its backends.
    pub client: String,
    /// What others call it.
    pub name: String,
    /// What was published: JSON, text or bytes, as its publisher chose. It may be anything.
    pub data: Vec<u8>,
}

/// What a game wants done after the tick.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Wish {
    Publish { channel: String, key: Option<String>, data: Data },
    Listen { channel: String },
    Mute { channel: String, client: ClientId, time: Duration },
    Kick { channel: String, client: ClientId, time: Duration },
}

impl RoomChannels {
    /// Publishes a value as JSON.
    pub fn publish(&mut self, channel: &str, value: &impl Serialize) {
        self.post(channel, None, value);
    }

    /// The same about `key`: where the namespace says so, only the latest of a key waits for
    /// slow listeners.
    pub fn publish_latest(&mut self, channel: &str, key: &str, value: &impl Serialize) {
        self.post(channel, Some(String::from(key)), value);
    }

    /// Hears what is published in a channel, from the next tick on.
    pub fn listen(&mut self, channel: &str) {
        self.wishes.push(Wish::Listen { channel: String::from(channel) });
    }

    /// What was published before this tick, in order.
    pub fn heard(&self) -> &[Heard] {
        &self.heard
    }

    /// Silences a client in a channel for so long. Zero lets it speak again.
    pub fn mute(&mut self, channel: &str, client: ClientId, time: Duration) {
        self.wishes.push(Wish::Mute { channel: String::from(channel), client, time });
    }

    /// Sends a client away from a channel, and keeps it out for so long.
    pub fn kick(&mut self, channel: &str, client: ClientId, time: Duration) {
        self.wishes.push(Wish::Kick { channel: String::from(channel), client, time });
    }

    pub(crate) fn hear(&mut self, heard: Heard) {
        self.heard.push(heard);
    }

    pub(crate) fn forget_heard(&mut self) {
        self.heard.clear();
    }

    pub(crate) fn take_wishes(&mut self) -> Vec<Wish> {
        std::mem::take(&mut self.wishes)
    }

    fn post(&mut self, channel: &str, key: Option<String>, value: &impl Serialize) {
        match serde_json::to_vec(value) {
            Ok(json) => {
                let (channel, data) = (String::from(channel), Data::Json(json.into()));
                self.wishes.push(Wish::Publish { channel, key, data });
            }
            Err(error) => tracing::error!(channel, %error, "a value that JSON cannot hold"),
        }
    }
}

/// Does what a room's game wishes, and brings it what it listens to.
#[derive(Debug)]
pub(crate) struct ChannelDesk {
    channels: Arc<Channels>,
    subscriber: Subscriber,
}

impl ChannelDesk {
    /// Of a room that listens to nothing so far.
    pub(crate) fn new(channels: Arc<Channels>) -> Self {
        let subscriber = channels.connect(Identity::server(), ROOM_QUEUE_BYTES_MAX);
        Self { channels, subscriber }
    }

    /// What the game has to hear before its next tick; the rest waits for the one after.
    pub(crate) fn poll_heard(&self) -> Vec<Heard> {
        let deliveries = std::iter::from_fn(|| self.subscriber.take_delivery());
        deliveries.take(HEARD_PER_TICK_MAX).filter_map(heard_of).collect()
    }

    /// Does what the game wishes.
    pub(crate) fn carry_out(&self, wishes: Vec<Wish>, now: Moment) {
        for wish in wishes {
            if let Err(sentence) = self.fulfil(wish, now) {
                tracing::warn!("a game's wish is not done: {sentence}");
            }
        }
    }

    fn fulfil(&self, wish: Wish, now: Moment) -> Result<(), String> {
        let named =
            |name: &str| ChannelName::new(name).map_err(|error| format!("{name:?}: {error}"));
        let done = match wish {
            Wish::Publish { channel, key, data } => {
                let post = Post { key: key.map(Arc::from), ..Post::of(data) };
                self.channels.publish(&named(&channel)?, post, now).map(|_| ())
            }
            Wish::Listen { channel } => {
                self.subscriber.subscribe(&named(&channel)?, Start::Live, now).map(|_| ())
            }
            Wish::Mute { channel, client, time } => {
                self.channels.mute(&named(&channel)?, &client.get().to_string(), time, now)
            }
            Wish::Kick { channel, client, time } => {
                self.channels.kick(&named(&channel)?, &client.get().to_string(), time, now)
            }
        };
        done.map_err(|error| error.to_string())
    }
}

fn heard_of(delivery: Delivery) -> Option<Heard> {
    match delivery {
        Delivery::Publication(publication) => {
            let Publication { channel, publisher, data, .. } = &*publication;
            let (client, name) = publisher.as_ref().map_or_else(Default::default, |publisher| {
                (publisher.client.clone(), publisher.name.clone())
            });
            let (channel, data) = (channel.to_string(), data.bytes().to_vec());
            Some(Heard { channel, client, name, data })
        }
        Delivery::Missed { channel, count } => {
            tracing::warn!(%channel, count, "the game did not keep up with a channel");
            None
        }
        Delivery::Joined { .. } | Delivery::Left { .. } | Delivery::Ended { .. } => None,
    }
}
