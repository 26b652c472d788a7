//! Connection tokens at the door: the keys that they are verified with, from files and addresses
//! that are read again when they change.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, Weak},
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Context as _, Result, ensure};
use bytes::BytesMut;
use reqwest::{Client, Url, redirect};
use tickwire_shared::CloseReason;
use tokio::time::interval;

use crate::{
    config::Config,
    connection_token::{ChannelToken, ConnectionToken, KeySet, TokenError, TokenRules},
    limits::{KEY_SET_BYTES_MAX, KEY_SET_INTERVAL, KEY_SET_PAUSE, KEY_SET_TIMEOUT},
    secret_file,
};

/// Connection tokens at the door.
#[derive(Debug)]
pub(crate) struct Tokens {
    rules: TokenRules,
    allows_anonymous: bool,
    sources: Vec<Source>,
    client: Client,
    /// Held by whoever asks addresses: one at a time.
    asking: tokio::sync::Mutex<()>,
}

/// Where keys come from.
#[derive(Debug)]
struct Source {
    place: Place,
    state: Mutex<State>,
}

#[derive(Debug)]
enum Place {
    File(PathBuf),
    Address(Url),
}

#[derive(Debug, Default)]
struct State {
    /// `None` before they were there for the first time.
    keys: Option<KeySet>,
    /// The file's own time.
    changed: Option<SystemTime>,
    asked: Option<Instant>,
}

/// Between two looks at files, and at addresses that never answered.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);

impl Tokens {
    /// Reads the files, which have to be there, and goes on looking after all sources.
    pub(crate) fn start(config: &Config) -> Result<Arc<Self>> {
        let rules = TokenRules {
            audiences: config.token_audiences.clone(),
            issuers: config.token_issuers.clone(),
        };
        let client = Client::builder()
            .timeout(KEY_SET_TIMEOUT)
            // Whoever can redirect could choose the keys.
            .redirect(redirect::Policy::none())
            .build()
            .context("making a client for key sets")?;
        let sources = config.token_keys.iter().map(|place| Source::new(place));
        let sources = sources.collect::<Result<Vec<_>>>()?;
        let allows_anonymous = config.allows_anonymous();
        let asking = tokio::sync::Mutex::default();
        let tokens = Arc::new(Self { rules, allows_anonymous, sources, client, asking });
        tokio::spawn(look_after(Arc::downgrade(&tokens)));
        Ok(tokens)
    }

    /// Who shows this token; nobody in particular where it is empty and that will do.
    pub(crate) async fn admit(&self, token: &str) -> Result<ConnectionToken, CloseReason> {
        if token.is_empty() {
            let anonymous = self.allows_anonymous.then(ConnectionToken::default);
            return anonymous.ok_or(CloseReason::TokenMissing);
        }
        self.verify(|keys, now| self.rules.verify(keys, token, now)).await
    }

    /// What a token opens that is for one channel alone.
    pub(crate) async fn admit_to_channel(&self, token: &str) -> Result<ChannelToken, CloseReason> {
        self.verify(|keys, now| self.rules.verify_for_channel(keys, token, now)).await
    }

    async fn verify<T>(
        &self,
        verify: impl Fn(&KeySet, SystemTime) -> Result<T, TokenError>,
    ) -> Result<T, CloseReason> {
        let mut verified = verify(&self.keys(), SystemTime::now());
        // Its key may be newer than our knowledge.
        if matches!(verified, Err(TokenError::Forged)) && self.has_addresses() {
            self.ask_again().await;
            verified = verify(&self.keys(), SystemTime::now());
        }
        verified.map_err(|error| {
            tracing::debug!(%error, "refused");
            match error {
                TokenError::Expired => CloseReason::TokenExpired,
                // Nothing is known against it yet.
                TokenError::Forged if self.is_incomplete() => CloseReason::ServerError,
                _ => CloseReason::TokenRefused,
            }
        })
    }

    fn keys(&self) -> KeySet {
        let mut all = KeySet::default();
        for source in &self.sources {
            if let Some(keys) = &source.lock().keys {
                all.merge(keys.clone());
            }
        }
        all
    }

    /// Whether there are keys that never came.
    fn is_incomplete(&self) -> bool {
        self.sources.iter().any(|source| source.lock().keys.is_none())
    }

