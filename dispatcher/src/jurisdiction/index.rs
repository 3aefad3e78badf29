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
//! The uncertainty of a fix names runners-up and does not change the owner.

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
use super::uncertainty::radius_95_m;

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

    /// Whose place it is. There always is an answer.
    ///
    /// The radius is that of a circle which holds the phone with this confidence; others whose area
    /// the circle of 95 % touches are runners-up, the nearest first.
    #[must_use]
    pub fn locate(
        &self,
        at: LatLon,
        radius: Option<RadiusMetres>,
        confidence: Option<ConfidencePercent>,
    ) -> Assignment {
        if self.map.areas().is_empty() {
            return self.nearest_station(at);
        }
        let radius_m = radius.map_or(0.0, |radius| radius_95_m(radius, confidence));
        let point = corner(at);
        match self.cover.sole_owner(point) {
            Some(area) => {
                let alone = radius_m > 0.0 && radius_m <= self.cover.alone_within_m(point);
                let radius_m = if alone { 0.0 } else { radius_m };
                let side = Side::Inside;
                self.within(at, radius_m, area, &[Holder { area, side }])
            }
            None => self.held(at, radius_m, &self.cover.holders(point)),
        }
    }

    /// By the areas that hold the place, the smallest id first.
    fn held(&self, at: LatLon, radius_m: f64, holders: &[Holder]) -> Assignment {
        match holders.first() {
            Some(owner) => self.within(at, radius_m, owner.area, holders),
            None => self.outside(at, radius_m),
        }
    }

    fn within(&self, at: LatLon, radius_m: f64, owner: u32, holders: &[Holder]) -> Assignment {
        let inside = holders
            .iter()
            .filter(|holder| holder.side == Side::Inside)
            .count();
        let reason = match inside {
            2.. => Reason::Overlap,
            _ if inside < holders.len() => Reason::Border,
            _ => Reason::Inside,
        };
        let mut runners_up: Vec<_> = holders[1..]
            .iter()
            .map(|holder| {
                self.runner_up(Near {
                    key: holder.area,
                    distance_m: 0.0,
                })
            })
            .collect();
        if radius_m > 0.0 {
            let holding: Vec<_> = holders.iter().map(|holder| holder.area).collect();
            let near = self
                .boundaries
                .nearest(&self.map, at, radius_m, MAX_RUNNERS_UP, &holding);
            runners_up.extend(near.into_iter().map(|near| self.runner_up(near)));
        }
        runners_up.truncate(MAX_RUNNERS_UP);
        Assignment {
            jurisdiction: Some(self.id(owner).clone()),
            reason,
            distance_m: None,
            probability: None,
            runners_up,
        }
    }

    fn outside(&self, at: LatLon, radius_m: f64) -> Assignment {
        let wanted = if radius_m > 0.0 {
            1 + MAX_RUNNERS_UP
        } else {
            1
        };
        let limit_m = self.map.reach_m().max(radius_m);
        let near = self.boundaries.nearest(&self.map, at, limit_m, wanted, &[]);
        let (owner, near) = owner_and_others(near, self.map.reach_m());
        // As near as the owner, or touched by the circle.
        let touched_m = owner
            .map_or(0.0, |owner| owner.distance_m + TIE_M)
            .max(radius_m);
        let runners_up = near
            .into_iter()
            .filter(|near| near.distance_m <= touched_m)
            .take(MAX_RUNNERS_UP)
            .map(|near| self.runner_up(near))
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

    fn runner_up(&self, near: Near<u32>) -> RunnerUp {
        runner_up(self.id(near.key).clone(), near.distance_m)
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
