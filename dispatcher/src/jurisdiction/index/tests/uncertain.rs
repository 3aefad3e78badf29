//! Whose is a place that is known as a circle, an ellipse or a polygon?

use geo::{Area as _, BooleanOps as _, Destination as _, Geodesic, LineString, Point, Polygon};
use proptest::prelude::*;

use super::*;
use crate::jurisdiction::ShapeError;

/// What an answer comes to: owner, reason, probability in percent, others with theirs.
fn told(assignment: &Assignment) -> String {
    let percent = |probability: Option<f64>| {
        probability.map_or("?".to_owned(), |probability| {
            format!("{:.2}", probability * 100.0)
        })
    };
    let owner = assignment
        .jurisdiction
        .as_ref()
        .map_or("-", |id| id.as_str());
    let others = assignment
        .runners_up
        .iter()
        .map(|other| format!(" {}:{}", other.jurisdiction, percent(other.probability)));
    let others: String = others.collect();
    format!(
        "{owner} {} {}{others}",
        assignment.reason,
        percent(assignment.probability)
    )
}

fn circle(
    index: &JurisdictionIndex,
    middle: LatLon,
    radius_m: f64,
    percent: Option<f64>,
) -> String {
    let confidence = percent.and_then(ConfidencePercent::new);
    told(&index.locate(middle, RadiusMetres::new(radius_m).ok(), confidence))
}

/// A circle on the ground as a polygon with corners on the geodesic circle.
fn round(middle: LatLon, radius_m: f64, corners: u32) -> Polygon<f64> {
    let middle = Point::new(middle.lon_deg(), middle.lat_deg());
    let corner = |n| {
        let bearing = f64::from(n) / f64::from(corners) * 360.0;
        Geodesic.destination(middle, bearing, radius_m).0
    };
    Polygon::new(LineString::new((0..corners).map(corner).collect()), vec![])
}

/// Radii and distance of RFC 7459, section 6.3; the place is any.
#[test]
fn the_worked_example_of_rfc_7459() {
    let bob = at(-33.8568, 151.2153);
    let from = Geodesic.destination(Point::new(bob.lon_deg(), bob.lat_deg()), 217.0, 1_915.26);
    let region = |radius_m| {
        index(vec![area(
            "region",
            vec![round(at(from.y(), from.x()), radius_m, 20_000)],
        )])
    };
    let located = |radius_m| {
        let radius = RadiusMetres::new(99.1).ok();
        region(radius_m).locate(bob, radius, ConfidencePercent::new(95.0))
    };
    let probability = |radius_m| located(radius_m).probability.unwrap() * 100.0;
    assert!(
        (probability(1_950.0) - 67.83).abs() < 0.01,
        "{}",
        probability(1_950.0)
    );
    assert!(
        (probability(1_920.0) - 49.87).abs() < 0.01,
        "{}",
        probability(1_920.0)
    );
}

#[test]
fn a_circle_is_shared_by_its_surface() {
    let index = index(vec![
        area("a", vec![square(0.0, 0.0, 1.0)]),
        area("b", vec![square(1.0, 0.0, 1.0)]),
        area("c", vec![square(-1.0, 0.0, 1.0)]),
    ]);
    let near_b = at(0.5, 0.99); // 1,113 m from b
    assert_eq!(circle(&index, near_b, 1_000.0, None), "a inside 95.00");
    assert_eq!(
        circle(&index, near_b, 1_000.0, Some(99.0)),
        "a inside 99.00"
    );
    // cos⁻¹(d) - d √(1 - d²) over π with d = 1113.19 / 1200
    assert_eq!(
        circle(&index, near_b, 1_200.0, None),
        "a majority 93.90 b:1.10"
    );
    // The same circle once it is widened by 1.65: d = 1113.19 / 1980
    assert_eq!(
        circle(&index, near_b, 1_200.0, Some(68.0)),
        "a majority 79.61 b:15.39"
    );
    // In the middle of the line: half and half, and neither is likely enough.
    assert_eq!(
        circle(&index, at(0.5, 1.0), 500.0, None),
        "a split 47.50 b:47.50"
    );
    assert_eq!(circle(&index, at(0.5, 0.99), 0.0, None), "a inside ?");
    assert_eq!(circle(&index, at(1.0, 0.5), 100.0, None), "a border 47.50");
    assert_eq!(circle(&index, at(0.5, -3.0), 5_000.0, None), "- none ?");
    // The whole Earth.
    assert_eq!(
        circle(&index, near_b, f64::MAX, None),
        "a split 0.00 c:0.00 b:0.00"
    );
}

