//! What a player is at present, under its lock: attached, away for a while, or over.

use std::{sync::Arc, time::Instant};

use tickwire_shared::{Advice, CloseReason, messages::Close, reliable::SenderFull};

use super::{
    super::{link::Link, places::Place},
    identity::Identity,
    seat::{Absence, Seat},
};
use crate::{
    channels::SessionChannels,
    limits::{CHANNEL_UNACKNOWLEDGED_BYTES_MAX, MESSAGES_FRAME_BYTES_MAX},
    metrics,
    session::Session,
};

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) session: Session,
    pub(super) state: State,
    /// Given up as soon as it is over.
    pub(super) seat: Option<Seat>,
    /// Counts attachments: who brings a frame says on which.
    pub(super) stay: u64,
    pub(super) identity: Identity,
    pub(super) channels: SessionChannels,
}

#[derive(Debug)]
pub(super) enum State {
    New,
    Attached(Arc<dyn Link>),
    Away { since: Instant, _place: Place },
    Over,
}

impl Inner {
    /// Takes what waits in channels into the session, as far as there is room for it.
    pub(super) fn take_channel_messages(&mut self) -> Result<(), SenderFull> {
        let before = self.session.unacknowledged_bytes();
        let full = CHANNEL_UNACKNOWLEDGED_BYTES_MAX.min(before + MESSAGES_FRAME_BYTES_MAX);
        while self.session.unacknowledged_bytes() < full {
            let Some(message) = self.channels.poll_message() else { return Ok(()) };
            self.session.push_message(message.into())?;
        }
        Ok(())
    }

    /// The client's own fault. What trying again would cure leaves the player in place.
    pub(super) fn refuse(&mut self, reason: CloseReason, absence: &Absence) {
        if reason.advice() == Advice::Stop {
            self.end(&Close::because(reason));
        } else {
            self.detach(Some(reason), absence);
        }
    }

    /// The transport goes; the player stays for the grace time, if there is a place.
    pub(super) fn detach(&mut self, reason: Option<CloseReason>, absence: &Absence) {
        self.let_go(reason.map(Close::because).as_ref());
        match absence.places.take() {
            Some(_place) if !absence.grace.is_zero() => {
                self.state = State::Away { since: Instant::now(), _place };
            }
            _ => self.over(),
        }
    }

    pub(super) fn end(&mut self, close: &Close) {
        self.let_go(Some(close));
        self.over();
    }

    pub(super) fn over(&mut self) {
        self.state = State::Over;
        self.seat = None;
    }

    fn let_go(&mut self, close: Option<&Close>) {
        self.session.detach();
        let State::Attached(link) = &self.state else { return };
        metrics::session_ended(link.transport().name());
        if let Some(close) = close {
            metrics::closed(close.reason);
            link.close(close);
        }
    }
}
