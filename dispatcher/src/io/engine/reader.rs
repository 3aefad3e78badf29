//! The task that follows the log, all partitions of it.

mod keep;
mod partition;

use std::time::Duration;

use bytes::Bytes;
use journal::incident_rows::Kept;
use journal::{Health, Journal, LogName, Offset, SnapshotSlice, StoreError, Tailed};
use protocol::{DecisionId, MapVersion, Millis, UnixMillis};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinError, JoinHandle};
use tokio::time::{Instant, Interval, MissedTickBehavior, sleep};
use tokio_util::sync::CancellationToken;

use super::folding::ENTRIES_AT_ONCE;
use super::readiness::Complaint;
use super::{Engine, StartError};
use crate::dispatch::Dispatch;
use crate::orphans::Orphans;
use keep::Before;
pub(super) use partition::Followed;
use partition::{Given, next_of, numbered};

/// How often what depends on the clock alone is looked at.
const TICK: Duration = Duration::from_secs(1);

/// How long a log whose server is away is left alone before it is asked again.
const AWAY_RETRY: Duration = Duration::from_millis(200);

/// How often closed incidents are taken off the board and old entries out of the log.
const TIDY_EVERY: Millis = Millis::from_secs(60);

pub(super) struct Reader {
    pub(super) engine: Engine,
    /// In the order of their numbers.
    pub(super) followed: Vec<Followed>,
    /// Which of them was read last.
    last: usize,
    /// Positions whose alert has not come, by their place in the log of their phone.
    pub(super) orphans: Orphans<(Offset, Bytes)>,
    pub(super) map_in_force: Option<MapVersion>,
    /// The board is folded anew, and the log may have lost what was in force before.
    before: Option<Before>,
    /// It is this dispatcher that says to the own journal what need not be kept.
    is_keeper: bool,
    started: Instant,
    /// Panics of this board that have been counted.
    pub(super) board_panics: u64,
    failed: mpsc::Receiver<(DecisionId, String)>,
    health: watch::Receiver<Health>,
    tick: Interval,
    chore: Option<JoinHandle<Result<bool, StoreError>>>,
    tidied_at: UnixMillis,
    size_complaint: Complaint,
}

impl Reader {
    /// One that has read nothing yet.
    pub(super) fn new(engine: Engine, failed: mpsc::Receiver<(DecisionId, String)>) -> Self {
        let journal = engine.shared.config.journal.clone();
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let is_shown = |one: &Journal| {
            let fold = engine.shared.config.fold.as_ref();
            fold.is_none_or(|fold| fold.contains(&one.partition()))
        };
        let partitions = journal.partitions().into_iter().filter(is_shown);
        Self {
            health: journal.health(),
            tick,
            followed: partitions.map(Followed::new).collect(),
            last: 0,
            orphans: Orphans::default(),
            chore: None,
            map_in_force: None,
            before: None,
            is_keeper: journal.keep(),
            started: Instant::now(),
            board_panics: 0,
            tidied_at: engine.now(),
            size_complaint: Complaint::default(),
            engine,
            failed,
        }
    }

    /// Folds the newest snapshots, places the tails behind them and records the map. Waits while the log's server is away.
    pub(super) async fn begin(&mut self, stop: &CancellationToken) -> Result<(), StartError> {
        self.fold_snapshots(stop).await?;
        Ok(self.put_map_in_force().await?)
    }

    pub(super) async fn fold_snapshots(
        &mut self,
        stop: &CancellationToken,
    ) -> Result<(), StoreError> {
        let kept = self.read_snapshots(stop).await?;
        self.fold_kept(kept);
        Ok(())
    }

    /// Reads the newest snapshots and places the tails behind them; waits while the log's server is away, and says so.
    async fn read_snapshots(&mut self, stop: &CancellationToken) -> Result<Vec<Kept>, StoreError> {
        loop {
            match self.try_read_snapshots().await {
                Err(StoreError::Unreachable { .. }) => {}
                read => return read,
            }
            self.say_state();
            if stop.run_until_cancelled(sleep(AWAY_RETRY)).await.is_none() {
                return Err(StoreError::Closed);
            }
        }
    }

    async fn try_read_snapshots(&mut self) -> Result<Vec<Kept>, StoreError> {
        // All are read before one is folded: whoever is away in the middle has them read again.
        let mut kept = Vec::with_capacity(self.followed.len());
        for followed in &mut self.followed {
            let (one, is_gap) = followed.begin().await?;
            self.engine.shared.metrics.gaps.inc_by(is_gap.into());
            kept.push(one);
        }
        Ok(kept)
    }

