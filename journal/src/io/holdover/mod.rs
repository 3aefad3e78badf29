//! The holdover: an own journal in front of the log on a server. What is appended is answered when
//! it is on the own disk; from there it goes into the log that others read, as often as it takes.
//!
//! A server that is away, full or fails over delays what it is given and loses none of it. Reading,
//! snapshots and their trimming are those of the shared log.
//!
//! There is one own journal, with one sync for each group commit, and behind it each partition of the
//! shared log has a connection and a task of its own.

mod crew;
mod dealer;
mod health;
mod keep;
mod notebook;
mod shipper;
mod state;
mod unshipped;
mod upkeep;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use protocol::DeviceId;
use tokio::sync::watch;
use tokio::time::timeout;

use super::embedded::Embedded;
use super::journal::{Health, Options};
use super::pending::Reply;
use super::redis::Redis;
use super::redis::settings::Settings;
use super::store::Trimmed;
use crate::batcher::{Appended, Durability};
use crate::error::{AppendError, OpenError, StoreError};
use crate::kept::Whose;
use crate::offset::{LogName, Offset, Partition};
use crate::partitions::PartitionCount;
use crate::shipping::Progress;
use crate::unconfirmed::{REPLICAS_MISSING_AFTER_MS, ReplicasMissing};
use crew::Crew;
use health::Standing;
use state::{State, Unanswered};

/// How long closing tries to bring what is left into the shared log: a stop in good order takes no
/// longer than that, and what is left is delivered by the next start.
pub const CLOSING_MAX: Duration = Duration::from_secs(3);

/// What has been receipted and is not in the shared log for good.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Entries of the alert log that wait.
    pub entries: u64,
    /// How long ago the oldest of them was receipted, in milliseconds; `None` when none waits.
    pub oldest_age_ms: Option<u64>,
    /// Entries that were shipped again since the start, as the shared log had lost them or nobody
    /// could say whether it had.
    pub shipped_again: u64,
    /// How often since the start the shared log had lost something.
    pub rewinds: u64,
}

/// A journal of this process in front of a log on a server. Clones share it. When the last one goes,
/// what was taken is on the disk, and what is not in the shared log goes there when it is opened
/// again; prefer [`super::journal::Journal::close`]. What is appended goes where it belongs; what is
/// read is of one partition.
#[derive(Clone, Debug)]
pub struct Held {
    owner: Arc<Owner>,
    partition: Partition,
}

struct Owner {
    /// First, so that it ends before what it works with.
    crew: Crew,
    own: Embedded,
    partitions: PartitionCount,
    /// By partition.
    shared: Vec<Redis>,
    state: Arc<State>,
}

impl std::fmt::Debug for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Owner")
            .field("own", &self.own)
            .field("partitions", &self.partitions)
            .finish_non_exhaustive()
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.state.be(Health::Closed);
    }
}

impl Held {
    /// Opens or creates the own journal in the file `path`, whose folder must exist. The server may
    /// be away, or not fit to hold a log: receipts are given all the same, and
    /// [`super::journal::Journal::health`] says why nothing is shipped. Blocks while a journal that
    /// was not closed is repaired.
    ///
    /// # Errors
    /// When the own journal cannot be opened.
    ///
    /// # Panics
    /// Outside a Tokio runtime.
    pub fn open(path: &Path, settings: Settings, options: Options) -> Result<Self, OpenError> {
        let own = Embedded::open(path, options.clone())?;
        Self::before(own, settings, &options).map_err(|error| error.at(path))
    }

    /// Returns when everything that was answered is in the shared log for good.
    #[cfg(test)]
    pub(in crate::io) async fn all_shipped(&self) {
        let ends = self.owner.own.store().ends();
        let is_done = |progress: &Progress| {
            progress.confirmed >= ends.alerts && progress.shipped.tracks >= ends.tracks
        };
        let mut progress = self.progress();
        super::patience::within(progress.wait_for(is_done))
            .await
            .unwrap();
    }

    /// Puts an own journal in front of the log on a server.
    pub(crate) fn before(
        own: Embedded,
        settings: Settings,
        options: &Options,
    ) -> Result<Self, OpenError> {
        let partitions = settings.partitions;
        let start = |one| Redis::start(settings.of_partition(one), options);
        let shared: Vec<Redis> = partitions.all().map(start).collect();
        let healths: Vec<_> = shared
            .iter()
            .map(|one| one.health().borrow().clone())
            .collect();
        let nothing_yet = Standing::default();
        let health = health::of(
            &own.health().borrow(),
            healths.iter().map(|health| (health, &nothing_yet)),
        );
        let state = State::new(health, own.store().ends().alerts);
        let crew = Crew::start(&own, partitions, &shared, &state);
        let crew = crew.map_err(|error| OpenError::Storage {
            path: super::store::IN_MEMORY.into(),
            why: error.to_string(),
        })?;
        Ok(Self {
            owner: Arc::new(Owner {
                own,
                partitions,
                shared,
                state,
                crew,
            }),
            partition: Partition::ZERO,
        })
    }

    /// Handles of the same journal, one to read each partition.
    pub(crate) fn partitions(&self) -> Vec<Self> {
        let one = |partition| Self {
            owner: Arc::clone(&self.owner),
            partition,
        };
        self.owner.partitions.all().map(one).collect()
    }

    /// Whether a phone's entries are in this partition.
    pub(crate) fn has(&self, device: &DeviceId) -> bool {
        self.owner.partitions.of_device(device) == self.partition
    }

    /// The log that others read, in its partition.
    pub(crate) fn shared(&self) -> &Redis {
        &self.owner.shared[usize::from(self.partition.0)]
    }

