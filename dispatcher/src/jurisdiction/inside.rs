//! Inside, outside or exactly on the line: the even-odd rule with exact predicates.

use geo::kernels::{Kernel, Orientation, RobustKernel};
use geo::{Coord, Line};

/// Where a point is, seen from a polygon.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Side {
    Outside,
    Boundary,
    Inside,
}

/// What a line does to the ray from a point towards the east.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Meeting {
    /// The point itself is on the line.
    Holds,
    Crosses,
    Misses,
}

/// Exact for all coordinates of a map: no tolerance, so neighbours that share a line never both
/// have, or both miss, a point beside it.
///
/// A line holds its lower end and not its upper one, so a ray through a corner crosses once or
/// twice, as it should.
#[inline]
pub(super) fn meeting(point: Coord<f64>, line: Line<f64>) -> Meeting {
    let (a, b) = (line.start, line.end);
    if (a.y > point.y && b.y > point.y) || (a.y < point.y && b.y < point.y) {
        return Meeting::Misses;
    }
    if a.x < point.x && b.x < point.x {
        return Meeting::Misses;
    }
    let crosses_height = (a.y > point.y) != (b.y > point.y);
    let crosses_if = |east_of_point| match crosses_height && east_of_point {
        true => Meeting::Crosses,
        false => Meeting::Misses,
    };
    if a.x > point.x && b.x > point.x {
        return crosses_if(true);
    }
    // The point is within the box of the line: only here does the exact side matter.
    let east_of_point = if b.y > a.y {
        Orientation::CounterClockwise
    } else {
        Orientation::Clockwise
    };
    match RobustKernel::orient2d(a, b, point) {
        Orientation::Collinear => Meeting::Holds,
        side => crosses_if(side == east_of_point),
    }
}

/// Inside the outer ring and in no hole, told by the sides of the rings.
#[inline]
pub(super) fn side_by_rings<R>(
    exterior: R,
    holes: impl IntoIterator<Item = R>,
    side_of: impl Fn(R) -> Side,
) -> Side {
    let outer = side_of(exterior);
    if outer != Side::Inside {
        return outer;
    }
    for hole in holes {
        match side_of(hole) {
            Side::Outside => {}
            Side::Boundary => return Side::Boundary,
            Side::Inside => return Side::Outside,
        }
    }
    Side::Inside
}

/// The plain way: every line of the polygon.
#[cfg(test)]
pub(super) fn side_of_polygon(point: Coord<f64>, polygon: &geo::Polygon<f64>) -> Side {
    side_by_rings(polygon.exterior(), polygon.interiors(), |ring| {
        let meetings: Vec<_> = ring.lines().map(|line| meeting(point, line)).collect();
        let crossed = meetings.iter().filter(|one| **one == Meeting::Crosses);
        match (meetings.contains(&Meeting::Holds), crossed.count() % 2) {
            (true, _) => Side::Boundary,
            (false, 1) => Side::Inside,
            (false, _) => Side::Outside,
        }
    })
}

#[cfg(test)]
mod tests {
    use geo::coordinate_position::{CoordPos, CoordinatePosition};
    use geo::{Polygon, polygon};
    use proptest::prelude::*;

    use super::*;

    fn geo_side(point: Coord<f64>, polygon: &Polygon<f64>) -> Side {
        match polygon.coordinate_position(&point) {
            CoordPos::Inside => Side::Inside,
            CoordPos::OnBoundary => Side::Boundary,
            CoordPos::Outside => Side::Outside,
        }
    }

    fn with_hole() -> Polygon<f64> {
        polygon!(
            exterior: [(x: 0.0, y: 0.0), (x: 6.0, y: 0.0), (x: 6.0, y: 6.0), (x: 3.0, y: 3.0), (x: 0.0, y: 6.0)],
            interiors: [[(x: 1.0, y: 1.0), (x: 2.0, y: 1.0), (x: 2.0, y: 2.0), (x: 1.0, y: 2.0)]],
        )
    }

    #[test]
    fn corners_lines_and_holes_are_told_apart() {
        for (at, side) in [
            ((0.0, 0.0), Side::Boundary),
            ((3.0, 0.0), Side::Boundary), // a level line
            ((3.0, 3.0), Side::Boundary), // the notch
            ((3.0, 4.0), Side::Outside),
            ((-1.0, 3.0), Side::Outside), // the ray runs through the notch
            ((-1.0, 6.0), Side::Outside), // the ray runs through two peaks
            ((-1.0, 0.0), Side::Outside), // the ray runs along a line
            ((0.5, 1.0), Side::Inside),   // the ray runs along a line of the hole
            ((1.5, 1.5), Side::Outside),
            ((1.0, 1.5), Side::Boundary),
            ((4.0, 4.0), Side::Boundary),
        ] {
            assert_eq!(side_of_polygon(at.into(), &with_hole()), side, "{at:?}");
        }
    }

    #[test]
    fn the_smallest_step_off_a_line_is_seen() {
        let thin = polygon![(x: 0.0, y: 0.0), (x: 12.3, y: 45.6), (x: -7.0, y: 45.6)];
        let on = Coord {
            x: 12.3 / 2.0,
            y: 45.6 / 2.0,
        };
        assert_eq!(side_of_polygon(on, &thin), Side::Boundary);
        let west = Coord {
            x: on.x.next_down(),
            ..on
        };
        let east = Coord {
            x: on.x.next_up(),
            ..on
        };
        assert_eq!(side_of_polygon(west, &thin), Side::Inside);
        assert_eq!(side_of_polygon(east, &thin), Side::Outside);
    }

    proptest! {
        /// On a small lattice points meet corners, lines and level lines all the time.
        #[test]
        fn a_lattice_agrees_with_geo(
            corners in prop::collection::vec((0..6_i8, 0..6_i8), 3..9),
            point in (-1..7_i8, -1..7_i8),
        ) {
            let corners = corners.into_iter().map(|(x, y)| (f64::from(x), f64::from(y)));
            let polygon = Polygon::new(corners.collect(), vec![]);
            let point = Coord { x: f64::from(point.0), y: f64::from(point.1) };
            let (ours, geos) = (side_of_polygon(point, &polygon), geo_side(point, &polygon));
            // geo counts windings; for a ring that crosses itself the two rules differ by intention.
            if geos == Side::Boundary || ours == Side::Boundary {
                prop_assert_eq!(ours, geos);
            }
        }

        /// A star around a middle never crosses itself: the rules agree everywhere.
        #[test]
        fn a_star_agrees_with_geo(
            radii in prop::collection::vec(0.2..2.0_f64, 3..40), x in -2.5..2.5_f64, y in -2.5..2.5_f64,
        ) {
            let count = radii.len() as f64;
            let ring = radii.iter().enumerate().map(|(index, radius)| {
                let (sin, cos) = (index as f64 / count * std::f64::consts::TAU).sin_cos();
                (radius * cos, radius * sin)
            });
            let polygon = Polygon::new(ring.collect(), vec![]);
            for point in polygon.exterior().0.iter().copied().chain([Coord { x, y }]) {
                prop_assert_eq!(side_of_polygon(point, &polygon), geo_side(point, &polygon));
            }
        }
    }
}
