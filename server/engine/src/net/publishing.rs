//! Publishing by a plain POST, and figures by a plain GET: what `/publish/` does.
//!
//! `curl 'http://127.0.0.1:8081/publish/?cid=5' -d 'hello'`

use std::sync::Arc;

use axum::{
    body::{Body, to_bytes},
    extract::{Query, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header},
};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::api_keys::{ApiKeys, Door};
use crate::{
    channels::{ChannelError, ChannelName, Channels, Data, Moment, Post, Statistics},
    limits::{IDEMPOTENCY_KEY_BYTES_MAX, PUBLICATION_BYTES_MAX, REQUEST_TIMEOUT},
    page::plain_text,
};

/// What publishing needs.
#[derive(Clone, Debug)]
pub(crate) struct PublishingDoor {
    pub(crate) channels: Arc<Channels>,
    pub(crate) keys: Arc<ApiKeys>,
    pub(crate) door: Door,
}

#[derive(Deserialize, Debug)]
struct Asked {
    cid: Option<String>,
}

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// A POST or GET to `/publish/`.
pub(crate) async fn publish(
    State(door): State<PublishingDoor>,
    request: Request,
) -> Response<Body> {
    let mut response = match door.answer(request).await {
        Ok(value) => {
            let mut response = Response::new(Body::from(format!("{value}\n")));
            let json = HeaderValue::from_static("application/json; charset=utf-8");
            response.headers_mut().insert(header::CONTENT_TYPE, json);
            response
        }
        Err((status, sentence)) => plain_text(status, format!("{sentence}\n")),
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

type Refusal = (StatusCode, String);

impl PublishingDoor {
    async fn answer(&self, request: Request) -> Result<Value, Refusal> {
        if !self.keys.admits(self.door, request.headers()) {
            let sentence = "Publishing is for backends, at the internal door or with an API key.";
            return Err((StatusCode::FORBIDDEN, String::from(sentence)));
        }
        let asked = Query::<Asked>::try_from_uri(request.uri());
        let Query(asked) = asked.map_err(|_| bad("The address cannot be read."))?;
        let channel = asked.cid.as_deref().map(channel_named).transpose();
        let channel = channel.map_err(|why| bad(&why))?;
        if request.method() == Method::POST {
            let channel = channel.ok_or_else(|| bad("Which channel? Name it, as in ?cid=5."))?;
            return self.take(&channel, request).await;
        }
        match channel {
            Some(channel) => Ok(figures(self.channels.statistics(&channel).as_ref(), &channel)),
            None => {
                let all = self.channels.all_statistics("");
                Ok(all.iter().map(|one| figures(Some(one), &one.channel)).collect())
            }
        }
    }

    async fn take(&self, channel: &ChannelName, request: Request) -> Result<Value, Refusal> {
        let (head, body) = request.into_parts();
        let body = match timeout(REQUEST_TIMEOUT, to_bytes(body, PUBLICATION_BYTES_MAX)).await {
            Ok(Ok(body)) => body,
            Ok(Err(_)) => {
                let sentence = format!("That is more than {PUBLICATION_BYTES_MAX} bytes.");
                return Err((StatusCode::PAYLOAD_TOO_LARGE, sentence));
            }
            Err(_) => {
                let sentence = String::from("The body took too long.");
                return Err((StatusCode::REQUEST_TIMEOUT, sentence));
            }
        };
        let mut post = Post::of(data(&head.headers, body)?);
        post.idempotency_key = idempotency_key(&head.headers)?;
        let published = self.channels.publish(channel, post, Moment::now()).map_err(because)?;
        let position = published.position;
        Ok(json!({
            "channel": channel.as_str(),
            "listeners": published.listeners,
            "id": format!("{}-{}", position.epoch, position.offset),
        }))
    }
}

fn data(headers: &HeaderMap, body: Bytes) -> Result<Data, Refusal> {
    if body.is_empty() {
        return Err(bad("There is nothing to publish: the body is empty."));
    }
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let data = if kind.is_some_and(|kind| kind.starts_with("application/json")) {
        Data::json(body)
    } else {
        Data::text(body)
    };
    data.map_err(|error| bad(&format!("The body: {error}.")))
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let Some(key) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    match key.to_str() {
        Ok(key) if key.len() <= IDEMPOTENCY_KEY_BYTES_MAX => Ok(Some(String::from(key))),
        _ => Err(bad(&format!(
            "Idempotency-Key: printable letters, {IDEMPOTENCY_KEY_BYTES_MAX} at most."
        ))),
    }
}

/// A channel that nobody has used has the figures of an empty one.
fn figures(statistics: Option<&Statistics>, channel: &ChannelName) -> Value {
    json!({
        "channel": channel.as_str(),
        "listeners": statistics.map_or(0, |one| one.listeners),
        "published": statistics.map_or(0, |one| one.position.offset),
        "stored": statistics.map_or(0, |one| one.stored),
    })
}

fn bad(sentence: &str) -> Refusal {
    (StatusCode::BAD_REQUEST, String::from(sentence))
}

fn because(error: ChannelError) -> Refusal {
    (status_of(error), format!("{error}."))
}

/// The channel that `cid` in an address names; or why it names none.
pub(crate) fn channel_named(cid: &str) -> Result<ChannelName, String> {
    // What stands for bytes that are no UTF-8: two of them would name one channel.
    if cid.contains(char::REPLACEMENT_CHARACTER) {
        return Err(String::from("cid: it is not UTF-8."));
    }
    ChannelName::new(cid).map_err(|error| format!("cid: {error}."))
}

/// The status that says the same.
pub(crate) const fn status_of(error: ChannelError) -> StatusCode {
    match error {
        ChannelError::BadName => StatusCode::BAD_REQUEST,
        ChannelError::UnknownNamespace | ChannelError::NoPresence => StatusCode::NOT_FOUND,
        ChannelError::NotAllowed | ChannelError::Muted { .. } | ChannelError::Banned { .. } => {
            StatusCode::FORBIDDEN
        }
        ChannelError::AlreadySubscribed | ChannelError::NotSubscribed => StatusCode::CONFLICT,
        ChannelError::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        ChannelError::TooFast { .. } | ChannelError::TooManySubscriptions => {
            StatusCode::TOO_MANY_REQUESTS
        }
        ChannelError::TooManyChannels => StatusCode::SERVICE_UNAVAILABLE,
    }
}
