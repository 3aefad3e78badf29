//! The card: an incident as a console shows it. What is unknown is absent.

use protocol::{
    Assigned, Capability, Datum, DeskId, HearsText, IncidentId, JurisdictionId, LatLon, OfficerId,
    Position, Source, State, UnixMillis, Unusable, Verification,
};
use serde::Serialize;

use crate::board::{Incident, Speaker};
use crate::desk::Desk;
use crate::jurisdiction::JurisdictionMap;

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

fn is_false(value: &bool) -> bool {
    !value
}

/// A desk by name.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[cfg_attr(feature = "io", derive(utoipa::ToSchema))]
pub struct DeskCard {
    /// `station:…`, `province:…` or `national`.
    pub id: String,
    /// What an officer reads.
    pub name: String,
    /// The provincial agency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agency: Option<String>,
}

/// Why an incident belongs to its desk.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[cfg_attr(feature = "io", derive(utoipa::ToSchema))]
pub struct AssignmentCard {
    /// `inside`, `border`, `overlap`, `majority`, `split`, `nearest` or `none`.
    pub reason: &'static str,
    /// Metres to the area, or to the station where the map has no areas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distance_m: Option<f64>,
    /// Probability between 0 and 1 that the phone is in the area.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    /// Who else it might be.
    pub runners_up: Vec<RunnerUpCard>,
    /// The map it was made with.
    pub map_version: String,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_ms: Option<i64>,
}

/// Somebody else whose place it might be.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[cfg_attr(feature = "io", derive(utoipa::ToSchema))]
pub struct RunnerUpCard {
    /// The jurisdiction.
    pub id: String,
    /// What an officer reads.
    pub name: String,
    /// Probability between 0 and 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    /// Metres from the fix to the area.
    pub distance_m: f64,
}

/// Where the phone is.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[cfg_attr(feature = "io", derive(utoipa::ToSchema))]
pub struct PositionCard {
    /// WGS84 degrees, north positive.
    pub lat: f64,
    /// WGS84 degrees, east positive.
    pub lon: f64,
    /// Radius of uncertainty in metres.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub radius_m: Option<f64>,
    /// How sure the phone is of the radius, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence_percent: Option<f64>,
    /// When the fix was made, by the phone's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix_at_ms: Option<i64>,
    /// `gnss`, `wifi`, `cell`, `fused`, `manual` or `unknown`.
    pub source: &'static str,
    /// Metres above the datum.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub altitude_m: Option<f64>,
    /// `ellipsoid`, `sea_level` or `unknown`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub altitude_datum: Option<&'static str>,
    /// As the phone sent it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floor: Option<String>,
    /// Metres per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speed_mps: Option<f64>,
    /// Degrees clockwise from north.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bearing_deg: Option<f64>,
    /// An app made it up, says the phone's system.
    #[serde(skip_serializing_if = "is_false")]
    pub mocked: bool,
    /// The person allows only a coarse position.
    #[serde(skip_serializing_if = "is_false")]
    pub coarse: bool,
}

/// A fix that says nothing.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[cfg_attr(feature = "io", derive(utoipa::ToSchema))]
pub struct UnusableCard {
    /// `out_of_range`, `null_island` or `not_finite`.
    pub reason: &'static str,
    /// When it came.
    pub at_ms: i64,
}

/// What the phone can do.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[cfg_attr(feature = "io", derive(utoipa::ToSchema))]
pub struct CapabilityCard {
    /// `covertly`, `visibly`, `not` or `unknown`.
    pub hears_text: &'static str,
    /// What a visible action would show on this phone.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub shows: String,
}

/// An officer, and when.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[cfg_attr(feature = "io", derive(utoipa::ToSchema))]
pub struct OfficerAt {
    /// The name under which they sign in.
    pub user: String,
    /// What others read.
    pub name: String,
    /// When.
    pub at_ms: i64,
}

/// How it ended.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[cfg_attr(feature = "io", derive(utoipa::ToSchema))]
pub struct ClosedCard {
    /// Who ended it.
    pub by: OfficerAt,
    /// `helped`, `false_press`, `duplicate`, `unreachable` or `other`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<&'static str>,
}

/// The phone claims that it is to end. Officers see what it meant, and decide.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[cfg_attr(feature = "io", derive(utoipa::ToSchema))]
pub struct CancelCard {
    /// When it came.
    pub claimed_at_ms: i64,
    /// `no_code`, `mistaken`, `safe`, `duress` or `unreadable`.
    pub meaning: &'static str,
}

