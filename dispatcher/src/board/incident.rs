//! One incident: its lifecycle, and what the opened bodies add to it.

mod decided;
mod facts;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use journal::Offset;
use protocol::{
    AlertId, Assigned, CancelMeaning, Capability, Content, DeskId, DeviceId, DeviceState, Effect,
    Fix, IncidentId, Lifecycle, Millis, OfficerId, Outcome, Position, Raise, Report, ReportHeader,
    State, UnixMillis, Unusable, Verification,
};

use super::LogPlace;
use super::history::{HistoryItem, HistoryKind};
use super::trail::{FixKey, Trail, TrailPoint};
use crate::opened::Body;

/// Lines of history that an incident keeps in memory; the log has them all.
const MAX_HISTORY: usize = 1_000;

/// Words of a talk that are kept in memory; the log has them all.
const MAX_TALK: usize = 200;

/// An alert as officers handle it.
#[derive(Clone, PartialEq, Debug)]
pub struct Incident {
    id: IncidentId,
    device: DeviceId,
    alert: AlertId,
    lifecycle: Lifecycle,
    verification: Verification,
    drill: bool,
    exercise: bool,
    raw: bool,
    late: bool,
    same_alert_elsewhere: bool,
    pressed_at: Option<UnixMillis>,
    interval: Option<Millis>,
    /// The alerts in the order in which the site heard of them.
    presses: Vec<AlertId>,
    position: Option<(Place, Position)>,
    unusable: Option<UnusableFix>,
    trail: Trail,
    device_state: DeviceState,
    capability: Capability,
    assigned: Option<(Assigned, UnixMillis)>,
    cancel: Option<CancelClaim>,
    talk: VecDeque<Spoken>,
    outcome: Option<Outcome>,
    delivered: BTreeMap<DeskId, UnixMillis>,
    desks: BTreeSet<DeskId>,
    history: VecDeque<HistoryItem>,
    change: u64,
    changed_at: LogPlace,
}

/// The latest fix was none; the last good one is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UnusableFix {
    /// Why it says nothing.
    pub reason: Unusable,
    /// When its report was stamped.
    pub time: UnixMillis,
    place: Place,
}

/// Where a fix stands among those of its incident.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Place {
    key: FixKey,
    /// When the fix was made, by the site's clock.
    made_at: UnixMillis,
    alert: AlertId,
}

impl Place {
    /// The place of a fix that was said in a report stamped at `stamped_at`. Its age is the phone's
    /// own clock against itself, so that neither a wrong clock nor presses kept without a network
    /// and sent together mislead: what was sent late was made early.
    fn of(key: FixKey, said: &Report, fix: &Fix, stamped_at: UnixMillis) -> Self {
        let told = fix.as_ref().ok().and_then(|position| position.fix_at);
        let pressed = || match said.content {
            Content::Raise(_) => said.alert.made_at(),
            _ => None,
        };
        let age = match (said.sent_at, told.or_else(pressed)) {
            (Some(sent_at), Some(made_at)) => sent_at.since(made_at),
            _ => Millis(0),
        };
        Self {
            key,
            made_at: stamped_at.minus(age),
            alert: said.alert,
        }
    }

    /// Within a press the numbers tell which is newer; between two presses the site's clock does, for
    /// an app may go on under the older one.
    fn is_newer_than(&self, known: &Self) -> bool {
        if self.key.press() == known.key.press() {
            self.key > known.key
        } else {
            (self.made_at, self.alert) >= (known.made_at, known.alert)
        }
    }
}

/// The phone said that the alert is to end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CancelClaim {
    /// When the relay stamped it.
    pub time: UnixMillis,
    /// What its code means.
    pub meaning: CancelMeaning,
}

/// One message of the silent talk.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Spoken {
    /// Who wrote.
    pub speaker: Speaker,
    /// The words.
    pub text: String,
    /// When they were appended.
    pub time: UnixMillis,
}

/// Who wrote.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Speaker {
    /// The person.
    Phone,
    /// An officer.
    Officer(OfficerId),
}

