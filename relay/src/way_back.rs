//! What the log says to the phones of this relay: a fold of the alert log's headers by the same rules as the board's.
//!
//! Nothing here is a source of truth; whatever is forgotten is in the log.

mod incident;
mod stored;

use std::collections::{BTreeMap, BTreeSet};

use journal::kept::{Known, Whose};
use protocol::wire::Status;
use protocol::{
    AlertId, DecisionHeader, DecisionKind, DeviceId, Effect, Entry, IncidentId, NumberSet,
    Progress, ReportHeader, Subject, UnixMillis,
};

use crate::append::ReportKey;
use crate::limits::{ALERTS_PER_SESSION_MAX, UNFOLDED_ALERTS_MAX};
use incident::Incident;
pub use incident::SealedMessage;

/// Names one connection of this run of the relay.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SessionId(pub u64);

/// What is to be told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Notice {
    /// Where an alert stands.
    Status(Status),
    /// An officer's words; to be opened, and told about this alert.
    Message(AlertId, SealedMessage),
}

/// A notice and whom it is for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Delivery {
    /// The connection.
    pub session: SessionId,
    /// What to tell it.
    pub notice: Notice,
}

/// The fold, and who listens.
#[derive(Debug)]
pub struct WayBack {
    incidents_max: usize,
    /// The incidents of each device, oldest first.
    devices: BTreeMap<DeviceId, Vec<Incident>>,
    /// Incidents by when they were opened, and those that are closed by when they were closed.
    opened: BTreeSet<(UnixMillis, DeviceId, IncidentId)>,
    closed: BTreeSet<(UnixMillis, DeviceId, IncidentId)>,
    /// Durable and not yet folded.
    unfolded: BTreeMap<(DeviceId, AlertId), NumberSet>,
    listeners: BTreeMap<(DeviceId, AlertId), BTreeSet<SessionId>>,
    heard_by: BTreeMap<SessionId, BTreeSet<(AlertId, DeviceId)>>,
    /// The log takes nothing.
    is_stuck: bool,
    /// Alerts that are stored and not forwarded, and whose phones are to be told so.
    untold: BTreeSet<(DeviceId, AlertId)>,
}

impl WayBack {
    /// Knows nothing, and follows at most so many incidents.
    #[must_use]
    pub fn new(incidents_max: usize) -> Self {
        Self {
            incidents_max,
            devices: BTreeMap::new(),
            opened: BTreeSet::new(),
            closed: BTreeSet::new(),
            unfolded: BTreeMap::new(),
            listeners: BTreeMap::new(),
            heard_by: BTreeMap::new(),
            is_stuck: false,
            untold: BTreeSet::new(),
        }
    }

    /// Folds the next entry of the alert log.
    pub fn fold(&mut self, entry: &Entry) -> Vec<Delivery> {
        let time = entry.header.time;
        match &entry.header.subject {
            Subject::Report(report) if !report.kind.is_track() => self.fold_report(report, time),
            Subject::Decision(decision) => self.fold_decision(decision, entry),
            _ => Vec::new(),
        }
    }

    /// Begins anew with these phones: what was folded of them is not the log, or its beginning is not
    /// known.
    pub fn forget_log(&mut self, of: impl Fn(&DeviceId) -> bool) {
        self.devices.retain(|device, _| !of(device));
        self.opened.retain(|(_, device, _)| !of(device));
        self.closed.retain(|(_, device, _)| !of(device));
        self.unfolded.retain(|(device, _), _| !of(device));
    }

    fn fold_report(&mut self, report: &ReportHeader, time: UnixMillis) -> Vec<Delivery> {
        let key = (report.device, report.alert);
        self.unfolded.remove(&key);
        let incidents = self.devices.entry(report.device).or_default();
        let found = incidents
            .iter()
            .position(|incident| incident.reports.contains_key(&report.alert))
            .or_else(|| {
                let newest = incidents.len().checked_sub(1)?;
                let gathers = incidents[newest].gathers_press_at(time);
                gathers.then_some(newest)
            });
        let Some(index) = found else {
            incidents.push(Incident::open(report, time));
            let id = incidents[incidents.len() - 1].id;
            self.opened.insert((time, report.device, id));
            self.shed();
            return self.statuses(report.device, id, Some(report.alert));
        };
        let incident = &mut incidents[index];
        let id = incident.id;
        let was_closed = incident.closed_at();
        let is_new_alert = !incident.reports.contains_key(&report.alert);
        if incident.report(report, time) {
            if let Some(at) = was_closed {
                self.closed.remove(&(at, report.device, id));
            }
            return self.statuses(report.device, id, None);
        }
        if is_new_alert {
            return self.statuses(report.device, id, Some(report.alert));
        }
        Vec::new()
    }

