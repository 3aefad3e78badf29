use geo::polygon;
use proptest::prelude::*;

use super::super::super::inside::{Side, side_of_polygon};
use super::*;

fn repaired(polygons: &[Polygon<f64>]) -> Repaired {
    repair(polygons.to_vec()).unwrap()
}

fn square(x: f64, y: f64, side: f64) -> LineString<f64> {
    let (right, top) = (x + side, y + side);
    [(x, y), (right, y), (right, top), (x, top), (x, y)]
        .into_iter()
        .collect()
}

/// How often a ring goes around a point, whichever way round.
fn times_around(ring: &LineString<f64>, point: Coord<f64>) -> i32 {
    let mut times: i32 = 0;
    for line in ring.lines() {
        let (a, b) = (line.start, line.end);
        if (a.y > point.y) != (b.y > point.y) {
            let x = a.x + (point.y - a.y) / (b.y - a.y) * (b.x - a.x);
            if x > point.x {
                times += if b.y > a.y { 1 } else { -1 };
            }
        }
    }
    times.abs()
}

/// What sums of signed areas take for inside: 1, and 0 outside, when they are right.
fn counted(polygons: &[Polygon<f64>], point: Coord<f64>) -> i32 {
    let of_polygon = |polygon: &Polygon<f64>| {
        let holes = polygon.interiors().iter();
        let holes: i32 = holes.map(|hole| times_around(hole, point)).sum();
        times_around(polygon.exterior(), point) - holes
    };
    polygons.iter().map(of_polygon).sum()
}

fn side(polygons: &[Polygon<f64>], point: Coord<f64>) -> Side {
    let sides = polygons
        .iter()
        .map(|polygon| side_of_polygon(point, polygon));
    sides.max().unwrap_or(Side::Outside)
}

fn assert_stays(polygon: Polygon<f64>) {
    let repaired = repaired(std::slice::from_ref(&polygon));
    assert_eq!(repaired.polygons, [polygon]);
    assert_eq!(repaired.at, None);
}

#[test]
fn what_touches_itself_stays_as_it_is() {
    // Two triangles that share a corner, run through once from each side.
    assert_stays(
        polygon![(x: 0.0, y: 0.0), (x: 1.0, y: 1.0), (x: 2.0, y: 0.0), (x: 2.0, y: 2.0), (x: 1.0, y: 1.0), (x: 0.0, y: 2.0)],
    );
    // A corner on a line of the same ring.
    assert_stays(
        polygon![(x: 0.0, y: 0.0), (x: 4.0, y: 0.0), (x: 4.0, y: 4.0), (x: 2.0, y: 0.0), (x: 0.0, y: 4.0)],
    );
    // A hole that touches its exterior at a corner.
    let hole = [(0.0, 0.0), (1.0, 2.0), (2.0, 1.0), (0.0, 0.0)];
    assert_stays(Polygon::new(
        square(0.0, 0.0, 4.0),
        vec![hole.into_iter().collect()],
    ));
    // Clockwise.
    assert_stays(polygon![(x: 0.0, y: 0.0), (x: 0.0, y: 1.0), (x: 1.0, y: 0.0)]);
}

#[test]
fn parts_beside_each_other_and_islands_in_lakes_stay_as_they_are() {
    let parts = [
        Polygon::new(square(0.0, 0.0, 2.0), vec![]),
        Polygon::new(square(2.0, 1.0, 2.0), vec![]), // shares a part of a line
        Polygon::new(square(10.0, 0.0, 9.0), vec![square(11.0, 1.0, 7.0)]),
        Polygon::new(square(12.0, 2.0, 5.0), vec![]),
        Polygon::new(square(11.0, 1.0, 1.0), vec![]), // in the corner of the lake
    ];
    let repaired = repaired(&parts);
    assert_eq!(repaired.polygons, parts);
    assert_eq!((repaired.at, repaired.crossings), (None, 0));
}

#[test]
fn a_bow_tie_becomes_two_triangles() {
    let repaired = repaired(&[
        polygon![(x: 0.0, y: 0.0), (x: 2.0, y: 2.0), (x: 2.0, y: 0.0), (x: 0.0, y: 2.0)],
    ]);
    assert_eq!(repaired.crossings, 1);
    assert_eq!(repaired.at, Some(Coord { x: 1.0, y: 1.0 }));
    assert_eq!(repaired.polygons.len(), 2);
    assert!(
        repaired
            .polygons
            .iter()
            .all(|part| part.exterior().0.len() == 4)
    );
}

