//! What clients have said since a room's last tick, each within its share.

use std::{collections::HashMap, sync::Arc};

use tickwire_shared::{ClientId, CloseReason, Tick};
use tokio::sync::oneshot;

use super::{Mailbox, Refused};
use crate::{
    game::Claims,
    limits::{INBOX_BYTES_MAX, INBOX_BYTES_PER_CLIENT_MAX},
    metrics,
    replication::Delay,
};

/// Something for a room to do before its next tick.
#[derive(Debug)]
pub enum RoomMessage {
    /// Let a client in.
    Join(Box<Joining>),
    /// Let a client go.
    Leave {
        /// Who.
        client: ClientId,
    },
    /// A client's reliable message.
    Message {
        /// Who.
        client: ClientId,
        /// As the client wrote it.
        message: Vec<u8>,
    },
    /// A client's input for a tick.
    Input {
        /// Who.
        client: ClientId,
        /// Which tick it is for.
        tick: Tick,
        /// The input, encoded.
        input: Vec<u8>,
        /// How far in the past the client saw others as it made it.
        delay: Option<Delay>,
    },
}

/// A client that wants to be let in.
#[derive(Debug)]
pub struct Joining {
    /// Who.
    pub client: ClientId,
    /// The game's join request, encoded.
    pub request: Vec<u8>,
    /// What its token says.
    pub claims: Claims,
    /// Where the room puts messages for it.
    pub mailbox: Arc<Mailbox>,
    /// Where the answer goes: what others call the client, or why it is not let in.
    pub answer: oneshot::Sender<Result<String, Refused>>,
}

/// The room's inbox is full.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum InboxFull {
    /// With what all clients have said.
    #[error("the room has no place for more")]
    OfAll,
    /// As far as it is this client's.
    #[error("the room has no place for more of this client")]
    OfClient,
}

impl InboxFull {
    /// What the client is told. It may come back, and goes on where it was.
    pub const fn close_reason(self) -> CloseReason {
        match self {
            Self::OfAll => CloseReason::ServerError,
            Self::OfClient => CloseReason::TooFast,
        }
    }
}

/// In the order in which it came, but for inputs that took the place of an older one.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    messages: Vec<RoomMessage>,
    bytes: usize,
    shares: HashMap<ClientId, Share>,
}

/// What one client has in the inbox.
#[derive(Clone, Copy, Debug, Default)]
struct Share {
    bytes: usize,
    /// Where among the messages its newest input is whose tick was over when it came.
    late: Option<usize>,
}

impl Inbox {
    /// Whether a client's next frame has a place, whatever is in it.
    pub(super) fn admit(&self, client: ClientId) -> Result<(), InboxFull> {
        let share = self.shares.get(&client).map_or(0, |share| share.bytes);
        if share >= INBOX_BYTES_PER_CLIENT_MAX {
            return Err(InboxFull::OfClient);
        }
        self.check_place()
    }

    /// Takes out all that there is.
    pub(super) fn drain(&mut self) -> Vec<RoomMessage> {
        self.bytes = 0;
        self.shares.clear();
        std::mem::take(&mut self.messages)
    }

    /// Whether anything more has a place.
    pub(super) fn check_place(&self) -> Result<(), InboxFull> {
        if self.bytes < INBOX_BYTES_MAX { Ok(()) } else { Err(InboxFull::OfAll) }
    }

    /// Takes something of a client.
    pub(super) fn push(&mut self, client: ClientId, message: RoomMessage) {
        let bytes = message.bytes();
        self.bytes += bytes;
        self.shares.entry(client).or_default().bytes += bytes;
        self.messages.push(message);
    }

    /// Keeps an input whose tick is over if the client has sent none that is newer.
    pub(super) fn push_late(&mut self, client: ClientId, tick: Tick, message: RoomMessage) {
        let share = self.shares.entry(client).or_default();
        let Some(kept) = share.late.and_then(|at| self.messages.get_mut(at)) else {
            share.late = Some(self.messages.len());
            return self.push(client, message);
        };
        metrics::inputs_late(1);
        if matches!(kept, RoomMessage::Input { tick: kept, .. } if tick.is_newer_than(*kept)) {
            let (before, bytes) = (kept.bytes(), message.bytes());
            self.bytes = self.bytes - before + bytes;
            share.bytes = share.bytes - before + bytes;
            *kept = message;
        }
    }
}

impl RoomMessage {
    /// Whom it is about.
    pub(super) fn client(&self) -> ClientId {
        match self {
            Self::Join(joining) => joining.client,
            Self::Leave { client } | Self::Message { client, .. } | Self::Input { client, .. } => {
                *client
            }
        }
    }

