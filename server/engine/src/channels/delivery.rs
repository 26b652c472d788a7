//! What a subscriber is told.

use std::sync::Arc;

use super::{ChannelName, Member, Publication};

/// Something for a subscriber, in the order in which to tell it.
#[derive(Clone, Debug)]
pub enum Delivery {
    /// Something was published.
    Publication(Arc<Publication>),
    /// Somebody listens from now on.
    Joined {
        /// Where.
        channel: ChannelName,
        /// Who.
        member: Arc<Member>,
    },
    /// Somebody is gone.
    Left {
        /// Where.
        channel: ChannelName,
        /// Who.
        member: Arc<Member>,
    },
    /// So many deliveries of a channel are missing before the next: they were not taken in.
    Missed {
        /// Where.
        channel: ChannelName,
        /// How many.
        count: u32,
    },
    /// The subscription has ended, and not by its owner's wish.
    Ended {
        /// Where.
        channel: ChannelName,
        /// Why.
        reason: EndReason,
    },
}

/// Why a subscription ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EndReason {
    /// Its owner did not take in what was published. Subscribing again recovers what is kept.
    TooSlow,
    /// Somebody with the right to has sent its owner away.
    Kicked,
    /// Its owner has lost the right to listen.
    NotAllowed,
}

impl Delivery {
    /// Where it belongs.
    pub fn channel(&self) -> &ChannelName {
        match self {
            Self::Publication(publication) => &publication.channel,
            Self::Joined { channel, .. }
            | Self::Left { channel, .. }
            | Self::Missed { channel, .. }
            | Self::Ended { channel, .. } => channel,
        }
    }

    /// What it costs to let it wait, in bytes.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Publication(publication) => publication.bytes(),
            Self::Joined { member, .. } | Self::Left { member, .. } => {
                member.client.len() + member.user.len() + member.name.len() + member.info.len() + 64
            }
            Self::Missed { .. } | Self::Ended { .. } => 0,
        }
    }
}

impl EndReason {
    /// One sentence for people.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::TooSlow => "You could not keep up with that channel.",
            Self::Kicked => "You were sent away from that channel.",
            Self::NotAllowed => "That channel is not open to you any more.",
        }
    }
}
