//! Settings, from flags and `TICKWIRE_*` variables.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};

/// Settings of the engine. A game's binary flattens them into its own.
#[derive(Args, Clone, Debug)]
pub struct Config {
    /// Public door: the page and the players
    #[arg(long, env = "TICKWIRE_LISTEN", default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    pub listen: SocketAddr,
    /// Internal door: metrics and backends. Keep it away from the internet
    #[arg(
        long,
        env = "TICKWIRE_INTERNAL",
        default_value = "127.0.0.1:8081",
        value_name = "ADDRESS"
    )]
    pub internal: SocketAddr,
    /// Ticks per second; the game's own rate when not given
    #[arg(long, env = "TICKWIRE_TICK_RATE", value_name = "HZ", value_parser = clap::value_parser!(u16).range(1..=240))]
    pub tick_rate: Option<u16>,
    /// Seed of the rooms' chance; drawn at random when not given
    #[arg(long, env = "TICKWIRE_SEED", value_name = "NUMBER")]
    pub seed: Option<u64>,
    /// Names of the rooms; the first is for clients that ask for none
    #[arg(
        long,
        env = "TICKWIRE_ROOMS",
        default_value = "main",
        value_delimiter = ',',
        value_name = "NAMES"
    )]
    pub rooms: Vec<String>,
    /// Most clients at once, over all rooms
    #[arg(long, env = "TICKWIRE_CLIENTS_MAX", default_value_t = 2_000, value_name = "COUNT")]
    pub clients_max: usize,
    /// Origin whose pages may play, such as `https://example.org`; repeat or separate by commas
    #[arg(
        long = "allow-origin",
        env = "TICKWIRE_ALLOW_ORIGIN",
        value_delimiter = ',',
        value_name = "ORIGIN"
    )]
    pub allowed_origins: Vec<String>,
    /// Host name by which this server is asked for, beside its own address
    #[arg(
        long = "allow-host",
        env = "TICKWIRE_ALLOW_HOST",
        value_delimiter = ',',
        value_name = "HOST"
    )]
    pub allowed_hosts: Vec<String>,
    /// Seconds for which a player who lost every connection stays in the game
    #[arg(long, env = "TICKWIRE_GRACE", default_value = "60", value_name = "SECONDS", value_parser = parse_seconds)]
    pub grace: Duration,
    /// Most players who are in the game without a connection; a quarter of the clients when not
    /// given
    #[arg(long, env = "TICKWIRE_ABSENT_MAX", value_name = "COUNT")]
    pub absent_max: Option<usize>,
    /// File with the keys that sign session tokens, one per line as 64 hexadecimal digits, at most
    /// two: the first one signs. Made at the first start where the server listens on loopback
    #[arg(long, env = "TICKWIRE_SECRET_FILE", value_name = "FILE")]
    pub secret_file: Option<PathBuf>,
    /// Keys that sign connection tokens: a file or an https address with a JSON Web Key Set, a file
    /// with public keys (PEM), or a file with secrets, one per line; repeat or separate by commas.
    /// Read again when they change
    #[arg(long, env = "TICKWIRE_TOKEN_KEYS", value_delimiter = ',', value_name = "FILE|URL")]
    pub token_keys: Vec<String>,
    /// Audience that connection tokens have to name; repeat or separate by commas
    #[arg(
        long = "token-audience",
        env = "TICKWIRE_TOKEN_AUDIENCE",
        value_delimiter = ',',
        value_name = "NAME"
    )]
    pub token_audiences: Vec<String>,
    /// Issuer that connection tokens have to name; repeat or separate by commas
    #[arg(
        long = "token-issuer",
        env = "TICKWIRE_TOKEN_ISSUER",
        value_delimiter = ',',
        value_name = "NAME"
    )]
    pub token_issuers: Vec<String>,
    /// Whether clients without a connection token may play. They may where the server listens on
    /// loopback and nothing else is said
    #[arg(
        long,
        env = "TICKWIRE_ALLOW_ANONYMOUS",
        num_args = 0..=1,
        default_missing_value = "true",
        require_equals = true,
        value_name = "BOOLEAN"
    )]
    pub allow_anonymous: Option<bool>,
    /// File with keys with which backends may call at the public door as well, one per line
    #[arg(long, env = "TICKWIRE_API_KEY_FILE", value_name = "FILE")]
    pub api_key_file: Option<PathBuf>,
    /// File (TOML or JSON) that describes the channels: who may listen and publish, what is kept
    #[arg(long, env = "TICKWIRE_CHANNELS", value_name = "FILE")]
    pub channels: Option<PathBuf>,
    /// Most who listen to channels at once beside the players
    #[arg(long, env = "TICKWIRE_LISTENERS_MAX", default_value_t = 10_000, value_name = "COUNT")]
    pub listeners_max: usize,
    /// Most of them from one address; 0 is no limit. Set it to 0 behind a proxy, where everybody
    /// has one address
    #[arg(
        long,
        env = "TICKWIRE_LISTENERS_PER_ADDRESS_MAX",
        default_value_t = 1_000,
        value_name = "COUNT"
    )]
    pub listeners_per_address_max: usize,
    /// NATS server from whose JetStream publications are read as well, such as
    /// `nats://127.0.0.1:4222` or `tls://nats.example.org`. Servers that read from the same one
    /// need a --node each
    #[arg(long, env = "TICKWIRE_NATS", value_name = "ADDRESS")]
    pub nats: Option<String>,
    /// File with what this server shows to NATS: a `.creds` file, or a line with `user:password` or
    /// with a token. Read again for each connection
    #[arg(long, env = "TICKWIRE_NATS_CREDENTIALS", value_name = "FILE", requires = "nats")]
    pub nats_credentials: Option<PathBuf>,
    /// What subjects begin with: behind it and a dot stands the channel, as in `tickwire.chat:main`
    #[arg(long, env = "TICKWIRE_NATS_PREFIX", default_value = "tickwire", value_name = "SUBJECT")]
    pub nats_prefix: String,
    /// Stream there that holds the publications; made where there is none. One that others made has
    /// to take the subjects that begin with the prefix
    #[arg(long, env = "TICKWIRE_NATS_STREAM", default_value = "TICKWIRE", value_name = "NAME")]
    pub nats_stream: String,
    /// Number of this server among those that share the secret file or the NATS server. Two with
    /// one number would share what NATS holds for it, and each message would reach the listeners of
    /// one of them only
    #[arg(long, env = "TICKWIRE_NODE", default_value_t = 0, value_name = "NUMBER")]
    pub node: u32,
    /// Certificate chain (PEM) for TLS on the public door; read again when it changes
    #[arg(long, env = "TICKWIRE_TLS_CERTIFICATE", value_name = "FILE", requires = "tls_key")]
    pub tls_certificate: Option<PathBuf>,
    /// Private key (PEM) of the certificate
    #[arg(long, env = "TICKWIRE_TLS_KEY", value_name = "FILE", requires = "tls_certificate")]
    pub tls_key: Option<PathBuf>,
    /// Connections that one address may begin per second, beyond the burst; 0 is no limit. Set it
    /// to 0 behind a proxy, where everybody has one address
    #[arg(
        long,
        env = "TICKWIRE_HANDSHAKES_PER_SECOND",
        default_value_t = 100,
        value_name = "COUNT"
    )]
    pub handshakes_per_second: u32,
    /// Connections that one address may begin at once
    #[arg(long, env = "TICKWIRE_HANDSHAKE_BURST", default_value_t = 1_000, value_name = "COUNT")]
    pub handshake_burst: u32,
    /// Judges shots by where things are, not by what the shooter saw: to feel the difference
    #[arg(long, env = "TICKWIRE_NO_LAG_COMPENSATION")]
    pub no_lag_compensation: bool,
    /// Writes a recording of each room into this directory
    #[arg(long, env = "TICKWIRE_RECORD", value_name = "DIRECTORY")]
    pub record: Option<PathBuf>,
    /// Form of the log on standard error; RUST_LOG says how much of it
    #[arg(long, env = "TICKWIRE_LOG_FORMAT", default_value = "text", value_name = "FORMAT")]
    pub log_format: LogFormat,
}

