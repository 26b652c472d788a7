//! The one place that knows how messages become bytes.
//!
//! bincode 2.0.1 in its `standard` configuration: little endian, variable-length integers.
//! Its development has ended (RUSTSEC-2025-0141), so it is used here only; golden files in
//! `tests/golden`, read by Rust and TypeScript alike, fix the format, and `wincode` writes the
//! same bytes should we ever need to move.

use alloc::vec::Vec;

use bincode::{Decode, Encode, config};

/// Why bytes are not a message.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DecodeError {
    /// Longer than this kind of message may be.
    #[error("{length} bytes, where {limit} is the most")]
    TooLarge {
        /// What came.
        length: usize,
        /// What may come.
        limit: usize,
    },
    /// Ended early, or a value that the type does not have.
    #[error("not a message of this protocol")]
    Malformed,
    /// A message, and then more.
    #[error("{0} bytes left over")]
    Trailing(usize),
    /// A number outside its declared range.
    #[error("field {field} is out of range")]
    OutOfRange {
        /// Position of the field in its record.
        field: usize,
    },
}

/// Bytes of a message. Cannot fail for the types of this crate.
pub fn encode<T: Encode>(message: &T) -> Vec<u8> {
    bincode::encode_to_vec(message, config::standard())
        .expect("messages hold nothing that bincode cannot encode")
}

/// Reads a message that a client sent.
pub fn decode_client<T: Decode<()>>(bytes: &[u8]) -> Result<T, DecodeError> {
    decode::<T, { crate::limits::CLIENT_FRAME_BYTES_MAX }>(bytes)
}

/// Reads a request over HTTP: what [`crate::exchange::encode_request`] wrote, without the byte
/// that says that it is binary.
pub fn decode_request(bytes: &[u8]) -> Result<crate::exchange::Request, DecodeError> {
    decode::<_, { crate::limits::REQUEST_BYTES_MAX }>(bytes)
}

/// Reads a message that a server sent.
pub fn decode_server<T: Decode<()>>(bytes: &[u8]) -> Result<T, DecodeError> {
    decode::<T, { crate::limits::SERVER_FRAME_BYTES_MAX }>(bytes)
}

/// Reads exactly one `T`, claiming no more memory than `LIMIT` bytes whatever the bytes say.
fn decode<T: Decode<()>, const LIMIT: usize>(bytes: &[u8]) -> Result<T, DecodeError> {
    if bytes.len() > LIMIT {
        return Err(DecodeError::TooLarge { length: bytes.len(), limit: LIMIT });
    }
    let (message, read) =
        bincode::decode_from_slice(bytes, config::standard().with_limit::<LIMIT>())
            .map_err(|_| DecodeError::Malformed)?;
    match bytes.len().saturating_sub(read) {
        0 => Ok(message),
        trailing => Err(DecodeError::Trailing(trailing)),
    }
}
