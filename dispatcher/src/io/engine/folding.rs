//! From the bytes of entries to the board. Nothing that one entry or one incident does ends the task.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use journal::{Day, DayKey, LogName, Offset, Partition};
use protocol::{Effect, Entry, IncidentId, Position, Site, Subject};

use super::Engine;
use super::reader::Reader;
use crate::board::Applied;
use crate::dispatch::Dispatch;
use crate::opened::{Body, Opened, open_entry};

/// Incidents that may panic in one run before the rest waits for the next tick.
const MAX_PANICS_IN_A_RUN: usize = 1_000;

/// Entries that are folded before others may look at the board.
pub(super) const ENTRIES_AT_ONCE: usize = 1_000;

impl Reader {
    /// Folds entries of one of the partitions that are followed; `is_new` when they are in no snapshot.
    pub(super) fn fold(
        &mut self,
        at: usize,
        log: LogName,
        entries: Vec<(Offset, Bytes)>,
        is_new: bool,
    ) {
        let metrics = &self.engine.shared.metrics;
        metrics.entries(log).inc_by(entries.len() as u64);
        let orphans = self.fold_run(at, log, entries, is_new);
        if !orphans.is_empty() {
            self.fold_run(at, LogName::Tracks, orphans, is_new);
        }
    }

    /// Folds entries, and returns the positions that have waited for one of them.
    fn fold_run(
        &mut self,
        at: usize,
        log: LogName,
        entries: Vec<(Offset, Bytes)>,
        is_new: bool,
    ) -> Vec<(Offset, Bytes)> {
        let engine = self.engine.clone();
        let followed = &mut self.followed[at];
        let partition = followed.partition();
        let metrics = &engine.shared.metrics;
        let opened = engine.open_all(&entries);
        let now = engine.now();
        let mut orphans = Vec::new();
        {
            let mut dispatch = engine.dispatch();
            for ((offset, entry), opened) in entries.into_iter().zip(&opened) {
                let Some(opened) = opened else { continue };
                if let Subject::Site(Site::MapInForce(version)) = &opened.header.subject {
                    self.map_in_force = Some(version.clone());
                }
                let is_track = log == LogName::Tracks;
                let position = is_track.then(|| position_of(&dispatch, opened));
                let applied = engine.apply(&mut dispatch, (partition, log), offset, opened);
                match (log, &applied) {
                    (LogName::Alerts, _) => {
                        let entry = (offset, entry);
                        followed
                            .snapshots
                            .note_alert(&applied, &opened.header, entry, is_new);
                        if let Subject::Report(report) = &opened.header.subject {
                            orphans.extend(self.orphans.take(&(report.device, report.alert)));
                        }
                    }
                    (LogName::Tracks, Applied::Incident(id, Effect::Added))
                        if is_new && position != Some(position_of(&dispatch, opened)) =>
                    {
                        followed.snapshots.note_newest_track(*id, offset, &entry);
                    }
                    (LogName::Tracks, Applied::Nowhere) => {
                        if let Subject::Report(report) = &opened.header.subject
                            && !dispatch.board().has_heard_of(report)
                        {
                            let alert = (report.device, report.alert);
                            self.orphans.keep(now, alert, (offset, entry));
                        }
                    }
                    (LogName::Tracks, _) => {}
                }
            }
            let incidents = dispatch.board().incidents().len();
            metrics
                .incidents
                .set(i64::try_from(incidents).unwrap_or(i64::MAX));
            let panics = dispatch.board().panics();
            metrics
                .panics
                .inc_by(panics.saturating_sub(self.board_panics));
            self.board_panics = panics;
            // Under the same lock: whoever looks between fold and proposal would see a new alert at the national
            // desk, and send its card there.
            engine.propose(&mut dispatch);
        }
        engine.survive(|| engine.drain());
        engine.count_unlogged();
        engine.publish();
        orphans
    }
}

impl Engine {
    /// Proposes what is due.
    fn propose(&self, dispatch: &mut Dispatch) {
        let now = self.now();
        self.survive(|| dispatch.handle_changes(now));
    }

