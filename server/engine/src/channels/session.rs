//! A player's channels: what its session asks, and what goes into its session.
//!
//! Answers go at once, deliveries when the session has room for them: until then they wait in the
//! subscriber's inbox, where the namespace's policy bounds them.

use std::{collections::VecDeque, sync::Arc};

use bytes::Bytes;
use tickwire_shared::{
    codec::encode,
    messages::{
        ServerMessage,
        channels::{
            ChannelAction, ChannelData, ChannelEnd, ChannelMember, ChannelMessage, ChannelPosition,
            ChannelPublication, ChannelRefusal, ChannelRequest, ChannelStart,
        },
    },
};

use super::{
    ChannelError, ChannelName, Data, Delivery, EndReason, HistoryRead, Identity, Member, Moment,
    Position, Post, Presence, Publication, Reading, Start, Subscriber, Wire,
};
use crate::limits::CHANNEL_ANSWER_BYTES_MAX;

/// A player's channels.
#[derive(Debug)]
pub struct SessionChannels {
    subscriber: Subscriber,
    /// What was recovered and has not gone yet: it comes before what is delivered.
    backlog: VecDeque<Arc<Publication>>,
}

impl SessionChannels {
    /// Of a player who listens to nothing so far.
    pub const fn new(subscriber: Subscriber) -> Self {
        Self { subscriber, backlog: VecDeque::new() }
    }

    /// The end in the channels.
    pub const fn subscriber(&self) -> &Subscriber {
        &self.subscriber
    }

    /// The player has shown another token.
    pub fn set_identity(&self, identity: Identity) {
        self.subscriber.set_identity(identity);
    }

    /// Does what the client asks, and returns the answer to it.
    pub fn handle_request(&mut self, asked: ChannelRequest, now: Moment) -> Vec<u8> {
        let ChannelRequest { request, channel, action } = asked;
        let answer = ChannelName::new(&channel)
            .map_err(|_| ChannelError::BadName.into())
            .and_then(|channel| self.act(request, &channel, action, now));
        let message = answer.unwrap_or_else(|refused: Refused| ChannelMessage::Refused {
            request,
            reason: refused.reason,
            sentence: refused.sentence,
            retry_after_ms: refused.retry_after_ms,
        });
        encode(&ServerMessage::Channel(message))
    }

    /// The next message for the client, if there is one.
    pub fn poll_message(&mut self) -> Option<Bytes> {
        if let Some(publication) = self.backlog.pop_front() {
            return Some(written(&publication));
        }
        let message = match self.subscriber.take_delivery()? {
            Delivery::Publication(publication) => return Some(written(&publication)),
            Delivery::Joined { channel, member } => {
                let (channel, member) = (channel.to_string(), member_of(&member));
                ChannelMessage::Joined { channel, member }
            }
            Delivery::Left { channel, member } => {
                let (channel, member) = (channel.to_string(), member_of(&member));
                ChannelMessage::Left { channel, member }
            }
            Delivery::Missed { channel, count } => {
                ChannelMessage::Missed { channel: channel.to_string(), count }
            }
            Delivery::Ended { channel, reason } => {
                self.backlog.retain(|publication| publication.channel != channel);
                let reason = match reason {
                    EndReason::TooSlow => ChannelEnd::TooSlow,
                    EndReason::Kicked => ChannelEnd::Kicked,
                    EndReason::NotAllowed => ChannelEnd::NotAllowed,
                };
                ChannelMessage::Ended { channel: channel.to_string(), reason }
            }
        };
        Some(Bytes::from(encode(&ServerMessage::Channel(message))))
    }

    fn act(
        &mut self,
        request: u32,
        channel: &ChannelName,
        action: ChannelAction,
        now: Moment,
    ) -> Result<ChannelMessage, Refused> {
        match action {
            ChannelAction::Subscribe(start) => {
                let begun = self.subscriber.subscribe(channel, start_of(start), now)?;
                let recovered = u32::try_from(begun.recovered.len()).unwrap_or(u32::MAX);
                self.backlog.extend(begun.recovered);
                Ok(ChannelMessage::Subscribed {
                    request,
                    position: place_of(begun.position),
                    recovered,
                    is_complete: begun.is_complete,
                })
            }
            ChannelAction::Unsubscribe => {
                self.subscriber.unsubscribe(channel)?;
                self.backlog.retain(|publication| publication.channel != *channel);
                Ok(ChannelMessage::Unsubscribed { request })
            }
            ChannelAction::Publish { key, data } => {
                let post = Post { key: key.map(Arc::from), ..Post::of(data_of(data)?) };
                let published = self.subscriber.publish(channel, post, now)?;
                let position = place_of(published.position);
                Ok(ChannelMessage::Published { request, position })
            }
            ChannelAction::Presence => {
                let presence = self.subscriber.presence(channel, now)?;
                Ok(presence_message(request, &presence))
            }
            ChannelAction::History { after, limit, newest_first } => {
                let limit = usize::try_from(limit).unwrap_or(usize::MAX);
                let reading = Reading { after: after.map(position_of), limit, newest_first };
                let read = self.subscriber.history(channel, reading, now)?;
                Ok(history_message(request, &read))
            }
        }
    }
}

