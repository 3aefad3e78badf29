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
    Cells::build(&shapes).map(|built| built.cells)
}

/// The polygons that may hold a place; `None` for a crowd.
fn claimed(cells: &Cells, x: f64, y: f64) -> Option<Vec<u32>> {
    let point = Coord { x, y };
    match cells.at(point) {
        Content::Sole(part) => Some(vec![part]),
        Content::Crowd => None,
        Content::Listed(record) => {
            let sides = cells.sides(point, record, |_| panic!("asked"));
            Some(sides.map(|(part, _)| part).collect())
        }
    }
}

/// The only polygon of a cell without lines.
fn sole(cells: &Cells, x: f64, y: f64) -> Option<u32> {
    match cells.at(Coord { x, y }) {
        Content::Sole(part) => Some(part),
        Content::Crowd | Content::Listed(_) => None,
    }
}

#[test]
fn a_cell_away_from_every_line_answers_and_one_beside_it_asks() {
    let cells = cells(&[square(0.0, 0.0, 8.0), square(8.0, 0.0, 8.0)]).unwrap();
    assert_eq!(sole(&cells, 4.0, 4.0), Some(0));
    assert_eq!(sole(&cells, 12.0, 4.0), Some(1));
    assert_eq!(sole(&cells, 8.0, 4.0), None);
    assert_eq!(claimed(&cells, 8.0, 4.0), Some(vec![0, 1]));
    assert_eq!(claimed(&cells, 0.0, 4.0), Some(vec![0]));
    assert_eq!(claimed(&cells, 16.0, 8.0), Some(vec![1]));
    assert_eq!(claimed(&cells, 16.1, 4.0), Some(vec![]));
}

#[test]
fn polygons_on_top_of_each_other_are_listed_until_they_are_a_crowd() {
    let stack = |count: u32| {
        let polygons: Vec<_> = (0..count).map(|_| square(0.0, 0.0, 1.0)).collect();
        let listed = claimed(&cells(&polygons).unwrap(), 0.5, 0.5);
        listed.map(|claims| claims.len())
    };
    assert_eq!(stack(MAX_CLAIMS as u32), Some(32));
    assert_eq!(stack(MAX_CLAIMS as u32 + 1), None);
}

/// On which side of each polygon of its cell's record a place is.
fn listed(cells: &Cells, x: f64, y: f64) -> Vec<(u32, Side)> {
    let point = Coord { x, y };
    match cells.at(point) {
        Content::Listed(record) => cells.sides(point, record, |_| panic!("asked")).collect(),
        Content::Sole(_) | Content::Crowd => panic!("no record"),
    }
}

/// Claims of a cell's record.
fn claims(cells: &Cells, x: f64, y: f64) -> u64 {
    match cells.at(Coord { x, y }) {
        Content::Listed(record) => record[0],
        Content::Sole(_) | Content::Crowd => panic!("no record"),
    }
}

#[test]
fn two_neighbours_share_the_lines_of_their_border() {
    let cells = cells(&[square(0.0, 0.0, 8.0), square(8.0, 0.0, 8.0)]).unwrap();
    let Content::Listed(record) = cells.at(Coord { x: 8.1, y: 3.0 }) else {
        panic!("no record");
    };
    // The number of claims, two of them, and the two ends of one line; the next record follows.
    assert_eq!(record[0], 2);
    let numbers: Vec<_> = record[3..7]
        .iter()
        .map(|word| f64::from_bits(*word))
        .collect();
    assert_eq!(numbers, [8.0, 0.0, 8.0, 8.0]);
    assert!([1, 2].contains(&record[7]), "{}", record[7]);
    let sides = |x| listed(&cells, x, 3.0);
    assert_eq!(sides(7.9), [(0, Side::Inside), (1, Side::Outside)]);
    assert_eq!(sides(8.0), [(0, Side::Boundary), (1, Side::Boundary)]);
    assert_eq!(sides(8.1), [(0, Side::Outside), (1, Side::Inside)]);
}