#[test]
fn the_largest_share_owns_a_place_and_not_its_middle() {
    let notch = polygon![(x: 0.0, y: 0.0), (x: 0.001, y: 0.005), (x: 0.0, y: 0.01)];
    let around = Polygon::new(
        square(-1.0, -1.0, 2.0).exterior().clone(),
        vec![notch.exterior().clone()],
    );
    let index = index(vec![area("a", vec![notch]), area("b", vec![around])]);
    let within = at(0.005, 0.000_5);
    assert_eq!(answer(&index, within), owned("a", Reason::Inside));
    let assignment = index.locate(within, RadiusMetres::new(3_000.0).ok(), None);
    assert_eq!(assignment.jurisdiction, Some(JurisdictionId::new("b")));
    assert_eq!(assignment.reason, Reason::Majority);
    assert_eq!(
        assignment.runners_up[0].jurisdiction,
        JurisdictionId::new("a")
    );
    assert_eq!(assignment.runners_up[0].distance_m, 0.0);
}

#[test]
fn at_sea_a_circle_that_touches_one_area_is_its() {
    let index = index(vec![
        area("a", vec![square(0.0, 0.0, 1.0)]),
        area("b", vec![square(1.0, 0.0, 1.0)]),
    ]);
    let off_a = index.locate(at(-0.01, 0.5), RadiusMetres::new(2_000.0).ok(), None);
    assert_eq!(off_a.reason, Reason::Nearest);
    assert!((off_a.distance_m.unwrap() - 1_105.7).abs() < 0.1);
    assert!(off_a.probability.unwrap() < 0.3 && off_a.runners_up.is_empty());
    // Nearer to a, and reaching farther into b.
    let off_both = circle(&index, at(-0.01, 0.999), 2_000.0, None);
    assert!(
        off_both.starts_with("a split 8.") && off_both.contains(" b:7."),
        "{off_both}"
    );
    // 223 km off and beyond the reach: the nation's, who is told of a.
    let far = circle(&index, at(0.5, 4.0), 300_000.0, None);
    assert!(far.starts_with("- none ? b:"), "{far}");
}

#[test]
fn an_overlap_counts_for_both() {
    let index = index(vec![
        area("b", vec![square(0.0, 0.0, 2.0)]),
        area("a", vec![square(1.0, 0.0, 2.0)]),
    ]);
    assert_eq!(
        circle(&index, at(1.0, 1.5), 1_000.0, None),
        "a overlap 95.00 b:95.00"
    );
}

#[test]
fn an_ellipse_is_shared_by_its_surface() {
    let index = index(vec![
        area("north", vec![square(0.0, 0.5, 1.0)]),
        area("south", vec![square(0.0, -0.5, 1.0)]),
    ]);
    let metres = |metres| RadiusMetres::new(metres).unwrap();
    let ellipse = |major_m, minor_m, orientation_deg| {
        let shape = Shape::ellipse(
            at(0.505, 0.5),
            metres(major_m),
            metres(minor_m),
            orientation_deg,
        );
        told(&index.locate_shape(&shape.unwrap(), None))
    };
    // The border is 552.87 m to the south: beyond the short axis, and within the long one.
    assert_eq!(ellipse(1_200.0, 400.0, 90.0), "north inside 95.00");
    // As a circle of 1,200 m.
    let as_circle = circle(&index, at(0.505, 0.5), 1_200.0, None);
    assert_eq!(ellipse(1_200.0, 400.0, 0.0), as_circle);
    assert_eq!(ellipse(400.0, 1_200.0, 270.0), as_circle);
    assert!(as_circle.starts_with("north majority 7"), "{as_circle}");
    // At 45 degrees it reaches √((1200² + 400²) / 2) = 894.4 m to the south.
    assert_eq!(
        ellipse(1_200.0, 400.0, 45.0),
        circle(&index, at(0.505, 0.5), 894.43, None)
    );
}