impl Incident {
    /// Opens an incident with the first report that is seen of it.
    #[must_use]
    pub fn open(
        id: IncidentId,
        offset: Offset,
        report: &ReportHeader,
        body: &Body,
        time: UnixMillis,
    ) -> Self {
        let mut incident = Self::bare(id, report, time);
        incident.take_body(report, body, time);
        incident.note_report(offset, report, body, time, HistoryKind::Report(report.kind));
        incident
    }

    /// Opens an incident whose report could not be folded: nobody knows more than that it is there.
    #[must_use]
    pub fn open_raw(
        id: IncidentId,
        offset: Offset,
        report: &ReportHeader,
        time: UnixMillis,
    ) -> Self {
        let mut incident = Self::bare(id, report, time);
        incident.raw = true;
        incident.note_report(
            offset,
            report,
            &Body::Gone,
            time,
            HistoryKind::Report(report.kind),
        );
        incident
    }

    fn bare(id: IncidentId, report: &ReportHeader, time: UnixMillis) -> Self {
        Self {
            id,
            device: report.device,
            alert: report.alert,
            lifecycle: Lifecycle::open(report, time),
            verification: report.verification,
            drill: report.drill,
            exercise: false,
            raw: false,
            late: false,
            same_alert_elsewhere: false,
            pressed_at: None,
            interval: None,
            presses: vec![report.alert],
            position: None,
            unusable: None,
            trail: Trail::default(),
            device_state: DeviceState::default(),
            capability: Capability::default(),
            assigned: None,
            cancel: None,
            talk: VecDeque::new(),
            outcome: None,
            delivered: BTreeMap::new(),
            desks: BTreeSet::new(),
            history: VecDeque::new(),
            change: 0,
            changed_at: LogPlace::default(),
        }
    }

    /// Whether a press is older than the board remembers: by the phone's own clock alone, which made the
    /// alert's id at the press and stamped the frame when it was sent. A clock that is wrong is wrong in
    /// both.
    pub(super) fn is_late(report: &ReportHeader, body: &Body, memory: Millis) -> bool {
        let (Body::Report(said) | Body::Cancel(said, _)) = body else {
            return false;
        };
        let (Some(made_at), Some(sent_at)) = (report.alert.made_at(), said.sent_at) else {
            return false;
        };
        sent_at.since(made_at) > memory
    }

    /// Folds a further report of the alert log.
    pub fn report(
        &mut self,
        offset: Offset,
        report: &ReportHeader,
        body: &Body,
        time: UnixMillis,
    ) -> Effect {
        let presses = self.lifecycle.presses();
        let was_closed = self.lifecycle.state() == State::Closed;
        let effect = self.lifecycle.report(report, time);
        if effect == Effect::Duplicate {
            return effect;
        }
        if self.presses.len() < self.lifecycle.alerts().len() {
            self.presses.push(report.alert);
        }
        // One valid token is enough: the same phone may have sent its first report without it.
        if report.verification.is_verified() {
            self.verification = report.verification;
        }
        self.take_body(report, body, time);
        let kind = if self.lifecycle.presses() == presses {
            HistoryKind::Report(report.kind)
        } else if was_closed {
            HistoryKind::Reopened
        } else {
            HistoryKind::FurtherPress
        };
        self.note_report(offset, report, body, time, kind);
        effect
    }

    /// Folds a position or trail of the track log; false when it adds nothing.
    pub fn track(&mut self, report: &ReportHeader, body: &Body, time: UnixMillis) -> bool {
        let Body::Report(said) = body else {
            return false;
        };
        let mut added = false;
        match &said.content {
            Content::Position(fix) => {
                added = self.take_fix(self.key_of(report, 0), said, fix, time);
            }
            Content::Trail(fixes) => {
                for (part, fix) in (0..).zip(fixes) {
                    added |= self.take_fix(self.key_of(report, part), said, fix, time);
                }
            }
            _ => {}
        }
        self.lifecycle.heard_at(time);
        added
    }

