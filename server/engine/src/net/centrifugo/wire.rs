//! What travels: commands from clients, replies and pushes to them.

use std::{borrow::Cow, collections::BTreeMap, time::Duration};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json, value::RawValue};

use crate::{
    channels::{Data, Delivery, EndReason, Member, Publication, Wire},
    net::{api::Code, listening::text::text_of},
};

/// Between two pings; a client that hears none for this long and some connects again.
pub(crate) const PING_INTERVAL: Duration = Duration::from_secs(25);

/// How long a client may take to answer one.
pub(crate) const PONG_TIMEOUT: Duration = Duration::from_secs(10);

/// A command, with the number that its reply carries. Exactly one of the others is there; an
/// empty command answers a ping.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Command {
    pub(super) id: u32,
    pub(super) connect: Option<Connect>,
    pub(super) subscribe: Option<Subscribe>,
    pub(super) unsubscribe: Option<OfChannel>,
    pub(super) publish: Option<Publish>,
    pub(super) presence: Option<OfChannel>,
    pub(super) presence_stats: Option<OfChannel>,
    pub(super) history: Option<History>,
    pub(super) ping: Option<Nothing>,
    pub(super) refresh: Option<Refresh>,
    pub(super) sub_refresh: Option<SubRefresh>,
    pub(super) send: Option<Nothing>,
    pub(super) rpc: Option<Nothing>,
}

