//! Where the lines of rings meet, exactly.

use geo::kernels::{Kernel, Orientation, RobustKernel};
use geo::{Coord, Line};
use rstar::primitives::{GeomWithData, Rectangle};
use rstar::{AABB, RTree};

use super::Tangled;

/// Lines that follow each other and share a box: fewer boxes to sort, and the lines of one box are
/// looked at in one go.
const LINES_PER_RUN: usize = 8;

/// Pairs of lines with boxes in common, for each line, before a map is called tangled. A coast has
/// three to five.
const MAX_PAIRS_PER_LINE: usize = 100;

/// Lines so few that all their pairs may be looked at.
const FREE_PAIRS: usize = 1 << 20;

/// A micrometre on the ground, in degrees; 700 times the last bit of a longitude. Lines that cross
/// this near to an end cross there: else rounding could make a new crossing beside each old one,
/// without end.
const SAME_PLACE_DEG: f64 = 1e-11;

/// A line of a ring, from one corner to the next; never from a corner to itself.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Edge {
    pub(super) line: Line<f64>,
    /// Its ring's number.
    pub(super) ring: u32,
}

/// How two lines meet elsewhere than where one follows the other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Contact {
    /// In one point within both.
    Crosses,
    /// In an end of one of them, or along a common part.
    Touches,
}

/// Two lines, by their place in the list, and how they meet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Meeting {
    pub(super) first: u32,
    pub(super) second: u32,
    pub(super) contact: Contact,
}

impl Meeting {
    /// A place where they meet.
    pub(super) fn at(&self, edges: &[Edge]) -> Coord<f64> {
        let (a, b) = (
            edges[self.first as usize].line,
            edges[self.second as usize].line,
        );
        let end = [b.start, b.end].into_iter().find(|end| holds(a, *end));
        match self.contact {
            Contact::Crosses => crossing(a, b),
            Contact::Touches => end.unwrap_or(a.start),
        }
    }
}

/// What is left of the pairs that may be looked at.
pub(super) struct Budget(usize);

impl Budget {
    pub(super) fn for_lines(count: usize) -> Self {
        Self(
            count
                .saturating_mul(MAX_PAIRS_PER_LINE)
                .saturating_add(FREE_PAIRS),
        )
    }

    pub(super) fn spend(&mut self) -> Result<(), Tangled> {
        self.spend_many(1)
    }

    pub(super) fn spend_many(&mut self, pairs: usize) -> Result<(), Tangled> {
        self.0 = self.0.checked_sub(pairs).ok_or(Tangled)?;
        Ok(())
    }
}

/// All pairs of lines that meet; those that follow each other only when one runs back over the
/// other. Rings follow one another in the list, and so do the lines of a ring.
pub(super) fn meetings(edges: &[Edge]) -> Result<Vec<Meeting>, Tangled> {
    let mut budget = Budget::for_lines(edges.len());
    let mut met = Vec::new();
    let runs = runs(edges);
    for (run, other) in runs.intersection_candidates_with_other_tree(&runs) {
        if run.data > other.data {
            continue;
        }
        budget.spend()?;
        for first in lines_of(run.data, edges) {
            let from = if run.data == other.data { first + 1 } else { 0 };
            let others = lines_of(other.data, edges);
            for second in others.start.max(from)..others.end {
                let (one, two) = (edges[first], edges[second]);
                if !boxes_meet(one.line, two.line) {
                    continue;
                }
                budget.spend()?;
                if let Some(contact) = contact(one.line, two.line) {
                    met.push(Meeting {
                        first: first as u32,
                        second: second as u32,
                        contact,
                    });
                }
            }
        }
    }
    Ok(met)
}

fn lines_of(run: u32, edges: &[Edge]) -> std::ops::Range<usize> {
    let start = run as usize * LINES_PER_RUN;
    start..(start + LINES_PER_RUN).min(edges.len())
}

