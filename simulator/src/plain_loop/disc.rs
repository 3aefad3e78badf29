//! How much of a circle lies in a polygon?
//!
//! In a plane in which every surface is as large as on the ellipsoid: longitude to the east, and to
//! the north the surface between the equator and the parallel (cylindrical equal-area; Snyder, Map
//! Projections: A Working Manual, 1987, equation 3-12). The circle is a ring of many corners, each
//! found by a geodesic, and what it has in common with a polygon is cut out by the library.

use geo::{
    Area as _, BooleanOps as _, Coord, Destination as _, Distance as _, Geodesic, LineString,
    MultiPolygon, Point, Polygon, unary_union,
};

use super::space::ECCENTRICITY_2;
use super::{Corner, PlainPolygon};

/// Corners of a circle: its surface is then short of the true one by thirteen millionths.
const CORNERS: u32 = 720;

/// Parts of the window's height in which a line is followed: parallels are not evenly far apart in
/// the plane, and in parts a line leaves its true course by less than a millionth of the circle.
const PIECES: f64 = 128.0;

/// Wider circles are judged as if they were no wider, in metres: an eighth of the way around the
/// Earth. Up to there a circle that holds a pole meets every meridian once.
const WIDEST_M: f64 = 5_000_000.0;

/// The least length of a degree of latitude in metres, at the equator, and a little less.
const LATITUDE_DEG_M: f64 = 110_500.0;

/// The length of a degree of longitude at the equator in metres, and a little less.
const LONGITUDE_DEG_M: f64 = 111_300.0;

/// The whole way around, in degrees.
const TURN_DEG: f64 = 360.0;

/// What is around a circle: degrees of longitude from its middle, and of latitude.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    middle: Corner,
    half_width_deg: f64,
    south_deg: f64,
    north_deg: f64,
}

impl Window {
    /// Around a circle of this radius.
    pub(super) fn around(middle: Corner, radius_m: f64) -> Self {
        let height_deg = radius_m.min(WIDEST_M) / LATITUDE_DEG_M;
        let (south_deg, north_deg) = (middle.1 - height_deg, middle.1 + height_deg);
        let farthest_deg = south_deg.abs().max(north_deg.abs());
        let half_width_deg = if farthest_deg >= 90.0 {
            TURN_DEG / 2.0
        } else {
            let per_deg_m = LONGITUDE_DEG_M * farthest_deg.to_radians().cos();
            (radius_m.min(WIDEST_M) / per_deg_m).min(TURN_DEG / 2.0)
        };
        Self {
            middle,
            half_width_deg,
            south_deg: south_deg.max(-90.0),
            north_deg: north_deg.min(90.0),
        }
    }

    /// What must be added to the polygon's longitudes to have them from the middle, for each time
    /// that the polygon may be seen: the antimeridian has two names.
    fn shifts(&self, polygon: &PlainPolygon) -> impl Iterator<Item = f64> {
        let (least, most) = polygon.bounds;
        let (half_width_deg, lon_deg) = (self.half_width_deg, self.middle.0);
        let is_level = least.1 <= self.north_deg && most.1 >= self.south_deg;
        [-TURN_DEG, 0.0, TURN_DEG]
            .into_iter()
            .map(move |turn_deg| turn_deg - lon_deg)
            .filter(move |shift| {
                is_level && least.0 + shift <= half_width_deg && most.0 + shift >= -half_width_deg
            })
    }

    /// Whether a line of the polygon may be in here.
    pub(super) fn is_crossed_by(&self, polygon: &PlainPolygon) -> bool {
        self.shifts(polygon).any(|shift| {
            let lines = polygon.rings.iter().flat_map(|ring| ring.windows(2));
            lines.into_iter().any(|line| {
                let ((ax, ay), (bx, by)) = (line[0], line[1]);
                ay.min(by) <= self.north_deg
                    && ay.max(by) >= self.south_deg
                    && ax.min(bx) + shift <= self.half_width_deg
                    && ax.max(bx) + shift >= -self.half_width_deg
            })
        })
    }

