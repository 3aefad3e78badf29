//! Which lines and stations are near? Searched in three dimensions, nearest first.

use std::collections::BTreeMap;

use geo::{Coord, LineString, Polygon};
use protocol::LatLon;
use rstar::RTree;
use rstar::primitives::{GeomWithData, Rectangle};

use super::earth::{Bounds, Cartesian, Edge, arc_of_chord_m, cartesian, chord_of_arc_m, corner};
use super::map::{Area, JurisdictionMap, Station};

/// Areas whose distances differ by less are equally near: rounding is far below a millimetre, and
/// no survey is above it.
pub(super) const TIE_M: f64 = 1e-3;

/// Lines that share one box: few enough that a box is short, many enough that the tree is small.
const EDGES_PER_BOX: usize = 16;

/// Something near, by its place in the map's list.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Near<K> {
    pub(super) key: K,
    /// Along the surface.
    pub(super) distance_m: f64,
}

/// Up to [`EDGES_PER_BOX`] lines of a ring, beginning with this corner.
#[derive(Clone, Copy)]
struct Stretch {
    area: u32,
    polygon: u32,
    /// 0 is the exterior.
    ring: u32,
    first: u32,
}

/// The lines of all areas.
pub(super) struct Boundaries(RTree<GeomWithData<Rectangle<Cartesian>, Stretch>>);

impl Boundaries {
    pub(super) fn new(areas: &[Area]) -> Self {
        let mut boxes = Vec::new();
        for (area, content) in (0..).zip(areas) {
            for (polygon, content) in (0..).zip(&content.polygons) {
                for (ring, content) in (0..).zip(rings(content)) {
                    let firsts = (0..content.0.len().saturating_sub(1)).step_by(EDGES_PER_BOX);
                    boxes.extend(firsts.map(|first| {
                        let mut bounds = Bounds::EMPTY;
                        edges(content, first).for_each(|edge| edge.stretch(&mut bounds));
                        let rectangle = Rectangle::from_corners(bounds.lower, bounds.upper);
                        let first = first as u32;
                        GeomWithData::new(
                            rectangle,
                            Stretch {
                                area,
                                polygon,
                                ring,
                                first,
                            },
                        )
                    }));
                }
            }
        }
        Self(RTree::bulk_load(boxes))
    }

    /// The areas whose lines are nearest, by distance and then in the map's order: at least `wanted`
    /// of them where so many are within `limit_m`, and all that are as near as the last of them.
    pub(super) fn nearest(
        &self,
        map: &JurisdictionMap,
        at: LatLon,
        limit_m: f64,
        wanted: usize,
    ) -> Vec<Near<u32>> {
        self.search(map, Found::new(at, limit_m, wanted), |_| true)
    }

    /// How far the lines of these areas are, as far as they are within `limit_m`.
    pub(super) fn distances(
        &self,
        map: &JurisdictionMap,
        at: LatLon,
        limit_m: f64,
        areas: &[u32],
    ) -> Vec<Near<u32>> {
        let found = Found::new(at, limit_m, areas.len());
        self.search(map, found, |area| areas.contains(&area))
    }

    fn search(
        &self,
        map: &JurisdictionMap,
        mut found: Found<u32>,
        is_asked: impl Fn(u32) -> bool,
    ) -> Vec<Near<u32>> {
        let place = cartesian(corner(found.at));
        for (stretch, lower_2) in self.0.nearest_neighbor_iter_with_distance_2(place) {
            let lower_m = lower_2.sqrt();
            if lower_m > found.cut_off_m {
                break;
            }
            let Stretch {
                area,
                polygon,
                ring,
                first,
            } = stretch.data;
            let is_known_nearer = found
                .nearest_m
                .get(&area)
                .is_some_and(|known| *known <= lower_m);
            if is_known_nearer || !is_asked(area) {
                continue;
            }
            let polygon = &map.areas()[area as usize].polygons[polygon as usize];
            if let Some(ring) = rings(polygon).nth(ring as usize) {
                found.take(area, nearest_chord_m(place, edges(ring, first as usize)));
            }
        }
        found.by_distance()
    }
}

