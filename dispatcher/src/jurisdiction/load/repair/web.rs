//! The web of all lines of some rings: at each corner the lines around it in order, and beside each
//! line the rings that it is inside of. Exact: nothing is computed but the sides of points.

use std::cmp::Ordering;

use geo::kernels::{Kernel, Orientation, RobustKernel};
use geo::{Coord, LineString, Polygon};

use super::super::super::inside::Side;
use super::super::super::stripes::StripedPolygon;
use super::meetings::{Budget, Edge};
use super::split::split;
use super::{Tangled, by_place};

/// A place in a lake on an island in a lake is inside of three rings of its area; a bound for memory.
const MAX_RINGS_OVER_A_PLACE: usize = 64;

/// The rings that a place is inside of, by number, the smallest first.
pub(super) type Within = Vec<u32>;

/// One direction of a line between two corners. The other direction is the next or previous one.
pub(super) struct Half {
    /// The corner that it leaves, by number.
    pub(super) from: u32,
    /// Its place around that corner.
    place: u32,
    /// Rings that change sides here: those that run along it an odd number of times.
    changes: Within,
    /// The rings that the places to the left of it are inside of.
    pub(super) left: Within,
}

/// The lines of rings, split where they meet.
pub(super) struct Web {
    /// By longitude, then latitude.
    pub(super) corners: Vec<Coord<f64>>,
    /// The two directions of a line beside each other: the even one goes to the larger corner.
    pub(super) halves: Vec<Half>,
    /// Around each corner, anticlockwise, beginning behind the south: halves that leave it.
    around: Vec<Vec<u32>>,
    /// The lines of the rings: their ring, and the half that runs with it.
    pub(super) runs: Vec<(u32, u32)>,
}

/// The other direction of the same line.
pub(super) const fn back(half: u32) -> u32 {
    half ^ 1
}

impl Web {
    /// # Errors
    /// When there are lines too dense to be told apart.
    pub(super) fn new(rings: &[&LineString<f64>]) -> Result<Self, Tangled> {
        let edges = (0..).zip(rings).flat_map(|(ring, corners)| {
            let lines = corners.lines();
            lines.map(move |line| Edge { line, ring })
        });
        let mut web = Self::of_lines(&split(edges.collect())?);
        web.label(rings)?;
        Ok(web)
    }

