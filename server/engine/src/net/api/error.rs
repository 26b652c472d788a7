//! Why a call is not answered: a number, a sentence, and the field that it is about.

use std::fmt;

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::{channels::ChannelError, limits::API_BODY_BYTES_MAX, net::publishing::status_of};

/// Why a call is not answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct ApiError {
    code: Code,
    status: StatusCode,
    /// Path of the field; empty where it is about the whole.
    field: String,
    sentence: String,
}

/// Numbers of errors, as Centrifugo has them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Code {
    UnknownChannel = 102,
    PermissionDenied = 103,
    MethodNotFound = 104,
    AlreadySubscribed = 105,
    LimitExceeded = 106,
    BadRequest = 107,
    NotAvailable = 108,
    TokenExpired = 109,
    TooManyRequests = 111,
}

impl Code {
    /// What is wrong with a channel, in these numbers.
    pub(crate) const fn of(error: ChannelError) -> Self {
        match error {
            ChannelError::BadName | ChannelError::NotSubscribed => Self::BadRequest,
            ChannelError::UnknownNamespace => Self::UnknownChannel,
            ChannelError::NotAllowed | ChannelError::Muted { .. } | ChannelError::Banned { .. } => {
                Self::PermissionDenied
            }
            ChannelError::AlreadySubscribed => Self::AlreadySubscribed,
            ChannelError::TooManySubscriptions
            | ChannelError::TooManyChannels
            | ChannelError::TooLarge { .. } => Self::LimitExceeded,
            ChannelError::TooFast { .. } => Self::TooManyRequests,
            ChannelError::NoPresence => Self::NotAvailable,
        }
    }

    pub(crate) const fn number(self) -> u16 {
        self as u16
    }

    /// Whether the same may work later.
    pub(crate) const fn is_temporary(self) -> bool {
        matches!(self, Self::TooManyRequests)
    }
}

impl ApiError {
    pub(super) fn bad_request(field: &str, sentence: &str) -> Self {
        Self {
            code: Code::BadRequest,
            status: StatusCode::BAD_REQUEST,
            field: String::from(field),
            sentence: String::from(sentence),
        }
    }

    /// JSON that is none, or not what was expected at `path`.
    pub(super) fn unreadable(path: &str, error: &serde_json::Error) -> Self {
        let sentence = error.to_string();
        let missing =
            sentence.strip_prefix("missing field `").and_then(|rest| rest.split_once('`'));
        let field = match missing {
            Some((field, _)) if path.is_empty() => String::from(field),
            Some((field, _)) => format!("{path}.{field}"),
            None => String::from(path),
        };
        let sentence = match missing {
            Some(_) => "is missing",
            // Where it stands in the text is of no use to whoever made it.
            None => sentence.split(" at line ").next().unwrap_or_default(),
        };
        Self::bad_request(&field, sentence)
    }

    pub(super) fn forbidden() -> Self {
        Self {
            code: Code::PermissionDenied,
            status: StatusCode::FORBIDDEN,
            field: String::new(),
            sentence: String::from(
                "calls are for backends, at the internal door or with an API key",
            ),
        }
    }

    pub(super) fn unknown_call(call: &str) -> Self {
        Self {
            code: Code::MethodNotFound,
            status: StatusCode::NOT_FOUND,
            field: String::new(),
            sentence: format!("there is no call {call:?}"),
        }
    }

    pub(super) fn body_too_large() -> Self {
        Self {
            code: Code::LimitExceeded,
            status: StatusCode::PAYLOAD_TOO_LARGE,
            field: String::new(),
            sentence: format!("the body is longer than {API_BODY_BYTES_MAX} bytes"),
        }
    }

    pub(super) fn of_channel(field: &str, error: ChannelError) -> Self {
        Self {
            code: Code::of(error),
            status: status_of(error),
            field: String::from(field),
            sentence: error.to_string(),
        }
    }

    /// The same, about a field inside of another.
    pub(super) fn within(mut self, outer: &str) -> Self {
        self.field = match self.field.as_str() {
            "" => String::from(outer),
            inner if inner.starts_with('[') => format!("{outer}{inner}"),
            inner => format!("{outer}.{inner}"),
        };
        self
    }

    pub(super) const fn status(&self) -> StatusCode {
        self.status
    }

    pub(super) fn to_value(&self) -> Value {
        let mut value = json!({ "code": self.code.number(), "message": self.to_string() });
        if !self.field.is_empty()
            && let Some(object) = value.as_object_mut()
        {
            object.insert(String::from("field"), Value::from(self.field.as_str()));
        }
        value
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.field.is_empty() {
            f.write_str(&self.sentence)
        } else {
            write!(f, "{}: {}", self.field, self.sentence)
        }
    }
}