/// Whatever stands there is not looked at.
#[derive(Deserialize)]
pub(super) struct Nothing {}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Connect {
    pub(super) token: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Subscribe {
    pub(super) channel: String,
    pub(super) token: String,
    pub(super) recover: bool,
    pub(super) epoch: String,
    pub(super) offset: u64,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct OfChannel {
    pub(super) channel: String,
}

#[derive(Deserialize)]
pub(super) struct Publish {
    pub(super) channel: String,
    pub(super) data: Box<RawValue>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct History {
    pub(super) channel: String,
    pub(super) limit: i64,
    pub(super) since: Option<Since>,
    pub(super) reverse: bool,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Since {
    pub(super) offset: u64,
    pub(super) epoch: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Refresh {
    pub(super) token: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct SubRefresh {
    pub(super) channel: String,
    pub(super) token: String,
}

/// A command is not carried out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Refusal(pub(super) Code);

/// The connection ends; the number says whether to come back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Disconnect {
    pub(super) code: u16,
    pub(super) reason: &'static str,
}

impl Disconnect {
    pub(super) const SHUTDOWN: Self = Self::new(3001, "shutdown");
    pub(super) const EXPIRED: Self = Self::new(3005, "connection expired");
    pub(super) const SLOW: Self = Self::new(3008, "slow");
    pub(super) const NO_PONG: Self = Self::new(3012, "no pong");
    pub(super) const TOO_MANY_ERRORS: Self = Self::new(3509, "too many errors");
    pub(super) const INVALID_TOKEN: Self = Self::new(3500, "invalid token");
    pub(super) const BAD_REQUEST: Self = Self::new(3501, "bad request");
    pub(super) const STALE: Self = Self::new(3502, "stale");
    pub(super) const FORCED: Self = Self::new(3503, "force disconnect");
    pub(super) const MESSAGE_SIZE_LIMIT: Self = Self::new(3510, "message size limit");

    const fn new(code: u16, reason: &'static str) -> Self {
        Self { code, reason }
    }
}

/// The reply to command `id`: what `name` brings, or why it brings nothing.
pub(super) fn reply(id: u32, name: &str, result: Result<Value, Refusal>) -> String {
    let reply = match result {
        Ok(value) => json!({ "id": id, name: value }),
        Err(Refusal(code)) => {
            let (number, is_temporary) = (code.number(), code.is_temporary());
            let mut error = json!({ "code": number, "message": sentence(code) });
            if is_temporary {
                add(&mut error, "temporary", true);
            }
            json!({ "id": id, "error": error })
        }
    };
    reply.to_string()
}

/// The sentences that go with the numbers: clients compare them.
const fn sentence(code: Code) -> &'static str {
    match code {
        Code::UnknownChannel => "unknown channel",
        Code::PermissionDenied => "permission denied",
        Code::MethodNotFound => "method not found",
        Code::AlreadySubscribed => "already subscribed",
        Code::LimitExceeded => "limit exceeded",
        Code::BadRequest => "bad request",
        Code::NotAvailable => "not available",
        Code::TokenExpired => "token expired",
        Code::TooManyRequests => "too many requests",
    }
}

/// A delivery as a push; `None` where it has none.
pub(super) fn push(delivery: &Delivery) -> Option<Bytes> {
    let push = match delivery {
        Delivery::Publication(publication) => {
            return Some(publication.encoded(Wire::Centrifugo, |publication| {
                let channel = publication.channel.as_str();
                let publication = PublicationValue::of(publication);
                text(&Push { push: Published { channel, publication } })
            }));
        }
        Delivery::Joined { channel, member } => {
            json!({ "channel": channel.as_str(), "join": { "info": member_value(member) } })
        }
        Delivery::Left { channel, member } => {
            json!({ "channel": channel.as_str(), "leave": { "info": member_value(member) } })
        }
        // It asks for what it missed by subscribing again.
        Delivery::Missed { channel, .. } => {
            unsubscribed(channel.as_str(), 2500, "insufficient state")
        }
        Delivery::Ended { channel, reason } => match reason {
            EndReason::TooSlow => unsubscribed(channel.as_str(), 2500, "insufficient state"),
            EndReason::Kicked => unsubscribed(channel.as_str(), 2000, "server unsubscribe"),
            EndReason::NotAllowed => unsubscribed(channel.as_str(), 2501, "subscription expired"),
        },
    };
    Some(text(&Push { push }))
}

fn unsubscribed(channel: &str, code: u16, reason: &str) -> Value {
    json!({ "channel": channel, "unsubscribe": { "code": code, "reason": reason } })
}

fn text(value: &impl Serialize) -> Bytes {
    Bytes::from(serde_json::to_vec(value).expect("texts, numbers and checked JSON are JSON"))
}

#[derive(Serialize)]
struct Push<T> {
    push: T,
}

#[derive(Serialize)]
struct Published<'a> {
    channel: &'a str,
    #[serde(rename = "pub")]
    publication: PublicationValue<'a>,
}

/// A publication, as clients and backends read it.
#[derive(Serialize)]
pub(crate) struct PublicationValue<'a> {
    data: DataValue<'a>,
    offset: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    info: Option<Value>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    tags: BTreeMap<&'a str, &'a str>,
    /// In milliseconds since 1970.
    time: u64,
}

/// JSON stays as it is; all else becomes a string.
#[derive(Serialize)]
#[serde(untagged)]
enum DataValue<'a> {
    Json(&'a RawValue),
    Text(Cow<'a, str>),
}

impl<'a> PublicationValue<'a> {
    pub(crate) fn of(publication: &'a Publication) -> Self {
        let json = match &publication.data {
            Data::Json(json) => serde_json::from_slice(json).ok(),
            Data::Text(_) | Data::Binary(_) => None,
        };
        let data =
            json.map_or_else(|| DataValue::Text(text_of(&publication.data)), DataValue::Json);
        let tags = publication.tags.iter().map(|(name, text)| (name.as_str(), text.as_str()));
        Self {
            data,
            offset: publication.position.offset,
            info: publication.publisher.as_deref().map(member_value),
            tags: tags.collect(),
            time: publication.unix_ms,
        }
    }
}

/// Adds a member to an object.
pub(super) fn add(object: &mut Value, name: &str, value: impl Into<Value>) {
    if let Some(object) = object.as_object_mut() {
        object.insert(String::from(name), value.into());
    }
}

/// Somebody, as others see them.
pub(crate) fn member_value(member: &Member) -> Value {
    let mut value = json!({ "client": member.client, "user": member.user });
    let info = serde_json::from_str(&member.info).ok();
    let named = || (!member.name.is_empty()).then(|| json!({ "name": member.name }));
    if let Some(info) = info.or_else(named) {
        add(&mut value, "conn_info", info);
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_show_what_their_token_has_for_others() {
        let mut member = Member { client: String::from("c"), ..Member::default() };
        assert_eq!(member_value(&member), json!({ "client": "c", "user": "" }));
        member.name = String::from("Ada");
        assert_eq!(member_value(&member)["conn_info"], json!({ "name": "Ada" }));
        member.info = String::from(r#"{"level":7}"#);
        assert_eq!(member_value(&member)["conn_info"], json!({ "level": 7 }));
    }

    #[test]
    fn replies_carry_their_number_and_errors_the_words_that_clients_know() {
        assert_eq!(reply(3, "publish", Ok(json!({}))), r#"{"id":3,"publish":{}}"#);
        let expired = reply(1, "connect", Err(Refusal(Code::TokenExpired)));
        assert_eq!(expired, r#"{"error":{"code":109,"message":"token expired"},"id":1}"#);
    }
}
