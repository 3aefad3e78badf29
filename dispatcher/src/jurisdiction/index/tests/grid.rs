//! The grid and the stripes against every line of every polygon: not one answer may differ.

use geo::{Coord, LineString, Polygon, polygon};
use proptest::prelude::*;

use super::*;
use crate::jurisdiction::cover::plain_holders;

/// What the index says when it looks at every line.
fn plainly(index: &JurisdictionIndex, at: LatLon, radius: Option<RadiusMetres>) -> Assignment {
    let holders = plain_holders(index.map().areas(), corner(at));
    let certainty = Certainty::new(None);
    let shape = radius.map(|radius| Shape::Circle { middle: at, radius });
    match shape.and_then(|shape| Region::new(&shape, certainty)) {
        Some(region) => index.by_shares(&region, certainty, &holders),
        None => index.held(at, &holders),
    }
}

/// What summing the arcs of a circle makes of all of it: some tens of roundings of 10⁻¹⁶ each, and far below what ties two
/// shares (10⁻⁹). Where nobody else is near the index sums nothing, and says that all of it is the owner's.
const ROUNDING: f64 = 1e-12;

/// The same to the last word, and the same probabilities but for [`ROUNDING`].
fn assert_same(mut found: Assignment, plain: Assignment) -> Result<(), TestCaseError> {
    fn probabilities(one: &mut Assignment) -> impl Iterator<Item = &mut Option<f64>> {
        let others = one.runners_up.iter_mut();
        std::iter::once(&mut one.probability).chain(others.map(|other| &mut other.probability))
    }
    let mut rounded = plain.clone();
    for (found, plain) in probabilities(&mut found).zip(probabilities(&mut rounded)) {
        if let (Some(found), Some(plain)) = (found, plain)
            && (*found - *plain).abs() <= ROUNDING
        {
            *plain = *found;
        }
    }
    prop_assert_eq!(found, rounded, "plainly {:?}", plain);
    Ok(())
}

/// A square of the lattice, whole, with a hole, with an island in the hole, or a rhombus.
fn shape(west: f64, south: f64, step: f64, form: u8) -> Vec<Polygon<f64>> {
    let ring = |inset: f64, size: f64| {
        let at = |x: f64, y: f64| {
            (
                west + (inset + x * size) * step,
                south + (inset + y * size) * step,
            )
        };
        LineString::from(vec![at(0.0, 0.0), at(1.0, 0.0), at(1.0, 1.0), at(0.0, 1.0)])
    };
    match form {
        0 | 1 => vec![Polygon::new(ring(0.0, f64::from(form) + 1.0), vec![])],
        2 => vec![Polygon::new(ring(0.0, 3.0), vec![ring(1.0, 1.0)])],
        3 => {
            let island = Polygon::new(ring(1.25, 0.5), vec![]);
            vec![Polygon::new(ring(0.0, 3.0), vec![ring(1.0, 1.0)]), island]
        }
        // A hole that leaves its exterior.
        4 => vec![Polygon::new(ring(0.0, 2.0), vec![ring(1.0, 2.0)])],
        _ => {
            let at = |x: f64, y: f64| (west + x * step, south + y * step);
            let rhombus = vec![at(1.0, 0.0), at(2.0, 1.0), at(1.0, 2.0), at(0.0, 1.0)];
            vec![Polygon::new(LineString::from(rhombus), vec![])]
        }
    }
}