    fn fold_decision(&mut self, decision: &DecisionHeader, entry: &Entry) -> Vec<Delivery> {
        let time = entry.header.time;
        let incidents = self.devices.get_mut(&decision.device);
        let Some(incident) = incidents.and_then(|incidents| {
            let mut all = incidents.iter_mut();
            all.find(|incident| incident.id == decision.incident)
        }) else {
            return Vec::new();
        };
        match incident.decide(decision, time) {
            Effect::Changed => {
                if let Some(at) = incident.closed_at() {
                    self.closed.insert((at, decision.device, incident.id));
                }
                self.statuses(decision.device, decision.incident, None)
            }
            Effect::Added if decision.kind == DecisionKind::Message => {
                let message = SealedMessage::of(decision, entry);
                incident.add_message(message.clone());
                self.message_to_all(decision.device, decision.incident, &message)
            }
            Effect::Added | Effect::Duplicate | Effect::Superseded => Vec::new(),
        }
    }

    /// A status for each listener of the incident's alerts, or of one of them.
    fn statuses(&self, device: DeviceId, id: IncidentId, only: Option<AlertId>) -> Vec<Delivery> {
        let Some(incident) = self.incident(device, id) else {
            return Vec::new();
        };
        let alerts = incident.reports.keys();
        let told = alerts.filter(|alert| only.is_none_or(|only| only == **alert));
        let mut deliveries = Vec::new();
        for alert in told {
            for session in self.listeners(device, *alert) {
                deliveries.push(Delivery {
                    session,
                    notice: Notice::Status(incident.status(*alert)),
                });
            }
        }
        deliveries
    }

    /// Once for each connection, about the newest alert that it listens to.
    fn message_to_all(
        &self,
        device: DeviceId,
        id: IncidentId,
        message: &SealedMessage,
    ) -> Vec<Delivery> {
        let Some(incident) = self.incident(device, id) else {
            return Vec::new();
        };
        let mut newest: BTreeMap<SessionId, AlertId> = BTreeMap::new();
        for alert in incident.reports.keys() {
            for session in self.listeners(device, *alert) {
                newest.insert(session, *alert);
            }
        }
        let deliver = |(session, alert)| Delivery {
            session,
            notice: Notice::Message(alert, message.clone()),
        };
        newest.into_iter().map(deliver).collect()
    }

    fn listeners(&self, device: DeviceId, alert: AlertId) -> impl Iterator<Item = SessionId> {
        let sessions = self.listeners.get(&(device, alert));
        sessions.into_iter().flatten().copied()
    }

    fn incident(&self, device: DeviceId, id: IncidentId) -> Option<&Incident> {
        let incidents = self.devices.get(&device)?;
        incidents.iter().find(|incident| incident.id == id)
    }

    fn incident_of(&self, device: &DeviceId, alert: &AlertId) -> Option<&Incident> {
        let mut incidents = self.devices.get(device)?.iter();
        incidents.find(|incident| incident.reports.contains_key(alert))
    }

    /// A connection listens from now on to an alert of its phone; what is known of it is told at once.
    pub fn listen(&mut self, session: SessionId, device: DeviceId, alert: AlertId) -> Vec<Notice> {
        let heard = self.heard_by.entry(session).or_default();
        if !heard.insert((alert, device)) {
            return Vec::new();
        }
        let key = (device, alert);
        self.listeners.entry(key).or_default().insert(session);
        // The oldest may be the one that has just come.
        if heard.len() > ALERTS_PER_SESSION_MAX
            && let Some((oldest, device)) = heard.pop_first()
        {
            self.stop_listening(session, device, oldest);
        }
        self.note_stored(key);
        self.notices(device, alert)
    }

