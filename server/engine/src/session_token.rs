//! How a client proves that a session is its own.
//!
//! A token names the node, the session, and the generation of the attachment that it was issued
//! for, and is signed: a forged one is refused without a look at any table, and a node can tell
//! whom to pass another's to. It is a secret of its client, sent in frames and bodies, never in
//! an address.
//!
//! Keys come from a file with one key per line, 32 bytes in hexadecimal. The first one signs, all
//! are accepted: to rotate, put a new key on top, and remove the old one a week later.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result, ensure};
use rand::random;
use ring::hmac;

use crate::{limits::SESSION_TOKEN_LIFETIME, secret_file};

/// What a token says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SessionToken {
    /// The node that the session lives on.
    pub node: u32,
    /// Which session.
    pub session: u64,
    /// Which of the session's attachments it was issued for.
    pub generation: u32,
}

/// Why a token is not accepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TokenError {
    /// No key of ours has signed it.
    #[error("the session token was not signed here")]
    Forged,
    /// It is too old.
    #[error("the session token is out of date")]
    Expired,
}

/// The keys that sign tokens.
#[derive(Clone)]
pub struct SessionKeys(Vec<hmac::Key>);

impl std::fmt::Debug for SessionKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SessionKeys({})", self.0.len())
    }
}

const VERSION: u8 = 1;
/// Version, node, session, generation, expiry.
const CLAIM_BYTES: usize = 1 + 4 + 8 + 4 + 8;
const KEY_BYTES: usize = 32;
const KEYS_MAX: usize = 2;

impl SessionKeys {
    /// Keys that end with the process.
    pub fn ephemeral() -> Self {
        Self(vec![key(&random::<[u8; KEY_BYTES]>())])
    }

    /// Reads keys from a file that nobody else may read.
    pub fn load(path: &Path) -> Result<Self> {
        let shown = path.display();
        let text = secret_file::read("the secret file", path)?;
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let keys = lines.map(|line| parse_key(line).map(|bytes| key(&bytes)));
        let keys: Option<Vec<_>> = keys.collect();
        let keys = keys.with_context(|| {
            format!("the secret file {shown} must hold lines of 64 hexadecimal digits")
        })?;
        ensure!(!keys.is_empty(), "the secret file {shown} holds no key");
        ensure!(keys.len() <= KEYS_MAX, "the secret file {shown} holds more than two keys");
        Ok(Self(keys))
    }

    /// Reads keys from the file, which is made with a fresh key where there is none.
    pub fn load_or_make(path: &Path) -> Result<Self> {
        let shown = path.display();
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)
                .with_context(|| format!("making the folder of the secret file {shown}"))?;
        }
        // Written aside and then linked, so that two servers that start at once agree on one.
        let aside = path.with_extension(format!("{:016x}", random::<u64>()));
        if !path.exists() {
            let text: String =
                random::<[u8; KEY_BYTES]>().iter().map(|byte| format!("{byte:02x}")).collect();
            let mut options = fs::OpenOptions::new();
            options
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&aside)
                .and_then(|mut file| writeln!(file, "{text}"))
                .with_context(|| format!("making the secret file {shown}"))?;
            let _ = fs::hard_link(&aside, path);
            let _ = fs::remove_file(&aside);
        }
        Self::load(path)
    }

    /// Where keys are kept when nothing else is said; `None` where the user has no home.
    pub fn default_path() -> Option<PathBuf> {
        let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from);
        let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state"));
        Some(state.or_else(home)?.join("tickwire/secret"))
    }

    /// The token as a client keeps it.
    pub fn sign(&self, token: SessionToken, now: SystemTime) -> Vec<u8> {
        let expires = seconds(now + SESSION_TOKEN_LIFETIME);
        let mut bytes = vec![VERSION];
        bytes.extend(token.node.to_le_bytes());
        bytes.extend(token.session.to_le_bytes());
        bytes.extend(token.generation.to_le_bytes());
        bytes.extend(expires.to_le_bytes());
        if let Some(key) = self.0.first() {
            let tag = hmac::sign(key, &bytes);
            bytes.extend(tag.as_ref());
        }
        bytes
    }

    /// What a token says, if it is one of ours.
    pub fn verify(&self, bytes: &[u8], now: SystemTime) -> Result<SessionToken, TokenError> {
        let (claims, tag) = bytes.split_at_checked(CLAIM_BYTES).ok_or(TokenError::Forged)?;
        if !self.0.iter().any(|key| hmac::verify(key, claims, tag).is_ok()) {
            return Err(TokenError::Forged);
        }
        let (token, expires) = read_claims(claims).ok_or(TokenError::Forged)?;
        if seconds(now) >= expires {
            return Err(TokenError::Expired);
        }
        Ok(token)
    }
}

