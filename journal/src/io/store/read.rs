//! Reading the log from an offset.

use bytes::Bytes;
use redb::{ReadOnlyTable, ReadableTable};

use super::{Store, batch_end, meta_first, table};
use crate::batch;
use crate::error::StoreError;
use crate::offset::{LogName, Offset};

/// What the log has at an offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadAt {
    /// Entries from exactly this offset on, at least one.
    Entries(Vec<Bytes>),
    /// The offset has been trimmed, or nobody can read it any more; the next one that can be read.
    Gap {
        /// Where to go on.
        first_available: Offset,
    },
    /// The offset is the end of the log.
    End,
    /// The offset lies beyond the end of the log, at `end`.
    Beyond {
        /// Where the log ends.
        end: Offset,
    },
}

impl Store {
    /// Entries of `log` from `from` on: all of the batches that begin before `bytes_max` bytes have
    /// been read, at least one batch.
    ///
    /// # Errors
    /// When the storage answers an error or has been closed.
    pub fn read_at(
        &self,
        log: LogName,
        from: Offset,
        bytes_max: usize,
    ) -> Result<ReadAt, StoreError> {
        // Taken before the transaction begins: what ends the log here is visible there.
        let end = *self.ends().get(log);
        self.read("reading the log", |txn| {
            let batches = txn.open_table(table(log))?;
            if from > end {
                return Ok(ReadAt::Beyond { end });
            }
            collect(&batches, from, end, bytes_max)
        })
    }

    /// When the entry at `offset` was committed, or the first one behind it that is still there:
    /// milliseconds since the Unix epoch. `None` when there is none.
    ///
    /// # Errors
    /// When the storage answers an error or has been closed.
    pub fn committed_at_ms(&self, log: LogName, offset: Offset) -> Result<Option<u64>, StoreError> {
        self.read("reading the log", |txn| {
            let batches = txn.open_table(table(log))?;
            let holding = batches.range(..=offset.0)?.next_back().transpose()?;
            let holding = holding
                .filter(|(first, value)| batch_end(Offset(first.value()), value.value()) > offset);
            let batch = match holding {
                Some(batch) => Some(batch),
                None => batches.range(offset.0..)?.next().transpose()?,
            };
            Ok(batch
                .and_then(|(_, value)| batch::header(value.value()).ok())
                .map(|header| header.committed_at_ms))
        })
    }

    /// The first offset that can still be read; the end of the log when nothing is in it.
    ///
    /// # Errors
    /// When the storage answers an error or has been closed.
    pub fn first(&self, log: LogName) -> Result<Offset, StoreError> {
        let end = *self.ends().get(log);
        self.read("reading the log", |txn| {
            let batches = txn.open_table(table(log))?;
            if let Some((first, _)) = batches.first()? {
                return Ok(Offset(first.value()));
            }
            let trimmed = txn.open_table(super::META)?.get(meta_first(log))?;
            Ok(trimmed.map_or(end, |first| Offset(first.value())))
        })
    }
}

fn collect(
    batches: &ReadOnlyTable<u64, &'static [u8]>,
    from: Offset,
    end: Offset,
    bytes_max: usize,
) -> Result<ReadAt, redb::Error> {
    let holding = batches.range(..=from.0)?.next_back().transpose()?;
    let start = holding
        .map(|(first, value)| {
            (
                Offset(first.value()),
                batch_end(Offset(first.value()), value.value()),
            )
        })
        .filter(|(_, batch_end)| *batch_end > from)
        .map_or(from, |(first, _)| first);
    let mut entries = Vec::new();
    let mut bytes = 0;
    let mut cursor = from;
    for item in batches.range(start.0..)? {
        let (first, value) = item?;
        let first = Offset(first.value());
        if first >= end {
            // Committed since the transaction's view was taken, and not published yet: a cursor
            // behind it would look like one of another log.
            break;
        }
        let hole = first > cursor;
        if hole && entries.is_empty() {
            return Ok(ReadAt::Gap {
                first_available: first,
            });
        }
        if hole || bytes >= bytes_max {
            break;
        }
        let value = Bytes::copy_from_slice(value.value());
        let Ok(decoded) = batch::decode(&value) else {
            if entries.is_empty() {
                // Nobody can read this batch; say so once and go on behind it. What it says of its length may be as wrong.
                let behind = batch_end(first, &value);
                let next = batches.range(first.plus(1).0..)?.next().transpose()?;
                return Ok(ReadAt::Gap {
                    first_available: next
                        .map_or(behind, |(next, _)| behind.min(Offset(next.value()))),
                });
            }
            break;
        };
        bytes += value.len();
        let skip = usize::try_from(cursor.since(first)).unwrap_or(usize::MAX);
        cursor = first.plus(decoded.entries.len() as u64);
        entries.extend(decoded.entries.into_iter().skip(skip));
    }
    Ok(match entries.is_empty() {
        false => ReadAt::Entries(entries),
        true if from < end => ReadAt::Gap {
            first_available: end,
        },
        true => ReadAt::End,
    })
}
