//! What differs between two maps of the same country, and which places the newer one would orphan.
//!
//! A place is orphaned when an area of the old map holds it, no area of the new map does or is near,
//! and the nearest is not that of its old station. What is left out along a redrawn coast, or between
//! two areas that were fitted anew, is not orphaned: there the nearest area is the right one, and the
//! index gives it. Nor is a pier or an islet that only another maker drew: its station still gets it.

mod depth;

use geo::algorithm::bool_ops::FillRule;
use geo::orient::{Direction, Orient as _};
use geo::{BooleanOps as _, BoundingRect as _, Intersects as _, MultiPolygon, Polygon, Rect};
use protocol::{JurisdictionId, LatLon};

use super::index::JurisdictionIndex;
use super::map::{Area, JurisdictionMap};
use super::surface::surface_m2;
use depth::Look;

/// Pieces smaller than this are nobody's loss, in square metres: corners are rounded to a tenth of a
/// metre at best, and along a border that makes slivers.
pub const LEAST_PIECE_M2: f64 = 1.0;

/// A piece smaller than this orphans nobody, in square metres: below a hectare lie rocks, piers and
/// breakwaters, and every survey has others.
pub const LEAST_ORPHAN_M2: f64 = 10_000.0;

/// A place within this distance of an area of the new map is not orphaned, in metres: coasts of two
/// makers or two years lie within some hundred metres of each other. Farther out is another island,
/// or the middle of an area that is missing.
pub const ORPHAN_BEYOND_M: f64 = 500.0;

/// What differs between two maps.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct MapChange {
    /// Areas that are not the same in both, by id.
    pub areas: Vec<AreaChange>,
    /// What the old map holds and the new one does not, by the old map's areas. What two of them hold
    /// is in both.
    pub uncovered: Vec<Patch>,
    /// What the new map holds and the old one does not, by the new map's areas.
    pub covered: Vec<Patch>,
}

/// An area that is not the same in both maps. Areas in square metres.
#[derive(Clone, PartialEq, Debug)]
pub struct AreaChange {
    /// Which one.
    pub id: JurisdictionId,
    /// What an officer reads, by the newer map that has it.
    pub name: String,
    /// Its surface on the old map; absent when it is not there.
    pub old_m2: Option<f64>,
    /// Its surface on the new map; absent when it is not there.
    pub new_m2: Option<f64>,
    /// What it gives away or leaves.
    pub lost_m2: f64,
    /// What it takes.
    pub gained_m2: f64,
}

/// The part of an area that the other map does not cover.
#[derive(Clone, PartialEq, Debug)]
pub struct Patch {
    /// Whose part.
    pub id: JurisdictionId,
    /// What an officer reads.
    pub name: String,
    /// Pieces of at least [`LEAST_PIECE_M2`].
    pub pieces: Vec<Polygon<f64>>,
    /// All of them together, in square metres.
    pub area_m2: f64,
}

/// What the new map would orphan of an area of the old one.
#[derive(Clone, PartialEq, Debug)]
pub struct Orphan {
    /// Whose part it was.
    pub id: JurisdictionId,
    /// What an officer reads.
    pub name: String,
    /// The orphaned pieces together, in square metres.
    pub area_m2: f64,
    /// How far the farthest such place is from every area of the new map, in metres, to a tenth; absent
    /// when that is beyond the map's reach.
    pub farthest_m: Option<f64>,
}

impl MapChange {
    /// Compares two maps; some seconds for a country of which every line was drawn anew.
    #[must_use]
    pub fn between(old: &JurisdictionMap, new: &JurisdictionMap) -> Self {
        if old.version() == new.version() {
            return Self::default();
        }
        let mut ids: Vec<_> = [old, new]
            .iter()
            .flat_map(|map| map.areas().iter().map(|area| &area.id))
            .collect();
        ids.sort_unstable();
        ids.dedup();
        Self {
            areas: ids
                .into_iter()
                .filter_map(|id| change_of(old.area(id), new.area(id)))
                .collect(),
            uncovered: left_out(old, new),
            covered: left_out(new, old),
        }
    }

    /// What is held by the old map and by none of the new one's, in square metres.
    #[must_use]
    pub fn uncovered_m2(&self) -> f64 {
        total_m2(&self.uncovered)
    }

    /// What is held by the new map and by none of the old one's, in square metres.
    #[must_use]
    pub fn covered_m2(&self) -> f64 {
        total_m2(&self.covered)
    }

    /// The places that the new map, behind this index, would leave to nobody near: pieces of at least
    /// [`LEAST_ORPHAN_M2`] with a place that is farther than [`ORPHAN_BEYOND_M`] from every area and
    /// would not go to its old station. The largest loss first.
    #[must_use]
    pub fn orphans(&self, new: &JurisdictionIndex) -> Vec<Orphan> {
        let mut orphans: Vec<_> = self
            .uncovered
            .iter()
            .filter_map(|patch| orphan(patch, new))
            .collect();
        orphans.sort_by(|a, b| b.area_m2.total_cmp(&a.area_m2).then(a.id.cmp(&b.id)));
        orphans
    }
}

