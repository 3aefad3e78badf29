//! Whose place is it? Asked of every polygon in turn, in whole numbers, without an index.
//!
//! Degrees become whole multiples of 2⁻⁵⁴, which every double from a quarter upwards is exactly, and
//! on which side of a line a place is comes from products of 128 bits: nothing is rounded. It shares
//! no code with the dispatcher, only the types in which a map is held, and looks to the north where
//! the dispatcher looks to the east.

use dispatcher::jurisdiction::JurisdictionMap;
use geo::Polygon;
use protocol::{JurisdictionId, LatLon, Reason};

/// Units of a degree: the finest that leave room for 180 degrees in 63 bits, and for the difference
/// of two products of two differences in 127.
const UNITS_PER_DEG: f64 = (1_u64 << 54) as f64;

/// Both names of the antimeridian, in units.
const ANTIMERIDIAN: i64 = 180 << 54;

/// A map as a list of lines.
#[derive(Clone, Debug)]
pub struct ExactMap {
    /// In the order of the ids.
    areas: Vec<(JurisdictionId, ExactArea)>,
}

/// Whose a place is: the smallest id among those that hold it, its border included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Holding<'a> {
    /// The owner; `None` where no area is.
    pub owner: Option<&'a JurisdictionId>,
    /// `Inside`, `Border` or `Overlap`; `None` where no area is.
    pub reason: Reason,
}

impl ExactMap {
    /// Copies the lines of a map; `None` where a corner is closer than a quarter of a degree to
    /// either zero, and no multiple of 2⁻⁵⁴ degree.
    #[must_use]
    pub fn new(map: &JurisdictionMap) -> Option<Self> {
        let areas = map.areas().iter();
        let mut areas = areas
            .map(|area| Some((area.id.clone(), ExactArea::new(&area.polygons)?)))
            .collect::<Option<Vec<_>>>()?;
        areas.sort_by(|a, b| a.0.cmp(&b.0));
        Some(Self { areas })
    }

    /// Whose a place is; `None` where its coordinates are no multiples of 2⁻⁵⁴ degree.
    #[must_use]
    pub fn holding(&self, at: LatLon) -> Option<Holding<'_>> {
        let point = Point::new(at.lon_deg(), at.lat_deg())?;
        let (mut inside, mut border) = (0, 0);
        let mut owner = None;
        for (id, area) in &self.areas {
            match area.side(point) {
                Side::Outside => continue,
                Side::Border => border += 1,
                Side::Inside => inside += 1,
            }
            owner = owner.or(Some(id));
        }
        let reason = match (inside, border) {
            (0, 0) => Reason::None,
            (2.., _) => Reason::Overlap,
            (_, 1..) => Reason::Border,
            _ => Reason::Inside,
        };
        Some(Holding { owner, reason })
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    Outside,
    Border,
    Inside,
}

/// Polygons that belong together.
#[derive(Clone, Debug)]
pub(crate) struct ExactArea(Vec<ExactPolygon>);

/// Its holes are within its exterior, so that all rings together tell inside from outside by the
/// even-odd rule.
#[derive(Clone, Debug)]
struct ExactPolygon {
    least: Point,
    most: Point,
    lines: Vec<(Point, Point)>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Point {
    x: i64,
    y: i64,
}

impl Point {
    fn new(lon_deg: f64, lat_deg: f64) -> Option<Self> {
        let whole = |degrees: f64| {
            // Exact: the factor is a power of two.
            let units = degrees * UNITS_PER_DEG;
            (units.fract() == 0.0).then_some(units as i64)
        };
        Some(Self {
            x: whole(lon_deg)?,
            y: whole(lat_deg)?,
        })
    }
}

impl ExactArea {
    pub(crate) fn new(polygons: &[Polygon<f64>]) -> Option<Self> {
        let polygons = polygons.iter().map(ExactPolygon::new);
        Some(Self(polygons.collect::<Option<_>>()?))
    }

    /// Whether it holds a place, its border included; `None` as [`ExactMap::holding`].
    pub(crate) fn holds(&self, at: LatLon) -> Option<bool> {
        let point = Point::new(at.lon_deg(), at.lat_deg())?;
        Some(self.side(point) != Side::Outside)
    }

    fn side(&self, point: Point) -> Side {
        let side = |point| self.0.iter().map(move |polygon| polygon.side(point)).max();
        let mut found = side(point);
        if point.x.abs() == ANTIMERIDIAN {
            let x = -point.x;
            found = found.max(side(Point { x, ..point }));
        }
        found.unwrap_or(Side::Outside)
    }
}

impl ExactPolygon {
    fn new(polygon: &Polygon<f64>) -> Option<Self> {
        let mut lines = Vec::new();
        for ring in std::iter::once(polygon.exterior()).chain(polygon.interiors()) {
            let corners = ring.0.iter().map(|at| Point::new(at.x, at.y));
            let corners = corners.collect::<Option<Vec<_>>>()?;
            lines.extend(corners.windows(2).map(|pair| (pair[0], pair[1])));
        }
        let from = lines.iter().map(|line| line.0);
        let x = || from.clone().map(|corner| corner.x);
        let y = || from.clone().map(|corner| corner.y);
        Some(Self {
            least: Point {
                x: x().min()?,
                y: y().min()?,
            },
            most: Point {
                x: x().max()?,
                y: y().max()?,
            },
            lines,
        })
    }

