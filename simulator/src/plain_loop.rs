//! Whose place is it? Asked of every polygon in turn, without an index.
//!
//! It shares no code with the dispatcher, only the types in which a map is held, so that an error
//! there does not hide itself here. It makes no claim about the map.

use dispatcher::jurisdiction::JurisdictionMap;
use protocol::{JurisdictionId, LatLon};

/// How far a station answers in a map without areas, in metres: 200 nautical miles.
const STATION_REACH_M: f64 = 370_400.0;

/// Owners whose distances differ by less are both right, in metres: lines between corners are drawn
/// straight through the Earth here, which is off by that much where they are 10 km long.
const UNDECIDED_M: f64 = 2.0;

/// WGS84: half of the longer axis in metres, and the square of the eccentricity.
const SEMI_MAJOR_M: f64 = 6_378_137.0;
const ECCENTRICITY_2: f64 = 6.694_379_990_141_317e-3;

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
                (
                    id,
                    length(minus(
                        place,
                        in_space((station.lon_deg(), station.lat_deg())),
                    )),
                )
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

/// Metres from the middle of the Earth.
type InSpace = [f64; 3];

/// Degrees on the ellipsoid to metres in space (any textbook of geodesy; height 0).
fn in_space((lon_deg, lat_deg): Corner) -> InSpace {
    let (sin_lat, cos_lat) = lat_deg.to_radians().sin_cos();
    let (sin_lon, cos_lon) = lon_deg.to_radians().sin_cos();
    let normal_m = SEMI_MAJOR_M / (1.0 - ECCENTRICITY_2 * sin_lat * sin_lat).sqrt();
    [
        normal_m * cos_lat * cos_lon,
        normal_m * cos_lat * sin_lon,
        normal_m * (1.0 - ECCENTRICITY_2) * sin_lat,
    ]
}

fn minus(a: InSpace, b: InSpace) -> InSpace {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

fn dot(a: InSpace, b: InSpace) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn length(a: InSpace) -> f64 {
    dot(a, a).sqrt()
}

fn to_line_m(place: InSpace, from: InSpace, to: InSpace) -> f64 {
    let (line, offset) = (minus(to, from), minus(place, from));
    let along = (dot(offset, line) / dot(line, line).max(f64::MIN_POSITIVE)).clamp(0.0, 1.0);
    length(minus(
        offset,
        [line[0] * along, line[1] * along, line[2] * along],
    ))
}

#[cfg(test)]
mod tests {
    use dispatcher::jurisdiction::{IdProperties, load};

    use super::*;

    const MAP: &str = r#"{"type":"FeatureCollection","authority":"invented","features":[
        {"type":"Feature","properties":{"id":"west"},"geometry":{"type":"Polygon","coordinates":[
            [[127.0,37.0],[127.5,37.0],[127.5,37.5],[127.0,37.5],[127.0,37.0]],
            [[127.1,37.1],[127.2,37.1],[127.2,37.2],[127.1,37.2],[127.1,37.1]]]}},
        {"type":"Feature","properties":{"id":"east"},"geometry":{"type":"Polygon","coordinates":[
            [[127.4,37.0],[128.0,37.0],[128.0,37.5],[127.4,37.5],[127.4,37.0]]]}}]}"#;

    fn owners(lat_deg: f64, lon_deg: f64) -> Vec<String> {
        owners_on(MAP, lat_deg, lon_deg)
    }

    fn owners_on(map: &str, lat_deg: f64, lon_deg: f64) -> Vec<String> {
        let map = load(map, "test", &IdProperties::default()).unwrap().map;
        let plain = PlainMap::new(&map);
        let at = LatLon::new(lat_deg, lon_deg).unwrap();
        plain
            .owners(at)
            .into_iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn inside_hole_overlap_shore_and_far_out() {
        assert_eq!(owners(37.3, 127.05), ["west"]);
        assert_eq!(
            owners(37.15, 127.15),
            ["west"],
            "the nearest to a hole is its rim"
        );
        assert_eq!(
            owners(37.3, 127.45),
            ["east"],
            "the smallest id owns an overlap"
        );
        assert_eq!(owners(37.3, 128.5), ["east"]);
        assert_eq!(owners(37.3, 130.5), Vec::<String>::new());
    }

    #[test]
    fn equally_near_is_undecided() {
        let apart = MAP.replace("127.4", "127.6");
        assert_eq!(owners_on(&apart, 37.25, 127.55), ["east", "west"]);
        assert_eq!(owners_on(&apart, 37.25, 127.551), ["east"]);
    }

    #[test]
    fn a_degree_of_latitude_has_its_length() {
        let metres = length(minus(in_space((127.0, 37.0)), in_space((127.0, 37.001))));
        assert!((metres - 110.98).abs() < 0.02, "{metres}");
    }
}
