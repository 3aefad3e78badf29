use proptest::prelude::*;

use super::super::weave::Joints;
use super::*;

const CENTRE: Corner = Corner {
    x: 1_270_000_000,
    y: 375_000_000,
};

fn corner(x: i64, y: i64) -> Corner {
    Corner {
        x: CENTRE.x + x,
        y: CENTRE.y + y,
    }
}

fn patch(rings: &[Vec<Corner>]) -> Patch {
    Patch {
        rings: rings.iter().map(|ring| ring_of(ring)).collect(),
    }
}

fn area_of(patches: &[Patch]) -> i128 {
    patches
        .iter()
        .flat_map(|patch| &patch.rings)
        .map(|ring| doubled_area(&corners(ring)))
        .sum()
}

/// Inside, outside, or `None` on a border.
fn holds(patches: &[Patch], at: Corner) -> Option<bool> {
    let mut inside = false;
    for ring in patches.iter().flat_map(|patch| &patch.rings) {
        inside ^= encloses(&corners(ring), at)?;
    }
    Some(inside)
}

/// A star of one radius per corner, at equal angles, counter-clockwise.
fn star(radii: &[i64]) -> Vec<Corner> {
    let turn = std::f64::consts::TAU / radii.len() as f64;
    let at = |(n, &radius): (usize, &i64)| {
        let (sin, cos) = (turn * n as f64).sin_cos();
        corner((radius as f64 * cos) as i64, (radius as f64 * sin) as i64)
    };
    radii.iter().enumerate().map(at).collect()
}

prop_compose! {
    /// A jagged district of up to 20 km, with a hole around its middle.
    fn jagged()(
        outer in prop::collection::vec(100_000..1_000_000_i64, 5..40),
        inner in prop::collection::vec(1_000..70_000_i64, 3..20),
    ) -> Vec<Patch> {
        let mut hole = star(&inner);
        hole.reverse();
        vec![patch(&[star(&outer), hole])]
    }
}

fn site() -> impl Strategy<Value = Corner> {
    (-900_000..900_000_i64, -900_000..900_000_i64).prop_map(|(x, y)| corner(x, y))
}

proptest! {
    #[test]
    fn cells_fill_the_district_without_gap_or_overlap(
        mut district in jagged(),
        sites in prop::collection::vec(site(), 2..5),
    ) {
        let mut cells = nearest_cells(&district, &sites);
        let mut joints = Joints::default();
        cells.iter().for_each(|cell| joints.note(cell));
        cells.iter_mut().for_each(|cell| joints.weave(cell));
        joints.weave(&mut district);
        let sum: i128 = cells.iter().map(|cell| area_of(cell)).sum();
        prop_assert_eq!(sum, area_of(&district));
    }

    #[test]
    fn a_place_is_in_the_cell_of_its_nearest_site_alone(
        district in jagged(),
        sites in prop::collection::vec(site(), 2..5),
        places in prop::collection::vec(site(), 100),
    ) {
        // The ends of a cut are rounded to the grid, so the cut may be off by a unit.
        const ROUNDING_UNITS: f64 = 2.0;
        let plane = Plane::around(&sites);
        let cells = nearest_cells(&district, &sites);
        for place in places {
            let distances: Vec<f64> =
                (0..sites.len()).map(|n| plane.squared_distance(place, n).sqrt()).collect();
            let nearest = distances.iter().copied().fold(f64::INFINITY, f64::min);
            let Some(in_district) = holds(&district, place) else { continue };
            for (cell, distance) in cells.iter().zip(&distances) {
                let gap = distances.iter().map(|other| (other - distance).abs());
                if gap.clone().any(|gap| gap > 0.0 && gap < ROUNDING_UNITS) { continue; }
                if let Some(in_cell) = holds(cell, place) {
                    prop_assert_eq!(in_cell, in_district && *distance <= nearest);
                }
            }
        }
    }
}

#[test]
fn a_comb_falls_into_its_teeth() {
    // The line between the sites is y = 20: below it the back, above it three teeth.
    let comb = [
        (0, 0),
        (50, 0),
        (50, 100),
        (40, 100),
        (40, 10),
        (30, 10),
        (30, 100),
        (20, 100),
        (20, 10),
        (10, 10),
        (10, 100),
        (0, 100),
    ]
    .map(|(x, y)| corner(x, y));
    let cells = nearest_cells(&[patch(&[comb.to_vec()])], &[corner(25, 0), corner(25, 40)]);
    assert_eq!(cells[0].len(), 1);
    assert_eq!(cells[1].len(), 3);
    assert_eq!(area_of(&cells[0]) + area_of(&cells[1]), doubled_area(&comb));
}

#[test]
fn a_hole_across_the_line_becomes_a_bay_and_one_beside_it_stays_a_hole() {
    let square = |x: i64, y: i64, size: i64| {
        [(x, y), (x + size, y), (x + size, y + size), (x, y + size)]
            .map(|(x, y)| corner(x, y))
            .to_vec()
    };
    let hole = |x, y, size| {
        let mut ring = square(x, y, size);
        ring.reverse();
        ring
    };
    let district = patch(&[square(0, 0, 1000), hole(100, 450, 100), hole(700, 700, 100)]);
    let cells = nearest_cells(&[district], &[corner(500, 400), corner(500, 600)]);
    assert_eq!(cells.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1]);
    assert_eq!(cells[0][0].rings.len(), 1);
    assert_eq!(cells[1][0].rings.len(), 2);
    assert_eq!(area_of(&cells[0]), 2 * (500_000 - 5_000));
    assert_eq!(area_of(&cells[1]), 2 * (500_000 - 15_000));
}

#[test]
fn of_two_sites_in_one_place_the_first_has_all() {
    let square = vec![patch(&[[(0, 0), (9, 0), (9, 9), (0, 9)]
        .map(|(x, y)| corner(x, y))
        .to_vec()])];
    let cells = nearest_cells(&square, &[corner(3, 3), corner(3, 3)]);
    assert_eq!(cells, [square, Vec::new()]);
}

#[test]
fn sites_in_a_row_cut_stripes() {
    let square = vec![patch(&[[(0, 0), (900, 0), (900, 900), (0, 900)]
        .map(|(x, y)| corner(x, y))
        .to_vec()])];
    let cells = nearest_cells(&square, &[corner(0, 150), corner(0, 450), corner(0, 750)]);
    assert!(cells.iter().all(|cell| area_of(cell) == 2 * 900 * 300));
}
