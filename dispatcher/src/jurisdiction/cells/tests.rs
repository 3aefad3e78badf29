use geo::{BoundingRect as _, polygon};
use proptest::prelude::*;

use super::*;

fn square(west: f64, south: f64, size: f64) -> Polygon<f64> {
    let (east, north) = (west + size, south + size);
    polygon![(x: west, y: south), (x: east, y: south), (x: east, y: north), (x: west, y: north)]
}

fn cells(polygons: &[Polygon<f64>]) -> Option<Cells> {
    let striped: Vec<_> = polygons.iter().map(StripedPolygon::new).collect();
    let shapes: Vec<_> = polygons
        .iter()
        .zip(&striped)
        .map(|(polygon, striped)| {
            let envelope = polygon.bounding_rect().unwrap();
            Shape {
                polygon,
                striped,
                envelope,
            }
        })
        .collect();
    Cells::new(&shapes)
}

fn claimed(cells: &Cells, x: f64, y: f64) -> Option<Vec<(u32, bool)>> {
    let claims = cells.at(Coord { x, y })?;
    Some(
        claims
            .iter()
            .map(|claim| (claim.part(), claim.is_whole()))
            .collect(),
    )
}

#[test]
fn a_cell_away_from_every_line_answers_and_one_beside_it_asks() {
    let cells = cells(&[square(0.0, 0.0, 8.0), square(8.0, 0.0, 8.0)]).unwrap();
    assert_eq!(claimed(&cells, 4.0, 4.0), Some(vec![(0, true)]));
    assert_eq!(claimed(&cells, 12.0, 4.0), Some(vec![(1, true)]));
    assert_eq!(
        claimed(&cells, 8.0, 4.0),
        Some(vec![(0, false), (1, false)])
    );
    assert_eq!(claimed(&cells, 0.0, 4.0), Some(vec![(0, false)]));
    assert_eq!(claimed(&cells, 16.0, 8.0), Some(vec![(1, false)]));
    assert_eq!(claimed(&cells, 16.1, 4.0), Some(vec![]));
}

#[test]
fn polygons_on_top_of_each_other_are_listed_until_they_are_a_crowd() {
    let stack = |count: u32| {
        let polygons: Vec<_> = (0..count).map(|_| square(0.0, 0.0, 1.0)).collect();
        let listed = claimed(&cells(&polygons).unwrap(), 0.5, 0.5);
        listed.map(|claims| claims.len())
    };
    assert_eq!(stack(MAX_CLAIMS), Some(32));
    assert_eq!(stack(MAX_CLAIMS + 1), None);
}

#[test]
fn a_map_without_polygons_has_no_grid() {
    assert!(cells(&[]).is_none());
}

#[test]
fn many_wide_overlaps_make_cells_larger() {
    let cells = |count| {
        let envelopes = vec![Rect::new((0.0, 0.0), (1.0, 1.0)); count];
        let frame = Frame::new(&envelopes, 1_000_000).unwrap();
        frame.columns * frame.rows * count
    };
    for count in [1, 10, 1_000] {
        assert!(
            (900_000..=5_000_000).contains(&cells(count)),
            "{count}: {}",
            cells(count)
        );
    }
}

proptest! {
    /// Lines long, short, level, upright and on the borders of cells.
    #[test]
    fn every_point_of_a_line_is_in_a_cell_that_knows_it(
        ends in prop_oneof![
            ((0.0..=10.0_f64, 0.0..=10.0_f64), (0.0..=10.0_f64, 0.0..=10.0_f64)),
            ((0..=80_u8, 0..=80_u8), (0..=80_u8, 0..=80_u8)).prop_map(|(a, b)| {
                let eighths = |n: u8| f64::from(n) / 8.0;
                ((eighths(a.0), eighths(a.1)), (eighths(b.0), eighths(b.1)))
            }),
        ],
        parts in prop::collection::vec(0.0..=1.0_f64, 30),
    ) {
        let frame = Frame::new(&[Rect::new((0.0, 0.0), (10.0, 10.0))], 64).unwrap();
        let line = geo::Line::new(ends.0, ends.1);
        let mut named = Vec::new();
        frame.cells_of(line, |column, row| named.push(frame.number(column, row)));
        prop_assert!(named.len() <= 3 * (frame.columns + frame.rows));
        for part in parts.into_iter().chain([0.0, 0.5, 1.0]) {
            let cell = frame.cell_at(line.start + line.delta() * part);
            // Rounding may move the end of a line off the map.
            prop_assert!(cell.is_none_or(|cell| named.contains(&cell)));
        }
    }
}
