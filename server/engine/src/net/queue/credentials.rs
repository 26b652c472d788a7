//! How this server shows the message queue who it is: from a file, since everybody on a machine
//! can read the flags of a command.

use std::{fmt, path::Path};

use anyhow::{Context as _, Result, ensure};
use async_nats::ConnectOptions;

use crate::secret_file;

/// What the queue is shown.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Credentials {
    /// A token signed by the account, and the key that proves that it is ours: a `.creds` file.
    Signed(String),
    /// A user and a password.
    Password { user: String, password: String },
    /// A word that all who may in have.
    Token(String),
}

/// What errors call the file.
const WHAT: &str = "the credentials for the queue in";

impl Credentials {
    /// Reads a file that nobody else may read: a `.creds` file as NATS' tools make it, or one
    /// line, `user:password` or a token without a colon.
    pub(super) fn load(path: &Path) -> Result<Self> {
        let text = secret_file::read(WHAT, path)?;
        Self::parse(&text).with_context(|| format!("reading {WHAT} {}", path.display()))
    }

    fn parse(text: &str) -> Result<Self> {
        if text.contains("BEGIN NATS USER JWT") {
            let signed = Self::Signed(String::from(text));
            // Whether it can be signed with is known only by trying.
            signed.clone().show(ConnectOptions::new())?;
            return Ok(signed);
        }
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let line = lines.next().context("it is empty")?;
        ensure!(
            lines.next().is_none(),
            "it has to be a .creds file, or one line: user:password, or a token"
        );
        Ok(match line.split_once(':') {
            Some((user, password)) => {
                Self::Password { user: String::from(user), password: String::from(password) }
            }
            None => Self::Token(String::from(line)),
        })
    }

    /// Connects with it.
    pub(super) fn show(self, options: ConnectOptions) -> Result<ConnectOptions> {
        Ok(match self {
            Self::Signed(text) => options.credentials(&text)?,
            Self::Password { user, password } => options.user_and_password(user, password),
            Self::Token(token) => options.token(token),
        })
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Signed(_) => "Signed(…)",
            Self::Password { .. } => "Password(…)",
            Self::Token(_) => "Token(…)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_password_where_it_has_a_colon_and_a_token_where_it_has_none() {
        let parse = |text: &str| Credentials::parse(text).expect("it is one");
        let password = |user: &str, password: &str| Credentials::Password {
            user: String::from(user),
            password: String::from(password),
        };
        assert_eq!(parse("arena:a:b\n"), password("arena", "a:b"), "the first colon");
        assert_eq!(parse("\n  s3cret \n"), Credentials::Token(String::from("s3cret")));
        assert!(!format!("{:?}", parse("arena:s3cret")).contains("s3cret"), "logs do not tell");
    }

    #[test]
    fn what_is_no_credentials_is_said_to_be_none_without_showing_it() {
        let damaged = "-----BEGIN NATS USER JWT-----\ns3cret\n------END NATS USER JWT------\n";
        for text in ["", " \n\n", "one:s3cret\ntwo:s3cret\n", damaged] {
            let error = format!("{:#}", Credentials::parse(text).expect_err("it is none"));
            assert!(!error.contains("s3cret"), "{error}");
        }
    }
}
