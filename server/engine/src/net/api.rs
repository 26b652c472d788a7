//! What backends ask for in JSON: `POST /api/publish` and the like.
//!
//! The calls, their fields and their error numbers are those of Centrifugo's server API, so that
//! a backend that speaks it needs another address and nothing else; `rooms` is ours. Statuses say
//! what the numbers say, and an error names the field that it is about. The whole is described at
//! `/api/openapi.json`.

mod calls;
mod error;

use std::{sync::Arc, time::Instant};

use axum::{
    body::{Body, to_bytes},
    extract::{Path, Request, State},
    http::{HeaderValue, Response, StatusCode, header},
};
use serde::Deserialize;
use serde_json::{Map, Value, json, value::RawValue};
use tokio::time::timeout;

use self::{calls::Call, error::ApiError};
pub(crate) use self::{calls::json_data, error::Code};
use super::{
    api_keys::{ApiKeys, Door},
    connections::Connections,
    players::Players,
};
use crate::{
    channels::Channels,
    limits::{API_BODY_BYTES_MAX, API_COMMANDS_MAX, REQUEST_TIMEOUT},
};

/// What the calls need.
#[derive(Clone, Debug)]
pub(crate) struct ApiDoor {
    pub(crate) channels: Arc<Channels>,
    pub(crate) players: Arc<Players>,
    pub(crate) connections: Connections,
    pub(crate) keys: Arc<ApiKeys>,
    pub(crate) door: Door,
    /// When the server began.
    pub(crate) since: Instant,
}

/// The description of it all.
const OPENAPI: &str = include_str!("api/openapi.json");

/// A GET of `/api/openapi.json`.
pub(crate) async fn openapi() -> Response<Body> {
    json_response(StatusCode::OK, Body::from(OPENAPI))
}

/// A POST to `/api/…`.
pub(crate) async fn call(
    State(door): State<ApiDoor>,
    Path(call): Path<String>,
    request: Request,
) -> Response<Body> {
    answered(door.answer(&call, request).await)
}

/// A POST to `/api`, whose body names the call: how it was done before calls had addresses.
pub(crate) async fn named_call(State(door): State<ApiDoor>, request: Request) -> Response<Body> {
    let answer = match door.read(request).await {
        Ok(body) => match from_json::<Named<'_>>(&body) {
            Ok(named) => door.run(named.method, named.params.map_or("{}", RawValue::get)),
            Err(error) => Err(error),
        },
        Err(error) => Err(error),
    };
    answered(answer)
}

#[derive(Deserialize)]
struct Named<'a> {
    method: &'a str,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Batch<'a> {
    /// Each an object with one member: the call's name, and what it says.
    #[serde(borrow)]
    commands: Vec<std::collections::BTreeMap<String, &'a RawValue>>,
}

impl ApiDoor {
    async fn answer(&self, call: &str, request: Request) -> Result<Value, ApiError> {
        let body = self.read(request).await?;
        if call == "batch" {
            return self.batch(&body);
        }
        self.run(call, &body)
    }

    /// The body of somebody who may ask.
    async fn read(&self, request: Request) -> Result<String, ApiError> {
        if !self.keys.admits(self.door, request.headers()) {
            return Err(ApiError::forbidden());
        }
        let body = to_bytes(request.into_body(), API_BODY_BYTES_MAX);
        let body = match timeout(REQUEST_TIMEOUT, body).await {
            Ok(Ok(body)) => body,
            Ok(Err(_)) => return Err(ApiError::body_too_large()),
            Err(_) => return Err(ApiError::bad_request("", "the body took too long")),
        };
        String::from_utf8(body.into())
            .map_err(|_| ApiError::bad_request("", "the body is not UTF-8"))
    }

    fn run(&self, call: &str, params: &str) -> Result<Value, ApiError> {
        let call = Call::parse(call, params)?;
        calls::run(self, call)
    }

    /// Many calls at once, each with an answer of its own.
    fn batch(&self, body: &str) -> Result<Value, ApiError> {
        let batch: Batch<'_> = from_json(body)?;
        if batch.commands.len() > API_COMMANDS_MAX {
            let sentence = format!("at most {API_COMMANDS_MAX} at once");
            return Err(ApiError::bad_request("commands", &sentence));
        }
        let replies = batch.commands.iter().enumerate().map(|(at, command)| {
            let about = |error: ApiError| error.within(&format!("commands[{at}]"));
            let [(name, params)] = &command.iter().collect::<Vec<_>>()[..] else {
                let error =
                    ApiError::bad_request("", "a command has one member, named as its call");
                return json!({ "error": about(error).to_value() });
            };
            match self.run(name, params.get()) {
                Ok(result) => Value::from(Map::from_iter([(String::from(*name), result)])),
                Err(error) => json!({ "error": about(error.within(name)).to_value() }),
            }
        });
        Ok(json!({ "replies": replies.collect::<Vec<_>>() }))
    }
}

/// Reads JSON; an error says which field is wrong.
fn from_json<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, ApiError> {
    if !text.trim_start().starts_with('{') {
        return Err(ApiError::bad_request("", "what a call says is an object"));
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        ApiError::unreadable(if path == "." { "" } else { &path }, &error.into_inner())
    })?;
    reader.end().map_err(|error| ApiError::unreadable("", &error))?;
    Ok(value)
}

fn answered(answer: Result<Value, ApiError>) -> Response<Body> {
    match answer {
        // A batch's answers stand by themselves, as Centrifugo has it.
        Ok(value) if value.get("replies").is_some() => {
            json_response(StatusCode::OK, Body::from(value.to_string()))
        }
        Ok(value) => {
            json_response(StatusCode::OK, Body::from(json!({ "result": value }).to_string()))
        }
        Err(error) => {
            tracing::debug!(%error, "a call is refused");
            let body = json!({ "error": error.to_value() });
            json_response(error.status(), Body::from(body.to_string()))
        }
    }
}

fn json_response(status: StatusCode, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
