//! Who may speak as a backend.
//!
//! At the internal door, whoever gets there; what a proxy passes on is not from there, whatever
//! address it comes from. Everybody else shows a key, in a header. Keys come from a file with one
//! per line.

use std::path::Path;

use anyhow::{Result, ensure};
use axum::http::{HeaderMap, HeaderName, header};
use ring::digest::{SHA256, digest};

use crate::{
    limits::{API_KEYS_MAX, SECRET_BYTES_MIN},
    secret_file,
};

/// Keys with which backends speak at the public door. Kept as hashes, so that comparing them
/// tells nothing by how long it takes.
#[derive(Clone, Default)]
pub(crate) struct ApiKeys(Vec<[u8; 32]>);

impl std::fmt::Debug for ApiKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ApiKeys({})", self.0.len())
    }
}

/// At which door somebody asks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Door {
    /// Everybody's.
    Public,
    /// The one that operators keep to themselves.
    Internal,
}

/// Headers by which proxies say for whom they ask.
const FORWARDED: [HeaderName; 6] = [
    header::FORWARDED,
    header::VIA,
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-proto"),
    HeaderName::from_static("x-real-ip"),
];

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

impl ApiKeys {
    /// Reads keys from a file that nobody else may read.
    pub(crate) fn load(path: &Path) -> Result<Self> {
        let shown = path.display();
        let text = secret_file::read("the API keys in", path)?;
        let keys: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        ensure!(!keys.is_empty(), "{shown} holds no API key");
        ensure!(keys.len() <= API_KEYS_MAX, "{shown} holds more than {API_KEYS_MAX} API keys");
        ensure!(
            keys.iter().all(|key| key.len() >= SECRET_BYTES_MIN),
            "an API key in {shown} is shorter than {SECRET_BYTES_MIN} letters (make one with: \
             openssl rand -hex 32)"
        );
        Ok(Self(keys.into_iter().map(hash).collect()))
    }

    /// Whether whoever sends these headers at this door speaks as a backend.
    pub(crate) fn admits(&self, door: Door, headers: &HeaderMap) -> bool {
        let is_direct = !FORWARDED.iter().any(|name| headers.contains_key(name));
        door == Door::Internal && is_direct || shown_key(headers).is_some_and(|key| self.knows(key))
    }

    fn knows(&self, key: &str) -> bool {
        self.0.contains(&hash(key))
    }
}

/// `X-API-Key: …`, or `Authorization: Bearer …` or `apikey …`.
fn shown_key(headers: &HeaderMap) -> Option<&str> {
    if let Some(key) = headers.get(API_KEY) {
        return key.to_str().ok();
    }
    let (scheme, key) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let is_ours = scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("apikey");
    is_ours.then(|| key.trim())
}

fn hash(key: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, key.as_bytes()).as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    const KEY: &str = "0123456789abcdef0123456789abcdef";

    fn with(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).expect("it is plain"))])
    }

    #[test]
    fn a_backend_is_who_comes_by_the_internal_door_itself_or_shows_a_key() {
        let keys = ApiKeys(vec![hash(KEY)]);
        assert!(keys.admits(Door::Internal, &HeaderMap::new()));
        assert!(!keys.admits(Door::Public, &HeaderMap::new()));
        for name in FORWARDED {
            let passed_on = with(name.clone(), "127.0.0.1");
            assert!(!keys.admits(Door::Internal, &passed_on), "{name}");
        }
        for (name, value) in [
            (API_KEY, String::from(KEY)),
            (header::AUTHORIZATION, format!("Bearer {KEY}")),
            (header::AUTHORIZATION, format!("apikey {KEY}")),
        ] {
            let mut headers = with(name, &value);
            assert!(keys.admits(Door::Public, &headers), "{value}");
            headers.insert(header::VIA, HeaderValue::from_static("1.1 proxy"));
            assert!(keys.admits(Door::Internal, &headers), "{value}");
        }
        for value in ["", KEY, "Basic abc", "Bearer 0123456789abcdef0123456789abcdeg"] {
            assert!(!keys.admits(Door::Public, &with(header::AUTHORIZATION, value)), "{value}");
        }
        assert!(!ApiKeys::default().admits(Door::Public, &with(API_KEY, "")));
    }
}
