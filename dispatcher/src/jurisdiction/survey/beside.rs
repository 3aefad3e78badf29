//! Which areas have a line along a gap?

use geo::{BoundingRect as _, Coord, Line, Polygon};
use protocol::{JurisdictionId, LatLon};
use rstar::{AABB, RTree};

use super::super::earth::EQUATORIAL_RADIUS_M;
use super::super::nearest::Boundaries;
use super::{Ground, rings};

/// The lines and corners of all areas.
pub(super) struct Borders<'a> {
    ground: &'a Ground<'a>,
    lines: Boundaries,
    corners: RTree<[f64; 2]>,
}

impl<'a> Borders<'a> {
    pub(super) fn new(ground: &'a Ground<'a>) -> Self {
        let rings = ground.parts.iter().flat_map(|part| rings(part.polygon));
        let corners =
            rings.flat_map(|ring| ring.0.iter().skip(1).map(|corner| [corner.x, corner.y]));
        Self {
            ground,
            lines: Boundaries::new(ground.map.areas()),
            corners: RTree::bulk_load(corners.collect()),
        }
    }

    /// By id. A line is along the gap when it is at most `beside_deg` away, and an area that only
    /// touches a corner of the gap has none. Longitudes of the outline are −180° to 180°.
    ///
    /// The outline has no corner where a neighbour ends and the next goes straight on; so each of
    /// its lines is looked at between all corners of areas that are on it.
    pub(super) fn neighbours(
        &self,
        outline: &Polygon<f64>,
        beside_deg: f64,
    ) -> Vec<JurisdictionId> {
        let beside_m = beside_deg.to_radians() * EQUATORIAL_RADIUS_M;
        let areas = self.ground.map.areas();
        let lines = rings(outline).flat_map(|ring| ring.lines());
        let middles = lines.flat_map(|line| self.middles(line, beside_deg));
        let mut near: Vec<u32> = middles
            .filter_map(|middle| LatLon::new(middle.y, middle.x).ok())
            .flat_map(|middle| {
                self.lines
                    .nearest(self.ground.map, middle, beside_m, areas.len())
            })
            .map(|near| near.key)
            .collect();
        near.sort_unstable();
        near.dedup();
        near.into_iter()
            .map(|area| self.ground.area(area).id.clone())
            .collect()
    }

    /// Between each two corners of areas that follow each other along the line.
    fn middles(&self, line: Line<f64>, beside_deg: f64) -> Vec<Coord<f64>> {
        let delta = line.delta();
        let length_2 = delta.x * delta.x + delta.y * delta.y;
        let envelope = line.bounding_rect();
        let (low, high) = (envelope.min(), envelope.max());
        let window = AABB::from_corners(
            [low.x - beside_deg, low.y - beside_deg],
            [high.x + beside_deg, high.y + beside_deg],
        );
        let share_of = |corner: &[f64; 2]| {
            let (x, y) = (corner[0] - line.start.x, corner[1] - line.start.y);
            let away_2 = (x * delta.y - y * delta.x).powi(2);
            let on_line = away_2 <= beside_deg * beside_deg * length_2;
            on_line.then_some((x * delta.x + y * delta.y) / length_2)
        };
        let on_line = self.corners.locate_in_envelope_intersecting(window);
        let mut shares: Vec<f64> = on_line.filter_map(share_of).chain([0.0, 1.0]).collect();
        shares.retain(|share| (0.0..=1.0).contains(share));
        shares.sort_unstable_by(f64::total_cmp);
        let apart = 2.0 * beside_deg / length_2.sqrt();
        let between = shares.windows(2).filter(|pair| pair[1] - pair[0] > apart);
        between
            .map(|pair| line.start + delta * f64::midpoint(pair[0], pair[1]))
            .collect()
    }
}