#[test]
fn a_hole_that_leaves_its_exterior_is_taken_from_it() {
    let repaired = repaired(&[Polygon::new(
        square(0.0, 0.0, 2.0),
        vec![square(1.0, 0.5, 5.0)],
    )]);
    assert_eq!(repaired.crossings, 2);
    assert_eq!(repaired.polygons.len(), 1);
    assert!(repaired.polygons[0].interiors().is_empty());
    assert_eq!(
        side(&repaired.polygons, Coord { x: 1.5, y: 1.0 }),
        Side::Outside
    );
    assert_eq!(
        side(&repaired.polygons, Coord { x: 3.0, y: 1.0 }),
        Side::Outside
    );
    assert_eq!(
        side(&repaired.polygons, Coord { x: 0.5, y: 1.0 }),
        Side::Inside
    );
}

#[test]
fn rings_that_do_not_meet_can_be_wrong_too() {
    for (polygons, parts, holes) in [
        // A hole far away, a hole in a hole, a part in a part, the same part twice.
        (
            vec![Polygon::new(
                square(0.0, 0.0, 2.0),
                vec![square(5.0, 5.0, 1.0)],
            )],
            1,
            0,
        ),
        (
            vec![Polygon::new(
                square(0.0, 0.0, 9.0),
                vec![square(1.0, 1.0, 5.0), square(2.0, 2.0, 1.0)],
            )],
            1,
            1,
        ),
        (
            vec![
                Polygon::new(square(0.0, 0.0, 9.0), vec![]),
                Polygon::new(square(1.0, 1.0, 2.0), vec![]),
            ],
            1,
            0,
        ),
        (vec![Polygon::new(square(0.0, 0.0, 9.0), vec![]); 2], 1, 0),
        // Nothing is left of a hole as large as its exterior.
        (
            vec![Polygon::new(
                square(0.0, 0.0, 9.0),
                vec![square(0.0, 0.0, 9.0)],
            )],
            0,
            0,
        ),
    ] {
        let repaired = repaired(&polygons);
        assert!(repaired.at.is_some(), "{polygons:?}");
        assert_eq!(repaired.polygons.len(), parts, "{polygons:?}");
        let there: usize = repaired
            .polygons
            .iter()
            .map(|polygon| polygon.interiors().len())
            .sum();
        assert_eq!(there, holes, "{polygons:?}");
    }
}

#[test]
fn a_spike_and_a_bridge_to_a_hole_go_and_nothing_else_moves() {
    let spike = polygon![(x: 0.0, y: 0.0), (x: 2.0, y: 0.0), (x: 5.0, y: 0.0), (x: 2.0, y: 0.0), (x: 2.0, y: 2.0)];
    let repaired_spike = repaired(&[spike]);
    assert_eq!(repaired_spike.crossings, 0);
    assert_eq!(
        repaired_spike.polygons,
        [polygon![(x: 0.0, y: 0.0), (x: 2.0, y: 0.0), (x: 2.0, y: 2.0)]]
    );
    // Out along (1, 0) to (1, 1), around a hole, and back.
    let bridge = polygon![
        (x: 0.0, y: 0.0), (x: 1.0, y: 0.0), (x: 1.0, y: 1.0), (x: 1.0, y: 2.0), (x: 2.0, y: 2.0),
        (x: 2.0, y: 1.0), (x: 1.0, y: 1.0), (x: 1.0, y: 0.0), (x: 4.0, y: 0.0), (x: 4.0, y: 4.0), (x: 0.0, y: 4.0)
    ];
    let repaired = repaired(&[bridge]);
    assert_eq!(repaired.polygons.len(), 1);
    assert_eq!(repaired.polygons[0].interiors().len(), 1);
    assert_eq!(repaired.polygons[0].exterior().0.len(), 6);
}