fn read_claims(bytes: &[u8]) -> Option<(SessionToken, u64)> {
    let (&[version], rest) = bytes.split_first_chunk()?;
    let (node, rest) = rest.split_first_chunk()?;
    let (session, rest) = rest.split_first_chunk()?;
    let (generation, rest) = rest.split_first_chunk()?;
    let (expires, _) = rest.split_first_chunk()?;
    let token = SessionToken {
        node: u32::from_le_bytes(*node),
        session: u64::from_le_bytes(*session),
        generation: u32::from_le_bytes(*generation),
    };
    (version == VERSION).then(|| (token, u64::from_le_bytes(*expires)))
}

fn key(bytes: &[u8]) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, bytes)
}

fn parse_key(line: &str) -> Option<[u8; KEY_BYTES]> {
    let digits = line.as_bytes();
    if digits.len() != 2 * KEY_BYTES {
        return None;
    }
    let mut bytes = [0; KEY_BYTES];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const TOKEN: SessionToken = SessionToken { node: 1, session: 2, generation: 3 };

    #[test]
    fn a_token_is_good_for_its_time_and_whoever_changes_a_bit_of_it_is_refused() {
        let keys = SessionKeys::ephemeral();
        let now = SystemTime::now();
        let bytes = keys.sign(TOKEN, now);
        assert!(bytes.len() <= tickwire_shared::limits::SESSION_TOKEN_BYTES_MAX);
        assert_eq!(keys.verify(&bytes, now), Ok(TOKEN));
        assert_eq!(keys.verify(&bytes, now + SESSION_TOKEN_LIFETIME), Err(TokenError::Expired));
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(keys.verify(&changed, now), Err(TokenError::Forged), "bit {bit}");
        }
        for length in 0..bytes.len() {
            assert_eq!(keys.verify(&bytes[..length], now), Err(TokenError::Forged));
        }
        assert_eq!(SessionKeys::ephemeral().verify(&bytes, now), Err(TokenError::Forged));
    }

    #[test]
    fn a_key_file_is_made_once_kept_to_its_owner_and_may_hold_two_keys() {
        let folder = std::env::temp_dir().join(format!("tickwire-{:016x}", random::<u64>()));
        let path = folder.join("deep/secret");
        let first = SessionKeys::load_or_make(&path).expect("there is a place for it");
        let again = SessionKeys::load_or_make(&path).expect("it is there");
        let (now, signed) = (SystemTime::now(), first.sign(TOKEN, SystemTime::now()));
        assert_eq!(again.verify(&signed, now), Ok(TOKEN), "it is the same key");

        let old = fs::read_to_string(&path).expect("it is there");
        fs::write(&path, format!("{}\n{old}", "ab".repeat(KEY_BYTES))).expect("it is ours");
        let rotated = SessionKeys::load(&path).expect("two keys are fine");
        assert_eq!(rotated.verify(&signed, now), Ok(TOKEN), "the old key is still accepted");
        let signed = rotated.sign(TOKEN, now);
        assert_eq!(first.verify(&signed, now), Err(TokenError::Forged), "the new one signs");

        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("it is ours");
        assert!(SessionKeys::load(&path).is_err_and(|error| error.to_string().contains("chmod")));
        fs::remove_dir_all(&folder).expect("it is ours");
    }
}
