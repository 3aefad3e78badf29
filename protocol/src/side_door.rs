//! The side door: what a relay says to a dispatcher while the log between them takes nothing.
//!
//! An offer carries entries of the alert log exactly as they lie in the relay's own journal: clear header and body
//! sealed under the day's key. Who can make an entry whose body opens, has the site's day keys; there is no
//! other secret, and nothing else is believed.
//!
//! An offer is `version: u8 = 1`, then for each entry `length: u32 BE | entry`. Its answer is
//! `version: u8 = 1 | taken: u32 BE | known: u32 BE | refused: u32 BE | left_out: u32 BE`.

use bytes::{Buf as _, BufMut as _, Bytes};

use crate::limit::{MAX_FRAME_BYTES, MAX_HEADER_BYTES};

/// Where a dispatcher takes offers.
pub const PATH: &str = "/side-door";

/// Format of offers and answers. Raised when their layout changes.
pub const VERSION: u8 = 1;

/// Entries of one offer. Opening so many takes some 5 ms of a core, while nobody else of that core is served.
pub const MAX_ENTRIES: usize = 256;

/// Bytes of one offer: entries of a few hundred bytes each, and at least a dozen of the longest.
pub const MAX_BYTES: usize = 256 * 1024;

/// Bytes of one entry: the longest frame, the longest header, and what lies between and around them.
pub const MAX_ENTRY_BYTES: usize = MAX_FRAME_BYTES + MAX_HEADER_BYTES + 64;

/// Bytes of an answer.
pub const ANSWER_BYTES: usize = 1 + 4 * 4;

const LENGTH_BYTES: usize = 4;

/// What cannot be read at all. Nothing of it was taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadOffer {
    /// A format of another release.
    #[error(
        "the offer is not of version {VERSION}; let relays and dispatchers run the same release"
    )]
    Version,
    /// It ends within an entry, or an entry is longer than one can be.
    #[error("the offer cannot be cut into entries of at most {MAX_ENTRY_BYTES} bytes")]
    Broken,
    /// Too many entries or bytes.
    #[error("an offer has at most {MAX_ENTRIES} entries and {MAX_BYTES} bytes")]
    TooLong,
}

/// What became of the entries of an offer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Answer {
    /// Shown from now on.
    pub taken: u32,
    /// Shown already, or known from the log.
    pub known: u32,
    /// Do not open under a key of this site, or are not what is offered here.
    pub refused: u32,
    /// There was no room for them, or they are of a part of the log that another dispatcher shows.
    pub left_out: u32,
}

/// Writes an offer of as many entries as one holds, and says how many of them are dealt with: one that is longer
/// than any entry can be is passed over.
#[must_use]
pub fn encode_offer(entries: &[Bytes]) -> (Vec<u8>, usize) {
    let mut offer = vec![VERSION];
    let mut dealt_with = 0;
    for entry in entries.iter().take(MAX_ENTRIES) {
        let length = u32::try_from(entry.len()).unwrap_or(u32::MAX);
        if entry.len() <= MAX_ENTRY_BYTES {
            if offer.len() + LENGTH_BYTES + entry.len() > MAX_BYTES {
                break;
            }
            offer.put_u32(length);
            offer.put_slice(entry);
        }
        dealt_with += 1;
    }
    (offer, dealt_with)
}

/// Reads the entries of an offer; what is in them is not looked at.
///
/// # Errors
/// See [`BadOffer`].
pub fn decode_offer(mut offer: Bytes) -> Result<Vec<Bytes>, BadOffer> {
    if offer.len() > MAX_BYTES {
        return Err(BadOffer::TooLong);
    }
    if offer.is_empty() || offer.get_u8() != VERSION {
        return Err(BadOffer::Version);
    }
    let mut entries = Vec::new();
    while !offer.is_empty() {
        if entries.len() == MAX_ENTRIES {
            return Err(BadOffer::TooLong);
        }
        if offer.len() < LENGTH_BYTES {
            return Err(BadOffer::Broken);
        }
        let length = usize::try_from(offer.get_u32()).map_err(|_| BadOffer::Broken)?;
        if length > MAX_ENTRY_BYTES || length > offer.len() {
            return Err(BadOffer::Broken);
        }
        entries.push(offer.split_to(length));
    }
    Ok(entries)
}

