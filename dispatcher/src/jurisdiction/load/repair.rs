//! Polygons whose rings cross are cut anew; all others stay exactly as they are.
//!
//! What a polygon holds does not change: the inside of its exterior by the even-odd rule without the
//! insides of its holes, and an area all that one of its polygons holds. What changes is how it is
//! written: afterwards rings touch at most, holes are inside of their exteriors and beside each
//! other, polygons of an area do not overlap; so the signed areas of rings add up to the area.
//!
//! Corners are never moved, so that a line that two areas share stays the same on both sides; only
//! where two lines cross is there a new corner, at the nearest number.

mod meetings;
mod nesting;
mod regions;
mod split;
mod web;

use std::cmp::Ordering;
use std::collections::BTreeMap;

use geo::{Coord, LineString, Polygon};

use meetings::{Contact, Edge, Meeting};
use regions::Owners;
use web::Web;

/// The lines are too dense, or lie over each other too often, to be told apart in bounded time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Tangled;

/// The polygons of an area, and what was done to them.
#[derive(Debug)]
pub(super) struct Repaired {
    pub(super) polygons: Vec<Polygon<f64>>,
    /// How often lines crossed.
    pub(super) crossings: usize,
    /// Where the first thing was that had to be repaired; nothing when all stayed as it was.
    pub(super) at: Option<Coord<f64>>,
}

/// By longitude, then latitude.
fn by_place(a: &Coord<f64>, b: &Coord<f64>) -> Ordering {
    a.x.total_cmp(&b.x).then(a.y.total_cmp(&b.y))
}

/// Repairs the polygons of one area. Their rings are closed, have no corner twice in a row and no
/// -0.
pub(super) fn repair(polygons: Vec<Polygon<f64>>) -> Result<Repaired, Tangled> {
    let area = Rings::of(&polygons);
    let edges = area.edges();
    let met = meetings::meetings(&edges)?;
    let mut groups = Groups::of(polygons.len());
    for [first, second] in met.iter().map(|meeting| area.polygons_of(meeting, &edges)) {
        groups.join(first, second);
    }
    nesting::join_nested(&area, &mut groups)?;
    let crosses = |meeting: &&Meeting| meeting.contact == Contact::Crosses;
    let crossings = met.iter().filter(crosses).count();
    // Crossings before touches.
    let mut first_met = BTreeMap::new();
    for meeting in met.iter().filter(crosses).chain(&met) {
        let [polygon, _] = area.polygons_of(meeting, &edges);
        first_met
            .entry(groups.first_of(polygon))
            .or_insert(*meeting);
    }
    let mut stays = vec![true; polygons.len()];
    let mut cut = Vec::new();
    let mut at = None;
    for (first, group) in groups.doubtful() {
        let part = Rings::of(group.iter().map(|number| &polygons[*number as usize]));
        let (web, owners) = (Web::new(&part.rings)?, Owners(part.owners));
        let met = first_met.get(&first);
        let crossed = met.as_ref().is_some_and(crosses);
        if !crossed && regions::may_stay(&web, &owners) {
            continue;
        }
        at = at
            .or_else(|| met.map(|meeting| meeting.at(&edges)))
            .or_else(|| part.rings[0].0.first().copied());
        cut.extend(regions::cut_anew(&web, &owners)?);
        for number in group {
            stays[number as usize] = false;
        }
    }
    let kept = polygons.into_iter().zip(stays);
    let kept = kept.filter(|(_, stays)| *stays).map(|(polygon, _)| polygon);
    Ok(Repaired {
        polygons: kept.chain(cut).collect(),
        crossings,
        at,
    })
}

/// The rings of some polygons, each polygon's exterior before its holes.
struct Rings<'a> {
    rings: Vec<&'a LineString<f64>>,
    /// The polygon of each, counted from 0.
    owners: Vec<u32>,
}

impl<'a> Rings<'a> {
    fn of(polygons: impl IntoIterator<Item = &'a Polygon<f64>>) -> Self {
        let polygons = (0..).zip(polygons);
        let (owners, rings) = polygons
            .flat_map(|(number, polygon)| {
                let rings = std::iter::once(polygon.exterior()).chain(polygon.interiors());
                rings.map(move |ring| (number, ring))
            })
            .unzip();
        Self { rings, owners }
    }

    fn edges(&self) -> Vec<Edge> {
        let rings = (0..).zip(&self.rings);
        rings
            .flat_map(|(ring, corners)| corners.lines().map(move |line| Edge { line, ring }))
            .collect()
    }

    fn polygons_of(&self, meeting: &Meeting, edges: &[Edge]) -> [u32; 2] {
        [meeting.first, meeting.second].map(|edge| self.owners[edges[edge as usize].ring as usize])
    }
}

/// Polygons that have to do with each other.
struct Groups {
    /// Another one of the same group, or itself.
    towards: Vec<u32>,
    /// Whether anything was said of it.
    doubtful: Vec<bool>,
}

impl Groups {
    fn of(polygons: usize) -> Self {
        Self {
            towards: (0..polygons as u32).collect(),
            doubtful: vec![false; polygons],
        }
    }

    fn first_of(&mut self, mut polygon: u32) -> u32 {
        while self.towards[polygon as usize] != polygon {
            let next = self.towards[polygon as usize];
            self.towards[polygon as usize] = self.towards[next as usize];
            polygon = next;
        }
        polygon
    }

    fn join(&mut self, a: u32, b: u32) {
        self.doubtful[a as usize] = true;
        self.doubtful[b as usize] = true;
        let (a, b) = (self.first_of(a), self.first_of(b));
        self.towards[a.max(b) as usize] = a.min(b);
    }

    /// The groups of which anything was said, by their first polygon.
    fn doubtful(&mut self) -> BTreeMap<u32, Vec<u32>> {
        let mut groups: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for polygon in 0..self.towards.len() as u32 {
            if self.doubtful[polygon as usize] {
                groups
                    .entry(self.first_of(polygon))
                    .or_default()
                    .push(polygon);
            }
        }
        groups
    }
}

#[cfg(test)]
mod tests;
