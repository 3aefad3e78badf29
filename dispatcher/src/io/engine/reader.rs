//! The task that follows the log and folds it.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use journal::{
    AppendError, Day, DayKey, Health, LogName, Offset, StoreError, Tail, TailError, Tailed,
};
use protocol::{DecisionId, Entry, Millis, Site, Subject, UnixMillis};
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::snapshots::Snapshots;
use super::{Engine, EngineState};
use crate::board::Applied;
use crate::dispatch::Dispatch;
use crate::opened::{Body, Opened, open_entry};

/// How often what depends on the clock alone is looked at.
const TICK: Duration = Duration::from_secs(1);

/// How often closed incidents are taken off the board and old entries out of the log.
const TIDY_EVERY: Millis = Millis::from_secs(60);

pub(super) struct Reader {
    engine: Engine,
    failed: mpsc::Receiver<(DecisionId, String)>,
    alerts: Tail,
    tracks: Tail,
    snapshots: Snapshots,
    map_in_force: Option<protocol::MapVersion>,
    tidied_at: UnixMillis,
}

impl Reader {
    /// Folds the newest snapshot and places the tails behind it.
    pub(super) fn open(
        engine: Engine,
        failed: mpsc::Receiver<(DecisionId, String)>,
    ) -> Result<Self, StoreError> {
        let journal = engine.shared.config.journal.clone();
        let mut reader = Self {
            alerts: journal.tail(LogName::Alerts, Offset::ZERO),
            tracks: journal.tail(LogName::Tracks, journal.first(LogName::Tracks)?),
            snapshots: Snapshots::default(),
            map_in_force: None,
            tidied_at: engine.now(),
            engine,
            failed,
        };
        reader.fold_snapshot()?;
        Ok(reader)
    }

    fn fold_snapshot(&mut self) -> Result<(), StoreError> {
        let journal = self.engine.shared.config.journal.clone();
        let first = journal.first(LogName::Alerts)?;
        let (entries, resume_at) = self.snapshots.load(&journal)?;
        let mut folded_to = Offset::ZERO;
        for (offset, entry) in entries {
            folded_to = folded_to.max(offset.plus(1));
            self.fold(LogName::Alerts, vec![(offset, entry)], false);
        }
        self.alerts = journal.tail(LogName::Alerts, resume_at.max(first));
        tracing::info!(
            folded = folded_to.0,
            resume_at = resume_at.0,
            "snapshot folded"
        );
        Ok(())
    }

    /// Records which map this dispatcher decides with, when the log names another or none.
    pub(super) async fn put_map_in_force(&self) -> Result<(), AppendError> {
        if self.map_in_force.as_ref() == Some(self.engine.map_version()) {
            return Ok(());
        }
        self.engine
            .record(Site::MapInForce(self.engine.map_version().clone()))
            .await
    }

