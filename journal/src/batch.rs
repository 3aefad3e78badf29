//! One value of the database: the entries of one log that were committed together.
//!
//! `version: u8 = 1 | committed_at_ms: u64 LE | count: u32 LE | count × (length: u32 LE | bytes)`;
//! its key is the offset of its first entry. There is no checksum here: the database has one per
//! page, and bodies are authenticated.

use bytes::{Buf, BufMut, Bytes};

/// Format of a batch value. Raised when the layout changes.
pub const BATCH_VERSION: u8 = 1;

/// Bytes before the first entry: version, commit time, count.
pub const BATCH_HEADER_BYTES: usize = 1 + 8 + 4;

/// Bytes before each entry: its length.
pub const ENTRY_HEADER_BYTES: usize = 4;

/// A batch value that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// Shorter than its own header or its declared entries.
    #[error("the batch ends early")]
    Truncated,
    /// A layout of another release.
    #[error("the batch has version {0}, this release reads {BATCH_VERSION}")]
    Version(u8),
    /// Bytes after the last declared entry.
    #[error("{0} bytes after the last entry of the batch")]
    Trailing(usize),
    /// A batch always has an entry.
    #[error("the batch declares no entry")]
    Empty,
}

/// A batch as read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// When it was committed: milliseconds since the Unix epoch, by the clock of the machine.
    pub committed_at_ms: u64,
    /// Its entries in order, sharing the memory of the value.
    pub entries: Vec<Bytes>,
}

/// What is read of a batch without its entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// When it was committed: milliseconds since the Unix epoch.
    pub committed_at_ms: u64,
    /// Entries that it declares, at least one.
    pub count: u32,
}

/// Writes a batch value.
#[must_use]
pub fn encode(committed_at_ms: u64, entries: &[Bytes]) -> Vec<u8> {
    let payload: usize = entries
        .iter()
        .map(|entry| ENTRY_HEADER_BYTES + entry.len())
        .sum();
    let mut value = Vec::with_capacity(BATCH_HEADER_BYTES + payload);
    value.put_u8(BATCH_VERSION);
    value.put_u64_le(committed_at_ms);
    // The batcher bounds both figures far below 2^32.
    value.put_u32_le(u32::try_from(entries.len()).unwrap_or(u32::MAX));
    for entry in entries {
        value.put_u32_le(u32::try_from(entry.len()).unwrap_or(u32::MAX));
        value.put_slice(entry);
    }
    value
}

/// Reads the header of a batch value.
///
/// # Errors
/// When the value is too short, of another version or without entries.
pub fn header(mut value: &[u8]) -> Result<Header, BatchError> {
    if value.len() < BATCH_HEADER_BYTES {
        return Err(BatchError::Truncated);
    }
    match value.get_u8() {
        BATCH_VERSION => {}
        other => return Err(BatchError::Version(other)),
    }
    let header = Header {
        committed_at_ms: value.get_u64_le(),
        count: value.get_u32_le(),
    };
    if header.count == 0 {
        Err(BatchError::Empty)
    } else {
        Ok(header)
    }
}

/// Reads a batch value. Never panics, and never reserves more than the value's own length
/// justifies.
///
/// # Errors
/// When the value is not exactly what [`encode`] writes.
pub fn decode(value: &Bytes) -> Result<Decoded, BatchError> {
    let header = header(value)?;
    let mut rest = value.slice(BATCH_HEADER_BYTES..);
    let possible = rest.len() / ENTRY_HEADER_BYTES;
    let count = usize::try_from(header.count).unwrap_or(usize::MAX);
    let mut entries = Vec::with_capacity(count.min(possible));
    for _ in 0..count {
        let length = rest.try_get_u32_le().map_err(|_| BatchError::Truncated)?;
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > rest.len() {
            return Err(BatchError::Truncated);
        }
        entries.push(rest.split_to(length));
    }
    if rest.is_empty() {
        Ok(Decoded {
            committed_at_ms: header.committed_at_ms,
            entries,
        })
    } else {
        Err(BatchError::Trailing(rest.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn golden_bytes() {
        let value = encode(0x0102, &[Bytes::from_static(b"ab"), Bytes::new()]);
        let golden = b"\x01\x02\x01\0\0\0\0\0\0\x02\0\0\0\x02\0\0\0ab\0\0\0\0";
        assert_eq!(value, golden);
    }

    #[test]
    fn refuses_other_versions_no_entries_and_tails() {
        let mut value = encode(7, &[Bytes::from_static(b"x")]);
        value.push(0);
        assert_eq!(
            decode(&Bytes::from(value.clone())),
            Err(BatchError::Trailing(1))
        );
        value[0] = 2;
        assert_eq!(decode(&Bytes::from(value)), Err(BatchError::Version(2)));
        assert_eq!(decode(&Bytes::from(encode(7, &[]))), Err(BatchError::Empty));
    }

    #[test]
    fn a_declared_count_of_four_billion_reserves_nothing() {
        let mut value = encode(7, &[Bytes::from_static(b"x")]);
        value[9..13].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(decode(&Bytes::from(value)), Err(BatchError::Truncated));
    }

    proptest! {
        #[test]
        fn round_trip(
            at in any::<u64>(),
            entries in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..20),
        ) {
            let entries: Vec<Bytes> = entries.into_iter().map(Bytes::from).collect();
            let decoded = decode(&Bytes::from(encode(at, &entries))).unwrap();
            prop_assert_eq!(decoded, Decoded { committed_at_ms: at, entries });
        }

        #[test]
        fn every_cut_is_truncated(entries in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..9), 1..5)) {
            let entries: Vec<Bytes> = entries.into_iter().map(Bytes::from).collect();
            let value = Bytes::from(encode(1, &entries));
            for cut in 0..value.len() {
                prop_assert_eq!(decode(&value.slice(..cut)), Err(BatchError::Truncated));
            }
        }

        #[test]
        fn hostile_bytes_never_panic(mut value in prop::collection::vec(any::<u8>(), 0..200), versioned: bool) {
            if versioned && let Some(first) = value.first_mut() {
                *first = BATCH_VERSION;
            }
            if let Ok(decoded) = decode(&Bytes::from(value.clone())) {
                prop_assert_eq!(encode(decoded.committed_at_ms, &decoded.entries), value);
            }
        }
    }
}
