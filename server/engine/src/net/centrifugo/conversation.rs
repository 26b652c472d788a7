//! What is said on one connection, without its socket: commands go in, replies and pushes come
//! out.

use std::{
    collections::HashMap,
    sync::Arc,
    task::{Context, Poll},
    time::SystemTime,
};

use bytes::Bytes;
use serde_json::{Map, Value, json};
use tickwire_shared::CloseReason;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::wire::{
    Command, Connect, Disconnect, History, OfChannel, PING_INTERVAL, PublicationValue, Publish,
    Refresh, Refusal, SubRefresh, Subscribe, add, member_value, push, reply,
};
use crate::{
    channels::{
        ChannelError, ChannelName, Delivery, Grants, Identity, Member, Moment, Position, Post,
        Presence, Reading, Start, Subscriber,
    },
    connection_token::ConnectionToken,
    limits::{COMMAND_ERRORS_MAX, HISTORY_COUNT_MAX, LISTENER_QUEUE_BYTES_MAX, TOKEN_GRACE},
    net::{
        api::{Code, json_data},
        connections::Connection,
        listening::ListeningDoor,
    },
};

/// What is said on one connection.
pub(super) struct Conversation {
    door: ListeningDoor,
    connected: Option<Connected>,
    /// Never ends: for as long as nobody could end the connection.
    nobody: CancellationToken,
    errors: u32,
}

struct Connected {
    subscriber: Subscriber,
    connection: Connection,
    /// What the connection's own token opens.
    grants: Grants,
    expires: Option<SystemTime>,
    /// Channels that tokens of their own have opened, and until when.
    opened: HashMap<String, Option<SystemTime>>,
}

type Answer = Result<Value, Refusal>;

impl Conversation {
    /// With somebody who has said nothing so far.
    pub(super) fn new(door: ListeningDoor) -> Self {
        Self { door, connected: None, nobody: CancellationToken::new(), errors: 0 }
    }

    pub(super) const fn is_connected(&self) -> bool {
        self.connected.is_some()
    }

    /// Ends when a backend wants the connection to.
    pub(super) fn end(&self) -> CancellationToken {
        self.connected.as_ref().map_or(&self.nobody, |one| one.connection.end()).clone()
    }

    /// When [`Conversation::handle_deadline`] is to be called.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let connected = self.connected.as_ref()?;
        let own = connected.expires.into_iter();
        let opened = connected.opened.values().copied().flatten();
        let soonest = own.chain(opened).min()? + TOKEN_GRACE;
        let left = soonest.duration_since(SystemTime::now()).unwrap_or_default();
        Instant::now().checked_add(left)
    }

    /// The grace time of a token is over.
    pub(super) fn handle_deadline(&mut self) -> Result<(), Disconnect> {
        let Some(connected) = &mut self.connected else { return Ok(()) };
        let now = SystemTime::now();
        let is_over = |expires: SystemTime| now >= expires + TOKEN_GRACE;
        if connected.expires.is_some_and(is_over) {
            return Err(Disconnect::EXPIRED);
        }
        connected.opened.retain(|_, expires| !expires.is_some_and(is_over));
        connected.grant();
        Ok(())
    }

    pub(super) fn poll_delivery(&self, cx: &Context<'_>) -> Poll<Delivery> {
        match &self.connected {
            Some(connected) => connected.subscriber.poll_delivery(cx),
            None => Poll::Pending,
        }
    }

    pub(super) fn take_delivery(&self) -> Option<Delivery> {
        self.connected.as_ref()?.subscriber.take_delivery()
    }

    /// What to tell the client about a delivery.
    pub(super) fn push(&self, delivery: &Delivery) -> Option<Bytes> {
        if let (Delivery::Missed { channel, .. }, Some(connected)) = (delivery, &self.connected) {
            // It comes back for what it missed.
            let _ = connected.subscriber.unsubscribe(channel);
        }
        push(delivery)
    }

    /// Carries out a command. Returns the replies, of which there may be none.
    pub(super) async fn handle_command(
        &mut self,
        line: &str,
    ) -> Result<Option<String>, Disconnect> {
        let command: Command = serde_json::from_str(line).map_err(|_| Disconnect::BAD_REQUEST)?;
        let id = command.id;
        let Some((name, answer)) = self.carry_out(command).await? else { return Ok(None) };
        if answer.is_err() {
            self.errors += 1;
            if self.errors > COMMAND_ERRORS_MAX {
                return Err(Disconnect::TOO_MANY_ERRORS);
            }
        }
        Ok(Some(reply(id, name, answer)))
    }

    async fn carry_out(
        &mut self,
        command: Command,
    ) -> Result<Option<(&'static str, Answer)>, Disconnect> {
        let id = command.id;
        if let Some(connect) = command.connect {
            return self.connect(&connect).await.map(|answer| Some(("connect", answer)));
        }
        let Some(connected) = &mut self.connected else { return Err(Disconnect::BAD_REQUEST) };
        let now = Moment::now();
        let answered = if let Some(asked) = command.subscribe {
            ("subscribe", connected.subscribe(&self.door, &asked, now).await?)
        } else if let Some(asked) = command.unsubscribe {
            ("unsubscribe", connected.unsubscribe(&asked))
        } else if let Some(asked) = command.publish {
            ("publish", connected.publish(&asked, now))
        } else if let Some(asked) = command.presence {
            ("presence", connected.presence(&asked, now))
        } else if let Some(asked) = command.presence_stats {
            ("presence_stats", connected.presence_stats(&asked, now))
        } else if let Some(asked) = command.history {
            ("history", connected.history(&asked, now))
        } else if command.ping.is_some() {
            ("ping", Ok(json!({})))
        } else if let Some(asked) = command.refresh {
            ("refresh", connected.refresh(&self.door, &asked).await?)
        } else if let Some(asked) = command.sub_refresh {
            ("sub_refresh", connected.sub_refresh(&self.door, &asked).await?)
        } else if command.rpc.is_some() {
            ("rpc", Err(Refusal(Code::MethodNotFound)))
        } else if id == 0 {
            // The answer to a ping, or a message to nobody.
            return Ok(None);
        } else {
            return Err(Disconnect::BAD_REQUEST);
        };
        Ok((id != 0).then_some(answered))
    }

    async fn connect(&mut self, asked: &Connect) -> Result<Answer, Disconnect> {
        if self.connected.is_some() {
            return Err(Disconnect::BAD_REQUEST);
        }
        let token = match self.door.tokens.admit(&asked.token).await {
            Ok(token) => token,
            Err(CloseReason::TokenExpired) => return Ok(Err(Refusal(Code::TokenExpired))),
            Err(CloseReason::TokenMissing) => return Err(Disconnect::BAD_REQUEST),
            Err(_) => return Err(Disconnect::INVALID_TOKEN),
        };
        let ConnectionToken { claims, expires } = token;
        let client = format!("{:032x}", rand::random::<u128>());
        let member = Arc::new(Member {
            client: client.clone(),
            user: claims.subject,
            name: claims.name,
            info: claims.info,
        });
        let grants = claims.grants;
        let identity =
            Identity { member: Arc::clone(&member), grants: grants.clone(), ..Identity::default() };
        self.connected = Some(Connected {
            subscriber: self.door.channels.connect(identity, LISTENER_QUEUE_BYTES_MAX),
            connection: self.door.connections.add(member, "centrifugo"),
            grants,
            expires,
            opened: HashMap::new(),
        });
        let mut answer = json!({
            "client": client,
            "version": VERSION,
            "ping": PING_INTERVAL.as_secs(),
            "pong": true,
        });
        say_expiry(&mut answer, expires);
        Ok(Ok(answer))
    }
}

