//! What is allowed where: one set of options per namespace, from a file or from the game.

use std::{collections::BTreeMap, fs, path::Path, sync::Arc, time::Duration};

use serde::Deserialize;

use super::ChannelName;
use crate::limits::{
    CHANNELS_PER_NAMESPACE, HISTORY_BYTES_MAX, HISTORY_COUNT_MAX, PUBLICATION_BYTES_MAX,
};

/// Who may do something in a namespace's channels. Each includes those after it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Who {
    /// Whoever gets through the door.
    Anyone,
    /// Those who play.
    Players,
    /// Those whose token names the channel.
    Granted,
    /// The server and its backends alone.
    #[default]
    Server,
}

/// Whose a channel is, by what stands after the namespace.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Personal {
    /// The user of that name, as their token says.
    User,
    /// The connection with that id.
    Client,
}

/// What becomes of publications that a listener does not take in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SlowPolicy {
    /// The subscription ends. Whoever comes back recovers what the history holds.
    Close,
    /// The oldest give way, and the listener is told how many.
    #[default]
    DropOldest,
    /// Of those with the same key only the latest waits; beyond that the oldest give way.
    LatestPerKey,
}

/// How much is kept for those who come later. None of it where one of them is 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HistoryBounds {
    /// Publications per channel.
    pub count: usize,
    /// Bytes per channel.
    #[serde(default = "default_history_bytes")]
    pub bytes: usize,
    /// Age, in seconds.
    #[serde(default = "default_history_seconds")]
    pub seconds: u64,
}

/// How often one connection may publish, over all channels of a namespace.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// In the long run.
    pub per_second: u32,
    /// At once.
    pub burst: u32,
}

/// What holds for the channels of a namespace.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NamespaceOptions {
    /// Who may listen, and read the history.
    pub listen: Who,
    /// Who may publish.
    pub publish: Who,
    /// Channels are personal: whatever `listen` says, only their owner may.
    pub personal: Option<Personal>,
    /// What is kept.
    pub history: HistoryBounds,
    /// Whether listeners can ask who is here.
    pub presence: bool,
    /// Whether listeners hear who comes and goes, in channels of up to
    /// [`crate::limits::JOIN_EVENTS_MEMBERS_MAX`].
    pub join_leave: bool,
    /// How often one connection may publish.
    pub rate: Rate,
    /// Longest publication, in bytes.
    pub message_bytes_max: usize,
    /// What becomes of what is not taken in.
    pub slow: SlowPolicy,
    /// Most channels at once.
    pub channels_max: usize,
}

impl Default for NamespaceOptions {
    fn default() -> Self {
        Self {
            listen: Who::Server,
            publish: Who::Server,
            personal: None,
            history: HistoryBounds::default(),
            presence: false,
            join_leave: false,
            rate: Rate { per_second: 5, burst: 20 },
            message_bytes_max: 4 * 1024,
            slow: SlowPolicy::DropOldest,
            channels_max: CHANNELS_PER_NAMESPACE,
        }
    }
}

impl HistoryBounds {
    /// So many, with the usual bytes and age.
    pub const fn of(count: usize) -> Self {
        Self { count, bytes: default_history_bytes(), seconds: default_history_seconds() }
    }

    /// How old a publication may get.
    pub const fn age(self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    /// Whether anything is kept.
    pub const fn keeps(self) -> bool {
        self.count > 0 && self.bytes > 0 && self.seconds > 0
    }
}

/// All namespaces, by name. Channels without a namespace are under the empty one.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Namespaces {
    by_name: BTreeMap<String, Arc<NamespaceOptions>>,
}

/// Why a file describes no namespaces.
#[derive(Debug, thiserror::Error)]
pub enum NamespacesError {
    /// It cannot be read.
    #[error("cannot read {path}: {error}")]
    Io {
        /// Which file.
        path: String,
        /// Why not.
        error: std::io::Error,
    },
    /// Something in it is not what it should be.
    #[error("{field}: {what}")]
    Field {
        /// Where, as in `namespaces.chat.history.count`.
        field: String,
        /// What is wrong with it.
        what: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    namespaces: BTreeMap<String, NamespaceOptions>,
}

impl Namespaces {
    /// What holds on loopback unless a file says otherwise: anyone may use `chat`, and listen to
    /// channels without a namespace.
    pub fn for_loopback() -> Self {
        let chat = NamespaceOptions {
            listen: Who::Anyone,
            publish: Who::Anyone,
            history: HistoryBounds::of(100),
            presence: true,
            join_leave: true,
            ..NamespaceOptions::default()
        };
        let plain = NamespaceOptions {
            listen: Who::Anyone,
            history: HistoryBounds::of(100),
            ..NamespaceOptions::default()
        };
        Self::default().with("chat", chat).with("", plain)
    }

    /// With this one, in place of one of the same name.
    #[must_use]
    pub fn with(mut self, name: &str, options: NamespaceOptions) -> Self {
        self.by_name.insert(String::from(name), Arc::new(options));
        self
    }

    /// With all of `others`, in place of those of the same names.
    #[must_use]
    pub fn with_all(mut self, others: Self) -> Self {
        self.by_name.extend(others.by_name);
        self
    }

