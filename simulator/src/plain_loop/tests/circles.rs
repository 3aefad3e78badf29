//! Shares of circles, against closed forms and against drawing places at random.

use std::f64::consts::PI;

use dispatcher::jurisdiction::{Area, Authority, MapParts};
use geo::{Destination as _, Geodesic, LineString, Point, Polygon};
use proptest::prelude::*;
use rand::SeedableRng as _;
use rand::rngs::ChaCha8Rng;

use super::*;

/// What the two ways may differ by, as the dispatcher's and the plain one may.
const ALLOWED: f64 = UNDECIDED_SHARE / 2.0;

/// Areas in the order given, with the reach of a hundred kilometres.
fn plain(areas: Vec<(&str, Vec<Polygon<f64>>)>) -> PlainMap {
    let areas = areas.into_iter().map(|(id, polygons)| Area {
        id: JurisdictionId::new(id),
        name: id.to_owned(),
        agency: None,
        polygons,
    });
    PlainMap::new(&JurisdictionMap::new(MapParts {
        name: "circles".to_owned(),
        authority: Authority::Invented,
        label: None,
        areas: areas.collect(),
        stations: Vec::new(),
        reach_m: 100_000.0,
    }))
}

/// From south-west to north-east, in degrees, longitude first.
fn rectangle(from: Corner, to: Corner) -> Polygon<f64> {
    let ring = [from, (to.0, from.1), to, (from.0, to.1), from];
    Polygon::new(LineString::from(ring.to_vec()), Vec::new())
}

fn at((lon_deg, lat_deg): Corner) -> LatLon {
    LatLon::new(lat_deg, lon_deg).unwrap()
}

fn moved((lon_deg, lat_deg): Corner, bearing_deg: f64, metres: f64) -> Corner {
    let to = Geodesic.destination(Point::new(lon_deg, lat_deg), bearing_deg, metres);
    (to.x(), to.y())
}

fn shares(map: &PlainMap, middle: Corner, radius_m: f64) -> Vec<(String, f64)> {
    let shares = map.shares(at(middle), radius_m).into_iter();
    shares.map(|(id, share)| (id.to_string(), share)).collect()
}

fn owners(map: &PlainMap, middle: Corner, radius_m: f64) -> Vec<String> {
    let owners = map.owners_of_circle(at(middle), radius_m).into_iter();
    let mut owners: Vec<_> = owners.map(ToString::to_string).collect();
    owners.sort();
    owners
}

/// What part of a circle lies beyond a straight line at this part of the radius from the middle.
fn segment(height: f64) -> f64 {
    (height.acos() - height * (1.0 - height * height).sqrt()) / PI
}

#[test]
fn a_line_cuts_off_a_segment() {
    for (lon_deg, lat_deg) in [(127.25, 37.25), (0.0, 0.0), (-70.5, -53.0), (20.0, 78.0)] {
        let upright = plain(vec![
            (
                "west",
                vec![rectangle(
                    (lon_deg - 10.0, lat_deg - 5.0),
                    (lon_deg, lat_deg + 5.0),
                )],
            ),
            (
                "east",
                vec![rectangle(
                    (lon_deg, lat_deg - 5.0),
                    (lon_deg + 10.0, lat_deg + 5.0),
                )],
            ),
        ]);
        let level = plain(vec![
            (
                "west",
                vec![rectangle(
                    (lon_deg - 10.0, lat_deg - 5.0),
                    (lon_deg + 10.0, lat_deg),
                )],
            ),
            (
                "east",
                vec![rectangle(
                    (lon_deg - 10.0, lat_deg),
                    (lon_deg + 10.0, lat_deg + 5.0),
                )],
            ),
        ]);
        for radius_m in [5.0, 300.0, 3_000.0] {
            for height in [0.0, 0.1, 0.5, 0.9, 0.99] {
                for (map, bearing_deg) in [(&upright, 270.0), (&level, 180.0)] {
                    let middle = moved((lon_deg, lat_deg), bearing_deg, height * radius_m);
                    let found = shares(map, middle, radius_m);
                    let expected = segment(height);
                    let [(_, near), (id, beyond)] = found.as_slice() else {
                        panic!("two areas are touched: {found:?}");
                    };
                    assert!(
                        (beyond - expected).abs() < ALLOWED,
                        "{found:?}, not {expected}"
                    );
                    assert!((near + beyond - 1.0).abs() < 1e-5, "{found:?}");
                    assert!(height == 0.0 || id == "east", "{found:?}");
                }
            }
            for (map, bearing_deg) in [(&upright, 270.0), (&level, 180.0)] {
                let middle = moved((lon_deg, lat_deg), bearing_deg, 1.01 * radius_m);
                let found = shares(map, middle, radius_m);
                assert!(found.len() == 1 && found[0].1 > WHOLE_SHARE, "{found:?}");
            }
        }
    }
}

