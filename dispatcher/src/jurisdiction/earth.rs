//! The Earth in three dimensions, in metres: no seam at the antimeridian, no trouble at the poles,
//! and a box around a line is a true lower bound of distances.

use geo::Coord;
use protocol::LatLon;

/// Metres from the middle of the Earth: towards 0°, 0°; towards 0°, 90° east; towards the north pole.
pub(super) type Cartesian = [f64; 3];

/// Equatorial radius of the WGS84 ellipsoid in metres (NIMA TR8350.2).
pub(super) const EQUATORIAL_RADIUS_M: f64 = 6_378_137.0;
/// Flattening of the WGS84 ellipsoid (NIMA TR8350.2).
const FLATTENING: f64 = 1.0 / 298.257_223_563;
pub(super) const ECCENTRICITY_2: f64 = FLATTENING * (2.0 - FLATTENING);

/// Over every radius of curvature of the ellipsoid (6,400 km at the poles), and over what the change
/// of the radius with latitude adds to a second derivative (1 %).
const CURVATURE_BOUND_M: f64 = 6_400_000.0 * 1.02;

/// A line is followed until it is known to this part of its distance: a hundredth of the budget of
/// 0.1 %.
const RELATIVE_TOLERANCE: f64 = 1e-5;
/// A line closer than this many metres is close enough: a tenth of a millimetre.
const TOLERANCE_M: f64 = 1e-4;
/// Halvings of a line; the deviation falls by four with each, so that a line around the whole Earth
/// (48,000 km) is below [`TOLERANCE_M`] after 20.
const MAX_HALVINGS: u32 = 24;

/// The place on the ellipsoid; `x` is the longitude and `y` the latitude, in degrees.
pub(super) fn cartesian(corner: Coord<f64>) -> Cartesian {
    let (sin_lat, cos_lat) = corner.y.to_radians().sin_cos();
    let (sin_lon, cos_lon) = corner.x.to_radians().sin_cos();
    let normal_m = EQUATORIAL_RADIUS_M / (1.0 - ECCENTRICITY_2 * sin_lat * sin_lat).sqrt();
    [
        normal_m * cos_lat * cos_lon,
        normal_m * cos_lat * sin_lon,
        normal_m * (1.0 - ECCENTRICITY_2) * sin_lat,
    ]
}

/// Degrees as the map's polygons have them.
pub(super) fn corner(at: LatLon) -> Coord<f64> {
    Coord {
        x: at.lon_deg(),
        y: at.lat_deg(),
    }
}

/// Metres straight through the Earth.
pub(super) fn chord_m(a: Cartesian, b: Cartesian) -> f64 {
    length(difference(a, b))
}

/// From metres straight through the Earth to metres along its surface, near this place.
///
/// By the sphere of the place's Gaussian radius, which differs by at most 0.34 % from the curvature
/// in any direction; the error is that part of `d²/12R²`: below 10⁻⁷ at 100 km.
pub(super) fn arc_of_chord_m(chord_m: f64, near: LatLon) -> f64 {
    let radius_m = gaussian_radius_m(near);
    2.0 * radius_m * (chord_m / (2.0 * radius_m)).min(1.0).asin()
}

/// The other way round; at most the whole diameter.
pub(super) fn chord_of_arc_m(arc_m: f64, near: LatLon) -> f64 {
    let radius_m = gaussian_radius_m(near);
    let half_angle = arc_m / (2.0 * radius_m);
    if half_angle >= std::f64::consts::FRAC_PI_2 {
        return f64::INFINITY; // the whole Earth
    }
    2.0 * radius_m * half_angle.sin()
}

fn gaussian_radius_m(near: LatLon) -> f64 {
    let sin_lat = near.lat_deg().to_radians().sin();
    EQUATORIAL_RADIUS_M * (1.0 - FLATTENING) / (1.0 - ECCENTRICITY_2 * sin_lat * sin_lat)
}

/// How far the line of the map between two corners, straight in longitude and latitude (RFC 7946,
/// section 3.1.1), may be from the straight line through the Earth between them, in metres.
///
/// A curve leaves its chord by at most an eighth of its greatest second derivative.
pub(super) fn deviation_m(a: Coord<f64>, b: Coord<f64>) -> f64 {
    let lat = (b.y - a.y).to_radians();
    let lon = (b.x - a.x).to_radians();
    let crosses_equator = a.y * b.y <= 0.0;
    let nearest_equator = if crosses_equator {
        0.0
    } else {
        a.y.abs().min(b.y.abs())
    };
    let cos_lat = nearest_equator.to_radians().cos();
    let sin_lat = a.y.abs().max(b.y.abs()).to_radians().sin();
    let second_derivative = lat * lat + lon * lon * cos_lat + 2.0 * (lat * lon).abs() * sin_lat;
    CURVATURE_BOUND_M * second_derivative / 8.0
}

