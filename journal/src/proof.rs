//! Whether the log is still the one that a reader has read: its last entry has to be there, at the
//! same offset, with the same content.
//!
//! A server that was promoted may lack the newest entries and put others in their place. A reader
//! ahead of it would hear nothing for ever, a reader that compares offsets alone would go on in
//! another history. So would one that compares bytes alone: authors append again what is missing, and
//! the last of them may come to stand where it stood, behind others than before. When it was
//! committed, it tells them apart.

use aws_lc_rs::digest::{Context, SHA256};

use crate::offset::Offset;

/// Bytes of a [`Digest`].
pub const DIGEST_BYTES: usize = 32;

/// SHA-256 of when an entry was committed (milliseconds since the Unix epoch, 8 bytes, little-endian)
/// and of its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest([u8; DIGEST_BYTES]);

impl Digest {
    /// The digest of an entry that was committed at this time.
    #[must_use]
    pub fn of(committed_at_ms: u64, entry: &[u8]) -> Self {
        let mut context = Context::new(&SHA256);
        context.update(&committed_at_ms.to_le_bytes());
        context.update(entry);
        let mut bytes = [0; DIGEST_BYTES];
        bytes.copy_from_slice(context.finish().as_ref());
        Self(bytes)
    }

    /// A digest that was written down.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; DIGEST_BYTES]) -> Self {
        Self(bytes)
    }

    /// The digest, to be written down.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; DIGEST_BYTES] {
        self.0
    }
}

/// The last entry that a reader has read: what it proves when it comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Where the entry is.
    pub offset: Offset,
    /// What it was.
    pub digest: Digest,
}

/// A log as the server shows it to a reader that comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The first offset that can be read; `end` when there is no entry.
    pub first: Offset,
    /// The offset that the next entry will get.
    pub end: Offset,
    /// What is at the offset before the reader's cursor; `None` when nothing is.
    pub last: Option<Digest>,
}

/// What the reader concludes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conclusion {
    /// It goes on at its cursor.
    Holds,
    /// What it would read next has been trimmed.
    Gap {
        /// The next offset that can be read.
        first_available: Offset,
    },
    /// This is not the log that was read.
    Rewound,
}

