//! What a session needs of the transport that is attached to it.

use std::{fmt::Debug, time::Instant};

use tickwire_shared::messages::Close;

/// One stay of a transport on a session, as the session's side sees it. Never calls back: a
/// player's lock may be held around each of these.
pub(crate) trait Link: Debug + Send + Sync {
    /// Which rung of the ladder it is.
    fn transport(&self) -> Transport;

    /// Whether a frame would leave at once: nothing is unwritten, and somebody waits for it.
    fn is_ready(&self) -> bool;

    /// Hands over a frame.
    fn write(&self, frame: Vec<u8>);

    /// Hands over the last frame, and ends once that is written.
    fn close(&self, close: &Close);

    /// Looks after what waits; called once per tick. Returns whether the transport is to be given
    /// up.
    fn handle_tick(&self, now: Instant) -> bool;
}

/// Rungs of the ladder, best first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Transport {
    WebSocket,
    Stream,
    LongPoll,
    Poll,
}

impl Transport {
    /// Its name in metrics, and in `?transport=` of a page.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::WebSocket => "websocket",
            Self::Stream => "stream",
            Self::LongPoll => "long-poll",
            Self::Poll => "poll",
        }
    }
}
