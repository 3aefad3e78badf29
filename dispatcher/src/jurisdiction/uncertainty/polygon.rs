//! Polygons of a map in the plane of a polygon in which a phone may be.

use geo::algorithm::bool_ops::FillRule;
use geo::{Area as _, BooleanOps as _, Centroid as _, Coord, LineString, MultiPolygon, Polygon};
use protocol::LatLon;

use super::super::earth::{corner, deviation_m};
use super::disc::distance_2;
use super::outline::Outline;
use super::plane::{Flat, Plane, Unit, View, chord, unit};
use super::shape::ShapePolygon;

/// A line is followed until it is known to this part of the shape's size.
const TOLERANCE: f64 = 1e-6;
/// Halvings of a line at most.
const MAX_HALVINGS: u32 = 16;
/// A shape that is not as wide as this in the mean, in metres, is taken as a place: no fix is so good,
/// and its share would be rounding.
const LEAST_WIDTH_M: f64 = 0.01;

/// A polygon in which a phone may be, in a plane around its centroid.
pub(super) struct FlatShape {
    pub(super) view: View,
    pub(super) middle: LatLon,
    flat: MultiPolygon<f64>,
    surface_m2: f64,
    /// No place of it is farther from the middle, in metres of the plane.
    reach_m: f64,
}

impl FlatShape {
    /// `None` when it has no surface, or is so large that it says nothing.
    pub(super) fn new(shape: &ShapePolygon, largest_chord: f64) -> Option<Self> {
        let first = Self::around(shape.first(), shape, largest_chord)?;
        let centroid = first.flat.centroid()?;
        let middle = Plane::around(first.middle).place([centroid.x(), centroid.y()])?;
        Self::around(middle, shape, largest_chord)
    }

    fn around(middle: LatLon, shape: &ShapePolygon, largest_chord: f64) -> Option<Self> {
        let mut view = Plane::around(middle).in_metres();
        let corners: Vec<_> = shape.corners().iter().map(|at| unit(corner(*at))).collect();
        let chords = corners.iter().map(|place| chord(*place, view.middle));
        let reach = chords.fold(0.0, f64::max);
        if reach > largest_chord {
            return None;
        }
        let flat: Vec<Flat> = corners.iter().map(|place| view.show(*place)).collect();
        let squares = flat.iter().map(|[x, y]| x * x + y * y);
        let reach_m = squares.fold(0.0, f64::max).sqrt();
        // Whatever its lines do, what they go around is counted once.
        let ring = Polygon::new(flat.into_iter().map(coord).collect(), vec![]);
        let nothing = MultiPolygon::new(vec![]);
        let flat = MultiPolygon::new(vec![ring]).union_with_fill_rule(&nothing, FillRule::NonZero);
        view.outer = reach * (1.0 + TOLERANCE);
        let shape = Self {
            view,
            middle,
            surface_m2: flat.unsigned_area(),
            flat,
            reach_m,
        };
        (shape.surface_m2 > reach_m * LEAST_WIDTH_M).then_some(shape)
    }

    /// The part of this shape that is in a polygon of a map, 0 to 1; the outline is the polygon's.
    pub(super) fn share_in(&self, outline: &Outline, polygon: &Polygon<f64>) -> f64 {
        if !outline.touches(&self.view) {
            return 0.0;
        }
        let mut rings = outline.rings(polygon).map(|ring| self.shown(ring));
        let exterior = rings.next().unwrap_or_else(|| LineString::new(vec![]));
        let shown = MultiPolygon::new(vec![Polygon::new(exterior, rings.collect())]);
        self.flat.intersection(&shown).unsigned_area() / self.surface_m2
    }

    /// A ring in the plane, without what is far from the shape.
    fn shown(&self, (units, degrees): (&[Unit], &LineString<f64>)) -> LineString<f64> {
        let mut shown = Vec::with_capacity(units.len());
        let mut from = units.first().map(|first| self.view.show(*first));
        for (number, to) in units.iter().enumerate().skip(1) {
            let to = self.view.show(*to);
            if let Some(from) = from {
                shown.push(coord(from));
                let line = (degrees.0[number - 1], degrees.0[number]);
                self.bend(line, (from, to), MAX_HALVINGS, &mut shown);
            }
            from = Some(to);
        }
        LineString::new(clipped(shown, self.reach_m))
    }

    /// Adds what a line needs between its ends.
    fn bend(
        &self,
        (from, to): (Coord<f64>, Coord<f64>),
        ends: (Flat, Flat),
        halvings: u32,
        shown: &mut Vec<Coord<f64>>,
    ) {
        let deviation_m = deviation_m(from, to);
        let near_m = self.reach_m * std::f64::consts::SQRT_2 + 2.0 * deviation_m;
        let is_straight = deviation_m <= self.reach_m * TOLERANCE;
        if halvings == 0 || is_straight || distance_2(ends.0, ends.1) > near_m * near_m {
            return;
        }
        let middle = (from + to) / 2.0;
        let through = self.view.show(unit(middle));
        self.bend((from, middle), (ends.0, through), halvings - 1, shown);
        shown.push(coord(through));
        self.bend((middle, to), (through, ends.1), halvings - 1, shown);
    }
}

/// What of a ring is within a square of twice this side around the middle, after Sutherland and
/// Hodgman: along the square's sides lines may run to and fro, which enclose nothing.
fn clipped(ring: Vec<Coord<f64>>, reach_m: f64) -> Vec<Coord<f64>> {
    let sides: [fn(Coord<f64>) -> f64; 4] = [|at| at.x, |at| -at.x, |at| at.y, |at| -at.y];
    sides.into_iter().fold(ring, |ring, outwards| {
        let mut kept = Vec::with_capacity(ring.len());
        let last = ring.last().copied();
        for (from, to) in last.into_iter().chain(ring.iter().copied()).zip(&ring) {
            let (from_m, to_m) = (outwards(from) - reach_m, outwards(*to) - reach_m);
            if (from_m > 0.0) != (to_m > 0.0) {
                kept.push(from + (*to - from) * (from_m / (from_m - to_m)));
            }
            if to_m <= 0.0 {
                kept.push(*to);
            }
        }
        kept
    })
}

fn coord([x, y]: Flat) -> Coord<f64> {
    Coord { x, y }
}
