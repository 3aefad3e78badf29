//! The unit disc, and how much of it lies between its middle and a line.

use std::f64::consts::PI;

use super::plane::Flat;

/// Surface of the unit disc.
pub(super) const DISC: f64 = PI;

/// Signed surface of the part of the disc in the triangle of its middle and a straight line, positive
/// when the line goes counterclockwise around the middle. Summed over a ring it is the surface of
/// the disc's part in the ring, by the ring's direction.
pub(super) fn beside_line(from: Flat, to: Flat) -> f64 {
    let (from_2, to_2) = (dot(from, from), dot(to, to));
    if from_2 <= 1.0 && to_2 <= 1.0 {
        return cross(from, to) / 2.0;
    }
    let way: Flat = [to[0] - from[0], to[1] - from[1]];
    // Where |from + t way| = 1.
    let (a, half_b, c) = (dot(way, way), dot(from, way), from_2 - 1.0);
    let discriminant = half_b * half_b - a * c;
    if discriminant <= 0.0 {
        return beside_arc(from, to);
    }
    let root = discriminant.sqrt();
    let (enters, leaves) = ((-half_b - root) / a, (-half_b + root) / a);
    if leaves <= 0.0 || enters >= 1.0 {
        return beside_arc(from, to);
    }
    let at = |t: f64| [from[0] + t * way[0], from[1] + t * way[1]];
    let (mut first, mut last, mut surface) = (from, to, 0.0);
    if enters > 0.0 {
        first = at(enters);
        surface += beside_arc(from, first);
    }
    if leaves < 1.0 {
        last = at(leaves);
        surface += beside_arc(last, to);
    }
    surface + cross(first, last) / 2.0
}

/// The same for whatever goes from one place to the other outside of the disc and turns around it
/// by less than half a turn.
pub(super) fn beside_arc(from: Flat, to: Flat) -> f64 {
    cross(from, to).atan2(dot(from, to)) / 2.0
}

/// Square of the distance from the middle to a straight line.
pub(super) fn distance_2(from: Flat, to: Flat) -> f64 {
    let way: Flat = [to[0] - from[0], to[1] - from[1]];
    let length_2 = dot(way, way);
    let along = if length_2 > 0.0 {
        (-dot(from, way) / length_2).clamp(0.0, 1.0)
    } else {
        0.0
    };
    let foot = [from[0] + along * way[0], from[1] + along * way[1]];
    dot(foot, foot)
}

pub(super) fn cross(a: Flat, b: Flat) -> f64 {
    a[0] * b[1] - a[1] * b[0]
}

fn dot(a: Flat, b: Flat) -> f64 {
    a[0] * b[0] + a[1] * b[1]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn share(ring: &[Flat]) -> f64 {
        let next = ring.iter().skip(1).chain(ring.first());
        let beside = ring
            .iter()
            .zip(next)
            .map(|(from, to)| beside_line(*from, *to));
        beside.sum::<f64>() / DISC
    }

    #[test]
    fn closed_forms() {
        const FAR: f64 = 10.0;
        let half = [[0.0, -FAR], [FAR, -FAR], [FAR, FAR], [0.0, FAR]];
        assert!((share(&half) - 0.5).abs() < 1e-12);
        let quarter = [[0.0, 0.0], [FAR, 0.0], [FAR, FAR], [0.0, FAR]];
        assert!((share(&quarter) - 0.25).abs() < 1e-12);
        // A segment beyond x = 1/2: (acos(d) - d √(1 - d²)) / π.
        let segment = [[0.5, -FAR], [FAR, -FAR], [FAR, FAR], [0.5, FAR]];
        let expected = (0.5_f64.acos() - 0.5 * 0.75_f64.sqrt()) / PI;
        assert!((share(&segment) - expected).abs() < 1e-12);
        let inner = [[-0.1, -0.1], [0.1, -0.1], [0.1, 0.1], [-0.1, 0.1]];
        assert!((share(&inner) - 0.04 / PI).abs() < 1e-15);
        let around = [[-FAR, -FAR], [FAR, -FAR], [FAR, FAR], [-FAR, FAR]];
        assert!((share(&around) - 1.0).abs() < 1e-12);
        let beside = [[2.0, -FAR], [FAR, -FAR], [FAR, FAR], [2.0, FAR]];
        assert!(share(&beside).abs() < 1e-12);
    }

    proptest! {
        /// Rings of any form: against counting the points of a lattice, with their winding numbers.
        #[test]
        fn any_triangle_agrees_with_a_lattice(
            ring in prop::array::uniform3((-2.0..2.0_f64, -2.0..2.0_f64)),
        ) {
            const SIDE: i32 = 100;
            let ring: Vec<Flat> = ring.iter().map(|&(x, y)| [x, y]).collect();
            let left_of = |a: Flat, b: Flat, p: Flat| {
                cross([b[0] - a[0], b[1] - a[1]], [p[0] - a[0], p[1] - a[1]]) > 0.0
            };
            let mut within = 0;
            let steps = || (0..SIDE).map(|n| (f64::from(n) + 0.5) / f64::from(SIDE) * 2.0 - 1.0);
            for p in steps().flat_map(|x| steps().map(move |y| [x, y])) {
                let sides = [0, 1, 2].map(|n| left_of(ring[n], ring[(n + 1) % 3], p));
                within += i32::from(dot(p, p) < 1.0 && (sides == [true; 3] || sides == [false; 3]));
            }
            let counted = f64::from(within) * (2.0 / f64::from(SIDE)).powi(2) / DISC;
            prop_assert!((share(&ring).abs() - counted).abs() < 0.02);
        }
    }
}
