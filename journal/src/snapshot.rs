//! A snapshot is a table of rows, written in slices; its offset says where a reader goes on in the
//! alert log.
//!
//! Each row says up to where it has folded the log, so that a reader that replays from the
//! snapshot's offset skips for that row what it already contains: a slice may hold rows that are
//! newer than the snapshot's offset.

use bytes::{Buf, BufMut, Bytes};

use crate::offset::Offset;
use crate::proof::Proof;

/// Bytes of keys and values in one slice: small enough that the receipts behind it wait for one
/// ordinary commit.
pub const SLICE_BYTES_MAX: usize = 1 << 20;

/// Bytes before a row's value: the offset that it has folded up to.
const ROW_HEADER_BYTES: usize = 8;

/// One row: an incident's state as the board knows it, opaque (and sealed) here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What the row is about.
    pub key: Bytes,
    /// Its state.
    pub value: Bytes,
    /// The first alert log offset that this state has *not* folded.
    pub folded_to: Offset,
}

/// What goes into one transaction of a snapshot.
///
/// A snapshot that needs several slices gives `resume_at` with the last one only, together with the
/// deletions: after a crash between two slices, the log from the old offset on still tells
/// everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SnapshotSlice {
    /// Rows that are new or changed.
    pub rows: Vec<Row>,
    /// Keys of rows that are gone.
    pub deletions: Vec<Bytes>,
    /// With the last slice: where a reader of the finished snapshot goes on in the alert log.
    pub resume_at: Option<Offset>,
    /// The last entry of the alert log that was folded, as [`crate::Tail::proof`] tells it: a server writes nothing
    /// when it is there no more. What a failover took back is then in no snapshot, and whoever begins with the snapshot
    /// passes over nothing that came into its place. `None` for a log that nobody rewinds.
    pub behind: Option<Proof>,
    /// Everything before this offset is in the snapshot already, as far as whoever writes this knows. A server whose
    /// snapshot ends before has lost some of it, and writes nothing.
    pub after: Offset,
    /// Which of the slices of a snapshot this is, from 0. A server is given the next ones on the same connection, or
    /// the first might be lost.
    pub part: usize,
}

impl SnapshotSlice {
    /// Bytes of keys and values.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let rows: usize = self
            .rows
            .iter()
            .map(|row| row.key.len() + row.value.len())
            .sum();
        rows + self.deletions.iter().map(Bytes::len).sum::<usize>()
    }
}

/// Writes a row's value: `folded_to: u64 LE | value`.
#[must_use]
pub fn encode_row(row: &Row) -> Vec<u8> {
    let mut value = Vec::with_capacity(ROW_HEADER_BYTES + row.value.len());
    value.put_u64_le(row.folded_to.0);
    value.put_slice(&row.value);
    value
}

/// Reads a row; `None` when the value is shorter than its header.
#[must_use]
pub fn decode_row(key: Bytes, mut value: Bytes) -> Option<Row> {
    let folded_to = Offset(value.try_get_u64_le().ok()?);
    Some(Row {
        key,
        value,
        folded_to,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_round_trip_and_short_ones_are_none() {
        let row = Row {
            key: Bytes::from_static(b"incident"),
            value: Bytes::from_static(b"state"),
            folded_to: Offset(0x0102),
        };
        let value = Bytes::from(encode_row(&row));
        assert_eq!(&value[..], b"\x02\x01\0\0\0\0\0\0state");
        assert_eq!(
            decode_row(row.key.clone(), value.clone()),
            Some(row.clone())
        );
        for cut in 0..ROW_HEADER_BYTES {
            assert_eq!(decode_row(row.key.clone(), value.slice(..cut)), None);
        }
    }
}
