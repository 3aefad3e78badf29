//! Points of each kind, the same in every run.

use dispatcher::jurisdiction::JurisdictionMap;
use geo::{BoundingRect as _, Coord, Line, Rect};
use protocol::LatLon;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt as _, SeedableRng as _};
use simulator::places::{Places, scattered};

/// Points of each kind.
const POINTS: usize = 20_000;
/// Standard deviation of how far from a corner of a border the points near borders are, in metres.
const NEAR_M: f64 = 100.0;

pub(crate) struct Points {
    rng: ChaCha8Rng,
    lines: Vec<Line<f64>>,
    envelope: Rect<f64>,
    pub(crate) polygons: usize,
}

impl Points {
    pub(crate) fn new(map: &JurisdictionMap) -> Self {
        let polygons = || map.areas().iter().flat_map(|area| &area.polygons);
        let rings = polygons()
            .flat_map(|polygon| std::iter::once(polygon.exterior()).chain(polygon.interiors()));
        let envelopes = polygons().filter_map(|polygon| polygon.bounding_rect());
        let envelope = envelopes.reduce(|one, other| {
            let (a, b, c, d) = (one.min(), other.min(), one.max(), other.max());
            Rect::new((a.x.min(b.x), a.y.min(b.y)), (c.x.max(d.x), c.y.max(d.y)))
        });
        Self {
            rng: ChaCha8Rng::seed_from_u64(0xa55),
            lines: rings.flat_map(|ring| ring.lines()).collect(),
            envelope: envelope.unwrap(),
            polygons: polygons().count(),
        }
    }

    /// As many as lines: that a ring ends where it begins is not counted.
    pub(crate) fn corners(&self) -> usize {
        self.lines.len()
    }

    pub(crate) fn where_people_live(&mut self, homes: &Places) -> Vec<LatLon> {
        let home = || homes.home(&mut self.rng);
        std::iter::repeat_with(home).take(POINTS).collect()
    }

    pub(crate) fn anywhere(&mut self) -> Vec<LatLon> {
        let (least, most) = (self.envelope.min(), self.envelope.max());
        let place = || Coord {
            x: self.rng.random_range(least.x..most.x),
            y: self.rng.random_range(least.y..most.y),
        };
        std::iter::repeat_with(place)
            .take(POINTS)
            .map(lat_lon)
            .collect()
    }

    pub(crate) fn near_borders(&mut self) -> Vec<LatLon> {
        let corners = self.on_corners();
        let near = |at| scattered(at, NEAR_M, &mut self.rng);
        corners.into_iter().map(near).collect()
    }

    pub(crate) fn on_corners(&mut self) -> Vec<LatLon> {
        self.on(|line| line.start)
    }

    /// The middle of a line, or the number nearest to it where it is none.
    pub(crate) fn on_lines(&mut self) -> Vec<LatLon> {
        self.on(|line| Coord {
            x: f64::midpoint(line.start.x, line.end.x),
            y: f64::midpoint(line.start.y, line.end.y),
        })
    }

    pub(crate) fn at_sea(&mut self) -> Vec<LatLon> {
        let water = || Places::water(&mut self.rng);
        std::iter::repeat_with(water).take(POINTS / 10).collect()
    }

    fn on(&mut self, place: impl Fn(Line<f64>) -> Coord<f64>) -> Vec<LatLon> {
        let line = || self.lines[self.rng.random_range(0..self.lines.len())];
        let lines = std::iter::repeat_with(line).take(POINTS);
        lines.map(place).map(lat_lon).collect()
    }
}

fn lat_lon(at: Coord<f64>) -> LatLon {
    LatLon::new(at.y, at.x).unwrap()
}
