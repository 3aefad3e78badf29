//! Distances straight through the Earth.

use super::Corner;

/// WGS84: half of the longer axis in metres, and the square of the eccentricity.
pub(super) const SEMI_MAJOR_M: f64 = 6_378_137.0;
pub(super) const ECCENTRICITY_2: f64 = 6.694_379_990_141_317e-3;

/// Metres from the middle of the Earth.
pub(super) type InSpace = [f64; 3];

/// Degrees on the ellipsoid to metres in space (any textbook of geodesy; height 0).
pub(super) fn in_space((lon_deg, lat_deg): Corner) -> InSpace {
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

pub(super) fn to_line_m(place: InSpace, from: InSpace, to: InSpace) -> f64 {
    let (line, offset) = (minus(to, from), minus(place, from));
    let along = (dot(offset, line) / dot(line, line).max(f64::MIN_POSITIVE)).clamp(0.0, 1.0);
    length(minus(
        offset,
        [line[0] * along, line[1] * along, line[2] * along],
    ))
}

/// Between two places.
pub(super) fn distance_m(a: InSpace, b: InSpace) -> f64 {
    length(minus(a, b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_degree_of_latitude_has_its_length() {
        let metres = distance_m(in_space((127.0, 37.0)), in_space((127.0, 37.001)));
        assert!((metres - 110.98).abs() < 0.02, "{metres}");
    }
}
