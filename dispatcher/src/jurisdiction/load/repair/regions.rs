//! From a web of lines to polygons: the even-odd rule says where the inside is, and the lines that
//! part it from the outside are walked with the inside on the left.

use geo::kernels::{Kernel, Orientation, RobustKernel};
use geo::{Area as _, Coord, LineString, Polygon};

use super::super::super::inside::Side;
use super::super::super::stripes::StripedPolygon;
use super::web::{Web, back};
use super::{Tangled, by_place};

/// For each ring of a web the polygon that it belongs to; the first one of a polygon is its exterior.
pub(super) struct Owners(pub(super) Vec<u32>);

impl Owners {
    fn is_exterior(&self, ring: u32) -> bool {
        let ring = ring as usize;
        ring == 0 || self.0[ring - 1] != self.0[ring]
    }

    /// How many polygons hold the places that are inside of these rings: of each polygon the exterior
    /// and no hole.
    fn polygons_over(&self, within: &[u32]) -> usize {
        let of_polygons = within.chunk_by(|a, b| self.0[*a as usize] == self.0[*b as usize]);
        of_polygons
            .filter(|rings| matches!(rings, &[ring] if self.is_exterior(*ring)))
            .count()
    }

    fn holds(&self, polygon: u32, within: &[u32]) -> bool {
        let mut rings = within
            .iter()
            .filter(|ring| self.0[**ring as usize] == polygon);
        let only = rings.next().filter(|_| rings.next().is_none());
        only.is_some_and(|ring| self.is_exterior(*ring))
    }
}

/// Whether the polygons of a web that has no crossing may stay as they are: their interiors do not
/// overlap, each line parts a polygon's inside from its outside once, and each ring has the inside on
/// one hand all the way. Then signed areas are areas.
pub(super) fn may_stay(web: &Web, owners: &Owners) -> bool {
    let left = |half: u32| &web.halves[half as usize].left;
    if web
        .halves
        .iter()
        .any(|half| owners.polygons_over(&half.left) > 1)
    {
        return false;
    }
    let mut runs: Vec<_> = web
        .runs
        .iter()
        .map(|&(ring, half)| (owners.0[ring as usize], half.min(back(half)), ring, half))
        .collect();
    runs.sort_unstable();
    let once = runs
        .windows(2)
        .all(|two| (two[0].0, two[0].1) != (two[1].0, two[1].1));
    let mut hands = vec![None; owners.0.len()];
    once && runs.iter().all(|&(polygon, _, ring, half)| {
        let sides = [half, back(half)].map(|half| owners.holds(polygon, left(half)));
        let hand = hands[ring as usize].get_or_insert(sides);
        sides[0] != sides[1] && *hand == sides
    })
}

/// The polygons of what any polygon of the web holds. Their rings are simple, meet in corners only,
/// exteriors run anticlockwise and holes clockwise.
pub(super) fn cut_anew(web: &Web, owners: &Owners) -> Result<Vec<Polygon<f64>>, Tangled> {
    let held = |half: u32| owners.polygons_over(&web.halves[half as usize].left) > 0;
    let is_border = |half: u32| held(half) && !held(back(half));
    let mut walked = vec![false; web.halves.len()];
    let mut polygons: Vec<(LineString<f64>, Vec<LineString<f64>>)> = Vec::new();
    let mut lakes = Vec::new();
    for start in 0..web.halves.len() as u32 {
        if walked[start as usize] || !is_border(start) {
            continue;
        }
        let rings = simple_rings(&walk(web, start, is_border, &mut walked)?);
        let (mut exteriors, holes): (Vec<_>, Vec<_>) =
            rings.into_iter().partition(is_anticlockwise);
        match exteriors.pop() {
            Some(exterior) => polygons.push((exterior, holes)),
            None => lakes.push(holes),
        }
        // The inside is one piece to the left of a walk, so it has one outer ring at most.
        if !exteriors.is_empty() {
            return Err(Tangled);
        }
    }
    give_lakes(lakes, &mut polygons)?;
    Ok(polygons
        .into_iter()
        .map(|(exterior, holes)| Polygon::new(exterior, holes))
        .collect())
}

