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
    assert_eq!(polygon(&[(0.5, 0.2), (0.5, 0.3), (0.5, 0.4)]), "a inside ?");
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
