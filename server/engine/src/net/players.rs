//! Everybody who plays, and the ways to become one of them: joining, and coming back.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU32, Ordering},
    },
    time::SystemTime,
};

use tickwire_shared::{
    ClientId, CloseReason, Schema,
    messages::{Close, Hello},
};
use tokio::{sync::oneshot, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    guard::Guard,
    link::Link,
    places::Places,
    player::{Absence, Player, Seat, Signer, player_identity},
    tokens::Tokens,
    worker::Workers,
};
use crate::{
    bridge::{Joining, Mailbox, Refused, RoomHandle},
    channels::{Channels, SessionChannels},
    config::Config,
    limits::{
        CONNECTIONS_BEYOND_CLIENTS_MAX, PLAYER_QUEUE_BYTES_MAX, STOP_RETRY_AFTER_MS, STOP_TIMEOUT,
    },
    session::Session,
    session_token::SessionKeys,
};

/// Everybody who plays.
#[derive(Debug)]
pub(crate) struct Players {
    schema: Arc<Schema>,
    protocol: u64,
    guard: Guard,
    rooms: Vec<(RoomHandle, Workers)>,
    clients: Places,
    attachments: Places,
    absence: Absence,
    tokens: Arc<Tokens>,
    channels: Arc<Channels>,
    keys: SessionKeys,
    node: u32,
    next_client: AtomicU32,
    sessions: Mutex<HashMap<u64, Weak<Player>>>,
    stopping: CancellationToken,
    tracker: TaskTracker,
}

/// A client that was let in.
#[derive(Debug)]
pub(crate) struct Greeted {
    pub(crate) player: Arc<Player>,
    /// Number of the attachment's stay.
    pub(crate) stay: u64,
    /// Whether it had been here before.
    pub(crate) is_resumed: bool,
}

impl Players {
    pub(crate) fn new(
        schema: Arc<Schema>,
        config: &Config,
        tokens: Arc<Tokens>,
        keys: SessionKeys,
        rooms: Vec<RoomHandle>,
        channels: Arc<Channels>,
    ) -> Arc<Self> {
        let rooms = rooms.into_iter().map(|room| {
            let workers = Workers::start(&room);
            (room, workers)
        });
        let absent_max = config.absent_max.unwrap_or_else(|| config.clients_max.div_ceil(4));
        Arc::new(Self {
            protocol: schema.hash(),
            schema,
            guard: Guard::new(config),
            rooms: rooms.collect(),
            clients: Places::new(config.clients_max),
            attachments: Places::new(config.clients_max + CONNECTIONS_BEYOND_CLIENTS_MAX),
            absence: Absence { grace: config.grace, places: Places::new(absent_max) },
            tokens,
            channels,
            keys,
            node: config.node,
            next_client: AtomicU32::new(1),
            sessions: Mutex::default(),
            stopping: CancellationToken::new(),
            tracker: TaskTracker::new(),
        })
    }

    /// Hash of the schema that is spoken here.
    pub(crate) const fn protocol(&self) -> u64 {
        self.protocol
    }

    pub(crate) const fn guard(&self) -> &Guard {
        &self.guard
    }

    /// Places for attachments, of those who play or are about to.
    pub(crate) const fn attachments(&self) -> &Places {
        &self.attachments
    }

    pub(crate) const fn tracker(&self) -> &TaskTracker {
        &self.tracker
    }

    /// Ends when the server is about to stop.
    pub(crate) const fn stopping(&self) -> &CancellationToken {
        &self.stopping
    }

    /// Tells everybody to come back later, and waits for them to hear it, within reason.
    pub(crate) async fn stop(&self) {
        self.stopping.cancel();
        let players: Vec<_> = self.lock().values().filter_map(Weak::upgrade).collect();
        for player in players {
            player.end(&stopping());
        }
        self.tracker.close();
        if timeout(STOP_TIMEOUT, self.tracker.wait()).await.is_err() {
            tracing::warn!(left = self.tracker.len(), "connections that did not take their leave");
        }
    }

    /// Sends away whoever is this user, this client, or both where both are named.
    pub(crate) fn disconnect(&self, user: &str, client: &str) {
        let players: Vec<_> = self.lock().values().filter_map(Weak::upgrade).collect();
        for player in players {
            if player.is_meant(user, client) {
                player.end(&Close::because(CloseReason::Kicked));
            }
        }
    }

    /// How many play, those included who are away for a moment.
    pub(crate) fn count(&self) -> usize {
        self.lock().values().filter(|player| player.strong_count() > 0).count()
    }

