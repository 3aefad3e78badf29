//! A plane around a middle in which every area is as large as on the ellipsoid.
//!
//! The ellipsoid is first taken to the sphere of equal area (the authalic one), then to Lambert's
//! azimuthal equal-area plane (Snyder, Map Projections: A Working Manual, 1987, equations 3-11 to 3-13
//! and 24-2). In that plane a distance from the middle is the chord through the sphere, which is also
//! what a box in three dimensions bounds.

use geo::Coord;
use protocol::LatLon;

use super::super::earth::{ECCENTRICITY_2, EQUATORIAL_RADIUS_M};

/// A place on the authalic sphere, whose radius is 1; axes as in [`super::super::earth::Cartesian`].
pub(super) type Unit = [f64; 3];

/// A place in a plane.
pub(super) type Flat = [f64; 2];

/// Radius of the sphere that has the surface of the WGS84 ellipsoid, in metres (Snyder, 3-13).
pub(super) const AUTHALIC_RADIUS_M: f64 = 6_371_007.180_918_474;

/// Twice the surface of the northern half over that of the sphere of the equator (Snyder, 3-12 at 90°).
const Q_POLE: f64 = 1.995_531_087_502_836_7;

/// Nearer to a pole than this, in the cosine of the latitude (6 m), all directions are alike.
const AT_POLE: f64 = 1e-6;

/// The place on the authalic sphere; `x` is the longitude and `y` the latitude, in degrees.
pub(super) fn unit(corner: Coord<f64>) -> Unit {
    let sin = authalic_sine(corner.y.to_radians().sin());
    let cos = (1.0 - sin * sin).max(0.0).sqrt();
    let (sin_lon, cos_lon) = corner.x.to_radians().sin_cos();
    [cos * cos_lon, cos * sin_lon, sin]
}

/// The sine of the authalic latitude by that of the latitude (Snyder, 3-11 and 3-12).
fn authalic_sine(sin_lat: f64) -> f64 {
    let q = q(sin_lat) / Q_POLE;
    q.clamp(-1.0, 1.0)
}

fn q(sin_lat: f64) -> f64 {
    let eccentricity = ECCENTRICITY_2.sqrt();
    let ring = sin_lat / (1.0 - ECCENTRICITY_2 * sin_lat * sin_lat);
    (1.0 - ECCENTRICITY_2) * (ring + (eccentricity * sin_lat).atanh() / eccentricity)
}

/// The latitude's sine by the authalic one's, by fixed point: each step is 150 times closer.
fn geographic_sine(authalic: f64) -> f64 {
    const STEPS: usize = 8;
    (0..STEPS).fold(authalic, |sin, _| {
        (sin + authalic - authalic_sine(sin)).clamp(-1.0, 1.0)
    })
}

/// The plane around a middle.
pub(super) struct Plane {
    pub(super) middle: Unit,
    east: Unit,
    north: Unit,
    /// By how much the plane shows west to east too short in the middle, and south to north too long.
    stretch: f64,
}

impl Plane {
    pub(super) fn around(at: LatLon) -> Self {
        let (sin_lat, cos_lat) = at.lat_deg().to_radians().sin_cos();
        let (sin_lon, cos_lon) = at.lon_deg().to_radians().sin_cos();
        let sin = authalic_sine(sin_lat);
        let cos = (1.0 - sin * sin).max(0.0).sqrt();
        let normal_m = EQUATORIAL_RADIUS_M / (1.0 - ECCENTRICITY_2 * sin_lat * sin_lat).sqrt();
        let stretch = if cos_lat < AT_POLE {
            1.0
        } else {
            normal_m * cos_lat / (AUTHALIC_RADIUS_M * cos)
        };
        Self {
            middle: [cos * cos_lon, cos * sin_lon, sin],
            east: [-sin_lon, cos_lon, 0.0],
            north: [-sin * cos_lon, -sin * sin_lon, cos],
            stretch,
        }
    }

    /// Metres to the east and to the north in the middle's own scale, for a linear map to be put
    /// before them.
    fn axes_m(&self) -> [Unit; 2] {
        [
            self.east
                .map(|axis| axis * AUTHALIC_RADIUS_M * self.stretch),
            self.north
                .map(|axis| axis * AUTHALIC_RADIUS_M / self.stretch),
        ]
    }

    /// The place that shows at these metres to the east and to the north.
    pub(super) fn place(&self, [east_m, north_m]: Flat) -> Option<LatLon> {
        let east = east_m / (AUTHALIC_RADIUS_M * self.stretch);
        let north = north_m * self.stretch / AUTHALIC_RADIUS_M;
        let distance_2 = east * east + north * north;
        let along = 1.0 - distance_2 / 2.0;
        let across = (1.0 - distance_2 / 4.0).max(0.0).sqrt();
        let [x, y, z]: Unit = std::array::from_fn(|axis| {
            self.middle[axis] * along + (self.east[axis] * east + self.north[axis] * north) * across
        });
        let lat = geographic_sine(z.clamp(-1.0, 1.0)).asin();
        LatLon::new(lat.to_degrees(), y.atan2(x).to_degrees()).ok()
    }

    /// A view in metres.
    pub(super) fn in_metres(self) -> View {
        let [across, up] = self.axes_m();
        self.view(across, up, 1.0, 1.0)
    }