/// A wish that is not done.
struct Refused {
    reason: ChannelRefusal,
    sentence: String,
    retry_after_ms: u32,
}

impl From<ChannelError> for Refused {
    fn from(error: ChannelError) -> Self {
        let (reason, retry_after_ms) = match error {
            ChannelError::BadName => (ChannelRefusal::BadName, 0),
            ChannelError::UnknownNamespace => (ChannelRefusal::UnknownNamespace, 0),
            ChannelError::NotAllowed => (ChannelRefusal::NotAllowed, 0),
            ChannelError::AlreadySubscribed => (ChannelRefusal::AlreadySubscribed, 0),
            ChannelError::NotSubscribed => (ChannelRefusal::NotSubscribed, 0),
            ChannelError::TooManySubscriptions => (ChannelRefusal::TooManySubscriptions, 0),
            ChannelError::TooManyChannels => (ChannelRefusal::TooManyChannels, 0),
            ChannelError::TooLarge { .. } => (ChannelRefusal::TooLarge, 0),
            ChannelError::TooFast { retry_after_ms } => (ChannelRefusal::TooFast, retry_after_ms),
            ChannelError::Muted { seconds } => {
                (ChannelRefusal::Muted, seconds.saturating_mul(1000))
            }
            ChannelError::Banned { seconds } => {
                (ChannelRefusal::Banned, seconds.saturating_mul(1000))
            }
            ChannelError::NoPresence => (ChannelRefusal::NoPresence, 0),
        };
        Self { reason, sentence: error.to_string(), retry_after_ms }
    }
}

/// A publication as sessions get it, written down once.
fn written(publication: &Publication) -> Bytes {
    publication.encoded(Wire::Session, |publication| {
        let message = ChannelMessage::Publication(publication_of(publication));
        Bytes::from(encode(&ServerMessage::Channel(message)))
    })
}

fn presence_message(request: u32, presence: &Presence) -> ChannelMessage {
    let mut left = CHANNEL_ANSWER_BYTES_MAX;
    let members = presence.members.iter().map_while(|member| {
        let Member { client, user, name, info } = &**member;
        left = left.checked_sub(client.len() + user.len() + name.len() + info.len() + 8)?;
        Some(member_of(member))
    });
    ChannelMessage::Presence {
        request,
        members: members.collect(),
        clients: u32::try_from(presence.clients).unwrap_or(u32::MAX),
        users: u32::try_from(presence.users).unwrap_or(u32::MAX),
    }
}

/// At least one, where there are any: who reads on comes to the end.
fn history_message(request: u32, read: &HistoryRead) -> ChannelMessage {
    let mut bytes = 0;
    let publications = read.publications.iter().take_while(|publication| {
        let is_first = bytes == 0;
        bytes += publication.bytes();
        is_first || bytes <= CHANNEL_ANSWER_BYTES_MAX
    });
    ChannelMessage::History {
        request,
        position: place_of(read.position),
        is_complete: read.is_complete,
        publications: publications.map(|publication| publication_of(publication)).collect(),
    }
}

fn publication_of(publication: &Publication) -> ChannelPublication {
    let text = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
    ChannelPublication {
        channel: publication.channel.to_string(),
        offset: publication.position.offset,
        unix_ms: publication.unix_ms,
        publisher: publication.publisher.as_deref().map(member_of),
        key: publication.key.as_deref().map(String::from),
        data: match &publication.data {
            Data::Json(bytes) => ChannelData::Json(text(bytes)),
            Data::Text(bytes) => ChannelData::Text(text(bytes)),
            Data::Binary(bytes) => ChannelData::Binary(bytes.to_vec()),
        },
    }
}

