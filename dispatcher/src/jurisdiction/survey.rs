//! What is odd about a map: places that several areas hold, places that areas enclose and none
//! holds, and what a service would miss.
//!
//! Nothing here is judged: a lake that nobody answers for and a forgotten village look the same.
//! Overlaps have an owner by the index's rule, the smallest id; gaps go to the nearest area.
//!
//! Pieces are found by boolean operations on a grid, 2³⁰ steps over the box of what is compared: a
//! twentieth of a millimetre for two districts, a millimetre for a country. Lines that meet at equal
//! corners give nothing. Each piece is then proven by the exact tests of the index at a place in its
//! middle, so what only the grid made is not reported. Areas are exact on the WGS84 ellipsoid.

mod beside;
mod clip;
mod gap;
mod notice;
mod overlap;
mod place;

use geo::{BoundingRect as _, Coord, InteriorPoint as _, LineString, Polygon, Rect};
use protocol::JurisdictionId;

use super::cover::{Cover, Holder};
use super::map::{Area, JurisdictionMap};

pub use notice::{FAR_STATION_M, Notice};

/// Pieces smaller than this are counted and not listed, in square metres. Maps round their corners
/// to a metre or a tenth of one, and slivers of that width along a border lead nobody astray.
pub const LEAST_M2: f64 = 1.0;

/// What is odd about a map.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Survey {
    /// Every two areas that share a place, the largest first.
    pub overlaps: Vec<Overlap>,
    /// Places that areas enclose and none holds, the largest first.
    pub gaps: Vec<Gap>,
    /// Pieces of overlaps below the least area.
    pub small_overlaps: Small,
    /// Gaps below the least area.
    pub small_gaps: Small,
    /// What a service would miss, by kind and id.
    pub notices: Vec<Notice>,
}

/// Pieces that are too small to be listed.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Small {
    /// How many.
    pub pieces: usize,
    /// All together, in square metres.
    pub area_m2: f64,
}

/// What two areas both hold in their interior.
#[derive(Clone, PartialEq, Debug)]
pub struct Overlap {
    /// Who answers there, unless a third area with a smaller id holds the place as well.
    pub owner: JurisdictionId,
    /// The one with the greater id.
    pub other: JurisdictionId,
    /// The listed pieces together, in square metres.
    pub area_m2: f64,
    /// Places in degrees, longitude first; they do not touch along lines.
    pub pieces: Vec<Polygon<f64>>,
}

/// A place that areas enclose and none holds.
#[derive(Clone, PartialEq, Debug)]
pub struct Gap {
    /// Areas with a line along it, by id; one for a hole within an area.
    pub neighbours: Vec<JurisdictionId>,
    /// In square metres.
    pub area_m2: f64,
    /// In degrees, longitude first; more than one where the antimeridian cuts it.
    pub pieces: Vec<Polygon<f64>>,
}

/// Surveys a map. Pieces of overlaps and gaps below `least_m2` square metres are only counted.
///
/// A second for a country of 250 areas and 170,000 corners. Gaps around a pole are not found, and
/// neither are those of rings that cross themselves, which [`super::load()`] repairs.
#[must_use]
pub fn survey(map: &JurisdictionMap, least_m2: f64) -> Survey {
    let ground = Ground::new(map);
    let (overlaps, small_overlaps) = overlap::overlaps(&ground, least_m2);
    let (gaps, small_gaps) = gap::gaps(&ground, least_m2);
    Survey {
        overlaps,
        gaps,
        small_overlaps,
        small_gaps,
        notices: notice::notices(&ground),
    }
}

/// A map, with what answers exactly who holds a place.
struct Ground<'a> {
    map: &'a JurisdictionMap,
    parts: Vec<Part<'a>>,
    cover: Cover,
}

/// One polygon of an area.
#[derive(Clone, Copy)]
struct Part<'a> {
    /// Its area's place in the map's list.
    area: u32,
    polygon: &'a Polygon<f64>,
    envelope: Rect<f64>,
}

impl<'a> Ground<'a> {
    fn new(map: &'a JurisdictionMap) -> Self {
        let parts = (0..).zip(map.areas()).flat_map(|(area, content)| {
            let polygons = content.polygons.iter();
            polygons.filter_map(move |polygon| {
                Some(Part {
                    area,
                    polygon,
                    envelope: polygon.bounding_rect()?,
                })
            })
        });
        Self {
            map,
            parts: parts.collect(),
            cover: Cover::new(map.areas()),
        }
    }

    fn area(&self, area: u32) -> &'a Area {
        &self.map.areas()[area as usize]
    }

    /// Who holds a place in the middle of the polygon.
    fn holders_within(&self, polygon: &Polygon<f64>) -> Option<Vec<Holder>> {
        let middle = Coord::from(polygon.interior_point()?);
        Some(self.cover.holders(middle))
    }
}

impl Small {
    fn take(&mut self, area_m2: f64) {
        self.pieces += 1;
        self.area_m2 += area_m2;
    }
}

fn rings(polygon: &Polygon<f64>) -> impl Iterator<Item = &LineString<f64>> {
    std::iter::once(polygon.exterior()).chain(polygon.interiors())
}

#[cfg(test)]
mod tests;
