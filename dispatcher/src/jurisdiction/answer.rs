//! The answer to "whose place is this?" as programs read it: the command line's and the console's.

use protocol::Assignment;
use serde::Serialize;

use super::map::JurisdictionMap;

/// Who answers for a place, and why. What is unknown is null.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[cfg_attr(feature = "io", derive(utoipa::ToSchema))]
pub struct Answer {
    /// The responsible jurisdiction; null is the national desk.
    pub id: Option<String>,
    /// What an officer reads.
    pub name: Option<String>,
    /// The provincial agency.
    pub agency: Option<String>,
    /// `inside`, `border`, `overlap`, `majority`, `split`, `nearest` or `none`.
    pub reason: &'static str,
    /// Metres to the area, or to the station where the map has no areas.
    pub distance_m: Option<f64>,
    /// Probability between 0 and 1 that the phone is in the area.
    pub probability: Option<f64>,
    /// Who else it might be, the likeliest first.
    pub runners_up: Vec<OtherAnswer>,
    /// The version of the map.
    pub map: String,
    /// Who stands behind the map: `official`, `approximate` or `invented`.
    pub authority: &'static str,
}

/// Somebody else whose place it might be.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[cfg_attr(feature = "io", derive(utoipa::ToSchema))]
pub struct OtherAnswer {
    /// The jurisdiction.
    pub id: String,
    /// Metres from the middle of the fix to the area; zero when it is within.
    pub distance_m: f64,
    /// Probability between 0 and 1.
    pub probability: Option<f64>,
}

impl Answer {
    /// Names what an assignment names, by the map that it was made with.
    #[must_use]
    pub fn new(assignment: &Assignment, map: &JurisdictionMap) -> Self {
        let id = assignment.jurisdiction.as_ref();
        let runners_up = assignment.runners_up.iter().map(|other| OtherAnswer {
            id: other.jurisdiction.to_string(),
            distance_m: other.distance_m,
            probability: other.probability,
        });
        Self {
            id: id.map(ToString::to_string),
            name: id.and_then(|id| map.name(id)).map(str::to_owned),
            agency: id.and_then(|id| map.agency(id)).map(str::to_owned),
            reason: assignment.reason.as_str(),
            distance_m: assignment.distance_m,
            probability: assignment.probability,
            runners_up: runners_up.collect(),
            map: map.version().as_str().to_owned(),
            authority: map.authority().as_str(),
        }
    }
}