    /// What there is to play in.
    pub(crate) fn rooms(&self) -> &[(RoomHandle, Workers)] {
        &self.rooms
    }

    /// Number of this server among those that share its secret.
    pub(crate) const fn node(&self) -> u32 {
        self.node
    }

    /// Forgets those who are gone.
    pub(crate) fn sweep(&self) {
        self.lock().retain(|_, player| player.strong_count() > 0);
    }

    /// Lets a client in, anew or again, and attaches its transport.
    pub(crate) async fn greet(
        &self,
        link: &Arc<dyn Link>,
        hello: Hello,
    ) -> Result<Greeted, Refused> {
        if self.stopping.is_cancelled() {
            return Err(because(CloseReason::ServerStopping));
        }
        let signer = Signer { keys: &self.keys, node: self.node };
        let before = self.find(&hello.session).map_err(because)?;
        if let Some(player) = before {
            self.identify(&player, &hello.token).await.map_err(because)?;
            let stay = player.attach(link, hello.acknowledged, signer, true);
            return Ok(Greeted { stay: stay.map_err(because)?, player, is_resumed: true });
        }
        let player = self.join(hello).await?;
        let stay = player.attach(link, 0, signer, false).map_err(because)?;
        if let Some((_, workers)) = self.room(&player.room().info().name) {
            workers.add(&player);
        }
        self.lock().insert(player.id(), Arc::downgrade(&player));
        Ok(Greeted { player, stay, is_resumed: false })
    }

    /// The player whose token this is; `None` where there is no token, or the player is gone.
    fn find(&self, token: &[u8]) -> Result<Option<Arc<Player>>, CloseReason> {
        if token.is_empty() {
            return Ok(None);
        }
        let token = self.keys.verify(token, SystemTime::now()).map_err(|error| {
            tracing::debug!(%error, "refused");
            CloseReason::SessionRefused
        })?;
        let player = self.lock().get(&token.session).and_then(Weak::upgrade);
        let Some(player) = player.filter(|player| !player.is_over()) else { return Ok(None) };
        player.handle_token(token.generation)?;
        Ok(Some(player))
    }

    /// Whoever comes back is the same as before. A token is shown where there is a newer one.
    async fn identify(&self, player: &Player, token: &str) -> Result<(), CloseReason> {
        match token {
            "" if player.is_expired() => Err(CloseReason::TokenExpired),
            "" => Ok(()),
            token => player.handle_connection_token(&self.tokens.admit(token).await?),
        }
    }

    async fn join(&self, hello: Hello) -> Result<Arc<Player>, Refused> {
        let token = self.tokens.admit(&hello.token).await.map_err(because)?;
        let (room, _) = self.room(&hello.room).ok_or_else(|| because(CloseReason::UnknownRoom))?;
        if !token.claims.allows_room(&room.info().name) {
            return Err(because(CloseReason::RoomRefused));
        }
        let place = self.clients.take().ok_or_else(|| because(CloseReason::ServerFull))?;
        let client = ClientId::new(self.next_client.fetch_add(1, Ordering::Relaxed));
        let mailbox = Arc::<Mailbox>::default();
        let seat = Seat::new(room.clone(), client, place);
        let (answer, answered) = oneshot::channel();
        let joining = Joining {
            client,
            request: hello.join,
            claims: token.claims.clone(),
            mailbox: Arc::clone(&mailbox),
            answer,
        };
        let broken = |_| because(CloseReason::ServerError);
        room.join(joining).map_err(|full| because(full.close_reason()))?;
        let name = answered.await.map_err(broken)??;
        let session = Session::new(Arc::clone(&self.schema), client, room.info().clone());
        let absence = self.absence.clone();
        let tokens = Arc::clone(&self.tokens);
        let identity = player_identity(client, &token.claims, name);
        let channels = self.channels.connect(identity, PLAYER_QUEUE_BYTES_MAX);
        let channels = SessionChannels::new(channels);
        let player = Player::new(session, seat, mailbox, absence, tokens, &token, channels);
        Ok(Arc::new(player))
    }

    fn room(&self, name: &str) -> Option<&(RoomHandle, Workers)> {
        if name.is_empty() {
            return self.rooms.first();
        }
        self.rooms.iter().find(|(room, _)| room.info().name == name)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<u64, Weak<Player>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What everybody hears when the server stops.
pub(crate) fn stopping() -> Close {
    let retry_after_ms = STOP_RETRY_AFTER_MS;
    Close { retry_after_ms, ..Close::because(CloseReason::ServerStopping) }
}

const fn because(reason: CloseReason) -> Refused {
    Refused { reason, sentence: String::new() }
}