#[test]
fn a_corner_of_four_squares_has_a_quarter_of_each() {
    let (lon_deg, lat_deg) = (127.0, 37.5);
    let middle = (lon_deg, lat_deg);
    let map = plain(vec![
        (
            "sw",
            vec![rectangle((lon_deg - 1.0, lat_deg - 1.0), middle)],
        ),
        (
            "se",
            vec![rectangle(
                (lon_deg, lat_deg - 1.0),
                (lon_deg + 1.0, lat_deg),
            )],
        ),
        (
            "nw",
            vec![rectangle(
                (lon_deg - 1.0, lat_deg),
                (lon_deg, lat_deg + 1.0),
            )],
        ),
        (
            "ne",
            vec![rectangle(middle, (lon_deg + 1.0, lat_deg + 1.0))],
        ),
    ]);
    for radius_m in [3.0, 100.0, 2_000.0, 50_000.0] {
        let found = shares(&map, middle, radius_m);
        assert_eq!(found.len(), 4);
        // A parallel is no straight line: the wider the circle, the more of it is south of one.
        let bent = radius_m / 6.4e6 * lat_deg.to_radians().tan() / PI;
        for (id, share) in &found {
            assert!((share - 0.25).abs() < 1e-4 + bent, "{id}: {share}");
        }
    }
    assert_eq!(
        owners(&map, middle, 2_000.0),
        ["ne", "nw", "se", "sw"],
        "all equal: all right"
    );
    let towards_ne = moved(middle, 45.0, 100.0);
    assert_eq!(owners(&map, towards_ne, 2_000.0), ["ne"]);
    assert_eq!(owners(&map, towards_ne, 0.0), ["ne"]);
    assert_eq!(
        owners(&map, middle, 0.0).len(),
        1,
        "without a radius only the point counts"
    );
}

#[test]
fn most_of_the_circle_counts_and_not_its_middle() {
    // A thin strip in the middle: it has the point, and little of the circle.
    let (west_deg, east_deg) = (126.999, 127.001);
    let map = plain(vec![
        ("left", vec![rectangle((126.0, 37.0), (west_deg, 38.0))]),
        ("strip", vec![rectangle((west_deg, 37.0), (east_deg, 38.0))]),
        ("up", vec![rectangle((east_deg, 37.5), (128.0, 38.0))]),
        ("down", vec![rectangle((east_deg, 37.0), (128.0, 37.5))]),
    ]);
    let middle = (127.0, 37.5);
    assert_eq!(owners(&map, middle, 50.0), ["strip"]);
    assert_eq!(owners(&map, middle, 5_000.0), ["left"]);
}

