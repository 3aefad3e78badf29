//! The phone's wire: protobuf frames to and from what they mean.
//!
//! `proto/ansim/v1/phone.proto` is normative. Decoding refuses only what names no alert; all else
//! is taken and marked, for an emergency is not refused over a detail.

mod frame;
mod relay_frame;

pub use frame::{Frame, decode_frame, encode_frame};
pub use relay_frame::{
    Durability, Message, Progress, Receipt, Refusal, RelayFrame, Status, decode_relay_frame,
    encode_relay_frame,
};

use bytes::{Buf, BufMut, BytesMut};

use crate::limit;

/// A rule of the protocol that a frame broke; `docs/protocol.md` lists them by name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, thiserror::Error)]
pub enum BrokenRule {
    /// The bytes are no protobuf message of the kind expected.
    #[error("the frame is no PhoneFrame of phone.proto; send one that decodes")]
    Undecodable,
    /// Longer than a frame may be.
    #[error(
        "a frame has at most {} bytes, a datagram {}; send the trail in parts",
        limit::MAX_FRAME_BYTES,
        limit::MAX_DATAGRAM_FRAME_BYTES
    )]
    FrameTooLong,
    /// The length before a frame is no varint of at most five bytes.
    #[error("the length before a frame is a protobuf varint of at most five bytes")]
    BadLength,
    /// The alert id is absent or has another length.
    #[error("alert_id must be present and have 16 bytes")]
    NoAlertId,
    /// Something else than a raise before the handshake has completed.
    #[error(
        "until the handshake has completed a connection may only raise; send this again after it"
    )]
    EarlyData,
    /// A position for an alert that is closed, or that was never raised here.
    #[error("no alert is open under this id; raise first")]
    NoOpenAlert,
    /// A datagram that holds something else than a position.
    #[error("a datagram holds a position and nothing else; send this on the stream")]
    NotForDatagram,
}

impl BrokenRule {
    /// The name on the wire and in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Undecodable => "undecodable",
            Self::FrameTooLong => "frame_too_long",
            Self::BadLength => "bad_length",
            Self::NoAlertId => "no_alert_id",
            Self::EarlyData => "early_data",
            Self::NoOpenAlert => "no_open_alert",
            Self::NotForDatagram => "not_for_datagram",
        }
    }

    /// All rules.
    pub const ALL: [Self; 7] = [
        Self::Undecodable,
        Self::FrameTooLong,
        Self::BadLength,
        Self::NoAlertId,
        Self::EarlyData,
        Self::NoOpenAlert,
        Self::NotForDatagram,
    ];
}

/// A varint of a length has at most five bytes: 2³² is far beyond any frame.
const MAX_LENGTH_BYTES: usize = 5;

/// Puts the length before a frame, for a stream.
#[must_use]
pub fn delimit(frame: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(frame.len() + MAX_LENGTH_BYTES);
    prost::encoding::encode_varint(frame.len() as u64, &mut out);
    out.put_slice(frame);
    out
}

/// Cuts frames out of the bytes of a stream, in whatever pieces they arrive.
#[derive(Debug, Default)]
pub struct Deframer {
    buffer: BytesMut,
}

impl Deframer {
    /// Takes what has arrived.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole frame, `None` until more has arrived.
    ///
    /// # Errors
    /// [`BrokenRule::BadLength`] and [`BrokenRule::FrameTooLong`]. After either the stream cannot be
    /// cut any more.
    pub fn next_frame(&mut self) -> Result<Option<bytes::Bytes>, BrokenRule> {
        let Some((length, prefix)) = self.peek_length()? else {
            return Ok(None);
        };
        if length > limit::MAX_FRAME_BYTES as u64 {
            return Err(BrokenRule::FrameTooLong);
        }
        let length = length as usize;
        if self.buffer.len() < prefix + length {
            return Ok(None);
        }
        self.buffer.advance(prefix);
        Ok(Some(self.buffer.split_to(length).freeze()))
    }

    /// Whether a frame has begun and not ended.
    #[must_use]
    pub fn is_inside_frame(&self) -> bool {
        !self.buffer.is_empty()
    }

    fn peek_length(&self) -> Result<Option<(u64, usize)>, BrokenRule> {
        let mut length = 0_u64;
        for (index, byte) in self.buffer.iter().take(MAX_LENGTH_BYTES).enumerate() {
            length |= u64::from(byte & 0x7f) << (7 * index);
            if byte & 0x80 == 0 {
                return Ok(Some((length, index + 1)));
            }
        }
        if self.buffer.len() >= MAX_LENGTH_BYTES {
            Err(BrokenRule::BadLength)
        } else {
            Ok(None)
        }
    }
}

#[cfg(test)]
mod tests;