    fn take_body(&mut self, report: &ReportHeader, body: &Body, time: UnixMillis) {
        let said = match body {
            Body::Report(said) => said,
            Body::Cancel(_, meaning) => {
                self.claim_cancel(*meaning, time);
                return;
            }
            Body::Decision(_) | Body::None | Body::Gone => {
                self.raw = true;
                return;
            }
        };
        match &said.content {
            Content::Raise(raise) => self.take_raise(report, said, raise, time),
            // Tracks have a log of their own; here they only open an incident.
            Content::Position(_) | Content::Trail(_) => drop(self.track(report, body, time)),
            Content::Text(text) => {
                self.say(Spoken {
                    speaker: Speaker::Phone,
                    text: text.clone(),
                    time,
                });
            }
            Content::DeviceState(state) => self.take_device_state(*state),
            Content::Cancel(_) | Content::Unknown => {}
        }
    }

    /// Whoever forces a person to cancel can force them to cancel again: duress stays.
    fn claim_cancel(&mut self, meaning: CancelMeaning, time: UnixMillis) {
        let is_duress = |claim: &CancelClaim| claim.meaning == CancelMeaning::Duress;
        if !self.cancel.as_ref().is_some_and(is_duress) {
            self.cancel = Some(CancelClaim { time, meaning });
        }
    }

    fn take_raise(
        &mut self,
        report: &ReportHeader,
        said: &Report,
        raise: &Raise,
        time: UnixMillis,
    ) {
        self.pressed_at = self.pressed_at.or(report.alert.made_at()).or(said.sent_at);
        self.exercise |= raise.exercise;
        self.interval = raise.interval.or(self.interval);
        self.take_device_state(raise.device_state);
        if raise.capability != Capability::default() {
            self.capability = raise.capability.clone();
        }
        if let Some(fix) = &raise.fix {
            self.take_fix(self.key_of(report, 0), said, fix, time);
        }
    }

    fn take_device_state(&mut self, state: DeviceState) {
        self.device_state.battery_percent =
            state.battery_percent.or(self.device_state.battery_percent);
        self.device_state.charging = state.charging.or(self.device_state.charging);
    }

    fn take_fix(&mut self, key: FixKey, said: &Report, fix: &Fix, stamped_at: UnixMillis) -> bool {
        let place = Place::of(key, said, fix, stamped_at);
        let known = self.position.as_ref().map(|(known, _)| known);
        let is_newest = known.is_none_or(|known| place.is_newer_than(known));
        match fix {
            Err(reason) => {
                let known = self.unusable.as_ref().map(|unusable| &unusable.place);
                let newest = is_newest && known.is_none_or(|known| place.is_newer_than(known));
                if newest {
                    let (reason, time) = (*reason, stamped_at);
                    self.unusable = Some(UnusableFix {
                        reason,
                        time,
                        place,
                    });
                }
                newest
            }
            Ok(position) => {
                if self.trail.contains(&key) {
                    return false;
                }
                let time = position.fix_at.unwrap_or(stamped_at);
                self.trail.insert(
                    key,
                    TrailPoint {
                        at: position.at,
                        time,
                    },
                );
                if is_newest {
                    self.position = Some((place, position.clone()));
                    self.unusable = self
                        .unusable
                        .filter(|known| known.place.is_newer_than(&place));
                }
                true
            }
        }
    }

    /// The key of a fix; an alert beyond those that are told apart counts as the last.
    fn key_of(&self, report: &ReportHeader, part: u16) -> FixKey {
        let press = self.presses.iter().position(|alert| *alert == report.alert);
        FixKey::new(press.unwrap_or(self.presses.len()), report.number, part)
    }

    fn say(&mut self, spoken: Spoken) {
        if self.talk.len() == MAX_TALK {
            self.talk.pop_front();
        }
        self.talk.push_back(spoken);
    }

    pub(super) fn mark_raw(&mut self) {
        self.raw = true;
    }

    pub(super) fn mark_late(&mut self) {
        self.late = true;
    }

    pub(super) fn mark_same_alert_elsewhere(&mut self) {
        self.same_alert_elsewhere = true;
    }

    pub(super) fn set_change(&mut self, change: u64, at: LogPlace) {
        self.change = change;
        self.changed_at = at;
    }
}