#[test]
fn at_sea_the_touched_shore_counts_and_beyond_it_the_nearest() {
    let shores = plain(vec![
        ("a", vec![rectangle((126.0, 37.0), (126.5, 38.0))]),
        (
            "b",
            vec![
                rectangle((127.0, 37.0), (127.5, 37.5)),
                rectangle((127.0, 37.5), (127.5, 38.0)),
            ],
        ),
    ]);
    let off_b = moved((127.0, 37.5), 270.0, 800.0);
    assert_eq!(owners(&shores, off_b, 100.0), ["b"], "nothing is touched");
    assert_eq!(owners(&shores, off_b, 1_000.0), ["b"], "only one is");
    assert!((shares(&shores, off_b, 1_000.0)[0].1 - segment(0.8)).abs() < ALLOWED);
    let nearer_to_a = moved((126.5, 37.5), 90.0, 20_000.0);
    assert_eq!(owners(&shores, nearer_to_a, 19_000.0), ["a"]);
    assert_eq!(owners(&shores, nearer_to_a, 40_000.0), ["a"]);
    let far_out = moved((127.5, 37.5), 90.0, 101_000.0);
    assert!(shares(&shores, far_out, 150_000.0)[0].1 > 0.01);
    assert_eq!(
        owners(&shores, far_out, 150_000.0),
        Vec::<String>::new(),
        "the middle is beyond the reach"
    );
    // The circle barely touches, or does not: either way of seeing it has the same owner here.
    assert_eq!(owners(&shores, off_b, 800.5), ["b"]);
}

#[test]
fn who_holds_the_whole_circle_is_told_by_the_id() {
    let both = rectangle((126.0, 37.0), (128.0, 38.0));
    let map = plain(vec![
        ("z", vec![both.clone()]),
        ("b", vec![both.clone()]),
        ("c", vec![both]),
    ]);
    // Once far from any line, and once with the window over the edge of the map.
    for middle in [(127.0, 37.5), moved((127.0, 37.0), 0.0, 1_001.0)] {
        assert_eq!(owners(&map, middle, 1_000.0), ["b"]);
    }
}

#[test]
fn an_area_is_what_its_polygons_hold_together() {
    let hole = vec![LineString::from(vec![
        (126.99, 37.49),
        (127.01, 37.49),
        (127.01, 37.51),
        (126.99, 37.51),
        (126.99, 37.49),
    ])];
    let outer = rectangle((126.0, 37.0), (128.0, 38.0)).exterior().clone();
    let ring = Polygon::new(outer, hole);
    let (middle, radius_m) = ((127.0, 37.5), 3_000.0);
    let around = plain(vec![("ring", vec![ring.clone()])]);
    let filled = plain(vec![(
        "filled",
        vec![
            ring,
            rectangle((126.98, 37.48), (127.005, 37.52)),
            rectangle((127.0, 37.4), (127.2, 37.6)),
        ],
    )]);
    // Metres to a degree at 37.5° on the ellipsoid: 110,992 and 88,408 (NIMA TR8350.2).
    let expected = 1.0 - 0.02 * 110_992.0 * 0.02 * 88_408.0 / (PI * radius_m * radius_m);
    assert!((shares(&around, middle, radius_m)[0].1 - expected).abs() < ALLOWED);
    assert!(shares(&filled, middle, radius_m)[0].1 > WHOLE_SHARE);
}

#[test]
fn the_antimeridian_is_no_seam_and_the_poles_are_no_end() {
    let map = plain(vec![
        ("east", vec![rectangle((170.0, -20.0), (180.0, -10.0))]),
        ("west", vec![rectangle((-180.0, -20.0), (-170.0, -10.0))]),
        (
            "cap",
            vec![
                rectangle((-180.0, 85.0), (0.0, 90.0)),
                rectangle((0.0, 85.0), (180.0, 90.0)),
            ],
        ),
    ]);
    for middle in [(180.0, -15.0), (-180.0, -15.0)] {
        let found = shares(&map, middle, 10_000.0);
        assert_eq!(found.len(), 2);
        assert!(
            found.iter().all(|(_, share)| (share - 0.5).abs() < 1e-4),
            "{found:?}"
        );
    }
    let off = moved((180.0, -15.0), 90.0, 5_000.0);
    assert!((shares(&map, off, 10_000.0)[1].1 - segment(0.5)).abs() < ALLOWED);
    for middle in [(30.0, 90.0), (30.0, 89.9), (179.0, 89.0)] {
        let found = shares(&map, middle, 200_000.0);
        assert!(found.len() == 1 && found[0].1 > 1.0 - 1e-5, "{found:?}");
    }
    // The cap ends five degrees from the pole, 558 km; the circle is three times as wide.
    let found = shares(&map, (0.0, 90.0), 1_675_000.0);
    assert!((found[0].1 - 1.0 / 9.0).abs() < 1e-3, "{found:?}");
}

