//! Polygons cut into stripes of latitude, so that a ray looks only at the lines of its own height.
//!
//! This leaves out lines that the ray cannot meet and nothing else: the answer is that of all lines.

use geo::{Coord, Line, LineString, Polygon};

use super::inside::{Meeting, Side, meeting, side_by_rings};

/// A polygon whose lines are sorted by where they are.
pub(super) struct StripedPolygon {
    exterior: StripedRing,
    holes: Box<[StripedRing]>,
}

impl StripedPolygon {
    pub(super) fn new(polygon: &Polygon<f64>) -> Self {
        Self {
            exterior: StripedRing::new(polygon.exterior()),
            holes: polygon.interiors().iter().map(StripedRing::new).collect(),
        }
    }

    /// Exact, as [`super::inside::meeting`] is.
    #[inline]
    pub(super) fn side_of(&self, point: Coord<f64>) -> Side {
        side_by_rings(&self.exterior, &self.holes, |ring| ring.side_of(point))
    }

    /// The side of one ring: the exterior is 0, the holes follow in their order. Outside of a ring that
    /// the polygon does not have.
    pub(super) fn side_of_ring(&self, ring: usize, point: Coord<f64>) -> Side {
        let ring = match ring.checked_sub(1) {
            None => Some(&self.exterior),
            Some(hole) => self.holes.get(hole),
        };
        ring.map_or(Side::Outside, |ring| ring.side_of(point))
    }
}

struct StripedRing {
    lower: Coord<f64>,
    upper: Coord<f64>,
    stripes_per_deg: f64,
    /// Where the lines of each stripe begin, from the south; the last is the end of all.
    starts: Box<[u32]>,
    /// Those of one stripe are in the order of their eastern ends, the easternmost first.
    lines: Box<[Line<f64>]>,
}

impl StripedRing {
    fn new(ring: &LineString<f64>) -> Self {
        let mut striped = Self {
            lower: Coord {
                x: f64::INFINITY,
                y: f64::INFINITY,
            },
            upper: Coord {
                x: f64::NEG_INFINITY,
                y: f64::NEG_INFINITY,
            },
            stripes_per_deg: 0.0,
            starts: Box::new([0, 0]),
            lines: Box::new([]),
        };
        for corner in &ring.0 {
            striped.lower.x = striped.lower.x.min(corner.x);
            striped.lower.y = striped.lower.y.min(corner.y);
            striped.upper.x = striped.upper.x.max(corner.x);
            striped.upper.y = striped.upper.y.max(corner.y);
        }
        striped.cut(ring);
        striped
    }

    /// As many stripes as there are lines to a line's way through the whole height: a line is then
    /// in two on average, whatever the ring's form, which bounds the memory, and a stripe has twice
    /// the lines that a ray must meet at best.
    fn cut(&mut self, ring: &LineString<f64>) {
        let height_deg = self.upper.y - self.lower.y;
        let travelled_deg: f64 = ring.lines().map(|line| line.dy().abs()).sum();
        let count = ring.lines().len() as f64 * height_deg / travelled_deg;
        // A level ring has no height: the cast makes 0 of what is no number.
        let count = (count as usize).max(1);
        let stripes_per_deg = count as f64 / height_deg;
        if stripes_per_deg.is_finite() {
            self.stripes_per_deg = stripes_per_deg;
        }
        let stripes_of = |line: Line<f64>| {
            let (from, to) = (line.start.y.min(line.end.y), line.start.y.max(line.end.y));
            self.stripe(from, count)..=self.stripe(to, count)
        };
        let mut placed: Vec<_> = ring
            .lines()
            .flat_map(|line| stripes_of(line).map(move |stripe| (stripe, line)))
            .collect();
        let east = |line: &Line<f64>| line.start.x.max(line.end.x);
        placed.sort_by(|a, b| a.0.cmp(&b.0).then(east(&b.1).total_cmp(&east(&a.1))));
        self.starts = (0..=count)
            .map(|stripe| placed.partition_point(|(at, _)| *at < stripe) as u32)
            .collect();
        self.lines = placed.into_iter().map(|(_, line)| line).collect();
    }

    /// Never falls when the latitude rises, so that the stripes of a line's ends and those between
    /// hold every point of it, however the product is rounded.
    #[inline]
    fn stripe(&self, lat_deg: f64, count: usize) -> usize {
        (((lat_deg - self.lower.y) * self.stripes_per_deg) as usize).min(count - 1)
    }

    #[inline]
    fn side_of(&self, point: Coord<f64>) -> Side {
        let (lower, upper) = (self.lower, self.upper);
        if point.x < lower.x || point.x > upper.x || point.y < lower.y || point.y > upper.y {
            return Side::Outside;
        }
        let stripe = self.stripe(point.y, self.starts.len() - 1);
        let (from, to) = (
            self.starts[stripe] as usize,
            self.starts[stripe + 1] as usize,
        );
        let mut inside = false;
        for line in &self.lines[from..to] {
            let (a, b) = (line.start, line.end);
            if a.x > point.x && b.x > point.x {
                // The height alone decides, without a branch: which it is cannot be foreseen.
                inside ^= (a.y > point.y) != (b.y > point.y);
                continue;
            }
            if a.x < point.x && b.x < point.x {
                break; // The others end even farther west.
            }
            match meeting(point, *line) {
                Meeting::Holds => return Side::Boundary,
                Meeting::Crosses => inside = !inside,
                Meeting::Misses => {}
            }
        }
        if inside { Side::Inside } else { Side::Outside }
    }
}

#[cfg(test)]
mod tests;
