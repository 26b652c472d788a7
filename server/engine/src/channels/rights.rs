//! Who asks, and what they may do where.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{ChannelName, NamespaceOptions, Personal, Who};

/// Somebody, as others see them: in presence, and as a publisher.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Member {
    /// The connection's own id. Players have their client number.
    pub client: String,
    /// Who it is, as the token's issuer names them; empty when anonymous.
    pub user: String,
    /// What people call them; may be empty.
    pub name: String,
    /// JSON that the token has for others to see; may be empty.
    pub info: String,
}

/// On which side of the doors somebody is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Standing {
    /// Somebody out there.
    #[default]
    Anyone,
    /// Somebody who plays.
    Player,
    /// The server itself, or a backend that it trusts.
    Server,
}

/// Channels that a token opens: whole names, or beginnings that end in `*`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Grants {
    /// Where its holder may listen.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub listen: Vec<String>,
    /// Where its holder may publish.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub publish: Vec<String>,
    /// Where its holder may silence others and send them away.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub moderate: Vec<String>,
}

impl Grants {
    /// Whether they open nothing.
    pub const fn is_empty(&self) -> bool {
        self.listen.is_empty() && self.publish.is_empty() && self.moderate.is_empty()
    }

    /// Whether they let their holder silence others in `channel` and send them away.
    pub fn moderates(&self, channel: &ChannelName) -> bool {
        grants(&self.moderate, channel)
    }
}

/// Who asks.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Identity {
    /// As others see them.
    pub member: Arc<Member>,
    /// On which side of the doors.
    pub standing: Standing,
    /// What their token opens.
    pub grants: Grants,
}

impl Identity {
    /// The server itself.
    pub fn server() -> Self {
        Self { standing: Standing::Server, ..Self::default() }
    }

    /// Whether they may hear what is published in `channel`.
    pub fn may_listen(&self, channel: &ChannelName, options: &NamespaceOptions) -> bool {
        if self.standing == Standing::Server {
            return true;
        }
        let own = |id: &str| !id.is_empty() && id == channel.rest();
        let is_theirs = match options.personal {
            Some(Personal::User) => own(&self.member.user),
            Some(Personal::Client) => own(&self.member.client),
            None => self.is_among(options.listen) || grants(&self.grants.listen, channel),
        };
        let is_named = channel
            .users()
            .is_none_or(|mut users| users.any(|user| !user.is_empty() && user == self.member.user));
        is_theirs && is_named
    }

    /// Whether they may publish in `channel`.
    pub fn may_publish(&self, channel: &ChannelName, options: &NamespaceOptions) -> bool {
        if self.standing == Standing::Server {
            return true;
        }
        if options.personal.is_some() || channel.users().is_some() {
            // Writing into somebody's letter box takes the right to, or being who owns it.
            return grants(&self.grants.publish, channel)
                || self.is_among(options.publish) && self.may_listen(channel, options);
        }
        self.is_among(options.publish) || grants(&self.grants.publish, channel)
    }

    /// Whether they may silence others in `channel` and send them away.
    pub fn may_moderate(&self, channel: &ChannelName) -> bool {
        self.standing == Standing::Server || self.grants.moderates(channel)
    }

    fn is_among(&self, who: Who) -> bool {
        match who {
            Who::Anyone => true,
            Who::Players => self.standing == Standing::Player,
            Who::Granted | Who::Server => false,
        }
    }
}

fn grants(patterns: &[String], channel: &ChannelName) -> bool {
    patterns.iter().any(|pattern| match pattern.strip_suffix('*') {
        Some(beginning) => channel.as_str().starts_with(beginning),
        None => pattern == channel.as_str(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(name: &str) -> ChannelName {
        ChannelName::new(name).expect("a name")
    }

    fn somebody(client: &str, user: &str, standing: Standing) -> Identity {
        let member =
            Member { client: String::from(client), user: String::from(user), ..Member::default() };
        Identity { member: Arc::new(member), standing, grants: Grants::default() }
    }

    #[test]
    fn a_namespace_says_who_may_listen_and_publish() {
        let options = NamespaceOptions {
            listen: Who::Anyone,
            publish: Who::Players,
            ..NamespaceOptions::default()
        };
        let (guest, player) =
            (somebody("a", "", Standing::Anyone), somebody("1", "", Standing::Player));
        let room = name("chat:main");
        assert!(guest.may_listen(&room, &options) && !guest.may_publish(&room, &options));
        assert!(player.may_publish(&room, &options));
        let private = NamespaceOptions::default();
        assert!(!player.may_listen(&room, &private), "private unless it says otherwise");
        assert!(Identity::server().may_publish(&room, &private));
    }

    #[test]
    fn a_token_opens_what_it_names_and_no_more() {
        let mut holder = somebody("a", "alice", Standing::Anyone);
        holder.grants.listen = vec![String::from("team:red"), String::from("news:*")];
        let private = NamespaceOptions::default();
        assert!(holder.may_listen(&name("team:red"), &private));
        assert!(holder.may_listen(&name("news:sport"), &private));
        assert!(!holder.may_listen(&name("team:red2"), &private));
        assert!(!holder.may_publish(&name("team:red"), &private));
    }

    #[test]
    fn nobody_reads_what_is_for_another_by_guessing_an_id() {
        let personal = NamespaceOptions {
            personal: Some(Personal::User),
            listen: Who::Anyone,
            ..NamespaceOptions::default()
        };
        let alice = somebody("7", "alice", Standing::Player);
        assert!(alice.may_listen(&name("user:alice"), &personal));
        for stranger in
            [somebody("alice", "", Standing::Player), somebody("7", "bob", Standing::Player)]
        {
            assert!(!stranger.may_listen(&name("user:alice"), &personal));
            assert!(!stranger.may_publish(&name("user:alice"), &personal));
        }
        let by_client = NamespaceOptions { personal: Some(Personal::Client), ..personal };
        assert!(alice.may_listen(&name("player:7"), &by_client));
        assert!(
            !somebody("8", "alice", Standing::Player).may_listen(&name("player:7"), &by_client)
        );
    }

    #[test]
    fn a_channel_may_name_its_users() {
        let open = NamespaceOptions { listen: Who::Anyone, ..NamespaceOptions::default() };
        assert!(somebody("1", "bob", Standing::Anyone).may_listen(&name("plan#alice,bob"), &open));
        assert!(!somebody("1", "eve", Standing::Anyone).may_listen(&name("plan#alice,bob"), &open));
        assert!(!somebody("1", "", Standing::Anyone).may_listen(&name("plan#"), &open));
    }
}