    pub(super) async fn run(mut self, stop: CancellationToken) {
        let journal = self.engine.shared.config.journal.clone();
        let mut health = journal.health();
        let end = (journal.end(LogName::Alerts), journal.end(LogName::Tracks));
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            self.note_caught_up(end);
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                changed = health.changed() => {
                    if changed.is_err() {
                        break;
                    }
                }
                Some((id, why)) = self.failed.recv() => self.engine.fail(id, why),
                tailed = self.alerts.next() => {
                    if !self.take(LogName::Alerts, tailed) {
                        break;
                    }
                }
                tailed = self.tracks.next() => {
                    if !self.take(LogName::Tracks, tailed) {
                        break;
                    }
                }
                _ = tick.tick() => self.tidy().await,
            }
            self.say_state(&health.borrow());
        }
        self.say_state(&journal.health().borrow());
        self.snapshot().await;
    }

    /// False when the log has ended.
    fn take(&mut self, log: LogName, tailed: Result<Tailed, TailError>) -> bool {
        match tailed {
            Ok(Tailed::Entries { first, entries }) => {
                let numbered = (0..).map(|n| first.plus(n)).zip(entries).collect();
                self.fold(log, numbered, true);
            }
            Ok(Tailed::Gap { .. } | Tailed::Rewound) if log == LogName::Tracks => {}
            Ok(Tailed::Gap { .. } | Tailed::Rewound) => return self.fold_anew(),
            Err(error) => {
                tracing::error!(%error, "the log cannot be followed any more");
                return false;
            }
        }
        true
    }

    /// What was read is not what the log holds: begin again from the newest snapshot.
    fn fold_anew(&mut self) -> bool {
        self.engine.shared.metrics.refolds.inc();
        self.engine.dispatch().begin_anew();
        let journal = self.engine.shared.config.journal.clone();
        let tracks = journal.first(LogName::Tracks);
        match tracks.and_then(|first| {
            self.tracks = journal.tail(LogName::Tracks, first);
            self.fold_snapshot()
        }) {
            Ok(()) => true,
            Err(error) => {
                tracing::error!(%error, "the snapshot cannot be read");
                false
            }
        }
    }

    fn fold(&mut self, log: LogName, entries: Vec<(Offset, Bytes)>, live: bool) {
        let opened = self.open_all(&entries);
        self.engine
            .shared
            .metrics
            .entries(log)
            .inc_by(opened.len() as u64);
        {
            let mut dispatch = self.engine.dispatch();
            for ((offset, bytes), opened) in entries.into_iter().zip(&opened) {
                let Some(opened) = opened else { continue };
                if let Subject::Site(Site::MapInForce(version)) = &opened.header.subject {
                    self.map_in_force = Some(version.clone());
                }
                let applied = dispatch.handle_entry(log, offset, opened);
                if log == LogName::Alerts && live {
                    self.snapshots
                        .add(incident_of(&applied, opened), offset, bytes);
                }
            }
            dispatch.handle_changes(self.engine.now());
            let metrics = &self.engine.shared.metrics;
            let incidents = dispatch.board().incidents().len();
            metrics
                .incidents
                .set(i64::try_from(incidents).unwrap_or(i64::MAX));
            let panics = dispatch.board().panics();
            metrics
                .panics
                .inc_by(panics.saturating_sub(metrics.panics.get()));
        }
        self.engine.publish();
        self.engine.drain();
    }

    fn open_all(&self, entries: &[(Offset, Bytes)]) -> Vec<Option<Opened>> {
        let shared = &self.engine.shared;
        let mut keys: BTreeMap<u32, Option<DayKey>> = BTreeMap::new();
        let mut open = |bytes: &Bytes| {
            let Ok(entry) = Entry::decode(bytes) else {
                shared.metrics.undecodable.inc();
                return None;
            };
            let day = entry.header.day.0;
            let key = keys.entry(day).or_insert_with(|| {
                shared
                    .config
                    .day_keys
                    .get(Day(day))
                    .unwrap_or_else(|error| {
                        tracing::error!(day, %error, "a day key cannot be read");
                        None
                    })
            });
            let opened = open_entry(&entry, key.as_ref(), &shared.config.site_key);
            if opened.body == Body::Gone {
                shared.metrics.bodies_gone.inc();
            }
            Some(opened)
        };
        entries.iter().map(|(_, bytes)| open(bytes)).collect()
    }

    fn note_caught_up(&self, end: (Offset, Offset)) {
        let mut dispatch = self.engine.dispatch();
        if dispatch.is_caught_up() || self.alerts.cursor() < end.0 || self.tracks.cursor() < end.1 {
            return;
        }
        dispatch.handle_caught_up();
        dispatch.handle_changes(self.engine.now());
        drop(dispatch);
        self.engine.publish();
        self.engine.drain();
    }

    fn say_state(&self, health: &Health) {
        let journal = &self.engine.shared.config.journal;
        let lag_entries = journal.end(LogName::Alerts).since(self.alerts.cursor());
        let mut problems = Vec::new();
        if !self.engine.read(Dispatch::is_caught_up) {
            problems.push("the board is still reading the log".to_owned());
        }
        match health {
            Health::Healthy => {}
            Health::Failed { why } => problems.push(format!("the log takes nothing: {why}")),
            Health::Closed => problems.push("the log is closed".to_owned()),
        }
        if journal.size_alarm() {
            let mebibytes = journal.size_bytes() >> 20;
            tracing::warn!(mebibytes, "the live journal is larger than it should be");
        }
        self.engine.set_state(EngineState {
            ready: problems.is_empty(),
            problems,
            lag_entries,
        });
    }

    async fn tidy(&mut self) {
        let now = self.engine.now();
        {
            let mut dispatch = self.engine.dispatch();
            dispatch.handle_tick(now);
        }
        self.engine.drain();
        if self.snapshots.is_due() {
            self.snapshot().await;
        }
        if now.since(self.tidied_at) < TIDY_EVERY {
            return;
        }
        self.tidied_at = now;
        let left = self.engine.dispatch().retire();
        for incident in &left {
            self.snapshots.forget(*incident);
        }
        if !left.is_empty() {
            self.engine.publish();
        }
        self.snapshot().await;
        let now_ms = u64::try_from(now.as_i64()).unwrap_or(0);
        if let Err(error) = self.engine.shared.config.journal.trim(now_ms).await {
            tracing::error!(%error, "the log cannot be trimmed");
        }
    }

    async fn snapshot(&mut self) {
        let journal = self.engine.shared.config.journal.clone();
        match self.snapshots.write(&journal, self.alerts.cursor()).await {
            Ok(true) => drop(self.engine.shared.metrics.snapshots.inc()),
            Ok(false) => {}
            Err(error) => tracing::error!(%error, "the snapshot cannot be written"),
        }
    }
}

/// Where a snapshot keeps an entry; what belongs to no incident is kept when it is the site's.
fn incident_of(applied: &Applied, opened: &Opened) -> Option<Option<protocol::IncidentId>> {
    match (applied, &opened.header.subject) {
        (Applied::Incident(id, _), _) => Some(Some(*id)),
        (Applied::Nowhere, Subject::Site(Site::MapInForce(_))) => Some(None),
        (Applied::Nowhere, _) => None,
    }
}
