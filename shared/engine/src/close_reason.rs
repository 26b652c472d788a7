//! Why a session ends, and what the client should do about it.

use core::fmt;

use bincode::{Decode, Encode};

/// What a client does after its session was closed. Follows from the code's range.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Advice {
    /// 4000–4099: trying again with the same program and input would fail again.
    Stop,
    /// 4100–4199: try again, later and later.
    BackOff,
    /// 4200–4299: come back at the moment that the server names.
    ComeBack,
}

macro_rules! close_reasons {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $sentence:literal;)*) => {
        /// Why a session ended. Its number is the WebSocket close code.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Encode, Decode)]
        pub enum CloseReason {
            $($(#[$doc])* $name,)*
        }

        impl CloseReason {
            /// Every reason, in order of code.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The number that travels in a close frame.
            pub const fn code(self) -> u16 {
                match self { $(Self::$name => $code,)* }
            }

            /// The name in metrics and logs.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }

            /// One sentence that a player can read.
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$name => $sentence,)* }
            }
        }
    };
}

close_reasons! {
    /// The player left on purpose.
    Left = 4000, "You left the game.";
    /// The client's bytes could not be decoded.
    MalformedFrame = 4001, "The server could not read what this page sent. Please reload.";
    /// A frame or message over its limit.
    FrameTooLarge = 4002, "This page sent more than the server accepts. Please reload.";
    /// The client was built against another schema.
    ProtocolMismatch = 4003, "This page is out of date. Please reload.";
    /// No room of that name.
    UnknownRoom = 4004, "There is no such room.";
    /// A frame that is not allowed now: a second hello, or anything before the first.
    UnexpectedFrame = 4005, "The server got something unexpected from this page. Please reload.";
    /// An input decoded to a value outside its declared range.
    InputOutOfRange = 4006, "The server refused an input as impossible. Please reload.";
    /// An input for a tick far from the room's.
    InputTickOutOfRange = 4007, "This page's clock is far off the server's. Please reload.";
    /// The game refused the join (its own sentence travels beside the reason).
    JoinRefused = 4008, "The game did not let you in.";
    /// The token is not acceptable.
    TokenRefused = 4009, "Your ticket for this game is not valid.";
    /// The page comes from an origin that is not allowed.
    OriginRefused = 4010, "This page may not play on that server.";
    /// The request names a host that this server is not.
    HostRefused = 4011, "That server does not answer to this name.";
    /// Somebody with the right to do so removed the player.
    Kicked = 4012, "You were removed from the game.";
    /// The session goes on elsewhere.
    TakenOver = 4013, "This game goes on in another window.";
    /// No token, where the server lets nobody in without.
    TokenMissing = 4014, "This game asks for a ticket. Please sign in.";
    /// The token is not for this room.
    RoomRefused = 4015, "Your ticket is not for this room.";
    /// No room for another player.
    ServerFull = 4100, "The server is full. Trying again soon.";
    /// Nothing was heard from the client for too long.
    IdleTimeout = 4101, "The connection was silent for too long.";
    /// The client sends more than its rate allows.
    TooFast = 4102, "This page sends too much. Slowing down.";
    /// The client takes too long to read what it is sent.
    TooSlow = 4103, "The connection is too slow right now.";
    /// Something broke on the server.
    ServerError = 4104, "Something broke on the server. Trying again.";
    /// No hello within the time for it.
    HelloTimeout = 4105, "The server did not hear a greeting in time.";
    /// The session token is forged, altered or out of date. The client forgets it and joins anew.
    SessionRefused = 4106, "Your place in the game is gone. Joining anew.";
    /// A request named an attachment that is not there (any more).
    AttachmentUnknown = 4107, "The connection was lost. Connecting again.";
    /// The token was good once, and no newer one has come.
    TokenExpired = 4108, "Your ticket has run out. Please sign in again.";
    /// The server is going down, and says when to come back.
    ServerStopping = 4200, "The server restarts. Back in a moment.";
}

impl CloseReason {
    /// What the client should do now.
    pub const fn advice(self) -> Advice {
        match self.code() {
            4000..4100 => Advice::Stop,
            4100..4200 => Advice::BackOff,
            _ => Advice::ComeBack,
        }
    }

    /// The reason with this number.
    pub fn from_code(code: u16) -> Option<Self> {
        Self::ALL.iter().copied().find(|reason| reason.code() == code)
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name(), self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_distinct_and_in_their_ranges() {
        for (at, reason) in CloseReason::ALL.iter().enumerate() {
            assert!((4000..4300).contains(&reason.code()), "{reason}");
            assert_eq!(CloseReason::from_code(reason.code()), Some(*reason));
            for other in CloseReason::ALL.iter().skip(at + 1) {
                assert!(reason.code() < other.code(), "{reason} stands before {other}");
            }
        }
    }
}
