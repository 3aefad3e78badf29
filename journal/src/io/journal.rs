//! The journal as the other rooms see it, whatever lies beneath.

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use protocol::{DeviceId, Millis};
use redb::StorageBackend;
use tokio::sync::{oneshot, watch};

use super::Embedded;
#[cfg(feature = "redis")]
use super::holdover::Held;
#[cfg(feature = "redis")]
use super::redis::{Redis, settings::Settings};
use super::store::{CACHE_BYTES, Snapshot, Trimmed};
use super::tail::Tail;
use crate::batcher::{Appended, Limits};
use crate::error::{AppendError, OpenError, StoreError};
use crate::kept::{Known, Whose};
use crate::offset::{LogName, Offset, Partition};
use crate::proof::Proof;
use crate::shipping::{Progress, Unshipped, Waiting};
use crate::snapshot::SnapshotSlice;
use crate::unconfirmed::ReplicasMissing;

/// How a journal is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// Embedded: memory for the database's pages, in bytes.
    pub cache_bytes: usize,
    /// Embedded: spares the repair after a crash and doubles the syncs of every commit.
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
    /// The log's server is away or takes nothing. It heals: what is offered waits, is refused or is
    /// held by the own journal meanwhile, and nobody has to restart.
    Troubled {
        /// What the server, or the connection, said last.
        why: String,
    },
    /// A write or sync has failed: readiness fails, phones are sent elsewhere, the process ends.
    Failed {
        /// The first error.
        why: String,
    },
    /// Closed in good order.
    Closed,
}

impl Health {
    /// Whether this process takes nothing more, whatever happens.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        matches!(self, Self::Failed { .. } | Self::Closed)
    }
}

/// The log. What is read through a handle, and its snapshot, are of one partition, the first unless
/// [`Journal::partitions`] gave the handle. Clones share it; the last one to go closes it, and an
/// embedded one blocks until what was taken is on the disk: prefer [`Journal::close`].
#[derive(Clone, Debug)]
pub enum Journal {
    /// One file, one process.
    Embedded(Embedded),
    /// A server, and anybody who may use it.
    #[cfg(feature = "redis")]
    Redis(Redis),
    /// An own file in front of a server: what was answered survives whatever the server loses.
    #[cfg(feature = "redis")]
    Held(Held),
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

    /// Opens one partition on a Redis server, also to append to; see [`Redis::open`], and [`Redis::start`] for a server
    /// that may be away.
    ///
    /// # Errors
    /// When the server cannot be reached or may not hold the log.
    ///
    /// # Panics
    /// Outside a Tokio runtime.
    #[cfg(feature = "redis")]
    pub async fn open_redis(settings: Settings, options: Options) -> Result<Self, OpenError> {
        Ok(Self::Redis(Redis::open(settings, &options).await?))
    }

    /// Opens a log on a Redis server, all partitions of it, with an own journal in the file `path` in front of it; see
    /// [`Held::open`].
    ///
    /// # Errors
    /// When the own journal cannot be opened; the server may be away.
    ///
    /// # Panics
    /// Outside a Tokio runtime.
    #[cfg(feature = "redis")]
    pub fn open_held(
        path: impl AsRef<Path>,
        settings: Settings,
        options: Options,
    ) -> Result<Self, OpenError> {
        Held::open(path.as_ref(), settings, options).map(Self::Held)
    }

    /// A journal over any storage, for tests and simulations.
    ///
    /// # Errors
    /// When the storage answers an error.
    pub fn over(backend: impl StorageBackend, options: Options) -> Result<Self, OpenError> {
        Embedded::over(backend, options).map(Self::Embedded)
    }

    /// Handles of this journal, one to read each partition of the log, in order. What is appended by any
    /// of them goes into the partition where it belongs.
    #[must_use]
    pub fn partitions(&self) -> Vec<Self> {
        match self {
            Self::Embedded(_) => vec![self.clone()],
            #[cfg(feature = "redis")]
            Self::Redis(_) => vec![self.clone()],
            #[cfg(feature = "redis")]
            Self::Held(held) => held.partitions().into_iter().map(Self::Held).collect(),
        }
    }

    /// The partition whose logs this handle reads.
    #[must_use]
    pub fn partition(&self) -> Partition {
        match self {
            Self::Embedded(_) => Partition::ZERO,
            #[cfg(feature = "redis")]
            Self::Redis(redis) => redis.partition(),
            #[cfg(feature = "redis")]
            Self::Held(held) => held.shared().partition(),
        }
    }