/// Shapes on a lattice of 10 by 10: they share lines and corners, and lie on top of each other. Some
/// maps end at the antimeridian, at a pole, or are a few centimetres wide.
fn map() -> impl Strategy<Value = Vec<Area>> {
    let shapes = prop::collection::vec((0..8_u8, 0..8_u8, 0..6_u8, 0..9_u8), 1..24);
    let frames = prop_oneof![
        Just((126.9, 37.5, 0.01)),
        Just((170.0, -5.0, 1.0)),
        Just((-180.0, 80.0, 1.0)),
        Just((-180.0, -90.0, 18.0)),
        Just((126.97, 37.56, 1e-7)),
        (-170.0..170.0_f64, -80.0..80.0_f64, 1e-4..0.9_f64),
    ];
    (shapes, frames).prop_map(|(shapes, (west, south, step))| {
        let areas = shapes.into_iter().map(|(x, y, form, id)| {
            // The shape reaches three steps from its corner, and no farther than the tenth.
            let (x, y) = (f64::from(x.min(7)), f64::from(y.min(7)));
            let polygons = shape(west + x * step, south + y * step, step, form);
            area(&id.to_string(), polygons)
        });
        areas.collect()
    })
}

/// Corners, middles of lines, and where lines of the grid cross each other and those of the map.
fn places(index: &JurisdictionIndex) -> Vec<Coord<f64>> {
    let polygons = index.map().areas().iter().flat_map(|area| &area.polygons);
    let rings =
        polygons.flat_map(|polygon| std::iter::once(polygon.exterior()).chain(polygon.interiors()));
    let lines: Vec<_> = rings.flat_map(LineString::lines).collect();
    let (columns, rows) = index.cover.grid_borders();
    let mut places: Vec<_> = lines.iter().map(|line| line.start).collect();
    places.extend(lines.iter().map(|line| (line.start + line.end) / 2.0));
    for (line, (column, row)) in lines.iter().zip(columns.iter().zip(&rows).cycle()) {
        places.push(Coord {
            x: *column,
            y: line.start.y,
        });
        places.push(Coord {
            x: line.start.x,
            y: *row,
        });
    }
    places.extend(
        columns
            .iter()
            .zip(&rows)
            .map(|(x, y)| Coord { x: *x, y: *y }),
    );
    places
}

/// The place and those one step beside it, as far as they are on Earth.
fn with_neighbours(Coord { x, y }: Coord<f64>) -> impl Iterator<Item = LatLon> {
    [
        (x, y),
        (x.next_up(), y),
        (x.next_down(), y),
        (x, y.next_up()),
        (x, y.next_down()),
    ]
    .into_iter()
    .filter_map(|(x, y)| LatLon::new(y, x).ok())
}

#[test]
fn a_place_away_from_every_line_needs_no_geometry() {
    let index = index(vec![
        area("a", vec![square(0.0, 0.0, 60.0)]),
        area("b", vec![square(120.0, 0.0, 60.0)]),
    ]);
    let sole = |lat, lon| index.cover.sole_owner(corner(at(lat, lon)));
    assert_eq!(sole(25.0, 25.0), Some(0));
    assert_eq!(sole(25.0, 155.0), Some(1));
    assert_eq!(sole(25.0, 60.0), None);
    assert_eq!(sole(25.0, 180.0), None);
    assert_eq!(sole(25.0, 90.0), None);
}

#[test]
fn a_crowd_of_areas_is_told_apart() {
    let areas = (0..50).map(|n| area(&format!("{n:02}"), vec![square(0.0, 0.0, 1.0)]));
    let far = area("far", vec![square(20.0, 20.0, 1.0)]);
    // Its envelope holds the crowd, and none of its lines is near.
    let around = polygon![
        (x: -2.0, y: -2.0), (x: 3.0, y: -2.0), (x: 3.0, y: -1.5), (x: -1.5, y: -1.5), (x: -1.5, y: 3.0),
        (x: -2.0, y: 3.0),
    ];
    let around = area("around", vec![around]);
    let index = index(areas.chain([far, around]).collect());
    for place in [
        at(0.5, 0.5),
        at(0.0, 0.5),
        at(1.0, 1.0),
        at(20.5, 20.5),
        at(20.0, 21.0),
    ] {
        assert_eq!(
            index.locate(place, None, None),
            plainly(&index, place, None)
        );
    }
    assert_eq!(answer(&index, at(0.5, 0.5)), owned("00", Reason::Overlap));
}