    fn fold_kept(&mut self, kept: Vec<Kept>) {
        let mut folded = 0;
        for (at, kept) in kept.into_iter().enumerate() {
            folded += kept.alerts.len();
            // Alerts first: a position of an unknown alert would be dropped.
            for (log, entries) in [
                (LogName::Alerts, kept.alerts),
                (LogName::Tracks, kept.newest_tracks),
            ] {
                for run in entries.chunks(ENTRIES_AT_ONCE) {
                    self.fold(at, log, run.to_vec(), false);
                }
            }
        }
        self.bury();
        let partitions = self.followed.len();
        tracing::info!(folded, partitions, "snapshot folded");
    }

    /// Begins and follows the log until `stop`; an error says why it cannot be followed.
    pub(super) async fn begin_and_run(mut self, stop: CancellationToken) -> Result<(), String> {
        match self.begin(&stop).await {
            Ok(()) => self.run(stop).await,
            Err(_) if stop.is_cancelled() => Ok(()),
            Err(error) => {
                let why = error.to_string();
                self.engine.end(&why);
                Err(why)
            }
        }
    }

    /// Follows the log until `stop`; an error says why it cannot be followed any longer.
    pub(super) async fn run(mut self, stop: CancellationToken) -> Result<(), String> {
        let ended = loop {
            match self.turn(&stop).await {
                Ok(true) => {}
                Ok(false) => break Ok(()),
                Err(why) => break Err(why),
            }
        };
        self.say_state();
        if let Err(why) = &ended {
            self.engine.end(why);
        }
        self.end_chore().await;
        self.begin_chore(false);
        self.end_chore().await;
        ended
    }

