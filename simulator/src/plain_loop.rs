//! Whose place is it? Asked of every polygon in turn, without an index.
//!
//! It shares no code with the dispatcher, only the types in which a map is held, so that an error
//! there does not hide itself here. It makes no claim about the map.
//!
//! A place that is known as a circle belongs to the area that holds most of it; see
//! [`PlainMap::owners_of_circle`].

mod disc;
mod scale;
mod space;

use dispatcher::jurisdiction::JurisdictionMap;
use protocol::{JurisdictionId, LatLon};

use disc::{Disc, Window};
pub use scale::radius_95_m;
use space::{InSpace, distance_m, in_space, to_line_m};

/// How far a station answers in a map without areas, in metres: 200 nautical miles.
const STATION_REACH_M: f64 = 370_400.0;

/// Owners whose distances differ by less are both right, in metres: lines between corners are drawn
/// straight through the Earth here, which is off by that much where they are 10 km long.
const UNDECIDED_M: f64 = 2.0;

/// Owners whose shares of a circle differ by less are both right: what the two ways of drawing a
/// circle and of cutting it may differ by.
const UNDECIDED_SHARE: f64 = 0.002;

/// From this share on an area holds the whole circle.
const WHOLE_SHARE: f64 = 1.0 - 1e-6;

/// A smaller share is a rounding of the library that cuts polygons.
const LEAST_SHARE: f64 = 1e-8;

/// Longitude and latitude in degrees.
type Corner = (f64, f64);

/// A map as a list of rings.
#[derive(Clone, Debug)]
pub struct PlainMap {
    areas: Vec<PlainArea>,
    stations: Vec<(JurisdictionId, LatLon)>,
    reach_m: f64,
}

#[derive(Clone, Debug)]
struct PlainArea {
    id: JurisdictionId,
    polygons: Vec<PlainPolygon>,
}

/// The first ring is the exterior, the others are holes; by the even-odd rule that makes no difference.
#[derive(Clone, Debug)]
struct PlainPolygon {
    rings: Vec<Vec<Corner>>,
    /// Smallest and largest corner.
    bounds: (Corner, Corner),
}

impl PlainMap {
    /// Copies the rings of a map.
    #[must_use]
    pub fn new(map: &JurisdictionMap) -> Self {
        let mut areas: Vec<_> = map
            .areas()
            .iter()
            .map(|area| {
                let polygons = area.polygons.iter().map(|polygon| {
                    let rings = std::iter::once(polygon.exterior()).chain(polygon.interiors());
                    PlainPolygon::new(
                        rings
                            .map(|ring| ring.0.iter().map(|at| (at.x, at.y)).collect())
                            .collect(),
                    )
                });
                PlainArea {
                    id: area.id.clone(),
                    polygons: polygons.collect(),
                }
            })
            .collect();
        areas.sort_by(|a, b| a.id.cmp(&b.id));
        let stations = map.stations();
        Self {
            areas,
            stations: stations
                .iter()
                .map(|one| (one.jurisdiction.clone(), one.at))
                .collect(),
            reach_m: map.reach_m(),
        }
    }

    /// Who may own a place: the smallest of those that hold it, else whoever is nearest within the
    /// map's reach, several when they are equally near. Nobody means the national desk.
    #[must_use]
    pub fn owners(&self, at: LatLon) -> Vec<&JurisdictionId> {
        if self.areas.is_empty() {
            let place = in_space((at.lon_deg(), at.lat_deg()));
            let stations = self.stations.iter().map(|(id, station)| {
                let station = in_space((station.lon_deg(), station.lat_deg()));
                (id, distance_m(place, station))
            });
            return nearest(stations, STATION_REACH_M);
        }
        let point = (at.lon_deg(), at.lat_deg());
        let holds = |area: &&PlainArea| area.polygons.iter().any(|polygon| polygon.holds(point));
        if let Some(first) = self.areas.iter().find(holds) {
            return vec![&first.id];
        }
        let place = in_space(point);
        nearest(
            self.areas
                .iter()
                .map(|area| (&area.id, area.distance_m(place))),
            self.reach_m,
        )
    }

