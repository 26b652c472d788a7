//! An operator of NATS, with one account and one user of it, as NATS' own tools make them.

use anyhow::Result;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use nkeys::KeyPair;
use serde_json::{Value, json};

/// What its server and its user are given.
pub(super) struct Operator {
    /// The server's configuration file.
    pub(super) configuration: String,
    /// The user's `.creds` file.
    pub(super) credentials: String,
}

impl Operator {
    /// One with fresh keys.
    pub(super) fn new() -> Result<Self> {
        let (operator, user) = (KeyPair::new_operator(), KeyPair::new_user());
        // JetStream asks for an account of the server's own.
        let (system, account) = (KeyPair::new_account(), KeyPair::new_account());
        let itself = sign(&operator, &operator, &json!({ "type": "operator", "version": 2 }))?;
        let system_token = sign(&operator, &system, &account_claims(json!({})))?;
        let unlimited =
            json!({ "mem_storage": -1, "disk_storage": -1, "streams": -1, "consumer": -1 });
        let account_token = sign(&operator, &account, &account_claims(unlimited))?;
        let user_claims = json!({
            "type": "user", "version": 2, "pub": {}, "sub": {}, "subs": -1, "data": -1, "payload": -1
        });
        let user_token = sign(&account, &user, &user_claims)?;
        let (system, account) = (system.public_key(), account.public_key());
        Ok(Self {
            configuration: format!(
                "operator: {itself}
                 system_account: {system}
                 resolver: MEMORY
                 resolver_preload: {{ {system}: {system_token}, {account}: {account_token} }}"
            ),
            credentials: format!(
                "-----BEGIN NATS USER JWT-----\n{user_token}\n------END NATS USER JWT------\n\n\
                 -----BEGIN USER NKEY SEED-----\n{}\n------END USER NKEY SEED------\n",
                user.seed()?
            ),
        })
    }
}

fn account_claims(storage: Value) -> Value {
    let mut limits = json!({
        "subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": true,
        "conn": -1, "leaf": -1
    });
    if let (Value::Object(limits), Value::Object(storage)) = (&mut limits, storage) {
        limits.extend(storage);
    }
    let anything = json!({ "pub": {}, "sub": {} });
    json!({ "type": "account", "version": 2, "limits": limits, "default_permissions": anything })
}

/// What `issuer` says of `subject`.
fn sign(issuer: &KeyPair, subject: &KeyPair, nats: &Value) -> Result<String> {
    let header = json!({ "typ": "JWT", "alg": "ed25519-nkey" });
    let claims = json!({
        "jti": subject.public_key(), "iat": 1_700_000_000, "iss": issuer.public_key(),
        "name": "tickwire", "sub": subject.public_key(), "nats": nats
    });
    let encode = |part: &[u8]| URL_SAFE_NO_PAD.encode(part);
    let text = format!(
        "{}.{}",
        encode(&serde_json::to_vec(&header)?),
        encode(&serde_json::to_vec(&claims)?)
    );
    let signature = issuer.sign(text.as_bytes())?;
    Ok(format!("{text}.{}", encode(&signature)))
}