    /// Waits for what comes next and does it; false when it is to end.
    pub(super) async fn turn(&mut self, stop: &CancellationToken) -> Result<bool, String> {
        self.fold_held();
        self.note_caught_up();
        self.say_in_force_again().await;
        tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(false),
            changed = self.health.changed() => {
                changed.map_err(|_| "the journal is gone".to_owned())?;
                self.say_state();
            }
            Some((id, why)) = self.failed.recv() => self.engine.fail(id, why),
            // Before the tails, or a flood of entries would stop what the clock does.
            _ = self.tick.tick() => {
                self.look_at_clock();
                self.keep_what_is_open().await;
            }
            done = join(&mut self.chore), if self.chore.is_some() => {
                if self.note_chore(done) {
                    self.fold_anew(stop).await?;
                }
            }
            (at, given) = next_of(&mut self.followed, self.last) => {
                self.last = at;
                self.take(at, given, stop).await?;
            }
        }
        Ok(true)
    }

    async fn take(
        &mut self,
        at: usize,
        Given {
            log,
            cursor,
            tailed,
        }: Given,
        stop: &CancellationToken,
    ) -> Result<(), String> {
        match (log, tailed.map_err(|error| error.to_string())?) {
            (LogName::Tracks, Tailed::Entries { first, entries }) => {
                self.followed[at].hold(first, entries);
                Ok(())
            }
            // What was trimmed of the tracks, or cannot be read, was never promised.
            (LogName::Tracks, _) => Ok(()),
            (LogName::Alerts, Tailed::Entries { first, entries }) => {
                self.fold(at, LogName::Alerts, numbered(first, entries), true);
                Ok(())
            }
            (LogName::Alerts, Tailed::Gap { first_available }) => {
                let resume_at = match self.followed[at].journal.snapshot_read().await {
                    Ok(snapshot) => snapshot.resume_at,
                    // Which snapshot there is will be seen when it can be asked for.
                    Err(StoreError::Unreachable { .. }) => return self.fold_anew(stop).await,
                    Err(error) => return Err(error.to_string()),
                };
                // Only a newer snapshot knows what is missing here. Beginning anew from an older
                // one would come to the same gap again, for ever.
                if resume_at.is_some_and(|resume_at| resume_at > cursor) {
                    return self.fold_anew(stop).await;
                }
                self.engine.shared.metrics.gaps.inc();
                let partition = self.followed[at].partition().0;
                tracing::error!(partition, %cursor, %first_available, "entries of the log cannot be read");
                Ok(())
            }
            (LogName::Alerts, Tailed::Rewound) => self.fold_anew(stop).await,
        }
    }

    fn fold_held(&mut self) {
        for at in 0..self.followed.len() {
            if let Some(held) = self.followed[at].take_held() {
                self.fold(at, LogName::Tracks, held.entries, true);
            }
        }
    }

    /// What was read is not what the log holds: begin again from the newest snapshots.
    async fn fold_anew(&mut self, stop: &CancellationToken) -> Result<(), String> {
        self.end_chore().await;
        self.engine.shared.metrics.refolds.inc();
        // The board of before is shown until the log can be read again: an empty one would help nobody.
        let kept = self.read_snapshots(stop).await;
        let kept = kept.map_err(|error| format!("the snapshot cannot be read: {error}"))?;
        self.forget_board();
        self.say_state();
        self.board_panics = 0;
        self.orphans = Orphans::default();
        self.fold_kept(kept);
        self.say_state();
        Ok(())
    }

    fn note_caught_up(&mut self) {
        let behind = self.followed.iter().any(Followed::is_behind);
        if behind || self.engine.read(Dispatch::is_caught_up) {
            return;
        }
        // What was buried before the restart is no card again.
        self.bury();
        self.engine.catch_up();
        self.engine.publish();
        self.say_state();
    }

    pub(super) fn look_at_clock(&mut self) {
        let now = self.engine.now();
        self.engine.watch_keys(now);
        self.watch_size(now);
        self.orphans.expire(now);
        self.engine.look_at_clock();
        if self.chore.is_none() {
            let tidy = now.since(self.tidied_at) >= TIDY_EVERY;
            if tidy {
                self.tidied_at = now;
                self.bury();
            }
            let is_due = self.followed.iter().any(|one| one.snapshots.is_due());
            if tidy || is_due {
                self.begin_chore(tidy);
            }
        }
        self.say_state();
    }

    fn watch_size(&mut self, now: UnixMillis) {
        let journal = self.journal();
        let bytes = journal.size_bytes();
        let gauge = &self.engine.shared.metrics.journal_live_bytes;
        gauge.set(i64::try_from(bytes).unwrap_or(i64::MAX));
        if self.size_complaint.is_due(journal.size_alarm(), now) {
            let mebibytes = bytes >> 20;
            tracing::warn!(mebibytes, "the live journal is larger than it should be");
        }
    }

    fn bury(&mut self) {
        let (left, log_time) = {
            let mut dispatch = self.engine.dispatch();
            (dispatch.retire(), dispatch.board().log_time())
        };
        let now = log_time.min(self.engine.now());
        for Followed { snapshots, .. } in &mut self.followed {
            // Each knows its own.
            for incident in &left {
                snapshots.bury(*incident);
            }
            snapshots.expire(now);
        }
        if !left.is_empty() {
            self.engine.publish();
        }
    }

    /// Writes the snapshots, and trims the log, beside the fold.
    fn begin_chore(&mut self, trim: bool) {
        let parts: Vec<(Journal, Vec<SnapshotSlice>)> = self
            .followed
            .iter_mut()
            .map(|one| {
                let slices = one.slices();
                (one.journal.clone(), slices)
            })
            .filter(|(_, slices)| trim || !slices.is_empty())
            .collect();
        if parts.is_empty() {
            return;
        }
        let now_ms = u64::try_from(self.engine.now().as_i64()).unwrap_or(0);
        self.chore = Some(tokio::spawn(async move {
            let mut written = Ok(false);
            for (journal, slices) in parts {
                let one = write(&journal, slices).await;
                written = written.and_then(|before| one.map(|any| any || before));
                if trim && let Err(error) = journal.trim(now_ms).await {
                    let partition = journal.partition().0;
                    tracing::error!(partition, %error, "the log cannot be trimmed");
                }
            }
            written
        }));
    }

    pub(super) async fn end_chore(&mut self) {
        if self.chore.is_some() {
            let done = join(&mut self.chore).await;
            self.note_chore(done);
        }
    }

    /// Whether the log is to be folded anew: the server has not what the snapshot was to go on behind. A failover may take
    /// back a snapshot and no entry of the log, of which no tail tells.
    fn note_chore(&mut self, done: Result<Result<bool, StoreError>, JoinError>) -> bool {
        self.chore = None;
        let is_lost = matches!(&done, Ok(Err(StoreError::SnapshotLost { .. })));
        let why = match done {
            Ok(Ok(written)) => {
                self.written(true);
                if written {
                    self.engine.shared.metrics.snapshots.inc();
                }
                return false;
            }
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        self.written(false);
        tracing::error!(why, "the snapshot cannot be written");
        is_lost
    }

    fn written(&mut self, all: bool) {
        for one in &mut self.followed {
            one.snapshots.written(all);
        }
    }

    fn say_state(&self) {
        let lag_entries = self.followed.iter().map(Followed::lag_entries).sum();
        // A copy: who holds it is asked for it again on the way, and behind a writer that waits that would be for ever.
        let health = self.health.borrow().clone();
        let in_force = self.map_in_force.as_ref();
        self.engine.say_state(&health, lag_entries, in_force);
    }

    fn journal(&self) -> Journal {
        self.engine.shared.config.journal.clone()
    }
}

/// False when there is nothing to write.
async fn write(journal: &Journal, slices: Vec<SnapshotSlice>) -> Result<bool, StoreError> {
    let any = !slices.is_empty();
    for slice in slices {
        journal.snapshot_write(slice).await?;
    }
    Ok(any)
}

async fn join<T>(task: &mut Option<JoinHandle<T>>) -> Result<T, JoinError> {
    match task {
        Some(task) => task.await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
