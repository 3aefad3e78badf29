//! What a service can do without, and its officers would miss.

use std::collections::BTreeMap;
use std::fmt;

use protocol::JurisdictionId;

use super::super::earth::{Edge, arc_of_chord_m, cartesian, corner};
use super::super::map::{Area, Station};
use super::{Ground, rings};

/// How far outside of its area a station may stand, in metres. Some stand across the street from
/// their area; one that is farther off is probably a wrong coordinate or a wrong id.
pub const FAR_STATION_M: f64 = 5_000.0;

/// Something that a map lacks or repeats. Each kind comes once, with all that it is about.
#[derive(Clone, PartialEq, Debug)]
pub enum Notice {
    /// Areas without a station: a map of units has nothing to show there.
    NoStation(Vec<JurisdictionId>),
    /// Jurisdictions without an agency: there is no provincial desk between theirs and the nation's.
    NoAgency(Vec<JurisdictionId>),
    /// Areas that are called by their id.
    NoName(Vec<JurisdictionId>),
    /// A station farther than [`FAR_STATION_M`] outside of its own area.
    FarStation {
        /// What it answers for.
        id: JurisdictionId,
        /// From the station to the nearest line of the area.
        distance_m: f64,
    },
    /// Jurisdictions that officers cannot tell apart by name.
    SameName {
        /// The name.
        name: String,
        /// Who has it, two or more.
        ids: Vec<JurisdictionId>,
    },
}

impl Notice {
    /// The kind in one word, as reports name it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::NoStation(_) => "no_station",
            Self::NoAgency(_) => "no_agency",
            Self::NoName(_) => "no_name",
            Self::FarStation { .. } => "far_station",
            Self::SameName { .. } => "same_name",
        }
    }

    /// All that it is about, by id.
    #[must_use]
    pub fn ids(&self) -> &[JurisdictionId] {
        match self {
            Self::NoStation(ids) | Self::NoAgency(ids) | Self::NoName(ids) => ids,
            Self::FarStation { id, .. } => std::slice::from_ref(id),
            Self::SameName { ids, .. } => ids,
        }
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids = Few(self.ids());
        match self {
            Self::NoStation(_) => write!(f, "areas without a station: {ids}"),
            Self::NoAgency(_) => write!(
                f,
                "jurisdictions without an agency, so no provincial desk: {ids}"
            ),
            Self::NoName(_) => write!(f, "areas without a name, called by their id: {ids}"),
            Self::FarStation { distance_m, .. } => write!(
                f,
                "the station of {ids} stands {:.1} km outside of its area",
                distance_m / 1_000.0
            ),
            Self::SameName { name, .. } => write!(f, "several are called `{name}`: {ids}"),
        }
    }
}

/// How many there are, and the first of them.
struct Few<'a>(&'a [JurisdictionId]);

impl fmt::Display for Few<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// Enough to know which sort they are; the rest is in the report for programs.
        const SHOWN: usize = 6;
        let shown: Vec<_> = self
            .0
            .iter()
            .take(SHOWN)
            .map(JurisdictionId::as_str)
            .collect();
        match self.0.len() {
            1 => f.write_str(&shown.concat()),
            count if count <= SHOWN => write!(f, "{count}: {}", shown.join(", ")),
            count => write!(f, "{count}: {}, …", shown.join(", ")),
        }
    }
}

pub(super) fn notices(ground: &Ground<'_>) -> Vec<Notice> {
    let map = ground.map;
    let without = |lacks: &dyn Fn(&JurisdictionId) -> bool| -> Vec<JurisdictionId> {
        let ids = map.jurisdictions().into_iter();
        ids.filter(|id| lacks(id)).cloned().collect()
    };
    let is_area = |id: &JurisdictionId| map.area(id).is_some();
    let called_by_id = |id: &JurisdictionId| map.name(id) == Some(id.as_str());
    let kinds = [
        Notice::NoStation(without(&|id| is_area(id) && map.station(id).is_none())),
        Notice::NoAgency(without(&|id| map.agency(id).is_none())),
        Notice::NoName(without(&called_by_id)),
    ];
    let mut notices: Vec<_> = kinds
        .into_iter()
        .filter(|kind| !kind.ids().is_empty())
        .collect();
    notices.extend(
        map.stations()
            .iter()
            .filter_map(|station| far(ground, station)),
    );
    let mut by_name: BTreeMap<&str, Vec<JurisdictionId>> = BTreeMap::new();
    for id in map.jurisdictions() {
        by_name
            .entry(map.name(id).unwrap_or_default())
            .or_default()
            .push(id.clone());
    }
    let same = by_name.into_iter().filter(|(_, ids)| ids.len() > 1);
    notices.extend(same.map(|(name, ids)| Notice::SameName {
        name: name.to_owned(),
        ids,
    }));
    notices
}

/// Whether a station stands far outside of its own area.
fn far(ground: &Ground<'_>, station: &Station) -> Option<Notice> {
    let own = ground.map.area(&station.jurisdiction)?;
    let holders = ground.cover.holders(corner(station.at));
    if holders
        .iter()
        .any(|holder| ground.area(holder.area).id == own.id)
    {
        return None;
    }
    let distance_m = distance_m(own, station);
    (distance_m > FAR_STATION_M).then(|| Notice::FarStation {
        id: own.id.clone(),
        distance_m,
    })
}

/// From a station outside of an area to its nearest line.
fn distance_m(area: &Area, station: &Station) -> f64 {
    let place = cartesian(corner(station.at));
    let lines = area
        .polygons
        .iter()
        .flat_map(rings)
        .flat_map(|ring| ring.lines());
    let chord_m = lines.fold(f64::INFINITY, |best_m, line| {
        let ends = (cartesian(line.start), cartesian(line.end));
        let edge = Edge {
            from: line.start,
            to: line.end,
        };
        edge.nearest_chord_m(place, ends, best_m)
    });
    arc_of_chord_m(chord_m, station.at)
}