/// The stations of a map.
pub(super) struct Stations(RTree<GeomWithData<Cartesian, u32>>);

impl Stations {
    pub(super) fn new(stations: &[Station]) -> Self {
        let places = (0..)
            .zip(stations)
            .map(|(station, content)| GeomWithData::new(cartesian(corner(content.at)), station));
        Self(RTree::bulk_load(places.collect()))
    }

    /// The jurisdictions whose stations are nearest, as [`Boundaries::nearest`] gives areas.
    pub(super) fn nearest<'a, K: Ord>(
        &self,
        at: LatLon,
        limit_m: f64,
        wanted: usize,
        key: impl Fn(u32) -> &'a K,
    ) -> Vec<Near<&'a K>> {
        let place = cartesian(corner(at));
        let mut found = Found::new(at, limit_m, wanted);
        for (station, distance_2) in self.0.nearest_neighbor_iter_with_distance_2(place) {
            let distance_m = distance_2.sqrt();
            if distance_m > found.cut_off_m {
                break;
            }
            found.take(key(station.data), distance_m);
        }
        found.by_distance()
    }
}

/// What a search has come upon, with the distance beyond which it need not look. All in metres
/// straight through the Earth.
struct Found<K> {
    at: LatLon,
    wanted: usize,
    limit_m: f64,
    cut_off_m: f64,
    nearest_m: BTreeMap<K, f64>,
}

impl<K: Ord + Copy> Found<K> {
    fn new(at: LatLon, limit_m: f64, wanted: usize) -> Self {
        let limit_m = chord_of_arc_m(limit_m, at);
        Self {
            at,
            wanted,
            limit_m,
            cut_off_m: limit_m,
            nearest_m: BTreeMap::new(),
        }
    }

    fn take(&mut self, key: K, distance_m: f64) {
        if distance_m > self.limit_m {
            return;
        }
        let known = self.nearest_m.entry(key).or_insert(f64::INFINITY);
        if distance_m < *known {
            *known = distance_m;
            let mut distances: Vec<_> = self.nearest_m.values().copied().collect();
            distances.sort_unstable_by(f64::total_cmp);
            if let Some(last) = distances.get(self.wanted.saturating_sub(1)) {
                self.cut_off_m = self.limit_m.min(last + TIE_M);
            }
        }
    }

    fn by_distance(self) -> Vec<Near<K>> {
        let kept = self
            .nearest_m
            .into_iter()
            .filter(|(_, metres)| *metres <= self.cut_off_m);
        let mut near: Vec<_> = kept
            .map(|(key, metres)| Near {
                key,
                distance_m: arc_of_chord_m(metres, self.at),
            })
            .collect();
        near.sort_by(|a, b| {
            a.distance_m
                .total_cmp(&b.distance_m)
                .then(a.key.cmp(&b.key))
        });
        near
    }
}

fn rings(polygon: &Polygon<f64>) -> impl Iterator<Item = &LineString<f64>> {
    std::iter::once(polygon.exterior()).chain(polygon.interiors())
}

fn edges(ring: &LineString<f64>, first: usize) -> impl Iterator<Item = Edge> {
    let end = ring.0.len().min(first + EDGES_PER_BOX + 1);
    ring.0[first..end].windows(2).map(|pair| Edge {
        from: pair[0],
        to: pair[1],
    })
}

fn nearest_chord_m(place: Cartesian, edges: impl Iterator<Item = Edge>) -> f64 {
    let mut last: Option<(Coord<f64>, Cartesian)> = None;
    edges.fold(f64::INFINITY, |best_m, edge| {
        let from = match last {
            Some((corner, at)) if corner == edge.from => at,
            _ => cartesian(edge.from),
        };
        let to = cartesian(edge.to);
        last = Some((edge.to, to));
        edge.nearest_chord_m(place, (from, to), best_m)
    })
}
