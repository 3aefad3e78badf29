//! The board: all incidents, as a fold of the log and of nothing else. No map, no policy, no clock.

mod cursor;
mod excerpt;
mod history;
mod incident;
mod known;
mod trail;
mod waiting;

pub use cursor::{Cursor, Cursors, LogPlace};
pub use history::{By, HistoryItem, HistoryKind};
pub use incident::{CancelClaim, Incident, Speaker, Spoken, UnusableFix};
pub use trail::{FixKey, Trail, TrailPoint};
pub use waiting::Waiting;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::panic::{AssertUnwindSafe, catch_unwind};

use journal::{Offset, Partition};
use protocol::{
    AlertId, DecisionHeader, DecisionId, DeskId, DeviceId, Effect, IncidentId, Millis,
    ReportHeader, State, Subject, UnixMillis,
};

use crate::opened::Opened;

/// How long a closed incident stays on the board: for as long as a further press reopens it, and an
/// hour for the officers who look for it.
const KEEP_CLOSED: Millis = Millis::from_secs(25 * 3600);

/// How long the board remembers the alerts of an incident that it no longer shows, so that an old
/// resend does not ring (the seven days of the log's rule 7).
const KEEP_TOMBSTONES: Millis = Millis::from_secs(7 * 24 * 3600);

/// What an entry did to the board.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Applied {
    /// It belongs to this incident, and this is what it did.
    Incident(IncidentId, Effect),
    /// It belongs to an incident that the board no longer has, or to none at all.
    Nowhere,
    /// A decision on what the log does not have yet: its author was quicker to put it in again after a failover than
    /// the author of what it is about. It did nothing, and is to be said again behind that.
    Early,
}

/// All incidents of the partitions that are folded.
#[derive(Debug, Default)]
pub struct Board {
    incidents: BTreeMap<IncidentId, Incident>,
    /// Every alert that the board knows or remembers, with the incident that gathered it.
    alerts: BTreeMap<(DeviceId, AlertId), IncidentId>,
    /// The newest incident of each device, which gathers its further presses.
    newest: BTreeMap<DeviceId, IncidentId>,
    /// Devices of each alert id: the same id from two devices is two incidents that say so.
    devices: BTreeMap<AlertId, BTreeSet<DeviceId>>,
    tombstones: BTreeMap<IncidentId, Tombstone>,
    /// Incidents in the order of their last change, the newest last.
    changes: BTreeMap<u64, IncidentId>,
    /// The same changes by the partition that made them.
    changes_by: BTreeSet<(Partition, u64)>,
    /// Incidents that left, in the order in which they did.
    departures: BTreeMap<u64, IncidentId>,
    change: u64,
    /// Incidents that no officer has acknowledged.
    waiting: Waiting,
    /// The change before the first of this fold.
    began_at: u64,
    cursors: Cursors,
    /// The partition of the entry that is folded now.
    folding: Partition,
    log_time: UnixMillis,
    /// Entries whose fold panicked.
    panics: u64,
}

/// What is left of an incident that the board no longer shows.
#[derive(Debug)]
struct Tombstone {
    device: DeviceId,
    alerts: Vec<AlertId>,
    since: UnixMillis,
    closed_at: UnixMillis,
    change: u64,
    desks: BTreeSet<DeskId>,
}

impl Board {
    /// An empty board whose changes are numbered after those of another.
    #[must_use]
    pub fn counting_on(change: u64) -> Self {
        Self {
            change,
            began_at: change,
            ..Self::default()
        }
    }

    /// Folds one entry of the alert log. Never fails: what cannot be understood marks its incident.
    pub fn apply_alert(
        &mut self,
        partition: Partition,
        offset: Offset,
        opened: &Opened,
    ) -> Applied {
        let alerts = offset.plus(1);
        self.begin_entry(
            partition,
            Cursor {
                alerts,
                ..Cursor::default()
            },
        );
        self.log_time = self.log_time.max(opened.header.time);
        match &opened.header.subject {
            Subject::Report(report) => self.apply_report(offset, report, opened),
            Subject::Decision(decision) => self.apply_decision(offset, decision, opened),
            Subject::Site(_) | Subject::Unknown => Applied::Nowhere,
        }
    }