    /// What of a ring is in here, side by side (Sutherland and Hodgman, 1974). Where the ring leaves
    /// and comes back, the result runs along the edge of the window.
    fn cut(&self, ring: &[Corner], shift: f64) -> Vec<Corner> {
        let ring = ring.iter().map(|(x, y)| (x + shift, *y)).collect();
        let ring = cut_off(ring, |(x, _)| x + self.half_width_deg);
        let ring = cut_off(ring, |(x, _)| self.half_width_deg - x);
        let ring = cut_off(ring, |(_, y)| y - self.south_deg);
        cut_off(ring, |(_, y)| self.north_deg - y)
    }
}

/// Leaves of a closed ring what is on the right side of a straight line, where `depth` is positive.
fn cut_off(ring: Vec<Corner>, depth: impl Fn(Corner) -> f64) -> Vec<Corner> {
    let mut kept = Vec::with_capacity(ring.len());
    for line in ring.windows(2) {
        let (from, to) = (line[0], line[1]);
        let (before, after) = (depth(from), depth(to));
        if before >= 0.0 {
            kept.push(from);
        }
        if (before >= 0.0) != (after >= 0.0) {
            let along = before / (before - after);
            kept.push((
                from.0 + (to.0 - from.0) * along,
                from.1 + (to.1 - from.1) * along,
            ));
        }
    }
    kept.extend(kept.first().copied());
    kept
}

/// A circle on the ellipsoid, in the plane.
pub(super) struct Disc {
    window: Window,
    outline: Polygon<f64>,
    surface: f64,
}

impl Disc {
    /// Around a place; `None` for a circle that is a point.
    pub(super) fn new(middle: Corner, radius_m: f64) -> Option<Self> {
        let radius_m = radius_m.min(WIDEST_M);
        let mut disc = Self {
            window: Window::around(middle, radius_m),
            outline: Polygon::empty(),
            surface: 0.0,
        };
        let rim = closed_at_the_pole(rim(middle, radius_m), middle, radius_m);
        disc.outline = Polygon::new(disc.on_plane(&rim), Vec::new());
        disc.surface = disc.outline.unsigned_area();
        (disc.surface > 0.0).then_some(disc)
    }

    /// The part of the circle that the polygons hold together, between 0 and 1.
    pub(super) fn share_of(&self, polygons: &[PlainPolygon]) -> f64 {
        let pieces = polygons.iter().flat_map(|polygon| {
            let shifts = self.window.shifts(polygon);
            shifts.map(|shift| self.common_with(polygon, shift))
        });
        let pieces: Vec<_> = pieces.filter(|piece| !piece.0.is_empty()).collect();
        let held = match pieces.as_slice() {
            [] => 0.0,
            [one] => one.unsigned_area(),
            several => unary_union(several).unsigned_area(),
        };
        (held / self.surface).min(1.0)
    }

    fn common_with(&self, polygon: &PlainPolygon, shift: f64) -> MultiPolygon<f64> {
        let mut rings = polygon.rings.iter().map(|ring| {
            let cut = self.window.cut(ring, shift);
            self.on_plane(&cut)
        });
        let Some(exterior) = rings.next().filter(|ring| !ring.0.is_empty()) else {
            return MultiPolygon(Vec::new());
        };
        let holes = rings.filter(|ring| !ring.0.is_empty()).collect();
        self.outline.intersection(&Polygon::new(exterior, holes))
    }

    /// Lines are straight in longitude and latitude (RFC 7946, section 3.1.1) and not in the plane.
    fn on_plane(&self, ring: &[Corner]) -> LineString<f64> {
        let middle_y = surface_to_equator(self.window.middle.1);
        let piece_deg = (self.window.north_deg - self.window.south_deg) / PIECES;
        let corners = ring.windows(2).flat_map(|line| {
            let ((ax, ay), (bx, by)) = (line[0], line[1]);
            let pieces = ((by - ay).abs() / piece_deg).ceil().clamp(1.0, PIECES);
            (0..pieces as u32).map(move |piece| {
                let along = f64::from(piece) / pieces;
                Coord {
                    x: (ax + (bx - ax) * along).to_radians(),
                    y: surface_to_equator(ay + (by - ay) * along) - middle_y,
                }
            })
        });
        let mut corners: Vec<_> = corners.collect();
        corners.extend(corners.first().copied());
        LineString(corners)
    }
}

