//! The server's end: takes each request once.

use alloc::vec::Vec;

/// The server's end of an attachment over HTTP.
#[derive(Clone, Debug, Default)]
pub struct Responder {
    sends: u32,
    polls: u32,
    /// Answer to the newest poll, once there is one.
    kept: Option<Vec<u8>>,
}

/// What to do with a request, by its number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Admission {
    /// It is the next one.
    Next,
    /// It is the newest one again. A poll is answered as before, where it was answered; else it
    /// takes the place of the one that still waits.
    Again,
    /// It was overtaken. It is answered by nothing, and nothing comes of it.
    Overtaken,
    /// One before it is missing, which a client that waits for its answers cannot bring about.
    Skipped,
}

impl Responder {
    /// Looks at the number of a send.
    pub const fn admit_send(&mut self, number: u32) -> Admission {
        let admission = admission(self.sends, number);
        if matches!(admission, Admission::Next) {
            self.sends = number;
        }
        admission
    }

    /// Looks at the number of a poll. The next one proves that the answer before has arrived.
    pub fn admit_poll(&mut self, number: u32) -> Admission {
        let admission = admission(self.polls, number);
        if admission == Admission::Next {
            self.polls = number;
            self.kept = None;
        }
        admission
    }

    /// Number of the newest poll.
    pub const fn newest_poll(&self) -> u32 {
        self.polls
    }

    /// The newest poll was answered.
    pub fn handle_answer(&mut self, body: Vec<u8>) {
        self.kept = Some(body);
    }

    /// Answer to the newest poll, once there is one.
    pub fn answer(&self) -> Option<&[u8]> {
        self.kept.as_deref()
    }
}

const fn admission(newest: u32, number: u32) -> Admission {
    match number.wrapping_sub(newest).cast_signed() {
        1 => Admission::Next,
        0 => Admission::Again,
        ..0 => Admission::Overtaken,
        _ => Admission::Skipped,
    }
}
