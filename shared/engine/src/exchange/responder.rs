//! The server's end: takes each request once, and keeps what a poll was answered with.

use alloc::vec::Vec;

use super::frames;

/// The server's end of an attachment over HTTP. It knows whether a poll waits; where that is, is
/// the shell's to know.
#[derive(Clone, Debug, Default)]
pub struct Responder {
    sends: u32,
    polls: u32,
    /// Frames for the next answer.
    unsent: Vec<u8>,
    is_waiting: bool,
    /// Answer to the newest poll, once there is one.
    answer: Option<Vec<u8>>,
}

/// What to do with a send, by its number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Admission {
    /// It is the next one: its frames are to be handled.
    Next,
    /// It has been taken before. It is answered as if it were new, and nothing comes of it.
    Known,
    /// One before it is missing, which a client that waits for its answers cannot bring about.
    Skipped,
}

/// What to do with a poll, by its number.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Polled {
    /// It waits, in place of whichever waited before it. `is_new`: its frames are to be handled.
    Waits {
        /// Whether it is no repetition.
        is_new: bool,
    },
    /// It is answered with this.
    Answered(Vec<u8>),
    /// One before it is missing.
    Skipped,
}

impl Responder {
    /// A send has come.
    pub const fn handle_send(&mut self, number: u32) -> Admission {
        match number.wrapping_sub(self.sends).cast_signed() {
            1 => {
                self.sends = number;
                Admission::Next
            }
            ..=0 => Admission::Known,
            _ => Admission::Skipped,
        }
    }

    /// A poll has come. The next one proves that the answer to the one before has arrived.
    pub fn handle_poll(&mut self, number: u32) -> Polled {
        let is_new = match number.wrapping_sub(self.polls).cast_signed() {
            1 => true,
            0 => false,
            // Overtaken by a newer one, which gets what there is.
            ..0 => return Polled::Answered(Vec::new()),
            _ => return Polled::Skipped,
        };
        if is_new {
            self.polls = number;
            self.answer = None;
        } else if let Some(answer) = &self.answer {
            return Polled::Answered(answer.clone());
        }
        self.is_waiting = true;
        Polled::Waits { is_new }
    }

    /// Whether a poll waits for its answer.
    pub const fn is_waiting(&self) -> bool {
        self.is_waiting
    }

    /// A frame for the client.
    pub fn push(&mut self, frame: &[u8]) {
        frames::write(frame, &mut self.unsent);
    }

    /// Whether there is something for the next answer.
    pub const fn has_unsent(&self) -> bool {
        !self.unsent.is_empty()
    }

    /// The answer to the poll that waits, with all frames there are, if any.
    pub fn poll_answer(&mut self) -> Option<Vec<u8>> {
        if !self.is_waiting {
            return None;
        }
        self.is_waiting = false;
        let answer = core::mem::take(&mut self.unsent);
        self.answer = Some(answer.clone());
        Some(answer)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    #[test]
    fn a_poll_whose_answer_was_lost_gets_the_same_again() {
        let mut responder = Responder::default();
        assert_eq!(responder.handle_poll(1), Polled::Waits { is_new: true });
        responder.push(&[7]);
        assert_eq!(responder.poll_answer(), Some(vec![1, 7]));
        responder.push(&[8]);
        assert_eq!(responder.handle_poll(1), Polled::Answered(vec![1, 7]));
        assert_eq!(responder.handle_poll(2), Polled::Waits { is_new: true });
        assert_eq!(responder.poll_answer(), Some(vec![1, 8]));
        assert_eq!(responder.handle_poll(1), Polled::Answered(vec![]), "long overtaken");
        assert_eq!(responder.handle_poll(4), Polled::Skipped);
    }

    #[test]
    fn a_poll_that_waits_is_replaced_by_its_repetition() {
        let mut responder = Responder::default();
        responder.handle_poll(1);
        assert_eq!(responder.handle_poll(1), Polled::Waits { is_new: false });
        assert_eq!(responder.poll_answer(), Some(vec![]));
        assert_eq!(responder.poll_answer(), None, "nobody waits any more");
    }

    #[test]
    fn a_send_is_taken_once() {
        let mut responder = Responder::default();
        assert_eq!(responder.handle_send(1), Admission::Next);
        assert_eq!(responder.handle_send(1), Admission::Known);
        assert_eq!(responder.handle_send(3), Admission::Skipped);
        assert_eq!(responder.handle_send(2), Admission::Next);
    }
}
