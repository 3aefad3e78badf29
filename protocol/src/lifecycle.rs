//! How an incident goes from a press to its end: a fold over clear headers and nothing else.
//!
//! Board and relay run the same fold, so that an officer's page and a phone never disagree about
//! which of two decisions took effect.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    AlertId, DecisionHeader, DecisionId, DecisionKind, DeskId, Millis, OfficerId, Progress,
    ReportHeader, ReportNumber, Revision, UnixMillis,
};

/// A further press within this time of the close reopens the incident; a later one opens its own.
pub const REOPEN_WITHIN: Millis = Millis::from_secs(24 * 3600);

/// Decision ids that one incident remembers. An officer types a few dozen; a loop gone wild is cut.
const MAX_DECISIONS: usize = 10_000;

/// Alerts that one incident gathers. A finger presses once a second at most; who presses 1,000
/// times keeps the incident; further alerts are added to it without being told apart, and no longer
/// ring.
const MAX_ALERTS: usize = 1_000;

/// Where an incident stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum State {
    /// Nobody has decided yet whose it is: the national desk's.
    New,
    /// A desk has it and nobody there has acknowledged it.
    Assigned,
    /// An officer has it.
    Acknowledged,
    /// An officer has ended it.
    Closed,
}

/// What an entry did to an incident.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// The state or what belongs to it is another now.
    Changed,
    /// Something was added; the state is the same.
    Added,
    /// Seen before: nothing happened.
    Duplicate,
    /// Made on a revision that is no longer the newest, or impossible in this state: kept as
    /// history, without effect.
    Superseded,
}

/// An incident's state and what changed it last.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lifecycle {
    state: State,
    revision: Revision,
    owner_desk: Option<DeskId>,
    due_at: Option<UnixMillis>,
    opened_at: UnixMillis,
    presses: u32,
    last_press_at: UnixMillis,
    last_report_at: UnixMillis,
    acknowledged: Option<(OfficerId, UnixMillis)>,
    closed: Option<(OfficerId, UnixMillis)>,
    reopened: bool,
    reports: BTreeMap<AlertId, NumberSet>,
    decisions: BTreeSet<DecisionId>,
}

impl Lifecycle {
    /// Begins with the first report that is seen of an alert, whatever its kind.
    #[must_use]
    pub fn open(report: &ReportHeader, time: UnixMillis) -> Self {
        let mut lifecycle = Self {
            state: State::New,
            revision: Revision(1),
            owner_desk: None,
            due_at: None,
            opened_at: time,
            presses: 0,
            last_press_at: time,
            last_report_at: time,
            acknowledged: None,
            closed: None,
            reopened: false,
            reports: BTreeMap::new(),
            decisions: BTreeSet::new(),
        };
        lifecycle.remember(report);
        lifecycle.presses = 1;
        lifecycle
    }

    /// Folds a further report of the incident's device.
    pub fn report(&mut self, report: &ReportHeader, time: UnixMillis) -> Effect {
        let known_alert = self.reports.contains_key(&report.alert) || self.is_full();
        if !self.remember(report) {
            return Effect::Duplicate;
        }
        self.last_report_at = self.last_report_at.max(time);
        // A further press is another alert; whatever is heard of it first speaks for its raise.
        if known_alert {
            return Effect::Added;
        }
        self.presses = self.presses.saturating_add(1);
        self.last_press_at = time;
        match self.state {
            State::New | State::Assigned => return Effect::Added,
            State::Acknowledged => {}
            State::Closed => self.reopened = true,
        }
        self.state = if self.owner_desk.is_some() {
            State::Assigned
        } else {
            State::New
        };
        self.due_at = None;
        self.revision = self.revision.next();
        Effect::Changed
    }

    /// Folds a decision about the incident.
    pub fn decide(&mut self, decision: &DecisionHeader, time: UnixMillis) -> Effect {
        if self.decisions.contains(&decision.id) {
            return Effect::Duplicate;
        }
        if self.is_ahead(decision) {
            // Not remembered: it counts when it comes again, behind what it was made on.
            return Effect::Superseded;
        }
        if self.decisions.len() < MAX_DECISIONS {
            self.decisions.insert(decision.id);
        }
        if !decision.kind.changes_state() {
            return Effect::Added;
        }
        if decision.revision != self.revision || !self.allows(decision) {
            return Effect::Superseded;
        }
        let officer = decision.officer.clone();
        match decision.kind {
            DecisionKind::Assigned => {
                self.owner_desk = decision.owner_desk.clone();
                self.due_at = decision.due_at;
                if self.state == State::New {
                    self.state = State::Assigned;
                }
            }
            DecisionKind::Acknowledged => {
                self.state = State::Acknowledged;
                self.due_at = None;
                self.acknowledged = officer.clone().map(|officer| (officer, time));
            }
            DecisionKind::Closed => {
                self.state = State::Closed;
                self.due_at = None;
                self.closed = officer.clone().map(|officer| (officer, time));
            }
            _ => {}
        }
        self.revision = self.revision.next();
        Effect::Changed
    }

