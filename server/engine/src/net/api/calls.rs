//! The calls: what each asks for, and what it is answered.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value, json, value::RawValue};

use super::{ApiDoor, error::ApiError, from_json};
use crate::{
    channels::{
        ChannelName, Data, Identity, Moment, Position, Post, Presence, Published, Reading,
        Statistics,
    },
    limits::{API_CHANNELS_MAX, HISTORY_COUNT_MAX, IDEMPOTENCY_KEY_BYTES_MAX},
    net::centrifugo::wire::{PublicationValue, member_value},
};

/// A call, with what it asks for.
pub(super) enum Call {
    Publish(Publish),
    Broadcast(Broadcast),
    Presence(OfChannel),
    PresenceStats(OfChannel),
    History(History),
    Channels(Channels),
    Disconnect(Disconnect),
    Info,
    Rooms,
}

#[derive(Deserialize)]
pub(super) struct Publish {
    channel: String,
    data: Option<Box<RawValue>>,
    b64data: Option<String>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    key: Option<String>,
    idempotency_key: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Broadcast {
    channels: Vec<String>,
    data: Option<Box<RawValue>>,
    b64data: Option<String>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    key: Option<String>,
    idempotency_key: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct OfChannel {
    channel: String,
}

#[derive(Deserialize)]
pub(super) struct History {
    channel: String,
    #[serde(default)]
    limit: i64,
    since: Option<Since>,
    #[serde(default)]
    reverse: bool,
}

#[derive(Deserialize)]
struct Since {
    offset: u64,
    epoch: String,
}

#[derive(Deserialize)]
pub(super) struct Channels {
    #[serde(default)]
    pattern: String,
}

#[derive(Deserialize)]
pub(super) struct Disconnect {
    user: String,
    #[serde(default)]
    client: String,
}

#[derive(Deserialize)]
struct Nothing {}

impl Call {
    pub(super) fn parse(name: &str, params: &str) -> Result<Self, ApiError> {
        match name {
            "publish" => from_json(params).map(Self::Publish),
            "broadcast" => from_json(params).map(Self::Broadcast),
            "presence" => from_json(params).map(Self::Presence),
            "presence_stats" => from_json(params).map(Self::PresenceStats),
            "history" => from_json(params).map(Self::History),
            "channels" => from_json(params).map(Self::Channels),
            "disconnect" => from_json(params).map(Self::Disconnect),
            "info" => from_json::<Nothing>(params).map(|_| Self::Info),
            "rooms" => from_json::<Nothing>(params).map(|_| Self::Rooms),
            _ => Err(ApiError::unknown_call(name)),
        }
    }
}

pub(super) fn run(door: &ApiDoor, call: Call) -> Result<Value, ApiError> {
    match call {
        Call::Publish(call) => {
            let post = post(call.data, call.b64data, call.tags, call.key, call.idempotency_key)?;
            publish(door, "channel", &call.channel, post)
        }
        Call::Broadcast(call) => broadcast(door, call),
        Call::Presence(call) => {
            let presence = presence(door, &call.channel)?;
            let members = presence.members.iter();
            let members = members.map(|member| (member.client.clone(), member_value(member)));
            Ok(json!({ "presence": members.collect::<Map<_, _>>() }))
        }
        Call::PresenceStats(call) => {
            let Presence { clients, users, .. } = presence(door, &call.channel)?;
            Ok(json!({ "num_clients": clients, "num_users": users }))
        }
        Call::History(call) => history(door, &call),
        Call::Channels(call) => Ok(channels(door, &call.pattern)),
        Call::Disconnect(call) => {
            if call.user.is_empty() && call.client.is_empty() {
                return Err(ApiError::bad_request("user", "names nobody, nor does client"));
            }
            door.players.disconnect(&call.user, &call.client);
            door.connections.disconnect(&call.user, &call.client);
            Ok(json!({}))
        }
        Call::Info => Ok(info(door)),
        Call::Rooms => Ok(rooms(door)),
    }
}

fn post(
    data: Option<Box<RawValue>>,
    base64: Option<String>,
    tags: BTreeMap<String, String>,
    key: Option<String>,
    idempotency_key: Option<String>,
) -> Result<Post, ApiError> {
    if idempotency_key.as_ref().is_some_and(|key| key.len() > IDEMPOTENCY_KEY_BYTES_MAX) {
        let sentence = format!("has more than {IDEMPOTENCY_KEY_BYTES_MAX} bytes");
        return Err(ApiError::bad_request("idempotency_key", &sentence));
    }
    let data = match (data, base64) {
        (Some(data), None) => json_data(&data),
        (None, Some(base64)) => {
            let bytes = BASE64.decode(base64);
            Data::Binary(Bytes::from(
                bytes.map_err(|_| ApiError::bad_request("b64data", "is no base64"))?,
            ))
        }
        (None, None) => return Err(ApiError::bad_request("data", "is missing")),
        (Some(_), Some(_)) => {
            return Err(ApiError::bad_request("b64data", "goes in place of data, not beside it"));
        }
    };
    let key = key.filter(|key| !key.is_empty()).map(From::from);
    let idempotency_key = idempotency_key.filter(|key| !key.is_empty());
    let tags = tags.into_iter().collect();
    Ok(Post { tags, key, idempotency_key, ..Post::of(data) })
}

/// A string is its text, for those who listen to text; anything else is JSON to all.
pub(crate) fn json_data(data: &RawValue) -> Data {
    match serde_json::from_str::<String>(data.get()) {
        Ok(text) => Data::Text(Bytes::from(text)),
        Err(_) => Data::Json(Bytes::copy_from_slice(data.get().as_bytes())),
    }
}

fn publish(door: &ApiDoor, field: &str, channel: &str, post: Post) -> Result<Value, ApiError> {
    let channel = named(field, channel)?;
    let published = door.channels.publish(&channel, post, Moment::now());
    let Published { position, .. } =
        published.map_err(|error| ApiError::of_channel(field, error))?;
    Ok(json!({ "offset": position.offset, "epoch": position.epoch.to_string() }))
}

fn broadcast(door: &ApiDoor, call: Broadcast) -> Result<Value, ApiError> {
    if call.channels.len() > API_CHANNELS_MAX {
        let sentence = format!("at most {API_CHANNELS_MAX} at once");
        return Err(ApiError::bad_request("channels", &sentence));
    }
    let post = post(call.data, call.b64data, call.tags, call.key, call.idempotency_key)?;
    let responses = call.channels.iter().enumerate().map(|(at, channel)| {
        match publish(door, &format!("channels[{at}]"), channel, post.clone()) {
            Ok(result) => json!({ "result": result }),
            Err(error) => json!({ "error": error.to_value() }),
        }
    });
    Ok(json!({ "responses": responses.collect::<Vec<_>>() }))
}

fn presence(door: &ApiDoor, channel: &str) -> Result<Presence, ApiError> {
    let channel = named("channel", channel)?;
    let presence = door.channels.presence(&Identity::server(), &channel);
    presence.map_err(|error| ApiError::of_channel("channel", error))
}

fn history(door: &ApiDoor, call: &History) -> Result<Value, ApiError> {
    let channel = named("channel", &call.channel)?;
    // Another life's name is as good as any for one that is over.
    let after = call.since.as_ref().map(|Since { offset, epoch }| Position {
        offset: *offset,
        epoch: epoch.parse().unwrap_or_default(),
    });
    // 0 asks where the channel stands; less than that, for all there is.
    let limit = usize::try_from(call.limit).unwrap_or(HISTORY_COUNT_MAX).min(HISTORY_COUNT_MAX);
    let reading = Reading { after, limit, newest_first: call.reverse };
    let read = door.channels.history(&Identity::server(), &channel, reading, Moment::now());
    let read = read.map_err(|error| ApiError::of_channel("channel", error))?;
    let publications = read.publications.iter().map(|one| PublicationValue::of(one));
    Ok(json!({
        "publications": publications.collect::<Vec<_>>(),
        "offset": read.position.offset,
        "epoch": read.position.epoch.to_string(),
    }))
}

/// Channels with listeners whose names match a pattern, in which `*` stands for any letters.
fn channels(door: &ApiDoor, pattern: &str) -> Value {
    let prefix = pattern.split('*').next().unwrap_or_default();
    let found = door.channels.all_statistics(prefix).into_iter();
    let found = found.filter(|one| {
        one.listeners > 0 && (pattern.is_empty() || matches(pattern, one.channel.as_str()))
    });
    let found = found.map(|Statistics { channel, listeners, .. }| {
        (String::from(channel.as_str()), json!({ "num_clients": listeners }))
    });
    json!({ "channels": found.take(API_CHANNELS_MAX).collect::<Map<_, _>>() })
}

fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else {
        return false;
    };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    true
}

fn info(door: &ApiDoor) -> Value {
    let channels = door.channels.all_statistics("");
    let listeners: usize = channels.iter().map(|one| one.listeners).sum();
    json!({ "nodes": [{
        "uid": door.players.node().to_string(),
        "name": "tickwire",
        "version": env!("CARGO_PKG_VERSION"),
        "num_clients": door.connections.count() + door.players.count(),
        "num_channels": channels.len(),
        "num_subs": listeners,
        "uptime": door.since.elapsed().as_secs(),
    }] })
}

fn rooms(door: &ApiDoor) -> Value {
    let rooms = door.players.rooms().iter().map(|(room, _)| {
        let published = room.published();
        json!({
            "name": room.info().name,
            "clients": published.as_ref().map_or(0, |published| published.clients.len()),
            "tick": published.as_ref().map_or(0, |published| published.tick.get()),
            "tick_rate": room.info().tick_rate,
        })
    });
    json!({ "rooms": rooms.collect::<Vec<_>>() })
}

fn named(field: &str, channel: &str) -> Result<ChannelName, ApiError> {
    ChannelName::new(channel).map_err(|error| ApiError::bad_request(field, &error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_names() {
        for (pattern, name, expected) in [
            ("*", "chat:main", true),
            ("chat:*", "chat:main", true),
            ("chat:*", "news", false),
            ("*:main", "chat:main", true),
            ("c*m*n", "chat:main", true),
            ("chat", "chat:main", false),
            ("chat:main", "chat:main", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }
}
