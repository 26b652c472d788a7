//! Keys that connection tokens are verified with, each bound to its algorithm.
//!
//! Three forms are read: a JSON Web Key Set; public keys in PEM; or lines of text, each a secret
//! that is shared with whoever signs. To rotate keys, name the new one beside the old one, and
//! take the old one away once nothing signed with it is good any more.

use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse},
};
use serde::Deserialize;
use serde_json::Value;

use crate::limits::{SECRET_BYTES_MIN, TOKEN_KEYS_MAX};

/// Keys that tokens are verified with.
#[derive(Clone, Default)]
pub struct KeySet(Vec<Key>);

#[derive(Clone)]
struct Key {
    id: Option<String>,
    algorithm: Algorithm,
    key: DecodingKey,
}

/// Why a text holds no keys.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum KeyError {
    /// Neither of the three forms.
    #[error("this is no key set: {0}")]
    Malformed(String),
    /// A key that only whoever signs should have.
    #[error("this is a private key, which belongs to whoever signs; its public key is wanted here")]
    Private,
    /// A secret that can be guessed.
    #[error(
        "a secret is shorter than {SECRET_BYTES_MIN} bytes (make one with: openssl rand -hex 32)"
    )]
    Short,
    /// Nothing that we can verify with.
    #[error("there is no key for HS256, RS256, ES256 or EdDSA in it")]
    Empty,
    /// More than anybody needs; each may be tried for a forged token.
    #[error("there are more than {TOKEN_KEYS_MAX} keys in it")]
    TooMany,
}

/// The rest of the set is none of our business where one key is of another kind.
#[derive(Deserialize)]
struct Set {
    keys: Vec<Value>,
}

impl std::fmt::Debug for KeySet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let keys = self.0.iter().map(|key| (key.algorithm, key.id.as_deref()));
        f.debug_list().entries(keys).finish()
    }
}

impl KeySet {
    /// Reads keys in whichever of the forms.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        let keys = if text.starts_with('{') {
            parse_set(text)?
        } else if text.contains("-----BEGIN ") {
            parse_pem(text)?
        } else {
            parse_secrets(text)?
        };
        match keys.len() {
            0 => Err(KeyError::Empty),
            1..=TOKEN_KEYS_MAX => Ok(Self(keys)),
            _ => Err(KeyError::TooMany),
        }
    }

    /// All keys of both.
    pub fn merge(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether somebody who reads these can sign with them.
    pub fn is_secret(&self) -> bool {
        self.0.iter().any(|key| key.algorithm == Algorithm::HS256)
    }

    /// Whether one of these goes by this name.
    pub fn knows(&self, id: &str) -> bool {
        self.0.iter().any(|key| key.id.as_deref() == Some(id))
    }

    /// Those that may have signed a token whose header says this.
    pub(super) fn candidates<'a>(
        &'a self,
        algorithm: Algorithm,
        id: Option<&'a str>,
    ) -> impl Iterator<Item = &'a DecodingKey> {
        let is_named = move |key: &&Key| match (&key.id, id) {
            (Some(own), Some(named)) => own == named,
            _ => true,
        };
        let keys = self.0.iter().filter(move |key| key.algorithm == algorithm);
        keys.filter(is_named).map(|key| &key.key)
    }
}

fn parse_set(text: &str) -> Result<Vec<Key>, KeyError> {
    let malformed = |error: serde_json::Error| KeyError::Malformed(error.to_string());
    let set: Set = serde_json::from_str(text).map_err(malformed)?;
    let mut keys = Vec::new();
    for value in set.keys {
        // Sets of large issuers hold keys for other purposes, and of kinds yet to be invented.
        let Ok(jwk) = serde_json::from_value::<Jwk>(value) else { continue };
        let Some(algorithm) = algorithm_of(&jwk) else { continue };
        let malformed = |error: jsonwebtoken::errors::Error| KeyError::Malformed(error.to_string());
        let key = DecodingKey::from_jwk(&jwk).map_err(malformed)?;
        if algorithm == Algorithm::HS256
            && key.try_get_as_bytes().is_ok_and(|secret| secret.len() < SECRET_BYTES_MIN)
        {
            return Err(KeyError::Short);
        }
        keys.push(Key { id: jwk.common.key_id, algorithm, key });
    }
    Ok(keys)
}

/// The one algorithm that a key is for; `None` where we do not speak it.
fn algorithm_of(jwk: &Jwk) -> Option<Algorithm> {
    let is_for_signing = matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature));
    let (algorithm, name) = match &jwk.algorithm {
        AlgorithmParameters::OctetKey(_) => (Algorithm::HS256, KeyAlgorithm::HS256),
        AlgorithmParameters::RSA(_) => (Algorithm::RS256, KeyAlgorithm::RS256),
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
            (Algorithm::ES256, KeyAlgorithm::ES256)
        }
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            (Algorithm::EdDSA, KeyAlgorithm::EdDSA)
        }
        _ => return None,
    };
    let is_ours = jwk.common.key_algorithm.is_none_or(|said| said == name);
    (is_for_signing && is_ours).then_some(algorithm)
}

fn parse_pem(text: &str) -> Result<Vec<Key>, KeyError> {
    let mut keys = Vec::new();
    for part in text.split("-----BEGIN ").skip(1) {
        let part = format!("-----BEGIN {part}");
        if part.contains("PRIVATE KEY-----") {
            return Err(KeyError::Private);
        }
        let pem = part.as_bytes();
        let key = DecodingKey::from_rsa_pem(pem)
            .map(|key| (Algorithm::RS256, key))
            .or_else(|_| DecodingKey::from_ed_pem(pem).map(|key| (Algorithm::EdDSA, key)))
            .or_else(|_| DecodingKey::from_ec_pem(pem).map(|key| (Algorithm::ES256, key)));
        let (algorithm, key) = key.map_err(|_| {
            KeyError::Malformed(String::from(
                "a PEM block is no public key for RS256, ES256 or EdDSA",
            ))
        })?;
        keys.push(Key { id: None, algorithm, key });
    }
    Ok(keys)
}

fn parse_secrets(text: &str) -> Result<Vec<Key>, KeyError> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let keys = lines.map(|line| {
        if line.len() < SECRET_BYTES_MIN {
            return Err(KeyError::Short);
        }
        let key = DecodingKey::from_secret(line.as_bytes());
        Ok(Key { id: None, algorithm: Algorithm::HS256, key })
    });
    keys.collect()
}
