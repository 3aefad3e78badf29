//! Which areas hold a place? First by the grid, then, where it has to be, by exact geometry.

use std::cmp::Reverse;

use geo::{BoundingRect as _, Coord, LineString, Polygon, Rect};
use rstar::RTree;
use rstar::primitives::{GeomWithData, Rectangle};

use super::cells::{Built, Cells, Content, Shape, joined};
use super::inside::Side;
use super::map::Area;
use super::stripes::StripedPolygon;

/// The antimeridian has two names, and a map may use either.
const ANTIMERIDIAN_DEG: f64 = 180.0;

/// An area that holds a place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Holder {
    /// Its place in the map's list.
    pub(super) area: u32,
    pub(super) side: Side,
}

/// One polygon of one area.
struct Part {
    area: u32,
    /// Where a cell asks for all its lines; see [`Built::asked`].
    striped: Option<Box<StripedPolygon>>,
}

/// The polygons of all areas.
pub(super) struct Cover {
    /// In the order of the areas.
    parts: Vec<Part>,
    cells: Option<Cells>,
    /// Envelopes of single polygons in degrees, longitude first: those of whole jurisdictions, with
    /// islands far away, would cover the sea between. Asked where a cell is too crowded to list them.
    envelopes: RTree<GeomWithData<Rectangle<[f64; 2]>, u32>>,
}

impl Cover {
    pub(super) fn new(areas: &[Area]) -> Self {
        let polygons = (0..).zip(areas).flat_map(|(area, content)| {
            let polygons = content.polygons.iter();
            polygons.filter_map(move |polygon| Some((area, polygon, envelope(polygon)?)))
        });
        let polygons: Vec<_> = polygons.collect();
        let striped = polygons
            .iter()
            .map(|&(_, polygon, _)| StripedPolygon::new(polygon));
        let striped: Vec<_> = striped.collect();
        let shapes = polygons.iter().zip(&striped);
        let shapes = shapes.map(|(&(_, polygon, envelope), striped)| Shape {
            polygon,
            striped,
            envelope,
        });
        let shapes: Vec<_> = shapes.collect();
        let envelopes = (0..).zip(&shapes).map(|(part, shape)| {
            let (lower, upper) = (shape.envelope.min(), shape.envelope.max());
            let rectangle = Rectangle::from_corners([lower.x, lower.y], [upper.x, upper.y]);
            GeomWithData::new(rectangle, part)
        });
        let envelopes = RTree::bulk_load(envelopes.collect());
        let (cells, asked) = match Cells::build(&shapes) {
            Some(Built { cells, asked }) => (Some(cells), asked),
            None => (None, Vec::new()),
        };
        drop(shapes);
        let parts = polygons.iter().zip(striped).zip(asked);
        let parts = parts.map(|((&(area, ..), striped), asked)| Part {
            area,
            striped: asked.then(|| Box::new(striped)),
        });
        Self {
            parts: parts.collect(),
            cells,
            envelopes,
        }
    }

    pub(super) fn polygons(&self) -> usize {
        self.parts.len()
    }

    /// The only area that holds a place, where that is known without geometry; it then holds the
    /// place in its interior.
    #[inline]
    pub(super) fn sole_owner(&self, point: Coord<f64>) -> Option<u32> {
        match self.cells.as_ref()?.at(point) {
            Content::Sole(part) if point.x.abs() != ANTIMERIDIAN_DEG => {
                Some(self.parts[part as usize].area)
            }
            _ => None,
        }
    }

    /// Metres around a place within which its sole owner is known to be alone, short of the truth.
    pub(super) fn alone_within_m(&self, point: Coord<f64>) -> f64 {
        self.cells
            .as_ref()
            .map_or(0.0, |cells| cells.alone_within_m(point))
    }

    /// Longitudes and latitudes where cells end.
    #[cfg(test)]
    pub(super) fn grid_borders(&self) -> (Vec<f64>, Vec<f64>) {
        self.cells.as_ref().map(Cells::borders).unwrap_or_default()
    }

    /// The areas that hold a place, each once, the smallest id first.
    pub(super) fn holders(&self, point: Coord<f64>) -> Vec<Holder> {
        let mut holders = Vec::new();
        self.add_holders(point, &mut holders);
        if point.x.abs() == ANTIMERIDIAN_DEG {
            let other_name = Coord {
                x: -point.x,
                ..point
            };
            self.add_holders(other_name, &mut holders);
        }
        each_area_once(&mut holders);
        holders
    }

    fn add_holders(&self, point: Coord<f64>, holders: &mut Vec<Holder>) {
        let Some(cells) = &self.cells else {
            return;
        };
        let ask = |part: u32| self.parts[part as usize].side_of(point);
        let mut add = |part: u32, side| {
            let area = self.parts[part as usize].area;
            if side != Side::Outside {
                holders.push(Holder { area, side });
            }
        };
        match cells.at(point) {
            Content::Sole(part) => add(part, Side::Inside),
            Content::Listed(claims) => {
                for (part, side) in cells.sides(point, claims, ask) {
                    add(part, side);
                }
            }
            Content::Crowd => {
                for candidate in self.envelopes.locate_all_at_point([point.x, point.y]) {
                    // Who was not kept has nothing to do with this cell, though its envelope has.
                    if self.parts[candidate.data as usize].striped.is_some() {
                        add(candidate.data, ask(candidate.data));
                    }
                }
            }
        }
    }
}

impl Part {
    /// By all lines of a polygon that is asked somewhere.
    fn side_of(&self, point: Coord<f64>) -> Side {
        let striped = self.striped.as_ref();
        debug_assert!(striped.is_some(), "a polygon is asked that was not kept");
        striped.map_or(Side::Outside, |striped| striped.side_of(point))
    }
}

/// Of all its rings: nothing forbids a hole to leave its exterior.
fn envelope(polygon: &Polygon<f64>) -> Option<Rect<f64>> {
    let rings = std::iter::once(polygon.exterior()).chain(polygon.interiors());
    rings.filter_map(LineString::bounding_rect).reduce(joined)
}

/// Of several polygons of an area, the one that holds the place in its interior decides.
fn each_area_once(holders: &mut Vec<Holder>) {
    holders.sort_unstable_by_key(|holder| (holder.area, Reverse(holder.side)));
    holders.dedup_by_key(|holder| holder.area);
}

/// The plain way: every line of every polygon.
#[cfg(test)]
pub(super) fn plain_holders(areas: &[Area], point: Coord<f64>) -> Vec<Holder> {
    let mirrored = Coord {
        x: -point.x,
        ..point
    };
    let names = if point.x.abs() == ANTIMERIDIAN_DEG {
        2
    } else {
        1
    };
    let mut holders = Vec::new();
    for name in [point, mirrored].into_iter().take(names) {
        for (area, content) in (0..).zip(areas) {
            for polygon in &content.polygons {
                let side = super::inside::side_of_polygon(name, polygon);
                if side != Side::Outside {
                    holders.push(Holder { area, side });
                }
            }
        }
    }
    each_area_once(&mut holders);
    holders
}