/// Once around what is to the left of a line: at each corner on to the next line clockwise, so that
/// nothing is crossed.
fn walk(
    web: &Web,
    start: u32,
    is_border: impl Fn(u32) -> bool,
    walked: &mut [bool],
) -> Result<Vec<Coord<f64>>, Tangled> {
    let mut corners = Vec::new();
    let mut half = start;
    loop {
        if std::mem::replace(&mut walked[half as usize], true) {
            return Err(Tangled);
        }
        corners.push(web.end(back(half)));
        let mut next = web.clockwise(back(half));
        while !is_border(next) {
            if next == back(half) {
                return Err(Tangled);
            }
            next = web.clockwise(next);
        }
        half = next;
        if half == start {
            return Ok(corners);
        }
    }
}

/// Cuts a walk where it comes to a corner again. The rings are closed.
fn simple_rings(walk: &[Coord<f64>]) -> Vec<LineString<f64>> {
    let mut order: Vec<_> = (0..walk.len()).collect();
    order.sort_by(|a, b| by_place(&walk[*a], &walk[*b]));
    // The number of the place at each step.
    let mut places = vec![0; walk.len()];
    let same = order.chunk_by(|a, b| walk[*a] == walk[*b]);
    for (place, steps) in same.enumerate() {
        for step in steps {
            places[*step] = place;
        }
    }
    let mut rings = Vec::new();
    let mut path: Vec<usize> = Vec::new();
    let mut depths = vec![None; walk.len()];
    for step in 0..walk.len() {
        if let Some(depth) = depths[places[step]] {
            rings.push(closed(path[depth..].iter().map(|step| walk[*step])));
            for dropped in path.drain(depth..) {
                depths[places[dropped]] = None;
            }
        }
        depths[places[step]] = Some(path.len());
        path.push(step);
    }
    rings.push(closed(path.into_iter().map(|step| walk[step])));
    rings
}

fn closed(corners: impl Iterator<Item = Coord<f64>>) -> LineString<f64> {
    let mut ring = LineString::new(corners.collect());
    ring.close();
    ring
}

/// Of a simple ring, by the turn at its westernmost corner, which is never straight.
fn is_anticlockwise(ring: &LineString<f64>) -> bool {
    let corners = &ring.0[..ring.0.len() - 1];
    let westernmost = (0..corners.len()).min_by(|a, b| by_place(&corners[*a], &corners[*b]));
    let Some(here) = westernmost else {
        return false;
    };
    let before = corners[(here + corners.len() - 1) % corners.len()];
    let after = corners[(here + 1) % corners.len()];
    RobustKernel::orient2d(before, corners[here], after) == Orientation::CounterClockwise
}

/// Each group of holes goes to the smallest exterior around it.
fn give_lakes(
    lakes: Vec<Vec<LineString<f64>>>,
    polygons: &mut [(LineString<f64>, Vec<LineString<f64>>)],
) -> Result<(), Tangled> {
    if lakes.is_empty() {
        return Ok(());
    }
    let exteriors: Vec<_> = polygons
        .iter()
        .map(|(exterior, _)| {
            let alone = Polygon::new(exterior.clone(), Vec::new());
            (alone.unsigned_area(), StripedPolygon::new(&alone))
        })
        .collect();
    for holes in lakes {
        let at = holes.first().and_then(|hole| hole.0.first().copied());
        let around = at.and_then(|at| {
            let around = (0..).zip(&exteriors);
            let around = around.filter(|(_, (_, exterior))| exterior.side_of(at) == Side::Inside);
            around.min_by(|(_, a), (_, b)| a.0.total_cmp(&b.0))
        });
        let (number, _) = around.ok_or(Tangled)?;
        let number: usize = number;
        polygons[number].1.extend(holes);
    }
    Ok(())
}
