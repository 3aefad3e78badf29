//! The task that follows the log.

use std::time::Duration;

use bytes::Bytes;
use journal::{
    AppendError, Health, Journal, LogName, Offset, SnapshotSlice, StoreError, Tail, TailError,
    Tailed,
};
use protocol::{DecisionId, MapVersion, Millis, Site, UnixMillis};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinError, JoinHandle};
use tokio::time::{Interval, MissedTickBehavior, sleep};
use tokio_util::sync::CancellationToken;

use super::folding::ENTRIES_AT_ONCE;
use super::readiness::Complaint;
use super::snapshots::Snapshots;
use super::{Engine, StartError};
use crate::dispatch::Dispatch;

/// How often what depends on the clock alone is looked at.
const TICK: Duration = Duration::from_secs(1);

/// How long a log whose server is away is left alone before it is asked again.
const AWAY_RETRY: Duration = Duration::from_millis(200);

/// How often closed incidents are taken off the board and old entries out of the log.
const TIDY_EVERY: Millis = Millis::from_secs(60);

pub(super) struct Reader {
    pub(super) engine: Engine,
    pub(super) snapshots: Snapshots,
    pub(super) map_in_force: Option<MapVersion>,
    /// Panics of this board that have been counted.
    pub(super) board_panics: u64,
    failed: mpsc::Receiver<(DecisionId, String)>,
    health: watch::Receiver<Health>,
    tick: Interval,
    alerts: Tail,
    tracks: Tail,
    held: Option<Held>,
    /// Where both logs ended when the board was begun.
    end: (Offset, Offset),
    chore: Option<JoinHandle<Result<bool, StoreError>>>,
    tidied_at: UnixMillis,
    size_complaint: Complaint,
}

/// Tracks that wait: whatever alert they belong to lies before this offset of the alert log.
struct Held {
    entries: Vec<(Offset, Bytes)>,
    alerts_end: Offset,
}

impl Reader {
    /// One that has read nothing yet.
    pub(super) fn new(engine: Engine, failed: mpsc::Receiver<(DecisionId, String)>) -> Self {
        let journal = engine.shared.config.journal.clone();
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        Self {
            health: journal.health(),
            tick,
            alerts: journal.tail(LogName::Alerts, Offset::ZERO),
            tracks: journal.tail(LogName::Tracks, Offset::ZERO),
            held: None,
            end: (Offset::ZERO, Offset::ZERO),
            snapshots: Snapshots::default(),
            chore: None,
            map_in_force: None,
            board_panics: 0,
            tidied_at: engine.now(),
            size_complaint: Complaint::default(),
            engine,
            failed,
        }
    }

    /// Folds the newest snapshot, places the tails behind it and records the map. Waits while the log's server is away.
    pub(super) async fn begin(&mut self, stop: &CancellationToken) -> Result<(), StartError> {
        self.fold_snapshot(stop).await?;
        Ok(self.put_map_in_force().await?)
    }

    /// Waits while the log's server is away, and says so.
    pub(super) async fn fold_snapshot(
        &mut self,
        stop: &CancellationToken,
    ) -> Result<(), StoreError> {
        loop {
            match self.try_fold_snapshot().await {
                Err(StoreError::Unreachable { .. }) => {}
                folded => return folded,
            }
            self.say_state();
            if stop.run_until_cancelled(sleep(AWAY_RETRY)).await.is_none() {
                return Err(StoreError::Closed);
            }
        }
    }

    async fn try_fold_snapshot(&mut self) -> Result<(), StoreError> {
        let journal = self.journal();
        let (kept, resume_at) = self.snapshots.load(&journal).await?;
        let first = journal.first(LogName::Alerts).await?;
        if first > resume_at {
            self.engine.shared.metrics.gaps.inc();
            tracing::error!(%resume_at, %first, "the log begins behind its snapshot");
        }
        self.alerts = journal.tail(LogName::Alerts, resume_at.max(first));
        let first_track = journal.first(LogName::Tracks).await?;
        self.tracks = journal.tail(LogName::Tracks, first_track);
        // After both logs were asked, which tells where they end.
        self.end = (journal.end(LogName::Alerts), journal.end(LogName::Tracks));
        let folded = kept.alerts.len();
        // Alerts first: a position of an unknown alert would be dropped.
        for (log, entries) in [
            (LogName::Alerts, kept.alerts),
            (LogName::Tracks, kept.newest_tracks),
        ] {
            for run in entries.chunks(ENTRIES_AT_ONCE) {
                self.fold(log, run.to_vec(), false);
            }
        }
        self.bury();
        tracing::info!(folded, %resume_at, "snapshot folded");
        Ok(())
    }

