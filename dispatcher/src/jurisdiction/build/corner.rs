//! Corners and rings on a fine grid, so that what touches in the source touches in the result.

/// Grid units in one degree: GeoJSON is written with seven decimals, 1.1 cm on the ground.
pub(crate) const UNITS_PER_DEG: f64 = 1e7;

/// A corner in units of 10⁻⁷ degree: two features that share a border share the very same integers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Corner {
    /// Longitude.
    pub(crate) x: i64,
    /// Latitude.
    pub(crate) y: i64,
}

impl Corner {
    /// The nearest corner of the grid; `None` for what is no place on Earth.
    pub(crate) fn from_degrees(lon: f64, lat: f64) -> Option<Self> {
        let on_earth =
            lon.is_finite() && lat.is_finite() && lon.abs() <= 180.0 && lat.abs() <= 90.0;
        on_earth.then(|| Self {
            x: (lon * UNITS_PER_DEG).round() as i64,
            y: (lat * UNITS_PER_DEG).round() as i64,
        })
    }

    /// Exact: three corners on Earth overflow 63 bits.
    fn turn(self, b: Self, c: Self) -> i128 {
        let [ux, uy] = [b.x - self.x, b.y - self.y].map(i128::from);
        let [vx, vy] = [c.x - self.x, c.y - self.y].map(i128::from);
        ux * vy - uy * vx
    }
}

/// Twice the area of a ring in square units, positive when it runs counter-clockwise.
pub(crate) fn doubled_area(corners: &[Corner]) -> i128 {
    let Some(&origin) = corners.first() else {
        return 0;
    };
    corners
        .windows(2)
        .map(|pair| origin.turn(pair[0], pair[1]))
        .sum()
}

/// Where a corner lies of a ring, by the even-odd rule; `None` on the ring itself.
pub(crate) fn encloses(ring: &[Corner], at: Corner) -> Option<bool> {
    let mut inside = false;
    for (n, &a) in ring.iter().enumerate() {
        let b = ring[(n + 1) % ring.len()];
        let turn = a.turn(b, at);
        let within = a.min(b) <= at && at <= a.max(b);
        if turn == 0 && within && (a.y - at.y) * (b.y - at.y) <= 0 {
            return None;
        }
        if (a.y > at.y) != (b.y > at.y) && (turn > 0) == (b.y > a.y) {
            inside = !inside;
        }
    }
    Some(inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(corners: &[(i64, i64)]) -> Vec<Corner> {
        corners.iter().map(|&(x, y)| Corner { x, y }).collect()
    }

    #[test]
    fn a_ring_encloses_by_the_even_odd_rule() {
        let bay = ring(&[(0, 0), (10, 0), (10, 10), (5, 2), (0, 10)]);
        assert_eq!(encloses(&bay, Corner { x: 5, y: 1 }), Some(true));
        assert_eq!(encloses(&bay, Corner { x: 5, y: 5 }), Some(false));
        assert_eq!(encloses(&bay, Corner { x: 5, y: 2 }), None);
        assert_eq!(encloses(&bay, Corner { x: 7, y: 0 }), None);
        assert_eq!(encloses(&bay, Corner { x: 11, y: 0 }), Some(false));
        assert_eq!(encloses(&bay, Corner { x: 0, y: 5 }), None);
    }

    #[test]
    fn the_area_has_the_sign_of_the_direction() {
        let mut square = ring(&[(3, 3), (5, 3), (5, 5), (3, 5)]);
        assert_eq!(doubled_area(&square), 8);
        square.reverse();
        assert_eq!(doubled_area(&square), -8);
        assert_eq!(doubled_area(&[]), 0);
    }

    #[test]
    fn what_is_no_place_has_no_corner() {
        assert_eq!(
            Corner::from_degrees(127.000_000_04, 37.5),
            Some(Corner {
                x: 1_270_000_000,
                y: 375_000_000
            })
        );
        for (lon, lat) in [
            (f64::NAN, 0.0),
            (181.0, 0.0),
            (0.0, -90.5),
            (0.0, f64::INFINITY),
        ] {
            assert_eq!(Corner::from_degrees(lon, lat), None);
        }
    }
}