/// Two corners of a ring that follow each other.
#[derive(Clone, Copy)]
pub(super) struct Edge {
    pub(super) from: Coord<f64>,
    pub(super) to: Coord<f64>,
}

impl Edge {
    fn middle(self) -> Coord<f64> {
        Coord {
            x: f64::midpoint(self.from.x, self.to.x),
            y: f64::midpoint(self.from.y, self.to.y),
        }
    }

    /// The smaller of `best_m` and the chord from a place to the nearest point of this line.
    ///
    /// What it comes to depends on the place and the line alone: only what cannot be better is
    /// passed over, so the order in which lines are looked at changes nothing.
    pub(super) fn nearest_chord_m(
        self,
        place: Cartesian,
        ends: (Cartesian, Cartesian),
        best_m: f64,
    ) -> f64 {
        self.nearest_in_part_m(place, ends, best_m, MAX_HALVINGS)
    }

    fn nearest_in_part_m(
        self,
        place: Cartesian,
        ends: (Cartesian, Cartesian),
        best_m: f64,
        halvings: u32,
    ) -> f64 {
        let straight_m = chord_to_segment_m(place, ends);
        let deviation_m = deviation_m(self.from, self.to);
        if straight_m - deviation_m >= best_m {
            return best_m;
        }
        let tolerance_m = (RELATIVE_TOLERANCE * straight_m).max(TOLERANCE_M);
        if deviation_m <= tolerance_m || halvings == 0 {
            return best_m.min(straight_m);
        }
        let middle = self.middle();
        let through = cartesian(middle);
        let first = Self {
            from: self.from,
            to: middle,
        };
        let second = Self {
            from: middle,
            to: self.to,
        };
        let best_m = first.nearest_in_part_m(place, (ends.0, through), best_m, halvings - 1);
        second.nearest_in_part_m(place, (through, ends.1), best_m, halvings - 1)
    }

    /// Stretches the box so that it holds the whole line.
    pub(super) fn stretch(self, bounds: &mut Bounds) {
        /// A line of the map is rarely longer than a tenth of a degree, where it deviates by 2 m.
        const STEP_DEG: f64 = 0.1;
        /// Bounds the work for a line around the Earth; its box is wider for it.
        const MAX_STEPS: f64 = 64.0;
        let length_deg = (self.to.x - self.from.x).abs() + (self.to.y - self.from.y).abs();
        let steps = (length_deg / STEP_DEG).ceil().clamp(1.0, MAX_STEPS);
        let at = |step: f64| Coord {
            x: self.from.x + (self.to.x - self.from.x) * step / steps,
            y: self.from.y + (self.to.y - self.from.y) * step / steps,
        };
        for step in 0..steps as u32 {
            let (from, to) = (at(f64::from(step)), at(f64::from(step + 1)));
            // A micrometre for the rounding of coordinates of 6,400 km.
            let margin_m = deviation_m(from, to) + 1e-6;
            bounds.hold(cartesian(from), margin_m);
            bounds.hold(cartesian(to), margin_m);
        }
    }
}

/// A box in three dimensions.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    pub(super) lower: Cartesian,
    pub(super) upper: Cartesian,
}

impl Bounds {
    pub(super) const EMPTY: Self = Self {
        lower: [f64::INFINITY; 3],
        upper: [f64::NEG_INFINITY; 3],
    };

    fn hold(&mut self, place: Cartesian, margin_m: f64) {
        for (axis, value) in place.into_iter().enumerate() {
            self.lower[axis] = self.lower[axis].min(value - margin_m);
            self.upper[axis] = self.upper[axis].max(value + margin_m);
        }
    }
}

fn chord_to_segment_m(place: Cartesian, (a, b): (Cartesian, Cartesian)) -> f64 {
    let along = difference(b, a);
    let to_place = difference(place, a);
    let length_2 = dot(along, along);
    let share = if length_2 > 0.0 {
        dot(along, to_place) / length_2
    } else {
        0.0
    };
    // The ends exactly, so that two areas which share a corner are equally near.
    if share <= 0.0 {
        return length(to_place);
    }
    if share >= 1.0 {
        return chord_m(place, b);
    }
    let foot = std::array::from_fn(|axis| a[axis] + share * along[axis]);
    chord_m(place, foot)
}

fn difference(a: Cartesian, b: Cartesian) -> Cartesian {
    std::array::from_fn(|axis| a[axis] - b[axis])
}

fn dot(a: Cartesian, b: Cartesian) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn length(a: Cartesian) -> f64 {
    dot(a, a).sqrt()
}

#[cfg(test)]
mod tests {
    use geo::{Distance, Geodesic, Point};
    use proptest::prelude::*;

    use super::*;

    fn nearest_m(place: LatLon, edge: Edge) -> f64 {
        let ends = (cartesian(edge.from), cartesian(edge.to));
        let chord = edge.nearest_chord_m(cartesian(corner(place)), ends, f64::INFINITY);
        arc_of_chord_m(chord, place)
    }