/// Corners of a circle, from the north clockwise: degrees of longitude from its middle, latitude.
fn rim(middle: Corner, radius_m: f64) -> Vec<Corner> {
    let corners = (0..CORNERS).map(|corner| {
        let bearing_deg = TURN_DEG * f64::from(corner) / f64::from(CORNERS);
        let at = Geodesic.destination(Point::new(middle.0, middle.1), bearing_deg, radius_m);
        let east_deg = at.x() - middle.0;
        let half_turn_deg = TURN_DEG / 2.0;
        let east_deg = (east_deg + half_turn_deg).rem_euclid(TURN_DEG) - half_turn_deg;
        (east_deg, at.y())
    });
    corners.collect()
}

/// Closes the rim. Around a pole it goes from one edge of the plane to the other; there the circle
/// is what lies between the rim and the pole's own line.
fn closed_at_the_pole(mut rim: Vec<Corner>, middle: Corner, radius_m: f64) -> Vec<Corner> {
    let pole_deg = f64::copysign(90.0, middle.1);
    let pole = Point::new(middle.0, pole_deg);
    if Geodesic.distance(Point::new(middle.0, middle.1), pole) < radius_m {
        rim.sort_by(|a, b| a.0.total_cmp(&b.0));
        let half_turn_deg = TURN_DEG / 2.0;
        if let (Some((_, first_deg)), Some((_, last_deg))) = (rim.first(), rim.last()) {
            let edge_deg = f64::midpoint(*first_deg, *last_deg);
            rim.insert(0, (-half_turn_deg, edge_deg));
            rim.push((half_turn_deg, edge_deg));
            rim.push((half_turn_deg, pole_deg));
            rim.push((-half_turn_deg, pole_deg));
        }
    }
    rim.extend(rim.first().copied());
    rim
}

/// The surface between the equator and a parallel for each radian of longitude, by the square of the
/// ellipsoid's longer axis.
fn surface_to_equator(lat_deg: f64) -> f64 {
    let (sin, eccentricity) = (lat_deg.to_radians().sin(), ECCENTRICITY_2.sqrt());
    let along = eccentricity * sin;
    (1.0 - ECCENTRICITY_2) / 2.0 * (sin / (1.0 - along * along) + along.atanh() / eccentricity)
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use super::super::space::SEMI_MAJOR_M;

    use super::*;

    fn surface_m2(disc: &Disc) -> f64 {
        disc.surface * SEMI_MAJOR_M * SEMI_MAJOR_M
    }

    #[test]
    fn a_circle_has_its_surface_everywhere() {
        let right = |middle: Corner, radius_m: f64| {
            let surface_m2 = surface_m2(&Disc::new(middle, radius_m).unwrap());
            // A cap of the sphere is flat to within (r/R)²/12.
            let flat_m2 = PI * radius_m * radius_m;
            let relative = (surface_m2 / flat_m2 - 1.0).abs();
            assert!(relative < 2e-4, "{middle:?} {radius_m}: {relative}");
        };
        for middle in [(127.0, 37.0), (0.0, 0.0), (-180.0, -70.0), (10.0, 89.0)] {
            [1.0, 1e3, 2e5]
                .iter()
                .for_each(|radius_m| right(middle, *radius_m));
        }
        // At the pole itself parallels are too near each other in the plane for small circles.
        for middle in [(10.0, -90.0), (0.0, 89.995)] {
            [1e3, 2e5]
                .iter()
                .for_each(|radius_m| right(middle, *radius_m));
        }
        assert!(Disc::new((127.0, 37.0), 0.0).is_none());
    }

    #[test]
    fn the_whole_earth_has_its_surface() {
        let half = surface_to_equator(90.0) * 2.0 * PI * SEMI_MAJOR_M * SEMI_MAJOR_M;
        assert!((2.0 * half / 5.100_656_217e14 - 1.0).abs() < 1e-9, "{half}");
    }

    #[test]
    fn a_window_holds_its_circle() {
        for middle in [(127.0, 37.0), (179.9, 0.0), (0.0, -80.0), (0.0, 89.9)] {
            for radius_m in [3.0, 5e3, 1e6, WIDEST_M] {
                let window = Window::around(middle, radius_m);
                for (east_deg, lat_deg) in rim(middle, radius_m) {
                    assert!(
                        east_deg.abs() <= window.half_width_deg,
                        "{middle:?} {radius_m}"
                    );
                    assert!((window.south_deg..=window.north_deg).contains(&lat_deg));
                }
            }
        }
    }
}
