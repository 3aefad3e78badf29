use geo::{Polygon, polygon};

use super::*;
use crate::jurisdiction::map::{Area, Authority, DEFAULT_REACH_M, MapParts, Station};

mod grid;
mod properties;
mod uncertain;

fn at(lat: f64, lon: f64) -> LatLon {
    LatLon::new(lat, lon).unwrap()
}

fn area(id: &str, polygons: Vec<Polygon<f64>>) -> Area {
    Area {
        id: JurisdictionId::new(id),
        name: id.to_owned(),
        agency: None,
        polygons,
    }
}

fn square(west: f64, south: f64, size: f64) -> Polygon<f64> {
    let (east, north) = (west + size, south + size);
    polygon![(x: west, y: south), (x: east, y: south), (x: east, y: north), (x: west, y: north)]
}

fn parts(areas: Vec<Area>, stations: Vec<Station>) -> MapParts {
    MapParts {
        name: "test".to_owned(),
        authority: Authority::Invented,
        label: None,
        areas,
        stations,
        reach_m: DEFAULT_REACH_M,
    }
}

fn index(areas: Vec<Area>) -> JurisdictionIndex {
    JurisdictionIndex::new(JurisdictionMap::new(parts(areas, vec![])))
}

fn answer(index: &JurisdictionIndex, at: LatLon) -> (Option<String>, Reason) {
    let assignment = index.locate(at, None, None);
    (
        assignment.jurisdiction.map(|id| id.to_string()),
        assignment.reason,
    )
}

fn owned(id: &str, reason: Reason) -> (Option<String>, Reason) {
    (Some(id.to_owned()), reason)
}

#[test]
fn a_shared_line_has_one_owner_whatever_the_order_of_features() {
    let forward = index(vec![
        area("b", vec![square(0.0, 0.0, 1.0)]),
        area("a", vec![square(1.0, 0.0, 1.0)]),
        area("c", vec![square(0.0, 1.0, 1.0)]),
    ]);
    let backward = index(vec![
        area("c", vec![square(0.0, 1.0, 1.0)]),
        area("a", vec![square(1.0, 0.0, 1.0)]),
        area("b", vec![square(0.0, 0.0, 1.0)]),
    ]);
    for (place, expected) in [
        (at(0.5, 0.5), owned("b", Reason::Inside)),
        (at(0.5, 1.0), owned("a", Reason::Border)),
        (at(1.0, 0.5), owned("b", Reason::Border)),
        (at(1.0, 1.0), owned("a", Reason::Border)),
        (at(0.0, 0.0), owned("b", Reason::Border)),
        (at(2.0, 0.5), owned("c", Reason::Border)),
    ] {
        assert_eq!(answer(&forward, place), expected);
        assert_eq!(
            forward.locate(place, None, None),
            backward.locate(place, None, None)
        );
    }
}

#[test]
fn those_who_share_a_border_are_runners_up() {
    let index = index(vec![
        area("b", vec![square(0.0, 0.0, 1.0)]),
        area("a", vec![square(1.0, 0.0, 1.0)]),
    ]);
    let assignment = index.locate(at(0.5, 1.0), None, None);
    let runner_up = RunnerUp {
        jurisdiction: JurisdictionId::new("b"),
        probability: None,
        distance_m: 0.0,
    };
    assert_eq!(assignment.runners_up, [runner_up]);
    assert_eq!(assignment.distance_m, None);
}

#[test]
fn an_overlap_is_told_from_a_border() {
    let index = index(vec![
        area("b", vec![square(0.0, 0.0, 2.0)]),
        area("a", vec![square(1.0, 0.0, 2.0)]),
    ]);
    assert_eq!(answer(&index, at(1.0, 1.5)), owned("a", Reason::Overlap));
    assert_eq!(answer(&index, at(1.0, 1.0)), owned("a", Reason::Border));
    assert_eq!(answer(&index, at(1.0, 2.0)), owned("a", Reason::Border));
    assert_eq!(answer(&index, at(1.0, 2.5)), owned("a", Reason::Inside));
}

#[test]
fn holes_and_the_islands_in_them_are_told_apart() {
    let ring = |west, size| square(west, west, size).exterior().clone();
    let around = Polygon::new(ring(0.0, 10.0), vec![ring(2.0, 6.0)]);
    let island = Polygon::new(ring(3.0, 4.0), vec![ring(4.0, 2.0)]);
    let enclave = square(4.0, 4.0, 2.0);
    let index = index(vec![
        area("land", vec![around, island]),
        area("enclave", vec![enclave]),
    ]);
    assert_eq!(answer(&index, at(1.0, 1.0)), owned("land", Reason::Inside));
    assert_eq!(answer(&index, at(3.5, 3.5)), owned("land", Reason::Inside));
    assert_eq!(
        answer(&index, at(5.0, 5.0)),
        owned("enclave", Reason::Inside)
    );
    assert_eq!(
        answer(&index, at(4.0, 5.0)),
        owned("enclave", Reason::Border)
    );
    assert_eq!(answer(&index, at(2.0, 5.0)), owned("land", Reason::Border));
    // In the ring of water between 2 and 3 degrees.
    let water = index.locate(at(2.5, 5.0), None, None);
    assert_eq!(water.jurisdiction, Some(JurisdictionId::new("land")));
    assert_eq!(water.reason, Reason::Nearest);
    assert!(
        (water.distance_m.unwrap() - 55_287.0).abs() < 30.0,
        "{:?}",
        water.distance_m
    );
    // Nearer to the edge of the hole than to the island in it.
    let shore_m = index.locate(at(2.2, 5.0), None, None).distance_m.unwrap();
    assert!((shore_m - 22_115.0).abs() < 15.0, "{shore_m}");
}

