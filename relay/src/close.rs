//! The codes with which a relay or a phone closes a connection: QUIC application error codes (RFC 9000, section
//! 20.2). `docs/protocol.md` lists them.
//!
//! Any code but [`CloseCode::Done`] tells the phone to connect again; with [`CloseCode::ShuttingDown`] and
//! [`CloseCode::NotDurable`] to another relay. Whatever has no receipt is sent again there.

use std::fmt;

/// Why a connection was closed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum CloseCode {
    /// 0: nothing is left to say. Used by phones.
    Done,
    /// 1: the stream cannot be cut into frames any more: a length that is no varint, a frame above the limit, or one
    /// that was begun and not ended within five seconds.
    BrokenStream,
    /// 2: a second stream. A connection has one bidirectional stream, opened by the phone.
    TooManyStreams,
    /// 3: the phone does not read what the relay says, and the relay keeps no more of it.
    ReaderStalled,
    /// 4: nothing was said for the idle time and no alert is open, or the handshake was not completed in time.
    Idle,
    /// 5: the relay is being shut down; go to another.
    ShuttingDown,
    /// 6: the relay cannot make reports durable; go to another.
    NotDurable,
}

impl CloseCode {
    /// All codes, in order.
    pub const ALL: [Self; 7] = [
        Self::Done,
        Self::BrokenStream,
        Self::TooManyStreams,
        Self::ReaderStalled,
        Self::Idle,
        Self::ShuttingDown,
        Self::NotDurable,
    ];

    /// The number on the wire.
    #[must_use]
    pub const fn code(self) -> u32 {
        match self {
            Self::Done => 0,
            Self::BrokenStream => 1,
            Self::TooManyStreams => 2,
            Self::ReaderStalled => 3,
            Self::Idle => 4,
            Self::ShuttingDown => 5,
            Self::NotDurable => 6,
        }
    }

    /// The name in metrics and documents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::BrokenStream => "broken_stream",
            Self::TooManyStreams => "too_many_streams",
            Self::ReaderStalled => "reader_stalled",
            Self::Idle => "idle",
            Self::ShuttingDown => "shutting_down",
            Self::NotDurable => "not_durable",
        }
    }

    /// The words that travel with the code: what happened and what to do.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::BrokenStream => "the stream cannot be cut into frames; connect again",
            Self::TooManyStreams => "one bidirectional stream per connection; connect again",
            Self::ReaderStalled => "answers were not read; connect again",
            Self::Idle => "idle without an open alert; connect when there is something to say",
            Self::ShuttingDown => "the relay is being shut down; connect to another",
            Self::NotDurable => "the relay cannot store reports; connect to another",
        }
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.code(), self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_count_upwards_and_have_names_of_their_own() {
        let codes: Vec<u32> = CloseCode::ALL.map(CloseCode::code).into();
        assert_eq!(codes, (0..7).collect::<Vec<_>>());
        let names: std::collections::BTreeSet<_> = CloseCode::ALL.map(CloseCode::name).into();
        assert_eq!(names.len(), CloseCode::ALL.len());
    }
}
