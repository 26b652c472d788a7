//! Channels: every message that is not world state. Chat, tickers, feeds, announcements, push.
//!
//! No socket, no task and no clock in here: whoever brings a request brings the [`Moment`], and
//! whoever listens comes by for what is there, or is woken.
//!
//! ```text
//! players, HTTP, queues ─▶ Subscriber ─┐            ┌─▶ Inbox (bounded) ─▶ Subscriber ─▶ transport
//!                                      ▼            │
//!        backends, the game ─▶ Channels ─▶ Channel ─┼─▶ Inbox
//!                                (shards)     │     └─▶ Inbox
//!                                          History
//! ```
//!
//! # What is promised
//! - A channel numbers its publications from 1 on; the numbers of one *epoch* go together. A
//!   channel that is made anew has another epoch, so that nobody takes new numbers for old ones.
//! - Subscribing is one step: what the history holds after the subscriber's position is returned,
//!   and whatever is published from then on goes into its inbox. In that order nothing is missing
//!   and nothing comes twice. Where the history does not reach back, the answer says so.
//! - What a subscriber does not take in falls to the namespace's [`SlowPolicy`], and it is told:
//!   [`Delivery::Missed`], [`Delivery::Ended`]. There are no silent holes.
//! - A publication is kept once and encoded once per [`Wire`], however many listen.
//! - A channel is private unless its namespace says who may listen, and whose namespace nobody
//!   described does not exist.
//!
//! # Locks
//! A shard is held to look a channel up, a channel while it is published to or joined, an inbox
//! while something is put in or taken out: in this order, never the other way around.
//!
//! # Parts
//! - [`hub`]: all channels, and the ways in. [`subscriber`]: one connection's end;
//!   [`session`]: a player's.
//! - `channel`: one channel. `history`, `inbox`, `seats`, `repeats`, `allowance`: its parts.
//! - [`name`], [`publication`], [`delivery`], [`rights`], [`namespaces`], [`moment`], [`error`]:
//!   the words.

mod allowance;
mod channel;
pub mod delivery;
pub mod error;
mod history;
pub mod hub;
mod inbox;
pub mod moment;
pub mod name;
pub mod namespaces;
pub mod publication;
mod repeats;
pub mod rights;
mod seats;
pub mod session;
pub mod subscriber;

pub use channel::{HistoryRead, Presence, Published, Reading, Start, Statistics, Subscribed};
pub use delivery::{Delivery, EndReason};
pub use error::ChannelError;
pub use hub::Channels;
pub use moment::Moment;
pub use name::{ChannelName, NameError};
pub use namespaces::{
    HistoryBounds, NamespaceOptions, Namespaces, NamespacesError, Personal, Rate, SlowPolicy, Who,
};
pub use publication::{Data, Position, Post, Publication, Wire};
pub use rights::{Grants, Identity, Member, Standing};
pub use session::SessionChannels;
pub use subscriber::Subscriber;

#[cfg(test)]
mod tests;
