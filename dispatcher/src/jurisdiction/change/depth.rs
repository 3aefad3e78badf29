//! How deep is a piece of land that no area holds? By halving its box, and never looking where no
//! place can be deeper than what is known.

use geo::{Coord, Polygon};
use protocol::LatLon;

/// Boxes are not halved any more when their half diagonal is this part of the least depth, or of the
/// piece's own: a large piece is looked at in some thousands of places.
const FINEST_OF_LEAST: f64 = 1.0 / 8.0;
const FINEST_OF_PIECE: f64 = 1.0 / 64.0;

/// A depth is known to this factor.
const WELL_ENOUGH: f64 = 1.1;

/// Metres of a degree of latitude at a pole, where they are most (NIMA TR8350.2).
const DEGREE_OF_LAT_M: f64 = 111_694.0;
/// Metres of a degree of longitude at the equator.
const DEGREE_OF_LON_M: f64 = 111_320.0;

/// What a place of the piece comes to.
#[derive(Clone, Copy)]
pub(super) struct Look {
    /// How far it is from every area; infinite when it is nobody's.
    pub(super) away_m: f64,
    /// Whoever it goes to is not who had it.
    pub(super) is_lost: bool,
}

/// The greatest distance of a lost place in the piece, in metres, to a tenth or an eighth of
/// `least_m`; anything up to `least_m` when none is farther.
///
/// The distance must not change faster than one walks, as it does not.
pub(super) fn farthest_m(piece: &Polygon<f64>, least_m: f64, look: impl Fn(LatLon) -> Look) -> f64 {
    let rings = std::iter::once(piece.exterior()).chain(piece.interiors());
    let whole = Part(rings.map(|ring| ring.0.clone()).collect());
    let whole_m = whole
        .bounds()
        .map_or(0.0, |(lower, upper)| half_diagonal_m(lower, upper));
    let finest_m = (least_m * FINEST_OF_LEAST).max(whole_m * FINEST_OF_PIECE);
    let mut to_look_at = vec![whole];
    let mut farthest_m = 0.0_f64;
    while let Some(part) = to_look_at.pop() {
        let Some((lower, upper)) = part.bounds() else {
            continue;
        };
        let middle = (lower + upper) / 2.0;
        let Ok(place) = LatLon::new(middle.y, middle.x) else {
            continue;
        };
        let (here, half_m) = (look(place), half_diagonal_m(lower, upper));
        if here.away_m + half_m <= least_m.max(farthest_m * WELL_ENOUGH) {
            continue;
        }
        let is_finest = half_m <= finest_m;
        let is_held = part.holds(middle);
        if here.is_lost && is_held {
            farthest_m = farthest_m.max(here.away_m);
        } else if here.is_lost && is_finest {
            // Whatever of the piece is in this box is not nearer than this.
            farthest_m = farthest_m.max(here.away_m - half_m);
        }
        if farthest_m.is_infinite() {
            return farthest_m;
        }
        if !is_finest {
            to_look_at.extend(part.halves(lower, upper));
        }
    }
    farthest_m
}

fn half_diagonal_m(lower: Coord<f64>, upper: Coord<f64>) -> f64 {
    let widest_lat_deg = if lower.y * upper.y <= 0.0 {
        0.0
    } else {
        lower.y.abs().min(upper.y.abs())
    };
    let width_m = (upper.x - lower.x) * DEGREE_OF_LON_M * widest_lat_deg.to_radians().cos();
    let height_m = (upper.y - lower.y) * DEGREE_OF_LAT_M;
    // The ellipsoid's parallels are up to 0.34 % longer than the sphere's.
    width_m.hypot(height_m) / 2.0 * 1.004
}

/// What a box cuts out of the piece: rings that may run back along the box's sides.
struct Part(Vec<Vec<Coord<f64>>>);

impl Part {
    fn bounds(&self) -> Option<(Coord<f64>, Coord<f64>)> {
        let mut corners = self.0.iter().flatten();
        let first = *corners.next()?;
        Some(corners.fold((first, first), |(lower, upper), corner| {
            let lower = Coord {
                x: lower.x.min(corner.x),
                y: lower.y.min(corner.y),
            };
            let upper = Coord {
                x: upper.x.max(corner.x),
                y: upper.y.max(corner.y),
            };
            (lower, upper)
        }))
    }

    /// By the even-odd rule; a place on a line may count as either.
    fn holds(&self, at: Coord<f64>) -> bool {
        let lines = self.0.iter().flat_map(|ring| ring.windows(2));
        let to_the_east = |line: &&[Coord<f64>]| {
            let (from, to) = (line[0], line[1]);
            (from.y > at.y) != (to.y > at.y)
                && at.x < from.x + (at.y - from.y) / (to.y - from.y) * (to.x - from.x)
        };
        lines.filter(to_the_east).count() % 2 == 1
    }

    /// Cut through the middle of the longer side.
    fn halves(&self, lower: Coord<f64>, upper: Coord<f64>) -> [Self; 2] {
        let shrink = lower.y.abs().min(upper.y.abs()).to_radians().cos();
        let across = (upper.x - lower.x) * shrink > upper.y - lower.y;
        let value = |corner: Coord<f64>| if across { corner.x } else { corner.y };
        let at = f64::midpoint(value(lower), value(upper));
        [1.0, -1.0].map(|side| {
            let rings = self
                .0
                .iter()
                .map(|ring| cut(ring, |corner| side * (at - value(corner))));
            Self(rings.filter(|ring| !ring.is_empty()).collect())
        })
    }
}

/// The ring where `side` is not negative (Sutherland and Hodgman, 1974).
fn cut(ring: &[Coord<f64>], side: impl Fn(Coord<f64>) -> f64) -> Vec<Coord<f64>> {
    let mut kept = Vec::with_capacity(ring.len());
    for line in ring.windows(2) {
        let (from, to) = (side(line[0]), side(line[1]));
        if from >= 0.0 {
            kept.push(line[0]);
        }
        if (from < 0.0) != (to < 0.0) {
            kept.push(line[0] + (line[1] - line[0]) * (from / (from - to)));
        }
    }
    if let Some(first) = kept.first().copied() {
        kept.push(first);
    }
    kept
}