    /// Records which map this dispatcher decides with, when the log names another or none.
    async fn put_map_in_force(&self) -> Result<(), AppendError> {
        let version = self.engine.maps().borrow().clone();
        if self.map_in_force.as_ref() == Some(&version) {
            return Ok(());
        }
        self.engine.record(Site::MapInForce(version)).await
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
        let cursor = self.alerts.cursor();
        tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(false),
            changed = self.health.changed() => {
                changed.map_err(|_| "the journal is gone".to_owned())?;
                self.say_state();
            }
            Some((id, why)) = self.failed.recv() => self.engine.fail(id, why),
            // Before the tails, or a flood of entries would stop what the clock does.
            _ = self.tick.tick() => self.look_at_clock(),
            done = join(&mut self.chore), if self.chore.is_some() => self.note_chore(done),
            // Before the alerts and one run at a time: neither log starves the other.
            tailed = self.tracks.next(), if self.held.is_none() => self.hold(tailed)?,
            tailed = self.alerts.next() => self.take(cursor, tailed, stop).await?,
        }
        Ok(true)
    }

    async fn take(
        &mut self,
        cursor: Offset,
        tailed: Result<Tailed, TailError>,
        stop: &CancellationToken,
    ) -> Result<(), String> {
        match tailed.map_err(|error| error.to_string())? {
            Tailed::Entries { first, entries } => {
                self.fold(LogName::Alerts, numbered(first, entries), true);
                Ok(())
            }
            Tailed::Gap { first_available } => {
                let resume_at = match self.journal().snapshot_read().await {
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
                tracing::error!(%cursor, %first_available, "entries of the log cannot be read");
                Ok(())
            }
            Tailed::Rewound => self.fold_anew(stop).await,
        }
    }

    fn hold(&mut self, tailed: Result<Tailed, TailError>) -> Result<(), String> {
        // What was trimmed of the tracks, or cannot be read, was never promised.
        if let Tailed::Entries { first, entries } = tailed.map_err(|error| error.to_string())? {
            self.held = Some(Held {
                entries: numbered(first, entries),
                alerts_end: self.journal().end(LogName::Alerts),
            });
        }
        Ok(())
    }

    fn fold_held(&mut self) {
        let cursor = self.alerts.cursor();
        if let Some(held) = self.held.take_if(|held| held.alerts_end <= cursor) {
            self.fold(LogName::Tracks, held.entries, true);
        }
    }

    /// What was read is not what the log holds: begin again from the newest snapshot.
    async fn fold_anew(&mut self, stop: &CancellationToken) -> Result<(), String> {
        self.end_chore().await;
        self.engine.shared.metrics.refolds.inc();
        self.engine.dispatch().begin_anew();
        self.say_state();
        self.board_panics = 0;
        self.held = None;
        let folded = self.fold_snapshot(stop).await;
        folded.map_err(|error| format!("the snapshot cannot be read: {error}"))?;
        self.say_state();
        Ok(())
    }

    fn note_caught_up(&mut self) {
        let behind = self.alerts.cursor() < self.end.0
            || self.tracks.cursor() < self.end.1
            || self.held.is_some();
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
        self.engine.look_at_clock();
        if self.chore.is_none() {
            let tidy = now.since(self.tidied_at) >= TIDY_EVERY;
            if tidy {
                self.tidied_at = now;
                self.bury();
            }
            if tidy || self.snapshots.is_due() {
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
        for incident in &left {
            self.snapshots.bury(*incident);
        }
        self.snapshots.expire(log_time.min(self.engine.now()));
        if !left.is_empty() {
            self.engine.publish();
        }
    }

    /// Writes the snapshot, and trims the log, beside the fold.
    fn begin_chore(&mut self, trim: bool) {
        let slices = self.snapshots.slices(self.alerts.cursor());
        if slices.is_empty() && !trim {
            return;
        }
        let journal = self.journal();
        let now_ms = u64::try_from(self.engine.now().as_i64()).unwrap_or(0);
        self.chore = Some(tokio::spawn(async move {
            let written = write(&journal, slices).await;
            if trim && let Err(error) = journal.trim(now_ms).await {
                tracing::error!(%error, "the log cannot be trimmed");
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

    fn note_chore(&mut self, done: Result<Result<bool, StoreError>, JoinError>) {
        self.chore = None;
        let why = match done {
            Ok(Ok(written)) => {
                self.snapshots.written(true);
                if written {
                    self.engine.shared.metrics.snapshots.inc();
                }
                return;
            }
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        self.snapshots.written(false);
        tracing::error!(why, "the snapshot cannot be written");
    }

    fn say_state(&self) {
        let end = self.journal().end(LogName::Alerts);
        let lag_entries = end.since(self.alerts.cursor());
        self.engine.say_state(&self.health.borrow(), lag_entries);
    }

    fn journal(&self) -> Journal {
        self.engine.shared.config.journal.clone()
    }
}

fn numbered(first: Offset, entries: Vec<Bytes>) -> Vec<(Offset, Bytes)> {
    (0..).map(|n| first.plus(n)).zip(entries).collect()
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