    /// Folds one entry of the track log. A track of an unknown or closed incident is dropped.
    pub fn apply_track(
        &mut self,
        partition: Partition,
        offset: Offset,
        opened: &Opened,
    ) -> Applied {
        let tracks = offset.plus(1);
        self.begin_entry(
            partition,
            Cursor {
                tracks,
                ..Cursor::default()
            },
        );
        let Subject::Report(report) = &opened.header.subject else {
            return Applied::Nowhere;
        };
        let time = opened.header.time;
        let Some(id) = self.incident_of_track(report) else {
            return Applied::Nowhere;
        };
        let Some(incident) = self.incidents.get_mut(&id) else {
            return Applied::Nowhere;
        };
        // What was said before the close counts whenever it is read.
        let lifecycle = incident.lifecycle();
        let is_after_the_close = lifecycle.closed().is_some_and(|(_, at)| *at < time);
        if lifecycle.state() == State::Closed && is_after_the_close {
            return Applied::Nowhere;
        }
        // In place: only the trail and the newest fix are touched, and a broken track is dropped.
        let folded = catch_unwind(AssertUnwindSafe(|| {
            incident.track(report, &opened.body, time)
        }));
        match folded {
            Ok(true) => {
                self.touch(id);
                Applied::Incident(id, Effect::Added)
            }
            Ok(false) => Applied::Incident(id, Effect::Duplicate),
            Err(_) => self.mark_raw(id),
        }
    }

    fn begin_entry(&mut self, partition: Partition, cursor: Cursor) {
        self.folding = partition;
        self.cursors.reach(LogPlace { partition, cursor });
    }

    /// Whether a report belongs to an alert that the board has heard of.
    #[must_use]
    pub fn has_heard_of(&self, report: &ReportHeader) -> bool {
        self.incident_of_track(report).is_some()
    }

    /// A full incident has alerts that it does not tell apart.
    fn incident_of_track(&self, report: &ReportHeader) -> Option<IncidentId> {
        let known = self.alerts.get(&(report.device, report.alert));
        let full = || {
            let newest = self.newest.get(&report.device)?;
            self.incidents
                .get(newest)?
                .lifecycle()
                .is_full()
                .then_some(newest)
        };
        known.or_else(full).copied()
    }

    fn apply_report(&mut self, offset: Offset, report: &ReportHeader, opened: &Opened) -> Applied {
        let time = opened.header.time;
        let Some(id) = self.incident_of(report, time) else {
            return Applied::Nowhere;
        };
        if !self.incidents.contains_key(&id) {
            self.open(id, offset, report, opened);
            return Applied::Incident(id, Effect::Changed);
        }
        let applied = self.fold(id, |incident| {
            incident.report(offset, report, &opened.body, time)
        });
        let is_new = !self.alerts.contains_key(&(report.device, report.alert));
        if is_new
            && self
                .incidents
                .get(&id)
                .is_some_and(|one| one.gathers(&report.alert))
        {
            self.know(report.device, report.alert, id);
        }
        applied
    }

    fn apply_decision(
        &mut self,
        offset: Offset,
        decision: &DecisionHeader,
        opened: &Opened,
    ) -> Applied {
        match self.incidents.get(&decision.incident) {
            Some(incident) if incident.lifecycle().is_ahead(decision) => return Applied::Early,
            Some(_) => {}
            None if self.tombstones.contains_key(&decision.incident) => return Applied::Nowhere,
            None => return Applied::Early,
        }
        let time = opened.header.time;
        self.fold(decision.incident, |incident| {
            incident.decision(offset, decision, &opened.body, time)
        })
    }

    /// The incident that a report belongs to; `None` when it is the resend of one long gone.
    fn incident_of(&self, report: &ReportHeader, time: UnixMillis) -> Option<IncidentId> {
        if let Some(id) = self.alerts.get(&(report.device, report.alert)) {
            return self.incidents.contains_key(id).then_some(*id);
        }
        let gathering = self.newest.get(&report.device).filter(|id| {
            self.incidents
                .get(id)
                .is_some_and(|one| one.lifecycle().gathers_press_at(time))
        });
        Some(
            gathering
                .copied()
                .unwrap_or_else(|| IncidentId::of(&report.device, &report.alert)),
        )
    }

