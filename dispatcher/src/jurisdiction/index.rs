//! The answer to "whose is this place?", for every place on Earth.
//!
//! # Whose is a place
//!
//! An area holds its own boundary. Where several jurisdictions hold a place (a shared line or
//! corner, an overlap), the one with the smallest id owns it, by the order of the id's bytes; so the
//! owner depends on nothing but the map's content. The reason says what it was:
//!
//! - `overlap`: the place is in the interior of several;
//! - `border`: otherwise, when it is on the boundary of any of them, which may be the edge of the map;
//! - `inside`: otherwise.
//!
//! A place that no area holds belongs to the nearest area within the map's reach (`nearest`), by the
//! distance to its boundary on the ellipsoid; of areas equally near within a millimetre, to the one
//! with the smallest id. Beyond the reach it is the national desk's (`none`). A map without areas
//! asks for the nearest station in the same way.
//!
//! # Whose is an uncertain place
//!
//! A fix that comes as a circle or an ellipse is first widened to 95 % confidence (RFC 7459, section
//! 5.4); a polygon, of which nobody knows how it was drawn, is taken as it is. Then what counts is the share of that region which lies in each area, all places in it being equally
//! likely (section 5.5): the area with the largest share owns it; of shares equal within 10⁻⁹, the one
//! with the smallest id. The reason is
//!
//! - that of the middle (`inside`, `border`, `overlap`), when the owner holds it and the whole region,
//!   or the region touches no other area;
//! - `majority`: otherwise, when the phone is in the owner's area with a probability of a half or more;
//! - `nearest`: otherwise, when the region touches no other area;
//! - `split`: otherwise. The other areas that the region touches, up to [`MAX_RUNNERS_UP`] of them, are
//!   told as well; so are the rooms above them, which see how wide it is.
//!
//! What of the region is in no area counts for nobody. Where two areas lie on top of each other the
//! common part counts for both. A region whose middle is beyond the map's reach, and which is more
//! likely than not in no area, is the national desk's.

use std::fmt;
use std::sync::Arc;

use protocol::{
    Assignment, ConfidencePercent, JurisdictionId, LatLon, Position, RadiusMetres, Reason, RunnerUp,
};

use super::cover::{Cover, Holder};
use super::earth::corner;
use super::inside::Side;
use super::map::JurisdictionMap;
use super::nearest::{Boundaries, Near, Stations, TIE_M};
use super::uncertainty::{Certainty, Region, Shape, Shares};

mod uncertain;

/// How far a station answers for places in a map without areas, in metres: 200 nautical miles, the
/// width of a nation's exclusive economic zone (UNCLOS, article 57).
pub const NATIONAL_REACH_M: f64 = 370_400.0;

/// How many other areas an uncertain fix names. An officer can ring up a few neighbours; a circle
/// that touches more says nothing about where the phone is.
pub const MAX_RUNNERS_UP: usize = 8;

/// How many further stations are named in a map without areas.
const STATION_RUNNERS_UP: usize = 2;

/// A map, ready to be asked.
pub struct JurisdictionIndex {
    map: Arc<JurisdictionMap>,
    cover: Cover,
    boundaries: Boundaries,
    shares: Shares,
    stations: Stations,
}

impl fmt::Debug for JurisdictionIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JurisdictionIndex")
            .field("map", self.map.version())
            .field("polygons", &self.cover.polygons())
            .finish_non_exhaustive()
    }
}

impl JurisdictionIndex {
    /// Builds the index; well below a second for a million corners.
    #[must_use]
    pub fn new(map: impl Into<Arc<JurisdictionMap>>) -> Self {
        let map = map.into();
        Self {
            cover: Cover::new(map.areas()),
            boundaries: Boundaries::new(map.areas()),
            shares: Shares::new(map.areas()),
            stations: Stations::new(map.stations()),
            map,
        }
    }

    /// The map that it answers by.
    #[must_use]
    pub fn map(&self) -> &Arc<JurisdictionMap> {
        &self.map
    }

    /// Whose alert it is, by what the phone said of its position. Without a position, or with the
    /// one that says nothing (0°, 0°), it is the national desk's.
    #[must_use]
    pub fn locate_position(&self, position: Option<&Position>) -> Assignment {
        match position {
            Some(position) if !position.at.is_null_island() => {
                self.locate(position.at, position.radius, position.confidence)
            }
            _ => Assignment::national(),
        }
    }

    /// Whose place it is, by the circle of this radius that holds the phone with this confidence; by
    /// the place alone without a radius. There always is an answer.
    #[must_use]
    pub fn locate(
        &self,
        at: LatLon,
        radius: Option<RadiusMetres>,
        confidence: Option<ConfidencePercent>,
    ) -> Assignment {
        match radius {
            Some(radius) => self.locate_shape(&Shape::Circle { middle: at, radius }, confidence),
            None => self.point(at),
        }
    }