/// Form of the log.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object per line.
    Json,
}

/// Settings that do not go together.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ConfigError {
    /// Open to a network, and to pages from anywhere.
    #[error(
        "--listen {0} is open to other machines: name the origins whose pages may play, as in \
         --allow-origin https://example.org"
    )]
    OriginsMissing(SocketAddr),
    /// Open to a network, with no keys that outlive the process.
    #[error(
        "--listen {0} is open to other machines: name a file for the keys of session tokens, as \
         in --secret-file /etc/tickwire/secret (make it with: openssl rand -hex 32)"
    )]
    SecretMissing(SocketAddr),
    /// Open to a network, and nobody said whether anybody may play.
    #[error(
        "--listen {0} is open to other machines: say who may play, with the keys of connection \
         tokens, as in --token-keys https://example.org/jwks.json, or with --allow-anonymous for \
         everybody"
    )]
    AnonymousUnsaid(SocketAddr),
    /// A server for nobody.
    #[error(
        "without anonymous play nobody can join: name the keys of connection tokens, as in \
         --token-keys keys.json"
    )]
    KeysMissing,
    /// Nothing to play in.
    #[error("--rooms names no room")]
    RoomsMissing,
    /// A password where everybody on the machine can read it.
    #[error(
        "--nats has a password or a token in its address, where others on this machine and in the \
         log can read it: name a file that holds it, as in --nats-credentials /etc/tickwire/nats"
    )]
    NatsSecretInAddress,
    /// Where no message queue can be.
    #[error("--nats {0} is no address of a NATS server, such as nats://127.0.0.1:4222")]
    NatsAddressInvalid(String),
    /// What no subject can begin with.
    #[error(
        "--nats-prefix {0} is no beginning of a subject: letters, digits, - and _, in words with \
         dots between them"
    )]
    NatsPrefixInvalid(String),
}

