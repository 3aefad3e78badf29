//! The log on a Redis server, which several relays and dispatchers share: two streams and a hash per
//! partition.
//!
//! A server is not a disk. It may be away and come back, so that appends wait for it and nothing is
//! final; it may take an entry and not say so, so that an append may be *unknown*; and a failover
//! may take back what was appended, so that the standing of an append says how many replicas had it,
//! and a tail proves on each turn that what it read last is still there.
//!
//! Each partition has one connection that writes, and each tail one that reads: `WAIT` and blocking
//! `XREAD` hold up whatever comes behind them on theirs.

mod append;
mod backoff;
mod check;
mod cluster;
mod connect;
mod delivery;
mod failure;
mod lead;
mod probe;
mod reply;
pub mod settings;
mod shared;
mod snapshot;
mod tail;
#[cfg(any(test, feature = "test-backend"))]
pub mod test_server;
mod trim;
mod writer;

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::watch;

pub(in crate::io) use delivery::{Delivered, Delivery, Sought};
pub use failure::ConnectError;
use failure::Failure;
use shared::Shared;
pub(crate) use tail::RedisTail;

use self::settings::Settings;
use super::journal::{Health, Options};
use super::pending::{self, Reply};
use super::store::{Rows, Snapshot, Trimmed};
use crate::error::{AppendError, StoreError};
use crate::offset::{LogName, Offset, Partition};
use crate::proof::Proof;
use crate::server_check::{Finding, MEMORY_ALARM_PERCENT};
use crate::snapshot::SnapshotSlice;

/// One partition of a log on a Redis server. Clones share it; when the last one goes, what was taken
/// is still written in the background, as long as the server answers: prefer
/// [`super::journal::Journal::close`].
#[derive(Clone, Debug)]
pub struct Redis {
    owner: Arc<Owner>,
}

/// Ends the writer when the last handle goes.
#[derive(Debug)]
struct Owner(Arc<Shared>);

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Redis {
    /// Connects to the master, sees whether it may hold the log, and is ready to append.
    ///
    /// # Errors
    /// When it cannot be reached or may not hold the log. To wait for a server that is away, see
    /// [`Self::start`].
    ///
    /// # Panics
    /// Outside a Tokio runtime.
    pub async fn open(settings: Settings, options: &Options) -> Result<Self, ConnectError> {
        let shared = Shared::new(settings, options);
        let link = writer::begin(&shared).await?;
        Ok(Self::run(shared, Some(link)))
    }

    /// A log whose server may be away: appends wait for it in the queue, tails in silence, and
    /// [`super::journal::Journal::health`] says why.
    ///
    /// # Panics
    /// Outside a Tokio runtime.
    #[must_use]
    pub fn start(settings: Settings, options: &Options) -> Self {
        let shared = Shared::new(settings, options);
        shared.go_away("the log's server was not asked yet");
        Self::run(shared, None)
    }

    fn run(shared: Arc<Shared>, link: Option<connect::Link>) -> Self {
        // It ends when the last handle goes, or its runtime.
        shared.runtime.spawn(writer::run(Arc::clone(&shared), link));
        Self {
            owner: Arc::new(Owner(shared)),
        }
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.owner.0
    }

    /// What is not as it should be with the server, and still no refusal; empty while it was not
    /// reached.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        self.shared().findings.borrow().clone()
    }

    pub(crate) fn replicas_wanted(&self) -> u8 {
        self.shared().settings.replicas
    }

    pub(crate) fn partition(&self) -> Partition {
        self.shared().settings.partition
    }

    pub(crate) fn offer(
        &self,
        log: LogName,
        entries: Vec<Bytes>,
        reply: Reply,
    ) -> Result<(), AppendError> {
        self.shared().offer(log, entries, reply)
    }

    pub(crate) fn tail(&self, log: LogName, from: Offset, known: Option<Proof>) -> RedisTail {
        RedisTail::begin(Arc::clone(self.shared()), log, from, known)
    }

    pub(crate) fn end(&self, log: LogName) -> Offset {
        *self.shared().lock().ends.get(log)
    }

    pub(crate) async fn first(&self, log: LogName) -> Result<Offset, StoreError> {
        let doing = "asking where the log begins";
        let mut link = self.reader(doing).await?;
        let answer = link
            .ask_one(probe::extent_of(&self.shared().keys, log))
            .await;
        let extent = answer
            .and_then(|answer| reply::extent(&answer).map_err(Failure::Refused))
            .map_err(|failure| failure.store_error(doing))?;
        self.shared().raise_end(log, extent.end);
        Ok(extent.first)
    }

    pub(crate) async fn snapshot_write(&self, slice: SnapshotSlice) -> Result<(), StoreError> {
        super::store::check_size(&slice)?;
        pending::snapshot_write(slice, |chore| self.shared().chore(chore)).await
    }

    pub(crate) async fn snapshot_read(&self) -> Result<Snapshot, StoreError> {
        let doing = "reading the snapshot";
        let mut link = self.reader(doing).await?;
        let read = snapshot::read(&mut link, &self.shared().keys).await;
        let (mark, rows) = read.map_err(|failure| failure.store_error(doing))?;
        let resume_at = mark.map(|mark| mark.confirmed.resume_at);
        // It claims no more than the log has, so its reader need not wait to be told of that.
        if let Some(resume_at) = resume_at {
            self.shared().raise_end(LogName::Alerts, resume_at);
        }
        Ok(Snapshot {
            resume_at,
            behind: mark.and_then(|mark| mark.behind),
            rows: Rows::of(rows),
        })
    }

    /// A connection of its own, as the reading of a snapshot is long and rare.
    async fn reader(&self, doing: &'static str) -> Result<connect::Link, StoreError> {
        if self.shared().is_closing() {
            return Err(StoreError::Closed);
        }
        let mut lead = self.shared().lead();
        let link = lead.connect(&self.shared().settings).await;
        link.map_err(|error| StoreError::Unreachable {
            doing,
            why: error.to_string(),
        })
    }

    pub(crate) async fn trim(&self, now_ms: u64) -> Result<Trimmed, StoreError> {
        pending::trim(now_ms, |chore| self.shared().chore(chore)).await
    }

    pub(crate) fn health(&self) -> watch::Receiver<Health> {
        self.shared().health.subscribe()
    }

    pub(crate) fn size_bytes(&self) -> u64 {
        self.shared().lock().memory.used_bytes
    }

    pub(crate) fn size_alarm(&self) -> bool {
        self.shared()
            .lock()
            .memory
            .has_reached(MEMORY_ALARM_PERCENT)
    }

    /// Takes no more.
    pub(crate) fn begin_to_close(&self) {
        self.shared().close();
    }

    pub(crate) async fn close(&self) {
        let mut ended = self.shared().ended.subscribe();
        self.shared().close();
        // The writer is alive as long as its runtime.
        let _ = ended.wait_for(|ended| *ended).await;
    }
}

#[cfg(test)]
pub(in crate::io) mod tests;