/// What a reader concludes whose next offset is `cursor` and whose last entry is `known`; a reader
/// that has kept an offset alone has none, and takes the entry that it finds for its own.
///
/// Where everything before the cursor has been trimmed and nothing behind it, there is nothing to
/// compare: it is taken to hold. Entries are trimmed an hour after everybody could have read them,
/// and no failover goes back that far.
#[must_use]
pub fn conclude(cursor: Offset, known: Option<Proof>, seen: Seen) -> Conclusion {
    let Some(last) = cursor.previous() else {
        return if seen.first > Offset::ZERO {
            Conclusion::Gap {
                first_available: seen.first,
            }
        } else {
            Conclusion::Holds
        };
    };
    if seen.end < cursor {
        return Conclusion::Rewound;
    }
    // A proof of another entry proves nothing about this one.
    let known = known.filter(|known| known.offset == last);
    match seen.last {
        Some(found) if known.is_none_or(|known| known.digest == found) => Conclusion::Holds,
        Some(_) => Conclusion::Rewound,
        None if seen.first > cursor => Conclusion::Gap {
            first_available: seen.first,
        },
        None if seen.first == cursor => Conclusion::Holds,
        // The log reaches around the cursor, and the entry is not in it.
        None => Conclusion::Rewound,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn digest_of(text: &str) -> Digest {
        Digest::of(7, text.as_bytes())
    }

    fn proof(offset: u64, text: &str) -> Option<Proof> {
        Some(Proof {
            offset: Offset(offset),
            digest: digest_of(text),
        })
    }

    fn seen(first: u64, end: u64, last: Option<&str>) -> Seen {
        Seen {
            first: Offset(first),
            end: Offset(end),
            last: last.map(digest_of),
        }
    }

    fn gap(first_available: u64) -> Conclusion {
        Conclusion::Gap {
            first_available: Offset(first_available),
        }
    }

    #[test]
    fn the_digest_is_sha_256_of_time_and_bytes() {
        // `printf abcdefghij | sha256sum`
        let Digest(bytes) = Digest::of(u64::from_le_bytes(*b"abcdefgh"), b"ij");
        assert_eq!(bytes[..4], [0x72, 0x39, 0x93, 0x61]);
        assert_ne!(Digest::of(7, b"same"), Digest::of(8, b"same"));
    }

    #[test]
    fn the_same_entry_holds_and_another_is_another_log() {
        let cursor = Offset(5);
        for (known, there, expected) in [
            (proof(4, "d"), Some("d"), Conclusion::Holds),
            (proof(4, "d"), Some("x"), Conclusion::Rewound),
            (proof(4, "d"), None, Conclusion::Rewound),
            (None, Some("d"), Conclusion::Holds),
            (None, None, Conclusion::Rewound),
            (proof(3, "c"), Some("d"), Conclusion::Holds),
        ] {
            assert_eq!(
                conclude(cursor, known, seen(0, 9, there)),
                expected,
                "{known:?} {there:?}"
            );
        }
    }

    #[test]
    fn a_log_that_ends_before_the_cursor_is_rewound_whatever_is_in_it() {
        let known = proof(4, "d");
        assert_eq!(
            conclude(Offset(5), known, seen(0, 4, None)),
            Conclusion::Rewound
        );
        assert_eq!(
            conclude(Offset(5), None, seen(0, 0, None)),
            Conclusion::Rewound
        );
        assert_eq!(
            conclude(Offset(5), known, seen(0, 5, Some("d"))),
            Conclusion::Holds
        );
    }

    #[test]
    fn what_was_trimmed_is_a_gap_when_something_was_missed() {
        let known = proof(4, "d");
        assert_eq!(conclude(Offset(5), known, seen(6, 9, None)), gap(6));
        assert_eq!(
            conclude(Offset(5), known, seen(5, 9, None)),
            Conclusion::Holds
        );
        assert_eq!(
            conclude(Offset(5), known, seen(5, 5, None)),
            Conclusion::Holds
        );
        assert_eq!(conclude(Offset(0), None, seen(3, 9, None)), gap(3));
        assert_eq!(conclude(Offset(0), None, seen(3, 3, None)), gap(3));
    }

    #[test]
    fn a_reader_at_the_beginning_has_nothing_to_prove() {
        for end in [0, 7] {
            assert_eq!(
                conclude(Offset(0), None, seen(0, end, None)),
                Conclusion::Holds
            );
        }
    }

    /// A history, up to where it was trimmed.
    fn look(log: &[u8], first: usize, cursor: usize) -> Seen {
        let last = cursor.checked_sub(1).filter(|&last| last >= first);
        Seen {
            first: Offset(first as u64),
            end: Offset(log.len() as u64),
            last: last
                .and_then(|last| log.get(last))
                .map(|entry| Digest::of(7, &[*entry])),
        }
    }

    proptest! {
        /// Brute force: two histories with a common beginning, the reader in the first.
        #[test]
        fn a_reader_goes_on_only_where_its_last_entry_is(
            old in prop::collection::vec(0u8..3, 0..8),
            new in prop::collection::vec(0u8..3, 0..8),
            cursor in 0usize..8,
            first in 0usize..8,
        ) {
            prop_assume!(cursor <= old.len() && first <= new.len());
            let known = cursor.checked_sub(1).map(|last| Proof {
                offset: Offset(last as u64),
                digest: Digest::of(7, &[old[last]]),
            });
            let concluded = conclude(Offset(cursor as u64), known, look(&new, first, cursor));
            let is_there = cursor > first && new.get(cursor - 1) == old.get(cursor - 1);
            match concluded {
                Conclusion::Holds => prop_assert!(is_there || first == cursor),
                Conclusion::Gap { first_available } => {
                    prop_assert_eq!(first_available, Offset(first as u64));
                    prop_assert!(first > cursor && new.len() >= cursor);
                }
                Conclusion::Rewound => prop_assert!(!is_there && (new.len() < cursor || first < cursor)),
            }
        }
    }
}