impl Config {
    /// Whether the settings go together.
    pub fn check(&self) -> Result<(), ConfigError> {
        if !self.listen.ip().is_loopback() && self.allowed_origins.is_empty() {
            return Err(ConfigError::OriginsMissing(self.listen));
        }
        if !self.listen.ip().is_loopback() && self.secret_file.is_none() {
            return Err(ConfigError::SecretMissing(self.listen));
        }
        if self.token_keys.is_empty() {
            match self.allow_anonymous {
                None if !self.listen.ip().is_loopback() => {
                    return Err(ConfigError::AnonymousUnsaid(self.listen));
                }
                Some(false) => return Err(ConfigError::KeysMissing),
                _ => {}
            }
        }
        if self.rooms.iter().all(String::is_empty) {
            return Err(ConfigError::RoomsMissing);
        }
        self.check_nats()
    }

    fn check_nats(&self) -> Result<(), ConfigError> {
        if let Some(address) = &self.nats {
            if address.contains('@') {
                return Err(ConfigError::NatsSecretInAddress);
            }
            let server = address.parse::<async_nats::ServerAddr>();
            if !server.is_ok_and(|server| !server.host().is_empty() && !server.is_websocket()) {
                return Err(ConfigError::NatsAddressInvalid(address.clone()));
            }
        }
        let is_word = |word: &str| {
            let is_fit = |letter: u8| letter.is_ascii_alphanumeric() || b"-_".contains(&letter);
            !word.is_empty() && word.bytes().all(is_fit)
        };
        if !self.nats_prefix.split('.').all(is_word) {
            return Err(ConfigError::NatsPrefixInvalid(self.nats_prefix.clone()));
        }
        Ok(())
    }

    /// Whether clients without a connection token may play.
    pub fn allows_anonymous(&self) -> bool {
        self.allow_anonymous.unwrap_or_else(|| self.listen.ip().is_loopback())
    }
}

fn parse_seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| String::from("not a number of seconds"))?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Flags {
        #[command(flatten)]
        config: Config,
    }

    fn config(flags: &[&str]) -> Config {
        Flags::parse_from([&["game"], flags].concat()).config
    }

    #[test]
    fn an_open_door_demands_origins() {
        assert_eq!(config(&[]).check(), Ok(()));
        let open = config(&["--listen", "0.0.0.0:80"]);
        assert_eq!(open.check(), Err(ConfigError::OriginsMissing(open.listen)));
        let named = ["--listen", "0.0.0.0:80", "--allow-origin", "https://example.org"];
        let open = config(&named);
        assert_eq!(open.check(), Err(ConfigError::SecretMissing(open.listen)));
        let secret = [&named[..], &["--secret-file", "/etc/tickwire/secret"]].concat();
        assert_eq!(config(&secret).check(), Err(ConfigError::AnonymousUnsaid(open.listen)));
        for said in ["--allow-anonymous", "--token-keys=keys.json"] {
            let said = [&secret[..], &[said]].concat();
            assert_eq!(config(&said).check(), Ok(()));
        }
    }

    #[test]
    fn anonymous_play_is_for_loopback_or_named() {
        assert!(config(&[]).allows_anonymous());
        assert!(!config(&["--listen", "0.0.0.0:80"]).allows_anonymous());
        assert!(config(&["--listen", "0.0.0.0:80", "--allow-anonymous"]).allows_anonymous());
        let off = config(&["--allow-anonymous=false"]);
        assert_eq!(off.check(), Err(ConfigError::KeysMissing));
        let off = config(&["--allow-anonymous=false", "--token-keys", "a.json,https://b.example"]);
        assert_eq!(off.check(), Ok(()));
        assert!(!off.allows_anonymous());
    }

    #[test]
    fn an_address_with_a_password_is_refused_without_repeating_it() {
        for address in
            ["nats://arena:s3cret@127.0.0.1:4222", "s3cret@127.0.0.1", "tls://a:s3cret@b"]
        {
            let error = config(&["--nats", address]).check().expect_err("it is refused");
            assert_eq!(error, ConfigError::NatsSecretInAddress);
            assert!(!error.to_string().contains("s3cret"));
        }
    }

    #[test]
    fn what_names_no_queue_is_refused() {
        let check = |flags: &[&str]| config(flags).check();
        for good in ["nats://127.0.0.1:4222", "127.0.0.1", "tls://nats.example.org", "nats://[::1]"]
        {
            assert_eq!(check(&["--nats", good]), Ok(()));
        }
        for bad in ["", "http://127.0.0.1:4222", "ws://127.0.0.1", "nats://", "one two"] {
            let invalid = ConfigError::NatsAddressInvalid(String::from(bad));
            assert_eq!(check(&["--nats", bad]), Err(invalid));
        }
        for good in ["tickwire", "live.game-1", "a_b"] {
            assert_eq!(check(&["--nats-prefix", good]), Ok(()));
        }
        for bad in ["", ".", "live.", "a..b", "a.*", ">", "a b"] {
            let invalid = ConfigError::NatsPrefixInvalid(String::from(bad));
            assert_eq!(check(&["--nats-prefix", bad]), Err(invalid));
        }
    }
}
