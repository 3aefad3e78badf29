//! The share of a region in each area.

use geo::Polygon;
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
            Shape::Polygon(polygon) => FlatShape::new(polygon).map(|flat| Self {
                middle: flat.middle,
                reach_m: arc_m(flat.view.outer),
                form: Form::Polygon(Box::new(flat)),
            }),
        }
    }

    fn ellipse(middle: LatLon, major_m: f64, minor_m: f64, bearing_deg: f64) -> Option<Self> {
        let (axis_m, other_axis_m) = (chord_m(major_m), chord_m(minor_m));
        if axis_m <= 0.0 || other_axis_m <= 0.0 {
            return None;
        }
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
            Form::Polygon(flat) => flat.share_in(polygon),
        }
    }
}

/// From metres along the surface to metres straight through the sphere, which are those of the plane.
/// Half of the Earth's circumference and more is the whole plane.
fn chord_m(arc_m: f64) -> f64 {
    let half_angle = (arc_m / (2.0 * AUTHALIC_RADIUS_M)).min(std::f64::consts::FRAC_PI_2);
    2.0 * AUTHALIC_RADIUS_M * half_angle.sin()
}

/// The other way round, on the sphere whose radius is 1.
fn arc_m(chord: f64) -> f64 {
    2.0 * AUTHALIC_RADIUS_M * (chord / 2.0).min(1.0).asin()
}

/// The outlines of all polygons of a map.
pub(in super::super) struct Shares {
    /// In the order of the areas.
    outlines: Vec<Outline>,
    /// Boxes on the authalic sphere, whose radius is 1.
    boxes: RTree<GeomWithData<Rectangle<Unit>, Part>>,
}

/// Which polygon it is.
#[derive(Clone, Copy)]
struct Part {
    outline: u32,
    area: u32,
    polygon: u32,
}

impl Shares {
    pub(in super::super) fn new(areas: &[Area]) -> Self {
        let mut outlines = Vec::new();
        let mut boxes = Vec::new();
        for (area, content) in (0..).zip(areas) {
            for (polygon, content) in (0..).zip(&content.polygons) {
                let outline = Outline::new(content);
                let (middle, radius) = outline.ball();
                let part = Part {
                    outline: outlines.len() as u32,
                    area,
                    polygon,
                };
                let (lower, upper) = around(middle, radius);
                boxes.push(GeomWithData::new(
                    Rectangle::from_corners(lower, upper),
                    part,
                ));
                outlines.push(outline);
            }
        }
        Self {
            outlines,
            boxes: RTree::bulk_load(boxes),
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
        let mut shares: Vec<_> = candidates
            .map(|candidate| {
                let part = candidate.data;
                let polygon = &areas[part.area as usize].polygons[part.polygon as usize];
                let share = region.share_in(&self.outlines[part.outline as usize], polygon);
                (part.area, part.polygon, share)
            })
            .filter(|(_, _, share)| *share > LEAST_SHARE)
            .collect();
        // Summed in one order, whatever the tree's.
        shares.sort_unstable_by_key(|(area, polygon, _)| (*area, *polygon));
        let mut by_area: Vec<Share> = Vec::new();
        for (area, _, share) in shares {
            match by_area.last_mut() {
                Some(last) if last.area == area => last.share += share,
                _ => by_area.push(Share { area, share }),
            }
        }
        for share in &mut by_area {
            share.share = share.share.min(1.0);
        }
        by_area
    }
}

fn around(middle: Unit, reach: f64) -> (Unit, Unit) {
    (
        middle.map(|axis| axis - reach),
        middle.map(|axis| axis + reach),
    )
}
