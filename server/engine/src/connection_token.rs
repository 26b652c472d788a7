//! Who a client is, as somebody says whom we trust: JSON Web Tokens.
//!
//! A backend signs the token, its client shows it, and what it claims reaches the game. Keys are
//! ours to choose, never the token's: each key is bound to one algorithm, and whatever a token
//! says about where to find keys (`jku`, `x5u`, `jwk`) is not looked at.
//!
//! ```text
//! { "sub": "42", "name": "Ada", "exp": 1800000000, "aud": "tickwire", "iss": "https://example.org",
//!   "rooms": ["main"], "info": { "level": 7 },
//!   "channels": ["team:red", "news:*"], "publish": ["team:red"], "moderate": ["room:main"] }
//! ```
//! All of them may be left out, save `aud` and `iss` where the operator named some. A token for one
//! channel alone says `"channel": "team:red"` beside `sub` and `exp`. Reading keys from files and
//! addresses is the shell's.

mod keys;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, Validation, decode, decode_header, errors::ErrorKind};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use tickwire_shared::limits::{ROOM_NAME_BYTES_MAX, TOKEN_BYTES_MAX};

pub use keys::{KeyError, KeySet};

use crate::{
    channels::Grants,
    game::Claims,
    limits::{DISPLAY_NAME_BYTES_MAX, INFO_BYTES_MAX, SUBJECT_BYTES_MAX, TOKEN_LEEWAY},
};

/// A token that was found to be good.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ConnectionToken {
    /// What it says of its holder.
    pub claims: Claims,
    /// Until when; `None` when it is good for ever.
    pub expires: Option<SystemTime>,
}

/// Why a token is not accepted.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TokenError {
    /// It is no token, or says things in ways that we cannot read.
    #[error("this is no token: {0}")]
    Malformed(String),
    /// No key of ours has signed it.
    #[error("the token was not signed by a key that is trusted here")]
    Forged,
    /// Its time is over.
    #[error("the token is out of date")]
    Expired,
    /// Its time is still to come.
    #[error("the token is not good yet")]
    NotYet,
    /// It was made for somebody else.
    #[error("the token is for another audience")]
    WrongAudience,
    /// It was made by somebody else.
    #[error("the token comes from another issuer")]
    WrongIssuer,
}

/// Whom tokens have to be for and from.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TokenRules {
    /// Names of this server, one of which a token has to name; empty: a token may name none.
    pub audiences: Vec<String>,
    /// Issuers of whom a token has to name one; empty: any.
    pub issuers: Vec<String>,
}

/// What a connection token says.
#[derive(Clone, Deserialize)]
struct ConnectionClaims {
    #[serde(default)]
    sub: String,
    #[serde(default)]
    name: String,
    info: Option<Box<RawValue>>,
    rooms: Option<Vec<String>>,
    #[serde(default)]
    channels: Vec<String>,
    #[serde(default)]
    publish: Vec<String>,
    #[serde(default)]
    moderate: Vec<String>,
    exp: Option<f64>,
    nbf: Option<f64>,
}

/// A token that opens one channel to its holder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChannelToken {
    /// Which.
    pub channel: String,
    /// Whose it is; empty for those who are anonymous.
    pub subject: String,
    /// Until when; `None` when it is good for ever.
    pub expires: Option<SystemTime>,
}

/// What a token for one channel says.
#[derive(Clone, Deserialize)]
struct ChannelClaims {
    channel: String,
    #[serde(default)]
    sub: String,
    exp: Option<f64>,
    nbf: Option<f64>,
}

impl TokenRules {
    /// What a connection token says, where a key of `keys` has signed it and it is good at `now`.
    pub fn verify(
        &self,
        keys: &KeySet,
        token: &str,
        now: SystemTime,
    ) -> Result<ConnectionToken, TokenError> {
        let claims: ConnectionClaims = self.decode(keys, token)?;
        let expires = check_times(claims.exp, claims.nbf, now)?;
        let info = claims.info.map(|info| String::from(info.get())).unwrap_or_default();
        bound("sub", &claims.sub, SUBJECT_BYTES_MAX)?;
        bound("name", &claims.name, DISPLAY_NAME_BYTES_MAX)?;
        bound("info", &info, INFO_BYTES_MAX)?;
        for room in claims.rooms.iter().flatten() {
            bound("rooms", room, ROOM_NAME_BYTES_MAX)?;
        }
        let grants =
            Grants { listen: claims.channels, publish: claims.publish, moderate: claims.moderate };
        let (subject, name, rooms) = (claims.sub, claims.name, claims.rooms);
        Ok(ConnectionToken { claims: Claims { subject, name, info, rooms, grants }, expires })
    }