fn data_of(data: ChannelData) -> Result<Data, Refused> {
    match data {
        ChannelData::Json(text) => Data::json(text).map_err(|error| Refused {
            reason: ChannelRefusal::BadData,
            sentence: error.to_string(),
            retry_after_ms: 0,
        }),
        ChannelData::Text(text) => Ok(Data::Text(Bytes::from(text))),
        ChannelData::Binary(bytes) => Ok(Data::Binary(Bytes::from(bytes))),
    }
}

fn member_of(member: &Member) -> ChannelMember {
    let Member { client, user, name, info } = member.clone();
    ChannelMember { client, user, name, info }
}

const fn place_of(Position { epoch, offset }: Position) -> ChannelPosition {
    ChannelPosition { epoch, offset }
}

const fn position_of(ChannelPosition { epoch, offset }: ChannelPosition) -> Position {
    Position { epoch, offset }
}

fn start_of(start: ChannelStart) -> Start {
    match start {
        ChannelStart::Live => Start::Live,
        ChannelStart::Last(count) => Start::Last(usize::try_from(count).unwrap_or(usize::MAX)),
        ChannelStart::After(position) => Start::After(position_of(position)),
    }
}

#[cfg(test)]
mod tests {
    use tickwire_shared::codec::decode_server;

    use super::*;
    use crate::channels::{Channels, Namespaces, Standing};

    fn player(channels: &Arc<Channels>, client: &str) -> SessionChannels {
        let member = Member { client: String::from(client), ..Member::default() };
        let identity = Identity {
            member: Arc::new(member),
            standing: Standing::Player,
            ..Identity::default()
        };
        SessionChannels::new(channels.connect(identity, 64 * 1024))
    }

    fn ask(player: &mut SessionChannels, channel: &str, action: ChannelAction) -> ChannelMessage {
        let channel = String::from(channel);
        let asked = ChannelRequest { request: 9, channel, action };
        message(&player.handle_request(asked, Moment::now()))
    }

    fn message(bytes: &[u8]) -> ChannelMessage {
        match decode_server(bytes) {
            Ok(ServerMessage::Channel(message)) => message,
            other => panic!("{other:?} is not of a channel"),
        }
    }

    fn offsets(player: &mut SessionChannels) -> Vec<u64> {
        std::iter::from_fn(|| player.poll_message())
            .filter_map(|bytes| match message(&bytes) {
                ChannelMessage::Publication(publication) => Some(publication.offset),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn a_player_talks_in_a_channel_and_recovers_what_it_missed() {
        let channels = Channels::new(Namespaces::for_loopback(), 7);
        let (mut alice, mut bob) = (player(&channels, "1"), player(&channels, "2"));
        let say =
            || ChannelAction::Publish { key: None, data: ChannelData::Text(String::from("hi")) };
        let live = ChannelAction::Subscribe(ChannelStart::Live);
        let ChannelMessage::Subscribed { position, .. } = ask(&mut bob, "chat:x", live) else {
            panic!("chat is open")
        };
        ask(&mut alice, "chat:x", say());
        assert_eq!(offsets(&mut bob), [1]);
        ask(&mut bob, "chat:x", ChannelAction::Unsubscribe);
        ask(&mut alice, "chat:x", say());
        let after = ChannelAction::Subscribe(ChannelStart::After(ChannelPosition {
            offset: 1,
            ..position
        }));
        let begun = ask(&mut bob, "chat:x", after);
        let expected = ChannelMessage::Subscribed {
            request: 9,
            position: ChannelPosition { offset: 2, ..position },
            recovered: 1,
            is_complete: true,
        };
        assert_eq!(begun, expected);
        ask(&mut alice, "chat:x", say());
        assert_eq!(offsets(&mut bob), [2, 3]);
    }

    #[test]
    fn what_is_not_done_is_refused_by_the_number_of_the_request() {
        let channels = Channels::new(Namespaces::for_loopback(), 7);
        let mut player = player(&channels, "1");
        let refusal = |message| match message {
            ChannelMessage::Refused { request: 9, reason, .. } => reason,
            other => panic!("{other:?}"),
        };
        let json = ChannelData::Json(String::from("{"));
        let bad = ChannelAction::Publish { key: None, data: json };
        assert_eq!(refusal(ask(&mut player, "chat:x", bad)), ChannelRefusal::BadData);
        let unknown = ask(&mut player, "other:x", ChannelAction::Presence);
        assert_eq!(refusal(unknown), ChannelRefusal::UnknownNamespace);
        let nameless = ask(&mut player, "", ChannelAction::Presence);
        assert_eq!(refusal(nameless), ChannelRefusal::BadName);
    }
}