    /// Whether what this phone says, and what is decided about it, is in the partition that this handle
    /// reads. A log of one partition has everything.
    #[must_use]
    #[cfg_attr(
        not(feature = "redis"),
        expect(unused_variables, reason = "a file has everything")
    )]
    pub fn has(&self, device: &DeviceId) -> bool {
        match self {
            Self::Embedded(_) => true,
            #[cfg(feature = "redis")]
            Self::Redis(_) => true,
            #[cfg(feature = "redis")]
            Self::Held(held) => held.has(device),
        }
    }

    /// Appends entries in a row, together; returns when they are as durable as
    /// [`Appended::durability`] says. Waits while a server is away, unless an own journal is in front
    /// of it; then the offset is one of the own journal.
    ///
    /// # Errors
    /// See [`AppendError`]: only `Failed` and `Unknown` leave open whether the entries are there.
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

    /// Like [`Self::offer`], with the answer given to `reply` on the commit thread or task: it must
    /// not block. It is called exactly once when this returns `Ok`, and never otherwise.
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
            #[cfg(feature = "redis")]
            Self::Redis(redis) => redis.offer(log, entries, Box::new(reply)),
            #[cfg(feature = "redis")]
            Self::Held(held) => held.offer(log, entries, Box::new(reply)),
        }
    }

    /// The log from `from` on.
    #[must_use]
    pub fn tail(&self, log: LogName, from: Offset) -> Tail {
        match self {
            Self::Embedded(embedded) => embedded.tail(log, from).into(),
            #[cfg(feature = "redis")]
            Self::Redis(redis) => redis.tail(log, from, None).into(),
            #[cfg(feature = "redis")]
            Self::Held(held) => held.shared().tail(log, from, None).into(),
        }
    }

    /// The log behind an entry that was read before, as [`Tail::proof`] told it: when it is there no
    /// more, the tail begins with `Rewound`.
    #[must_use]
    pub fn tail_behind(&self, log: LogName, known: Proof) -> Tail {
        let from = known.offset.plus(1);
        match self {
            Self::Embedded(embedded) => embedded.tail(log, from).into(),
            #[cfg(feature = "redis")]
            Self::Redis(redis) => redis.tail(log, from, Some(known)).into(),
            #[cfg(feature = "redis")]
            Self::Held(held) => held.shared().tail(log, from, Some(known)).into(),
        }
    }

    /// The first offset that can still be read; [`Self::end`] when nothing is in the log. Asks a
    /// server, and learns where the log ends.
    ///
    /// # Errors
    /// When the storage answers an error or has been closed, or the server cannot be asked.
    pub async fn first(&self, log: LogName) -> Result<Offset, StoreError> {
        match self {
            Self::Embedded(embedded) => embedded.store().first(log),
            #[cfg(feature = "redis")]
            Self::Redis(redis) => redis.first(log).await,
            #[cfg(feature = "redis")]
            Self::Held(held) => held.shared().first(log).await,
        }
    }

    /// The offset that the next entry will get. Of a server, which others append to as well, it is
    /// what was heard last: while the server is there, no older than a second.
    #[must_use]
    pub fn end(&self, log: LogName) -> Offset {
        match self {
            Self::Embedded(embedded) => *embedded.store().ends().get(log),
            #[cfg(feature = "redis")]
            Self::Redis(redis) => redis.end(log),
            #[cfg(feature = "redis")]
            Self::Held(held) => held.shared().end(log),
        }
    }

    /// The offset of the newest entry, as [`Self::end`] knows it; `None` before the first.
    #[must_use]
    pub fn newest(&self, log: LogName) -> Option<Offset> {
        self.end(log).previous()
    }

    /// How far the entries of this process are, of an own journal in front of a server.
    #[must_use]
    pub fn progress(&self) -> Option<watch::Receiver<Progress>> {
        match self {
            #[cfg(feature = "redis")]
            Self::Held(held) => Some(held.progress()),
            _ => None,
        }
    }

    /// The same where replicas are wanted. Elsewhere nothing better follows an answer.
    #[must_use]
    pub fn replication(&self) -> Option<watch::Receiver<Progress>> {
        match self {
            #[cfg(feature = "redis")]
            Self::Held(held) => (held.replicas_wanted() > 0).then(|| held.progress()),
            _ => None,
        }
    }

    /// Takes it upon the caller, who follows the shared log, to say which incidents are closed: from now on an own journal in
    /// front of a server keeps every alert until [`Self::look_at_closed`] has let go of it. False where there is none, or
    /// somebody else does it already: one who follows all of the log is enough.
    #[must_use]
    pub fn keep(&self) -> bool {
        match self {
            #[cfg(feature = "redis")]
            Self::Held(held) => held.keep(),
            _ => false,
        }
    }

    /// Lets go of what is closed, once in [`crate::kept::LOOK_AT_CLOSED_EVERY`] and a page at a time; see [`crate::kept`]. `known` is what the log says of whom an entry is about;
    /// it is asked under a lock for which receipts wait, and must not wait for anything itself. `now` is of any clock that
    /// does not go back. Returns whether there is more to look at.
    pub fn look_at_closed(
        &self,
        #[cfg_attr(
            not(feature = "redis"),
            expect(unused_variables, reason = "only an own journal keeps")
        )]
        now: Millis,
        #[cfg_attr(
            not(feature = "redis"),
            expect(unused_variables, reason = "only an own journal keeps")
        )]
        known: impl Fn(&Whose) -> Known,
    ) -> bool {
        match self {
            #[cfg(feature = "redis")]
            Self::Held(held) => held.look_at_closed(now, known),
            _ => false,
        }
    }

    /// The shared log has lost something: what it said of closed incidents counts no more.
    pub fn forget_closed(&self) {
        match self {
            #[cfg(feature = "redis")]
            Self::Held(held) => held.forget_closed(),
            _ => {}
        }
    }

    /// Replicas that are wanted and confirm nothing: the log goes on, and a failover now would lose what it has taken.
    #[must_use]
    pub fn replicas_missing(&self) -> Option<ReplicasMissing> {
        match self {
            #[cfg(feature = "redis")]
            Self::Held(held) => held.replicas_missing(),
            _ => None,
        }
    }

    /// Where the next entry of this process comes to stand, as the answer to its append says.
    #[must_use]
    pub fn own_end(&self, log: LogName) -> Offset {
        match self {
            #[cfg(feature = "redis")]
            Self::Held(held) => held.own_end(log),
            _ => self.end(log),
        }
    }

    /// Writes one slice of a snapshot, in one transaction with its offset; see [`SnapshotSlice`].
    /// Where several write snapshots of one log, what is newer stays.
    ///
    /// # Errors
    /// When the slice is refused (nothing was written), the storage failed, or the server is away
    /// (try again).
    pub async fn snapshot_write(&self, slice: SnapshotSlice) -> Result<(), StoreError> {
        match self {
            Self::Embedded(embedded) => embedded.snapshot_write(slice).await,
            #[cfg(feature = "redis")]
            Self::Redis(redis) => redis.snapshot_write(slice).await,
            #[cfg(feature = "redis")]
            Self::Held(held) => held.shared().snapshot_write(slice).await,
        }
    }

    /// The newest snapshot, as it is now. The rows of an embedded journal block on the disk; those
    /// of a server have been read when this returns.
    ///
    /// # Errors
    /// When the storage answers an error or has been closed, or the server cannot be asked.
    pub async fn snapshot_read(&self) -> Result<Snapshot, StoreError> {
        match self {
            Self::Embedded(embedded) => embedded.store().snapshot_read(),
            #[cfg(feature = "redis")]
            Self::Redis(redis) => redis.snapshot_read().await,
            #[cfg(feature = "redis")]
            Self::Held(held) => held.shared().snapshot_read().await,
        }
    }

    /// Deletes what may be deleted from both logs, in small steps between which receipts go on.
    /// `now_ms` is milliseconds since the Unix epoch. Returns what was deleted.
    ///
    /// # Errors
    /// When the storage failed or has been closed, or the server is away (try again).
    pub async fn trim(&self, now_ms: u64) -> Result<Trimmed, StoreError> {
        match self {
            Self::Embedded(embedded) => embedded.trim(now_ms).await,
            #[cfg(feature = "redis")]
            Self::Redis(redis) => redis.trim(now_ms).await,
            #[cfg(feature = "redis")]
            Self::Held(held) => held.trim(now_ms).await,
        }
    }

    /// How far the log that others read is with the alerts of an own journal; `None` where what is appended is read by
    /// others at once.
    #[must_use]
    pub fn unshipped(&self) -> Option<Unshipped> {
        match self {
            Self::Embedded(_) => None,
            #[cfg(feature = "redis")]
            Self::Redis(_) => None,
            #[cfg(feature = "redis")]
            Self::Held(held) => Some(held.unshipped()),
        }
    }

    /// The alerts of an own journal from the own offset `from` on that the log lacks, of some `bytes_max` bytes that
    /// are read; and up to where they were read, so that it goes on there. What the log has, and what cannot be
    /// read, is passed over. Nothing where there is no own journal. Blocks on the disk.
    ///
    /// # Errors
    /// When the storage answers an error or has been closed.
    #[cfg_attr(
        not(feature = "redis"),
        expect(unused_variables, reason = "only an own journal is read")
    )]
    pub fn read_unshipped(
        &self,
        unshipped: &Unshipped,
        from: Offset,
        bytes_max: usize,
    ) -> Result<(Vec<Waiting>, Offset), StoreError> {
        match self {
            Self::Embedded(_) => Ok((Vec::new(), from)),
            #[cfg(feature = "redis")]
            Self::Redis(_) => Ok((Vec::new(), from)),
            #[cfg(feature = "redis")]
            Self::Held(held) => held.read_unshipped(unshipped, from, bytes_max),
        }
    }

    /// How long ago the alert at an own offset was receipted, in milliseconds, when that can be read. `None` where there is
    /// no own journal. Blocks on the disk.
    ///
    /// # Errors
    /// When the storage answers an error or has been closed.
    #[cfg_attr(
        not(feature = "redis"),
        expect(unused_variables, reason = "only an own journal is read")
    )]
    pub fn receipted_ms_ago(&self, at: Offset) -> Result<Option<u64>, StoreError> {
        match self {
            Self::Embedded(_) => Ok(None),
            #[cfg(feature = "redis")]
            Self::Redis(_) => Ok(None),
            #[cfg(feature = "redis")]
            Self::Held(held) => held.receipted_ms_ago(at),
        }
    }

    /// Whether receipts can be given, to be watched. With an own journal in front of a server,
    /// `Troubled` says that nobody else reads what is appended, and receipts go on: see
    /// [`Self::accepts`].
    #[must_use]
    pub fn health(&self) -> watch::Receiver<Health> {
        match self {
            Self::Embedded(embedded) => embedded.health(),
            #[cfg(feature = "redis")]
            Self::Redis(redis) => redis.health(),
            #[cfg(feature = "redis")]
            Self::Held(held) => held.health(),
        }
    }

    /// Whether what is offered now will be answered: a server that is in trouble takes nothing, and an
    /// own journal in front of it takes everything.
    #[must_use]
    pub fn accepts(&self) -> bool {
        match self {
            Self::Embedded(embedded) => *embedded.health().borrow() == Health::Healthy,
            #[cfg(feature = "redis")]
            Self::Redis(redis) => *redis.health().borrow() == Health::Healthy,
            #[cfg(feature = "redis")]
            Self::Held(held) => held.accepts(),
        }
    }

    /// Bytes of live entries and snapshot rows, with an own journal in front of a server those of the
    /// own journal; of a server, all the memory that it uses. Positions
    /// are kept shorter and then shed from [`crate::crowding::LIVE_BYTES_MAX`] on, or shed at
    /// [`crate::server_check::MEMORY_SHED_PERCENT`] of what the server may use.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        match self {
            Self::Embedded(embedded) => embedded.store().live_bytes(),
            #[cfg(feature = "redis")]
            Self::Redis(redis) => redis.size_bytes(),
            #[cfg(feature = "redis")]
            Self::Held(held) => held.size_bytes(),
        }
    }

    /// Whether the live journal, or the server, is so full that somebody has to look.
    #[must_use]
    pub fn size_alarm(&self) -> bool {
        match self {
            Self::Embedded(embedded) => embedded.store().size().is_crowded(),
            #[cfg(feature = "redis")]
            Self::Redis(redis) => redis.size_alarm(),
            #[cfg(feature = "redis")]
            Self::Held(held) => held.size_alarm(),
        }
    }

    /// Takes no more, commits what waits, and closes the file, so that the next start needs no
    /// repair; of a server that is away, gives up what waits, and leaves it in an own journal in front
    /// of it. All clones are closed. After a failure
    /// it only ends the commit thread.
    pub async fn close(&self) {
        match self {
            Self::Embedded(embedded) => embedded.close().await,
            #[cfg(feature = "redis")]
            Self::Redis(redis) => redis.close().await,
            #[cfg(feature = "redis")]
            Self::Held(held) => held.close().await,
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