#[test]
fn a_polygon_is_shared_by_its_surface() {
    let index = index(vec![
        area("a", vec![square(0.0, 0.0, 1.0)]),
        area("b", vec![square(1.0, 0.0, 1.0)]),
    ]);
    let polygon = |corners: &[(f64, f64)]| {
        let corners = corners.iter().map(|&(lat, lon)| at(lat, lon));
        let shape = Shape::polygon(corners.collect()).unwrap();
        told(&index.locate_shape(&shape, ConfidencePercent::new(80.0)))
    };
    let three_quarters = [(0.5, 0.97), (0.5, 1.01), (0.51, 1.01), (0.51, 0.97)];
    assert_eq!(polygon(&three_quarters), "a majority 60.00 b:20.00");
    assert_eq!(
        polygon(&[(0.5, 0.2), (0.5, 0.3), (0.6, 0.3), (0.5, 0.2)]),
        "a inside 80.00"
    );
    assert_eq!(
        polygon(&[(-0.5, 0.2), (-0.5, 0.3), (-0.4, 0.3)]),
        "a nearest ?"
    );
    // A line has no surface.
    assert_eq!(polygon(&[(0.2, 0.5), (0.3, 0.5), (0.4, 0.5)]), "a inside ?");
    let corner = at(0.0, 0.0);
    assert_eq!(
        Shape::polygon(vec![corner, at(1.0, 1.0), corner]),
        Err(ShapeError::Corners(2))
    );
}

#[test]
fn shapes_over_the_antimeridian_and_at_the_poles_are_whole() {
    let index = index(vec![
        area("east", vec![square(-180.0, 70.0, 5.0)]),
        area(
            "pole",
            vec![
                polygon![(x: -180.0, y: 75.0), (x: 180.0, y: 75.0), (x: 180.0, y: 90.0), (x: -180.0, y: 90.0)],
            ],
        ),
        area("west", vec![square(175.0, 70.0, 5.0)]),
    ]);
    assert_eq!(
        circle(&index, at(72.0, 180.0), 10_000.0, None),
        "east split 47.50 west:47.50"
    );
    assert_eq!(
        circle(&index, at(72.0, -180.0), 10_000.0, None),
        "east split 47.50 west:47.50"
    );
    assert_eq!(
        circle(&index, at(90.0, 0.0), 50_000.0, None),
        "pole border 95.00"
    );
    let corners = [(71.0, 179.9), (71.0, -179.7), (71.1, -179.7), (71.1, 179.9)];
    let shape = Shape::polygon(corners.map(|(lat, lon)| at(lat, lon)).to_vec()).unwrap();
    assert_eq!(
        told(&index.locate_shape(&shape, None)),
        "east majority 71.25 west:23.75"
    );
}

fn shape_of(index: &JurisdictionIndex, corners: &[(f64, f64)]) -> String {
    let corners = corners.iter().map(|&(lat, lon)| at(lat, lon));
    told(&index.locate_shape(&Shape::polygon(corners.collect()).unwrap(), None))
}