fn runs(edges: &[Edge]) -> RTree<GeomWithData<Rectangle<[f64; 2]>, u32>> {
    let boxed = (0..).zip(edges.chunks(LINES_PER_RUN)).map(|(run, edges)| {
        let ends = edges
            .iter()
            .flat_map(|edge| [edge.line.start, edge.line.end]);
        let corners: Vec<_> = ends.map(|end| [end.x, end.y]).collect();
        let envelope = AABB::from_points(&corners);
        GeomWithData::new(Rectangle::from(envelope), run)
    });
    RTree::bulk_load(boxed.collect())
}

fn boxes_meet(a: Line<f64>, b: Line<f64>) -> bool {
    let apart = |a: (f64, f64), b: (f64, f64)| a.0.max(a.1) < b.0.min(b.1);
    let (ax, bx) = ((a.start.x, a.end.x), (b.start.x, b.end.x));
    let (ay, by) = ((a.start.y, a.end.y), (b.start.y, b.end.y));
    !(apart(ax, bx) || apart(bx, ax) || apart(ay, by) || apart(by, ay))
}

/// How two lines meet. Exact.
fn contact(a: Line<f64>, b: Line<f64>) -> Option<Contact> {
    if let Some(runs_back) = follows(a, b).or_else(|| follows(b, a)) {
        return runs_back.then_some(Contact::Touches);
    }
    if crosses(a, b) {
        return Some(Contact::Crosses);
    }
    let touches = [b.start, b.end].into_iter().any(|end| holds(a, end))
        || [a.start, a.end].into_iter().any(|end| holds(b, end));
    touches.then_some(Contact::Touches)
}

/// Whether the second line begins where the first ends, and if so, whether it runs back over it.
///
/// Two passes of a ring through one corner look the same for one of the four pairs of lines; the
/// others tell them.
fn follows(a: Line<f64>, b: Line<f64>) -> Option<bool> {
    (a.end == b.start).then(|| holds(b, a.start) || holds(a, b.end))
}

/// Whether two lines meet in one point within both.
fn crosses(a: Line<f64>, b: Line<f64>) -> bool {
    let opposite = |line: Line<f64>, of: Line<f64>| {
        let sides = (side(line, of.start), side(line, of.end));
        matches!(
            sides,
            (Orientation::Clockwise, Orientation::CounterClockwise)
                | (Orientation::CounterClockwise, Orientation::Clockwise)
        )
    };
    opposite(a, b) && opposite(b, a)
}

/// Whether a point is on a line, its ends among it.
pub(super) fn holds(line: Line<f64>, point: Coord<f64>) -> bool {
    boxes_meet(line, Line::new(point, point)) && side(line, point) == Orientation::Collinear
}

fn side(line: Line<f64>, point: Coord<f64>) -> Orientation {
    RobustKernel::orient2d(line.start, line.end, point)
}

/// Where two lines cross, rounded, and in the boxes of both; one of their ends when that is as near
/// as [`SAME_PLACE_DEG`].
pub(super) fn crossing(a: Line<f64>, b: Line<f64>) -> Coord<f64> {
    let (along_a, along_b, apart) = (a.delta(), b.delta(), b.start - a.start);
    let cross = |one: Coord<f64>, two: Coord<f64>| one.x * two.y - one.y * two.x;
    let part = cross(apart, along_b) / cross(along_a, along_b);
    // Lines nearly level with each other may come to nonsense: any place of both boxes will do.
    let part = if part.is_finite() { part } else { 0.5 };
    let x = a.start.x + part * along_a.x;
    let y = a.start.y + part * along_a.y;
    let at = Coord {
        x: within(x, (a.start.x, a.end.x), (b.start.x, b.end.x)),
        y: within(y, (a.start.y, a.end.y), (b.start.y, b.end.y)),
    };
    let ends = [a.start, a.end, b.start, b.end].into_iter();
    let away = |end: &Coord<f64>| (end.x - at.x).abs().max((end.y - at.y).abs());
    let nearest = ends.min_by(|one, two| away(one).total_cmp(&away(two)));
    nearest
        .filter(|end| away(end) <= SAME_PLACE_DEG)
        .unwrap_or(at)
}

fn within(value: f64, a: (f64, f64), b: (f64, f64)) -> f64 {
    let lowest = a.0.min(a.1).max(b.0.min(b.1));
    let highest = a.0.max(a.1).min(b.0.max(b.1));
    value.max(lowest).min(highest)
}