#[test]
fn the_antimeridian_is_no_seam() {
    let west = square(177.0, -18.0, 3.0);
    let east = square(-180.0, -18.0, 2.0);
    let index = index(vec![
        area("fiji", vec![west, east]),
        area("z", vec![square(-177.0, -18.0, 1.0)]),
    ]);
    assert_eq!(
        answer(&index, at(-17.0, 180.0)),
        owned("fiji", Reason::Border)
    );
    assert_eq!(
        answer(&index, at(-17.0, -180.0)),
        owned("fiji", Reason::Border)
    );
    // 14 degrees south, between 177 and 180 east: only the eastern box reaches these.
    let just_east = index.locate(at(-18.5, -179.999_9), None, None);
    let just_west = index.locate(at(-18.5, 179.999_9), None, None);
    let (east_m, west_m) = (just_east.distance_m.unwrap(), just_west.distance_m.unwrap());
    assert!((east_m - west_m).abs() < 1e-3 * east_m, "{east_m} {west_m}");
}

#[test]
fn a_map_on_one_side_of_the_antimeridian_answers_for_the_other() {
    let index = index(vec![area("east", vec![square(-180.0, 0.0, 1.0)])]);
    assert_eq!(
        answer(&index, at(0.5, 180.0)),
        owned("east", Reason::Border)
    );
    let near = index.locate(at(0.5, 179.9), None, None);
    assert_eq!(near.reason, Reason::Nearest);
    assert!(
        (near.distance_m.unwrap() - 11_131.0).abs() < 5.0,
        "{:?}",
        near.distance_m
    );
}

#[test]
fn beyond_the_reach_it_is_the_nations() {
    let map = JurisdictionMap::new(parts(vec![area("a", vec![square(0.0, 0.0, 1.0)])], vec![]));
    let index = JurisdictionIndex::new(map.with_reach_m(10_000.0));
    let within = index.locate(at(0.5, 1.089), None, None);
    assert_eq!(within.reason, Reason::Nearest);
    assert!((within.distance_m.unwrap() - 9_907.0).abs() < 5.0);
    assert_eq!(
        index.locate(at(0.5, 1.091), None, None),
        Assignment::national()
    );
}

#[test]
fn a_shared_corner_at_the_sea_belongs_to_the_smallest_id() {
    let index = index(vec![
        area(
            "b",
            vec![polygon![(x: 0.0, y: 0.0), (x: -1.0, y: 1.0), (x: 0.0, y: 1.0)]],
        ),
        area(
            "a",
            vec![polygon![(x: 0.0, y: 0.0), (x: 0.0, y: 1.0), (x: 1.0, y: 1.0)]],
        ),
    ]);
    let assignment = index.locate(at(-0.1, 0.0), None, None);
    assert_eq!(assignment.jurisdiction, Some(JurisdictionId::new("a")));
    assert_eq!(
        assignment.runners_up[0].jurisdiction,
        JurisdictionId::new("b")
    );
}

#[test]
fn less_than_a_millimetre_decides_nothing() {
    let owner = |corner_deg: f64| {
        let west = polygon![(x: 0.0, y: 0.0), (x: -1.0, y: 1.0), (x: 0.0, y: 1.0)];
        let east = polygon![(x: 0.0, y: corner_deg), (x: 0.0, y: 1.0), (x: 1.0, y: 1.0)];
        let index = index(vec![area("b", vec![west]), area("a", vec![east])]);
        index.locate(at(-0.1, 0.0), None, None).jurisdiction
    };
    assert_eq!(owner(1e-9), Some(JurisdictionId::new("a"))); // 0.1 mm farther away
    assert_eq!(owner(1e-7), Some(JurisdictionId::new("b"))); // 11 mm
}

#[test]
fn without_a_usable_position_it_is_the_nations() {
    let index = index(vec![area("a", vec![square(-1.0, -1.0, 2.0)])]);
    assert_eq!(index.locate_position(None), Assignment::national());
    let null_island = Position::at(at(0.0, 0.0));
    assert_eq!(
        index.locate_position(Some(&null_island)),
        Assignment::national()
    );
    let elsewhere = Position::at(at(0.5, 0.5));
    assert_eq!(
        index.locate_position(Some(&elsewhere)).reason,
        Reason::Inside
    );
}

fn station(id: &str, at: LatLon) -> Station {
    Station {
        jurisdiction: JurisdictionId::new(id),
        name: id.to_owned(),
        agency: None,
        at,
    }
}

#[test]
fn a_map_of_stations_names_the_nearest_and_the_next_two() {
    let stations = (0..9).map(|n| station(&n.to_string(), at(37.0, 127.0 + f64::from(n) * 0.5)));
    let map = JurisdictionMap::new(parts(vec![], stations.collect()));
    let index = JurisdictionIndex::new(map);
    let assignment = index.locate(at(37.0, 128.1), None, None);
    assert_eq!(assignment.jurisdiction, Some(JurisdictionId::new("2")));
    assert_eq!(assignment.reason, Reason::Nearest);
    assert!((assignment.distance_m.unwrap() - 8_901.0).abs() < 5.0);
    let next: Vec<_> = assignment
        .runners_up
        .iter()
        .map(|other| other.jurisdiction.as_str())
        .collect();
    assert_eq!(next, ["3", "1"]);
    assert_eq!(
        index.locate(at(30.0, 110.0), None, None),
        Assignment::national()
    );
}

#[test]
fn an_empty_map_gives_everything_to_the_nation() {
    assert_eq!(
        index(vec![]).locate(at(37.0, 127.0), None, None),
        Assignment::national()
    );
}