#[test]
fn a_cell_that_a_ring_passes_twice_has_a_strand_for_each() {
    let slit = polygon![
        (x: 0.0, y: 0.0), (x: 8.0, y: 0.0), (x: 8.0, y: 8.0), (x: 4.61, y: 8.0), (x: 4.6, y: 1.0),
        (x: 4.59, y: 8.0), (x: 0.0, y: 8.0),
    ];
    let cells = cells(&[slit]).unwrap();
    assert_eq!(claims(&cells, 4.6, 4.5), 1);
    for (x, side) in [
        (4.5, Side::Inside),
        (4.6, Side::Outside),
        (4.7, Side::Inside),
    ] {
        assert_eq!(listed(&cells, x, 4.5), [(0, side)], "{x}");
    }
    let comb = polygon![
        (x: 0.0, y: 0.0), (x: 8.0, y: 0.0), (x: 8.0, y: 8.0), (x: 4.61, y: 8.0), (x: 4.61, y: 1.0),
        (x: 4.59, y: 1.0), (x: 4.59, y: 8.0), (x: 0.0, y: 8.0),
    ];
    let cells = self::cells(&[comb]).unwrap();
    assert_eq!(claims(&cells, 4.6, 4.5), 2);
    assert_eq!(listed(&cells, 4.6, 4.5), [(0, Side::Outside)]);
    assert_eq!(listed(&cells, 4.61, 4.5), [(0, Side::Boundary)]);
    assert_eq!(listed(&cells, 4.7, 4.5), [(0, Side::Inside)]);
}

#[test]
fn a_cell_of_many_lines_asks_the_polygon() {
    let teeth = (0..200).map(|n| (f64::from(n) * 1e-4, f64::from(n % 2) * 1e-4));
    let far = [(8.0, 0.0), (8.0, 8.0), (0.0, 8.0)];
    let saw = Polygon::new(teeth.chain(far).collect(), vec![]);
    let striped = StripedPolygon::new(&saw);
    let shapes = [Shape {
        polygon: &saw,
        striped: &striped,
        envelope: saw.bounding_rect().unwrap(),
    }];
    let built = Cells::build(&shapes).unwrap();
    let place = Coord { x: 0.01, y: 0.001 };
    let Content::Listed(record) = built.cells.at(place) else {
        panic!("no record");
    };
    let sides = built.cells.sides(place, record, |part| {
        assert_eq!(part, 0);
        Side::Boundary
    });
    assert_eq!(sides.collect::<Vec<_>>(), [(0, Side::Boundary)]);
    assert_eq!(built.asked, [true]);
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

#[test]
fn slivers_without_surface_are_counted_by_the_cells_that_they_pass() {
    let sliver = |n: usize| {
        let lat = n as f64 * 1e-4;
        Rect::new((-180.0, lat), (180.0, lat))
    };
    let envelopes: Vec<_> = (0..10_000).map(sliver).collect();
    let frame = Frame::new(&envelopes, 40_000).unwrap();
    assert!(
        frame.columns * envelopes.len() < 5_000_000,
        "{}",
        frame.columns
    );
}

#[test]
fn a_polygon_of_many_rings_is_asked_where_its_lines_are() {
    let hole = |n: usize| {
        let (x, y) = ((n % 10) as f64, (n / 10) as f64);
        square(x + 0.25, y + 0.25, 0.5).exterior().clone()
    };
    let lakes = Polygon::new(
        square(0.0, 0.0, 10.0).exterior().clone(),
        (0..100).map(hole).collect(),
    );
    let striped = StripedPolygon::new(&lakes);
    let envelope = lakes.bounding_rect().unwrap();
    let polygon = &lakes;
    let built = Cells::build(&[Shape {
        polygon,
        striped: &striped,
        envelope,
    }])
    .unwrap();
    assert_eq!(built.asked, [true]);
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
        frame.cells_of(line, |column, row| named.push((column, row)));
        prop_assert!(named.len() <= 3 * (frame.columns + frame.rows));
        for part in parts.into_iter().chain([0.0, 0.5, 1.0]) {
            let cell = frame.cell_at(line.start + line.delta() * part);
            // Rounding may move the end of a line off the map.
            prop_assert!(cell.is_none_or(|cell| named.contains(&cell)));
        }
    }
}