#[test]
fn loops_that_signed_areas_count_twice_are_cut_anew() {
    // An inner loop in the same direction, hung on a corner; and a way run through twice.
    let inner = polygon![(x: 0.0, y: 0.0), (x: 3.0, y: 1.0), (x: 1.0, y: 3.0), (x: 0.0, y: 0.0), (x: 9.0, y: 0.0), (x: 9.0, y: 9.0), (x: 0.0, y: 9.0)];
    let repaired_loop = repaired(&[inner]);
    assert_eq!(repaired_loop.polygons.len(), 1);
    assert_eq!(repaired_loop.polygons[0].interiors().len(), 1);
    let twice: LineString<f64> = square(0.0, 0.0, 1.0)
        .0
        .into_iter()
        .cycle()
        .take(9)
        .collect();
    let mut twice = twice.0;
    twice.remove(4);
    let repaired = repaired(&[Polygon::new(LineString::new(twice), vec![])]);
    assert!(repaired.polygons.is_empty(), "even-odd: nothing is inside");
}

#[test]
fn what_crosses_everywhere_ends() {
    // A star of 2,001 corners, each opposite to the next: about a million crossings.
    let corners = (0..2001).map(|step| {
        let (sin, cos) = (f64::from(step) * 1000.0 / 2001.0 * std::f64::consts::TAU).sin_cos();
        (cos, sin)
    });
    let star = Polygon::new(corners.collect(), vec![]);
    assert_eq!(repair(vec![star]).map(|_| ()), Err(Tangled));
}

fn rings_strategy() -> impl Strategy<Value = Vec<Polygon<f64>>> {
    let ring = prop::collection::vec((0..7_i8, 0..7_i8), 3..9).prop_map(|corners| {
        let corners = corners.into_iter();
        let mut ring: Vec<_> = corners
            .map(|(x, y)| Coord {
                x: f64::from(x),
                y: f64::from(y),
            })
            .collect();
        ring.dedup();
        let mut ring = LineString::new(ring);
        ring.close();
        ring
    });
    let ring = ring.prop_filter("a ring", |ring| ring.0.len() > 3);
    let polygon = (ring.clone(), prop::collection::vec(ring, 0..3));
    let polygon = polygon.prop_map(|(exterior, holes)| Polygon::new(exterior, holes));
    prop::collection::vec(polygon, 1..4)
}

proptest! {
    /// On a lattice everything happens: crossings in corners, lines over lines, rings run twice.
    #[test]
    fn a_repair_changes_no_answer_and_leaves_sound_areas(
        polygons in rings_strategy(),
        points in prop::collection::vec((-0.5..6.5_f64, -0.5..6.5_f64), 32),
    ) {
        let repaired = repaired(&polygons);
        for point in points.into_iter().map(Coord::from) {
            if polygons.iter().any(|polygon| side_of_polygon(point, polygon) == Side::Boundary) {
                continue;
            }
            let before = side(&polygons, point);
            prop_assert_eq!(side(&repaired.polygons, point), before, "{:?}", point);
            prop_assert_eq!(counted(&repaired.polygons, point), i32::from(before == Side::Inside), "{:?}", point);
        }
        let again = repair(repaired.polygons.clone()).unwrap();
        prop_assert_eq!(again.at, None);
        prop_assert_eq!(again.polygons, repaired.polygons);
    }

    /// Where lines cross between numbers, a rounded corner makes no new crossing.
    #[test]
    fn a_repair_is_sound_off_the_lattice(
        corners in prop::collection::vec((126.0..130.0_f64, 33.0..39.0_f64), 4..40),
        points in prop::collection::vec((126.0..130.0_f64, 33.0..39.0_f64), 16),
    ) {
        let polygons = [Polygon::new(corners.into_iter().collect(), vec![])];
        let repaired = repaired(&polygons);
        for point in points.into_iter().map(Coord::from) {
            let before = side(&polygons, point);
            prop_assert_eq!(side(&repaired.polygons, point), before);
            prop_assert_eq!(counted(&repaired.polygons, point), i32::from(before == Side::Inside));
        }
        let again = repair(repaired.polygons.clone()).unwrap();
        prop_assert_eq!(again.at, None);
    }
}

/// (1.8, 3.8) is no number; rounded, it is somewhere else on each line.
#[test]
fn three_lines_through_one_point() {
    let ring = |corners: &[(f64, f64)]| corners.iter().copied().collect::<LineString<f64>>();
    let polygons = [Polygon::new(
        ring(&[(3., 3.), (5., 3.), (1., 4.), (5., 3.), (0., 5.)]),
        vec![ring(&[(0., 0.), (0., 2.), (2., 4.)])],
    )];
    let repaired = repaired(&polygons);
    assert!(repaired.crossings > 3);
}
