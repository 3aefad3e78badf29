//! A grid over the map: most places are in a cell that no border touches, and whose polygons are
//! known without geometry. Elsewhere a cell names the few polygons that have to be asked.
//!
//! # Why a cell may answer
//!
//! The side of a polygon on which a point is changes only at its lines. A cell that none of them
//! touches is therefore on one side as a whole, and so are such cells beside each other: the exact
//! test of one point, the middle, is that of all. Cells that a line may touch are found with slack,
//! and the cell of a point by a function that never falls, so that no rounding puts a point of a line
//! into a cell that does not know the line.

mod frame;

use std::collections::BTreeMap;

use geo::{Coord, Polygon, Rect};

use super::inside::Side;
use super::stripes::StripedPolygon;
use frame::Frame;
pub(super) use frame::joined;

/// More polygons than this around one cell are found faster by their envelopes.
const MAX_CLAIMS: u32 = 32;

/// A polygon that holds a cell as a whole, or perhaps a part of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Claim(u32);

impl Claim {
    /// Stands for more than [`MAX_CLAIMS`].
    const CROWD: Self = Self(u32::MAX);

    fn new(part: u32, whole: bool) -> Self {
        Self(part << 1 | u32::from(whole))
    }

    /// The polygon's place in the list that the grid was built from.
    #[inline]
    pub(super) fn part(self) -> u32 {
        self.0 >> 1
    }

    /// No line of the polygon is in the cell: every place in it is in the polygon's interior.
    #[inline]
    pub(super) fn is_whole(self) -> bool {
        self.0 & 1 == 1
    }
}

/// The polygons of each cell.
pub(super) struct Cells {
    frame: Frame,
    /// Of each cell, its list. Most cells have one of few lists: kept once, these stay in the
    /// processor's cache, and a look at the grid is a single one.
    lists: Box<[u32]>,
    /// Where the claims of each list begin; the last is the end of all.
    starts: Box<[u32]>,
    /// In the order of the parts within each list.
    claims: Box<[Claim]>,
}

/// A polygon as the grid is built from it.
pub(super) struct Shape<'a> {
    pub(super) polygon: &'a Polygon<f64>,
    pub(super) striped: &'a StripedPolygon,
    /// Of all rings.
    pub(super) envelope: Rect<f64>,
}

impl Cells {
    /// `None` for a map without polygons.
    pub(super) fn new(shapes: &[Shape<'_>]) -> Option<Self> {
        let rings = |shape: &Shape<'_>| {
            let holes = shape.polygon.interiors().iter().map(|hole| hole.0.len());
            shape.polygon.exterior().0.len() + holes.sum::<usize>()
        };
        let envelopes: Vec<_> = shapes.iter().map(|shape| shape.envelope).collect();
        let frame = Frame::new(&envelopes, shapes.iter().map(rings).sum())?;
        let mut found = Vec::new();
        for (part, shape) in (0..).zip(shapes) {
            shape.claim(part, &frame, &mut found);
        }
        Some(Self::from_found(frame, &found))
    }

    /// Sorts by cell and keeps the order of the parts.
    fn from_found(frame: Frame, found: &[(u32, Claim)]) -> Self {
        let mut counts = vec![0_u32; frame.columns * frame.rows];
        for (cell, _) in found {
            counts[*cell as usize] += 1;
        }
        let mut end = 0;
        let mut starts = vec![0];
        starts.extend(counts.iter().map(|count| {
            end += if *count > MAX_CLAIMS { 1 } else { *count };
            end
        }));
        let mut claims = vec![Claim::CROWD; end as usize];
        let mut next = starts.clone();
        for (cell, claim) in found {
            let cell = *cell as usize;
            if counts[cell] <= MAX_CLAIMS {
                claims[next[cell] as usize] = *claim;
                next[cell] += 1;
            }
        }
        Self::with_lists_once(frame, &starts, &claims)
    }

    /// Keeps equal lists once.
    fn with_lists_once(frame: Frame, starts: &[u32], claims: &[Claim]) -> Self {
        let mut known = BTreeMap::new();
        let mut last: (&[Claim], u32) = (&[], 0);
        known.insert(last.0, last.1);
        let mut kept = Vec::new();
        let mut kept_starts = vec![0, 0];
        let list_of = |bounds: &[u32]| {
            let list = &claims[bounds[0] as usize..bounds[1] as usize];
            if last.0 != list {
                let number = *known.entry(list).or_insert_with(|| {
                    kept.extend_from_slice(list);
                    kept_starts.push(kept.len() as u32);
                    kept_starts.len() as u32 - 2
                });
                last = (list, number);
            }
            last.1
        };
        let lists = starts.windows(2).map(list_of).collect();
        Self {
            frame,
            lists,
            starts: kept_starts.into(),
            claims: kept.into(),
        }
    }

    /// The polygons that may hold a place, in their order; `None` where they are too many to list.
    #[inline]
    pub(super) fn at(&self, point: Coord<f64>) -> Option<&[Claim]> {
        let Some(cell) = self.frame.cell_at(point) else {
            return Some(&[]);
        };
        let claims = self.of_cell(cell);
        (claims.first() != Some(&Claim::CROWD)).then_some(claims)
    }

    /// Metres around a place within which there is no line of the map, as far as the cells around
    /// its own tell: 0 unless one polygon holds them all.
    pub(super) fn alone_within_m(&self, point: Coord<f64>) -> f64 {
        let Some([claim]) = self.at(point) else {
            return 0.0;
        };
        let around = || self.frame.cells_around(point);
        let alone = |cell| self.of_cell(cell) == [*claim];
        if claim.is_whole() && around().is_some_and(|mut cells| cells.all(alone)) {
            self.frame.cell_width_m(point.y)
        } else {
            0.0
        }
    }

    #[inline]
    fn of_cell(&self, cell: usize) -> &[Claim] {
        let list = self.lists[cell] as usize;
        let (from, to) = (self.starts[list] as usize, self.starts[list + 1] as usize);
        &self.claims[from..to]
    }

    /// Longitudes and latitudes where cells end.
    #[cfg(test)]
    pub(super) fn borders(&self) -> (Vec<f64>, Vec<f64>) {
        self.frame.borders()
    }
}

impl Shape<'_> {
    /// Adds the numbers of the cells that the polygon holds, or may hold a part of.
    fn claim(&self, part: u32, frame: &Frame, found: &mut Vec<(u32, Claim)>) {
        let (lower, upper) = (self.envelope.min(), self.envelope.max());
        let (west, east) = (frame.column(lower.x), frame.column(upper.x));
        let (south, north) = (frame.row(lower.y), frame.row(upper.y));
        let width = east - west + 1;
        let mut touched = vec![false; width * (north - south + 1)];
        let rings = std::iter::once(self.polygon.exterior()).chain(self.polygon.interiors());
        for line in rings.flat_map(|ring| ring.lines()) {
            frame.cells_of(line, |column, row| {
                touched[(row - south) * width + column - west] = true;
            });
        }
        for row in south..=north {
            let mut known = None;
            for column in west..=east {
                let cell = frame.number(column, row) as u32;
                if touched[(row - south) * width + column - west] {
                    known = None;
                    found.push((cell, Claim::new(part, false)));
                    continue;
                }
                let side =
                    *known.get_or_insert_with(|| self.striped.side_of(frame.middle(column, row)));
                if side == Side::Inside {
                    found.push((cell, Claim::new(part, true)));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
