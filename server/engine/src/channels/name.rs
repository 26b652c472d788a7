//! Names of channels: `namespace:rest`, or a name without a namespace.

use std::{fmt, sync::Arc};

use crate::limits::CHANNEL_NAME_BYTES_MAX;

/// The name of a channel: not empty, not too long, printable. Cheap to copy.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct ChannelName(Arc<str>);

/// Why a text is no channel's name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NameError {
    /// Nothing at all.
    #[error("a channel needs a name")]
    Empty,
    /// More than [`CHANNEL_NAME_BYTES_MAX`].
    #[error("a channel's name has at most {CHANNEL_NAME_BYTES_MAX} bytes")]
    TooLong,
    /// Control characters, or `*`, which stands for "any" in patterns.
    #[error("a channel's name has no control characters and no *")]
    Unprintable,
}

impl ChannelName {
    /// Reads a name.
    pub fn new(name: &str) -> Result<Self, NameError> {
        if name.is_empty() {
            return Err(NameError::Empty);
        }
        if name.len() > CHANNEL_NAME_BYTES_MAX {
            return Err(NameError::TooLong);
        }
        if name.chars().any(|letter| letter.is_control() || letter == '*') {
            return Err(NameError::Unprintable);
        }
        Ok(Self(Arc::from(name)))
    }

    /// The whole name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands before the first colon; empty where there is none.
    pub fn namespace(&self) -> &str {
        self.0.split_once(':').map_or("", |(namespace, _)| namespace)
    }

    /// What stands after the first colon; the whole name where there is none.
    pub fn rest(&self) -> &str {
        self.0.split_once(':').map_or(&*self.0, |(_, rest)| rest)
    }

    /// The users for whom the channel is, where it names them: `plan#alice,bob`.
    pub fn users(&self) -> Option<impl Iterator<Item = &str>> {
        self.0.split_once('#').map(|(_, users)| users.split(','))
    }
}

impl fmt::Display for ChannelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_a_namespace_or_none() {
        let parts = |name: &str| {
            let name = ChannelName::new(name).expect("a name");
            (String::from(name.namespace()), String::from(name.rest()))
        };
        assert_eq!(parts("chat:main"), (String::from("chat"), String::from("main")));
        assert_eq!(parts("5"), (String::new(), String::from("5")));
        assert_eq!(parts("a:b:c"), (String::from("a"), String::from("b:c")));
        let named = ChannelName::new("plan#alice,bob").expect("a name");
        assert_eq!(named.users().expect("it names users").collect::<Vec<_>>(), ["alice", "bob"]);
    }

    #[test]
    fn what_cannot_be_a_name_is_refused() {
        assert_eq!(ChannelName::new(""), Err(NameError::Empty));
        assert_eq!(ChannelName::new(&"x".repeat(256)), Err(NameError::TooLong));
        for name in ["a\nb", "a\0", "chat:*"] {
            assert_eq!(ChannelName::new(name), Err(NameError::Unprintable), "{name:?}");
        }
    }
}