    /// Whose place it is, by the shape that holds the phone with this confidence. There always is an
    /// answer.
    #[must_use]
    pub fn locate_shape(&self, shape: &Shape, confidence: Option<ConfidencePercent>) -> Assignment {
        let certainty = match shape {
            Shape::Polygon(_) => Certainty::as_given(confidence),
            _ => Certainty::new(confidence),
        };
        if let Shape::Circle { middle, radius } = shape
            && let Some(assignment) = self.alone(*middle, certainty.widened_m(*radius), certainty)
        {
            return assignment;
        }
        match Region::new(shape, certainty) {
            Some(region) if !self.map.areas().is_empty() => self.uncertain(&region, certainty),
            Some(region) => self.point(region.middle),
            None => self.point(shape.middle()),
        }
    }

    /// By the place alone.
    fn point(&self, at: LatLon) -> Assignment {
        if self.map.areas().is_empty() {
            return self.nearest_station(at);
        }
        let point = corner(at);
        match self.cover.sole_owner(point) {
            Some(area) => self.within(&[Holder {
                area,
                side: Side::Inside,
            }]),
            None => self.held(at, &self.cover.holders(point)),
        }
    }

    /// By the areas that hold the place, the smallest id first.
    fn held(&self, at: LatLon, holders: &[Holder]) -> Assignment {
        if holders.is_empty() {
            self.outside(at)
        } else {
            self.within(holders)
        }
    }

    fn within(&self, holders: &[Holder]) -> Assignment {
        let (owner, others) = (holders.first(), holders.iter().skip(1));
        Assignment {
            jurisdiction: owner.map(|owner| self.id(owner.area).clone()),
            reason: reason(holders),
            distance_m: None,
            probability: None,
            runners_up: others
                .take(MAX_RUNNERS_UP)
                .map(|other| runner_up(self.id(other.area).clone(), 0.0))
                .collect(),
        }
    }

    /// By the nearest area within reach; those as near are runners-up.
    fn outside(&self, at: LatLon) -> Assignment {
        let reach_m = self.map.reach_m();
        let near = self.boundaries.nearest(&self.map, at, reach_m, 1);
        let (owner, near) = owner_and_others(near, reach_m);
        let tied_m = owner.map_or(0.0, |owner| owner.distance_m + TIE_M);
        let runners_up = near
            .into_iter()
            .filter(|near| near.distance_m <= tied_m)
            .take(MAX_RUNNERS_UP)
            .map(|near| runner_up(self.id(near.key).clone(), near.distance_m))
            .collect();
        let owner = owner.map(|owner| Near {
            key: self.id(owner.key),
            distance_m: owner.distance_m,
        });
        nearest(owner, runners_up)
    }

    fn nearest_station(&self, at: LatLon) -> Assignment {
        let stations = self.map.stations();
        let key = |station: u32| &stations[station as usize].jurisdiction;
        let near = self
            .stations
            .nearest(at, NATIONAL_REACH_M, 1 + STATION_RUNNERS_UP, key);
        let (owner, near) = owner_and_others(near, NATIONAL_REACH_M);
        let runners_up = near
            .into_iter()
            .take(STATION_RUNNERS_UP)
            .map(|near| runner_up(near.key.clone(), near.distance_m))
            .collect();
        nearest(owner, runners_up)
    }

    fn id(&self, area: u32) -> &JurisdictionId {
        &self.map.areas()[area as usize].id
    }
}

/// Why the first of the areas that hold a place owns it.
fn reason(holders: &[Holder]) -> Reason {
    let inside = holders
        .iter()
        .filter(|holder| holder.side == Side::Inside)
        .count();
    match inside {
        2.. => Reason::Overlap,
        _ if inside < holders.len() => Reason::Border,
        _ => Reason::Inside,
    }
}

/// Of those within reach and equally near, the smallest; areas are in the order of their ids.
fn owner_and_others<K: Ord + Copy>(
    mut near: Vec<Near<K>>,
    reach_m: f64,
) -> (Option<Near<K>>, Vec<Near<K>>) {
    let Some(first) = near.first().filter(|first| first.distance_m <= reach_m) else {
        return (None, near);
    };
    let tied_m = first.distance_m + TIE_M;
    let tied = near.iter().take_while(|near| near.distance_m <= tied_m);
    let smallest = tied
        .enumerate()
        .min_by_key(|(_, near)| near.key)
        .map(|(place, _)| place);
    let owner = smallest.map(|place| near.remove(place));
    (owner, near)
}

fn nearest(owner: Option<Near<&JurisdictionId>>, runners_up: Vec<RunnerUp>) -> Assignment {
    Assignment {
        jurisdiction: owner.map(|owner| owner.key.clone()),
        reason: if owner.is_some() {
            Reason::Nearest
        } else {
            Reason::None
        },
        distance_m: owner.map(|owner| owner.distance_m),
        probability: None,
        runners_up,
    }
}

fn runner_up(jurisdiction: JurisdictionId, distance_m: f64) -> RunnerUp {
    RunnerUp {
        jurisdiction,
        probability: None,
        distance_m,
    }
}

#[cfg(test)]
mod tests;
