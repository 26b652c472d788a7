//! What is said in and of the arena, in channels: chat, the score ticker, announcements, and words
//! to one pilot.
//!
//! | channel | who publishes | who listens |
//! |---|---|---|
//! | `room:ROOM` | pilots: chat | pilots |
//! | `score:ROOM` | the arena: who leads | anyone |
//! | `announce:all` | backends | anyone |
//! | `player:CLIENT` | the arena and backends | that client |
//!
//! Kills stay events of the world: they are seen in the tick in which they happen, and by those
//! who see the place.

use std::{collections::BTreeSet, time::Duration};

use arena_shared::Seat;
use bevy_ecs::{
    resource::Resource,
    system::{Query, Res, ResMut},
    world::World,
};
use serde::{Deserialize, Serialize};
use tickwire_server::{
    Claims, Outbox, Owner, RoomChannels, RoomInfo,
    channels::{
        ChannelName, HistoryBounds, NamespaceOptions, Namespaces, Personal, Rate, SlowPolicy, Who,
    },
};
use tickwire_shared::{ClientId, NetId, Tick};

use crate::seats::Pilot;

/// What holds for the arena's channels.
pub fn namespaces() -> Namespaces {
    let options = NamespaceOptions::default();
    let chat = NamespaceOptions {
        listen: Who::Players,
        publish: Who::Players,
        history: HistoryBounds::of(50),
        presence: true,
        join_leave: true,
        rate: Rate { per_second: 1, burst: 5 },
        message_bytes_max: 400,
        ..options
    };
    let score = NamespaceOptions {
        listen: Who::Anyone,
        history: HistoryBounds::of(1),
        slow: SlowPolicy::LatestPerKey,
        ..options
    };
    let announce =
        NamespaceOptions { listen: Who::Anyone, history: HistoryBounds::of(1), ..options };
    let player = NamespaceOptions {
        personal: Some(Personal::Client),
        history: HistoryBounds::of(10),
        ..options
    };
    Namespaces::default()
        .with("room", chat)
        .with("score", score)
        .with("announce", announce)
        .with("player", player)
}

/// The room's channels, and who has a say in them.
#[derive(Resource, Debug)]
pub struct Talk {
    chat: String,
    score: String,
    moderators: BTreeSet<ClientId>,
    told: Vec<Line>,
    leader: Option<(ClientId, NetId)>,
}

/// One who leads, as the ticker has it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
struct Line {
    name: String,
    score: u16,
}

/// What a moderator wants done to another client.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Decision {
    Mute { client: u32 },
    Unmute { client: u32 },
    Kick { client: u32 },
}

/// Opens a new room's channels.
pub fn open(world: &mut World, room: &RoomInfo) {
    world.insert_resource(Talk {
        chat: format!("room:{}", room.name),
        score: format!("score:{}", room.name),
        moderators: BTreeSet::new(),
        told: Vec::new(),
        leader: None,
    });
}

/// A client has joined. Its token may give it a say.
pub fn welcome(world: &mut World, client: ClientId, claims: &Claims) {
    let mut talk = world.resource_mut::<Talk>();
    let chat = ChannelName::new(&talk.chat);
    if chat.is_ok_and(|chat| claims.grants.moderates(&chat)) {
        talk.moderators.insert(client);
    }
}

/// A client is gone.
pub fn forget(world: &mut World, client: ClientId) {
    world.resource_mut::<Talk>().moderators.remove(&client);
}

/// A client wants another silenced or gone: JSON such as `{"mute": {"client": 7}}`. From one who
/// has no say it is refused.
pub fn moderate(world: &mut World, client: ClientId, message: &[u8]) {
    let Ok(decision) = serde_json::from_slice(message) else { return };
    let talk = world.resource::<Talk>();
    let (has_say, chat) = (talk.moderators.contains(&client), talk.chat.clone());
    if !has_say {
        let words = Words { text: String::from("you hold no right to do that") };
        let channel = format!("player:{}", client.get());
        world.resource_mut::<RoomChannels>().publish(&channel, &words);
        return;
    }
    match decision {
        Decision::Mute { client } => {
            world.resource_mut::<RoomChannels>().mute(&chat, ClientId::new(client), SILENCE);
        }
        Decision::Unmute { client } => {
            let client = ClientId::new(client);
            world.resource_mut::<RoomChannels>().mute(&chat, client, Duration::ZERO);
        }
        Decision::Kick { client } => {
            let sentence = "A moderator has removed you from the arena.";
            world.resource_mut::<Outbox>().kick(ClientId::new(client), sentence);
        }
    }
}

/// Publishes who leads whenever that has changed, and tells a pilot who was overtaken.
pub fn tell_scores(
    tick: Res<'_, Tick>,
    seats: Query<'_, '_, (&NetId, &Seat, &Pilot, Option<&Owner>)>,
    mut talk: ResMut<'_, Talk>,
    mut channels: ResMut<'_, RoomChannels>,
) {
    if !tick.get().is_multiple_of(TICKER_TICKS) {
        return;
    }
    let mut seats: Vec<_> = seats.iter().filter(|(_, seat, ..)| seat.score > 0).collect();
    seats.sort_unstable_by_key(|(net_id, seat, ..)| (u16::MAX - seat.score, **net_id));
    seats.truncate(TICKER_LINES);
    let lines = seats
        .iter()
        .map(|(_, seat, pilot, _)| Line { name: pilot.name.clone(), score: seat.score });
    let lines: Vec<_> = lines.collect();
    if lines != talk.told {
        channels.publish_latest(&talk.score, "top", &lines);
        talk.told = lines;
    }
    let Some((net_id, _, pilot, owner)) = seats.first() else { return };
    if let Some((client, before)) = talk.leader
        && before != **net_id
    {
        let words = Words { text: format!("{} has taken the lead from you", pilot.name) };
        channels.publish(&format!("player:{}", client.get()), &words);
    }
    talk.leader = owner.map(|owner| (owner.0, **net_id));
}

/// Words to one pilot.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
struct Words {
    text: String,
}

/// For how long a moderator silences.
const SILENCE: Duration = Duration::from_secs(5 * 60);
/// Ticks between two looks at who leads.
const TICKER_TICKS: u32 = 40;
/// How many the ticker names.
const TICKER_LINES: usize = 3;
