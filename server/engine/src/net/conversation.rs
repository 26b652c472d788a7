//! What is said on one attachment, from the first probe to the end.
//!
//! Transports hand every frame in here and say when they are gone; what goes back to the client
//! goes through the [`Link`].

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use tickwire_shared::{
    CloseReason,
    messages::{Close, Hello},
};

use super::{
    link::Link,
    player::Player,
    players::{Greeted, Players},
};
use crate::{
    bridge::Refused,
    limits::{EARLY_FRAMES_MAX, PROBES_MAX},
    metrics,
    session::{Opening, read_opening},
};

/// What is said on one attachment.
#[derive(Debug)]
pub(crate) struct Conversation {
    players: Arc<Players>,
    link: Arc<dyn Link>,
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    Opening {
        probes: u32,
    },
    /// The welcome may be out before this is over: what the client answers waits so long.
    Joining {
        early: Vec<Vec<u8>>,
    },
    Playing {
        player: Arc<Player>,
        stay: u64,
    },
    Over,
}

impl Conversation {
    /// With a client that has said nothing so far.
    pub(crate) fn new(players: Arc<Players>, link: Arc<dyn Link>) -> Arc<Self> {
        Arc::new(Self { players, link, state: Mutex::new(State::Opening { probes: 0 }) })
    }

    /// Takes a frame from the client.
    pub(crate) fn handle_frame(self: &Arc<Self>, bytes: &[u8]) {
        let mut state = self.lock();
        match &mut *state {
            State::Playing { player, stay } => {
                let (player, stay) = (Arc::clone(player), *stay);
                drop(state);
                player.handle_frame(stay, bytes);
            }
            State::Opening { probes } => {
                *probes += 1;
                let is_too_much = *probes > PROBES_MAX;
                match read_opening(bytes, self.players.protocol()) {
                    _ if is_too_much => self.end(&mut state, CloseReason::TooFast),
                    Ok(Opening::Probe(answer)) => self.link.write(answer),
                    Ok(Opening::Hello(hello)) => {
                        *state = State::Joining { early: Vec::new() };
                        let greeted = Arc::clone(self).greet(hello);
                        self.players.tracker().spawn(greeted);
                    }
                    Ok(Opening::Leave) => self.end(&mut state, CloseReason::Left),
                    Err(reason) => self.end(&mut state, reason),
                }
            }
            State::Joining { early } if early.len() < EARLY_FRAMES_MAX => {
                early.push(bytes.to_vec())
            }
            State::Joining { .. } => self.end(&mut state, CloseReason::UnexpectedFrame),
            State::Over => {}
        }
    }

    /// The client does not keep to what its transport is for.
    pub(crate) fn handle_misuse(&self, reason: CloseReason) {
        let mut state = self.lock();
        match &*state {
            State::Playing { player, stay } => {
                let (player, stay) = (Arc::clone(player), *stay);
                drop(state);
                player.handle_misuse(stay, reason);
            }
            State::Opening { .. } | State::Joining { .. } => self.end(&mut state, reason),
            State::Over => {}
        }
    }

    /// Something came that is no frame.
    pub(crate) fn handle_alive(&self) {
        if let Some((player, stay)) = self.playing() {
            player.handle_alive(stay);
        }
    }

    /// Somebody waits for a frame: the next may go at once.
    pub(crate) fn handle_waiting(&self) {
        if let Some((player, _)) = self.playing()
            && let Some(published) = player.room().published()
        {
            player.handle_tick(&published, false, Instant::now());
        }
    }

    /// The transport is gone.
    pub(crate) fn handle_gone(&self) {
        let before = std::mem::replace(&mut *self.lock(), State::Over);
        if let State::Playing { player, stay } = before {
            player.handle_detached(stay);
        }
    }

    /// Nothing came of it for too long, or it must not be.
    pub(crate) fn refuse(&self, close: &Close) {
        let mut state = self.lock();
        if matches!(*state, State::Opening { .. } | State::Joining { .. }) {
            metrics::closed(close.reason);
            self.link.close(close);
            *state = State::Over;
        }
    }

    /// Whether the client has yet to say hello.
    pub(crate) fn is_opening(&self) -> bool {
        matches!(*self.lock(), State::Opening { .. })
    }

    /// Whether an answer to the hello is still to come.
    pub(crate) fn is_joining(&self) -> bool {
        matches!(*self.lock(), State::Joining { .. })
    }

    /// Whether nothing more will come of it.
    pub(crate) fn is_over(&self) -> bool {
        match &*self.lock() {
            State::Opening { .. } | State::Joining { .. } => false,
            State::Playing { player, stay } => !player.is_attached(*stay),
            State::Over => true,
        }
    }

    async fn greet(self: Arc<Self>, hello: Hello) {
        let greeted = self.players.greet(&self.link, hello).await;
        match greeted {
            Ok(greeted) => {
                if self.begin(&greeted) {
                    return;
                }
                // It hung up, or misbehaved, while it waited. A new player has not heard of its
                // token, and cannot come back.
                if greeted.is_resumed {
                    greeted.player.handle_detached(greeted.stay);
                } else {
                    greeted.player.end(&Close::because(CloseReason::Left));
                }
            }
            Err(Refused { reason, sentence }) => {
                let mut state = self.lock();
                if matches!(*state, State::Joining { .. }) {
                    tracing::debug!(%reason, "not let in");
                    metrics::closed(reason);
                    self.link.close(&Close { sentence, ..Close::because(reason) });
                    *state = State::Over;
                }
            }
        }
    }

    /// Plays, after all that the client has said so far, in its order. `false`: it is over.
    fn begin(&self, greeted: &Greeted) -> bool {
        loop {
            let mut state = self.lock();
            let State::Joining { early } = &mut *state else { return false };
            if early.is_empty() {
                let player = Arc::clone(&greeted.player);
                *state = State::Playing { player, stay: greeted.stay };
                return true;
            }
            let early = std::mem::take(early);
            drop(state);
            for frame in early {
                greeted.player.handle_frame(greeted.stay, &frame);
            }
        }
    }

    fn playing(&self) -> Option<(Arc<Player>, u64)> {
        match &*self.lock() {
            State::Playing { player, stay } => Some((Arc::clone(player), *stay)),
            _ => None,
        }
    }

    fn end(&self, state: &mut State, reason: CloseReason) {
        tracing::debug!(%reason, "refused");
        metrics::closed(reason);
        self.link.close(&Close::because(reason));
        *state = State::Over;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