    fn of_lines(edges: &[Edge]) -> Self {
        let ends = edges
            .iter()
            .flat_map(|edge| [edge.line.start, edge.line.end]);
        let mut corners: Vec<_> = ends.collect();
        corners.sort_by(by_place);
        corners.dedup();
        let number =
            |at: Coord<f64>| corners.partition_point(|corner| by_place(corner, &at).is_lt()) as u32;
        let mut lines: Vec<_> = edges
            .iter()
            .map(|edge| {
                let (from, to) = (number(edge.line.start), number(edge.line.end));
                (from.min(to), from.max(to), edge.ring, from > to)
            })
            .collect();
        lines.sort_unstable();
        let mut web = Self {
            around: vec![Vec::new(); corners.len()],
            corners,
            halves: Vec::new(),
            runs: Vec::with_capacity(lines.len()),
        };
        for same in lines.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
            let half = web.halves.len() as u32;
            for &(_, _, ring, reversed) in same {
                web.runs.push((ring, half | u32::from(reversed)));
            }
            let rings = same.chunk_by(|a, b| a.2 == b.2);
            let odd = rings.filter(|times| times.len() % 2 == 1);
            let changes: Within = odd.map(|times| times[0].2).collect();
            for (from, half) in [(same[0].0, half), (same[0].1, back(half))] {
                web.around[from as usize].push(half);
                web.halves.push(Half {
                    from,
                    place: 0,
                    changes: changes.clone(),
                    left: Vec::new(),
                });
            }
        }
        web.put_in_order();
        web
    }

    fn put_in_order(&mut self) {
        for middle in 0..self.corners.len() {
            let mut around = std::mem::take(&mut self.around[middle]);
            let at = self.corners[middle];
            around.sort_by(|&a, &b| turn(at, self.end(a), self.end(b)));
            for (place, half) in (0..).zip(&around) {
                self.halves[*half as usize].place = place;
            }
            self.around[middle] = around;
        }
    }

    /// The corner that a half leads to.
    pub(super) fn end(&self, half: u32) -> Coord<f64> {
        self.corners[self.halves[back(half) as usize].from as usize]
    }

    /// The half that leaves the same corner, next clockwise.
    pub(super) fn clockwise(&self, half: u32) -> u32 {
        let Half { from, place, .. } = self.halves[half as usize];
        let around = &self.around[from as usize];
        around[(place as usize + around.len() - 1) % around.len()]
    }

    /// Says of every half what is to its left, from the westernmost corner of each connected piece.
    fn label(&mut self, rings: &[&LineString<f64>]) -> Result<(), Tangled> {
        let pieces = self.pieces();
        let mut ring_pieces = vec![u32::MAX; rings.len()];
        for &(ring, half) in &self.runs {
            ring_pieces[ring as usize] = pieces[self.halves[half as usize].from as usize];
        }
        let count = pieces.iter().max().map_or(0, |last| *last as usize + 1);
        Budget::for_lines(self.runs.len()).spend_many(count.saturating_mul(rings.len()))?;
        let striped: Vec<_> = match count {
            0 | 1 => Vec::new(),
            _ => rings.iter().map(|ring| alone(ring)).collect(),
        };
        let mut known = vec![false; self.corners.len()];
        for seed in 0..self.corners.len() {
            if known[seed] {
                continue;
            }
            let others = (0..).zip(&striped).filter(|&(ring, striped)| {
                ring_pieces[ring as usize] != pieces[seed]
                    && striped.side_of(self.corners[seed]) == Side::Inside
            });
            let outside: Within = others.map(|(ring, _)| ring).collect();
            self.label_piece(seed as u32, outside, &mut known)?;
        }
        Ok(())
    }

    /// The corners of the web that hang together have one number.
    fn pieces(&self) -> Vec<u32> {
        let mut pieces = vec![u32::MAX; self.corners.len()];
        let mut count = 0;
        for seed in 0..self.corners.len() {
            if pieces[seed] != u32::MAX {
                continue;
            }
            let mut open = vec![seed as u32];
            pieces[seed] = count;
            while let Some(corner) = open.pop() {
                for &half in &self.around[corner as usize] {
                    let next = self.halves[back(half) as usize].from;
                    if pieces[next as usize] == u32::MAX {
                        pieces[next as usize] = count;
                        open.push(next);
                    }
                }
            }
            count += 1;
        }
        pieces
    }

    /// `outside` is what the places just west of the seed are inside of.
    fn label_piece(
        &mut self,
        seed: u32,
        outside: Within,
        known: &mut [bool],
    ) -> Result<(), Tangled> {
        // A corner, and what is to the right of the first half around it.
        let mut open = vec![(seed, 0, outside)];
        known[seed as usize] = true;
        while let Some((corner, first, mut right)) = open.pop() {
            let around = self.around[corner as usize].clone();
            for place in 0..around.len() {
                let half = around[(first + place) % around.len()];
                let left = differing(&right, &self.halves[half as usize].changes);
                if left.len() > MAX_RINGS_OVER_A_PLACE {
                    return Err(Tangled);
                }
                let next = self.halves[back(half) as usize].from;
                if !known[next as usize] {
                    known[next as usize] = true;
                    // To the right of the way back is what is to the left of the way there.
                    let first = self.halves[back(half) as usize].place as usize;
                    open.push((next, first, left.clone()));
                }
                self.halves[half as usize].left.clone_from(&left);
                self.halves[back(half) as usize].left.clone_from(&right);
                right = left;
            }
        }
        Ok(())
    }
}

fn alone(ring: &LineString<f64>) -> StripedPolygon {
    StripedPolygon::new(&Polygon::new(ring.clone(), Vec::new()))
}

/// Which of two directions comes first, anticlockwise from behind the south.
fn turn(middle: Coord<f64>, a: Coord<f64>, b: Coord<f64>) -> Ordering {
    let west = |end: Coord<f64>| end.x < middle.x || (end.x == middle.x && end.y < middle.y);
    west(a)
        .cmp(&west(b))
        .then_with(|| match RobustKernel::orient2d(middle, a, b) {
            Orientation::CounterClockwise => Ordering::Less,
            Orientation::Clockwise => Ordering::Greater,
            Orientation::Collinear => Ordering::Equal,
        })
}

/// What is in one of two lists and not in both.
fn differing(a: &[u32], b: &[u32]) -> Within {
    let mut both = [a, b].concat();
    both.sort_unstable();
    both.chunk_by(|a, b| a == b)
        .filter(|same| same.len() == 1)
        .map(|same| same[0])
        .collect()
}
