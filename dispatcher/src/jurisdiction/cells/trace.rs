//! Which cells a polygon has to do with, and by which of its lines.

use geo::LineString;

use super::super::inside::Side;
use super::Shape;
use super::claim::{Claim, Strand, What};
use super::frame::Frame;

/// More lines of a polygon than this in one cell are not listed: its stripes have fewer to look at.
const MAX_LINES: usize = 64;
/// Cells that a polygon's lines pass, for each line and for each cell in reach: a shape of many long
/// lines is asked as a whole rather than listed in every cell that they pass.
const MAX_PASSES_PER_LINE: usize = 8;

/// More rings than this are not looked at one by one in each cell that they touch: a lake district has thousands.
const MAX_RINGS: usize = 64;

/// Goes along the polygons of a map, one after the other.
pub(super) struct Tracer<'a> {
    frame: &'a Frame,
    part: u32,
    /// Of the next polygon, among all.
    first_corner: u32,
    /// Cells and claims, in the order of the parts.
    pub(super) found: Vec<(u32, Claim)>,
}

/// A line in a cell; the cells are those around the polygon, from the south-west.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Pass {
    cell: u32,
    ring: u32,
    line: u32,
}

/// The cells around a polygon.
struct Window {
    west: usize,
    east: usize,
    south: usize,
    north: usize,
}

impl Window {
    fn width(&self) -> usize {
        self.east - self.west + 1
    }

    fn cells(&self) -> usize {
        self.width() * (self.north - self.south + 1)
    }

    fn number(&self, column: usize, row: usize) -> usize {
        (row - self.south) * self.width() + column - self.west
    }
}

impl Shape<'_> {
    pub(super) fn rings(&self) -> impl Iterator<Item = &LineString<f64>> {
        std::iter::once(self.polygon.exterior()).chain(self.polygon.interiors())
    }
}

impl<'a> Tracer<'a> {
    pub(super) fn new(frame: &'a Frame) -> Self {
        Self {
            frame,
            part: 0,
            first_corner: 0,
            found: Vec::new(),
        }
    }

    /// Adds the numbers of the cells that the polygon holds, or may hold a part of.
    pub(super) fn trace(&mut self, shape: &Shape<'_>) {
        let (lower, upper) = (shape.envelope.min(), shape.envelope.max());
        let window = Window {
            west: self.frame.column(lower.x),
            east: self.frame.column(upper.x),
            south: self.frame.row(lower.y),
            north: self.frame.row(upper.y),
        };
        let mut touched = vec![false; window.cells()];
        let passes = self.passes(shape, &window, &mut touched);
        let mut passes = passes.as_deref();
        for row in window.south..=window.north {
            let mut known = None;
            for column in window.west..=window.east {
                let cell = window.number(column, row);
                let middle = || self.frame.middle(column, row);
                let number = self.frame.number(column, row) as u32;
                if touched[cell] {
                    known = None;
                    let lines = passes.as_mut().map(|passes| {
                        let count = passes
                            .iter()
                            .take_while(|pass| pass.cell as usize == cell)
                            .count();
                        let (here, others) = passes.split_at(count);
                        *passes = others;
                        here
                    });
                    self.claim(shape, number, middle(), lines);
                    continue;
                }
                let side = *known.get_or_insert_with(|| shape.striped.side_of(middle()));
                if side == Side::Inside {
                    self.found.push((number, Claim::whole(self.part)));
                }
            }
        }
        self.part += 1;
        self.first_corner += shape.rings().map(|ring| ring.0.len() as u32).sum::<u32>();
    }

    /// The polygon's lines by cell, and which cells they touch; `None` where they are too many to list.
    fn passes(
        &self,
        shape: &Shape<'_>,
        window: &Window,
        touched: &mut [bool],
    ) -> Option<Vec<Pass>> {
        let lines: usize = shape.rings().map(|ring| ring.lines().len()).sum();
        let most = MAX_PASSES_PER_LINE * lines.max(window.cells());
        let mut passes = Vec::new();
        for (ring, content) in (0..).zip(shape.rings()) {
            for (line, content) in (0..).zip(content.lines()) {
                self.frame.cells_of(content, |column, row| {
                    let cell = window.number(column, row);
                    touched[cell] = true;
                    if passes.len() <= most {
                        let cell = cell as u32;
                        passes.push(Pass { cell, ring, line });
                    }
                });
            }
        }
        if passes.len() > most {
            return None;
        }
        passes.sort_unstable();
        Some(passes)
    }

    /// Adds the claims of the polygon on a cell that these of its lines may touch.
    fn claim(
        &mut self,
        shape: &Shape<'_>,
        cell: u32,
        middle: geo::Coord<f64>,
        lines: Option<&[Pass]>,
    ) {
        let (part, begun) = (self.part, self.found.len());
        let ask = (
            cell,
            Claim {
                part,
                what: What::Ask,
            },
        );
        let is_listed = |lines: &&[Pass]| {
            lines.len() <= MAX_LINES && shape.polygon.interiors().len() < MAX_RINGS
        };
        let Some(lines) = lines.filter(is_listed) else {
            self.found.push(ask);
            return;
        };
        let mut first_corner = self.first_corner;
        for (ring, content) in (0..).zip(shape.rings()) {
            let side = shape.striped.side_of_ring(ring as usize, middle);
            let from = lines.partition_point(|pass| pass.ring < ring);
            let to = lines.partition_point(|pass| pass.ring <= ring);
            let lines = &lines[from..to];
            let is_hole = ring > 0;
            if lines.is_empty() && is_hole == (side == Side::Inside) {
                // The cell as a whole is outside of the polygon, but for lines of an earlier ring: whoever is on
                // one of them is on the polygon's boundary.
                let is_on_earlier = self.found.len() > begun;
                self.found.truncate(begun);
                self.found.extend(is_on_earlier.then_some(ask));
                return;
            }
            if !lines.is_empty() && side == Side::Boundary {
                self.found.truncate(begun);
                self.found.push(ask);
                return;
            }
            let runs = lines.chunk_by(|one, next| one.line + 1 == next.line);
            self.found.extend(runs.enumerate().map(|(run, lines)| {
                let what = What::Lines(Strand {
                    first_corner: first_corner + lines[0].line,
                    lines: lines.len() as u8,
                    is_hole,
                    begins_ring: run == 0,
                    middle_inside: side == Side::Inside,
                });
                (cell, Claim { part, what })
            }));
            first_corner += content.0.len() as u32;
        }
    }
}
