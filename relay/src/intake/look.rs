//! What can be seen of a packet without a key (RFC 8999, RFC 9000 section 17).

use crate::connection_id::{CONNECTION_ID_BYTES, ConnectionIds};
use crate::limits::SMALL_PACKET_BYTES;

/// The first bit of a long header, which only handshakes have.
const LONG: u8 = 0x80;

/// Where a long header says how long its connection id is, after the first byte and the version.
const LONG_ID_LENGTH_AT: usize = 5;

/// Bytes of the longest id (RFC 9000, section 17.2).
const ID_BYTES_MAX: usize = 20;

/// A connection id: of this relay's making, or made up by a phone for its attempt.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Id {
    bytes: [u8; ID_BYTES_MAX],
    length: usize,
}

impl Id {
    /// Nothing when there are too many bytes.
    pub(super) fn of(id: &[u8]) -> Option<Self> {
        let (mut bytes, length) = ([0; ID_BYTES_MAX], id.len());
        bytes.get_mut(..length)?.copy_from_slice(id);
        Some(Self { bytes, length })
    }

    /// Its first four bytes; zeros stand for what it lacks.
    pub(super) fn first_bytes(&self) -> [u8; 4] {
        [self.bytes[0], self.bytes[1], self.bytes[2], self.bytes[3]]
    }
}

/// What a packet is by its looks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Look {
    /// Of a connection that this relay has not answered yet, with the id that the phone made up for it.
    Attempt(Id),
    /// No larger than a position, with the id of the connection; or nothing of QUIC's, whatever its size: it is not
    /// worth a turn.
    Small(Option<Id>),
    /// Of a connection that this relay has answered.
    Begun,
}

/// Looks at a packet.
pub(super) fn at(bytes: &[u8], ids: &ConnectionIds) -> Look {
    let is_long = bytes.first().is_some_and(|first| first & LONG != 0);
    if is_long {
        return match long_id(bytes).map(|id| (ids.is_ours(id), Id::of(id))) {
            Some((true, _)) => Look::Begun,
            Some((false, Some(id))) => Look::Attempt(id),
            Some((false, None)) | None => Look::Small(None),
        };
    }
    let id = bytes.get(1..=CONNECTION_ID_BYTES);
    if bytes.len() > SMALL_PACKET_BYTES && id.is_some_and(|id| ids.is_ours(id)) {
        Look::Begun
    } else {
        Look::Small(id.and_then(Id::of))
    }
}

/// The id of the connection in a packet with a short header.
pub(super) fn short_id(bytes: &[u8]) -> Option<Id> {
    bytes.get(1..=CONNECTION_ID_BYTES).and_then(Id::of)
}

/// The destination's connection id in a long header.
fn long_id(bytes: &[u8]) -> Option<&[u8]> {
    let length = usize::from(*bytes.get(LONG_ID_LENGTH_AT)?);
    bytes.get(LONG_ID_LENGTH_AT + 1..)?.get(..length)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ids() -> ConnectionIds {
        ConnectionIds::new(&[7; 32])
    }

    fn long(id: &[u8]) -> Vec<u8> {
        let length = u8::try_from(id.len()).unwrap();
        [&[0xc0, 0, 0, 0, 1, length], id, &[0; 1_000]].concat()
    }

    fn short(id: &[u8], length: usize) -> Vec<u8> {
        let mut bytes = [&[0x40], id].concat();
        bytes.resize(length, 0);
        bytes
    }

    #[test]
    fn handshakes_and_large_packets_of_ours_are_begun() {
        let ours = ids().make([1; 10]);
        assert_eq!(at(&long(&ours), &ids()), Look::Begun);
        assert_eq!(at(&short(&ours, 250), &ids()), Look::Begun);
        assert_eq!(at(&short(&ours, 100), &ids()), Look::Small(Id::of(&ours)));
    }

    #[test]
    fn ids_that_are_not_ours_are_attempts_with_a_long_header_and_worth_nothing_with_a_short_one() {
        let made_up = [9; 8];
        let attempt = Look::Attempt(Id::of(&made_up).unwrap());
        assert_eq!(at(&long(&made_up), &ids()), attempt);
        assert_eq!(at(&long(&[9; 21]), &ids()), Look::Small(None));
        let other = ConnectionIds::new(&[8; 32]).make([1; 10]);
        let worthless = Look::Small(Id::of(&other));
        assert_eq!(at(&short(&other, 1_200), &ids()), worthless);
    }

    proptest! {
        #[test]
        fn nothing_that_comes_is_too_odd_to_look_at(bytes: Vec<u8>) {
            let look = at(&bytes, &ids());
            prop_assert_ne!(look, Look::Begun);
        }
    }
}
