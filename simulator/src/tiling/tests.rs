use std::collections::{BTreeMap, BTreeSet};

use super::*;

type Line = ((u64, u64), (u64, u64));

fn lines(polygon: &Polygon<f64>) -> Vec<Line> {
    let rings = std::iter::once(polygon.exterior()).chain(polygon.interiors());
    let bits = |at: Coord<f64>| (at.x.to_bits(), at.y.to_bits());
    rings
        .flat_map(|ring| ring.lines())
        .map(|line| (bits(line.start), bits(line.end)))
        .collect()
}

/// In square degrees, of rings that run around their inside.
fn surface(polygon: &Polygon<f64>) -> f64 {
    let rings = std::iter::once(polygon.exterior()).chain(polygon.interiors());
    let doubled: f64 = rings
        .flat_map(|ring| {
            let origin = ring.0[0];
            ring.lines().map(move |line| {
                let (from, to) = (line.start - origin, line.end - origin);
                from.x * to.y - to.x * from.y
            })
        })
        .sum();
    doubled / 2.0
}

fn polygons(tiling: &Tiling) -> impl Iterator<Item = &Polygon<f64>> {
    tiling.map.areas().iter().flat_map(|area| &area.polygons)
}

#[test]
fn a_nation_has_250_areas_and_336_000_corners() {
    let tiling = Tiling::new(TilingPlan::NATION, 1);
    assert_eq!(tiling.map.areas().len(), 250);
    let corners: usize = polygons(&tiling).map(|polygon| lines(polygon).len()).sum();
    assert_eq!(corners, 336_000);
}

#[test]
fn every_inner_line_runs_once_each_way() {
    for plan in TilingPlan::ALL {
        if matches!(plan.sides, Sides::Straight | Sides::Slanted) {
            continue; // They leave corners out.
        }
        let tiling = Tiling::new(plan, 7);
        let mut seen: BTreeMap<Line, i32> = BTreeMap::new();
        for (from, to) in polygons(&tiling).flat_map(lines) {
            *seen.entry((from.min(to), from.max(to))).or_default() +=
                if from < to { 1 } else { -1 };
        }
        assert!(seen.values().all(|balance| (-1..=1).contains(balance)));
        let single: Vec<_> = seen.iter().filter(|(_, balance)| **balance != 0).collect();
        // What is left is the rim.
        let on_rim = |line: &Line| {
            let on = |one: &dyn Fn((u64, u64)) -> u64| {
                let corners = tiling.outline.iter().flat_map(lines).map(|line| line.0);
                one(line.0) == one(line.1) && corners.map(one).any(|at| at == one(line.0))
            };
            on(&|at| at.0) || on(&|at| at.1)
        };
        assert!(single.iter().all(|(line, _)| on_rim(line)), "{}", plan.name);
        assert!(!single.is_empty());
    }
}

#[test]
fn the_areas_fill_the_outline() {
    for plan in TilingPlan::ALL {
        let tiling = Tiling::new(plan, 3);
        let filled: f64 = polygons(&tiling).map(surface).sum();
        let outline: f64 = tiling.outline.iter().map(surface).sum();
        assert!((filled / outline - 1.0).abs() < 1e-9, "{}", plan.name);
        assert!(polygons(&tiling).all(|polygon| surface(polygon) > 0.0));
    }
}

#[test]
fn there_are_enclaves_islands_and_corners_left_out() {
    let tiling = Tiling::new(TilingPlan::ALL[2], 5);
    assert!(polygons(&tiling).any(|polygon| !polygon.interiors().is_empty()));
    assert!(
        tiling
            .map
            .areas()
            .iter()
            .any(|area| area.polygons.len() > 2)
    );
    let lines = || {
        let rings = polygons(&tiling).map(Polygon::exterior);
        rings.flat_map(|ring| ring.lines())
    };
    let is_left_out = |corner: Coord<f64>| {
        let level = lines().filter(|line| line.dy() == 0.0 && line.start.y == corner.y);
        let ends = |line: geo::Line| (line.start.x.min(line.end.x), line.start.x.max(line.end.x));
        level
            .map(ends)
            .any(|(west, east)| west < corner.x && corner.x < east)
    };
    let left_out = lines().filter(|line| is_left_out(line.start)).count();
    assert!(left_out > 50, "{left_out}");
}

#[test]
fn the_same_seed_makes_the_same_tiling_and_another_one_another() {
    let plan = TilingPlan::ALL[4];
    let version = |seed| Tiling::new(plan, seed).map.version().clone();
    assert_eq!(version(1), version(1));
    assert_ne!(version(1), version(2));
}

#[test]
fn awkward_places_are_on_corners_and_lines_and_the_least_step_beside() {
    let tiling = Tiling::new(TilingPlan::ALL[4], 1);
    let corners: BTreeSet<_> = polygons(&tiling)
        .flat_map(lines)
        .map(|line| line.0)
        .collect();
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let places: Vec<_> = std::iter::repeat_with(|| tiling.awkward(&mut rng))
        .take(600)
        .collect();
    let is_corner = |lon: f64, lat: f64| corners.contains(&(lon.to_bits(), lat.to_bits()));
    let on = places
        .iter()
        .filter(|at| is_corner(at.lon_deg(), at.lat_deg()));
    assert!(on.count() > 50);
    let beside = places.iter().filter(|at| {
        let (lon, lat) = (at.lon_deg(), at.lat_deg());
        is_corner(lon.next_up(), lat) || is_corner(lon, lat.next_down())
    });
    assert!(beside.count() > 5);
}
