//! What a card is made of.

use protocol::{
    Assigned, Capability, Datum, DeskId, HearsText, JurisdictionId, LatLon, OfficerId, Position,
    Source, UnixMillis,
};
use serde::Serialize;

use super::is_false;
use crate::board::{Incident, Speaker};
use crate::desk::Desk;
use crate::jurisdiction::JurisdictionMap;

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
    pub(super) fn of(assigned: &Assigned, at_ms: Option<i64>, map: &JurisdictionMap) -> Self {
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
    pub(super) fn of(position: &Position) -> Self {
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
    pub(super) fn of(capability: &Capability) -> Self {
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
    pub(super) fn of(incident: &Incident, officer_name: &dyn Fn(&OfficerId) -> String) -> Self {
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