    /// Who may own a place of which no more is known than that it is in a circle of this radius,
    /// scaled by [`radius_95_m`].
    ///
    /// The area with the largest share of the circle; all that have as much within
    /// 0.2 % of the circle, except that of those which hold the whole circle only the smallest may
    /// own it. By the middle alone, as [`PlainMap::owners`] says, where the radius is 0, the map has
    /// no areas, no area is touched, or it is not sure that one is. Nobody owns it when nobody is
    /// within the map's reach of the middle, however wide the circle is.
    #[must_use]
    pub fn owners_of_circle(&self, at: LatLon, radius_95_m: f64) -> Vec<&JurisdictionId> {
        let window = Window::around((at.lon_deg(), at.lat_deg()), radius_95_m);
        let mut polygons = self.areas.iter().flat_map(|area| &area.polygons);
        // Far from any line, as nearly all places are, the middle says it all.
        if radius_95_m <= 0.0 || !polygons.any(|polygon| window.is_crossed_by(polygon)) {
            return self.owners(at);
        }
        let shares = self.shares(at, radius_95_m);
        let largest = shares.first().map_or(0.0, |(_, share)| *share);
        let mut by_middle = Vec::new();
        if largest < UNDECIDED_SHARE || radius_95_m > self.reach_m {
            by_middle = self.owners(at);
            if by_middle.is_empty() {
                return by_middle;
            }
        }
        let mut whole = false;
        let mut owners: Vec<_> = shares
            .into_iter()
            .filter(|(_, share)| *share >= largest - UNDECIDED_SHARE)
            .filter(|(_, share)| *share < WHOLE_SHARE || !std::mem::replace(&mut whole, true))
            .map(|(id, _)| id)
            .collect();
        if largest < UNDECIDED_SHARE {
            owners.retain(|id| !by_middle.contains(id));
            owners.extend(by_middle);
        }
        owners
    }

    /// The areas that a circle of this radius touches, in metres on the ellipsoid, and what part of
    /// it each of them holds, between 0 and 1: the largest first, equal ones by their ids.
    #[must_use]
    pub fn shares(&self, at: LatLon, radius_m: f64) -> Vec<(&JurisdictionId, f64)> {
        let Some(disc) = Disc::new((at.lon_deg(), at.lat_deg()), radius_m) else {
            return Vec::new();
        };
        let mut shares: Vec<_> = self
            .areas
            .iter()
            .map(|area| (&area.id, disc.share_of(&area.polygons)))
            .filter(|(_, share)| *share >= LEAST_SHARE)
            .collect();
        // Those who hold it all are equal, whatever the library makes of it.
        let as_whole = |share: f64| if share > WHOLE_SHARE { 1.0 } else { share };
        shares.sort_by(|a, b| as_whole(b.1).total_cmp(&as_whole(a.1)));
        shares
    }
}

fn nearest<'a>(
    candidates: impl Iterator<Item = (&'a JurisdictionId, f64)>,
    reach_m: f64,
) -> Vec<&'a JurisdictionId> {
    let within: Vec<_> = candidates
        .filter(|(_, metres)| *metres <= reach_m)
        .collect();
    let least_m = within
        .iter()
        .map(|(_, metres)| *metres)
        .fold(f64::INFINITY, f64::min);
    within
        .into_iter()
        .filter(|(_, metres)| *metres <= least_m + UNDECIDED_M)
        .map(|(id, _)| id)
        .collect()
}

impl PlainArea {
    fn distance_m(&self, place: InSpace) -> f64 {
        let mut least_m = f64::INFINITY;
        for ring in self.polygons.iter().flat_map(|polygon| &polygon.rings) {
            let mut corners = ring.iter().map(|corner| in_space(*corner));
            let Some(mut from) = corners.next() else {
                continue;
            };
            for to in corners {
                least_m = least_m.min(to_line_m(place, from, to));
                from = to;
            }
        }
        least_m
    }
}

impl PlainPolygon {
    fn new(rings: Vec<Vec<Corner>>) -> Self {
        let mut bounds = (
            (f64::INFINITY, f64::INFINITY),
            (f64::NEG_INFINITY, f64::NEG_INFINITY),
        );
        for (x, y) in rings.iter().flatten() {
            bounds.0 = (bounds.0.0.min(*x), bounds.0.1.min(*y));
            bounds.1 = (bounds.1.0.max(*x), bounds.1.1.max(*y));
        }
        Self { rings, bounds }
    }

    /// Counts how often a ray to the east crosses a ring.
    fn holds(&self, (x, y): Corner) -> bool {
        let (least, most) = self.bounds;
        if x < least.0 || x > most.0 || y < least.1 || y > most.1 {
            return false;
        }
        let mut odd = false;
        for ring in &self.rings {
            for pair in ring.windows(2) {
                let ((ax, ay), (bx, by)) = (pair[0], pair[1]);
                if (ay > y) != (by > y) && x < ax + (y - ay) / (by - ay) * (bx - ax) {
                    odd = !odd;
                }
            }
        }
        odd
    }
}

#[cfg(test)]
mod tests;