    /// Says that the board is as new as the log was at the start, and proposes what is due since.
    pub(super) fn catch_up(&self) {
        {
            let mut dispatch = self.dispatch();
            dispatch.handle_caught_up();
            self.propose(&mut dispatch);
        }
        self.survive(|| self.drain());
    }

    /// What depends on the clock alone.
    pub(super) fn look_at_clock(&self) {
        let now = self.now();
        let unlogged = self.unlogged_change();
        let mut ticked = false;
        self.survive(|| {
            if ticked {
                self.dispatch().handle_changes(now);
            } else {
                ticked = true;
                self.dispatch().handle_tick(now);
            }
        });
        self.survive(|| self.drain());
        if unlogged != self.unlogged_change() {
            self.count_unlogged();
            self.publish();
        }
        let metrics = &self.shared.metrics;
        self.read(|dispatch| metrics.note_waiting(dispatch.board().waiting(), now));
    }

    /// Does something that takes one incident after the other, and goes on behind one that panics.
    /// Whatever was to be proposed for that one is not, which leaves it to the national desk.
    pub(super) fn survive(&self, mut step: impl FnMut()) {
        for _ in 0..MAX_PANICS_IN_A_RUN {
            if catch_unwind(AssertUnwindSafe(&mut step)).is_ok() {
                return;
            }
            self.shared.metrics.panics.inc();
            tracing::error!("an incident cannot be decided about; it is the national desk's");
        }
    }

    fn apply(
        &self,
        dispatch: &mut Dispatch,
        (partition, log): (Partition, LogName),
        offset: Offset,
        opened: &Opened,
    ) -> Applied {
        let applied = catch_unwind(AssertUnwindSafe(|| {
            dispatch.handle_entry(partition, log, offset, opened)
        }));
        applied.unwrap_or_else(|_| {
            self.shared.metrics.panics.inc();
            // The snapshot keeps it where it belongs by its header.
            match &opened.header.subject {
                Subject::Report(report) => {
                    let id = IncidentId::of(&report.device, &report.alert);
                    Applied::Incident(id, Effect::Added)
                }
                Subject::Decision(decision) => Applied::Incident(decision.incident, Effect::Added),
                Subject::Site(_) | Subject::Unknown => Applied::Nowhere,
            }
        })
    }

    fn open_all(&self, entries: &[(Offset, Bytes)]) -> Vec<Option<Opened>> {
        let mut keys: BTreeMap<u32, Option<DayKey>> = BTreeMap::new();
        let mut open = |bytes: &Bytes| {
            let entry = catch_unwind(|| Entry::decode(bytes));
            let Ok(Ok(entry)) = entry else {
                self.shared.metrics.undecodable.inc();
                return None;
            };
            let day = entry.header.day.0;
            let key = keys
                .entry(day)
                .or_insert_with(|| self.reading_key(Day(day)));
            let opened = self.open_body(&entry, key.as_ref());
            if opened.body == Body::Gone {
                self.shared.metrics.bodies_gone.inc();
            }
            Some(opened)
        };
        entries.iter().map(|(_, bytes)| open(bytes)).collect()
    }

    pub(super) fn open_body(&self, entry: &Entry, key: Option<&DayKey>) -> Opened {
        let site_key = &self.shared.config.site_key;
        let opened = catch_unwind(AssertUnwindSafe(|| open_entry(entry, key, site_key)));
        opened.unwrap_or_else(|_| {
            self.shared.metrics.panics.inc();
            Opened {
                header: entry.header.clone(),
                body: Body::Gone,
            }
        })
    }
}

/// The newest position of the incident that a report belongs to.
fn position_of(dispatch: &Dispatch, opened: &Opened) -> Option<Position> {
    let Subject::Report(report) = &opened.header.subject else {
        return None;
    };
    let board = dispatch.board();
    let incident = board.incident_of_alert(&report.device, &report.alert)?;
    incident.position().cloned()
}