/// The silent talk, in short.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
#[cfg_attr(feature = "io", derive(utoipa::ToSchema))]
pub struct TalkCard {
    /// How many messages there are.
    pub count: usize,
    /// Messages of the phone since the last one of an officer.
    pub unread: usize,
    /// The newest one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<SpokenCard>,
}

/// One message.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[cfg_attr(feature = "io", derive(utoipa::ToSchema))]
pub struct SpokenCard {
    /// `phone` or `officer`.
    pub from: &'static str,
    /// The words.
    pub text: String,
    /// When.
    pub at_ms: i64,
    /// The officer's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
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
        Self {
            id: incident.id(),
            revision: lifecycle.revision().0,
            state: state_word(lifecycle.state()),
            pending: pending.is_some(),
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

impl DeskCard {
    /// Names a desk by the map.
    #[must_use]
    pub fn of(id: &DeskId, map: &JurisdictionMap) -> Self {
        let desk = Desk::parse(id.as_str());
        let agency = match &desk {
            Ok(Desk::Station(jurisdiction)) => map.agency(jurisdiction).map(str::to_owned),
            _ => None,
        };
        let name = desk.map_or_else(|_| id.to_string(), |desk| desk.name(map));
        Self {
            id: id.to_string(),
            name,
            agency,
        }
    }
}

impl AssignmentCard {
    fn of(assigned: &Assigned, at_ms: Option<i64>, map: &JurisdictionMap) -> Self {
        let assignment = &assigned.assignment;
        let name = |id: &JurisdictionId| map.name(id).unwrap_or(id.as_str()).to_owned();
        Self {
            reason: assignment.reason.as_str(),
            distance_m: assignment.distance_m,
            probability: assignment.probability,
            runners_up: assignment
                .runners_up
                .iter()
                .map(|other| RunnerUpCard {
                    id: other.jurisdiction.to_string(),
                    name: name(&other.jurisdiction),
                    probability: other.probability,
                    distance_m: other.distance_m,
                })
                .collect(),
            map_version: assigned.map.as_str().to_owned(),
            at_ms,
        }
    }
}

impl PositionCard {
    fn of(position: &Position) -> Self {
        let at: LatLon = position.at;
        Self {
            lat: at.lat_deg(),
            lon: at.lon_deg(),
            radius_m: position.radius.map(protocol::RadiusMetres::metres),
            confidence_percent: position
                .confidence
                .map(protocol::ConfidencePercent::percent),
            fix_at_ms: position.fix_at.map(UnixMillis::as_i64),
            source: match position.source {
                Source::Unknown => "unknown",
                Source::Gnss => "gnss",
                Source::Wifi => "wifi",
                Source::Cell => "cell",
                Source::Fused => "fused",
                Source::Manual => "manual",
            },
            altitude_m: position.altitude.map(|altitude| altitude.metres),
            altitude_datum: position.altitude.map(|altitude| match altitude.datum {
                Datum::Unknown => "unknown",
                Datum::Ellipsoid => "ellipsoid",
                Datum::SeaLevel => "sea_level",
            }),
            floor: position.floor.clone(),
            speed_mps: position.speed_mps,
            bearing_deg: position.bearing_deg,
            mocked: position.mocked,
            coarse: position.coarse,
        }
    }
}

impl CapabilityCard {
    fn of(capability: &Capability) -> Self {
        Self {
            hears_text: match capability.hears_text {
                HearsText::Unknown => "unknown",
                HearsText::Covertly => "covertly",
                HearsText::Visibly => "visibly",
                HearsText::Not => "not",
            },
            shows: capability.shows.clone(),
        }
    }
}

impl TalkCard {
    fn of(incident: &Incident, officer_name: &dyn Fn(&OfficerId) -> String) -> Self {
        let last = incident.talk().next_back().map(|spoken| SpokenCard {
            from: match spoken.speaker {
                Speaker::Phone => "phone",
                Speaker::Officer(_) => "officer",
            },
            text: spoken.text.clone(),
            at_ms: spoken.time.as_i64(),
            by: match &spoken.speaker {
                Speaker::Phone => None,
                Speaker::Officer(id) => Some(officer_name(id)),
            },
        });
        let unread = incident
            .talk()
            .rev()
            .take_while(|spoken| spoken.speaker == Speaker::Phone)
            .count();
        Self {
            count: incident.talk().len(),
            unread,
            last,
        }
    }
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