    /// Tells all who listen what is known: the fold began while they were there already.
    #[must_use]
    pub fn tell_all(&self) -> Vec<Delivery> {
        let mut deliveries = Vec::new();
        for ((device, alert), sessions) in &self.listeners {
            for notice in self.notices(*device, *alert) {
                let deliver = |session: &SessionId| Delivery {
                    session: *session,
                    notice: notice.clone(),
                };
                deliveries.extend(sessions.iter().map(deliver));
            }
        }
        deliveries
    }

    /// What is known of an alert.
    fn notices(&self, device: DeviceId, alert: AlertId) -> Vec<Notice> {
        let Some(incident) = self.incident_of(&device, &alert) else {
            return Vec::new();
        };
        let messages = incident.messages.iter().cloned();
        let status = std::iter::once(Notice::Status(incident.status(alert)));
        status
            .chain(messages.map(|message| Notice::Message(alert, message)))
            .collect()
    }

    /// The connection has ended.
    pub fn forget_session(&mut self, session: SessionId) {
        for (alert, device) in self.heard_by.remove(&session).unwrap_or_default() {
            self.stop_listening(session, device, alert);
        }
    }

    fn stop_listening(&mut self, session: SessionId, device: DeviceId, alert: AlertId) {
        let key = (device, alert);
        if let Some(sessions) = self.listeners.get_mut(&key) {
            sessions.remove(&session);
            if sessions.is_empty() {
                self.listeners.remove(&key);
            }
        }
    }

    /// The report is durable; the fold will come to it.
    pub fn note_durable(&mut self, key: &ReportKey) {
        if self.is_folded(key) {
            return;
        }
        if self.unfolded.len() >= UNFOLDED_ALERTS_MAX {
            self.unfolded.pop_first();
        }
        let numbers = self.unfolded.entry((key.device, key.alert)).or_default();
        numbers.insert(key.number);
        self.note_stored((key.device, key.alert));
    }

    /// Whether the report is known to be durable.
    #[must_use]
    pub fn is_durable(&self, key: &ReportKey) -> bool {
        let unfolded = self.unfolded.get(&(key.device, key.alert));
        unfolded.is_some_and(|numbers| numbers.contains(key.number)) || self.is_folded(key)
    }

    fn is_folded(&self, key: &ReportKey) -> bool {
        self.incident_of(&key.device, &key.alert)
            .and_then(|incident| incident.reports.get(&key.alert))
            .is_some_and(|numbers| numbers.contains(key.number))
    }

    /// Whether an alert is known and not closed.
    #[must_use]
    pub fn is_open(&self, device: DeviceId, alert: AlertId) -> bool {
        match self.incident_of(&device, &alert) {
            Some(incident) => incident.progress() != Progress::Closed,
            None => self.unfolded.contains_key(&(device, alert)),
        }
    }

    /// Whether an alert is known to be closed.
    #[must_use]
    pub fn is_closed(&self, device: DeviceId, alert: AlertId) -> bool {
        let incident = self.incident_of(&device, &alert);
        incident.is_some_and(|incident| incident.progress() == Progress::Closed)
    }

    /// What the log has said of the incident that an entry is about.
    #[must_use]
    pub fn known(&self, whose: &Whose) -> Known {
        let incident = match whose {
            Whose::Report(device, alert) => self.incident_of(device, alert),
            Whose::Decision(device, id) => self.incident(*device, *id),
        };
        incident.map_or(Known::Nothing, |incident| match incident.closed_at() {
            Some(at) => Known::Closed(at),
            None => Known::Open,
        })
    }

    /// How many incidents are followed.
    #[must_use]
    pub fn incidents(&self) -> usize {
        self.opened.len()
    }

    /// Forgets closed incidents first, then the oldest.
    fn shed(&mut self) {
        while self.opened.len() > self.incidents_max {
            let closed = self.closed.pop_first();
            let Some((_, device, id)) = closed.or_else(|| self.opened.first().copied()) else {
                return;
            };
            let Some(incidents) = self.devices.get_mut(&device) else {
                return;
            };
            let Some(index) = incidents.iter().position(|incident| incident.id == id) else {
                return;
            };
            let incident = incidents.remove(index);
            if incidents.is_empty() {
                self.devices.remove(&device);
            }
            self.opened.remove(&(incident.opened_at(), device, id));
            if let Some(at) = incident.closed_at() {
                self.closed.remove(&(at, device, id));
            }
        }
    }
}

#[cfg(test)]
mod tests;
