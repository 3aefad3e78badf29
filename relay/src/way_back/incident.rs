//! One incident as a phone may know it.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use protocol::wire::Status;
use protocol::{
    AlertId, Day, DecisionHeader, DecisionId, DecisionKind, DeviceId, Effect, Entry, IncidentId,
    Lifecycle, NumberSet, Progress, REOPEN_WITHIN, ReportHeader, ReportNumber, Revision,
    UnixMillis,
};

use crate::limits::{ALERTS_PER_INCIDENT_MAX, MESSAGES_PER_INCIDENT_MAX};

/// An officer's words as they stand in the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SealedMessage {
    /// The decision that carries them.
    pub id: DecisionId,
    /// Device and alert under which they are sealed.
    pub device: DeviceId,
    /// The alert that opened the incident.
    pub alert: AlertId,
    /// Names the key.
    pub day: Day,
    /// When the officer wrote.
    pub at: UnixMillis,
    /// What the seal covers.
    pub header_bytes: Bytes,
    /// The sealed body.
    pub sealed: Bytes,
}

/// What a phone can be told of an incident.
#[derive(Debug)]
pub(super) struct Incident {
    pub(super) id: IncidentId,
    lifecycle: Lifecycle,
    /// Set when a decision shows that the log was read from its middle: where the incident stands by the decisions
    /// that were read.
    overtaken: Option<(Revision, Progress)>,
    /// Which reports of which alert are in the log.
    pub(super) reports: BTreeMap<AlertId, NumberSet>,
    pub(super) messages: VecDeque<SealedMessage>,
    opened_at: UnixMillis,
    changed_at: UnixMillis,
}

impl Incident {
    pub(super) fn open(report: &ReportHeader, time: UnixMillis) -> Self {
        let mut incident = Self {
            id: IncidentId::of(&report.device, &report.alert),
            lifecycle: Lifecycle::open(report, time),
            overtaken: None,
            reports: BTreeMap::new(),
            messages: VecDeque::new(),
            opened_at: time,
            changed_at: time,
        };
        incident.remember(report.alert, report.number);
        incident
    }

    fn remember(&mut self, alert: AlertId, number: ReportNumber) {
        self.reports.entry(alert).or_default().insert(number);
        if self.reports.len() > ALERTS_PER_INCIDENT_MAX {
            self.reports.pop_first();
        }
    }

    pub(super) fn progress(&self) -> Progress {
        match self.overtaken {
            Some((_, progress)) => progress,
            None => self.lifecycle.progress(),
        }
    }

    pub(super) fn opened_at(&self) -> UnixMillis {
        self.opened_at
    }

    /// When it was closed, if it is.
    pub(super) fn closed_at(&self) -> Option<UnixMillis> {
        (self.progress() == Progress::Closed).then_some(self.changed_at)
    }

    pub(super) fn gathers_press_at(&self, time: UnixMillis) -> bool {
        match (self.overtaken, self.closed_at()) {
            // As in the lifecycle: a full one would take the press in without a sound.
            (Some(_), Some(closed_at)) => !self.is_full() && time.since(closed_at) <= REOPEN_WITHIN,
            (Some(_), None) => true,
            (None, _) => self.lifecycle.gathers_press_at(time),
        }
    }

    fn is_full(&self) -> bool {
        self.reports.len() >= ALERTS_PER_INCIDENT_MAX
    }

    /// Whether its progress is another now.
    pub(super) fn report(&mut self, report: &ReportHeader, time: UnixMillis) -> bool {
        let before = self.progress();
        // As in the lifecycle: beyond the limit alerts no longer ring.
        let is_press = !self.is_full() && !self.reports.contains_key(&report.alert);
        self.remember(report.alert, report.number);
        self.lifecycle.report(report, time);
        if let Some((revision, progress)) = &mut self.overtaken
            && is_press
            && matches!(progress, Progress::Seen | Progress::Closed)
        {
            (*revision, *progress) = (revision.next(), Progress::Routed);
        }
        self.note_change(before, time)
    }

    /// What a decision did; `Changed` when the progress is another now.
    pub(super) fn decide(&mut self, decision: &DecisionHeader, time: UnixMillis) -> Effect {
        let before = self.progress();
        let effect = self.lifecycle.decide(decision, time);
        let (revision, progress) = self
            .overtaken
            .unwrap_or((self.lifecycle.revision(), before));
        // A decision is never made on a revision that was not there: its author has read more of the log.
        let is_ahead = decision.revision > revision;
        let follows = self.overtaken.is_some() && decision.revision == revision;
        if decision.kind.changes_state() && effect != Effect::Duplicate && (is_ahead || follows) {
            let reached = match decision.kind {
                DecisionKind::Acknowledged => Progress::Seen,
                DecisionKind::Closed => Progress::Closed,
                _ => progress.max(Progress::Routed),
            };
            self.overtaken = Some((decision.revision.next(), reached));
        }
        if self.note_change(before, time) {
            Effect::Changed
        } else if effect == Effect::Added {
            Effect::Added
        } else {
            Effect::Duplicate
        }
    }

    fn note_change(&mut self, before: Progress, time: UnixMillis) -> bool {
        let is_changed = self.progress() != before;
        if is_changed {
            self.changed_at = time;
        }
        is_changed
    }

    pub(super) fn add_message(&mut self, message: SealedMessage) {
        self.messages.push_back(message);
        if self.messages.len() > MESSAGES_PER_INCIDENT_MAX {
            self.messages.pop_front();
        }
    }

    pub(super) fn status(&self, alert: AlertId) -> Status {
        Status {
            alert,
            progress: self.progress(),
            at: self.changed_at,
        }
    }
}

impl SealedMessage {
    /// A copy: the entry's bytes would keep its whole batch in memory.
    pub(super) fn of(decision: &DecisionHeader, entry: &Entry) -> Self {
        Self {
            id: decision.id,
            device: decision.device,
            alert: decision.alert,
            day: entry.header.day,
            at: entry.header.time,
            header_bytes: Bytes::copy_from_slice(&entry.header_bytes),
            sealed: Bytes::copy_from_slice(&entry.sealed),
        }
    }
}