    /// What holds for a channel; `None` where nobody has described its namespace.
    pub fn options_of(&self, channel: &ChannelName) -> Option<&Arc<NamespaceOptions>> {
        self.by_name.get(channel.namespace())
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    /// Reads a file: JSON where its name ends in `.json`, else TOML.
    pub fn load(path: &Path) -> Result<Self, NamespacesError> {
        let text = fs::read_to_string(path)
            .map_err(|error| NamespacesError::Io { path: path.display().to_string(), error })?;
        if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json")) {
            Self::from_json(&text)
        } else {
            Self::from_toml(&text)
        }
    }

    /// Reads JSON: `{"namespaces": {"chat": {"listen": "anyone"}}}`.
    pub fn from_json(text: &str) -> Result<Self, NamespacesError> {
        let mut reader = serde_json::Deserializer::from_str(text);
        Self::read(&mut reader, ToString::to_string)
    }

    /// Reads TOML: `[namespaces.chat]`, `listen = "anyone"`.
    pub fn from_toml(text: &str) -> Result<Self, NamespacesError> {
        let reader = toml::Deserializer::parse(text).map_err(|error| NamespacesError::Field {
            field: String::from("the file"),
            what: error.message().to_owned(),
        })?;
        Self::read(reader, |error| String::from(error.message()))
    }

    fn read<'a, D: serde::Deserializer<'a>>(
        reader: D,
        say: impl Fn(&D::Error) -> String,
    ) -> Result<Self, NamespacesError> {
        let file: File = serde_path_to_error::deserialize(reader).map_err(|error| {
            let (field, what) = (error.path().to_string(), say(error.inner()));
            NamespacesError::Field { field, what }
        })?;
        let mut namespaces = Self::default();
        for (name, options) in file.namespaces {
            options.check().map_err(|(field, what)| NamespacesError::Field {
                field: format!("namespaces.{name}.{field}"),
                what,
            })?;
            namespaces = namespaces.with(&name, options);
        }
        Ok(namespaces)
    }
}

impl NamespaceOptions {
    /// The first field whose number is out of bounds, and what is wrong with it.
    fn check(&self) -> Result<(), (&'static str, String)> {
        let most = |field, value: usize, max: usize| {
            if value <= max { Ok(()) } else { Err((field, format!("{value} is more than {max}"))) }
        };
        most("history.count", self.history.count, HISTORY_COUNT_MAX)?;
        most("history.bytes", self.history.bytes, HISTORY_BYTES_MAX)?;
        most("message_bytes_max", self.message_bytes_max, PUBLICATION_BYTES_MAX)?;
        if self.publish != Who::Server && (self.rate.per_second == 0 || self.rate.burst == 0) {
            return Err(("rate", String::from("0 lets nobody publish")));
        }
        Ok(())
    }
}

const fn default_history_bytes() -> usize {
    256 * 1024
}

const fn default_history_seconds() -> u64 {
    60 * 60
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOML: &str = r#"
        [namespaces.chat]
        listen = "anyone"
        publish = "players"
        history = { count = 50 }
        rate = { per_second = 1, burst = 3 }
        slow = "latest-per-key"

        [namespaces.user]
        personal = "user"
    "#;

    #[test]
    fn a_file_describes_namespaces_and_leaves_the_rest_as_usual() {
        let namespaces = Namespaces::from_toml(TOML).expect("it is a good file");
        let options = |name| {
            let name = ChannelName::new(name).expect("a name");
            namespaces.options_of(&name).map(|options| **options)
        };
        let chat = options("chat:main").expect("it is described");
        assert_eq!((chat.listen, chat.publish), (Who::Anyone, Who::Players));
        assert_eq!((chat.history.count, chat.history.seconds), (50, 3600));
        assert_eq!(options("user:alice").map(|one| one.personal), Some(Some(Personal::User)));
        assert_eq!(options("other:x"), None, "nobody described it");
        let json = r#"{"namespaces": {"chat": {"listen": "anyone", "publish": "players",
            "history": {"count": 50}, "rate": {"per_second": 1, "burst": 3},
            "slow": "latest-per-key"}, "user": {"personal": "user"}}}"#;
        assert_eq!(Namespaces::from_json(json).expect("the same"), namespaces);
    }

    #[test]
    fn a_mistake_in_the_file_is_named_by_its_field() {
        let error = |text: &str| Namespaces::from_toml(text).expect_err("a mistake").to_string();
        let cases = [
            ("[namespaces.chat]\nlisten = \"everyone\"", "namespaces.chat.listen: unknown variant"),
            ("[namespaces.chat]\nlissen = \"anyone\"", "namespaces.chat.lissen: unknown field"),
            ("[namespaces.chat]\nhistory = { count = -1 }", "namespaces.chat.history.count: "),
            (
                "[namespaces.chat]\nhistory = { count = 1000000 }",
                "namespaces.chat.history.count: 1000000 is more than",
            ),
            (
                "[namespaces.chat]\npublish = \"anyone\"\nrate = { per_second = 0, burst = 1 }",
                "namespaces.chat.rate: 0 lets nobody publish",
            ),
            ("[namespaces.chat\n", "the file: "),
        ];
        for (text, expected) in cases {
            let found = error(text);
            assert!(found.starts_with(expected), "{found}");
        }
    }
}