fn total_m2(patches: &[Patch]) -> f64 {
    patches.iter().fold(0.0, |sum, patch| sum + patch.area_m2)
}

fn orphan(patch: &Patch, new: &JurisdictionIndex) -> Option<Orphan> {
    let (mut area_m2, mut farthest_m) = (0.0, 0.0_f64);
    for piece in &patch.pieces {
        let piece_m2 = surface_m2([piece]);
        if piece_m2 < LEAST_ORPHAN_M2 {
            continue;
        }
        let deepest_m = depth::farthest_m(piece, ORPHAN_BEYOND_M, |at| look(new, at, &patch.id));
        if deepest_m > ORPHAN_BEYOND_M {
            area_m2 += piece_m2;
            farthest_m = farthest_m.max(deepest_m);
        }
    }
    (area_m2 > 0.0).then(|| Orphan {
        id: patch.id.clone(),
        name: patch.name.clone(),
        area_m2,
        farthest_m: Some(farthest_m).filter(|metres| metres.is_finite()),
    })
}

/// What a place that was this station's comes to with another map.
fn look(index: &JurisdictionIndex, at: LatLon, was: &JurisdictionId) -> Look {
    let assignment = index.locate(at, None, None);
    Look {
        away_m: match assignment.jurisdiction {
            Some(_) => assignment.distance_m.unwrap_or(0.0),
            None => f64::INFINITY,
        },
        is_lost: assignment.jurisdiction.as_ref() != Some(was),
    }
}

fn change_of(old: Option<&Area>, new: Option<&Area>) -> Option<AreaChange> {
    let named = new.or(old)?;
    let (before, after) = (polygons(old), polygons(new));
    let is_there_in_both = old.is_some() && new.is_some();
    let lost = without(&before, &after);
    let gained = without(&after, &before);
    if is_there_in_both && lost.is_empty() && gained.is_empty() {
        return None;
    }
    Some(AreaChange {
        id: named.id.clone(),
        name: named.name.clone(),
        old_m2: old.map(|area| surface_m2(&area.polygons)),
        new_m2: new.map(|area| surface_m2(&area.polygons)),
        lost_m2: surface_m2(&lost),
        gained_m2: surface_m2(&gained),
    })
}

fn polygons(area: Option<&Area>) -> Vec<&Polygon<f64>> {
    area.into_iter().flat_map(|area| &area.polygons).collect()
}

/// What the areas of one map hold and none of the other's does.
fn left_out(of: &JurisdictionMap, by: &JurisdictionMap) -> Vec<Patch> {
    let theirs: Vec<(Rect<f64>, &Polygon<f64>)> = by
        .areas()
        .iter()
        .flat_map(|area| &area.polygons)
        .filter_map(|polygon| Some((polygon.bounding_rect()?, polygon)))
        .collect();
    let patch = |area: &Area| {
        let ours = polygons(Some(area));
        let boxes: Vec<_> = ours.iter().filter_map(|one| one.bounding_rect()).collect();
        let near: Vec<_> = theirs
            .iter()
            .filter(|(bounds, _)| boxes.iter().any(|one| one.intersects(bounds)))
            .map(|(_, polygon)| *polygon)
            .collect();
        let pieces = without(&ours, &near);
        (!pieces.is_empty()).then(|| Patch {
            id: area.id.clone(),
            name: area.name.clone(),
            area_m2: surface_m2(&pieces),
            pieces,
        })
    };
    of.areas().iter().filter_map(patch).collect()
}

/// What these polygons hold and none of the others does, in pieces of at least [`LEAST_PIECE_M2`].
/// Both may overlap among themselves.
fn without(these: &[&Polygon<f64>], others: &[&Polygon<f64>]) -> Vec<Polygon<f64>> {
    let changed = these.iter().filter(|one| !others.contains(one));
    let changed = oriented(changed.copied());
    if changed.0.is_empty() {
        return Vec::new();
    }
    let others = oriented(others.iter().copied());
    changed
        .difference_with_fill_rule(&others, FillRule::NonZero)
        .into_iter()
        .filter(|piece| surface_m2([piece]) >= LEAST_PIECE_M2)
        .collect()
}

/// Counterclockwise, so that no ring takes away what another holds.
fn oriented<'a>(polygons: impl Iterator<Item = &'a Polygon<f64>>) -> MultiPolygon<f64> {
    polygons
        .map(|polygon| polygon.orient(Direction::Default))
        .collect()
}

#[cfg(test)]
mod tests;