/// A star around a place: a ring that never crosses itself, in any form.
fn star(middle: Corner, radii_m: &[f64]) -> Polygon<f64> {
    let corners = radii_m.iter().enumerate().map(|(corner, radius_m)| {
        moved(
            middle,
            360.0 * corner as f64 / radii_m.len() as f64,
            *radius_m,
        )
    });
    Polygon::new(corners.collect(), Vec::new())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    /// Places drawn evenly in the circle, and how many of them an area holds.
    #[test]
    fn shares_are_what_places_drawn_at_random_say(
        lon_deg in -179.0..179.0_f64,
        lat_deg in -80.0..80.0_f64,
        size_m in prop_oneof![5.0..50.0_f64, 50.0..5_000.0_f64, 5e3..5e4_f64],
        parts in prop::collection::vec(0.1..2.0_f64, 3..40),
        away in (0.0..360.0_f64, 0.0..1.5_f64),
        seed in any::<u64>(),
    ) {
        const DRAWN: u32 = 20_000;
        let middle = (lon_deg, lat_deg);
        let radii_m: Vec<_> = parts.iter().map(|part| part * size_m).collect();
        let map = plain(vec![("star", vec![star(moved(middle, away.0, away.1 * size_m), &radii_m)])]);
        let share = shares(&map, middle, size_m).first().map_or(0.0, |(_, share)| *share);
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let held = (0..DRAWN).filter(|_| {
            let metres = size_m * rng.random::<f64>().sqrt();
            let place = moved(middle, rng.random_range(0.0..360.0), metres);
            map.areas[0].polygons[0].holds(place)
        });
        let drawn = held.count() as f64 / f64::from(DRAWN);
        // Five standard deviations, and what curvature adds.
        let allowed = 5.0 * (share * (1.0 - share) / f64::from(DRAWN)).sqrt() + 1e-3;
        prop_assert!((share - drawn).abs() <= allowed, "{share}, drawn {drawn}");
    }

    /// Whoever tiles the ground holds all of every circle, once.
    #[test]
    fn shares_of_a_tiling_add_up_to_one(
        lon_deg in -179.0..179.0_f64,
        lat_deg in -75.0..75.0_f64,
        radius_m in prop_oneof![1.0..100.0_f64, 1e3..5e4_f64],
        cut_deg in (-0.3..0.3_f64, -0.3..0.3_f64),
    ) {
        let middle = (lon_deg, lat_deg);
        let (x, y) = (lon_deg + cut_deg.0 * 1e-3, lat_deg + cut_deg.1 * 1e-3);
        let (west, east, south, north) = (lon_deg - 9.0, lon_deg + 9.0, lat_deg - 9.0, lat_deg + 9.0);
        let map = plain(vec![
            ("sw", vec![rectangle((west, south), (x, y))]),
            ("se", vec![rectangle((x, south), (east, y))]),
            ("nw", vec![rectangle((west, y), (x, north))]),
            ("ne", vec![rectangle((x, y), (east, north))]),
        ]);
        let found = shares(&map, middle, radius_m);
        let all: f64 = found.iter().map(|(_, share)| share).sum();
        prop_assert!((all - 1.0).abs() < 1e-5, "{found:?}");
        prop_assert!(found.is_sorted_by(|a, b| a.1 >= b.1));
    }
}
