//! The share of a region in each area.

use geo::{BooleanOps as _, BoundingRect as _, Polygon, Rect};
use protocol::LatLon;
use rstar::primitives::{GeomWithData, Rectangle};
use rstar::{AABB, RTree};

use super::super::map::Area;
use super::disc;
use super::outline::Outline;
use super::plane::{AUTHALIC_RADIUS_M, Plane, Unit, View};
use super::polygon::FlatShape;
use super::scale::Certainty;
use super::shape::Shape;

/// A share below this is none: what rounding makes of lines that touch the region and no more.
const LEAST_SHARE: f64 = 1e-9;

/// A half axis below this, in metres, is no uncertainty: a centimetre is the wire's own step.
const LEAST_AXIS_M: f64 = 0.01;

/// The longer half axis is at most so many times the shorter one: nobody knows one direction better
/// than that, and a needle would have to be followed to a part of its thickness.
const MAX_AXES_RATIO: f64 = 100.0;

/// A quarter of the way around the Earth, in metres: a wider region says no more than this one.
const MAX_AXIS_M: f64 = 10_000_000.0;

/// Polygons wider than this are cut, in degrees: what is shown from within it is then never turned
/// inside out by what is seen of its back.
const MAX_PART_DEG: f64 = 45.0;

/// An area that holds a part of a region.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(in super::super) struct Share {
    /// Its place in the map's list.
    pub(in super::super) area: u32,
    /// Above 0, and 1 when it holds all.
    pub(in super::super) share: f64,
}

/// Where a phone may be, in its own plane.
pub(in super::super) struct Region {
    /// Of the shape; for a polygon its centroid.
    pub(in super::super) middle: LatLon,
    /// All of it is within this many metres of the middle.
    pub(in super::super) reach_m: f64,
    form: Form,
}

enum Form {
    /// The unit disc of a view, and its surface on the sphere whose radius is 1.
    Disc(View, f64),
    Polygon(Box<FlatShape>),
}

impl Region {
    /// The region that holds the phone with the certainty, and `None` for a shape without a surface.
    pub(in super::super) fn new(shape: &Shape, certainty: Certainty) -> Option<Self> {
        match shape {
            Shape::Point(_) => None,
            Shape::Circle { middle, radius } => {
                let radius_m = certainty.widened_m(*radius);
                Self::ellipse(*middle, radius_m, radius_m, 0.0)
            }
            Shape::Ellipse(ellipse) => {
                let (major_m, minor_m) = ellipse.axes_m();
                let (major_m, minor_m) = (
                    certainty.widened_m_of(major_m),
                    certainty.widened_m_of(minor_m),
                );
                Self::ellipse(
                    ellipse.middle(),
                    major_m,
                    minor_m,
                    ellipse.orientation_deg(),
                )
            }
            Shape::Polygon(polygon) => {
                FlatShape::new(polygon, chord(MAX_AXIS_M)).map(|flat| Self {
                    middle: flat.middle,
                    reach_m: arc_m(flat.view.outer),
                    form: Form::Polygon(Box::new(flat)),
                })
            }
        }
    }

    fn ellipse(middle: LatLon, major_m: f64, minor_m: f64, bearing_deg: f64) -> Option<Self> {
        if major_m < LEAST_AXIS_M {
            return None;
        }
        let major_m = major_m.min(MAX_AXIS_M);
        let minor_m = minor_m.clamp(LEAST_AXIS_M.max(major_m / MAX_AXES_RATIO), major_m);
        let [axis_m, other_axis_m] = [major_m, minor_m].map(|axis| chord(axis) * AUTHALIC_RADIUS_M);
        let view = Plane::around(middle).with_unit_disc(axis_m, other_axis_m, bearing_deg);
        let on_sphere = disc::DISC * axis_m * other_axis_m / AUTHALIC_RADIUS_M.powi(2);
        Some(Self {
            middle,
            reach_m: major_m,
            form: Form::Disc(view, on_sphere),
        })
    }

    fn view(&self) -> &View {
        match &self.form {
            Form::Disc(view, _) => view,
            Form::Polygon(flat) => &flat.view,
        }
    }

    fn share_in(&self, outline: &Outline, polygon: &Polygon<f64>) -> f64 {
        match &self.form {
            Form::Disc(view, on_sphere) => outline.within(polygon, view, *on_sphere) / disc::DISC,
            Form::Polygon(flat) => flat.share_in(outline, polygon),
        }
    }
}

