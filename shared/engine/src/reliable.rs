//! Messages that arrive once and in order, over attachments that come and go.
//!
//! Both ends have a [`ReliableSender`] and a [`ReliableReceiver`]. A message keeps its number
//! until it is acknowledged and is sent again on every new attachment; the receiver drops what it
//! has had. Nothing here knows a clock: an ordered transport loses nothing while it lives.

use alloc::{collections::VecDeque, vec::Vec};

use crate::{limits::MESSAGES_PER_FRAME_MAX, messages::Sequence};

/// The sending end.
#[derive(Clone, Debug)]
pub struct ReliableSender {
    /// What is not acknowledged, oldest first.
    waiting: VecDeque<Vec<u8>>,
    waiting_bytes: usize,
    bytes_max: usize,
    /// Number of the first that waits.
    first: Sequence,
    /// How many of those that wait were given to the present attachment.
    sent: usize,
    /// How many of them were given to any. The other end may still hear an attachment that was
    /// left, and acknowledge on the present one what came there.
    sent_ever: usize,
}

/// More waits for its acknowledgement than the sender may hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("too much waits for the other end's acknowledgement")]
pub struct SenderFull;

/// An acknowledgement of something that was never sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the other end acknowledges what was not sent")]
pub struct AcknowledgedUnsent;

impl ReliableSender {
    /// Holds at most `bytes_max` bytes of messages.
    pub const fn new(bytes_max: usize) -> Self {
        Self {
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            bytes_max,
            first: 1,
            sent: 0,
            sent_ever: 0,
        }
    }

    /// Takes a message to be sent.
    pub fn push(&mut self, message: Vec<u8>) -> Result<(), SenderFull> {
        let bytes = self.waiting_bytes + message.len();
        if bytes > self.bytes_max {
            return Err(SenderFull);
        }
        self.waiting_bytes = bytes;
        self.waiting.push_back(message);
        Ok(())
    }

    /// Whether there is something that the present attachment was not given.
    pub fn has_unsent(&self) -> bool {
        self.sent < self.waiting.len()
    }

    /// Bytes that wait for their acknowledgement.
    pub const fn waiting_bytes(&self) -> usize {
        self.waiting_bytes
    }

    /// The next messages for the present attachment, for a frame that has place for so many bytes
    /// of them or for one, and the number of the first of them.
    pub fn poll_messages(&mut self, bytes_max: usize) -> (Sequence, Vec<Vec<u8>>) {
        let first = self.first.wrapping_add(u32::try_from(self.sent).unwrap_or(u32::MAX));
        let unsent = self.waiting.iter().skip(self.sent).take(MESSAGES_PER_FRAME_MAX);
        let mut bytes = 0;
        let fits = |(at, message): &(usize, &Vec<u8>)| {
            bytes += message.len();
            *at == 0 || bytes <= bytes_max
        };
        let fitting = unsent.enumerate().take_while(fits);
        let messages: Vec<_> = fitting.map(|(_, message)| message.clone()).collect();
        self.sent += messages.len();
        self.sent_ever = self.sent_ever.max(self.sent);
        (first, messages)
    }

    /// The other end has everything up to this number.
    pub fn handle_acknowledged(&mut self, up_to: Sequence) -> Result<(), AcknowledgedUnsent> {
        let count = up_to.wrapping_add(1).wrapping_sub(self.first).cast_signed();
        // An older acknowledgement that was overtaken says nothing new.
        let Ok(count) = usize::try_from(count) else { return Ok(()) };
        if count > self.sent_ever {
            return Err(AcknowledgedUnsent);
        }
        for message in self.waiting.drain(..count) {
            self.waiting_bytes -= message.len();
        }
        self.first = self.first.wrapping_add(u32::try_from(count).unwrap_or(0));
        self.sent = self.sent.saturating_sub(count);
        self.sent_ever -= count;
        Ok(())
    }

    /// A new attachment starts: all that is not acknowledged goes out again.
    pub const fn handle_attached(&mut self) {
        self.sent = 0;
    }
}