#[test]
fn a_shape_without_a_surface_is_a_place() {
    let index = index(vec![
        area("a", vec![square(0.0, 0.0, 1.0)]),
        area("b", vec![square(1.0, 0.0, 1.0)]),
    ]);
    // On one parallel, whatever rounding makes of it.
    for lat in [0.0, 0.1, 0.12, 0.123_456_7] {
        let line = [(lat, 0.9), (lat, 0.95), (lat, 1.1)];
        let owner = shape_of(&index, &line);
        assert!(owner.ends_with('?'), "{lat}: {owner}");
    }
    let point = answer(&index, at(0.5, 1.0));
    for radius_m in [0.0, 1e-308, 1e-30, 1.4e-45, 1e-9, 0.009] {
        let assignment = index.locate(at(0.5, 1.0), RadiusMetres::new(radius_m).ok(), None);
        let id = assignment.jurisdiction.map(|id| id.to_string());
        assert_eq!((id, assignment.reason), point, "{radius_m}");
    }
    let metres = |metres| RadiusMetres::new(metres).unwrap();
    let needle = |minor_m| {
        let shape = Shape::ellipse(at(0.5, 0.995), metres(10_000.0), metres(minor_m), 90.0);
        told(&index.locate_shape(&shape.unwrap(), None))
    };
    assert!(
        needle(0.0).starts_with("a majority 50.86"),
        "{}",
        needle(0.0)
    );
    assert_eq!(needle(0.0), needle(1e-307));
    assert_eq!(needle(0.0), needle(1.0));
}

#[test]
fn what_a_shape_goes_around_twice_is_counted_once() {
    let index = index(vec![
        area("a", vec![square(0.0, 0.0, 1.0)]),
        area("b", vec![square(1.0, 0.0, 1.0)]),
    ]);
    let once = [(0.4, 0.9), (0.4, 1.5), (0.5, 1.5), (0.5, 0.9)];
    assert_eq!(
        shape_of(&index, &[once, once].concat()),
        shape_of(&index, &once)
    );
    assert!(shape_of(&index, &once).starts_with("b majority 79.1"));
}

#[test]
fn a_shape_around_the_pole_holds_it() {
    let band = |south, north| polygon![(x: -180.0, y: south), (x: 180.0, y: south), (x: 180.0, y: north), (x: -180.0, y: north)];
    let index = index(vec![
        area("pole", vec![band(75.0, 90.0)]),
        area("south", vec![band(60.0, 75.0)]),
    ]);
    let ring: Vec<_> = (0..36)
        .map(|n| (74.5, f64::from(n) * 10.0 - 180.0))
        .collect();
    let all = shape_of(&index, &ring);
    assert!(
        all.starts_with("pole majority 89.") && all.contains(" south:5."),
        "{all}"
    );
}

#[test]
fn a_polygon_wider_than_half_the_earth_is_seen_from_its_own_side() {
    let world = polygon![(x: -180.0, y: -90.0), (x: 180.0, y: -90.0), (x: 180.0, y: 90.0), (x: -180.0, y: 90.0)];
    let hole = square(125.0, 33.0, 5.0).exterior().clone();
    let abroad = Polygon::new(world.exterior().clone(), vec![hole]);
    let index = index(vec![
        area("abroad", vec![abroad]),
        area("home", vec![square(125.0, 33.0, 5.0)]),
    ]);
    assert_eq!(
        circle(&index, at(35.0, 127.0), 20_000.0, None),
        "home inside 95.00"
    );
    assert_eq!(
        circle(&index, at(-35.0, -53.0), 20_000.0, None),
        "abroad inside 95.00"
    );
    let on_the_line = circle(&index, at(35.0, 130.0), 20_000.0, None);
    assert!(on_the_line.contains(" split 47.50 "), "{on_the_line}");
    let off = circle(&index, at(35.0, 130.05), 20_000.0, None);
    assert!(
        off.starts_with("abroad majority 61.") && off.contains(" home:33."),
        "{off}"
    );
    // As wide as can be: what home is of the half of the Earth around its antipode is nothing.
    assert_eq!(
        circle(&index, at(-35.5, -52.5), f64::MAX, None),
        "abroad inside 95.00"
    );
}

#[test]
fn a_middle_in_no_area_does_not_take_a_region_from_the_area_that_holds_it() {
    let index = index(vec![
        area(
            "a",
            vec![Polygon::new(
                square(0.0, 0.0, 6.0).exterior().clone(),
                vec![square(1.0, 1.0, 4.0).exterior().clone()],
            )],
        ),
        area("b", vec![square(0.0, 8.0, 1.0)]),
    ]);
    // In the hole, 222 km from every line, is the centroid of what goes around it.
    let around = [
        (0.5, 0.5),
        (0.5, 5.5),
        (5.5, 5.5),
        (5.5, 0.5),
        (5.2, 0.5),
        (5.2, 5.2),
        (0.8, 5.2),
        (0.8, 0.5),
    ];
    let all = shape_of(&index, &around);
    assert!(all.starts_with("a majority 95.00"), "{all}");
}