    /// The same for a token that opens one channel.
    pub fn verify_for_channel(
        &self,
        keys: &KeySet,
        token: &str,
        now: SystemTime,
    ) -> Result<ChannelToken, TokenError> {
        let claims: ChannelClaims = self.decode(keys, token)?;
        let expires = check_times(claims.exp, claims.nbf, now)?;
        Ok(ChannelToken { channel: claims.channel, subject: claims.sub, expires })
    }

    /// The claims of a token whose signature, audience and issuer are right. Times are not looked
    /// at.
    fn decode<C: DeserializeOwned + Clone>(
        &self,
        keys: &KeySet,
        token: &str,
    ) -> Result<C, TokenError> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenError::Malformed(format!("longer than {TOKEN_BYTES_MAX} bytes")));
        }
        let header = decode_header(token)
            .map_err(|_| TokenError::Malformed(String::from("no header that can be read")))?;
        if header.crit.is_some() {
            // Extensions that must be understood, none of which we do.
            return Err(TokenError::Malformed(String::from("an extension is critical to it")));
        }
        let mut refusal = TokenError::Forged;
        for key in keys.candidates(header.alg, header.kid.as_deref()) {
            match decode::<C>(token, key, &self.validation(header.alg)) {
                Ok(token) => return Ok(token.claims),
                Err(error) => match error.kind() {
                    ErrorKind::InvalidSignature => {}
                    // The signature was right: no other key will do better.
                    _ => {
                        refusal = refusal_of(error.kind());
                        break;
                    }
                },
            }
        }
        Err(refusal)
    }

    /// The library checks signature, audience and issuer. Times are ours, since ours is the clock.
    fn validation(&self, algorithm: Algorithm) -> Validation {
        let mut validation = Validation::new(algorithm);
        validation.validate_exp = false;
        validation.validate_nbf = false;
        let mut required = Vec::new();
        if !self.audiences.is_empty() {
            validation.set_audience(&self.audiences);
            required.push("aud");
        }
        if !self.issuers.is_empty() {
            validation.set_issuer(&self.issuers);
            required.push("iss");
        }
        validation.set_required_spec_claims(&required);
        validation
    }
}

fn refusal_of(kind: &ErrorKind) -> TokenError {
    match kind {
        ErrorKind::InvalidAudience => TokenError::WrongAudience,
        ErrorKind::InvalidIssuer => TokenError::WrongIssuer,
        ErrorKind::MissingRequiredClaim(claim) if claim == "aud" => TokenError::WrongAudience,
        ErrorKind::MissingRequiredClaim(claim) if claim == "iss" => TokenError::WrongIssuer,
        ErrorKind::Json(error) => TokenError::Malformed(error.to_string()),
        _ => TokenError::Forged,
    }
}

/// When the token ends, if it is good now.
fn check_times(
    expires: Option<f64>,
    not_before: Option<f64>,
    now: SystemTime,
) -> Result<Option<SystemTime>, TokenError> {
    let expires = expires.map(|seconds| moment("exp", seconds)).transpose()?;
    let not_before = not_before.map(|seconds| moment("nbf", seconds)).transpose()?;
    if expires.is_some_and(|expires| now >= expires + TOKEN_LEEWAY) {
        return Err(TokenError::Expired);
    }
    if not_before.is_some_and(|not_before| now + TOKEN_LEEWAY < not_before) {
        return Err(TokenError::NotYet);
    }
    Ok(expires)
}

fn moment(claim: &str, seconds: f64) -> Result<SystemTime, TokenError> {
    let impossible = || TokenError::Malformed(format!("{claim} is no moment"));
    if seconds > MOMENT_SECONDS_MAX {
        return Err(impossible());
    }
    Duration::try_from_secs_f64(seconds).map(|since| UNIX_EPOCH + since).map_err(|_| impossible())
}

fn bound(claim: &str, text: &str, bytes_max: usize) -> Result<(), TokenError> {
    if text.len() <= bytes_max {
        return Ok(());
    }
    Err(TokenError::Malformed(format!("{claim} is longer than {bytes_max} bytes")))
}

/// The year 9999: clocks can be calculated with until then.
const MOMENT_SECONDS_MAX: f64 = 253_402_300_799.0;
