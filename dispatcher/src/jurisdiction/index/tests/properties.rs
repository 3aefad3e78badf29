//! The index against slow and plain ways, on maps that are made up.

use geo::coordinate_position::{CoordPos, CoordinatePosition};
use geo::{Coord, Densify, Distance, Euclidean, Geodesic, LineString, Point, Polygon};
use proptest::prelude::*;

use super::*;

/// The plain way: every polygon, by geo's own predicate.
fn brute_force(map: &JurisdictionMap, at: LatLon) -> Option<(String, Reason)> {
    let point = Coord {
        x: at.lon_deg(),
        y: at.lat_deg(),
    };
    let mut inside = Vec::new();
    let mut boundary = Vec::new();
    for area in map.areas() {
        let sides: Vec<_> = area
            .polygons
            .iter()
            .map(|polygon| polygon.coordinate_position(&point))
            .collect();
        if sides.contains(&CoordPos::Inside) {
            inside.push(&area.id);
        } else if sides.contains(&CoordPos::OnBoundary) {
            boundary.push(&area.id);
        }
    }
    let reason = match (inside.len(), boundary.len()) {
        (2.., _) => Reason::Overlap,
        (_, 1..) => Reason::Border,
        _ => Reason::Inside,
    };
    let owner = inside.into_iter().chain(boundary).min()?;
    Some((owner.to_string(), reason))
}

/// Metres to the boundary of an area by geodesics to many points of it.
fn geodesic_oracle_m(area: &Area, at: LatLon) -> f64 {
    const SPACING_DEG: f64 = 0.002; // a rounding of up to d²/2D for points d beside the nearest
    let place = Point::new(at.lon_deg(), at.lat_deg());
    let rings = area.polygons.iter().flat_map(|polygon| {
        std::iter::once(polygon.exterior())
            .chain(polygon.interiors())
            .cloned()
    });
    let points = rings.flat_map(|ring| Euclidean.densify(&ring, SPACING_DEG).into_points());
    points
        .map(|point| Geodesic.distance(place, point))
        .fold(f64::INFINITY, f64::min)
}

/// A tiling of 5 by 4 cells with shared corners, some moved off their lattice, and ids in any order.
fn tiling() -> impl Strategy<Value = Vec<Area>> {
    const COLUMNS: usize = 5;
    const ROWS: usize = 4;
    let corner = prop_oneof![Just((0.0, 0.0)), (-0.24..0.24_f64, -0.24..0.24_f64)];
    let moves = prop::collection::vec(corner, (COLUMNS + 1) * (ROWS + 1));
    let ids = Just((0..COLUMNS * ROWS).collect::<Vec<_>>()).prop_shuffle();
    let origin = (-170.0..170.0_f64, -80.0..80.0_f64).prop_map(|(x, y)| (x.round(), y.round()));
    (moves, ids, origin).prop_map(|(moves, ids, origin)| {
        let corner = |column: usize, row: usize| {
            let (dx, dy) = moves[row * (COLUMNS + 1) + column];
            let (x, y) = (column as f64 + dx, row as f64 + dy);
            Coord {
                x: origin.0 + x * 0.1,
                y: origin.1 + y * 0.1,
            }
        };
        ids.into_iter()
            .enumerate()
            .map(|(cell, id)| {
                let (column, row) = (cell % COLUMNS, cell / COLUMNS);
                let ring =
                    [(0, 0), (1, 0), (1, 1), (0, 1)].map(|(x, y)| corner(column + x, row + y));
                // Two ids in a row of ten are one jurisdiction of two parts.
                let polygon = Polygon::new(LineString::from(ring.to_vec()), vec![]);
                area(&format!("{:02}", id / 2), vec![polygon])
            })
            .collect()
    })
}

/// Every corner, the middle of every line, and places all over.
fn places(areas: &[Area]) -> Vec<LatLon> {
    let rings = areas
        .iter()
        .flat_map(|area| &area.polygons)
        .map(Polygon::exterior);
    let corners = rings.flat_map(|ring| {
        ring.lines()
            .flat_map(|line| [line.start, (line.start + line.end) / 2.0])
    });
    corners.map(|corner| at(corner.y, corner.x)).collect()
}