    fn open(&mut self, id: IncidentId, offset: Offset, report: &ReportHeader, opened: &Opened) {
        let time = opened.header.time;
        let late = Incident::is_late(report, &opened.body, KEEP_TOMBSTONES);
        let opening = catch_unwind(AssertUnwindSafe(|| {
            Incident::open(id, offset, report, &opened.body, time)
        }));
        let mut incident = opening.unwrap_or_else(|_| {
            self.panics += 1;
            Incident::open_raw(id, offset, report, time)
        });
        if late {
            incident.mark_late();
        }
        self.incidents.insert(id, incident);
        self.newest.insert(report.device, id);
        self.know(report.device, report.alert, id);
        self.touch(id);
    }

    fn know(&mut self, device: DeviceId, alert: AlertId, id: IncidentId) {
        self.alerts.insert((device, alert), id);
        let devices = self.devices.entry(alert).or_default();
        devices.insert(device);
        // The second device marks the first; each further one itself alone.
        let marked: Vec<DeviceId> = match devices.len() {
            1 => Vec::new(),
            2 => devices.iter().copied().collect(),
            _ => vec![device],
        };
        for device in marked {
            let id = self.alerts.get(&(device, alert)).copied();
            if let Some(incident) = id.and_then(|id| self.incidents.get_mut(&id)) {
                incident.mark_same_alert_elsewhere();
                let id = incident.id();
                self.touch(id);
            }
        }
    }

    /// Changes one incident on a copy, so that a panic leaves it as it was and marked.
    fn fold(&mut self, id: IncidentId, change: impl FnOnce(&mut Incident) -> Effect) -> Applied {
        let Some(incident) = self.incidents.get(&id) else {
            return Applied::Nowhere;
        };
        let mut copy = incident.clone();
        match catch_unwind(AssertUnwindSafe(move || {
            let effect = change(&mut copy);
            (copy, effect)
        })) {
            Ok((copy, effect)) => {
                if effect != Effect::Duplicate {
                    self.incidents.insert(id, copy);
                    self.touch(id);
                }
                Applied::Incident(id, effect)
            }
            Err(_) => self.mark_raw(id),
        }
    }

    fn mark_raw(&mut self, id: IncidentId) -> Applied {
        self.panics += 1;
        if let Some(incident) = self.incidents.get_mut(&id) {
            incident.mark_raw();
        }
        self.touch(id);
        Applied::Incident(id, Effect::Added)
    }

    fn touch(&mut self, id: IncidentId) {
        let Some(incident) = self.incidents.get_mut(&id) else {
            return;
        };
        self.change += 1;
        let before = (incident.changed_at().partition, incident.change());
        let partition = self.folding;
        let cursor = self.cursors.of(partition);
        incident.set_change(self.change, LogPlace { partition, cursor });
        self.changes.remove(&before.1);
        self.changes_by.remove(&before);
        self.changes.insert(self.change, id);
        self.waiting.note(incident);
        self.changes_by.insert((partition, self.change));
    }

    /// Takes what is long closed off the board, by the time of the log and never before `now` says
    /// so too: one entry with a stamp of the future must not bury anything. Returns what left.
    pub fn retire(&mut self, now: UnixMillis) -> Vec<IncidentId> {
        let log_time = self.log_time.min(now);
        let old: Vec<IncidentId> = self
            .incidents
            .values()
            .filter(|incident| {
                let closed_at = incident.closed_at();
                closed_at.is_some_and(|at| log_time.since(at) > KEEP_CLOSED)
            })
            .map(Incident::id)
            .collect();
        for id in &old {
            self.bury(*id, log_time);
        }
        self.forget_tombstones(log_time);
        old
    }

    fn bury(&mut self, id: IncidentId, log_time: UnixMillis) {
        let Some(incident) = self.incidents.remove(&id) else {
            return;
        };
        self.changes.remove(&incident.change());
        let by = incident.changed_at().partition;
        self.changes_by.remove(&(by, incident.change()));
        if self.newest.get(&incident.device()) == Some(&id) {
            self.newest.remove(&incident.device());
        }
        self.change += 1;
        self.departures.insert(self.change, id);
        self.tombstones.insert(
            id,
            Tombstone {
                device: incident.device(),
                alerts: incident.lifecycle().alerts().copied().collect(),
                since: log_time,
                closed_at: incident.closed_at().unwrap_or(log_time),
                change: self.change,
                desks: incident.desks().clone(),
            },
        );
    }

