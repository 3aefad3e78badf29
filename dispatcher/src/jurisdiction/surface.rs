//! How large is an area, in square metres of the ellipsoid?

use geo::{LineString, Polygon};

use super::earth::{ECCENTRICITY_2, EQUATORIAL_RADIUS_M};

/// Places and weights of Gauss and Legendre's rule of three points (DLMF 3.5.15), on -1 to 1: exact for
/// polynomials of the fifth degree, which along a line of one degree leaves less than a part in 10¹².
const RULE: [(f64, f64); 3] = [
    (-0.774_596_669_241_483_4, 5.0 / 9.0),
    (0.0, 8.0 / 9.0),
    (0.774_596_669_241_483_4, 5.0 / 9.0),
];

/// Longer lines, in degrees of latitude, are followed piece by piece.
const LONGEST_PIECE_DEG: f64 = 1.0;

/// The surface of polygons on the WGS84 ellipsoid, in square metres; what several of them hold counts
/// for each.
///
/// Their lines are straight in longitude and latitude, as a map draws them (RFC 7946, section 3.1.1),
/// and not geodesics. Between a line and the equator lies the integral of `a² q(φ) / 2` over the
/// longitude, where `q` is that of the authalic latitude (Snyder, Map Projections: A Working Manual,
/// 1987, equation 3-12). Orientation has no meaning; holes must lie within.
#[must_use]
pub fn surface_m2<'a>(polygons: impl IntoIterator<Item = &'a Polygon<f64>>) -> f64 {
    polygons
        .into_iter()
        .map(|polygon| {
            let holes: f64 = polygon.interiors().iter().map(ring_m2).sum();
            ring_m2(polygon.exterior()) - holes
        })
        // The sum of nothing is -0.0, which would be written so.
        .fold(0.0, |sum, one| sum + one)
}

fn ring_m2(ring: &LineString<f64>) -> f64 {
    let lines = ring.0.windows(2);
    let below: f64 = lines
        .map(|line| (line[1].x - line[0].x).to_radians() * mean_q(line[0].y, line[1].y))
        .sum();
    (below * EQUATORIAL_RADIUS_M * EQUATORIAL_RADIUS_M / 2.0).abs()
}

/// The mean of `q` between two latitudes in degrees.
fn mean_q(from_deg: f64, to_deg: f64) -> f64 {
    let pieces = ((to_deg - from_deg).abs() / LONGEST_PIECE_DEG)
        .ceil()
        .max(1.0);
    let half_deg = (to_deg - from_deg) / pieces / 2.0;
    let sum: f64 = (0..pieces as u32)
        .flat_map(|piece| {
            let middle_deg = from_deg + half_deg * f64::from(2 * piece + 1);
            RULE.map(|(at, weight)| weight * q((middle_deg + at * half_deg).to_radians().sin()))
        })
        .sum();
    sum / pieces / 2.0
}

fn q(sin_lat: f64) -> f64 {
    let eccentricity = ECCENTRICITY_2.sqrt();
    let ring = sin_lat / (1.0 - ECCENTRICITY_2 * sin_lat * sin_lat);
    (1.0 - ECCENTRICITY_2) * (ring + (eccentricity * sin_lat).atanh() / eccentricity)
}

#[cfg(test)]
mod tests {
    use geo::{GeodesicArea as _, Rect, polygon};
    use proptest::prelude::*;

    use super::*;

    fn square(west: f64, south: f64, side_deg: f64) -> Polygon<f64> {
        Rect::new((west, south), (west + side_deg, south + side_deg)).to_polygon()
    }

    #[test]
    fn the_whole_earth_is_as_large_as_it_is() {
        let earth = Rect::new((-180.0, -90.0), (180.0, 90.0)).to_polygon();
        // NIMA TR8350.2, table 3.3: the sphere of equal area has 6,371,007.1809 m.
        let sphere = 4.0 * std::f64::consts::PI * 6_371_007.180_9_f64.powi(2);
        let surface = surface_m2([&earth]);
        assert!((surface / sphere - 1.0).abs() < 1e-10, "{surface}");
    }

    #[test]
    fn a_hole_is_no_surface_and_orientation_has_no_meaning() {
        let hole = polygon![
            exterior: [(x: 0.0, y: 0.0), (x: 0.0, y: 2.0), (x: 2.0, y: 2.0), (x: 2.0, y: 0.0)],
            interiors: [[(x: 0.5, y: 0.5), (x: 0.5, y: 1.5), (x: 1.5, y: 1.5), (x: 1.5, y: 0.5)]],
        ];
        let expected = surface_m2([&square(0.0, 0.0, 2.0)]) - surface_m2([&square(0.5, 0.5, 1.0)]);
        assert!((surface_m2([&hole]) - expected).abs() < 1e-3);
    }

    proptest! {
        /// The lines of a small figure run within 0.2 m of the geodesics.
        #[test]
        fn small_triangles_are_as_large_as_geodesics_say(
            lon in -179.0..179.0_f64, lat in -60.0..60.0_f64,
            corners in prop::array::uniform3((-0.01..0.01_f64, -0.01..0.01_f64)),
        ) {
            let corners: Vec<_> = corners.iter().map(|(x, y)| (lon + x, lat + y)).collect();
            let triangle = Polygon::new(corners.into(), vec![]);
            let geodesic = triangle.geodesic_area_signed().abs();
            let ours = surface_m2([&triangle]);
            prop_assert!((ours - geodesic).abs() < 1_000.0, "{} {}", ours, geodesic);
        }

        /// Parts are together as large as the whole, whatever the lines between them.
        #[test]
        fn parts_sum_to_the_whole(
            west in -170.0..160.0_f64, south in -80.0..70.0_f64, side in 0.1..9.0_f64,
            at in (0.01..0.99_f64, 0.01..0.99_f64),
        ) {
            let corners = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0), (0.0, 0.0)]
                .map(|(x, y)| (west + side * x, south + side * y));
            let middle = (west + side * at.0, south + side * at.1);
            let parts: Vec<_> = corners
                .windows(2)
                .map(|line| Polygon::new(vec![line[0], line[1], middle].into(), vec![]))
                .collect();
            let whole = surface_m2([&square(west, south, side)]);
            prop_assert!((surface_m2(&parts) / whole - 1.0).abs() < 1e-9);
        }
    }
}