proptest! {
    // Each case asks 160 places and more.
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_tiling_agrees_with_the_plain_loop(
        areas in tiling(), spots in prop::collection::vec((0.0..0.5_f64, 0.0..0.4_f64), 40),
    ) {
        let south_west = areas[0].polygons[0].exterior().0[0];
        let index = index(areas.clone());
        let spots = spots.into_iter().map(|(x, y)| at(south_west.y + y, south_west.x + x));
        for place in places(&areas).into_iter().chain(spots) {
            let assignment = index.locate(place, None, None);
            let ours = match assignment.reason {
                Reason::Nearest | Reason::None => None,
                reason => assignment.jurisdiction.map(|id| (id.to_string(), reason)),
            };
            prop_assert_eq!(ours, brute_force(index.map(), place));
        }
    }

    #[test]
    fn the_order_of_features_changes_no_answer(
        (areas, shuffled) in tiling().prop_flat_map(|areas| (Just(areas.clone()), Just(areas).prop_shuffle())),
        spot in (-0.5..1.0_f64, -0.5..1.0_f64),
    ) {
        let south_west = areas[0].polygons[0].exterior().0[0];
        let (one, other) = (index(areas.clone()), index(shuffled));
        let spot = at(south_west.y + spot.1, south_west.x + spot.0);
        let radius = RadiusMetres::new(20_000.0).ok();
        for place in places(&areas).into_iter().chain([spot]) {
            prop_assert_eq!(one.locate(place, radius, None), other.locate(place, radius, None));
        }
    }

    #[test]
    fn every_place_on_earth_has_an_answer(
        areas in tiling(), lat in -90.0..=90.0_f64, lon in -180.0..=180.0_f64,
        radius in prop::option::of(0.0..1e8_f64), percent in prop::option::of(0.0..100.0_f64),
    ) {
        let index = index(areas);
        let radius = radius.and_then(|metres| RadiusMetres::new(metres).ok());
        let confidence = percent.and_then(ConfidencePercent::new);
        let corners = [(-90.0, 0.0), (90.0, -180.0), (0.0, 180.0), (90.0, 180.0), (-0.0, -180.0)];
        for (lat, lon) in corners.into_iter().chain([(lat, lon)]) {
            let assignment = index.locate(at(lat, lon), radius, confidence);
            prop_assert_eq!(assignment.jurisdiction.is_none(), assignment.reason == Reason::None);
            prop_assert_eq!(assignment.distance_m.is_some(), assignment.reason == Reason::Nearest);
            prop_assert!(assignment.distance_m.is_none_or(|m| (0.0..=DEFAULT_REACH_M + 1.0).contains(&m)));
            prop_assert!(assignment.runners_up.len() <= MAX_RUNNERS_UP);
            let unlikely = |other: &RunnerUp| -other.probability.unwrap_or(1.0);
            let ordered = assignment.runners_up.is_sorted_by(|a, b| {
                let nearer = (a.distance_m, &a.jurisdiction) < (b.distance_m, &b.jurisdiction);
                let likelier = (unlikely(a), &a.jurisdiction) < (unlikely(b), &b.jurisdiction);
                if a.probability.is_some() { likelier } else { nearer }
            });
            prop_assert!(ordered);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_nearest_area_is_that_of_geodesics(
        lat in -85.0..85.0_f64, lon in -180.0..180.0_f64,
        squares in prop::collection::vec((-0.9..0.9_f64, -0.9..0.9_f64, 0.01..0.4_f64), 1..5),
    ) {
        let areas: Vec<_> = squares.iter().enumerate().filter_map(|(number, (dx, dy, size))| {
            let (west, south) = (lon + dx / lat.to_radians().cos(), lat + dy);
            let whole = west >= -180.0 && west + size <= 180.0 && south + size <= 90.0;
            whole.then(|| area(&number.to_string(), vec![square(west, south, *size)]))
        }).collect();
        prop_assume!(!areas.is_empty());
        let index = index(areas);
        let assignment = index.locate(at(lat, lon), None, None);
        let oracle = |id: &JurisdictionId| geodesic_oracle_m(index.map().area(id).unwrap(), at(lat, lon));
        // 200 m between the oracle's points: it may be too far by as much when the line is near.
        let allowed = |metres: f64| 1e-4 * metres + 125.0_f64.powi(2) / (2.0 * metres.max(125.0));
        if assignment.reason == Reason::Nearest {
            let metres = assignment.distance_m.unwrap();
            let nearest = index.map().areas().iter().map(|area| oracle(&area.id)).fold(f64::INFINITY, f64::min);
            prop_assert!((metres - nearest).abs() <= allowed(metres), "{} {}", metres, nearest);
            prop_assert!(oracle(assignment.jurisdiction.as_ref().unwrap()) <= nearest + allowed(nearest));
        }
        let uncertain = index.locate(at(lat, lon), RadiusMetres::new(60_000.0).ok(), None);
        for other in uncertain.runners_up.iter().filter(|other| other.distance_m > 0.0) {
            let metres = oracle(&other.jurisdiction);
            prop_assert!((other.distance_m - metres).abs() <= allowed(metres), "{} {}", other.distance_m, metres);
        }
    }

    #[test]
    fn the_nearest_station_is_that_of_geodesics(
        places in prop::collection::vec((-90.0..90.0_f64, -180.0..180.0_f64), 1..300),
        lat in -90.0..90.0_f64, lon in -180.0..180.0_f64,
    ) {
        let stations: Vec<_> =
            places.iter().enumerate().map(|(n, (lat, lon))| station(&n.to_string(), at(*lat, *lon))).collect();
        let index = JurisdictionIndex::new(JurisdictionMap::new(parts(vec![], stations.clone())));
        let mut metres: Vec<_> = stations.iter().map(|station| {
            let there = Point::new(station.at.lon_deg(), station.at.lat_deg());
            (Geodesic.distance(Point::new(lon, lat), there), station.jurisdiction.clone())
        }).collect();
        metres.sort_by(|a, b| a.0.total_cmp(&b.0));
        let assignment = index.locate(at(lat, lon), None, None);
        prop_assert_eq!(assignment.jurisdiction.is_some(), metres[0].0 <= NATIONAL_REACH_M);
        if let Some(distance_m) = assignment.distance_m {
            prop_assert!((distance_m - metres[0].0).abs() < 1e-5 * distance_m + 1e-3);
            prop_assert_eq!(assignment.jurisdiction.as_ref(), Some(&metres[0].1));
        }
    }
}
