//! The database of the embedded journal: one file, one transaction per batch, synced before it
//! returns.
//!
//! Synchronous and without a thread of its own: the commit thread drives it, and so may a
//! simulation.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError, RwLock};

use redb::{
    Database, DatabaseError, Durability, ReadableDatabase, ReadableTable, ReadableTableMetadata,
    StorageBackend, TableDefinition, TableError, WriteTransaction,
};

use crate::batch;
use crate::batcher::Batch;
use crate::crowding::Size;
use crate::error::{OpenError, StoreError};
use crate::offset::{LogName, Offset, PerLog};

mod read;
mod snapshot;
mod trim;

pub use read::ReadAt;
#[cfg(feature = "redis")]
pub(in crate::io) use snapshot::check_size;
pub use snapshot::{Rows, Snapshot};
pub use trim::Trimmed;

/// Format of the tables. Raised when an older release could no longer read them.
pub const FORMAT_VERSION: u64 = 1;

/// Memory for pages: a quarter of the largest live journal, which holds everything that tails and
/// snapshots touch while nothing is wrong. The database's own default is 1 GiB.
pub const CACHE_BYTES: usize = 64 << 20;

/// Offsets skipped behind a last batch that does not say how many entries it has: more than any
/// batch holds.
const DAMAGED_BATCH_ENTRIES: u64 = 1 << 20;

/// Bytes of a log table's key.
const KEY_BYTES: u64 = 8;

/// What stands for the path of a store that has none.
pub(super) const IN_MEMORY: &str = "memory";

const SNAPSHOT: TableDefinition<'static, &[u8], &[u8]> = TableDefinition::new("snapshot");
const META: TableDefinition<'static, &str, u64> = TableDefinition::new("meta");
const META_FORMAT: &str = "format_version";
const META_RESUME_AT: &str = "snapshot_resume_at";
const META_CONFIRMED_AT_MS: &str = "snapshot_confirmed_at_ms";

/// First offset of a batch → its value. See [`crate::batch`].
const fn table(log: LogName) -> TableDefinition<'static, u64, &'static [u8]> {
    match log {
        LogName::Alerts => TableDefinition::new("alerts"),
        LogName::Tracks => TableDefinition::new("tracks"),
    }
}

/// Where the log begins once everything in it has been trimmed, so that no offset is ever given
/// twice.
const fn meta_first(log: LogName) -> &'static str {
    match log {
        LogName::Alerts => "alerts_first",
        LogName::Tracks => "tracks_first",
    }
}

/// The tables of one partition.
#[derive(Debug)]
pub struct Store {
    /// `None` once closed.
    db: RwLock<Option<Database>>,
    ends: Mutex<PerLog<Offset>>,
    live_bytes: AtomicU64,
    track_bytes: AtomicU64,
    /// The first error of a writing transaction: there is no second try.
    failed: OnceLock<String>,
    durability: Durability,
    quick_repair: bool,
}

impl Store {
    /// Opens or creates the database; after a crash it is repaired first. `quick_repair` doubles
    /// the syncs of each commit and spares that repair.
    ///
    /// # Errors
    /// When the storage answers an error, is held by another opener, or was written by a newer
    /// release.
    pub fn open(
        backend: impl StorageBackend,
        cache_bytes: usize,
        quick_repair: bool,
    ) -> Result<Self, OpenError> {
        let db = Database::builder()
            .set_cache_size(cache_bytes)
            .create_with_backend(backend)
            .map_err(|error| match error {
                DatabaseError::DatabaseAlreadyOpen => OpenError::Held {
                    path: PathBuf::from(IN_MEMORY),
                    pid: None,
                },
                other => storage(&other.into()),
            })?;
        let found = found_format(&db).map_err(|error| storage(&error))?;
        if found > FORMAT_VERSION {
            let path = PathBuf::from(IN_MEMORY);
            return Err(OpenError::NewerFormat {
                path,
                found,
                known: FORMAT_VERSION,
            });
        }
        if found < FORMAT_VERSION {
            create_tables(&db, quick_repair).map_err(|error| storage(&error))?;
        }
        let (ends, size) = survey(&db).map_err(|error| storage(&error))?;
        Ok(Self {
            db: RwLock::new(Some(db)),
            ends: Mutex::new(ends),
            live_bytes: AtomicU64::new(size.live_bytes),
            track_bytes: AtomicU64::new(size.track_bytes),
            failed: OnceLock::new(),
            durability: Durability::Immediate,
            quick_repair,
        })
    }

