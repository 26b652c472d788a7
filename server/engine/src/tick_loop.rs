//! Keeps a room's time, on a thread of its own.

use std::{
    collections::BTreeMap,
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use tickwire_shared::{
    ClientId, CloseReason,
    codec::encode,
    messages::{Close, ServerMessage},
};

use crate::{
    bridge::{Joining, Mailbox, Refused, RoomEnd, RoomMessage},
    channels::{Channels, Moment},
    game::Game,
    limits::CATCH_UP_TICKS_MAX,
    metrics,
    room::{JoinError, Room},
    room_channels::ChannelDesk,
};

/// A room that ticks. Dropping it stops the room after the tick under way.
#[derive(Debug)]
pub struct TickLoop {
    stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl TickLoop {
    /// Starts a room's thread. The room is made there, by `make`: a world need not travel.
    pub fn start<G: Game>(
        name: &str,
        make: impl FnOnce() -> Room<G> + Send + 'static,
        end: RoomEnd,
        channels: Arc<Channels>,
    ) -> io::Result<Self> {
        let stopping = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&stopping);
        let thread = thread::Builder::new()
            .name(format!("room {name}"))
            .spawn(move || run(make(), &end, &ChannelDesk::new(channels), &stop))?;
        Ok(Self { stopping, thread: Some(thread) })
    }
}

impl Drop for TickLoop {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A room that panicked has said so already.
            let _ = thread.join();
        }
    }
}

fn run<G: Game>(mut room: Room<G>, end: &RoomEnd, desk: &ChannelDesk, stopping: &AtomicBool) {
    let period = Duration::from_secs(1) / u32::from(room.info().tick_rate.max(1));
    let mut due = Instant::now();
    let mut reported = Reported::default();
    let mut mailboxes = BTreeMap::new();
    while !stopping.load(Ordering::Relaxed) {
        let began = Instant::now();
        for message in end.drain() {
            handle(&mut room, &mut mailboxes, message);
        }
        desk.poll_heard().into_iter().for_each(|heard| room.hear(heard));
        let published = room.step(due);
        post(&mut room, &mailboxes);
        desk.carry_out(room.take_wishes(), Moment::now());
        metrics::tick_made(began.elapsed());
        reported.update(&room);
        end.publish(published);
        due += period;
        let now = Instant::now();
        if now < due {
            thread::sleep(due - now);
        } else {
            metrics::tick_overrun();
            if now - due > period * CATCH_UP_TICKS_MAX {
                tracing::warn!(
                    room = room.info().name,
                    "behind by {:?}: time is let go",
                    now - due
                );
                due = now;
            }
        }
    }
}

type Mailboxes = BTreeMap<ClientId, Arc<Mailbox>>;

/// Gives sessions what the game has sent, before they get the world of that tick.
fn post<G: Game>(room: &mut Room<G>, mailboxes: &Mailboxes) {
    let tick = room.tick().get();
    for (client, body) in room.take_messages() {
        if let Some(mailbox) = mailboxes.get(&client) {
            mailbox.push(encode(&ServerMessage::Game { tick, body }));
        }
    }
    for (client, sentence) in room.take_kicks() {
        if let Some(mailbox) = mailboxes.get(&client) {
            mailbox.end(Close { sentence, ..Close::because(CloseReason::Kicked) });
        }
    }
}

fn handle<G: Game>(room: &mut Room<G>, mailboxes: &mut Mailboxes, message: RoomMessage) {
    match message {
        RoomMessage::Join(joining) => {
            let Joining { client, request, claims, mailbox, answer } = *joining;
            let joined = room.join(client, &request, &claims).map_err(|error| match error {
                JoinError::Malformed => {
                    Refused { reason: CloseReason::MalformedFrame, sentence: String::new() }
                }
                JoinError::Refused(refusal) => Refused {
                    reason: CloseReason::JoinRefused,
                    sentence: String::from(refusal.sentence()),
                },
            });
            if joined.is_ok() {
                mailboxes.insert(client, mailbox);
            }
            let joined = joined.map(|()| room.name_of(client));
            // Whoever hung up while it waited says so by leaving.
            let _ = answer.send(joined);
        }
        RoomMessage::Leave { client } => {
            mailboxes.remove(&client);
            room.leave(client);
        }
        RoomMessage::Message { client, message } => room.message(client, &message),
        RoomMessage::Input { client, tick, input, delay } => {
            if let Err(error) = room.push_input(client, tick, &input, delay) {
                // The session has checked it against the tick before: only a client at the very
                // edge gets here.
                tracing::debug!(%client, %tick, %error, "input dropped");
            }
        }
    }
}

/// What the metrics were told so far.
#[derive(Default)]
struct Reported {
    inputs_late: u64,
}

impl Reported {
    fn update<G: Game>(&mut self, room: &Room<G>) {
        metrics::inputs_late(room.inputs_late() - self.inputs_late);
        self.inputs_late = room.inputs_late();
        for clamped in room.capture().clamped() {
            metrics::values_clamped(&clamped);
        }
    }
}