/// From metres along the surface to the way straight through the sphere whose radius is 1.
fn chord(arc_m: f64) -> f64 {
    2.0 * (arc_m / (2.0 * AUTHALIC_RADIUS_M)).sin()
}

/// The other way round.
fn arc_m(chord: f64) -> f64 {
    2.0 * AUTHALIC_RADIUS_M * (chord / 2.0).min(1.0).asin()
}

/// The outlines of all polygons of a map.
pub(in super::super) struct Shares {
    parts: Vec<Part>,
    /// Boxes on the authalic sphere, whose radius is 1, in the order of the parts.
    boxes: RTree<GeomWithData<Rectangle<Unit>, u32>>,
}

/// One polygon of one area, or a piece of it.
struct Part {
    area: u32,
    polygon: u32,
    outline: Outline,
    /// Of a polygon that was cut.
    piece: Option<Polygon<f64>>,
}

impl Shares {
    pub(in super::super) fn new(areas: &[Area]) -> Self {
        let mut parts = Vec::new();
        for (area, content) in (0..).zip(areas) {
            for (polygon, content) in (0..).zip(&content.polygons) {
                let part = |piece: Option<Polygon<f64>>| Part {
                    area,
                    polygon,
                    outline: Outline::new(piece.as_ref().unwrap_or(content)),
                    piece,
                };
                match pieces(content) {
                    None => parts.push(part(None)),
                    Some(pieces) => parts.extend(pieces.into_iter().map(Some).map(part)),
                }
            }
        }
        let boxes = (0..).zip(&parts).map(|(number, part)| {
            let (middle, radius) = part.outline.ball();
            let (lower, upper) = around(middle, radius);
            GeomWithData::new(Rectangle::from_corners(lower, upper), number)
        });
        Self {
            boxes: RTree::bulk_load(boxes.collect()),
            parts,
        }
    }

    /// What each area holds of a region, in the order of the areas; `areas` are those that this was
    /// made from.
    pub(in super::super) fn of(&self, region: &Region, areas: &[Area]) -> Vec<Share> {
        let view = region.view();
        let (lower, upper) = around(view.middle, view.outer);
        let candidates = self
            .boxes
            .locate_in_envelope_intersecting(AABB::from_corners(lower, upper));
        // Summed in one order, whatever the tree's.
        let mut candidates: Vec<_> = candidates.map(|candidate| candidate.data).collect();
        candidates.sort_unstable();
        let mut by_area: Vec<Share> = Vec::new();
        for part in candidates.iter().map(|part| &self.parts[*part as usize]) {
            let whole = &areas[part.area as usize].polygons[part.polygon as usize];
            let share = region.share_in(&part.outline, part.piece.as_ref().unwrap_or(whole));
            match by_area.last_mut() {
                Some(last) if last.area == part.area => last.share += share,
                _ => by_area.push(Share {
                    area: part.area,
                    share,
                }),
            }
        }
        by_area.retain(|share| share.share > LEAST_SHARE);
        for share in &mut by_area {
            share.share = share.share.min(1.0);
        }
        by_area
    }
}

/// What a polygon that is too wide is cut into.
fn pieces(polygon: &Polygon<f64>) -> Option<Vec<Polygon<f64>>> {
    let envelope = polygon.bounding_rect()?;
    if envelope.width() <= MAX_PART_DEG && envelope.height() <= MAX_PART_DEG {
        return None;
    }
    let steps = |from: f64, to: f64| {
        let first = (from / MAX_PART_DEG).floor() as i32;
        let last = (to / MAX_PART_DEG).ceil() as i32;
        (first..last).map(|step| f64::from(step) * MAX_PART_DEG)
    };
    let (lower, upper) = (envelope.min(), envelope.max());
    let tiles = steps(lower.x, upper.x)
        .flat_map(|west| steps(lower.y, upper.y).map(move |south| (west, south)));
    let pieces = tiles.flat_map(|(west, south)| {
        let tile = Rect::new((west, south), (west + MAX_PART_DEG, south + MAX_PART_DEG));
        polygon.intersection(&tile.to_polygon()).0
    });
    Some(pieces.collect())
}

fn around(middle: Unit, reach: f64) -> (Unit, Unit) {
    (
        middle.map(|axis| axis - reach),
        middle.map(|axis| axis + reach),
    )
}
