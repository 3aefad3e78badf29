//! What others read of an incident.

use std::collections::{BTreeMap, BTreeSet};

use protocol::{
    AlertId, Assigned, Capability, DeskId, DeviceId, DeviceState, IncidentId, Lifecycle, Millis,
    Outcome, Position, State, UnixMillis, Verification,
};

use super::{CancelClaim, Incident, Spoken, UnusableFix};
use crate::board::{HistoryItem, LogPlace, Trail};

impl Incident {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> IncidentId {
        self.id
    }

    /// The phone.
    #[must_use]
    pub fn device(&self) -> DeviceId {
        self.device
    }

    /// The alert that opened it.
    #[must_use]
    pub fn alert(&self) -> AlertId {
        self.alert
    }

    /// Whether an alert is one of those that it has gathered.
    #[must_use]
    pub fn gathers(&self, alert: &AlertId) -> bool {
        self.presses.contains(alert)
    }

    /// Where it stands.
    #[must_use]
    pub fn lifecycle(&self) -> &Lifecycle {
        &self.lifecycle
    }

    /// When it was closed, if it is.
    #[must_use]
    pub fn closed_at(&self) -> Option<UnixMillis> {
        let closed = self.lifecycle.closed().map(|(_, at)| *at);
        closed.filter(|_| self.lifecycle.state() == State::Closed)
    }

    /// What is known about the sender.
    #[must_use]
    pub fn verification(&self) -> Verification {
        self.verification
    }

    /// Its token is for practice only.
    #[must_use]
    pub fn drill(&self) -> bool {
        self.drill
    }

    /// The phone says that this is practice.
    #[must_use]
    pub fn exercise(&self) -> bool {
        self.exercise
    }

    /// Something about it could not be read or folded.
    #[must_use]
    pub fn raw(&self) -> bool {
        self.raw
    }

    /// Its first press is older than the board remembers: shown without alarm.
    #[must_use]
    pub fn late(&self) -> bool {
        self.late
    }

    /// Another device uses the same alert id.
    #[must_use]
    pub fn same_alert_elsewhere(&self) -> bool {
        self.same_alert_elsewhere
    }

    /// The phone's clock at the first press.
    #[must_use]
    pub fn pressed_at(&self) -> Option<UnixMillis> {
        self.pressed_at
    }

    /// The interval between positions that the phone intends to keep.
    #[must_use]
    pub fn interval(&self) -> Option<Millis> {
        self.interval
    }

    /// The newest usable fix.
    #[must_use]
    pub fn position(&self) -> Option<&Position> {
        self.position.as_ref().map(|(_, position)| position)
    }

    /// The newest fix, when it says nothing.
    #[must_use]
    pub fn unusable(&self) -> Option<&UnusableFix> {
        self.unusable.as_ref()
    }

    /// Where the person has been.
    #[must_use]
    pub fn trail(&self) -> &Trail {
        &self.trail
    }

    /// Battery.
    #[must_use]
    pub fn device_state(&self) -> DeviceState {
        self.device_state
    }

    /// What the phone can do.
    #[must_use]
    pub fn capability(&self) -> &Capability {
        &self.capability
    }

    /// The assignment in force, and when it was made.
    #[must_use]
    pub fn assigned(&self) -> Option<&(Assigned, UnixMillis)> {
        self.assigned.as_ref()
    }

    /// The newest claim to cancel.
    #[must_use]
    pub fn cancel(&self) -> Option<&CancelClaim> {
        self.cancel.as_ref()
    }

    /// The silent talk, oldest first.
    pub fn talk(&self) -> impl ExactSizeIterator<Item = &Spoken> + DoubleEndedIterator {
        self.talk.iter()
    }

    /// How it ended.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        self.outcome
    }

    /// When a console of each desk first showed or sounded it.
    #[must_use]
    pub fn delivered(&self) -> &BTreeMap<DeskId, UnixMillis> {
        &self.delivered
    }

    /// Every desk that owns it, has owned it, or was told of it.
    #[must_use]
    pub fn desks(&self) -> &BTreeSet<DeskId> {
        &self.desks
    }

    /// What happened, oldest first.
    pub fn history(&self) -> impl Iterator<Item = &HistoryItem> {
        self.history.iter()
    }

    /// The board's change number of its last change.
    #[must_use]
    pub fn change(&self) -> u64 {
        self.change
    }

    /// Where the logs stood at its last change.
    #[must_use]
    pub fn changed_at(&self) -> LogPlace {
        self.changed_at
    }
}
