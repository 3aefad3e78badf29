//! A grid over the map: most places are in a cell that no border touches, and whose polygons are
//! known without geometry. Elsewhere a cell names the few polygons that have to be asked, and of each the
//! few lines that decide.
//!
//! # Why a cell may answer
//!
//! The side of a ring on which a point is changes only at the ring's lines. A cell that none of them
//! touches is therefore on one side as a whole: the exact test of one point, the middle, is that of all.
//! In a cell that lines do touch, the side of a point is that of the middle, changed by each line on
//! the way between the two; a way that stays in the cell meets only lines that touch the cell. Cells that
//! a line may touch are found with slack, and the cell of a point by a function that never falls, so
//! that no rounding puts a point of a line into a cell that does not know the line.

mod claim;
mod frame;
mod records;
mod trace;

use std::collections::BTreeMap;

use geo::{Coord, Polygon, Rect};

use super::inside::Side;
use super::stripes::StripedPolygon;
use super::way::Way;
use claim::{Claim, What};
use frame::Frame;
pub(super) use frame::joined;
use trace::Tracer;

/// More claims than this on one cell are found faster by the envelopes of their polygons.
const MAX_CLAIMS: usize = 32;

/// Cells along one side of a block. Most blocks have one content in all their cells and answer by
/// themselves: they are few enough to stay in the processor's cache.
const BLOCK_SIDE: usize = 4;
const BLOCK_CELLS: usize = BLOCK_SIDE * BLOCK_SIDE;

/// The polygons of each cell.
pub(super) struct Cells {
    frame: Frame,
    /// Row by row from the south-west, blocks beyond the last cells too.
    blocks: Box<[Packed]>,
    /// Of the blocks whose cells differ, those of one block together.
    mixed: Box<[Packed]>,
    /// See [`records`].
    records: Box<[u64]>,
}

/// What a cell says of the places in it.
#[derive(Clone, Copy)]
pub(super) enum Content<'a> {
    /// Every place is in the interior of this polygon, and of no other.
    Sole(u32),
    /// Too many to list.
    Crowd,
    /// A record, which names the polygons that may hold a place.
    Listed(&'a [u64]),
}

/// A word: the polygon of a [`Content::Sole`], where a record begins, or of a block the cells.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Packed(u32);

impl Packed {
    const SOLE: u32 = 1 << 31;
    const MIXED: u32 = 1 << 30;
    const CROWD: Self = Self(Self::MIXED - 1);
    /// The record that is always there.
    const NOBODY: Self = Self(0);

    #[inline]
    fn sole(self) -> Option<u32> {
        (self.0 & Self::SOLE != 0).then_some(self.0 & !Self::SOLE)
    }

    /// The place of a block among the mixed ones.
    #[inline]
    fn mixed(self) -> Option<usize> {
        (self.0 & (Self::SOLE | Self::MIXED) == Self::MIXED)
            .then_some((self.0 & !Self::MIXED) as usize)
    }
}

/// A polygon as the grid is built from it.
pub(super) struct Shape<'a> {
    pub(super) polygon: &'a Polygon<f64>,
    pub(super) striped: &'a StripedPolygon,
    /// Of all rings.
    pub(super) envelope: Rect<f64>,
}

/// A grid, and which polygons it cannot do without; see [`What::Ask`] and [`Content::Crowd`].
pub(super) struct Built {
    pub(super) cells: Cells,
    /// For each polygon, whether its own lines are asked for somewhere.
    pub(super) asked: Vec<bool>,
}

