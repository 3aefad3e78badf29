//! Where a cut ends on a border, the neighbour's border gets the same corner: rounding the end of a
//! cut to the grid would otherwise leave a sliver between the two.

use std::collections::{BTreeMap, BTreeSet};

use super::corner::Corner;
use super::cut::{Course, Patch, Ring};

/// The ends of cuts by the edge of the source that they lie on, the smaller corner first.
#[derive(Default)]
pub(crate) struct Joints(BTreeMap<(Corner, Corner), BTreeSet<Corner>>);

impl Joints {
    /// Notes every corner of these patches that the source did not have.
    pub(crate) fn note(&mut self, patches: &[Patch]) {
        for edge in patches.iter().flat_map(|patch| &patch.rings).flat_map(ends) {
            let (start, course, end) = edge;
            let Course::Border(from, to) = course else {
                continue;
            };
            for at in [start, end]
                .into_iter()
                .filter(|&at| at != from && at != to)
            {
                self.0
                    .entry((from.min(to), from.max(to)))
                    .or_default()
                    .insert(at);
            }
        }
    }

    /// Puts every noted corner into the edges of these patches that pass it.
    pub(crate) fn weave(&self, patches: &mut [Patch]) {
        for ring in patches.iter_mut().flat_map(|patch| &mut patch.rings) {
            if ends(ring).any(|(_, course, _)| self.on(course).is_some()) {
                *ring = self.woven(ring);
            }
        }
    }

    fn on(&self, course: Course) -> Option<&BTreeSet<Corner>> {
        let Course::Border(from, to) = course else {
            return None;
        };
        self.0.get(&(from.min(to), from.max(to)))
    }

    fn woven(&self, ring: &Ring) -> Ring {
        let mut woven = Ring::new();
        for (edge, (start, course, end)) in ring.iter().zip(ends(ring)) {
            woven.push(*edge);
            let (Course::Border(from, to), Some(joints)) = (course, self.on(course)) else {
                continue;
            };
            let along = |at: Corner| {
                let [dx, dy] = [to.x - from.x, to.y - from.y].map(i128::from);
                i128::from(at.x - from.x) * dx + i128::from(at.y - from.y) * dy
            };
            let passed = |at: &&Corner| along(start) < along(**at) && along(**at) < along(end);
            let mut passed: Vec<Corner> = joints.iter().filter(passed).copied().collect();
            passed.sort_by_key(|&at| along(at));
            woven.extend(
                passed
                    .into_iter()
                    .map(|from| super::cut::Edge { from, course }),
            );
        }
        woven
    }
}

/// Start, course and end of every edge.
fn ends(ring: &Ring) -> impl Iterator<Item = (Corner, Course, Corner)> {
    let next = ring.iter().cycle().skip(1);
    ring.iter()
        .zip(next)
        .map(|(edge, next)| (edge.from, edge.course, next.from))
}