/// The receiving end.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReliableReceiver {
    acknowledged: Sequence,
}

/// A message was skipped, which no ordered transport does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a reliable message is missing")]
pub struct MessageMissing;

impl ReliableReceiver {
    /// Highest number that came without a gap.
    pub const fn acknowledged(&self) -> Sequence {
        self.acknowledged
    }

    /// Takes messages numbered from `first` on, and returns those that are new.
    pub fn handle_messages(
        &mut self,
        first: Sequence,
        mut messages: Vec<Vec<u8>>,
    ) -> Result<Vec<Vec<u8>>, MessageMissing> {
        if messages.is_empty() {
            return Ok(messages);
        }
        let known = self.acknowledged.wrapping_add(1).wrapping_sub(first).cast_signed();
        let known = usize::try_from(known).map_err(|_| MessageMissing)?;
        messages.drain(..known.min(messages.len()));
        let new = u32::try_from(messages.len()).unwrap_or(0);
        self.acknowledged = self.acknowledged.wrapping_add(new);
        Ok(messages)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    #[test]
    fn messages_survive_a_cut_once_and_in_order() {
        let mut sender = ReliableSender::new(100);
        let mut receiver = ReliableReceiver::default();
        for number in 0..3u8 {
            sender.push(vec![number]).expect("there is room");
        }
        let (first, lost_answer) = sender.poll_messages(100);
        let received = receiver.handle_messages(first, lost_answer).expect("nothing is missing");
        assert_eq!(received, [[0], [1], [2]]);
        // The connection is cut before the acknowledgement gets back.
        sender.push(vec![3]).expect("there is room");
        sender.handle_attached();
        let (first, again) = sender.poll_messages(100);
        assert_eq!((first, again.len()), (1, 4), "all that is not acknowledged goes again");
        let received = receiver.handle_messages(first, again).expect("nothing is missing");
        assert_eq!(received, [[3]], "what came before is dropped by its number");
        sender.handle_acknowledged(receiver.acknowledged()).expect("all of it was sent");
        assert_eq!((sender.waiting_bytes(), sender.has_unsent()), (0, false));
    }

    #[test]
    fn a_full_sender_and_a_lying_receiver_are_noticed() {
        let mut sender = ReliableSender::new(4);
        assert_eq!(sender.push(vec![0; 4]), Ok(()));
        assert_eq!(sender.push(vec![0]), Err(SenderFull));
        assert_eq!(sender.handle_acknowledged(1), Err(AcknowledgedUnsent), "not sent so far");
        sender.poll_messages(100);
        assert_eq!(sender.handle_acknowledged(1), Ok(()));
        assert_eq!(sender.handle_acknowledged(0), Ok(()), "an overtaken one is harmless");
    }

    #[test]
    fn what_came_over_the_attachment_before_may_be_acknowledged_on_the_next() {
        let mut sender = ReliableSender::new(4);
        for number in 0..3 {
            assert_eq!(sender.push(vec![number]), Ok(()));
        }
        sender.poll_messages(100);
        sender.handle_attached();
        assert_eq!(sender.handle_acknowledged(2), Ok(()));
        assert_eq!(sender.poll_messages(100), (3, vec![vec![2]]), "the rest goes again");
    }

    #[test]
    fn a_frame_takes_as_many_messages_as_fit_and_never_none() {
        let mut sender = ReliableSender::new(100);
        for length in [3, 2, 1, 9, 1] {
            sender.push(vec![0; length]).expect("there is room");
        }
        let mut frames = core::iter::from_fn(|| {
            let (first, messages) = sender.poll_messages(5);
            (!messages.is_empty()).then_some((first, messages.len()))
        });
        assert!(frames.by_ref().eq([(1, 2), (3, 1), (4, 1), (5, 1)]));
    }

    #[test]
    fn a_gap_is_an_error() {
        let mut receiver = ReliableReceiver::default();
        assert_eq!(receiver.handle_messages(2, vec![vec![1]]), Err(MessageMissing));
        assert_eq!(receiver.handle_messages(1, vec![vec![1]]), Ok(vec![vec![1]]));
    }
}