#[test]
fn who_holds_the_middle_and_not_the_region_does_not_lend_its_reason() {
    let enclave = square(0.5, 0.5, 1e-5);
    let around = Polygon::new(
        square(0.0, 0.0, 1.0).exterior().clone(),
        vec![enclave.exterior().clone()],
    );
    let index = index(vec![area("z", vec![around]), area("e", vec![enclave])]);
    let owner = circle(&index, at(0.500_005, 0.500_005), 1_000.0, None);
    assert_eq!(owner, "z majority 95.00 e:0.00");
}

proptest! {
    /// Two halves of a square of four degrees with a bent border between them leave nothing of a
    /// circle and hold nothing twice, however the lines run and wherever it is.
    #[test]
    fn a_tiling_leaves_nothing_of_a_circle(
        lat in -70.0..70.0_f64, lon in -170.0..170.0_f64, radius_m in 1.0..40_000.0_f64,
        bends in prop::collection::vec(-0.5..0.5_f64, 1..400),
    ) {
        let (south, north) = (lat - 2.0, lat + 2.0);
        let steps = (bends.len() + 1) as f64;
        let border = bends.iter().zip(1..).map(|(bend, n)| (lon + bend, south + 4.0 * f64::from(n) / steps));
        let border: Vec<_> = [(lon, south)].into_iter().chain(border).chain([(lon, north)]).collect();
        let half = |side_deg: f64| {
            let ring = border.iter().copied().chain([(lon + side_deg, north), (lon + side_deg, south)]);
            Polygon::new(LineString::from(ring.collect::<Vec<_>>()), vec![])
        };
        let index = index(vec![area("west", vec![half(-2.0)]), area("east", vec![half(2.0)])]);
        let radius = RadiusMetres::new(radius_m).unwrap();
        let region = Region::new(&Shape::Circle { middle: at(lat, lon), radius }, Certainty::new(None)).unwrap();
        let shares = index.shares.of(&region, index.map().areas());
        let all: f64 = shares.iter().map(|share| share.share).sum();
        prop_assert!((all - 1.0).abs() < 1e-5, "{all}");
    }

    /// Against geo, whose intersection is computed in another way, in degrees around the equator.
    #[test]
    fn a_share_is_that_of_the_intersection(
        corners in prop::collection::vec((-0.03..0.03_f64, -0.03..0.03_f64), 3..12),
        radius_m in 300.0..3_000.0_f64,
    ) {
        let ring = corners.iter().map(|(x, y)| geo::Coord { x: *x, y: *y });
        let middle = ring.clone().fold(geo::Coord::zero(), |sum, one| sum + one) / corners.len() as f64;
        let mut ring: Vec<_> = ring.collect();
        // Around its middle it never crosses itself.
        ring.sort_by(|a, b| {
            let angle = |one: &geo::Coord| (one.y - middle.y).atan2(one.x - middle.x);
            angle(a).total_cmp(&angle(b))
        });
        let polygon = Polygon::new(LineString::new(ring), vec![]);
        let circle = round(at(0.0, 0.0), radius_m, 3_000);
        let expected = circle.intersection(&polygon).unsigned_area() / circle.unsigned_area();
        let index = index(vec![area("a", vec![polygon])]);
        let radius = RadiusMetres::new(radius_m).unwrap();
        let region = Region::new(&Shape::Circle { middle: at(0.0, 0.0), radius }, Certainty::new(None)).unwrap();
        let shares = index.shares.of(&region, index.map().areas());
        let share = shares.first().map_or(0.0, |share| share.share);
        prop_assert!((share - expected).abs() < 2e-5, "{share} {expected}");
    }
}