    fn has_addresses(&self) -> bool {
        self.sources.iter().any(|source| matches!(source.place, Place::Address(_)))
    }

    /// Looks whether addresses have newer keys, if that was not done a moment ago, or waits for
    /// whoever is just doing so.
    async fn ask_again(&self) {
        let _asking = self.asking.lock().await;
        for source in &self.sources {
            if source.is_due(KEY_SET_PAUSE) {
                source.ask(&self.client).await;
            }
        }
    }
}

/// Reads files that have changed, and asks addresses from time to time.
async fn look_after(tokens: Weak<Tokens>) {
    let mut ticks = interval(LOOK_INTERVAL);
    loop {
        ticks.tick().await;
        let Some(tokens) = tokens.upgrade() else { return };
        for source in &tokens.sources {
            source.read_if_changed();
            let pause = if source.lock().keys.is_some() { KEY_SET_INTERVAL } else { LOOK_INTERVAL };
            if source.is_due(pause) {
                let _asking = tokens.asking.lock().await;
                source.ask(&tokens.client).await;
            }
        }
    }
}

impl Source {
    fn new(place: &str) -> Result<Self> {
        if !place.contains("://") {
            let path = PathBuf::from(place);
            let changed = changed_at(&path);
            let keys = Some(read_file(&path)?);
            let state = Mutex::new(State { keys, changed, asked: None });
            return Ok(Self { place: Place::File(path), state });
        }
        let url: Url =
            place.parse().with_context(|| format!("--token-keys {place} is no address"))?;
        let is_local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        ensure!(
            url.scheme() == "https" || url.scheme() == "http" && is_local,
            "--token-keys {place}: keys from another machine have to come over https"
        );
        Ok(Self { place: Place::Address(url), state: Mutex::default() })
    }

    /// Whether it is an address that was not asked for so long.
    fn is_due(&self, pause: Duration) -> bool {
        let asked = self.lock().asked;
        matches!(self.place, Place::Address(_)) && asked.is_none_or(|at| at.elapsed() >= pause)
    }

    fn read_if_changed(&self) {
        let Place::File(path) = &self.place else { return };
        let changed = changed_at(path);
        if changed.is_none() || changed == self.lock().changed {
            return;
        }
        match read_file(path) {
            Ok(keys) => {
                tracing::info!(file = %path.display(), "took over new keys for connection tokens");
                let mut state = self.lock();
                (state.keys, state.changed) = (Some(keys), changed);
            }
            Err(error) => tracing::warn!("the new keys are not taken over: {error:#}"),
        }
    }

    async fn ask(&self, client: &Client) {
        let Place::Address(url) = &self.place else { return };
        self.lock().asked = Some(Instant::now());
        match fetch(client, url).await {
            Ok(keys) => self.lock().keys = Some(keys),
            // What was there before stays good: an issuer that is down locks nobody out.
            Err(error) => tracing::warn!(%url, "no keys for connection tokens: {error:#}"),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read_file(path: &Path) -> Result<KeySet> {
    let shown = path.display();
    let about = || format!("reading the keys for connection tokens in {shown}");
    let metadata = fs::metadata(path).with_context(about)?;
    ensure!(metadata.len() <= KEY_SET_BYTES_MAX as u64, "{shown} is too long for a key set");
    let text = fs::read_to_string(path).with_context(about)?;
    let keys = KeySet::parse(&text).with_context(about)?;
    if keys.is_secret() {
        secret_file::ensure_private("the secret in", path, &metadata)?;
    }
    Ok(keys)
}

async fn fetch(client: &Client, url: &Url) -> Result<KeySet> {
    let mut response = client.get(url.clone()).send().await?.error_for_status()?;
    ensure!(response.status().is_success(), "it answers with {}", response.status());
    let mut body = BytesMut::new();
    while let Some(piece) = response.chunk().await? {
        ensure!(body.len() + piece.len() <= KEY_SET_BYTES_MAX, "the answer is too long");
        body.extend_from_slice(&piece);
    }
    let text = std::str::from_utf8(&body).context("the answer is no text")?;
    let keys = KeySet::parse(text)?;
    ensure!(!keys.is_secret(), "a secret does not belong at an address");
    Ok(keys)
}

fn changed_at(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).ok()?.modified().ok()
}
