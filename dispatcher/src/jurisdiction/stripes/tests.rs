use geo::polygon;
use proptest::prelude::*;

use super::*;
use crate::jurisdiction::inside::side_of_polygon;

/// The point and those one step beside it.
fn with_neighbours(point: Coord<f64>) -> [Coord<f64>; 5] {
    let Coord { x, y } = point;
    [
        (x, y),
        (x.next_up(), y),
        (x.next_down(), y),
        (x, y.next_up()),
        (x, y.next_down()),
    ]
    .map(Coord::from)
}

fn lattice_ring() -> impl Strategy<Value = LineString<f64>> {
    let corner = (0..8_i8, 0..8_i8).prop_map(|(x, y)| (f64::from(x) * 0.1, f64::from(y) * 0.1));
    prop::collection::vec(corner, 0..24).prop_map(LineString::from)
}

#[test]
fn level_and_empty_rings_hold_what_their_lines_hold() {
    let level = polygon![(x: 0.0, y: 1.0), (x: 2.0, y: 1.0), (x: 4.0, y: 1.0)];
    let striped = StripedPolygon::new(&level);
    assert_eq!(striped.side_of((3.0, 1.0).into()), Side::Boundary);
    assert_eq!(striped.side_of((4.5, 1.0).into()), Side::Outside);
    assert_eq!(
        striped.side_of((3.0, 1.0_f64.next_up()).into()),
        Side::Outside
    );
    let empty = StripedPolygon::new(&Polygon::new(LineString::new(vec![]), vec![]));
    assert_eq!(empty.side_of((0.0, 0.0).into()), Side::Outside);
}

#[test]
fn a_line_is_in_two_stripes_on_average_and_a_stripe_is_short() {
    let corners = (0..1_000).map(|n| {
        let angle = f64::from(n) / 1_000.0 * std::f64::consts::TAU;
        let radius = 1.0 + 0.1 * (31.0 * angle).sin();
        (radius * angle.cos(), radius * angle.sin())
    });
    let ring = StripedRing::new(&LineString::from_iter(corners.chain([(1.0, 0.0)])));
    let stripes = ring.starts.len() - 1;
    assert!(
        (1_000..=2_100).contains(&ring.lines.len()),
        "{}",
        ring.lines.len()
    );
    assert!(stripes > 100, "{stripes}");
}

proptest! {
    /// Rings cross themselves and lie on each other here: all that matters is that no line is lost.
    #[test]
    fn stripes_agree_with_all_lines(
        exterior in lattice_ring(), holes in prop::collection::vec(lattice_ring(), 0..3),
        random in prop::collection::vec((-0.1..0.9_f64, -0.1..0.9_f64), 20),
    ) {
        let polygon = Polygon::new(exterior, holes);
        let striped = StripedPolygon::new(&polygon);
        let rings = std::iter::once(polygon.exterior()).chain(polygon.interiors());
        let on_lines = rings.flat_map(|ring| ring.lines()).flat_map(|line| [line.start, (line.start + line.end) / 2.0]);
        for point in on_lines.chain(random.into_iter().map(Coord::from)).flat_map(with_neighbours) {
            prop_assert_eq!(striped.side_of(point), side_of_polygon(point, &polygon), "{:?}", point);
        }
    }
}
