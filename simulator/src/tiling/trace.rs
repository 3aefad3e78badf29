//! Around the cells of one owner: from a lattice whose cells have owners to rings.

use std::collections::{BTreeMap, BTreeSet};

use geo::Polygon;
use rand::{Rng, RngExt as _};

use super::lattice::{Corner, Lattice, Way};
use super::{Sides, TilingPlan, ring};

/// Cells of one owner that hang together by their sides.
pub(super) struct Patch {
    pub(super) owner: u32,
    beyond_seam: bool,
    /// Around the patch, which is to the left: the exterior counter-clockwise, holes clockwise.
    rings: Vec<Vec<(Corner, Way)>>,
}

/// The cells beside a cell, by the way that its side there runs: south, east, north, west.
pub(super) fn neighbours(plan: TilingPlan, cell: u32) -> [Option<u32>; 4] {
    let (column, row) = (cell % plan.columns, cell / plan.columns);
    [
        (row > 0).then(|| cell - plan.columns),
        (column + 1 < plan.columns).then_some(cell + 1),
        (row + 1 < plan.rows).then_some(cell + plan.columns),
        (column > 0).then(|| cell - 1),
    ]
}

/// The sides of a cell with the cell to the left, in the order of [`neighbours`].
fn sides(plan: TilingPlan, cell: u32) -> [(Corner, Way); 4] {
    let (column, row) = (cell % plan.columns, cell / plan.columns);
    [
        ((column, row), Way::East),
        ((column + 1, row), Way::North),
        ((column + 1, row + 1), Way::West),
        ((column, row + 1), Way::South),
    ]
}

/// All patches; nothing hangs together over the antimeridian (RFC 7946, section 3.1.9).
pub(super) fn patches(lattice: &Lattice, owners: &[u32]) -> Vec<Patch> {
    let plan = lattice.plan;
    let beyond = |cell: u32| lattice.is_beyond_seam(cell % plan.columns);
    let kind = |cell: u32| (owners[cell as usize], beyond(cell));
    let mut seen = BTreeSet::new();
    let mut patches = Vec::new();
    for first in 0..plan.columns * plan.rows {
        if !seen.insert(first) {
            continue;
        }
        let mut border = BTreeSet::new();
        let mut next = vec![first];
        while let Some(cell) = next.pop() {
            let around = neighbours(plan, cell).into_iter().zip(sides(plan, cell));
            for (neighbour, side) in around {
                match neighbour.filter(|neighbour| kind(*neighbour) == kind(first)) {
                    Some(neighbour) if seen.insert(neighbour) => next.push(neighbour),
                    Some(_) => {}
                    None => {
                        border.insert(side);
                    }
                }
            }
        }
        patches.push(Patch {
            owner: owners[first as usize],
            beyond_seam: beyond(first),
            rings: rings(&border),
        });
    }
    patches
}

/// Follows the border. At a corner where the patch touches itself it keeps to the cell on its left.
fn rings(border: &BTreeSet<(Corner, Way)>) -> Vec<Vec<(Corner, Way)>> {
    let next = |(from, way): (Corner, Way)| {
        let at = way.from(from);
        let ways = [way.left(), way, way.right()];
        let side = ways.into_iter().map(|way| (at, way));
        side.into_iter().find(|side| border.contains(side))
    };
    let mut rings = Vec::new();
    let mut left = border.clone();
    while let Some(first) = left.pop_first() {
        let mut ring = vec![first];
        let mut last = first;
        while let Some(side) = next(last).filter(|side| *side != first) {
            left.remove(&side);
            ring.push(side);
            last = side;
        }
        rings.push(ring);
    }
    rings
}

impl Patch {
    pub(super) fn polygon(&self, lattice: &Lattice, rng: &mut impl Rng) -> Polygon<f64> {
        let mut exterior = Vec::new();
        let mut holes = Vec::new();
        for sides in &self.rings {
            let corners = self.corners(sides, lattice, rng);
            if is_exterior(sides) {
                exterior = corners;
            } else {
                holes.push(ring(corners));
            }
        }
        Polygon::new(ring(exterior), holes)
    }

    fn corners(
        &self,
        sides: &[(Corner, Way)],
        lattice: &Lattice,
        rng: &mut impl Rng,
    ) -> Vec<geo::Coord<f64>> {
        let exact = matches!(lattice.plan.sides, Sides::Straight | Sides::Slanted);
        let before = sides.iter().cycle().skip(sides.len() - 1);
        let corners = sides.iter().zip(before).map(|(side, before)| {
            if exact && side.1 == before.1 && rng.random_bool(0.5) {
                return Vec::new();
            }
            lattice.side(side.0, side.1, self.beyond_seam)
        });
        corners.flatten().collect()
    }
}

/// Counter-clockwise: one turn to the left more than to the right, four times.
fn is_exterior(sides: &[(Corner, Way)]) -> bool {
    let mut turns = BTreeMap::from([(true, 0), (false, 0)]);
    for (side, after) in sides.iter().zip(sides.iter().cycle().skip(1)) {
        if side.1 != after.1 {
            *turns.entry(after.1 == side.1.left()).or_default() += 1;
        }
    }
    turns[&true] > turns[&false]
}
