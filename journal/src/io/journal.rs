//! The journal as the other rooms see it: one handle for one partition, whatever lies beneath.

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use redb::StorageBackend;
use tokio::sync::{oneshot, watch};

use super::Embedded;
use super::store::{CACHE_BYTES, LIVE_BYTES_ALARM, Snapshot, Trimmed};
use super::tail::Tail;
use crate::batcher::{Appended, Limits};
use crate::error::{AppendError, OpenError, StoreError};
use crate::offset::{LogName, Offset, Partition};
use crate::snapshot::SnapshotSlice;

/// How a journal is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// Memory for the database's pages, in bytes.
    pub cache_bytes: usize,
    /// Spares the repair after a crash and doubles the syncs of every commit.
    pub quick_repair: bool,
    /// Bounds of the group commit.
    pub limits: Limits,
    /// What stamps the batches.
    pub clock: Clock,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            cache_bytes: CACHE_BYTES,
            quick_repair: false,
            limits: Limits::default(),
            clock: Clock::System,
        }
    }
}

/// The clock that stamps batches, and so decides when they may be trimmed.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's.
    System,
    /// One that stands until it is set: milliseconds since the Unix epoch.
    Manual(Arc<AtomicU64>),
}

impl Clock {
    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub fn unix_ms(&self) -> u64 {
        match self {
            Self::System => {
                let since = SystemTime::now()
                    .duration_since(UNIX_EPOCH)
                    .unwrap_or_default();
                u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
            }
            Self::Manual(now_ms) => now_ms.load(Ordering::SeqCst),
        }
    }
}

/// Whether receipts can be given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// Appends are taken.
    Healthy,
    /// A write or sync has failed: readiness fails, phones are sent elsewhere, the process ends.
    Failed {
        /// The first error.
        why: String,
    },
    /// Closed in good order.
    Closed,
}

/// The logs and the snapshot of one partition. Clones share it; the last one to go closes it and
/// blocks until what was taken is on the disk: prefer [`Journal::close`].
#[derive(Clone, Debug)]
pub enum Journal {
    /// One file, one process.
    Embedded(Embedded),
}

impl Journal {
    /// Opens or creates the journal in the file `path`, whose folder must exist. Blocks while a
    /// journal that was not closed is repaired.
    ///
    /// # Errors
    /// When another process holds it (and which), the file cannot be read or repaired, or a newer
    /// release wrote it.
    pub fn open_embedded(path: impl AsRef<Path>, options: Options) -> Result<Self, OpenError> {
        Embedded::open(path.as_ref(), options).map(Self::Embedded)
    }

    /// A journal over any storage, for tests and simulations.
    ///
    /// # Errors
    /// When the storage answers an error.
    pub fn over(backend: impl StorageBackend, options: Options) -> Result<Self, OpenError> {
        Embedded::over(backend, options).map(Self::Embedded)
    }

    /// The partition whose logs these are.
    #[must_use]
    pub const fn partition(&self) -> Partition {
        match self {
            Self::Embedded(_) => Partition::ZERO,
        }
    }

    /// Appends entries in a row, together; returns when they are durable.
    ///
    /// # Errors
    /// See [`AppendError`]: only `Failed` leaves open whether the entries are there.
    pub async fn append(&self, log: LogName, entries: Vec<Bytes>) -> Result<Appended, AppendError> {
        self.offer(log, entries)?.await
    }

    /// Puts entries in the queue without waiting; the order of offers is the order of the log. The
    /// answer comes with the returned future, which may be dropped.
    ///
    /// # Errors
    /// When the entries were not taken.
    pub fn offer(&self, log: LogName, entries: Vec<Bytes>) -> Result<PendingAppend, AppendError> {
        let (sender, receiver) = oneshot::channel();
        // Whoever dropped the future does not want the answer.
        self.offer_with(log, entries, move |result| drop(sender.send(result)))?;
        Ok(PendingAppend(receiver))
    }