    /// Writes a batch in one transaction and syncs it; `now_ms` is its stamp, milliseconds since
    /// the Unix epoch.
    ///
    /// # Errors
    /// Any error is final: whether the batch is there is known after a restart only, and every
    /// later call fails.
    pub fn commit(&self, batch: &Batch, now_ms: u64) -> Result<(), StoreError> {
        let mut written = PerLog::<u64>::default();
        self.write("committing a batch", |txn| {
            for log in LogName::ALL {
                let run = batch.runs.get(log);
                if !run.entries.is_empty() {
                    let value = batch::encode(now_ms, &run.entries);
                    *written.get_mut(log) = KEY_BYTES + value.len() as u64;
                    txn.open_table(table(log))?
                        .insert(run.first.0, value.as_slice())?;
                }
            }
            Ok(())
        })?;
        for log in LogName::ALL {
            self.count(log, *written.get(log));
        }
        let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        for log in LogName::ALL {
            *ends.get_mut(log) = batch.runs.get(log).end();
        }
        Ok(())
    }

    /// The offset that the next entry of each log gets.
    #[must_use]
    pub fn ends(&self) -> PerLog<Offset> {
        *self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes of live batches and snapshot rows with their keys, without the database's own pages.
    #[must_use]
    pub fn live_bytes(&self) -> u64 {
        self.live_bytes.load(Ordering::Relaxed)
    }

    /// [`Self::live_bytes`], and how many of them are positions.
    #[must_use]
    pub fn size(&self) -> Size {
        Size {
            live_bytes: self.live_bytes(),
            track_bytes: self.track_bytes.load(Ordering::Relaxed),
        }
    }

    fn count(&self, log: LogName, written: u64) {
        self.live_bytes.fetch_add(written, Ordering::Relaxed);
        if log == LogName::Tracks {
            self.track_bytes.fetch_add(written, Ordering::Relaxed);
        }
    }

    fn discount(&self, log: LogName, deleted: u64) {
        self.live_bytes.fetch_sub(deleted, Ordering::Relaxed);
        if log == LogName::Tracks {
            self.track_bytes.fetch_sub(deleted, Ordering::Relaxed);
        }
    }

    /// Makes the store look larger than it is.
    #[cfg(test)]
    pub(super) fn pretend_bytes(&self, log: LogName, bytes: u64) {
        self.count(log, bytes);
    }

    /// Makes the batch that begins there one that nobody can read.
    #[cfg(test)]
    pub(super) fn damage(&self, log: LogName, first: Offset) {
        let damaged = self.write("damaging a batch", |txn| {
            txn.open_table(table(log))?.insert(first.0, &b"noise"[..])?;
            Ok(())
        });
        damaged.unwrap();
    }

    /// Closes the database in good order, so that the next opening needs no repair. A second call
    /// does nothing.
    ///
    /// # Errors
    /// When the last writes fail; nothing that was committed is lost by that.
    pub fn close(&self) -> Result<(), StoreError> {
        let db = self
            .db
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let closed = db.map_or(Ok(()), Database::close);
        closed.map_err(|error| failure("closing the journal", &error.into()))
    }

    /// Runs one synced transaction. An error is latched.
    fn write<T>(
        &self,
        doing: &'static str,
        body: impl FnOnce(&WriteTransaction) -> Result<T, redb::Error>,
    ) -> Result<T, StoreError> {
        if let Some(why) = self.failed.get() {
            return Err(StoreError::Failed { why: why.clone() });
        }
        let db = self.db.read().unwrap_or_else(PoisonError::into_inner);
        let db = db.as_ref().ok_or(StoreError::Closed)?;
        transact(db, self.durability, self.quick_repair, body).map_err(|error| {
            let error = failure(doing, &error);
            // Only the first reason tells anything; the later ones are its echo.
            let _ = self.failed.set(error.to_string());
            error
        })
    }

    fn read<T>(
        &self,
        doing: &'static str,
        body: impl FnOnce(&redb::ReadTransaction) -> Result<T, redb::Error>,
    ) -> Result<T, StoreError> {
        let db = self.db.read().unwrap_or_else(PoisonError::into_inner);
        let db = db.as_ref().ok_or(StoreError::Closed)?;
        let read = || body(&db.begin_read()?);
        read().map_err(|error| failure(doing, &error))
    }
}

/// One transaction, durable when this returns.
fn transact<T>(
    db: &Database,
    durability: Durability,
    quick_repair: bool,
    body: impl FnOnce(&WriteTransaction) -> Result<T, redb::Error>,
) -> Result<T, redb::Error> {
    let mut txn = db.begin_write()?;
    txn.set_durability(durability)?;
    txn.set_quick_repair(quick_repair);
    let done = body(&txn)?;
    txn.commit()?;
    Ok(done)
}

/// The format of the file; 0 for a new one.
fn found_format(db: &Database) -> Result<u64, redb::Error> {
    match db.begin_read()?.open_table(META) {
        Ok(meta) => Ok(meta.get(META_FORMAT)?.map_or(0, |version| version.value())),
        Err(TableError::TableDoesNotExist(_)) => Ok(0),
        Err(error) => Err(error.into()),
    }
}

fn create_tables(db: &Database, quick_repair: bool) -> Result<(), redb::Error> {
    transact(db, Durability::Immediate, quick_repair, |txn| {
        for log in LogName::ALL {
            txn.open_table(table(log))?;
        }
        txn.open_table(SNAPSHOT)?;
        txn.open_table(META)?.insert(META_FORMAT, FORMAT_VERSION)?;
        Ok(())
    })
}

/// Where the logs end, and what lives in the file.
fn survey(db: &Database) -> Result<(PerLog<Offset>, Size), redb::Error> {
    let txn = db.begin_read()?;
    let meta = txn.open_table(META)?;
    let mut ends = PerLog::default();
    let mut size = Size {
        live_bytes: txn.open_table(SNAPSHOT)?.stats()?.stored_bytes(),
        track_bytes: 0,
    };
    for log in LogName::ALL {
        let batches = txn.open_table(table(log))?;
        let bytes = batches.stats()?.stored_bytes();
        size.live_bytes += bytes;
        if log == LogName::Tracks {
            size.track_bytes = bytes;
        }
        *ends.get_mut(log) = match batches.last()? {
            Some((first, value)) => batch_end(Offset(first.value()), value.value()),
            None => Offset(meta.get(meta_first(log))?.map_or(0, |first| first.value())),
        };
    }
    Ok((ends, size))
}

/// The offset after a batch, also when nobody can read how many entries it has.
fn batch_end(first: Offset, value: &[u8]) -> Offset {
    first.plus(batch::header(value).map_or(DAMAGED_BATCH_ENTRIES, |header| header.count.into()))
}

fn failure(doing: &'static str, error: &redb::Error) -> StoreError {
    StoreError::Storage {
        doing,
        why: error.to_string(),
    }
}

fn storage(error: &redb::Error) -> OpenError {
    OpenError::Storage {
        path: PathBuf::from(IN_MEMORY),
        why: error.to_string(),
    }
}

impl OpenError {
    /// Says which file the error is about.
    pub(crate) fn at(self, journal: &std::path::Path) -> Self {
        match self {
            Self::Held { pid, .. } => Self::Held {
                path: journal.to_owned(),
                pid,
            },
            Self::Storage { why, .. } => Self::Storage {
                path: journal.to_owned(),
                why,
            },
            Self::NewerFormat { found, known, .. } => Self::NewerFormat {
                path: journal.to_owned(),
                found,
                known,
            },
            #[cfg(feature = "redis")]
            Self::Server(error) => Self::Server(error),
        }
    }
}

#[cfg(test)]
mod tests;