    fn bytes(&self) -> usize {
        let carried = match self {
            Self::Join(joining) => {
                size_of::<Joining>() + joining.request.len() + joining.claims.bytes()
            }
            Self::Message { message, .. } => message.len(),
            Self::Input { input, .. } => input.len(),
            Self::Leave { .. } => 0,
        };
        size_of::<Self>() + carried
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use tickwire_shared::limits::CLIENT_FRAME_BYTES_MAX;

    use super::{
        super::{RoomEnd, RoomHandle, bridge},
        *,
    };
    use crate::{game::RoomInfo, limits::FRAMES_BURST_MAX, replication::History, room::Published};

    const NOW: Tick = Tick::new(10_000);

    const INPUT_BYTES: usize = 10;

    /// A room that has just made the tick `NOW`.
    fn room() -> (RoomHandle, RoomEnd) {
        let info = RoomInfo { name: String::from("attic"), seed: 1, tick_rate: 60 };
        let (handle, end) = bridge(info);
        end.publish(Published {
            tick: NOW,
            at: Instant::now(),
            changed_at: NOW,
            history: History::with_capacity(1),
            clients: Arc::default(),
        });
        (handle, end)
    }

    fn message(client: u32) -> RoomMessage {
        RoomMessage::Message { client: ClientId::new(client), message: vec![0; 4096] }
    }

    fn input(client: u32, tick: Tick) -> RoomMessage {
        let (client, input) = (ClientId::new(client), vec![0; INPUT_BYTES]);
        RoomMessage::Input { client, tick, input, delay: None }
    }

    /// Sends frames full of messages until the room takes no more; how many it took.
    fn flood(room: &RoomHandle, client: u32) -> usize {
        let admitted = |_: &usize| room.admit(ClientId::new(client)).is_ok();
        let frames = (0..FRAMES_BURST_MAX as usize).take_while(admitted);
        frames.map(|_| (0..4).for_each(|_| room.push(message(client)))).count()
    }

    #[test]
    fn a_client_that_floods_has_its_share_and_takes_nothing_from_others() {
        let (room, end) = room();
        let most = INBOX_BYTES_PER_CLIENT_MAX / CLIENT_FRAME_BYTES_MAX;
        for flooder in 0..100 {
            assert!(flood(&room, flooder) <= most, "it has no more than its share");
            assert_eq!(room.admit(ClientId::new(flooder)), Err(InboxFull::OfClient));
        }
        let other = ClientId::new(1_000);
        assert_eq!(room.admit(other), Ok(()), "there is place for others");
        room.push(message(1_000));
        let heard = end.drain();
        assert!(heard.iter().any(|message| message.client() == other), "they are heard");
        assert_eq!(room.admit(ClientId::new(0)), Ok(()), "each tick has a share");
    }

    #[test]
    fn all_together_have_what_there_is() {
        let (room, end) = room();
        let flooders = 2 * INBOX_BYTES_MAX / INBOX_BYTES_PER_CLIENT_MAX;
        for flooder in 0..u32::try_from(flooders).expect("there are few") {
            flood(&room, flooder);
        }
        assert_eq!(room.admit(ClientId::new(1_000_000)), Err(InboxFull::OfAll));
        let bytes: usize = end.drain().iter().map(RoomMessage::bytes).sum();
        assert!(bytes < INBOX_BYTES_MAX + 2 * CLIENT_FRAME_BYTES_MAX, "{bytes} bytes");
        assert_eq!(room.admit(ClientId::new(1_000_000)), Ok(()));
    }

    #[test]
    fn what_a_network_brings_after_a_stall_is_a_client_s_newest_word_and_no_flood() {
        let (room, end) = room();
        for age in (0..FRAMES_BURST_MAX).rev() {
            assert_eq!(room.admit(ClientId::new(1)), Ok(()), "{age} ticks ago");
            room.push(input(1, NOW.minus(age)));
            room.push(input(2, NOW.minus(age)));
        }
        // Two that come in the wrong order, and two whose time is still to come.
        room.push(input(1, NOW.minus(1)));
        room.push(input(1, NOW.plus(1)));
        room.push(input(1, NOW.plus(2)));
        let heard = end.drain().into_iter().map(|message| match message {
            RoomMessage::Input { client, tick, .. } => (client.get(), tick.since(NOW)),
            _ => panic!("only inputs were sent"),
        });
        assert_eq!(heard.collect::<Vec<_>>(), [(1, 0), (2, 0), (1, 1), (1, 2)]);
    }
}