impl Connected {
    async fn subscribe(
        &mut self,
        door: &ListeningDoor,
        asked: &Subscribe,
        now: Moment,
    ) -> Result<Answer, Disconnect> {
        let Ok(channel) = ChannelName::new(&asked.channel) else {
            return Ok(Err(Refusal(Code::BadRequest)));
        };
        if !asked.token.is_empty()
            && let Err(refusal) = self.open(door, &channel, &asked.token).await
        {
            return Ok(Err(refusal));
        }
        let options = match door.channels.options(&channel) {
            Ok(options) => options,
            Err(error) => return Ok(Err(refusal(error))),
        };
        let start = if asked.recover {
            Start::After(position(asked.offset, &asked.epoch))
        } else {
            Start::Live
        };
        let subscribed = match self.subscriber.subscribe(&channel, start, now) {
            Ok(subscribed) => subscribed,
            Err(error) => return Ok(Err(refusal(error))),
        };
        let mut answer = json!({});
        if options.history.keeps() {
            add(&mut answer, "recoverable", true);
            add(&mut answer, "positioned", true);
            add(&mut answer, "epoch", subscribed.position.epoch.to_string());
            add(&mut answer, "offset", subscribed.position.offset);
        }
        if asked.recover {
            add(&mut answer, "was_recovering", true);
            add(&mut answer, "recovered", subscribed.is_complete);
            if subscribed.is_complete {
                let recovered = subscribed.recovered.iter();
                let recovered = recovered.map(|one| json!(PublicationValue::of(one)));
                add(&mut answer, "publications", recovered.collect::<Value>());
            }
        }
        say_expiry(&mut answer, self.opened.get(channel.as_str()).copied().flatten());
        Ok(Ok(answer))
    }

    fn unsubscribe(&mut self, asked: &OfChannel) -> Answer {
        let channel = named(&asked.channel)?;
        self.opened.remove(channel.as_str());
        match self.subscriber.unsubscribe(&channel) {
            // It is what was asked for, either way.
            Ok(()) | Err(ChannelError::NotSubscribed) => Ok(json!({})),
            Err(error) => Err(refusal(error)),
        }
    }

    fn publish(&self, asked: &Publish, now: Moment) -> Answer {
        let channel = named(&asked.channel)?;
        let post = Post::of(json_data(&asked.data));
        self.subscriber.publish(&channel, post, now).map(|_| json!({})).map_err(refusal)
    }

