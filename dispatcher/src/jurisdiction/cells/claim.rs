//! What a polygon has to do with a cell.

use geo::Coord;

/// A polygon that holds a cell as a whole, or perhaps a part of it. A polygon whose lines come and go has
/// several claims one after the other, one for each run of lines.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Claim {
    /// The polygon's place in the list that the grid was built from.
    pub(super) part: u32,
    pub(super) what: What,
}

/// How to tell the side of a place in the cell.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum What {
    /// No line of the polygon is in the cell: every place in it is in the polygon's interior.
    Whole,
    /// By these lines and those of the claims that follow.
    Lines(Strand),
    /// By all of the polygon's lines: those in the cell are too many, or its middle is on one of them.
    Ask,
}

/// Lines of a ring that follow each other through a cell.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Strand {
    /// Among the corners of all rings.
    pub(super) first_corner: u32,
    pub(super) lines: u8,
    pub(super) is_hole: bool,
    /// Whether a ring begins here: a strand with `false` belongs to the ring of the one before.
    pub(super) begins_ring: bool,
    /// Whether the middle of the cell is inside of the ring.
    pub(super) middle_inside: bool,
}

impl Claim {
    pub(super) fn whole(part: u32) -> Self {
        let what = What::Whole;
        Self { part, what }
    }
}

impl Strand {
    /// Its own, of those of all rings.
    pub(super) fn corners(self, of_all: &[Coord<f64>]) -> &[Coord<f64>] {
        let first = self.first_corner as usize;
        &of_all[first..=first + usize::from(self.lines)]
    }
}

/// The lines of a polygon in a cell, where they are a single run.
pub(super) fn only_strand(of_polygon: &[Claim]) -> Option<Strand> {
    match of_polygon {
        [
            Claim {
                what: What::Lines(only),
                ..
            },
        ] => Some(*only),
        _ => None,
    }
}
