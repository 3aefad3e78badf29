//! Trimming: looks at the oldest batches, plans, deletes what the plan says in one transaction.

use redb::{ReadableTable, WriteTransaction};

use super::{
    KEY_BYTES, META, META_CONFIRMED_AT_MS, META_RESUME_AT, Store, batch_end, meta_first, table,
};
use crate::batch;
use crate::error::StoreError;
use crate::offset::{LogName, Offset};
use crate::trim::{Candidate, Confirmed, TRIM_BATCHES_MAX, TrimBy, plan};

/// What one transaction deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trimmed {
    /// Batches that are gone; of a log on a server, entries.
    pub batches: usize,
    /// Their bytes.
    pub bytes: u64,
}

impl Trimmed {
    /// Whether there may be more to delete: the transaction was full.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.batches >= TRIM_BATCHES_MAX
    }
}

impl std::ops::AddAssign for Trimmed {
    fn add_assign(&mut self, more: Self) {
        self.batches += more.batches;
        self.bytes += more.bytes;
    }
}

impl Store {
    /// Deletes at most [`TRIM_BATCHES_MAX`] of the oldest batches of `log`, as far as the snapshot
    /// and the clock allow. `now_ms` is milliseconds since the Unix epoch. Writes nothing when there
    /// is nothing to delete.
    ///
    /// # Errors
    /// When the storage answers an error (final) or has been closed.
    pub fn trim(&self, log: LogName, now_ms: u64) -> Result<Trimmed, StoreError> {
        self.trim_by(log, TrimBy::Snapshot { now_ms })
    }

    /// Like [`Self::trim`], up to where somebody says.
    ///
    /// # Errors
    /// Those of [`Self::trim`].
    pub fn trim_by(&self, log: LogName, by: TrimBy) -> Result<Trimmed, StoreError> {
        let Some(point) = by.point(log, self.confirmed()?) else {
            return Ok(Trimmed::default());
        };
        let oldest = self.oldest(log)?;
        let count = plan(&oldest, point);
        if count == 0 {
            return Ok(Trimmed::default());
        }
        let trimmed = self.write("trimming the log", |txn| delete(txn, log, &oldest[..count]))?;
        self.discount(log, trimmed.bytes);
        Ok(trimmed)
    }

    fn confirmed(&self) -> Result<Option<Confirmed>, StoreError> {
        self.read("reading the snapshot's offset", |txn| {
            let meta = txn.open_table(META)?;
            let resume_at = meta.get(META_RESUME_AT)?.map(|value| Offset(value.value()));
            let at_ms = meta.get(META_CONFIRMED_AT_MS)?.map(|value| value.value());
            Ok(resume_at
                .zip(at_ms)
                .map(|(resume_at, at_ms)| Confirmed { resume_at, at_ms }))
        })
    }

    fn oldest(&self, log: LogName) -> Result<Vec<Candidate>, StoreError> {
        self.read("reading the log", |txn| {
            let batches = txn.open_table(table(log))?;
            let mut oldest = Vec::new();
            for item in batches.iter()?.take(TRIM_BATCHES_MAX) {
                let (first, value) = item?;
                let first = Offset(first.value());
                let end = batch_end(first, value.value());
                // What nobody can read is as old as its neighbours.
                let committed_at_ms =
                    batch::header(value.value()).map_or(u64::MAX, |header| header.committed_at_ms);
                oldest.push(Candidate {
                    first,
                    end,
                    committed_at_ms,
                });
            }
            Ok(oldest)
        })
    }
}

fn delete(
    txn: &WriteTransaction,
    log: LogName,
    batches: &[Candidate],
) -> Result<Trimmed, redb::Error> {
    let mut trimmed = Trimmed::default();
    let mut log_table = txn.open_table(table(log))?;
    for batch in batches {
        if let Some(value) = log_table.remove(batch.first.0)? {
            trimmed.batches += 1;
            trimmed.bytes += KEY_BYTES + value.value().len() as u64;
        }
    }
    if let Some(last) = batches.last() {
        txn.open_table(META)?.insert(meta_first(log), last.end.0)?;
    }
    Ok(trimmed)
}
