//! Frames one after the other, each with its length before it.
//!
//! The length is one byte below 251, or 251 and two bytes, or 252 and four, little endian, as
//! elsewhere on the wire. A length of 0 is no frame but padding: what holds streams back until it
//! has a few kilobytes is fed zeros.

use alloc::vec::Vec;

use crate::{codec::DecodeError, limits::SERVER_FRAME_BYTES_MAX};

const TWO_BYTES: u8 = 251;
const FOUR_BYTES: u8 = 252;

/// Appends a frame.
pub fn write(frame: &[u8], body: &mut Vec<u8>) {
    let length = u32::try_from(frame.len()).unwrap_or(u32::MAX);
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short), _) if short < TWO_BYTES => body.push(short),
        (_, Ok(middle)) => {
            body.push(TWO_BYTES);
            body.extend(middle.to_le_bytes());
        }
        _ => {
            body.push(FOUR_BYTES);
            body.extend(length.to_le_bytes());
        }
    }
    body.extend(frame);
}

/// Reads frames from bytes that come in pieces.
#[derive(Clone, Debug, Default)]
pub struct FrameReader {
    bytes: Vec<u8>,
    read: usize,
}

impl FrameReader {
    /// Takes the next piece.
    pub fn push(&mut self, piece: &[u8]) {
        self.bytes.drain(..self.read);
        self.read = 0;
        self.bytes.extend(piece);
    }

    /// The next frame that has come whole.
    pub fn poll_frame(&mut self) -> Result<Option<Vec<u8>>, DecodeError> {
        loop {
            let rest = self.bytes.get(self.read..).unwrap_or_default();
            let Some((length, prefix)) = length(rest)? else { return Ok(None) };
            let Some(frame) = rest.get(prefix..prefix + length) else { return Ok(None) };
            self.read += prefix + length;
            if length > 0 {
                return Ok(Some(frame.to_vec()));
            }
        }
    }

    /// Whether all that has come was whole frames.
    pub fn is_empty(&self) -> bool {
        self.read == self.bytes.len()
    }
}

/// Length of the frame that starts here, and of the length itself; `None` where more must come.
fn length(bytes: &[u8]) -> Result<Option<(usize, usize)>, DecodeError> {
    let (length, prefix) = match *bytes {
        [] | [TWO_BYTES | FOUR_BYTES] | [TWO_BYTES, _] => return Ok(None),
        [TWO_BYTES, a, b, ..] => (usize::from(u16::from_le_bytes([a, b])), 3),
        [FOUR_BYTES, a, b, c, d, ..] => {
            let length = u32::from_le_bytes([a, b, c, d]);
            (usize::try_from(length).unwrap_or(usize::MAX), 5)
        }
        [FOUR_BYTES, ..] => return Ok(None),
        [short, ..] if short < TWO_BYTES => (usize::from(short), 1),
        _ => return Err(DecodeError::Malformed),
    };
    if length > SERVER_FRAME_BYTES_MAX {
        return Err(DecodeError::TooLarge { length, limit: SERVER_FRAME_BYTES_MAX });
    }
    Ok(Some((length, prefix)))
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    #[test]
    fn frames_come_back_whatever_the_pieces() {
        let frames = [vec![1; 1], vec![2; 250], vec![3; 251], vec![4; 65_535], vec![5; 65_536]];
        let mut body = vec![0; 10];
        for frame in &frames {
            write(frame, &mut body);
            body.push(0);
        }
        for piece in [1, 2, 3, 1000, body.len()] {
            let mut reader = FrameReader::default();
            let mut read = Vec::new();
            for piece in body.chunks(piece) {
                reader.push(piece);
                while let Some(frame) = reader.poll_frame().expect("nothing is damaged") {
                    read.push(frame);
                }
            }
            assert!(read == frames, "pieces of {piece}");
            assert!(reader.is_empty());
        }
    }

    #[test]
    fn a_length_beyond_the_limit_is_an_error_before_any_byte_is_kept() {
        let mut reader = FrameReader::default();
        reader.push(&[252, 255, 255, 255, 255]);
        assert!(matches!(reader.poll_frame(), Err(DecodeError::TooLarge { .. })));
        let mut reader = FrameReader::default();
        reader.push(&[253]);
        assert_eq!(reader.poll_frame(), Err(DecodeError::Malformed));
    }
}
