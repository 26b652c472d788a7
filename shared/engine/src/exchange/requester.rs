//! The client's end: numbers requests, and repeats what was not answered.

use alloc::vec::Vec;

use super::{AttachmentKey, Request, RequestKind, encode_request, frames::FrameReader};
use crate::{
    codec::DecodeError,
    limits::{CLIENT_FRAME_BYTES_MAX, REQUEST_BYTES_MAX, REQUEST_FRAMES_MAX},
};

/// The client's end of an attachment over HTTP that polls, or that sends beside a stream.
#[derive(Clone, Debug)]
pub struct Requester {
    attachment: AttachmentKey,
    /// Kind of its polls.
    kind: RequestKind,
    waiting: Vec<Vec<u8>>,
    sends: Lane,
    polls: Lane,
}

/// A request under way, to be repeated as it is until it is answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pending {
    /// Its number.
    pub number: u32,
    /// Body of the POST.
    pub body: Vec<u8>,
}

#[derive(Clone, Debug, Default)]
struct Lane {
    number: u32,
    pending: Option<Pending>,
}

impl Requester {
    /// For a new attachment, named by bytes that nobody can guess. `kind` is that of its polls, or
    /// [`RequestKind::Stream`].
    pub fn new(attachment: AttachmentKey, kind: RequestKind) -> Self {
        Self {
            attachment,
            kind,
            waiting: Vec::new(),
            sends: Lane::default(),
            polls: Lane::default(),
        }
    }

    /// Takes a frame that is to go to the server.
    pub fn push(&mut self, frame: Vec<u8>) {
        self.waiting.push(frame);
    }

    /// The next poll (or the stream); `None` while one is under way. The first carries what
    /// waits, which is the hello; those that are not held carry it always.
    pub fn poll_poll(&mut self) -> Option<Pending> {
        if self.polls.pending.is_some() || self.kind == RequestKind::Stream && self.polls.number > 0
        {
            return None;
        }
        let carries = self.polls.number == 0 || self.kind == RequestKind::Poll;
        let frames = if carries { self.take_waiting() } else { Vec::new() };
        Some(self.polls.begin(self.attachment, self.kind, frames))
    }

    /// The next send; `None` while one is under way, where nothing waits, where polls carry it,
    /// and before the first poll was made.
    pub fn poll_send(&mut self) -> Option<Pending> {
        let carries = self.polls.number > 0 && self.kind != RequestKind::Poll;
        if self.sends.pending.is_some() || self.waiting.is_empty() || !carries {
            return None;
        }
        let frames = self.take_waiting();
        Some(self.sends.begin(self.attachment, RequestKind::Send, frames))
    }

    /// The poll that is under way, to be made again.
    pub const fn pending_poll(&self) -> Option<&Pending> {
        self.polls.pending.as_ref()
    }

    /// The send that is under way, to be made again.
    pub const fn pending_send(&self) -> Option<&Pending> {
        self.sends.pending.as_ref()
    }

    /// A send was answered.
    pub fn handle_send_answered(&mut self, number: u32) {
        self.sends.end(number);
    }

    /// A poll was answered. Returns the frames in it; an answer that came before brings none.
    pub fn handle_poll_answered(
        &mut self,
        number: u32,
        body: &[u8],
    ) -> Result<Vec<Vec<u8>>, DecodeError> {
        let mut frames = Vec::new();
        let mut reader = FrameReader::default();
        reader.push(body);
        while let Some(frame) = reader.poll_frame()? {
            frames.push(frame);
        }
        if !reader.is_empty() {
            return Err(DecodeError::Malformed);
        }
        if !self.polls.end(number) {
            frames.clear();
        }
        Ok(frames)
    }

    /// As many of the frames that wait as one request may carry.
    fn take_waiting(&mut self) -> Vec<Vec<u8>> {
        let mut bytes = 0;
        let fits = self.waiting.iter().take(REQUEST_FRAMES_MAX).take_while(|frame| {
            bytes += frame.len() + LENGTH_BYTES_MAX;
            bytes <= REQUEST_BYTES_MAX - CLIENT_FRAME_BYTES_MAX
        });
        // The first goes in any case: a frame is much shorter than a request may be.
        let count = fits.count().max(1).min(self.waiting.len());
        self.waiting.drain(..count).collect()
    }
}

/// Longest length before a frame.
const LENGTH_BYTES_MAX: usize = 5;

impl Lane {
    fn begin(
        &mut self,
        attachment: AttachmentKey,
        kind: RequestKind,
        frames: Vec<Vec<u8>>,
    ) -> Pending {
        self.number = self.number.wrapping_add(1);
        let request = Request { attachment, kind, number: self.number, frames };
        let pending = Pending { number: self.number, body: encode_request(&request) };
        self.pending.insert(pending).clone()
    }

    /// Whether this was the one under way.
    fn end(&mut self, number: u32) -> bool {
        self.pending.take_if(|pending| pending.number == number).is_some()
    }
}