    /// Puts entries into the own journal.
    pub(crate) fn offer(
        &self,
        log: LogName,
        entries: Vec<Bytes>,
        reply: Reply,
    ) -> Result<(), AppendError> {
        let waiting = Unanswered::new(Arc::clone(&self.owner.state));
        // In this order: who closes sees the offer, or the offer sees that.
        if waiting.0.closing.load(Ordering::SeqCst) {
            return Err(AppendError::Closed);
        }
        if log == LogName::Tracks
            && let Some(live_bytes) = self.owner.shared.iter().find_map(Redis::sheds_positions)
        {
            return Err(AppendError::Full { live_bytes });
        }
        let whose: Vec<Option<Whose>> = match log {
            LogName::Alerts => entries.iter().map(Whose::of_entry).collect(),
            LogName::Tracks => Vec::new(),
        };
        let reply = Box::new(move |result: Result<Appended, AppendError>| {
            if let Ok(Appended { first, .. }) = &result {
                waiting.0.keeping.note(*first, whose);
            }
            if let Err(AppendError::Failed { why }) = &result {
                // Health goes before anybody is told.
                waiting.0.be(Health::Failed { why: why.clone() });
            }
            let durability = Durability::Local;
            reply(result.map(|appended| Appended {
                durability,
                ..appended
            }));
            drop(waiting);
        });
        self.owner.own.offer(log, entries, reply)
    }

    /// How far the entries of this process are; see [`Progress`].
    #[must_use]
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.owner.crew.progress()
    }

    /// How many replicas are to have what is appended before it counts as confirmed.
    #[must_use]
    pub fn replicas_wanted(&self) -> u8 {
        self.shared().replicas_wanted()
    }

    /// Replicas that confirm nothing, once that has lasted for [`REPLICAS_MISSING_AFTER_MS`]. While the server itself is
    /// away, that is what is said: see [`super::journal::Journal::health`].
    #[must_use]
    pub fn replicas_missing(&self) -> Option<ReplicasMissing> {
        let wanted = self.replicas_wanted();
        if wanted == 0 || *self.owner.state.health.borrow() != Health::Healthy {
            return None;
        }
        let since = self.owner.crew.unconfirmed_since()?;
        let for_ms = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
        (for_ms >= REPLICAS_MISSING_AFTER_MS).then_some(ReplicasMissing { wanted, for_ms })
    }

    /// Where the own log ends.
    pub(crate) fn own_end(&self, log: LogName) -> Offset {
        *self.owner.own.store().ends().get(log)
    }

    /// What has been receipted and is not in the shared log for good: with several partitions, from the
    /// first entry on that waits for one of them. Reads a page of the own
    /// journal when something waits.
    #[must_use]
    pub fn backlog(&self) -> Backlog {
        let progress = *self.owner.crew.progress().borrow();
        let own = self.owner.own.writer();
        let entries = own.store.ends().alerts.since(progress.confirmed);
        let oldest = (entries > 0)
            .then(|| {
                own.store
                    .committed_at_ms(LogName::Alerts, progress.confirmed)
            })
            .and_then(|read| read.ok().flatten());
        Backlog {
            entries,
            oldest_age_ms: oldest.map(|at_ms| own.clock().unix_ms().saturating_sub(at_ms)),
            shipped_again: progress.shipped_again,
            rewinds: progress.rewinds,
        }
    }

    /// Whether receipts are given: also while the shared log is away.
    #[must_use]
    pub fn accepts(&self) -> bool {
        !self.owner.state.health.borrow().is_over()
    }

    pub(crate) fn health(&self) -> watch::Receiver<Health> {
        self.owner.state.health.subscribe()
    }

    /// Bytes of live entries and rows in the own journal.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.owner.own.store().live_bytes()
    }

    /// Whether the own journal, or the server, is so full that somebody has to look.
    pub(crate) fn size_alarm(&self) -> bool {
        let Owner { own, shared, .. } = &*self.owner;
        own.store().size().is_crowded() || shared.iter().any(Redis::size_alarm)
    }

    /// Trims the shared log in its partition, and with the first the own journal, which does that by
    /// itself as well.
    pub(crate) async fn trim(&self, now_ms: u64) -> Result<Trimmed, StoreError> {
        if self.partition == Partition::ZERO {
            let Owner { own, state, .. } = &*self.owner;
            let progress = *self.owner.crew.progress().borrow();
            upkeep::trim(own.writer(), state, progress, now_ms).await?;
        }
        self.shared().trim(now_ms).await
    }

    /// Takes no more, commits what waits, tries for [`CLOSING_MAX`] to ship what is left, and closes
    /// both.
    pub(crate) async fn close(&self) {
        let Owner {
            own, shared, state, ..
        } = &*self.owner;
        state.closing.store(true, Ordering::SeqCst);
        // The sender is in `state`.
        let _ = state
            .unanswered
            .subscribe()
            .wait_for(|count| *count == 0)
            .await;
        let ends = own.store().ends();
        let is_done = |progress: &Progress| {
            progress.confirmed >= ends.alerts && progress.shipped.tracks >= ends.tracks
        };
        let mut progress = self.progress();
        if timeout(CLOSING_MAX, progress.wait_for(is_done))
            .await
            .is_err()
        {
            let entries = self.backlog().entries;
            tracing::warn!(
                entries,
                "closed before the shared log had everything; the next start delivers it"
            );
        }
        self.owner.crew.stop_shipping(own.writer()).await;
        // All are told before one is waited for: a server that hangs does so for all.
        shared.iter().for_each(Redis::begin_to_close);
        for redis in shared {
            redis.close().await;
        }
        own.close().await;
        state.be(Health::Closed);
    }
}

#[cfg(test)]
mod tests;
