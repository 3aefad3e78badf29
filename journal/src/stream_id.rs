//! Offsets as ids of a Redis stream.
//!
//! An id is `milliseconds-sequence`. Here the first part is always 0, and the server is asked for
//! the second ([`NEXT`]), so that ids are counted from 1 without holes, whoever writes: the entry at
//! offset n has the id `0-(n + 1)`.

use crate::offset::Offset;

/// What `XADD` is given for an id: the next one of this log, chosen by the server (Redis 7).
pub const NEXT: &str = "0-*";

/// The id of the entry at `offset`.
#[must_use]
pub fn of(offset: Offset) -> String {
    format!("0-{}", offset.plus(1).0)
}

/// The id after which a reader finds the entry at `offset`: that of the entry before it.
#[must_use]
pub fn before(offset: Offset) -> String {
    format!("0-{}", offset.0)
}

/// The offset after the entry with this id; 0 for the id of an empty stream. `None` when the id is
/// not one of ours.
#[must_use]
pub fn end(id: &[u8]) -> Option<Offset> {
    let id = str::from_utf8(id).ok()?;
    let sequence = id.strip_prefix("0-")?;
    // `parse` takes a sign and leading zeros, which no server writes.
    let canonical =
        sequence == "0" || sequence.starts_with(|first: char| matches!(first, '1'..='9'));
    let sequence = canonical.then(|| sequence.parse().ok()).flatten()?;
    Some(Offset(sequence))
}

/// The offset of the entry with this id. `None` when the id is not one of ours.
#[must_use]
pub fn offset(id: &[u8]) -> Option<Offset> {
    end(id)?.previous()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_first_entry_has_sequence_one() {
        assert_eq!(of(Offset(0)), "0-1");
        assert_eq!(before(Offset(0)), "0-0");
        assert_eq!(offset(b"0-1"), Some(Offset(0)));
        assert_eq!(offset(b"0-0"), None, "the id of an empty stream");
        assert_eq!(end(b"0-0"), Some(Offset(0)));
    }

    #[test]
    fn ids_of_others_are_none() {
        for id in [
            "1700000000000-0",
            "00-1",
            "0-",
            "0-01",
            "0-+1",
            "0--1",
            "0-1 ",
            "",
            "0",
            "0-18446744073709551616",
        ] {
            assert_eq!(offset(id.as_bytes()), None, "{id}");
        }
        assert_eq!(offset(b"0-\xff"), None);
    }

    proptest! {
        #[test]
        fn round_trip(n in 0..u64::MAX) {
            prop_assert_eq!(offset(of(Offset(n)).as_bytes()), Some(Offset(n)));
            prop_assert_eq!(end(before(Offset(n)).as_bytes()), Some(Offset(n)));
        }

        #[test]
        fn hostile_ids_never_panic(id in prop::collection::vec(any::<u8>(), 0..30)) {
            let _ = (offset(&id), end(&id));
        }
    }
}
