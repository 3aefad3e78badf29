//! Where the corners of a lattice are, and what runs between them.

use std::f64::consts::PI;

use geo::{Coord, Polygon};
use rand::{Rng, RngExt as _};

use super::{Sides, TilingPlan, ring};

/// The antimeridian, in degrees.
const SEAM_DEG: i32 = 180;
/// By how much of a cell's side a corner is shaken at most: below a half nothing can cross.
const SHAKEN_CELLS: f64 = 0.3;

/// A corner of the lattice: column and row.
pub(super) type Corner = (u32, u32);

/// One of four ways along the lattice, counter-clockwise from the east.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Way {
    East,
    North,
    West,
    South,
}

impl Way {
    pub(super) fn left(self) -> Self {
        match self {
            Self::East => Self::North,
            Self::North => Self::West,
            Self::West => Self::South,
            Self::South => Self::East,
        }
    }

    pub(super) fn right(self) -> Self {
        self.left().left().left()
    }

    pub(super) fn from(self, (column, row): Corner) -> Corner {
        match self {
            Self::East => (column + 1, row),
            Self::North => (column, row + 1),
            Self::West => (column - 1, row),
            Self::South => (column, row - 1),
        }
    }
}

/// The corners of a plan.
pub(super) struct Lattice {
    pub(super) plan: TilingPlan,
    /// In cells, for each corner, row by row from the south-west.
    shaken: Vec<(f64, f64)>,
}

impl Lattice {
    pub(super) fn new(plan: TilingPlan, rng: &mut impl Rng) -> Self {
        let corners = (0..=plan.rows).flat_map(|row| (0..=plan.columns).map(move |at| (at, row)));
        let mut lattice = Self {
            plan,
            shaken: Vec::new(),
        };
        let mut shake = || rng.random_range(-SHAKEN_CELLS..SHAKEN_CELLS);
        let shaken = corners.map(|corner| {
            let shaken = (shake(), shake());
            let stays = lattice.is_straight(corner, Way::East);
            let stays = stays || lattice.is_straight(corner, Way::North);
            match plan.sides {
                Sides::Shaken if !stays => shaken,
                _ => (0.0, 0.0),
            }
        });
        lattice.shaken = shaken.collect();
        lattice
    }

    /// The column at which the names of the meridians begin anew, where there is one.
    pub(super) fn seam(&self) -> Option<u32> {
        let degrees = u32::try_from(SEAM_DEG - i32::from(self.plan.south_west.1)).ok()?;
        let column = degrees * self.plan.cells_per_deg;
        (column < self.plan.columns).then_some(column)
    }

    pub(super) fn is_beyond_seam(&self, column: u32) -> bool {
        self.seam().is_some_and(|seam| column >= seam)
    }

    /// The rim and the antimeridian are straight whatever the sides are: what the tiling fills is
    /// then known exactly.
    fn is_straight(&self, (column, row): Corner, way: Way) -> bool {
        match way {
            Way::East | Way::West => row == 0 || row == self.plan.rows,
            Way::North | Way::South => {
                column == 0 || column == self.plan.columns || Some(column) == self.seam()
            }
        }
    }

    /// Degrees of a corner and what is beside it, in cells.
    fn at(&self, (column, row): Corner, (east, north): (f64, f64), beyond_seam: bool) -> Coord {
        let index = row * (self.plan.columns + 1) + column;
        let shaken = self.shaken[index as usize];
        let column = f64::from(column) + shaken.0 + east;
        let mut at = place(self.plan, column, f64::from(row) + shaken.1 + north);
        if beyond_seam {
            at.x -= f64::from(2 * SEAM_DEG);
        }
        at
    }

    /// The corners from one corner of the lattice to the next, without the last.
    pub(super) fn side(&self, from: Corner, way: Way, beyond_seam: bool) -> Vec<Coord> {
        let bent = match self.plan.sides {
            Sides::Bent { lines } if !self.is_straight(from, way) => Some((lines, true)),
            Sides::Bent { lines } => Some((lines, false)),
            _ => None,
        };
        let Some((lines, waves)) = bent else {
            return vec![self.at(from, (0.0, 0.0), beyond_seam)];
        };
        // Always from the same end, so that both neighbours have the same corners.
        let back = matches!(way, Way::West | Way::South);
        let begin = if back { way.from(from) } else { from };
        let corner = |n: u32| {
            let along = f64::from(n) / f64::from(lines);
            let bend = if waves && n > 0 && n < lines {
                bend(begin, way, along)
            } else {
                0.0
            };
            let beside = match way {
                Way::East | Way::West => (along, bend),
                Way::North | Way::South => (bend, along),
            };
            self.at(begin, beside, beyond_seam)
        };
        if back {
            (1..=lines).rev().map(corner).collect()
        } else {
            (0..lines).map(corner).collect()
        }
    }

    pub(super) fn outline(&self) -> Vec<Polygon<f64>> {
        let (columns, rows) = (self.plan.columns, self.plan.rows);
        let block = |west: u32, east: u32, beyond_seam: bool| {
            let corners = [(west, 0), (east, 0), (east, rows), (west, rows)];
            let corners = corners.map(|corner| self.at(corner, (0.0, 0.0), beyond_seam));
            Polygon::new(ring(corners.to_vec()), vec![])
        };
        match self.seam() {
            Some(seam) => vec![block(0, seam, false), block(seam, columns, true)],
            None => vec![block(0, columns, false)],
        }
    }
}

/// Degrees of a place of the lattice, without shaking; beyond the antimeridian more than 180.
pub(super) fn place(plan: TilingPlan, column: f64, row: f64) -> Coord {
    let cells_per_deg = f64::from(plan.cells_per_deg);
    let rise = match plan.sides {
        Sides::Slanted => column / 4.0,
        _ => 0.0,
    };
    Coord {
        x: f64::from(plan.south_west.1) + column / cells_per_deg,
        y: f64::from(plan.south_west.0) + (row + rise) / cells_per_deg,
    }
}

/// How far beside itself a side is, in cells: less than a third of the way from either end, so that
/// sides do not cross.
fn bend((column, row): Corner, way: Way, along: f64) -> f64 {
    let turned = u32::from(matches!(way, Way::East | Way::West)) * 5;
    let phase = f64::from(column * 7 + row * 13 + turned);
    let wave = (6.0 * PI * along + phase).sin() + (58.0 * PI * along + 2.0 * phase).sin() / 2.0;
    0.06 * (PI * along).sin() * wave
}
