//! The card: an incident as a console shows it. What is unknown is absent.

mod parts;

use protocol::{
    Assigned, DeskId, IncidentId, OfficerId, State, UnixMillis, Unusable, Verification,
};
use serde::Serialize;

use crate::board::Incident;
use crate::jurisdiction::JurisdictionMap;
use crate::unlogged::Shown;

pub use parts::{
    AssignmentCard, CancelCard, CapabilityCard, ClosedCard, DeskCard, OfficerAt, PositionCard,
    RunnerUpCard, SpokenCard, TalkCard, UnusableCard,
};

/// An incident as a console shows it.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[cfg_attr(feature = "io", derive(utoipa::ToSchema))]
pub struct Card {
    /// The incident.
    #[cfg_attr(feature = "io", schema(value_type = String, format = "uuid"))]
    pub id: IncidentId,
    /// Counts the changes of its state; commands name it.
    pub revision: u64,
    /// `new`, `assigned`, `acknowledged` or `closed`.
    pub state: &'static str,
    /// The assignment has been computed and is not durable yet.
    #[serde(skip_serializing_if = "is_false")]
    pub pending: bool,
    /// A relay has it and the log does not, or not all of it: what changes its state waits until the log has it.
    #[serde(skip_serializing_if = "is_false")]
    pub unlogged: bool,
    /// Something about it could not be read: look at its history.
    #[serde(skip_serializing_if = "is_false")]
    pub raw: bool,
    /// Older than the board remembers: shown without alarm.
    #[serde(skip_serializing_if = "is_false")]
    pub late: bool,
    /// The phone says that this is practice; treated as real.
    #[serde(skip_serializing_if = "is_false")]
    pub exercise: bool,
    /// The token is for practice only.
    #[serde(skip_serializing_if = "is_false")]
    pub drill: bool,
    /// Was closed, and the button was pressed again.
    #[serde(skip_serializing_if = "is_false")]
    pub reopened: bool,
    /// Another device uses the same alert id.
    #[serde(skip_serializing_if = "is_false")]
    pub same_alert_id_elsewhere: bool,
    /// `verified` or `unverified`.
    pub verification: &'static str,
    /// Why not verified: `missing`, `expired`, `foreign` or `malformed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verification_reason: Option<&'static str>,
    /// Stamped by the relay at the first report. Milliseconds since 1970, as all times here.
    pub raised_at_ms: i64,
    /// The phone's own clock at the press.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pressed_at_ms: Option<i64>,
    /// How often the button was pressed.
    pub presses: u32,
    /// When it was pressed last.
    pub last_press_at_ms: i64,
    /// When the phone said anything last.
    pub last_report_at_ms: i64,
    /// Interval at which the phone means to send positions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected_interval_ms: Option<u64>,
    /// Until when an officer must have acknowledged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_at_ms: Option<i64>,
    /// The desk that owns it.
    pub station: DeskCard,
    /// Why it is theirs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assignment: Option<AssignmentCard>,
    /// The newest usable fix.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<PositionCard>,
    /// The newest fix says nothing; `position` is the last good one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position_unusable: Option<UnusableCard>,
    /// Longitude, latitude, time; oldest first.
    pub trail: Vec<(f64, f64, i64)>,
    /// Charge of the phone's battery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub battery_percent: Option<u8>,
    /// On a charger.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub charging: Option<bool>,
    /// What the phone can do.
    pub capability: CapabilityCard,
    /// Who has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acknowledged_by: Option<OfficerAt>,
    /// Who ended it, and how.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed: Option<ClosedCard>,
    /// The phone claims that it is to end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cancel: Option<CancelCard>,
    /// The silent talk.
    pub talk: TalkCard,
    /// When a console of the owning desk first showed or sounded it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivered_at_ms: Option<i64>,
}

pub(crate) fn is_false(value: &bool) -> bool {
    !value
}

/// What a card needs besides the incident.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// Names of desks and areas.
    pub map: &'a JurisdictionMap,
    /// What others read for an officer.
    pub officer_name: &'a dyn Fn(&OfficerId) -> String,
    /// An assignment that has been computed and is not durable yet.
    pub pending: Option<&'a Assigned>,
    /// The deadline that goes with what is not durable yet: it runs whatever the log does.
    pub pending_due: Option<UnixMillis>,
    /// What the log does not have of it, when that is so.
    pub unlogged: Option<&'a Shown>,
    /// No deadline lies later than this (rule 6 of the log: a clock that jumps may shorten a wait).
    pub latest_due: UnixMillis,
}

