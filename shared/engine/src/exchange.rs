//! Frames over plain HTTP, where no WebSocket gets through.
//!
//! Everything is a POST to `/play`; its body is a [`Request`], the answer's body a run of frames,
//! each with its length before it ([`frames`]). Requests come in three kinds:
//!
//! - A *stream* is answered by frames for as long as the connection lives.
//! - A *poll* is answered by the next frame, at once or, where it asks for that, when there is one.
//! - A *send* only brings frames, beside a stream or a held poll.
//!
//! The client draws 16 random bytes, the *attachment key*, and names them in each request. Its
//! first stream or poll carries the hello. Sends and polls are each numbered from 1, with one of
//! each under way at most; what was not answered is repeated as it was, under its number. The
//! server takes each number once, and keeps the answer to the newest poll for the case that it is
//! asked again. So frames arrive once and in order in both directions, over lost answers,
//! repeated requests and overlapping polls.
//!
//! A body in base64 is answered in base64, for clients that have no binary bodies; a binary body
//! starts with a zero byte, which no base64 does.

use alloc::vec::Vec;

use bincode::{Decode, Encode};

use crate::codec::encode;

pub mod frames;
mod requester;
mod responder;

pub use requester::{Pending, Requester};
pub use responder::{Admission, Polled, Responder};

/// The secret that ties the requests of one attachment together.
pub type AttachmentKey = [u8; 16];

/// One POST from client to server.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Request {
    /// Which attachment.
    pub attachment: AttachmentKey,
    /// What is asked for.
    pub kind: RequestKind,
    /// Number of this send, or of this poll, from 1. A stream is number 1 of its own.
    pub number: u32,
    /// Frames from the client, oldest first.
    pub frames: Vec<Vec<u8>>,
}

/// What a request asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub enum RequestKind {
    /// Nothing: it brings frames.
    Send,
    /// What there is to hear now.
    Poll,
    /// The next there is to hear, later if need be.
    HeldPoll,
    /// All there is to hear from now on.
    Stream,
}

/// A request as the body of a POST.
pub fn encode_request(request: &Request) -> Vec<u8> {
    let mut body = Vec::from([BINARY]);
    body.extend(encode(request));
    body
}

/// First byte of a binary body.
pub const BINARY: u8 = 0;