    /// Whether a decision was made on a revision that is not here yet: its author has read more of the log than there is
    /// now, and a failover has taken what lay between.
    #[must_use]
    pub fn is_ahead(&self, decision: &DecisionHeader) -> bool {
        decision.kind.changes_state() && decision.revision > self.revision
    }

    fn allows(&self, decision: &DecisionHeader) -> bool {
        match decision.kind {
            DecisionKind::Assigned => self.state != State::Closed && decision.owner_desk.is_some(),
            DecisionKind::Acknowledged => {
                matches!(self.state, State::New | State::Assigned) && decision.officer.is_some()
            }
            DecisionKind::Closed => self.state != State::Closed && decision.officer.is_some(),
            _ => true,
        }
    }

    /// Whether a press at `time` belongs to this incident and not to a new one.
    #[must_use]
    pub fn gathers_press_at(&self, time: UnixMillis) -> bool {
        match &self.closed {
            // A full one would take the press in without a sound.
            Some((_, closed_at)) if self.state == State::Closed => {
                !self.is_full() && time.since(*closed_at) <= REOPEN_WITHIN
            }
            _ => true,
        }
    }

    /// Whether further alerts are no longer told apart, and so no longer count as presses.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.reports.len() >= MAX_ALERTS
    }

    /// False when this report was seen before.
    fn remember(&mut self, report: &ReportHeader) -> bool {
        if !self.reports.contains_key(&report.alert) && self.is_full() {
            return true;
        }
        self.reports
            .entry(report.alert)
            .or_default()
            .insert(report.number)
    }

    /// Where the incident stands.
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }

    /// How often its state has changed, beginning with 1.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// The desk that answers for it, once one is decided.
    #[must_use]
    pub fn owner_desk(&self) -> Option<&DeskId> {
        self.owner_desk.as_ref()
    }

    /// Until when somebody must have acknowledged.
    #[must_use]
    pub fn due_at(&self) -> Option<UnixMillis> {
        self.due_at
    }

    /// When its first report was stamped.
    #[must_use]
    pub fn opened_at(&self) -> UnixMillis {
        self.opened_at
    }

    /// How often the button was pressed.
    #[must_use]
    pub fn presses(&self) -> u32 {
        self.presses
    }

    /// When the button was pressed last.
    #[must_use]
    pub fn last_press_at(&self) -> UnixMillis {
        self.last_press_at
    }

    /// When the phone said anything last.
    #[must_use]
    pub fn last_report_at(&self) -> UnixMillis {
        self.last_report_at
    }

    /// Notes that the phone has said something that is not in the alert log.
    pub fn heard_at(&mut self, time: UnixMillis) {
        self.last_report_at = self.last_report_at.max(time);
    }

    /// Who acknowledged last, and when.
    #[must_use]
    pub fn acknowledged(&self) -> Option<&(OfficerId, UnixMillis)> {
        self.acknowledged.as_ref()
    }

    /// Who closed last, and when.
    #[must_use]
    pub fn closed(&self) -> Option<&(OfficerId, UnixMillis)> {
        self.closed.as_ref()
    }

    /// Whether it was closed before and pressed again.
    #[must_use]
    pub fn reopened(&self) -> bool {
        self.reopened
    }

    /// The alerts that it has gathered.
    pub fn alerts(&self) -> impl ExactSizeIterator<Item = &AlertId> {
        self.reports.keys()
    }

    /// What the phone is told.
    #[must_use]
    pub fn progress(&self) -> Progress {
        match self.state {
            State::New => Progress::Received,
            State::Assigned => Progress::Routed,
            State::Acknowledged => Progress::Seen,
            State::Closed => Progress::Closed,
        }
    }
}

/// Report numbers, kept as runs: a phone counts upwards and skips at restarts.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NumberSet {
    /// First number of each run to its last.
    runs: BTreeMap<u64, u64>,
}

/// Runs that are kept of one alert. Each restart of a phone begins one; the lowest go first, and a
/// report from a forgotten gap counts as seen.
const MAX_RUNS: usize = 1_000;

impl NumberSet {
    /// Adds a number; false when it was there.
    pub fn insert(&mut self, number: ReportNumber) -> bool {
        let number = number.0;
        let before = self
            .runs
            .range(..=number)
            .next_back()
            .map(|(first, last)| (*first, *last));
        if before.is_some_and(|(_, last)| number <= last) {
            return false;
        }
        let joined = before.filter(|(_, last)| last.checked_add(1) == Some(number));
        let first = joined.map_or(number, |(first, _)| first);
        let last = number
            .checked_add(1)
            .and_then(|next| self.runs.remove(&next))
            .unwrap_or(number);
        self.runs.insert(first, last);
        if self.runs.len() > MAX_RUNS {
            self.forget_a_gap();
        }
        true
    }

    /// Whether a number was added.
    #[must_use]
    pub fn contains(&self, number: ReportNumber) -> bool {
        let number = number.0;
        self.runs
            .range(..=number)
            .next_back()
            .is_some_and(|(_, last)| number <= *last)
    }

    /// Joins the two lowest runs.
    fn forget_a_gap(&mut self) {
        if let (Some((first, _)), Some((_, last))) = (self.runs.pop_first(), self.runs.pop_first())
        {
            self.runs.insert(first, last);
        }
    }
}

#[cfg(test)]
mod tests;
