use geo::polygon;
use proptest::prelude::*;

use super::super::{Authority, DEFAULT_REACH_M, MapParts, Station};
use super::*;

fn rectangle(west: f64, south: f64, east: f64, north: f64) -> Polygon<f64> {
    Rect::new((west, south), (east, north)).to_polygon()
}

fn map(areas: impl IntoIterator<Item = (&'static str, Vec<Polygon<f64>>)>) -> JurisdictionMap {
    let areas = areas.into_iter().map(|(id, polygons)| Area {
        id: JurisdictionId::new(id),
        name: format!("{id} station"),
        agency: None,
        polygons,
    });
    JurisdictionMap::new(MapParts {
        name: "test".to_owned(),
        authority: Authority::Invented,
        label: None,
        areas: areas.collect(),
        stations: Vec::new(),
        reach_m: DEFAULT_REACH_M,
    })
}

/// Three squares of a tenth of a degree in a row, some 9 km wide.
fn three() -> JurisdictionMap {
    map([
        ("a", vec![rectangle(127.0, 37.0, 127.1, 37.1)]),
        ("b", vec![rectangle(127.1, 37.0, 127.2, 37.1)]),
        ("c", vec![rectangle(127.2, 37.0, 127.3, 37.1)]),
    ])
}

fn orphans(old: &JurisdictionMap, new: &JurisdictionMap) -> Vec<Orphan> {
    MapChange::between(old, new).orphans(&JurisdictionIndex::new(new.clone()))
}

#[test]
fn the_same_map_is_no_change() {
    assert_eq!(MapChange::between(&three(), &three()), MapChange::default());
    let farther = three().with_reach_m(1.0);
    assert_eq!(MapChange::between(&three(), &farther), MapChange::default());
}

#[test]
fn a_border_that_moves_is_a_gain_and_a_loss_and_orphans_nobody() {
    let new = map([
        ("a", vec![rectangle(127.0, 37.0, 127.12, 37.1)]),
        ("b", vec![rectangle(127.12, 37.0, 127.2, 37.1)]),
        ("c", vec![rectangle(127.2, 37.0, 127.3, 37.1)]),
    ]);
    let change = MapChange::between(&three(), &new);
    let moved_m2 = surface_m2([&rectangle(127.1, 37.0, 127.12, 37.1)]);
    let [a, b] = change.areas.as_slice() else {
        panic!("{change:?}")
    };
    assert!(
        (a.gained_m2 - moved_m2).abs() < 1.0 && a.lost_m2 == 0.0,
        "{a:?}"
    );
    assert!(
        (b.lost_m2 - moved_m2).abs() < 1.0 && b.gained_m2 == 0.0,
        "{b:?}"
    );
    assert!((a.new_m2.unwrap() - a.old_m2.unwrap() - moved_m2).abs() < 1.0);
    assert_eq!((change.uncovered.len(), change.covered.len()), (0, 0));
    assert!(orphans(&three(), &new).is_empty());
}

#[test]
fn an_area_that_is_gone_is_orphaned_although_neighbours_are_near() {
    let mut areas = three().areas().to_vec();
    let gone = areas.remove(1);
    let new = map(areas.into_iter().map(|area| {
        let id = if area.id.as_str() == "a" { "a" } else { "c" };
        (id, area.polygons)
    }));
    let change = MapChange::between(&three(), &new);
    assert_eq!(change.areas.len(), 1);
    assert_eq!(change.areas[0].new_m2, None);
    let [orphan] = &orphans(&three(), &new)[..] else {
        panic!("one orphan")
    };
    assert_eq!(
        (orphan.id.as_str(), orphan.name.as_str()),
        ("b", "b station")
    );
    assert!((orphan.area_m2 - surface_m2(&gone.polygons)).abs() < 1.0);
    // The middle is half of 0.1 degrees at 37 degrees north from both neighbours: 4,440 m.
    let farthest_m = orphan.farthest_m.unwrap();
    assert!((4_000.0..4_500.0).contains(&farthest_m), "{farthest_m}");
    // And the other way it is only a gain.
    assert!(orphans(&new, &three()).is_empty());
    let back = MapChange::between(&new, &three());
    assert_eq!((back.uncovered.len(), back.covered.len()), (0, 1));
}

#[test]
fn an_area_that_its_neighbours_took_over_is_not_orphaned() {
    let new = map([
        ("a", vec![rectangle(127.0, 37.0, 127.15, 37.1)]),
        ("c", vec![rectangle(127.15, 37.0, 127.3, 37.1)]),
    ]);
    assert!(orphans(&three(), &new).is_empty());
    assert_eq!(MapChange::between(&three(), &new).areas.len(), 3);
}

/// Two areas, and the same with so many degrees given up in the north.
fn drawn_back(by: f64) -> [JurisdictionMap; 2] {
    [0.0, by].map(|by| {
        map([
            ("a", vec![rectangle(127.0, 37.0, 127.1, 37.1 - by / 2.0)]),
            (
                "b",
                vec![rectangle(127.0, 37.1 - by / 2.0, 127.1, 37.2 - by)],
            ),
        ])
    })
}

#[test]
fn what_goes_to_its_old_station_all_the_same_is_not_orphaned() {
    // 11 km to the north of b, which gets them as the nearest.
    let [old, new] = drawn_back(0.1);
    assert!(MapChange::between(&old, &new).uncovered_m2() > 9e7);
    assert!(orphans(&old, &new).is_empty());
    // The same lines under other names: now a stranger gets them.
    let renamed = map(new.areas().iter().map(|area| {
        let id = if area.id.as_str() == "b" { "x" } else { "a" };
        (id, area.polygons.clone())
    }));
    let lost = orphans(&old, &renamed);
    assert_eq!(lost.len(), 1);
    assert!(lost[0].farthest_m.unwrap() > 9_500.0, "{lost:?}");
}

/// Two islands, of which the western has lost its eastern shore by so many degrees, and its name.
fn shore(by: f64) -> [JurisdictionMap; 2] {
    [(0.0, "a"), (by, "x")].map(|(by, id)| {
        let west = rectangle(127.0, 37.0, 127.1 - by, 37.1);
        map([
            (id, vec![west]),
            ("b", vec![rectangle(127.3, 37.0, 127.4, 37.1)]),
        ])
    })
}

#[test]
fn a_sliver_along_a_shore_is_not_orphaned_and_a_strip_is() {
    // At 37 degrees north 0.005 degrees to the east are 445 m, below 500; 0.01 are 890 m.
    let lost = |by: f64| {
        let [old, new] = shore(by);
        orphans(&old, &new).len()
    };
    assert_eq!((lost(0.005), lost(0.01)), (0, 1));
}

#[test]
fn an_island_counts_from_a_hectare_on() {
    let island = |side: f64| {
        let island = rectangle(127.5, 37.0, 127.5 + side, 37.0 + side);
        map([
            ("a", vec![rectangle(127.0, 37.0, 127.1, 37.1)]),
            ("b", vec![rectangle(126.0, 37.0, 126.1, 37.1), island]),
        ])
    };
    let without = map([
        ("a", vec![rectangle(127.0, 37.0, 127.1, 37.1)]),
        ("b", vec![rectangle(126.0, 37.0, 126.1, 37.1)]),
    ]);
    // 0.0009 degrees are 100 m to the north and 80 m to the east.
    assert!(orphans(&island(0.0009), &without).is_empty());
    let [orphan] = &orphans(&island(0.0018), &without)[..] else {
        panic!("an island of three hectares")
    };
    assert_eq!(orphan.id.as_str(), "b");
    assert!(
        (34_000.0..37_000.0).contains(&orphan.farthest_m.unwrap()),
        "{orphan:?}"
    );
}

#[test]
fn beyond_the_reach_no_distance_is_given_and_stations_alone_hold_nothing() {
    let new = map([("a", vec![rectangle(120.0, 30.0, 120.1, 30.1)])]);
    let lost = orphans(&three(), &new);
    assert_eq!(lost.len(), 3);
    assert!(lost.iter().all(|orphan| orphan.farthest_m.is_none()));
    let stations = JurisdictionMap::new(MapParts {
        name: "stations".to_owned(),
        authority: Authority::Invented,
        label: None,
        areas: Vec::new(),
        stations: vec![Station {
            jurisdiction: JurisdictionId::new("a"),
            name: "a".to_owned(),
            agency: None,
            at: LatLon::new(37.05, 127.05).unwrap(),
        }],
        reach_m: DEFAULT_REACH_M,
    });
    // The places of b and c go to the only station, which is a's.
    assert_eq!(orphans(&three(), &stations).len(), 2);
    assert!(orphans(&stations, &three()).is_empty());
}

#[test]
fn what_lies_twice_on_one_map_is_covered_all_the_same() {
    let twice = map([
        ("a", vec![rectangle(127.0, 37.0, 127.15, 37.1)]),
        (
            "b",
            vec![
                polygon![(x: 127.2, y: 37.0), (x: 127.1, y: 37.0), (x: 127.1, y: 37.1), (x: 127.2, y: 37.1)],
            ],
        ),
        ("c", vec![rectangle(127.2, 37.0, 127.3, 37.1)]),
    ]);
    let change = MapChange::between(&three(), &twice);
    assert!(
        change.uncovered.is_empty() && change.covered.is_empty(),
        "{change:?}"
    );
    assert_eq!(change.areas.len(), 1, "only a is larger");
}

proptest! {
    /// Against counting the cells of a lattice.
    #[test]
    fn surfaces_are_the_sums_of_the_lattice(
        old in prop::collection::vec((0..8_u32, 0..8_u32, 1..4_u32, 1..4_u32), 1..5),
        new in prop::collection::vec((0..8_u32, 0..8_u32, 1..4_u32, 1..4_u32), 1..5),
    ) {
        const STEP: f64 = 0.01;
        const SIDE: u32 = 12;
        let ids = ["a", "b", "c", "d", "e"];
        let cell = |x: u32, y: u32, wide: u32, high: u32| {
            let (x, y) = (f64::from(x), f64::from(y));
            rectangle(x * STEP, y * STEP, (x + f64::from(wide)) * STEP, (y + f64::from(high)) * STEP)
        };
        let drawn = |boxes: &[(u32, u32, u32, u32)]| {
            map(ids.into_iter().zip(boxes.iter().map(|(x, y, wide, high)| vec![cell(*x, *y, *wide, *high)])))
        };
        let holds = |one: &(u32, u32, u32, u32), x, y| {
            (one.0..one.0 + one.2).contains(&x) && (one.1..one.1 + one.3).contains(&y)
        };
        let change = MapChange::between(&drawn(&old), &drawn(&new));
        let mut expected = [0.0; 2];
        for (x, y) in (0..SIDE).flat_map(|x| (0..SIDE).map(move |y| (x, y))) {
            let surface = surface_m2([&cell(x, y, 1, 1)]);
            let count = |boxes: &[(u32, u32, u32, u32)]| boxes.iter().filter(|one| holds(one, x, y)).count();
            if count(&new) == 0 { expected[0] += surface * count(&old) as f64; }
            if count(&old) == 0 { expected[1] += surface * count(&new) as f64; }
        }
        let ours = [change.uncovered_m2(), change.covered_m2()];
        for (ours, expected) in ours.into_iter().zip(expected) {
            prop_assert!((ours - expected).abs() < 1e-6 * expected + 0.1, "{ours} {expected}");
        }
    }

    /// Against looking at many places.
    #[test]
    fn no_place_of_a_piece_is_deeper_than_its_depth(
        corners in prop::collection::vec((0.0..0.2_f64, 0.0..0.2_f64), 3..7),
        least_m in 100.0..2_000.0_f64,
    ) {
        let piece = Polygon::new(corners.into(), vec![]);
        let at_origin = LatLon::new(0.0, 0.0).unwrap();
        let away_m = |at: LatLon| -> f64 {
            let metres = |deg: f64| deg * 110_000.0;
            metres(at.lat_deg() - at_origin.lat_deg()).hypot(metres(at.lon_deg()))
        };
        let depth_m = depth::farthest_m(&piece, least_m, |at| Look { away_m: away_m(at), is_lost: true });
        let corners = piece.exterior().0.iter();
        let farthest_m = corners
            .map(|corner| away_m(LatLon::new(corner.y, corner.x).unwrap()))
            .fold(0.0, f64::max);
        if farthest_m <= least_m * 0.8 {
            prop_assert!(depth_m <= least_m);
        } else {
            prop_assert!(depth_m >= farthest_m / 1.1 - least_m / 4.0, "{depth_m} {farthest_m}");
            prop_assert!(depth_m <= farthest_m + least_m / 8.0, "{depth_m} {farthest_m}");
        }
    }
}
