use geo::polygon;
use protocol::LatLon;

use super::super::map::{Authority, DEFAULT_REACH_M, MapParts, Station};
use super::super::surface::surface_m2;
use super::*;

mod lattice;

fn map(areas: Vec<(&str, Vec<Polygon<f64>>)>) -> JurisdictionMap {
    let areas = areas.into_iter().map(|(id, polygons)| Area {
        id: JurisdictionId::new(id),
        name: format!("{id} station"),
        agency: Some("North".to_owned()),
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

fn rectangle(west: f64, south: f64, east: f64, north: f64) -> Polygon<f64> {
    Rect::new((west, south), (east, north)).to_polygon()
}

/// Four rectangles that leave the middle of a square free.
fn around(west: f64, south: f64, east: f64, north: f64) -> [Polygon<f64>; 4] {
    [
        rectangle(west - 1.0, south - 1.0, west, north),
        rectangle(west - 1.0, north, east, north + 1.0),
        rectangle(east, south, east + 1.0, north + 1.0),
        rectangle(west, south - 1.0, east + 1.0, south),
    ]
}

fn names(ids: &[JurisdictionId]) -> Vec<&str> {
    ids.iter().map(JurisdictionId::as_str).collect()
}

fn nothing(survey: &Survey) -> bool {
    survey.overlaps.is_empty() && survey.gaps.is_empty()
}

fn same(ours_m2: f64, expected_m2: f64) {
    assert!(
        (ours_m2 - expected_m2).abs() < 1e-6 * expected_m2 + 0.1,
        "{ours_m2}, {expected_m2}"
    );
}

#[test]
fn what_two_hold_belongs_to_the_smaller_id() {
    let (one, other) = (
        rectangle(127.0, 37.0, 127.2, 37.2),
        rectangle(127.15, 37.1, 127.4, 37.3),
    );
    let shared = surface_m2([&rectangle(127.15, 37.1, 127.2, 37.2)]);
    for areas in [
        vec![("b", vec![one.clone()]), ("a", vec![other.clone()])],
        vec![("a", vec![one]), ("b", vec![other])],
    ] {
        let survey = survey(&map(areas), LEAST_M2);
        let [overlap] = survey.overlaps.as_slice() else {
            panic!("{survey:?}")
        };
        assert_eq!((overlap.owner.as_str(), overlap.other.as_str()), ("a", "b"));
        same(overlap.area_m2, shared);
        same(surface_m2(&overlap.pieces), shared);
        let at = overlap.somewhere().unwrap();
        assert!((127.15..127.2).contains(&at.lon_deg()) && (37.1..37.2).contains(&at.lat_deg()));
        let geometry = overlap.geometry();
        assert_eq!(geometry["type"], "MultiPolygon");
        let corners = geometry["coordinates"][0][0].as_array().unwrap();
        assert_eq!((corners.len(), corners.first()), (5, corners.last()));
        assert_eq!(survey.gaps, []);
    }
}

#[test]
fn three_in_one_place_are_three_pairs_and_one_area_is_none() {
    let square = rectangle(0.0, 0.0, 1.0, 1.0);
    let twice = vec![square.clone(), rectangle(0.5, 0.0, 1.5, 1.0)];
    let survey = survey(
        &map(vec![
            ("a", vec![square.clone()]),
            ("b", vec![square.clone()]),
            ("c", twice),
        ]),
        LEAST_M2,
    );
    let pairs: Vec<_> = survey
        .overlaps
        .iter()
        .map(|pair| (pair.owner.as_str(), pair.other.as_str()))
        .collect();
    assert_eq!(pairs.len(), 3);
    assert!(
        [("a", "b"), ("a", "c"), ("b", "c")]
            .iter()
            .all(|pair| pairs.contains(pair))
    );
    for overlap in &survey.overlaps {
        same(overlap.area_m2, surface_m2([&square]));
        assert_eq!(overlap.pieces.len(), 1);
    }
}

#[test]
fn lines_that_are_shared_give_nothing() {
    // A corner of one on the line of the other, exactly and as nearly as numbers allow.
    let level = map(vec![
        ("a", vec![rectangle(126.0, 36.0, 127.0, 37.0)]),
        (
            "b",
            vec![
                rectangle(126.0, 37.0, 126.3, 38.0),
                rectangle(126.3, 37.0, 127.0, 38.0),
            ],
        ),
        ("c", vec![rectangle(127.0, 36.1, 128.0, 37.7)]),
    ]);
    assert!(nothing(&survey(&level, 0.0)));
    let (from, to) = ((126.1, 36.3), (127.9, 37.1));
    let on = |share: f64| {
        (
            from.0 + (to.0 - from.0) * share,
            from.1 + (to.1 - from.1) * share,
        )
    };
    let above = Polygon::new(vec![from, to, (126.0, 38.0), from].into(), vec![]);
    let below =
        |a: (f64, f64), b: (f64, f64)| Polygon::new(vec![a, (127.0, 35.0), b, a].into(), vec![]);
    for step in 1..40 {
        let (first, second) = (
            on(f64::from(step) / 100.0),
            on(1.0 - f64::from(step) / 90.0),
        );
        let skew = map(vec![
            ("a", vec![above.clone()]),
            ("b", vec![below(from, first)]),
            ("c", vec![below(first, second)]),
            ("d", vec![below(second, to)]),
        ]);
        let survey = survey(&skew, LEAST_M2);
        assert!(nothing(&survey), "{survey:?}");
    }
}

#[test]
fn a_corner_pushed_over_a_line_is_an_overlap() {
    let pushed = polygon![(x: 1.0, y: 0.0), (x: 2.0, y: 0.0), (x: 2.0, y: 1.0), (x: 1.0, y: 1.0), (x: 0.999, y: 0.5)];
    let survey = survey(
        &map(vec![
            ("a", vec![rectangle(0.0, 0.0, 1.0, 1.0)]),
            ("b", vec![pushed]),
        ]),
        LEAST_M2,
    );
    let wedge = polygon![(x: 1.0, y: 0.0), (x: 1.0, y: 1.0), (x: 0.999, y: 0.5)];
    assert_eq!(survey.overlaps.len(), 1);
    same(survey.overlaps[0].area_m2, surface_m2([&wedge]));
}

#[test]
fn a_lake_within_an_area_is_a_gap_without_its_islands() {
    let lake = rectangle(0.2, 0.2, 0.8, 0.8);
    let island = rectangle(0.4, 0.4, 0.5, 0.5);
    let shore = Polygon::new(
        rectangle(0.0, 0.0, 1.0, 1.0).exterior().clone(),
        vec![lake.exterior().clone()],
    );
    let expected = surface_m2([&lake]) - surface_m2([&island]);
    let survey = survey(
        &map(vec![("shore", vec![shore]), ("island", vec![island])]),
        LEAST_M2,
    );
    let [gap] = survey.gaps.as_slice() else {
        panic!("{survey:?}")
    };
    assert_eq!(names(&gap.neighbours), ["island", "shore"]);
    same(gap.area_m2, expected);
    same(surface_m2(&gap.pieces), expected);
    assert_eq!(survey.overlaps, []);
}

#[test]
fn what_areas_enclose_together_is_a_gap_and_a_bay_is_none() {
    let [west, north, east, south] = around(0.0, 0.0, 1.0, 2.0);
    // Touches the gap's corner from beyond, and has no line along it.
    let beyond = rectangle(-2.0, -2.0, -1.0, -1.0);
    let mut areas = vec![
        ("w", vec![west]),
        ("n", vec![north]),
        ("e", vec![east]),
        ("s", vec![south]),
        ("z", vec![beyond]),
    ];
    let closed = survey(&map(areas.clone()), LEAST_M2);
    let [gap] = closed.gaps.as_slice() else {
        panic!("{closed:?}")
    };
    assert_eq!(names(&gap.neighbours), ["e", "n", "s", "w"]);
    same(gap.area_m2, surface_m2([&rectangle(0.0, 0.0, 1.0, 2.0)]));
    areas.remove(1);
    assert!(nothing(&survey(&map(areas), LEAST_M2)));
}

#[test]
fn neighbours_in_one_line_are_both_named() {
    let [west, north, east, south] = around(0.0, 0.0, 1.0, 2.0);
    let walls = west.bounding_rect().unwrap();
    let split = |from: f64, to: f64| rectangle(walls.min().x, from, walls.max().x, to);
    let areas = vec![
        ("w1", vec![split(walls.min().y, 0.3)]),
        ("w2", vec![split(0.3, walls.max().y)]),
        ("n", vec![north]),
        ("e", vec![east]),
        ("s", vec![south]),
    ];
    let survey = survey(&map(areas), LEAST_M2);
    assert_eq!(
        names(&survey.gaps[0].neighbours),
        ["e", "n", "s", "w1", "w2"]
    );
}

#[test]
fn the_antimeridian_is_no_border() {
    let [west, north, east, south] = around(179.5, -17.0, 180.5, -16.0);
    // As a map writes it (RFC 7946, section 3.1.9): cut at 180°, and called by longitudes up to it.
    let cut = |part: Polygon<f64>| -> Vec<Polygon<f64>> {
        let envelope = part.bounding_rect().unwrap();
        let (low, high) = (envelope.min(), envelope.max());
        let mut parts = Vec::new();
        if low.x < 180.0 {
            parts.push(rectangle(low.x, low.y, high.x.min(180.0), high.y));
        }
        if high.x > 180.0 {
            parts.push(rectangle(
                low.x.max(180.0) - 360.0,
                low.y,
                high.x - 360.0,
                high.y,
            ));
        }
        parts
    };
    let areas = vec![
        ("w", cut(west)),
        ("n", cut(north)),
        ("e", cut(east)),
        ("s", cut(south)),
    ];
    let survey = survey(&map(areas), LEAST_M2);
    assert_eq!(survey.overlaps, []);
    let [gap] = survey.gaps.as_slice() else {
        panic!("{survey:?}")
    };
    assert_eq!(names(&gap.neighbours), ["e", "n", "s", "w"]);
    same(
        gap.area_m2,
        surface_m2([&rectangle(0.0, -17.0, 1.0, -16.0)]),
    );
    assert_eq!(gap.pieces.len(), 2);
    let corners = || {
        gap.pieces
            .iter()
            .flat_map(|piece| piece.exterior().coords())
    };
    assert!(corners().all(|corner| corner.x.abs() >= 179.0 && corner.x.abs() <= 180.0));
    same(surface_m2(&gap.pieces), gap.area_m2);
}

#[test]
fn neighbours_across_the_antimeridian_share_a_line_and_no_place() {
    let areas = vec![
        ("a", vec![rectangle(170.0, -20.0, 180.0, -10.0)]),
        ("b", vec![rectangle(-180.0, -20.0, -170.0, -10.0)]),
        ("c", vec![rectangle(-10.0, -20.0, 10.0, -10.0)]),
    ];
    assert!(nothing(&survey(&map(areas), LEAST_M2)));
}

#[test]
fn what_is_below_the_least_area_is_counted() {
    let areas = || {
        vec![
            ("a", vec![rectangle(0.0, 0.0, 1.0, 1.0)]),
            (
                "b",
                vec![
                    rectangle(0.999_999, 0.2, 2.0, 0.4),
                    rectangle(0.9, 0.6, 2.0, 0.8),
                ],
            ),
        ]
    };
    let sliver = surface_m2([&rectangle(0.999_999, 0.2, 1.0, 0.4)]);
    let all = survey(&map(areas()), LEAST_M2);
    assert_eq!(
        (all.overlaps[0].pieces.len(), all.small_overlaps),
        (2, Small::default())
    );
    let large = survey(&map(areas()), sliver + 1.0);
    assert_eq!(
        (large.overlaps[0].pieces.len(), large.small_overlaps.pieces),
        (1, 1)
    );
    assert!((large.small_overlaps.area_m2 - sliver).abs() < 0.01 * sliver);
    let none = survey(&map(areas()), 1e12);
    assert_eq!((none.overlaps.len(), none.small_overlaps.pieces), (0, 2));
    // One between the two teeth is enclosed by nobody: it is open towards the west and the east.
    assert_eq!(none.small_gaps.pieces, 0);
}

#[test]
fn what_a_service_would_miss_is_said_once_for_each_kind() {
    let station = |id: &str, lat: f64, lon: f64| Station {
        jurisdiction: JurisdictionId::new(id),
        name: format!("{id} house"),
        agency: None,
        at: LatLon::new(lat, lon).unwrap(),
    };
    let area = |id: &str, name: &str, agency: Option<&str>, west: f64| Area {
        id: JurisdictionId::new(id),
        name: name.to_owned(),
        agency: agency.map(str::to_owned),
        polygons: vec![rectangle(west, 0.0, west + 1.0, 1.0)],
    };
    let map = JurisdictionMap::new(MapParts {
        name: "test".to_owned(),
        authority: Authority::Invented,
        label: None,
        areas: vec![
            area("a", "Middle", Some("North"), 0.0),
            area("b", "Middle", None, 1.0),
            area("c", "c", Some("North"), 2.0),
            area("d", "Coast", Some("North"), 3.0),
        ],
        // Inside; 4.4 km outside; 11 km outside.
        stations: vec![
            station("a", 0.5, 0.5),
            station("b", 1.04, 1.5),
            station("c", 1.1, 2.5),
        ],
        reach_m: DEFAULT_REACH_M,
    });
    let notices = survey(&map, LEAST_M2).notices;
    let said: Vec<_> = notices
        .iter()
        .map(|notice| (notice.kind(), names(notice.ids())))
        .collect();
    assert_eq!(
        said,
        [
            ("no_station", vec!["d"]),
            ("no_agency", vec!["b"]),
            ("no_name", vec!["c"]),
            ("far_station", vec!["c"]),
            ("same_name", vec!["a", "b"]),
        ]
    );
    assert_eq!(
        notices[3].to_string(),
        "the station of c stands 11.1 km outside of its area"
    );
    assert_eq!(
        notices[4].to_string(),
        "several are called `Middle`: 2: a, b"
    );
}

#[test]
fn a_map_of_stations_alone_has_neither_overlaps_nor_gaps() {
    assert!(nothing(&survey(&map(Vec::new()), 0.0)));
}
