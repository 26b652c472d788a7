//! From a fresh WebSocket to a player in a room, and to the end.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
    time::Instant,
};

use hyper::upgrade::OnUpgrade;
use tickwire_shared::{
    ClientId, CloseReason, Schema, Tick,
    messages::{Close, Hello},
};
use tokio::{
    sync::oneshot,
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    connection::{Connection, Event, TRANSPORT},
    guard::Guard,
    websocket,
    worker::Workers,
};
use crate::{
    bridge::{Refused, RoomHandle, RoomMessage},
    game::Claims,
    limits::{CONNECTIONS_BEYOND_CLIENTS_MAX, HELLO_TIMEOUT, STOP_RETRY_AFTER_MS, STOP_TIMEOUT},
    metrics,
    session::{Heard, Session},
};

/// Everybody who plays or is about to.
#[derive(Debug)]
pub(crate) struct Players {
    schema: Arc<Schema>,
    guard: Guard,
    rooms: Vec<(RoomHandle, Workers)>,
    clients_max: usize,
    clients: AtomicUsize,
    connections: AtomicUsize,
    next_client: AtomicU32,
    stopping: CancellationToken,
    tracker: TaskTracker,
}

impl Players {
    pub(crate) fn new(
        schema: Arc<Schema>,
        guard: Guard,
        rooms: Vec<RoomHandle>,
        clients_max: usize,
    ) -> Arc<Self> {
        let rooms = rooms.into_iter().map(|room| {
            let workers = Workers::start(&room);
            (room, workers)
        });
        Arc::new(Self {
            schema,
            guard,
            rooms: rooms.collect(),
            clients_max,
            clients: AtomicUsize::new(0),
            connections: AtomicUsize::new(0),
            next_client: AtomicU32::new(1),
            stopping: CancellationToken::new(),
            tracker: TaskTracker::new(),
        })
    }

    pub(crate) const fn guard(&self) -> &Guard {
        &self.guard
    }

    pub(crate) const fn tracker(&self) -> &TaskTracker {
        &self.tracker
    }

    /// Tells everybody to come back later, and waits for them to hear it, within reason.
    pub(crate) async fn stop(&self) {
        self.stopping.cancel();
        self.tracker.close();
        if timeout(STOP_TIMEOUT, self.tracker.wait()).await.is_err() {
            tracing::warn!(left = self.tracker.len(), "connections that did not take their leave");
        }
    }

    fn room(&self, name: &str) -> Option<&(RoomHandle, Workers)> {
        if name.is_empty() {
            return self.rooms.first();
        }
        self.rooms.iter().find(|(room, _)| room.info().name == name)
    }
}

/// One of a bounded number of places, given back when dropped.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(places: &'a AtomicUsize, most: usize) -> Option<Self> {
        let taken = places.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| {
            (count < most).then_some(count + 1)
        });
        taken.is_ok().then(|| Self(places))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A player's place in a room, left when dropped.
struct Seat<'a> {
    _place: Place<'a>,
    room: &'a RoomHandle,
    client: ClientId,
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        metrics::session_ended(TRANSPORT);
        // Leaving is always taken.
        let _ = self.room.push(RoomMessage::Leave { client: self.client });
    }
}

/// Serves one connection to its end.
pub(crate) async fn serve(players: Arc<Players>, upgraded: OnUpgrade, is_foreign: bool) {
    let Ok(Ok(upgraded)) = timeout(HELLO_TIMEOUT, upgraded).await else { return };
    let socket = websocket::socket(upgraded).await;
    let session = Session::new(Arc::clone(&players.schema), Instant::now());
    let connection = Connection::new(socket, session);
    let most = players.clients_max + CONNECTIONS_BEYOND_CLIENTS_MAX;
    let place = Place::take(&players.connections, most);
    if is_foreign {
        connection.close(Close::because(CloseReason::OriginRefused));
    } else if place.is_none() {
        connection.close(Close::because(CloseReason::ServerFull));
    } else {
        tokio::select! {
            () = converse(&players, &connection) => {}
            () = players.stopping.cancelled() => connection.close(Close {
                retry_after_ms: STOP_RETRY_AFTER_MS,
                ..Close::because(CloseReason::ServerStopping)
            }),
        }
    }
    // What was said last gets its time to arrive.
    let _ = timeout(STOP_TIMEOUT, async {
        while !matches!(connection.next_event().await, Event::Over) {}
    })
    .await;
}

/// Hello, play, until one side has had enough.
async fn converse(players: &Players, connection: &Arc<Connection>) {
    let hello = tokio::select! {
        event = connection.next_event() => event,
        () = sleep(HELLO_TIMEOUT) => {
            connection.handle_timeout(Instant::now());
            return;
        }
    };
    let Event::Heard(Heard::Hello(hello)) = hello else { return };
    let seat = match join(players, connection, hello).await {
        Ok(seat) => seat,
        Err(refused) => {
            let Refused { reason, sentence } = refused;
            connection.close(Close { sentence, ..Close::because(reason) });
            return;
        }
    };
    loop {
        match connection.next_event().await {
            Event::Heard(Heard::Inputs(inputs)) => {
                for (tick, input) in inputs {
                    let input = RoomMessage::Input { client: seat.client, tick, input };
                    if seat.room.push(input).is_err() {
                        connection.close(Close::because(CloseReason::ServerError));
                    }
                }
            }
            Event::Heard(Heard::Leave) => {
                connection.close(Close::because(CloseReason::Left));
                return;
            }
            Event::Heard(Heard::Hello(_)) | Event::Closing | Event::Over => return,
        }
    }
}

async fn join<'a>(
    players: &'a Players,
    connection: &Arc<Connection>,
    hello: Hello,
) -> Result<Seat<'a>, Refused> {
    let because = |reason| Refused { reason, sentence: String::new() };
    let (room, workers) =
        players.room(&hello.room).ok_or_else(|| because(CloseReason::UnknownRoom))?;
    let place = Place::take(&players.clients, players.clients_max)
        .ok_or_else(|| because(CloseReason::ServerFull))?;
    let client = ClientId::new(players.next_client.fetch_add(1, Ordering::Relaxed));
    let tick = ask_room(room, client, hello.join).await?;
    metrics::session_began(TRANSPORT);
    let seat = Seat { _place: place, room, client };
    connection.handle_joined(client, room.clone(), tick);
    workers.add(connection);
    Ok(seat)
}

async fn ask_room(room: &RoomHandle, client: ClientId, request: Vec<u8>) -> Result<Tick, Refused> {
    let broken = || Refused { reason: CloseReason::ServerError, sentence: String::new() };
    let (answer, answered) = oneshot::channel();
    let claims = Claims::default();
    room.push(RoomMessage::Join { client, request, claims, answer }).map_err(|_| broken())?;
    answered.await.map_err(|_| broken())?
}