    /// A view in which the ellipse of these axes, metres in the plane, is the unit disc; the first
    /// axis points to this bearing, clockwise from the north.
    pub(super) fn with_unit_disc(self, axis_m: f64, other_axis_m: f64, bearing_deg: f64) -> View {
        let (sin, cos) = bearing_deg.to_radians().sin_cos();
        let [east, north] = self.axes_m();
        let across = std::array::from_fn(|axis| (east[axis] * sin + north[axis] * cos) / axis_m);
        let up = std::array::from_fn(|axis| (east[axis] * cos - north[axis] * sin) / other_axis_m);
        self.view(across, up, axis_m, other_axis_m)
    }

    fn view(self, across: Unit, up: Unit, axis_m: f64, other_axis_m: f64) -> View {
        let (long, short) = (axis_m.max(other_axis_m), axis_m.min(other_axis_m));
        let (wide, narrow) = (
            self.stretch.max(1.0 / self.stretch),
            self.stretch.min(1.0 / self.stretch),
        );
        View {
            middle: self.middle,
            across,
            up,
            outer: long * wide / AUTHALIC_RADIUS_M,
            inner: short * narrow / AUTHALIC_RADIUS_M,
        }
    }
}

/// A plane with its own two axes.
pub(super) struct View {
    pub(super) middle: Unit,
    across: Unit,
    up: Unit,
    /// Chords from the middle, of which the sphere's radius is 1: all beyond is outside of the unit
    /// disc, and all within `inner` is inside.
    pub(super) outer: f64,
    pub(super) inner: f64,
}

impl View {
    /// A disc of this chord around the direction of a place that may be beneath the surface, as the
    /// middle of a ball is.
    pub(super) fn around(inside: Unit, chord: f64) -> Self {
        let length = dot(inside, inside).sqrt();
        let middle = inside.map(|axis| axis / length);
        // What a ball beneath the surface holds is within the sum of both from the one above it.
        let radius = (chord + 1.0 - length) * (1.0 + f64::EPSILON);
        // Any axis that is not the middle's own.
        let least = middle
            .iter()
            .fold(f64::INFINITY, |least, axis| axis.abs().min(least));
        let other = middle.map(|axis| if axis.abs() == least { 1.0 } else { 0.0 });
        let across = normal(other, middle);
        let up = normal(middle, across);
        Self {
            middle,
            across: across.map(|axis| axis / radius),
            up: up.map(|axis| axis / radius),
            outer: radius,
            inner: radius,
        }
    }

    #[inline]
    pub(super) fn show(&self, place: Unit) -> Flat {
        /// The antipode is a circle in the plane; short of it the map is steep and finite.
        const LEAST: f64 = 1e-12;
        let scale = (2.0 / (1.0 + dot(place, self.middle)).max(LEAST)).sqrt();
        [scale * dot(place, self.across), scale * dot(place, self.up)]
    }
}

#[inline]
pub(super) fn dot(a: Unit, b: Unit) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

/// At a right angle to both, of length 1.
fn normal(a: Unit, b: Unit) -> Unit {
    let product: Unit = [
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    ];
    let length = dot(product, product).sqrt();
    product.map(|axis| axis / length)
}

/// Straight through the sphere.
#[inline]
pub(super) fn chord(a: Unit, b: Unit) -> f64 {
    let apart: Unit = std::array::from_fn(|axis| a[axis] - b[axis]);
    dot(apart, apart).sqrt()
}

#[cfg(test)]
mod tests {
    use geo::{Destination as _, Geodesic, Point};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_constants_are_the_formulas() {
        assert!((q(1.0) - Q_POLE).abs() < 1e-15, "{}", q(1.0));
        let radius_m = EQUATORIAL_RADIUS_M * (Q_POLE / 2.0).sqrt();
        assert!((radius_m - AUTHALIC_RADIUS_M).abs() < 1e-6, "{radius_m}");
    }

    proptest! {
        /// Against geodesics: the middle's scale is true in every direction.
        #[test]
        fn a_short_way_has_its_length_and_its_direction(
            lat in -89.9..89.9_f64, lon in -180.0..180.0_f64, bearing in 0.0..360.0_f64,
        ) {
            let at = LatLon::new(lat, lon).unwrap();
            let to = Geodesic.destination(Point::new(lon, lat), bearing, 100.0);
            let [east_m, north_m] = Plane::around(at).in_metres().show(unit(to.0));
            let (sin, cos) = bearing.to_radians().sin_cos();
            prop_assert!((east_m - 100.0 * sin).abs() < 0.01 && (north_m - 100.0 * cos).abs() < 0.01);
        }

        #[test]
        fn a_place_is_found_again(
            lat in -89.0..89.0_f64, lon in -179.0..179.0_f64, east_m in -1e5..1e5_f64, north_m in -1e5..1e5_f64,
        ) {
            let at = LatLon::new(lat, lon).unwrap();
            let place = Plane::around(at).place([east_m, north_m]).unwrap();
            let corner = Coord { x: place.lon_deg(), y: place.lat_deg() };
            let [east, north] = Plane::around(at).in_metres().show(unit(corner));
            prop_assert!((east - east_m).abs() < 1e-3 && (north - north_m).abs() < 1e-3);
        }
    }
}