impl Cells {
    /// `None` for a map without polygons.
    pub(super) fn build(shapes: &[Shape<'_>]) -> Option<Built> {
        let envelopes: Vec<_> = shapes.iter().map(|shape| shape.envelope).collect();
        let rings = || shapes.iter().flat_map(Shape::rings);
        let frame = Frame::new(&envelopes, rings().map(|ring| ring.0.len()).sum())?;
        let corners: Box<[_]> = rings().flat_map(|ring| ring.0.iter().copied()).collect();
        let mut tracer = Tracer::new(&frame);
        for shape in shapes {
            tracer.trace(shape);
        }
        let found = tracer.found;
        Some(Self::from_found(frame, corners, &found, shapes.len()))
    }

    /// Sorts by cell and keeps the order of the parts.
    fn from_found(
        frame: Frame,
        corners: Box<[Coord<f64>]>,
        found: &[(u32, Claim)],
        parts: usize,
    ) -> Built {
        let mut starts = vec![0_u32; frame.columns * frame.rows + 1];
        for (cell, _) in found {
            starts[*cell as usize + 1] += 1;
        }
        for cell in 1..starts.len() {
            starts[cell] += starts[cell - 1];
        }
        let mut next = starts.clone();
        let mut claims = vec![Claim::whole(0); found.len()];
        for (cell, claim) in found {
            let place = &mut next[*cell as usize];
            claims[*place as usize] = *claim;
            *place += 1;
        }
        let mut records = Records::new(&corners, parts);
        let contents = starts
            .windows(2)
            .map(|bounds| records.pack(&claims[bounds[0] as usize..bounds[1] as usize]));
        let contents: Vec<_> = contents.collect();
        let mut cells = Self {
            frame,
            blocks: Box::new([]),
            mixed: Box::new([]),
            records: records.words.into(),
        };
        cells.put_in_blocks(&contents);
        let asked = records.asked;
        Built { cells, asked }
    }

    /// The last column and row of blocks may reach over the grid: there the nearest cell counts.
    fn put_in_blocks(&mut self, contents: &[Packed]) {
        let (mut blocks, mut mixed) = (Vec::new(), Vec::new());
        let (columns, rows) = (self.frame.columns, self.frame.rows);
        for south in (0..rows).step_by(BLOCK_SIDE) {
            for west in (0..columns).step_by(BLOCK_SIDE) {
                let cells = (0..BLOCK_CELLS).map(|cell| {
                    let column = (west + cell % BLOCK_SIDE).min(columns - 1);
                    let row = (south + cell / BLOCK_SIDE).min(rows - 1);
                    contents[row * columns + column]
                });
                let cells: Vec<_> = cells.collect();
                if cells.iter().all(|cell| *cell == cells[0]) {
                    blocks.push(cells[0]);
                } else {
                    blocks.push(Packed(Packed::MIXED | (mixed.len() / BLOCK_CELLS) as u32));
                    mixed.extend(cells);
                }
            }
        }
        (self.blocks, self.mixed) = (blocks.into(), mixed.into());
    }

    #[inline]
    fn packed(&self, column: usize, row: usize) -> Packed {
        let blocks_in_row = self.frame.columns.div_ceil(BLOCK_SIDE);
        let block = self.blocks[row / BLOCK_SIDE * blocks_in_row + column / BLOCK_SIDE];
        match block.mixed() {
            Some(mixed) => {
                let cell = row % BLOCK_SIDE * BLOCK_SIDE + column % BLOCK_SIDE;
                self.mixed[mixed * BLOCK_CELLS + cell]
            }
            None => block,
        }
    }

    /// What is known of a place without geometry.
    #[inline]
    pub(super) fn at(&self, point: Coord<f64>) -> Content<'_> {
        let Some((column, row)) = self.frame.cell_at(point) else {
            return Content::Listed(&[]);
        };
        let packed = self.packed(column, row);
        match packed.sole() {
            Some(part) => Content::Sole(part),
            None if packed == Packed::CROWD => Content::Crowd,
            None => Content::Listed(&self.records[packed.0 as usize..]),
        }
    }

    /// The side of a place for each polygon of its own cell's record, in their order; `ask` where the
    /// record has no lines.
    #[inline]
    pub(super) fn sides<'a>(
        &self,
        point: Coord<f64>,
        record: &'a [u64],
        ask: impl Fn(u32) -> Side + 'a,
    ) -> impl Iterator<Item = (u32, Side)> + 'a {
        let way = Way::new(point, self.frame.middle_near(point));
        records::sides(record, way, ask)
    }

    /// Metres around a place within which there is no line of the map, as far as the cells around
    /// its own tell: 0 unless one polygon holds them all.
    pub(super) fn alone_within_m(&self, point: Coord<f64>) -> f64 {
        let own = self.frame.cell_at(point);
        let own = own.map(|(column, row)| self.packed(column, row));
        let Some(own) = own.filter(|own| own.sole().is_some()) else {
            return 0.0;
        };
        let mut around = self
            .frame
            .cells_around(point)
            .into_iter()
            .flatten()
            .peekable();
        let alone = |(column, row)| self.packed(column, row) == own;
        if around.peek().is_some() && around.all(alone) {
            self.frame.cell_width_m(point.y)
        } else {
            0.0
        }
    }

    /// Longitudes and latitudes where cells end.
    #[cfg(test)]
    pub(super) fn borders(&self) -> (Vec<f64>, Vec<f64>) {
        self.frame.borders()
    }
}

/// Records as they are collected, those without lines once.
struct Records<'a> {
    corners: &'a [Coord<f64>],
    known: BTreeMap<Vec<Claim>, Packed>,
    words: Vec<u64>,
    asked: Vec<bool>,
}

impl<'a> Records<'a> {
    fn new(corners: &'a [Coord<f64>], parts: usize) -> Self {
        Self {
            corners,
            known: BTreeMap::new(),
            // Nobody.
            words: vec![0],
            asked: vec![false; parts],
        }
    }

    /// Keeps what the cell with these claims says.
    fn pack(&mut self, claims: &[Claim]) -> Packed {
        if claims.len() > MAX_CLAIMS {
            self.ask(claims.iter());
            return Packed::CROWD;
        }
        match claims {
            [] => Packed::NOBODY,
            [sole] if sole.what == What::Whole => Packed(Packed::SOLE | sole.part),
            _ if claims
                .iter()
                .any(|claim| matches!(claim.what, What::Lines(_))) =>
            {
                self.write(claims)
            }
            _ => match self.known.get(claims) {
                Some(known) => *known,
                None => {
                    let packed = self.write(claims);
                    self.known.insert(claims.to_vec(), packed);
                    packed
                }
            },
        }
    }

    fn write(&mut self, claims: &[Claim]) -> Packed {
        self.ask(claims.iter().filter(|claim| claim.what == What::Ask));
        let begun = self.words.len();
        // 8 GiB of records; a map of the largest size that is read has a tenth.
        assert!(
            begun < Packed::CROWD.0 as usize,
            "the map has too many lines for one grid"
        );
        records::write(claims, self.corners, &mut self.words);
        Packed(begun as u32)
    }

    fn ask<'c>(&mut self, claims: impl Iterator<Item = &'c Claim>) {
        for claim in claims {
            self.asked[claim.part as usize] = true;
        }
    }
}

#[cfg(test)]
mod tests;