impl Card {
    /// Draws an incident.
    #[must_use]
    pub fn of(incident: &Incident, around: Surroundings<'_>) -> Self {
        let lifecycle = incident.lifecycle();
        let officer_at = |(id, at): &(OfficerId, UnixMillis)| OfficerAt {
            user: id.to_string(),
            name: (around.officer_name)(id),
            at_ms: at.as_i64(),
        };
        let pending = around.pending.filter(|_| lifecycle.state() == State::New);
        let owner = match pending {
            Some(assigned) => owner_of(assigned),
            None => lifecycle
                .owner_desk()
                .cloned()
                .unwrap_or_else(DeskId::national),
        };
        let (assigned, assigned_at) = match (pending, incident.assigned()) {
            (Some(assigned), _) => (Some(assigned), None),
            (None, Some((assigned, at))) => (Some(assigned), Some(at.as_i64())),
            (None, None) => (None, None),
        };
        // What is pending is in the log before whatever an officer decides on this card.
        let revision = match pending {
            Some(_) => lifecycle.revision().next(),
            None => lifecycle.revision(),
        };
        Self {
            id: incident.id(),
            revision: revision.0,
            state: state_word(lifecycle.state()),
            pending: pending.is_some(),
            unlogged: around.unlogged.is_some(),
            raw: incident.raw(),
            late: incident.late(),
            exercise: incident.exercise(),
            drill: incident.drill(),
            reopened: lifecycle.reopened(),
            same_alert_id_elsewhere: incident.same_alert_elsewhere(),
            verification: if incident.verification().is_verified() {
                "verified"
            } else {
                "unverified"
            },
            verification_reason: verification_word(incident.verification()),
            raised_at_ms: lifecycle.opened_at().as_i64(),
            pressed_at_ms: incident.pressed_at().map(UnixMillis::as_i64),
            presses: lifecycle.presses(),
            last_press_at_ms: lifecycle.last_press_at().as_i64(),
            last_report_at_ms: lifecycle.last_report_at().as_i64(),
            expected_interval_ms: incident.interval().map(|interval| interval.0),
            due_at_ms: lifecycle
                .due_at()
                .or_else(|| around.unlogged?.due_at())
                .or(around.pending_due)
                .map(|due| due.min(around.latest_due).as_i64()),
            station: DeskCard::of(&owner, around.map),
            assignment: assigned.map(|one| AssignmentCard::of(one, assigned_at, around.map)),
            position: incident.position().map(PositionCard::of),
            position_unusable: incident.unusable().map(|fix| UnusableCard {
                reason: unusable_word(fix.reason),
                at_ms: fix.time.as_i64(),
            }),
            trail: incident
                .trail()
                .points()
                .map(|point| (point.at.lon_deg(), point.at.lat_deg(), point.time.as_i64()))
                .collect(),
            battery_percent: incident.device_state().battery_percent,
            charging: incident.device_state().charging,
            capability: CapabilityCard::of(incident.capability()),
            acknowledged_by: lifecycle.acknowledged().map(officer_at),
            closed: lifecycle
                .closed()
                .filter(|_| lifecycle.state() == State::Closed)
                .map(|by| ClosedCard {
                    by: officer_at(by),
                    outcome: incident.outcome().map(protocol::Outcome::as_str),
                }),
            cancel: incident.cancel().map(|claim| CancelCard {
                claimed_at_ms: claim.time.as_i64(),
                meaning: claim.meaning.as_str(),
            }),
            talk: TalkCard::of(incident, around.officer_name),
            delivered_at_ms: incident.delivered().get(&owner).map(|at| at.as_i64()),
        }
    }
}

/// The desk to which an assignment gives an incident.
#[must_use]
pub fn owner_of(assigned: &Assigned) -> DeskId {
    assigned
        .assignment
        .jurisdiction
        .as_ref()
        .map_or_else(DeskId::national, DeskId::station)
}

fn state_word(state: State) -> &'static str {
    match state {
        State::New => "new",
        State::Assigned => "assigned",
        State::Acknowledged => "acknowledged",
        State::Closed => "closed",
    }
}

fn verification_word(verification: Verification) -> Option<&'static str> {
    match verification {
        Verification::Verified => None,
        Verification::NoToken => Some("missing"),
        Verification::Expired => Some("expired"),
        Verification::Foreign => Some("foreign"),
        Verification::Malformed => Some("malformed"),
    }
}

fn unusable_word(reason: Unusable) -> &'static str {
    match reason {
        Unusable::NotFinite => "not_finite",
        Unusable::OutOfRange => "out_of_range",
        Unusable::NullIsland => "null_island",
    }
}
