//! The index beside brute force, on tilings. `cargo xtask agree` does the same with ten million
//! points.

use dispatcher::jurisdiction::{Area, JurisdictionIndex, JurisdictionMap, MapParts};
use geo::Polygon;
use rand::SeedableRng as _;
use rand::rngs::ChaCha8Rng;
use simulator::agreement::{Judge, Tally};
use simulator::tiling::{Tiling, TilingPlan};

/// For all tilings together.
const POINTS: u64 = 50_000;

const SEED: u64 = 11;

fn tally(tiling: &Tiling, map: &JurisdictionMap, points: u64) -> Tally {
    let judge = Judge::new(tiling).expect("corners that whole numbers can hold");
    let index = JurisdictionIndex::new(map.clone());
    judge.tally(&index, points, &mut ChaCha8Rng::seed_from_u64(SEED))
}

fn with_areas(map: &JurisdictionMap, change: impl Fn(&mut Vec<Area>)) -> JurisdictionMap {
    let mut areas = map.areas().to_vec();
    change(&mut areas);
    JurisdictionMap::new(MapParts {
        name: "planted".to_owned(),
        authority: map.authority(),
        label: None,
        areas,
        stations: Vec::new(),
        reach_m: map.reach_m(),
    })
}

#[test]
fn the_index_agrees_with_brute_force_on_every_kind_of_tiling() {
    let share = POINTS / TilingPlan::ALL.len() as u64;
    for plan in TilingPlan::ALL {
        let tiling = Tiling::new(plan, SEED);
        let found = tally(&tiling, &tiling.map, share);
        assert_eq!(found.points, share);
        assert!(found.is_clean(), "{}: {found:?}", plan.name);
    }
}

/// How many answers are wrong when the index has one corner of one area elsewhere.
fn found_when_moved(moved_deg: f64) -> Tally {
    let tiling = Tiling::new(TilingPlan::ALL[4], SEED);
    let wrong = with_areas(&tiling.map, |areas| {
        let (exterior, holes) = areas[7].polygons.remove(0).into_inner();
        let mut corners = exterior.0;
        corners[1].x += moved_deg;
        corners[1].y += moved_deg;
        areas[7].polygons.push(Polygon::new(corners.into(), holes));
    });
    tally(&tiling, &wrong, 20_000)
}

#[test]
fn a_corner_that_only_the_index_has_elsewhere_is_found() {
    // 10 m, and a hundredth of a millimetre, which only places on lines and beside them can show.
    for moved_deg in [1e-4, 1e-10] {
        let found = found_when_moved(moved_deg);
        assert!(found.mismatches > 0, "{moved_deg}: {found:?}");
    }
    assert!(found_when_moved(0.0).is_clean());
}

#[test]
fn a_place_that_a_tiling_fills_and_nobody_owns_is_found() {
    let mut tiling = Tiling::new(TilingPlan::ALL[4], SEED);
    // A gap in the map of everybody: only the outline knows.
    tiling.map = with_areas(&tiling.map, |areas| {
        areas.remove(7);
    });
    let found = tally(&tiling, &tiling.map, 5_000);
    assert!(found.without_owner > 0, "{found:?}");
}
