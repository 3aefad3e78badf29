//! Polygons of a map in the plane of a polygon in which a phone may be.

use geo::{Area as _, BooleanOps as _, Centroid as _, Coord, LineString, MultiPolygon, Polygon};
use protocol::LatLon;

use super::super::earth::deviation_m;
use super::plane::{AUTHALIC_RADIUS_M, Flat, Plane, View, chord, unit};
use super::shape::ShapePolygon;

/// A line is followed until it is known to this part of the shape's size.
const TOLERANCE: f64 = 1e-6;
/// Halvings of a line at most.
const MAX_HALVINGS: u32 = 16;

/// A polygon in which a phone may be, in a plane around its centroid.
pub(super) struct FlatShape {
    pub(super) view: View,
    pub(super) middle: LatLon,
    flat: MultiPolygon<f64>,
    surface_m2: f64,
    /// Lines that deviate by less are straight enough.
    tolerance_m: f64,
}

impl FlatShape {
    /// `None` when it has no surface.
    pub(super) fn new(shape: &ShapePolygon) -> Option<Self> {
        let degrees = shape.in_degrees();
        let first = Self::in_plane_around(shape.first(), &degrees)?;
        let centroid = first.flat.centroid()?;
        let middle = Plane::around(first.middle).place([centroid.x(), centroid.y()])?;
        Self::in_plane_around(middle, &degrees)
    }

    fn in_plane_around(middle: LatLon, degrees: &Polygon<f64>) -> Option<Self> {
        let view = Plane::around(middle).in_metres();
        let corners = degrees.exterior().0.iter();
        let reach = corners
            .map(|corner| chord(unit(*corner), view.middle))
            .fold(0.0, f64::max);
        let mut shape = Self {
            view,
            middle,
            flat: MultiPolygon::new(vec![]),
            surface_m2: 0.0,
            tolerance_m: reach * AUTHALIC_RADIUS_M * TOLERANCE,
        };
        // Whatever the ring does, what it encloses is counted once.
        shape.flat = MultiPolygon::new(vec![shape.shown(degrees)]);
        shape.flat = shape.flat.union(&MultiPolygon::new(vec![]));
        shape.surface_m2 = shape.flat.unsigned_area();
        shape.view.outer = reach + TOLERANCE;
        (shape.surface_m2 > 0.0).then_some(shape)
    }

    /// The part of this shape that is in a polygon of a map, 0 to 1.
    pub(super) fn share_in(&self, polygon: &Polygon<f64>) -> f64 {
        let shown = MultiPolygon::new(vec![self.shown(polygon)]);
        self.flat.intersection(&shown).unsigned_area() / self.surface_m2
    }

    fn shown(&self, polygon: &Polygon<f64>) -> Polygon<f64> {
        let ring = |ring: &LineString<f64>| {
            let mut shown = Vec::with_capacity(ring.0.len());
            for pair in ring.0.windows(2) {
                shown.push(flat_corner(self.view.show(unit(pair[0]))));
                self.bend((pair[0], pair[1]), MAX_HALVINGS, &mut shown);
            }
            LineString::new(shown)
        };
        Polygon::new(
            ring(polygon.exterior()),
            polygon.interiors().iter().map(ring).collect(),
        )
    }

    /// Adds what a line needs between its ends.
    fn bend(
        &self,
        (from, to): (Coord<f64>, Coord<f64>),
        halvings: u32,
        shown: &mut Vec<Coord<f64>>,
    ) {
        if halvings == 0 || deviation_m(from, to) <= self.tolerance_m {
            return;
        }
        let middle = Coord {
            x: f64::midpoint(from.x, to.x),
            y: f64::midpoint(from.y, to.y),
        };
        self.bend((from, middle), halvings - 1, shown);
        shown.push(flat_corner(self.view.show(unit(middle))));
        self.bend((middle, to), halvings - 1, shown);
    }
}

fn flat_corner([x, y]: Flat) -> Coord<f64> {
    Coord { x, y }
}
