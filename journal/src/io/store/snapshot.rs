//! The snapshot table: rows and the offset in one transaction.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use redb::{Range, WriteTransaction};

use super::{META, META_CONFIRMED_AT_MS, META_RESUME_AT, SNAPSHOT, Store, failure};
use crate::error::StoreError;
use crate::offset::{LogName, Offset};
use crate::proof::Proof;
use crate::snapshot::{Row, SLICE_BYTES_MAX, SnapshotSlice, decode_row, encode_row};

/// The newest snapshot, as it was when reading began.
#[derive(Debug)]
pub struct Snapshot {
    /// Where its reader goes on in the alert log; `None` when no snapshot was ever finished (then
    /// rows may still be there, of one that was begun, and the log is read from its beginning).
    pub resume_at: Option<Offset>,
    /// The entry before that, where a server has the log: its reader goes on behind it and nowhere else.
    pub behind: Option<Proof>,
    /// Its rows, by key.
    pub rows: Rows,
}

/// The rows of a snapshot: of a disk, read as they are asked for, which blocks on it; of a server,
/// read already.
pub struct Rows(Source);

enum Source {
    Disk(Box<Range<'static, &'static [u8], &'static [u8]>>),
    Memory(std::vec::IntoIter<Row>),
}

impl Rows {
    /// Rows that are in memory.
    #[must_use]
    pub fn of(rows: Vec<Row>) -> Self {
        Self(Source::Memory(rows.into_iter()))
    }
}

impl std::fmt::Debug for Rows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Rows")
    }
}

impl Iterator for Rows {
    type Item = Result<Row, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        let doing = "reading the snapshot";
        let rows = match &mut self.0 {
            Source::Disk(rows) => rows,
            Source::Memory(rows) => return rows.next().map(Ok),
        };
        Some(match rows.next()? {
            Ok((key, value)) => {
                let key = Bytes::copy_from_slice(key.value());
                decode_row(key, Bytes::copy_from_slice(value.value())).ok_or_else(|| {
                    StoreError::Storage {
                        doing,
                        why: "a row is shorter than its header".to_owned(),
                    }
                })
            }
            Err(error) => Err(failure(doing, &error.into())),
        })
    }
}

/// What a slice changed in the count of live bytes.
#[derive(Default)]
struct Change {
    added: u64,
    removed: u64,
}

impl Store {
    /// Writes one slice of a snapshot, with the offset when it is the last. `now_ms` is the time of
    /// the confirmation, milliseconds since the Unix epoch.
    ///
    /// # Errors
    /// When the slice is too large or claims entries that the log does not have (nothing was
    /// written), or the storage answers an error (final).
    pub fn snapshot_write(&self, slice: &SnapshotSlice, now_ms: u64) -> Result<(), StoreError> {
        check_size(slice)?;
        let end = *self.ends().get(LogName::Alerts);
        if let Some(resume_at) = slice.resume_at.filter(|&resume_at| resume_at > end) {
            return Err(StoreError::SnapshotAhead {
                resume_at: resume_at.0,
                end: end.0,
            });
        }
        let change = self.write("writing the snapshot", |txn| {
            write_slice(txn, slice, now_ms)
        })?;
        self.live_bytes.fetch_add(change.added, Ordering::Relaxed);
        self.live_bytes.fetch_sub(change.removed, Ordering::Relaxed);
        Ok(())
    }

    /// One row of the snapshot, finished or not.
    ///
    /// # Errors
    /// When the storage answers an error or has been closed.
    pub fn snapshot_row(&self, key: &[u8]) -> Result<Option<Row>, StoreError> {
        self.read("reading the snapshot", |txn| {
            let value = txn.open_table(SNAPSHOT)?.get(key)?;
            Ok(value.and_then(|value| {
                let value = Bytes::copy_from_slice(value.value());
                decode_row(Bytes::copy_from_slice(key), value)
            }))
        })
    }

    /// The newest snapshot.
    ///
    /// # Errors
    /// When the storage answers an error or has been closed.
    pub fn snapshot_read(&self) -> Result<Snapshot, StoreError> {
        self.read("reading the snapshot", |txn| {
            let resume_at = txn.open_table(META)?.get(META_RESUME_AT)?;
            Ok(Snapshot {
                resume_at: resume_at.map(|offset| Offset(offset.value())),
                behind: None,
                rows: Rows(Source::Disk(Box::new(
                    txn.open_table(SNAPSHOT)?.range::<&[u8]>(..)?,
                ))),
            })
        })
    }
}

/// Refuses a slice that is larger than one transaction may be.
pub(in crate::io) fn check_size(slice: &SnapshotSlice) -> Result<(), StoreError> {
    let bytes = slice.bytes();
    // A single row may be larger, or nobody could write it.
    if bytes > SLICE_BYTES_MAX && slice.rows.len() + slice.deletions.len() > 1 {
        return Err(StoreError::SliceTooLarge {
            bytes,
            bytes_max: SLICE_BYTES_MAX,
        });
    }
    Ok(())
}

fn write_slice(
    txn: &WriteTransaction,
    slice: &SnapshotSlice,
    now_ms: u64,
) -> Result<Change, redb::Error> {
    let mut change = Change::default();
    let mut rows = txn.open_table(SNAPSHOT)?;
    for row in &slice.rows {
        let (key, value) = (&row.key[..], encode_row(row));
        let length = (key.len() + value.len()) as u64;
        let old = rows.insert(key, value.as_slice())?;
        change.added += length;
        change.removed += old.map_or(0, |old| (key.len() + old.value().len()) as u64);
    }
    for key in &slice.deletions {
        let old = rows.remove(&key[..])?;
        change.removed += old.map_or(0, |old| (key.len() + old.value().len()) as u64);
    }
    if let Some(resume_at) = slice.resume_at {
        let mut meta = txn.open_table(META)?;
        meta.insert(META_RESUME_AT, resume_at.0)?;
        meta.insert(META_CONFIRMED_AT_MS, now_ms)?;
    }
    Ok(change)
}