    /// The slow way: the nearest of many points of the line, by geodesics, twice refined.
    fn oracle_m(place: LatLon, edge: Edge) -> f64 {
        const POINTS: i32 = 400;
        let at = |share: f64| {
            let x = edge.from.x + (edge.to.x - edge.from.x) * share;
            let y = edge.from.y + (edge.to.y - edge.from.y) * share;
            Geodesic.distance(Point::from(corner(place)), Point::new(x, y))
        };
        let (mut from, mut to, mut best) = (0.0_f64, 1.0_f64, (f64::INFINITY, 0.0));
        for _ in 0..4 {
            for point in 0..=POINTS {
                let share = from + (to - from) * f64::from(point) / f64::from(POINTS);
                let metres = at(share);
                if metres < best.0 {
                    best = (metres, share);
                }
            }
            let width = (to - from) * 2.0 / f64::from(POINTS);
            (from, to) = ((best.1 - width).max(0.0), (best.1 + width).min(1.0));
        }
        best.0
    }

    fn agree(place: LatLon, edge: Edge) {
        let (ours, oracle) = (nearest_m(place, edge), oracle_m(place, edge));
        // Distances of a service end at its reach; beyond it only the order of magnitude matters.
        let allowed = if oracle <= 400_000.0 { 3e-5 } else { 0.03 };
        assert!(
            (ours - oracle).abs() <= allowed * oracle + 1e-3,
            "{ours} m, oracle {oracle} m"
        );
    }

    fn edge(from: (f64, f64), to: (f64, f64)) -> Edge {
        Edge {
            from: from.into(),
            to: to.into(),
        }
    }

    #[test]
    fn a_long_line_follows_its_parallel() {
        // The geodesic between these ends runs 4 km north of the parallel in the middle.
        let at = LatLon::new(40.0, 3.0).unwrap();
        let metres = nearest_m(at, edge((0.0, 40.0), (6.0, 40.0)));
        assert!(metres < 1e-3, "{metres}");
    }

    #[test]
    fn the_antimeridian_is_no_seam() {
        let east = LatLon::new(-17.0, 179.999).unwrap();
        agree(east, edge((-180.0, -18.0), (-180.0, -16.0)));
        assert!(nearest_m(east, edge((-180.0, -18.0), (-180.0, -16.0))) < 110.0);
    }

    #[test]
    fn a_line_around_the_pole_is_followed() {
        agree(
            LatLon::new(90.0, 12.0).unwrap(),
            edge((-180.0, 89.5), (180.0, 89.5)),
        );
        agree(
            LatLon::new(89.9, 170.0).unwrap(),
            edge((-180.0, 89.5), (180.0, 89.5)),
        );
        agree(
            LatLon::new(-89.0, 0.0).unwrap(),
            edge((-180.0, -90.0), (180.0, -90.0)),
        );
    }

    proptest! {
        #[test]
        fn distances_agree_with_geodesics(
            lat in -89.9..89.9_f64, lon in -180.0..180.0_f64,
            away in (-1.0..1.0_f64, -1.0..1.0_f64), length in (-2.0..2.0_f64, -2.0..2.0_f64),
        ) {
            let wrapped = |lon: f64| lon.clamp(-180.0, 180.0);
            let from = (wrapped(lon + away.0), (lat + away.1).clamp(-90.0, 90.0));
            let to = (wrapped(from.0 + length.0), (from.1 + length.1).clamp(-90.0, 90.0));
            agree(LatLon::new(lat, lon).unwrap(), edge(from, to));
        }

        #[test]
        fn a_box_holds_its_line(
            from in (-180.0..180.0_f64, -90.0..90.0_f64), to in (-180.0..180.0_f64, -90.0..90.0_f64),
            share in 0.0..1.0_f64, near in any::<bool>(),
        ) {
            let to = if near { (from.0 * 0.999 + to.0 * 0.001, from.1 * 0.999 + to.1 * 0.001) } else { to };
            let edge = edge(from, to);
            let mut bounds = Bounds::EMPTY;
            edge.stretch(&mut bounds);
            let at = cartesian(Coord {
                x: from.0 + (to.0 - from.0) * share,
                y: from.1 + (to.1 - from.1) * share,
            });
            for (axis, value) in at.into_iter().enumerate() {
                prop_assert!(bounds.lower[axis] <= value && value <= bounds.upper[axis]);
            }
        }

        #[test]
        fn an_arc_is_found_again_from_its_chord(lat in -90.0..90.0_f64, arc in 0.0..1e7_f64) {
            let near = LatLon::new(lat, 0.0).unwrap();
            let again = arc_of_chord_m(chord_of_arc_m(arc, near), near);
            prop_assert!((again - arc).abs() <= 1e-9 * arc + 1e-6);
        }
    }
}
