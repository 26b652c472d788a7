//! Somebody who signs connection tokens, with keys made for one test.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    process::Command,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result, ensure};
use jsonwebtoken::{
    Algorithm, EncodingKey, Header, encode,
    jwk::{Jwk, PublicKeyUse},
};
use serde_json::{Value, json};

/// Somebody who signs connection tokens.
pub struct Issuer {
    algorithm: Algorithm,
    id: Option<String>,
    key: EncodingKey,
    /// What whoever verifies needs, as a file holds it: a secret, or a public key in PEM.
    pub verifying: String,
}

impl Issuer {
    /// Shares a secret with whoever verifies.
    pub fn with_secret(secret: &str) -> Self {
        let key = EncodingKey::from_secret(secret.as_bytes());
        Self { algorithm: Algorithm::HS256, id: None, key, verifying: String::from(secret) }
    }

    /// Has a fresh pair of keys for this algorithm, which is none of those with a secret.
    pub fn with_pair(algorithm: Algorithm) -> Result<Self> {
        let arguments: &[&str] = match algorithm {
            Algorithm::RS256 => &["RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
            Algorithm::ES256 => &["EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
            _ => &["ED25519"],
        };
        let private = openssl(&[&["genpkey", "-algorithm"], arguments].concat(), "")?;
        let verifying = openssl(&["pkey", "-pubout"], &private)?;
        let pem = private.as_bytes();
        let key = match algorithm {
            Algorithm::RS256 => EncodingKey::from_rsa_pem(pem),
            Algorithm::ES256 => EncodingKey::from_ec_pem(pem),
            _ => EncodingKey::from_ed_pem(pem),
        };
        let key = key.context("reading the fresh key")?;
        Ok(Self { algorithm, id: None, key, verifying })
    }

    /// Names its key in its tokens and its key set.
    pub fn named(mut self, id: &str) -> Self {
        self.id = Some(String::from(id));
        self
    }

    /// The key as a member of a JSON Web Key Set.
    pub fn jwk(&self) -> Result<Value> {
        let mut jwk = Jwk::from_encoding_key(&self.key, self.algorithm)?;
        jwk.common.key_id = self.id.clone();
        jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        Ok(serde_json::to_value(jwk)?)
    }

    /// A token that says this.
    pub fn sign(&self, claims: &Value) -> Result<String> {
        self.sign_as(&Header { kid: self.id.clone(), ..Header::new(self.algorithm) }, claims)
    }

    /// A token with this header.
    pub fn sign_as(&self, header: &Header, claims: &Value) -> Result<String> {
        Ok(encode(header, claims, &self.key)?)
    }
}

/// The key set of these issuers.
pub fn key_set(issuers: &[&Issuer]) -> Result<String> {
    let keys = issuers.iter().map(|issuer| issuer.jwk()).collect::<Result<Vec<_>>>()?;
    Ok(json!({ "keys": keys }).to_string())
}

/// So many seconds from now, as tokens say it.
pub fn in_seconds(seconds: i64) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    i64::try_from(now).unwrap_or(i64::MAX) + seconds
}

/// A file that its owner alone can read, in a folder of its own.
pub fn key_file(text: &str) -> Result<PathBuf> {
    let folder = std::env::temp_dir().join(format!("tickwire-{:016x}", rand::random::<u64>()));
    fs::create_dir_all(&folder)?;
    let path = folder.join("keys");
    write_key_file(&path, text)?;
    Ok(path)
}

/// Writes such a file, or writes it anew.
pub fn write_key_file(path: &Path, text: &str) -> Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options.open(path)?.write_all(text.as_bytes())?;
    Ok(())
}

fn openssl(arguments: &[&str], input: &str) -> Result<String> {
    use std::process::Stdio;
    let mut child = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .context("openssl has to be installed")?;
    child.stdin.take().context("a pipe")?.write_all(input.as_bytes())?;
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "openssl {arguments:?} failed");
    Ok(String::from_utf8(output.stdout)?)
}