    fn forget_tombstones(&mut self, log_time: UnixMillis) {
        let (devices, alerts) = (&mut self.devices, &mut self.alerts);
        let departures = &mut self.departures;
        self.tombstones.retain(|_, tombstone| {
            let keep = log_time.since(tombstone.since) <= KEEP_TOMBSTONES;
            if !keep {
                departures.remove(&tombstone.change);
                for alert in &tombstone.alerts {
                    alerts.remove(&(tombstone.device, *alert));
                    if let Some(holders) = devices.get_mut(alert) {
                        holders.remove(&tombstone.device);
                        if holders.is_empty() {
                            devices.remove(alert);
                        }
                    }
                }
            }
            keep
        });
    }

    /// An incident by its id.
    #[must_use]
    pub fn get(&self, id: &IncidentId) -> Option<&Incident> {
        self.incidents.get(id)
    }

    /// The incident that gathered an alert.
    #[must_use]
    pub fn incident_of_alert(&self, device: &DeviceId, alert: &AlertId) -> Option<&Incident> {
        self.incidents.get(self.alerts.get(&(*device, *alert))?)
    }

    /// All incidents, by id.
    pub fn incidents(&self) -> impl ExactSizeIterator<Item = &Incident> {
        self.incidents.values()
    }

    /// Incidents that changed after a change number of this board, the oldest change first, and the
    /// ids of those that left it.
    pub fn changed_since(&self, change: u64) -> impl Iterator<Item = &Incident> {
        self.changes
            .range(change.saturating_add(1)..)
            .filter_map(|(_, id)| self.incidents.get(id))
    }

    /// Incidents that left the board with one of these changes, with the desks that owned them.
    pub fn departed(
        &self,
        changes: RangeInclusive<u64>,
    ) -> impl Iterator<Item = (IncidentId, &BTreeSet<DeskId>)> {
        self.departures
            .range(changes)
            .filter_map(|(_, id)| self.tombstones.get(id).map(|left| (*id, &left.desks)))
    }

    /// The newest change up to which a reader at these cursors has seen all, whichever board it read
    /// from; 0 when it has seen none.
    #[must_use]
    pub fn change_at(&self, cursors: &Cursors) -> u64 {
        let is_seen = |change: &u64| {
            let incident = self
                .changes
                .get(change)
                .and_then(|id| self.incidents.get(id));
            incident.is_none_or(|incident| cursors.has_seen(&incident.changed_at()))
        };
        let mut unseen_from = u64::MAX;
        let mut partition = Partition::ZERO;
        // Within a partition both offsets only grow with the number of a change, so what is unseen is its
        // end.
        while let Some(&(of, _)) = self.changes_by.range((partition, 0)..).next() {
            let changes = self.changes_by.range((of, 0)..=(of, u64::MAX)).rev();
            let unseen = changes
                .map(|(_, change)| change)
                .take_while(|change| !is_seen(change));
            unseen_from = unseen
                .last()
                .map_or(unseen_from, |first| unseen_from.min(*first));
            let Some(next) = of.0.checked_add(1) else {
                break;
            };
            partition = Partition(next);
        }
        let seen = self.changes.range(..unseen_from).next_back();
        seen.map_or(0, |(change, _)| *change)
    }

    /// The number of the newest change; this board's own count.
    #[must_use]
    pub fn change(&self) -> u64 {
        self.change
    }

    /// The change before the first of this fold: whoever has seen no later one has seen nothing of it.
    #[must_use]
    pub fn began_at(&self) -> u64 {
        self.began_at
    }

    /// How far the logs are folded.
    #[must_use]
    pub fn cursors(&self) -> &Cursors {
        &self.cursors
    }

    /// The newest time in the log.
    #[must_use]
    pub fn log_time(&self) -> UnixMillis {
        self.log_time
    }

    /// Incidents that no officer has acknowledged.
    #[must_use]
    pub fn waiting(&self) -> &Waiting {
        &self.waiting
    }

    /// How many entries made the fold panic.
    #[must_use]
    pub fn panics(&self) -> u64 {
        self.panics
    }

    /// What the decision with this id did, when its incident is on the board and remembers it.
    #[must_use]
    pub fn history_of(&self, incident: &IncidentId, id: &DecisionId) -> Option<&HistoryItem> {
        self.incidents
            .get(incident)?
            .history()
            .find(|item| item.decision.is_some_and(|(known, _)| known == *id))
    }
}

#[cfg(test)]
mod tests;
