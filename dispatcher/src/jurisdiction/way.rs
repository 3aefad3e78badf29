//! The side of a place, told by the side of another one and the lines between them.
//!
//! The way has one turn: along the parallel of the place to the meridian of the other, and along that. All
//! three points count as moved by steps smaller than any number, north by one and east by one far smaller
//! still. No corner of a line is then at the height of the place or on the meridian of the other, and no
//! line goes through one of the points: each leg is crossed by a line or it is not, exactly.

use geo::kernels::{Kernel, Orientation, RobustKernel};
use geo::{Coord, Line};

/// From a place to another one nearby.
#[derive(Clone, Copy)]
pub(super) struct Way {
    from: Coord<f64>,
    turn: Coord<f64>,
    to: Coord<f64>,
}

/// A corner is east of the meridian of the way's end.
const EAST: u8 = 1;
/// A corner is north of the parallel of the way's beginning.
const NORTH: u8 = 2;
/// A corner is at the very height of the way's beginning.
const LEVEL: u8 = 4;

impl Way {
    #[inline]
    pub(super) fn new(from: Coord<f64>, to: Coord<f64>) -> Self {
        let turn = Coord { x: to.x, y: from.y };
        Self { from, turn, to }
    }

    /// Whether the way crosses an odd number of the lines between these corners, so that its ends are on
    /// different sides; `None` when its beginning is on one of them.
    #[inline]
    pub(super) fn crosses_oddly(
        &self,
        corners: impl IntoIterator<Item = Coord<f64>>,
    ) -> Option<bool> {
        let mut odd = false;
        let mut corners = corners.into_iter();
        let Some(mut last) = corners.next() else {
            return Some(odd);
        };
        let mut last_place = self.place(last);
        for corner in corners {
            let place = self.place(corner);
            // Most lines are on one side of both legs.
            if (place ^ last_place) & (EAST | NORTH) != 0 || (place | last_place) & LEVEL != 0 {
                odd ^= self.crosses(Line::new(last, corner))?;
            }
            (last, last_place) = (corner, place);
        }
        Some(odd)
    }

    #[inline]
    fn place(&self, corner: Coord<f64>) -> u8 {
        let east = u8::from(corner.x > self.to.x) * EAST;
        let north = u8::from(corner.y > self.from.y) * NORTH;
        let level = u8::from(corner.y == self.from.y) * LEVEL;
        east | north | level
    }

    fn crosses(&self, line: Line<f64>) -> Option<bool> {
        if holds(line, self.from) {
            return None;
        }
        let (a, b) = (line.start, line.end);
        let mut odd = false;
        if (a.y > self.from.y) != (b.y > self.from.y) {
            odd ^= passes_east(line, self.from) != passes_east(line, self.turn);
        }
        if (a.x > self.to.x) != (b.x > self.to.x) {
            odd ^= passes_north(line, self.turn) != passes_north(line, self.to);
        }
        Some(odd)
    }
}

fn holds(line: Line<f64>, point: Coord<f64>) -> bool {
    let (a, b) = (line.start, line.end);
    let within = |a: f64, b: f64, at: f64| a.min(b) <= at && at <= a.max(b);
    within(a.x, b.x, point.x)
        && within(a.y, b.y, point.y)
        && RobustKernel::orient2d(a, b, point) == Orientation::Collinear
}

/// Whether a line that passes the height of the moved point does so east of it.
fn passes_east(line: Line<f64>, point: Coord<f64>) -> bool {
    let (a, b) = (line.start, line.end);
    if a.x > point.x && b.x > point.x {
        return true;
    }
    if a.x < point.x && b.x < point.x {
        return false;
    }
    match RobustKernel::orient2d(a, b, point) {
        // Through the point itself: a step north the line is where it leans to, and an upright one has
        // stayed, west of the point's own step.
        Orientation::Collinear => a.x != b.x && (b.x > a.x) == (b.y > a.y),
        Orientation::CounterClockwise => b.y > a.y,
        Orientation::Clockwise => b.y < a.y,
    }
}

/// Whether a line that passes the meridian of the moved point does so north of it.
fn passes_north(line: Line<f64>, point: Coord<f64>) -> bool {
    let (a, b) = (line.start, line.end);
    if a.y > point.y && b.y > point.y {
        return true;
    }
    if a.y < point.y && b.y < point.y {
        return false;
    }
    match RobustKernel::orient2d(a, b, point) {
        // Through the point itself: the step east moves the line by less than the step north the point.
        Orientation::Collinear => false,
        Orientation::Clockwise => b.x > a.x,
        Orientation::CounterClockwise => b.x < a.x,
    }
}

#[cfg(test)]
mod tests {
    use geo::{LineString, Polygon};
    use proptest::prelude::*;

    use super::*;
    use crate::jurisdiction::inside::{Side, side_of_polygon};

    fn side(point: Coord<f64>, ring: &LineString<f64>) -> Side {
        side_of_polygon(point, &Polygon::new(ring.clone(), vec![]))
    }

    /// On a small lattice corners, level and upright lines meet the way all the time.
    fn lattice(x: i8, y: i8) -> Coord<f64> {
        Coord {
            x: f64::from(x) * 0.1,
            y: f64::from(y) * 0.1,
        }
    }

    fn points() -> impl Strategy<Value = Coord<f64>> {
        prop_oneof![
            (-1..9_i8, -1..9_i8).prop_map(|(x, y)| lattice(x, y)),
            (-1..9_i8, -1..9_i8).prop_map(|(x, y)| lattice(x, y) + lattice(1, 1) / 2.0),
            (-0.1..0.9_f64, -0.1..0.9_f64).prop_map(Coord::from),
            (0..8_i8, 0..8_i8).prop_map(|(x, y)| {
                let at = lattice(x, y);
                Coord {
                    x: at.x.next_up(),
                    y: at.y.next_down(),
                }
            }),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn a_way_leads_from_side_to_side(
            corners in prop::collection::vec((0..8_i8, 0..8_i8), 2..16), from in points(), to in points(),
        ) {
            let ring = corners.into_iter().map(|(x, y)| lattice(x, y)).collect();
            let ring = Polygon::new(ring, vec![]).exterior().clone();
            let crosses = Way::new(from, to).crosses_oddly(ring.0.iter().copied());
            prop_assert_eq!(crosses.is_none(), side(from, &ring) == Side::Boundary);
            if let (Some(odd), Side::Inside | Side::Outside) = (crosses, side(to, &ring)) {
                prop_assert_eq!(odd, side(from, &ring) != side(to, &ring));
            }
        }

        /// Where the end itself is on a line, the side it counts to is the same from everywhere.
        #[test]
        fn an_end_on_a_line_counts_to_one_side(
            corners in prop::collection::vec((0..8_i8, 0..8_i8), 2..16),
            from in prop::collection::vec(points(), 2..8), to in points(),
        ) {
            let ring = corners.into_iter().map(|(x, y)| lattice(x, y)).collect();
            let ring = Polygon::new(ring, vec![]).exterior().clone();
            let told = from.into_iter().filter_map(|from| {
                let odd = Way::new(from, to).crosses_oddly(ring.0.iter().copied())?;
                Some(odd != (side(from, &ring) == Side::Inside))
            });
            let told: Vec<_> = told.collect();
            prop_assert!(told.windows(2).all(|two| two[0] == two[1]), "{:?}", told);
        }
    }
}
