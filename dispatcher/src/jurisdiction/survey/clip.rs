//! The part of a polygon within a window.
//!
//! Boolean operations put all corners on a grid of 2³⁰ steps over the box of what they are given:
//! the smaller the box, the finer the grid, and the fewer the lines.

use geo::{Coord, LineString, Polygon, Rect};

/// The part of the polygon within the window, its rings in the same direction as before. Where it
/// leaves the window and comes back its ring runs along the window's border, there and back over the
/// same line where need be; by the even-odd rule and by windings it encloses the right places.
///
/// Neighbours that share a line get the same corner where it leaves the window.
pub(super) fn within(polygon: &Polygon<f64>, window: Rect<f64>) -> Option<Polygon<f64>> {
    let rings = |ring: &LineString<f64>| ring_within(ring, window);
    let exterior = rings(polygon.exterior())?;
    let interiors = polygon.interiors().iter().filter_map(rings).collect();
    Some(Polygon::new(exterior, interiors))
}

/// Cut by one side of the window after the other (Sutherland and Hodgman, 1974).
fn ring_within(ring: &LineString<f64>, window: Rect<f64>) -> Option<LineString<f64>> {
    let (low, high) = (window.min(), window.max());
    let mut corners = ring.0.split_last()?.1.to_vec();
    for side in [
        Side {
            axis: Axis::X,
            at: low.x,
            keep_above: true,
        },
        Side {
            axis: Axis::X,
            at: high.x,
            keep_above: false,
        },
        Side {
            axis: Axis::Y,
            at: low.y,
            keep_above: true,
        },
        Side {
            axis: Axis::Y,
            at: high.y,
            keep_above: false,
        },
    ] {
        corners = side.cut(&corners);
    }
    const FEWEST: usize = 3;
    if corners.len() < FEWEST {
        return None;
    }
    corners.push(corners[0]);
    Some(LineString::new(corners))
}

#[derive(Clone, Copy)]
enum Axis {
    X,
    Y,
}

/// One side of a window.
#[derive(Clone, Copy)]
struct Side {
    axis: Axis,
    at: f64,
    keep_above: bool,
}

impl Side {
    fn cut(self, corners: &[Coord<f64>]) -> Vec<Coord<f64>> {
        let mut kept = Vec::with_capacity(corners.len());
        let Some(mut from) = corners.last().copied() else {
            return kept;
        };
        for &to in corners {
            if self.keeps(from) != self.keeps(to) {
                kept.push(self.crossing(from, to));
            }
            if self.keeps(to) {
                kept.push(to);
            }
            from = to;
        }
        kept.dedup();
        kept
    }

    fn keeps(self, corner: Coord<f64>) -> bool {
        let value = self.axis.of(corner);
        if self.keep_above {
            value >= self.at
        } else {
            value <= self.at
        }
    }

    /// The same corner in whichever direction the line is walked.
    fn crossing(self, a: Coord<f64>, b: Coord<f64>) -> Coord<f64> {
        let (low, high) = if self.axis.of(a) < self.axis.of(b) {
            (a, b)
        } else {
            (b, a)
        };
        let share = (self.at - self.axis.of(low)) / (self.axis.of(high) - self.axis.of(low));
        match self.axis {
            Axis::X => Coord {
                x: self.at,
                y: low.y + (high.y - low.y) * share,
            },
            Axis::Y => Coord {
                x: low.x + (high.x - low.x) * share,
                y: self.at,
            },
        }
    }
}

impl Axis {
    fn of(self, corner: Coord<f64>) -> f64 {
        match self {
            Self::X => corner.x,
            Self::Y => corner.y,
        }
    }
}

#[cfg(test)]
mod tests {
    use geo::{Area as _, polygon};

    use super::*;

    fn window(west: f64, south: f64, east: f64, north: f64) -> Rect<f64> {
        Rect::new((west, south), (east, north))
    }

    #[test]
    fn what_leaves_and_comes_back_keeps_its_area() {
        let comb = polygon![(x: 0.0, y: 0.0), (x: 5.0, y: 0.0), (x: 5.0, y: 4.0), (x: 4.0, y: 4.0), (x: 4.0, y: 1.0),
            (x: 1.0, y: 1.0), (x: 1.0, y: 4.0), (x: 0.0, y: 4.0)];
        let teeth = within(&comb, window(-1.0, 2.0, 6.0, 3.0)).unwrap();
        assert!((teeth.unsigned_area() - 2.0).abs() < 1e-12);
        assert!(
            within(&comb, window(2.0, 2.0, 3.0, 3.0))
                .is_none_or(|none| none.unsigned_area() == 0.0)
        );
        assert_eq!(within(&comb, window(7.0, 0.0, 8.0, 9.0)), None);
        let around = window(2.0, 0.25, 3.0, 0.5);
        assert!((within(&comb, around).unwrap().unsigned_area() - 0.25).abs() < 1e-12);
    }

    #[test]
    fn a_shared_line_is_cut_at_the_same_corner() {
        let (a, b) = ((0.1, 0.3), (7.7, 5.9));
        let side = Side {
            axis: Axis::X,
            at: 3.3,
            keep_above: true,
        };
        assert_eq!(
            side.crossing(a.into(), b.into()),
            side.crossing(b.into(), a.into())
        );
    }
}