    /// Like [`Self::offer`], with the answer given to `reply` on the commit thread: it must not
    /// block. It is called exactly once when this returns `Ok`, and never otherwise.
    ///
    /// # Errors
    /// When the entries were not taken.
    pub fn offer_with(
        &self,
        log: LogName,
        entries: Vec<Bytes>,
        reply: impl FnOnce(Result<Appended, AppendError>) + Send + 'static,
    ) -> Result<(), AppendError> {
        match self {
            Self::Embedded(embedded) => embedded.offer(log, entries, Box::new(reply)),
        }
    }

    /// The log from `from` on.
    #[must_use]
    pub fn tail(&self, log: LogName, from: Offset) -> Tail {
        match self {
            Self::Embedded(embedded) => embedded.tail(log, from),
        }
    }

    /// The first offset that can still be read; [`Self::end`] when nothing is in the log.
    ///
    /// # Errors
    /// When the storage answers an error or has been closed.
    pub fn first(&self, log: LogName) -> Result<Offset, StoreError> {
        match self {
            Self::Embedded(embedded) => embedded.store().first(log),
        }
    }

    /// The offset that the next entry will get.
    #[must_use]
    pub fn end(&self, log: LogName) -> Offset {
        match self {
            Self::Embedded(embedded) => *embedded.store().ends().get(log),
        }
    }

    /// The offset of the newest durable entry; `None` before the first.
    #[must_use]
    pub fn newest(&self, log: LogName) -> Option<Offset> {
        self.end(log).previous()
    }

    /// Writes one slice of a snapshot, in one transaction with its offset; see [`SnapshotSlice`].
    ///
    /// # Errors
    /// When the slice is refused (nothing was written), or the storage failed.
    pub async fn snapshot_write(&self, slice: SnapshotSlice) -> Result<(), StoreError> {
        match self {
            Self::Embedded(embedded) => embedded.snapshot_write(slice).await,
        }
    }

    /// The newest snapshot, as it is now. Its rows block on the disk.
    ///
    /// # Errors
    /// When the storage answers an error or has been closed.
    pub fn snapshot_read(&self) -> Result<Snapshot, StoreError> {
        match self {
            Self::Embedded(embedded) => embedded.store().snapshot_read(),
        }
    }

    /// Deletes what may be deleted from both logs, in small transactions between which receipts go
    /// on. `now_ms` is milliseconds since the Unix epoch. Returns what was deleted.
    ///
    /// # Errors
    /// When the storage failed or has been closed.
    pub async fn trim(&self, now_ms: u64) -> Result<Trimmed, StoreError> {
        match self {
            Self::Embedded(embedded) => embedded.trim(now_ms).await,
        }
    }

    /// Whether receipts can be given, to be watched.
    #[must_use]
    pub fn health(&self) -> watch::Receiver<Health> {
        match self {
            Self::Embedded(embedded) => embedded.health(),
        }
    }

    /// Bytes of live entries and snapshot rows; positions are shed at
    /// [`super::store::LIVE_BYTES_MAX`].
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        match self {
            Self::Embedded(embedded) => embedded.store().live_bytes(),
        }
    }

    /// Whether the live journal is so large that somebody has to look.
    #[must_use]
    pub fn size_alarm(&self) -> bool {
        self.size_bytes() >= LIVE_BYTES_ALARM
    }

    /// Takes no more, commits what waits, and closes the file, so that the next start needs no
    /// repair. All clones are closed. After a failure it only ends the commit thread.
    pub async fn close(&self) {
        match self {
            Self::Embedded(embedded) => embedded.close().await,
        }
    }
}

/// The answer to an offer, to come.
#[derive(Debug)]
pub struct PendingAppend(oneshot::Receiver<Result<Appended, AppendError>>);

impl Future for PendingAppend {
    type Output = Result<Appended, AppendError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0)
            .poll(cx)
            .map(|answer| answer.unwrap_or(Err(AppendError::Closed)))
    }
}

#[cfg(test)]
mod tests;