    /// Counts how often a ray to the north crosses a line.
    fn side(&self, point: Point) -> Side {
        let Point { x, y } = point;
        if x < self.least.x || x > self.most.x || y < self.least.y || y > self.most.y {
            return Side::Outside;
        }
        let mut odd = false;
        for &(a, b) in &self.lines {
            if a.x.max(b.x) < x || a.x.min(b.x) > x || a.y.max(b.y) < y {
                continue;
            }
            // A line holds its western end and not its eastern one.
            let crosses = (a.x <= x) != (b.x <= x);
            if a.y.min(b.y) > y {
                odd ^= crosses;
                continue;
            }
            let left = i128::from(b.x - a.x) * i128::from(y - a.y);
            let right = i128::from(b.y - a.y) * i128::from(x - a.x);
            if left == right {
                return Side::Border;
            }
            odd ^= crosses && ((left < right) == (b.x > a.x));
        }
        if odd { Side::Inside } else { Side::Outside }
    }
}

#[cfg(test)]
mod tests {
    use dispatcher::jurisdiction::{IdProperties, load};

    use super::*;

    const MAP: &str = r#"{"type":"FeatureCollection","authority":"invented","features":[
        {"type":"Feature","properties":{"id":"frame"},"geometry":{"type":"Polygon","coordinates":[
            [[1,1],[5,1],[5,5],[1,5],[1,1]], [[2,2],[4,2],[4,4],[2,4],[2,2]]]}},
        {"type":"Feature","properties":{"id":"core"},"geometry":{"type":"Polygon","coordinates":[
            [[2,2],[4,2],[4,4],[2,4],[2,2]]]}},
        {"type":"Feature","properties":{"id":"kite"},"geometry":{"type":"Polygon","coordinates":[
            [[7,1],[9,4],[7,7],[6,4],[7,1]]]}},
        {"type":"Feature","properties":{"id":"west of the seam"},"geometry":{"type":"Polygon",
            "coordinates":[[[179,1],[180,1],[180,2],[179,2],[179,1]]]}},
        {"type":"Feature","properties":{"id":"east of the seam"},"geometry":{"type":"Polygon",
            "coordinates":[[[-180,1],[-179,1],[-179,2],[-180,2],[-180,1]]]}},
        {"type":"Feature","properties":{"id":"over the frame"},"geometry":{"type":"Polygon",
            "coordinates":[[[4.5,0.5],[5.5,0.5],[5.5,1.5],[4.5,1.5],[4.5,0.5]]]}}]}"#;

    #[test]
    fn inside_border_overlap_and_nothing() {
        let map = load(MAP, "test", &IdProperties::default()).unwrap().map;
        let exact = ExactMap::new(&map).unwrap();
        for (lat_deg, lon_deg, owner, reason) in [
            (3.0, 3.0, "core", Reason::Inside),
            (3.0, 1.5, "frame", Reason::Inside),
            (2.0, 3.0, "core", Reason::Border),
            (4.0, 4.0, "core", Reason::Border),
            (1.0, 3.0, "frame", Reason::Border),
            (1.25, 4.75, "frame", Reason::Overlap),
            (4.0, 7.0, "kite", Reason::Inside),
            (7.0, 7.0, "kite", Reason::Border),
            (2.5, 8.0, "kite", Reason::Border),
            (2.5_f64.next_up(), 8.0, "kite", Reason::Inside),
            (2.5_f64.next_down(), 8.0, "", Reason::None),
            (1.5, 180.0, "east of the seam", Reason::Border),
            (1.5, -180.0, "east of the seam", Reason::Border),
            (6.0, 3.0, "", Reason::None),
        ] {
            let at = LatLon::new(lat_deg, lon_deg).unwrap();
            let holding = exact.holding(at).unwrap();
            let found = holding.owner.map_or("", JurisdictionId::as_str);
            assert_eq!(
                (found, holding.reason),
                (owner, reason),
                "{lat_deg} {lon_deg}"
            );
        }
    }

    #[test]
    fn what_cannot_be_told_exactly_is_not_told() {
        let map = load(MAP, "test", &IdProperties::default()).unwrap().map;
        let exact = ExactMap::new(&map).unwrap();
        let too_fine = LatLon::new(1e-9, 3.0).unwrap();
        assert_eq!(exact.holding(too_fine), None);
    }
}