    fn presence(&self, asked: &OfChannel, now: Moment) -> Answer {
        let presence = self.present(asked, now)?;
        let members = presence.members.iter();
        let members = members.map(|member| (member.client.clone(), member_value(member)));
        Ok(json!({ "presence": members.collect::<Map<_, _>>() }))
    }

    fn presence_stats(&self, asked: &OfChannel, now: Moment) -> Answer {
        let Presence { clients, users, .. } = self.present(asked, now)?;
        Ok(json!({ "num_clients": clients, "num_users": users }))
    }

    fn present(&self, asked: &OfChannel, now: Moment) -> Result<Presence, Refusal> {
        self.subscriber.presence(&named(&asked.channel)?, now).map_err(refusal)
    }

    fn history(&self, asked: &History, now: Moment) -> Answer {
        let channel = named(&asked.channel)?;
        let after = asked.since.as_ref().map(|since| position(since.offset, &since.epoch));
        // 0 asks where the channel stands; less than that, for all there is.
        let limit = usize::try_from(asked.limit).unwrap_or(HISTORY_COUNT_MAX);
        let reading =
            Reading { after, limit: limit.min(HISTORY_COUNT_MAX), newest_first: asked.reverse };
        let read = self.subscriber.history(&channel, reading, now).map_err(refusal)?;
        let publications = read.publications.iter().map(|one| PublicationValue::of(one));
        Ok(json!({
            "publications": publications.collect::<Vec<_>>(),
            "offset": read.position.offset,
            "epoch": read.position.epoch.to_string(),
        }))
    }

    async fn refresh(
        &mut self,
        door: &ListeningDoor,
        asked: &Refresh,
    ) -> Result<Answer, Disconnect> {
        if asked.token.is_empty() {
            return Err(Disconnect::BAD_REQUEST);
        }
        let token = match door.tokens.admit(&asked.token).await {
            Ok(token) => token,
            Err(CloseReason::TokenExpired) => return Ok(Err(Refusal(Code::TokenExpired))),
            Err(_) => return Err(Disconnect::INVALID_TOKEN),
        };
        let member = Arc::clone(&self.subscriber.identity().member);
        if token.claims.subject != member.user {
            return Err(Disconnect::INVALID_TOKEN);
        }
        self.expires = token.expires;
        self.grants = token.claims.grants;
        self.grant();
        let mut answer = json!({ "client": member.client, "version": VERSION });
        say_expiry(&mut answer, self.expires);
        Ok(Ok(answer))
    }

    async fn sub_refresh(
        &mut self,
        door: &ListeningDoor,
        asked: &SubRefresh,
    ) -> Result<Answer, Disconnect> {
        let channel = match named(&asked.channel) {
            Ok(channel) => channel,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if !self.opened.contains_key(channel.as_str()) {
            return Ok(Err(Refusal(Code::BadRequest)));
        }
        if let Err(refusal) = self.open(door, &channel, &asked.token).await {
            return Ok(Err(refusal));
        }
        let mut answer = json!({});
        say_expiry(&mut answer, self.opened.get(channel.as_str()).copied().flatten());
        Ok(Ok(answer))
    }

    /// A token of a channel's own opens it.
    async fn open(
        &mut self,
        door: &ListeningDoor,
        channel: &ChannelName,
        token: &str,
    ) -> Result<(), Refusal> {
        let opened = door.tokens.admit_to_channel(token).await.map_err(|reason| match reason {
            CloseReason::TokenExpired => Refusal(Code::TokenExpired),
            _ => Refusal(Code::PermissionDenied),
        })?;
        let user = &self.subscriber.identity().member.user;
        if opened.channel != channel.as_str() || opened.subject != *user {
            return Err(Refusal(Code::PermissionDenied));
        }
        self.opened.insert(opened.channel, opened.expires);
        self.grant();
        Ok(())
    }

    /// Passes on what all tokens together open. What they no longer do ends.
    fn grant(&self) {
        let mut grants = self.grants.clone();
        grants.listen.extend(self.opened.keys().cloned());
        let member = Arc::clone(&self.subscriber.identity().member);
        self.subscriber.set_identity(Identity { member, grants, ..Identity::default() });
    }
}

fn say_expiry(answer: &mut Value, expires: Option<SystemTime>) {
    if let Some(expires) = expires {
        let left = expires.duration_since(SystemTime::now()).unwrap_or_default();
        add(answer, "expires", true);
        add(answer, "ttl", left.as_secs().max(1));
    }
}

/// Another life's name is as good as any for one that is over.
fn position(offset: u64, epoch: &str) -> Position {
    Position { offset, epoch: epoch.parse().unwrap_or_default() }
}

fn named(channel: &str) -> Result<ChannelName, Refusal> {
    ChannelName::new(channel).map_err(|_| Refusal(Code::BadRequest))
}

fn refusal(error: ChannelError) -> Refusal {
    Refusal(Code::of(error))
}

const VERSION: &str = concat!("tickwire ", env!("CARGO_PKG_VERSION"));
