//! Why something is not done, for whoever asked.

/// Why something is not done.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ChannelError {
    /// No channel has such a name.
    #[error("that is no channel's name")]
    BadName,
    /// Nobody has described the namespace.
    #[error("there is no such namespace")]
    UnknownNamespace,
    /// The namespace or the channel is not for whoever asks.
    #[error("that channel is not open to you")]
    NotAllowed,
    /// Whoever asks listens already.
    #[error("you listen to that channel already")]
    AlreadySubscribed,
    /// Whoever asks does not listen.
    #[error("you do not listen to that channel")]
    NotSubscribed,
    /// One connection listens to enough channels.
    #[error("you listen to too many channels")]
    TooManySubscriptions,
    /// The namespace has as many channels as it may.
    #[error("there are too many channels")]
    TooManyChannels,
    /// Longer than the namespace allows.
    #[error("that is {bytes} bytes, where {max} is the most")]
    TooLarge {
        /// What came.
        bytes: usize,
        /// What may come.
        max: usize,
    },
    /// More often than the namespace allows.
    #[error("too fast: wait {retry_after_ms} ms")]
    TooFast {
        /// After which the next would be taken.
        retry_after_ms: u32,
    },
    /// Somebody with the right to has silenced whoever asks.
    #[error("you are muted for another {seconds} s")]
    Muted {
        /// For how long still.
        seconds: u32,
    },
    /// Somebody with the right to has sent whoever asks away.
    #[error("you were sent away for another {seconds} s")]
    Banned {
        /// For how long still.
        seconds: u32,
    },
    /// The namespace does not tell who is here.
    #[error("that channel does not tell who is here")]
    NoPresence,
}
