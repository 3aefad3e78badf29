//! A tail: the log from an offset on, waited for by level. A reader that comes late sees the newest
//! offset all the same; there is no event that it could have missed.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::watch;

use super::journal::Health;
#[cfg(feature = "redis")]
use super::redis::RedisTail;
use super::store::{ReadAt, Store};
use crate::error::{StoreError, TailError};
use crate::offset::{LogName, Offset};
use crate::proof::Proof;

/// Bytes that one [`Tail::next`] reads before it stops to begin another batch: as much as one batch
/// may hold.
const READ_BYTES_MAX: usize = 1 << 20;

/// A reader at most this far behind finds its pages in memory and reads on its own thread; one
/// further behind may wait for the disk, and does so on a thread for blocking work. About two full
/// batches.
const NEAR_ENTRIES: u64 = 4_096;

/// What a tail yields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tailed {
    /// Entries in a row.
    Entries {
        /// The offset of the first of them.
        first: Offset,
        /// The entries, at least one.
        entries: Vec<Bytes>,
    },
    /// What the reader asked for has been trimmed (or a batch cannot be read). It starts from the
    /// snapshot, when that is newer than its own cursor; this tail goes on at `first_available` by
    /// itself.
    Gap {
        /// The next offset that can be read.
        first_available: Offset,
    },
    /// The log ends before what the reader has seen, or has something else in its place: it is not
    /// the log that was read. Authors append again what is missing of theirs; the reader folds anew from the newest snapshot, with a new tail; this one would go on at the end.
    Rewound,
}

/// A place in one log. Cancelling [`Tail::next`] loses nothing.
#[derive(Debug)]
pub struct Tail(Kind);

#[derive(Debug)]
enum Kind {
    Embedded(EmbeddedTail),
    #[cfg(feature = "redis")]
    Redis(RedisTail),
}

impl From<EmbeddedTail> for Tail {
    fn from(tail: EmbeddedTail) -> Self {
        Self(Kind::Embedded(tail))
    }
}

#[cfg(feature = "redis")]
impl From<RedisTail> for Tail {
    fn from(tail: RedisTail) -> Self {
        Self(Kind::Redis(tail))
    }
}

impl Tail {
    /// The offset of the next entry that this tail will yield.
    #[must_use]
    pub const fn cursor(&self) -> Offset {
        match &self.0 {
            Kind::Embedded(tail) => tail.cursor,
            #[cfg(feature = "redis")]
            Kind::Redis(tail) => tail.cursor(),
        }
    }

    /// What a reader keeps beside its cursor, to find out after a restart whether the log has been
    /// rewound meanwhile (see [`super::journal::Journal::tail_behind`]). `None` before the first
    /// entry, and for a log that nobody rewinds.
    #[must_use]
    pub const fn proof(&self) -> Option<Proof> {
        match &self.0 {
            Kind::Embedded(_) => None,
            #[cfg(feature = "redis")]
            Kind::Redis(tail) => tail.proof(),
        }
    }

    /// What comes next; waits until there is something, also while a server is away.
    ///
    /// # Errors
    /// When the journal has been closed or has failed.
    pub async fn next(&mut self) -> Result<Tailed, TailError> {
        match &mut self.0 {
            Kind::Embedded(tail) => tail.next().await,
            #[cfg(feature = "redis")]
            Kind::Redis(tail) => tail.next().await,
        }
    }
}

/// A place in a log of the embedded journal.
#[derive(Debug)]
pub(crate) struct EmbeddedTail {
    store: Arc<Store>,
    log: LogName,
    cursor: Offset,
    end: watch::Receiver<Offset>,
    health: watch::Receiver<Health>,
}

impl EmbeddedTail {
    pub(crate) fn new(
        store: Arc<Store>,
        log: LogName,
        from: Offset,
        end: watch::Receiver<Offset>,
        health: watch::Receiver<Health>,
    ) -> Self {
        Self {
            store,
            log,
            cursor: from,
            end,
            health,
        }
    }

    async fn next(&mut self) -> Result<Tailed, TailError> {
        loop {
            // The level is read before the log, so that what is committed in between is read at
            // once or next time.
            let end = *self.end.borrow_and_update();
            if self.cursor != end
                && let Some(tailed) = self.read(end).await?
            {
                return Ok(tailed);
            }
            self.wait().await?;
        }
    }

    async fn read(&mut self, end: Offset) -> Result<Option<Tailed>, TailError> {
        let (log, from) = (self.log, self.cursor);
        let read = if end.since(from) <= NEAR_ENTRIES {
            self.store.read_at(log, from, READ_BYTES_MAX)
        } else {
            let store = Arc::clone(&self.store);
            let reading =
                tokio::task::spawn_blocking(move || store.read_at(log, from, READ_BYTES_MAX));
            reading.await.map_err(|error| TailError::Failed {
                why: error.to_string(),
            })?
        };
        let tailed = match read.map_err(|error| self.ended(&error))? {
            ReadAt::Entries(entries) => {
                self.cursor = from.plus(entries.len() as u64);
                Tailed::Entries {
                    first: from,
                    entries,
                }
            }
            ReadAt::Gap { first_available } => {
                self.cursor = first_available;
                Tailed::Gap { first_available }
            }
            ReadAt::Beyond { end } => {
                self.cursor = end;
                Tailed::Rewound
            }
            ReadAt::End => return Ok(None),
        };
        Ok(Some(tailed))
    }

    async fn wait(&mut self) -> Result<(), TailError> {
        let Self { end, health, .. } = self;
        tokio::select! {
            biased;
            // First, or what was committed before the journal failed might not be read.
            changed = end.changed() => changed.map_err(|_| TailError::Closed),
            stopped = health.wait_for(Health::is_over) => match stopped.as_deref() {
                Ok(Health::Failed { why }) => Err(TailError::Failed { why: why.clone() }),
                _ => Err(TailError::Closed),
            },
        }
    }

    /// The reason for which the journal stopped says more than the error of a read that came after
    /// it.
    fn ended(&self, error: &StoreError) -> TailError {
        match &*self.health.borrow() {
            // The store is closed a moment before its health says so.
            Health::Healthy | Health::Troubled { .. } if *error != StoreError::Closed => {
                TailError::Failed {
                    why: error.to_string(),
                }
            }
            Health::Failed { why } => TailError::Failed { why: why.clone() },
            _ => TailError::Closed,
        }
    }
}