/// A line that a later hole of the same polygon covers is on the polygon's boundary all the same.
#[test]
fn a_hole_that_covers_a_line_of_the_exterior_leaves_it_on_the_boundary() {
    let ring = |corners: [(f64, f64); 4]| LineString::from(corners.to_vec());
    let exterior = ring([(0.0, 0.0), (8.0, 0.0), (8.0, 8.0), (0.0, 8.0)]);
    let hole = ring([(6.0, 2.0), (10.0, 2.0), (10.0, 6.0), (6.0, 6.0)]);
    let index = index(vec![area("a", vec![Polygon::new(exterior, vec![hole])])]);
    let point = corner(at(4.0, 8.0));
    let plain = plain_holders(index.map().areas(), point);
    assert_eq!(plain.len(), 1);
    assert_eq!(index.cover.holders(point), plain);
}

#[test]
fn a_small_circle_far_from_every_line_is_known_to_touch_nobody() {
    let index = index(vec![
        area("a", vec![square(0.0, 60.0, 4.0)]),
        area("b", vec![square(4.0, 60.0, 4.0)]),
    ]);
    // Cells are 0.89 degrees wide, of which the place is in the third: 88 km towards the north, and
    // 41 km towards the east at this latitude.
    let middle = corner(at(62.2, 2.2));
    let alone_m = index.cover.alone_within_m(middle);
    assert!((30_000.0..45_000.0).contains(&alone_m), "{alone_m}");
    assert_eq!(index.cover.alone_within_m(corner(at(62.2, 3.7))), 0.0);
    assert_eq!(index.cover.alone_within_m(corner(at(62.2, -2.0))), 0.0);
    // In the fourth cell no line is, but in the fifth: 26 km to the east.
    let beside_a_line = at(62.2, 3.5);
    assert_eq!(index.cover.sole_owner(corner(beside_a_line)), Some(0));
    assert_eq!(index.cover.alone_within_m(corner(beside_a_line)), 0.0);
    for radius_m in [1.0, 0.8 * alone_m, alone_m, 2.0 * alone_m, 3.0 * alone_m] {
        let radius = RadiusMetres::new(radius_m).ok();
        for place in [at(62.2, 2.2), beside_a_line] {
            assert_eq!(
                index.locate(place, radius, None),
                plainly(&index, place, radius)
            );
        }
    }
}

proptest! {
    // Each case asks some thousand places.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_answer_is_that_of_all_lines(
        areas in map(), random in prop::collection::vec((0.0..=1.0_f64, 0.0..=1.0_f64), 50),
        radius_m in prop::option::of(prop_oneof![0.0..500.0_f64, 0.0..5_000.0, 0.0..200_000.0]),
    ) {
        let index = index(areas);
        let radius = radius_m.and_then(|radius_m| RadiusMetres::new(radius_m).ok());
        let (columns, rows) = index.cover.grid_borders();
        let within = |borders: &[f64], part: f64| {
            borders[0] + part * (borders[borders.len() - 1] - borders[0])
        };
        let random = random.iter().map(|(x, y)| Coord { x: within(&columns, *x), y: within(&rows, *y) });
        let random: Vec<_> = random.collect();
        let ends = [(0.0, 90.0), (0.0, -90.0), (180.0, 0.5), (-180.0, 0.5), (180.0, 90.0)].map(Coord::from);
        let places = places(&index);
        for place in places.iter().chain(&random).chain(&ends).copied().flat_map(with_neighbours) {
            let point = corner(place);
            let plain = plain_holders(index.map().areas(), point);
            if let Some(area) = index.cover.sole_owner(point) {
                prop_assert_eq!(&plain, &[Holder { area, side: Side::Inside }], "{:?}", point);
            }
            prop_assert_eq!(index.cover.holders(point), plain, "{:?}", point);
        }
        for place in places.iter().step_by(29).chain(random.iter().step_by(5)).copied().flat_map(with_neighbours) {
            assert_same(index.locate(place, radius, None), plainly(&index, place, radius))?;
        }
    }
}