impl Answer {
    /// Writes it.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut answer = vec![VERSION];
        for count in [self.taken, self.known, self.refused, self.left_out] {
            answer.put_u32(count);
        }
        answer
    }

    /// Reads one; `None` when it is none of this version.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; ANSWER_BYTES] = bytes.try_into().ok()?;
        let mut bytes = &bytes[..];
        (bytes.get_u8() == VERSION).then(|| Self {
            taken: bytes.get_u32(),
            known: bytes.get_u32(),
            refused: bytes.get_u32(),
            left_out: bytes.get_u32(),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn golden_bytes_of_an_offer_and_an_answer() {
        let entries = [Bytes::from_static(b"ab"), Bytes::from_static(b"")];
        let (offer, dealt_with) = encode_offer(&entries);
        assert_eq!(offer, b"\x01\0\0\0\x02ab\0\0\0\0");
        assert_eq!(dealt_with, 2);
        let answer = Answer {
            taken: 1,
            known: 2,
            refused: 3,
            left_out: 0x0102_0304,
        };
        let bytes = answer.encode();
        assert_eq!(bytes, b"\x01\0\0\0\x01\0\0\0\x02\0\0\0\x03\x01\x02\x03\x04");
        assert_eq!(Answer::decode(&bytes), Some(answer));
        assert_eq!(Answer::decode(&bytes[1..]), None);
        assert_eq!(Answer::decode(&[2; ANSWER_BYTES]), None);
    }

    #[test]
    fn an_offer_is_bounded_and_always_gets_on() {
        let many = vec![Bytes::from_static(b"e"); MAX_ENTRIES + 1];
        let (offer, dealt_with) = encode_offer(&many);
        assert_eq!(dealt_with, MAX_ENTRIES);
        assert_eq!(decode_offer(offer.into()).unwrap().len(), MAX_ENTRIES);
        let long = vec![Bytes::from(vec![7; MAX_ENTRY_BYTES]); 40];
        let (offer, dealt_with) = encode_offer(&long);
        assert!((12..40).contains(&dealt_with) && offer.len() <= MAX_BYTES);
        let beyond = [Bytes::from(vec![7; MAX_ENTRY_BYTES + 1])];
        assert_eq!(encode_offer(&beyond), (vec![VERSION], 1));
    }

    #[test]
    fn what_is_no_offer_is_refused_as_a_whole() {
        for (bytes, why) in [
            (&b""[..], BadOffer::Version),
            (b"\x02\0\0\0\x01a", BadOffer::Version),
            (b"\x01\0\0\0", BadOffer::Broken),
            (b"\x01\0\0\0\x02a", BadOffer::Broken),
            (b"\x01\xff\xff\xff\xffa", BadOffer::Broken),
        ] {
            assert_eq!(
                decode_offer(Bytes::from_static(bytes)),
                Err(why),
                "{bytes:?}"
            );
        }
        let too_many = [&[VERSION][..], &[0; 4 * (MAX_ENTRIES + 1)]].concat();
        assert_eq!(decode_offer(too_many.into()), Err(BadOffer::TooLong));
        let too_long = vec![VERSION; MAX_BYTES + 1];
        assert_eq!(decode_offer(too_long.into()), Err(BadOffer::TooLong));
    }

    proptest! {
        #[test]
        fn what_is_offered_is_read(entries in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..60)) {
            let entries: Vec<Bytes> = entries.into_iter().map(Bytes::from).collect();
            let (offer, dealt_with) = encode_offer(&entries);
            prop_assert_eq!(dealt_with, entries.len());
            prop_assert_eq!(decode_offer(offer.into()), Ok(entries));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let _ = decode_offer(bytes.into());
        }
    }
}
