//! What is published: kept once, encoded once for each kind of listener.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use super::{ChannelName, Member};

/// A place in a channel.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Position {
    /// Which life of the channel. Below 2⁵³, so that JavaScript's numbers hold it.
    pub epoch: u64,
    /// How many publications of that life lie before; below 2⁵³ too.
    pub offset: u64,
}

/// What a publication carries, as its publisher chose.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Data {
    /// A JSON value, as text that was checked.
    Json(Bytes),
    /// Text, as UTF-8 that was checked.
    Text(Bytes),
    /// Any bytes.
    Binary(Bytes),
}

/// Bytes that are not what their publisher said.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DataError {
    /// Not JSON.
    #[error("data is not JSON")]
    NotJson,
    /// Not UTF-8.
    #[error("data is not UTF-8")]
    NotText,
}

impl Data {
    /// JSON, once it is known to be.
    pub fn json(bytes: impl Into<Bytes>) -> Result<Self, DataError> {
        let bytes = bytes.into();
        // What is skipped is not looked at closely: that it is UTF-8 has to be seen to.
        let is_json = std::str::from_utf8(&bytes)
            .is_ok_and(|text| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok());
        if is_json { Ok(Self::Json(bytes)) } else { Err(DataError::NotJson) }
    }

    /// Text, once it is known to be.
    pub fn text(bytes: impl Into<Bytes>) -> Result<Self, DataError> {
        let bytes = bytes.into();
        match std::str::from_utf8(&bytes) {
            Ok(_) => Ok(Self::Text(bytes)),
            Err(_) => Err(DataError::NotText),
        }
    }

    /// The bytes.
    pub const fn bytes(&self) -> &Bytes {
        match self {
            Self::Json(bytes) | Self::Text(bytes) | Self::Binary(bytes) => bytes,
        }
    }

    /// The text, where it is one: JSON is.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Json(bytes) | Self::Text(bytes) => std::str::from_utf8(bytes).ok(),
            Self::Binary(_) => None,
        }
    }
}

/// What somebody asks to have published.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Post {
    /// What.
    pub data: Data,
    /// What it is about: of publications with the same key, a slow consumer may get only the
    /// latest.
    pub key: Option<Arc<str>>,
    /// For backends: words beside the data.
    pub tags: Vec<(String, String)>,
    /// A post with the same key as one before is not published again.
    pub idempotency_key: Option<String>,
    /// In whose name, where the server publishes for somebody. Anybody else publishes in their
    /// own.
    pub publisher: Option<Arc<Member>>,
}

impl Post {
    /// Nothing but data.
    pub const fn of(data: Data) -> Self {
        Self { data, key: None, tags: Vec::new(), idempotency_key: None, publisher: None }
    }

    /// Its size, as namespaces bound it, in bytes.
    pub fn bytes(&self) -> usize {
        let tags: usize = self.tags.iter().map(|(name, text)| name.len() + text.len()).sum();
        self.data.bytes().len() + self.key.as_ref().map_or(0, |key| key.len()) + tags
    }
}

/// Ways to write a publication down.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wire {
    /// A reliable message of a session.
    Session,
    /// An object that says its cursor, in the answer to a poll or on a socket.
    Object,
    /// A server-sent event.
    ServerSent,
    /// A call in a script.
    Script,
    /// A push to Centrifugo's clients.
    Centrifugo,
}

impl Wire {
    const COUNT: usize = 5;
}

/// A publication.
#[derive(Debug)]
pub struct Publication {
    /// Where it was published.
    pub channel: ChannelName,
    /// Its own number, and the life of the channel that it belongs to.
    pub position: Position,
    /// What it carries.
    pub data: Data,
    /// What it is about, if anything.
    pub key: Option<Arc<str>>,
    /// Words beside the data.
    pub tags: Vec<(String, String)>,
    /// By whom; `None` is the server.
    pub publisher: Option<Arc<Member>>,
    /// When, in milliseconds since 1970.
    pub unix_ms: u64,
    encoded: [OnceLock<Bytes>; Wire::COUNT],
}

impl Publication {
    pub(super) fn new(
        channel: ChannelName,
        position: Position,
        post: Post,
        publisher: Option<Arc<Member>>,
        unix_ms: u64,
    ) -> Self {
        let Post { data, key, tags, .. } = post;
        let encoded = std::array::from_fn(|_| OnceLock::new());
        Self { channel, position, data, key, tags, publisher, unix_ms, encoded }
    }

    /// Written down for `wire`: `write` is called for the first who asks, all others share it.
    pub fn encoded(&self, wire: Wire, write: impl FnOnce(&Self) -> Bytes) -> Bytes {
        match self.encoded.get(wire as usize) {
            Some(place) => place.get_or_init(|| write(self)).clone(),
            None => write(self),
        }
    }

    /// What it costs to keep or to queue, in bytes.
    pub fn bytes(&self) -> usize {
        let tags: usize = self.tags.iter().map(|(name, text)| name.len() + text.len()).sum();
        let key = self.key.as_ref().map_or(0, |key| key.len());
        self.data.bytes().len() + key + tags + OVERHEAD_BYTES
    }
}

/// What a publication takes beside what it carries.
const OVERHEAD_BYTES: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_what_its_publisher_says_or_refused() {
        assert!(Data::json("{\"a\":[1,2]}").is_ok());
        assert_eq!(Data::json("{\"a\":"), Err(DataError::NotJson));
        assert_eq!(Data::json(&b"\"\xff\""[..]), Err(DataError::NotJson));
        assert_eq!(Data::text(&b"\xc3\x28"[..]), Err(DataError::NotText));
        assert_eq!(Data::text("schön").expect("text").as_text(), Some("schön"));
    }
}
