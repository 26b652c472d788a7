//! What players and servers say of channels.
//!
//! All of it are reliable messages. A request has a number, which its answer carries; what was
//! published comes by itself, in the channel's order, after the answer to the subscription.

use alloc::{string::String, vec::Vec};

use bincode::{Decode, Encode};

/// A client wants something of a channel.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct ChannelRequest {
    /// The client's own number for it.
    pub request: u32,
    /// Which channel.
    pub channel: String,
    /// What it wants.
    pub action: ChannelAction,
}

/// What a client wants of a channel.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub enum ChannelAction {
    /// To listen.
    Subscribe(ChannelStart),
    /// To listen no more.
    Unsubscribe,
    /// To publish.
    Publish {
        /// What it is about, if anything.
        key: Option<String>,
        /// What.
        data: ChannelData,
    },
    /// To know who is here.
    Presence,
    /// To read what was published.
    History {
        /// Only what was published after this.
        after: Option<ChannelPosition>,
        /// At most so many.
        limit: u32,
        /// Newest first.
        newest_first: bool,
    },
}

/// From where on a client listens.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub enum ChannelStart {
    /// From now on.
    Live,
    /// With the newest so many.
    Last(u32),
    /// With all that was published after this.
    After(ChannelPosition),
}

/// A place in a channel. Both numbers are below 2⁵³.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub struct ChannelPosition {
    /// Which life of the channel.
    pub epoch: u64,
    /// How many publications of that life lie before.
    pub offset: u64,
}

/// What a publication carries.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub enum ChannelData {
    /// JSON, as text.
    Json(String),
    /// Text.
    Text(String),
    /// Bytes.
    Binary(Vec<u8>),
}

/// Somebody, as others see them.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode)]
pub struct ChannelMember {
    /// The connection's own id: a player's client number.
    pub client: String,
    /// Who it is, as the token's issuer names them; empty when anonymous.
    pub user: String,
    /// What people call them; may be empty.
    pub name: String,
    /// JSON that the token has for others to see; may be empty.
    pub info: String,
}

/// A publication.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct ChannelPublication {
    /// Where.
    pub channel: String,
    /// Its number in the channel's present life.
    pub offset: u64,
    /// When, in milliseconds since 1970.
    pub unix_ms: u64,
    /// By whom; `None` is the server.
    pub publisher: Option<ChannelMember>,
    /// What it is about, if anything.
    pub key: Option<String>,
    /// What it carries.
    pub data: ChannelData,
}

/// A server speaks of a channel.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub enum ChannelMessage {
    /// The client listens. Next come `recovered` publications from before, then what is
    /// published.
    Subscribed {
        /// Number of the request.
        request: u32,
        /// Where the channel stands.
        position: ChannelPosition,
        /// How many publications come that lie before that.
        recovered: u32,
        /// Whether these are all since the start that was asked for.
        is_complete: bool,
    },
    /// The client listens no more.
    Unsubscribed {
        /// Number of the request.
        request: u32,
    },
    /// The client has published.
    Published {
        /// Number of the request.
        request: u32,
        /// Number of the publication.
        position: ChannelPosition,
    },
    /// Who is here.
    Presence {
        /// Number of the request.
        request: u32,
        /// How many connections.
        clients: u32,
        /// How many users.
        users: u32,
        /// Some of them; all where there are few.
        members: Vec<ChannelMember>,
    },
    /// What was published.
    History {
        /// Number of the request.
        request: u32,
        /// Where the channel stands.
        position: ChannelPosition,
        /// Whether the history reaches back to where the reading begins.
        is_complete: bool,
        /// As many as were asked for and fit.
        publications: Vec<ChannelPublication>,
    },
    /// What the client wants is not done.
    Refused {
        /// Number of the request.
        request: u32,
        /// Why.
        reason: ChannelRefusal,
        /// The same for people.
        sentence: String,
        /// After how long it would be done; 0 where that is not known.
        retry_after_ms: u32,
    },
    /// Something was published.
    Publication(ChannelPublication),
    /// Somebody listens from now on.
    Joined {
        /// Where.
        channel: String,
        /// Who.
        member: ChannelMember,
    },
    /// Somebody is gone.
    Left {
        /// Where.
        channel: String,
        /// Who.
        member: ChannelMember,
    },
    /// So many messages of a channel are missing before the next: they were not taken in.
    Missed {
        /// Where.
        channel: String,
        /// How many.
        count: u32,
    },
    /// The subscription has ended, and not by the client's wish.
    Ended {
        /// Where.
        channel: String,
        /// Why.
        reason: ChannelEnd,
    },
}

/// Why a client's wish is not done.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub enum ChannelRefusal {
    /// No channel has such a name.
    BadName,
    /// There is no such namespace.
    UnknownNamespace,
    /// The channel is not for this client.
    NotAllowed,
    /// It listens already.
    AlreadySubscribed,
    /// It does not listen.
    NotSubscribed,
    /// It listens to enough channels.
    TooManySubscriptions,
    /// The namespace has as many channels as it may.
    TooManyChannels,
    /// Longer than the namespace allows.
    TooLarge,
    /// More often than the namespace allows.
    TooFast,
    /// A moderator has silenced the client.
    Muted,
    /// A moderator has sent the client away.
    Banned,
    /// The channel does not tell who is here.
    NoPresence,
    /// Not the JSON that it should be.
    BadData,
}

/// Why a subscription has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub enum ChannelEnd {
    /// The client did not take in what was published. Subscribing again recovers what is kept.
    TooSlow,
    /// A moderator has sent the client away.
    Kicked,
    /// The client has lost the right to listen.
    NotAllowed,
}
