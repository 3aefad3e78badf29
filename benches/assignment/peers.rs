//! What one writes with geo and rstar: an R-tree over the envelopes of the polygons, and behind it
//! either way to ask whether a polygon contains a point. Neither finds an owner on a border.

use dispatcher::jurisdiction::JurisdictionMap;
use geo::indexed::IntervalTreeMultiPolygon;
use geo::{BoundingRect as _, Contains, MultiPolygon, Point, Polygon};
use protocol::{JurisdictionId, LatLon};
use rstar::RTree;
use rstar::primitives::{GeomWithData, Rectangle};

/// `contains` of the polygons themselves: every line of a candidate.
pub(crate) type GeoBehindRstar<'a> = Peer<'a, Plain<'a>>;

pub(crate) struct Plain<'a>(&'a Polygon);

impl Contains<Point> for Plain<'_> {
    fn contains(&self, point: &Point) -> bool {
        self.0.contains(point)
    }
}

/// geo's index of a polygon's lines by latitude, one for each polygon.
pub(crate) type IntervalTrees<'a> = Peer<'a, IntervalTreeMultiPolygon<f64>>;

type Part<'a, P> = GeomWithData<Rectangle<[f64; 2]>, (&'a JurisdictionId, P)>;

pub(crate) struct Peer<'a, P> {
    tree: RTree<Part<'a, P>>,
}

impl<'a> GeoBehindRstar<'a> {
    pub(crate) fn new(map: &'a JurisdictionMap) -> Self {
        Self::of(map, Plain)
    }
}

impl<'a> IntervalTrees<'a> {
    pub(crate) fn new(map: &'a JurisdictionMap) -> Self {
        Self::of(map, |polygon| {
            IntervalTreeMultiPolygon::new(&MultiPolygon::new(vec![polygon.clone()]))
        })
    }
}

impl<'a, P> Peer<'a, P> {
    fn of(map: &'a JurisdictionMap, content: impl Fn(&'a Polygon) -> P) -> Self {
        let mut parts = Vec::new();
        for area in map.areas() {
            for polygon in &area.polygons {
                let bounds = polygon.bounding_rect().unwrap();
                let (lower, upper) = (bounds.min(), bounds.max());
                let bounds = Rectangle::from_corners([lower.x, lower.y], [upper.x, upper.y]);
                parts.push(GeomWithData::new(bounds, (&area.id, content(polygon))));
            }
        }
        Self {
            tree: RTree::bulk_load(parts),
        }
    }

    /// The smallest id of those whose interior holds the place.
    pub(crate) fn locate(&self, at: LatLon) -> Option<&'a JurisdictionId>
    where
        P: Contains<Point>,
    {
        let point = Point::new(at.lon_deg(), at.lat_deg());
        let candidates = self.tree.locate_all_at_point([point.x(), point.y()]);
        let holding = candidates.filter(|part| part.data.1.contains(&point));
        holding.map(|part| part.data.0).min()
    }
}
