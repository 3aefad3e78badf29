//! Places that areas enclose and none holds.

use geo::bool_ops::{FillRule, OpType};
use geo::orient::Direction;
use geo::{
    BooleanOps as _, BoundingRect as _, Coord, MapCoords as _, MultiPolygon, Orient as _, Polygon,
    Rect,
};
use protocol::JurisdictionId;

use super::super::surface::surface_m2;
use super::beside::Borders;
use super::{Gap, Ground, Small};

/// The antimeridian has two names.
const ANTIMERIDIAN_DEG: f64 = 180.0;
const TURN_DEG: f64 = 360.0;

/// Around the map, so that everything that is not enclosed is one piece.
const MARGIN_DEG: f64 = 1.0;

/// Steps of the grid of boolean operations over the width of what they are given.
const GRID_STEPS: f64 = (1_u32 << 30) as f64;

/// A line is along a gap when it is at most so many steps of the grid away: two for rounding on
/// either side, two for the crossings of rounded lines.
const BESIDE_STEPS: f64 = 4.0;

/// Gaps of at least so many square metres, the largest first.
pub(super) fn gaps(ground: &Ground<'_>, least_m2: f64) -> (Vec<Gap>, Small) {
    let (mut gaps, mut small) = (Vec::new(), Small::default());
    let borders = Borders::new(ground);
    for hole in holes(ground) {
        let hole_m2 = surface_m2([&hole.outline]);
        if hole_m2 < least_m2 {
            small.take(hole_m2);
            continue;
        }
        let pieces = on_earth(&hole.outline);
        let free = |piece| {
            ground
                .holders_within(piece)
                .is_some_and(|holders| holders.is_empty())
        };
        if pieces.iter().any(free) {
            gaps.push(Gap {
                neighbours: neighbours(&borders, &pieces, hole.beside_deg),
                area_m2: hole_m2,
                pieces,
            });
        }
    }
    gaps.sort_by(|a, b| b.area_m2.total_cmp(&a.area_m2));
    (gaps, small)
}

/// A gap as the grid has it; its longitudes may be beyond 180°.
struct Hole {
    outline: Polygon<f64>,
    /// How far a line may be away and still be along it.
    beside_deg: f64,
}

fn holes(ground: &Ground<'_>) -> Vec<Hole> {
    // Lines that turn the same way, so that what is in several areas is counted and what is in a
    // hole of one is not.
    let polygons = ground
        .parts
        .iter()
        .map(|part| part.polygon.orient(Direction::Default));
    let polygons = MultiPolygon::new(polygons.collect());
    let mut holes = enclosed(&polygons);
    let at = |longitude: f64| {
        let mut parts = ground.parts.iter();
        parts.any(|part| part.envelope.min().x == longitude || part.envelope.max().x == longitude)
    };
    if at(ANTIMERIDIAN_DEG) && at(-ANTIMERIDIAN_DEG) {
        // The same areas one turn farther east: the antimeridian is in the middle and no border.
        let again = polygons.map_coords(|corner| Coord {
            x: corner.x + TURN_DEG,
            ..corner
        });
        let twice = MultiPolygon::new(polygons.0.into_iter().chain(again).collect());
        holes.extend(enclosed(&twice).into_iter().filter(|hole| {
            let envelope = hole.outline.bounding_rect();
            envelope.is_some_and(|envelope| {
                envelope.min().x < ANTIMERIDIAN_DEG && envelope.max().x > ANTIMERIDIAN_DEG
            })
        }));
    }
    holes
}

/// What is left of a rectangle around the polygons, but for the part that reaches its border.
fn enclosed(polygons: &MultiPolygon<f64>) -> Vec<Hole> {
    let Some(envelope) = polygons.bounding_rect() else {
        return Vec::new();
    };
    let margin = Coord {
        x: MARGIN_DEG,
        y: MARGIN_DEG,
    };
    let around = Rect::new(envelope.min() - margin, envelope.max() + margin);
    let beside_deg = BESIDE_STEPS * around.width().max(around.height()) / GRID_STEPS;
    let rest = around
        .to_polygon()
        .orient(Direction::Default)
        .boolean_op_with_fill_rule(polygons, OpType::Difference, FillRule::Positive);
    let reaches_border = |hole: &Polygon<f64>| {
        let west = hole.bounding_rect().map(|hole| hole.min().x);
        west.is_none_or(|west| west < envelope.min().x - MARGIN_DEG / 2.0)
    };
    let enclosed = rest.0.into_iter().filter(|hole| !reaches_border(hole));
    enclosed
        .map(|outline| Hole {
            outline,
            beside_deg,
        })
        .collect()
}

/// Cut where the antimeridian is (RFC 7946, section 3.1.9), and called by longitudes up to 180°.
fn on_earth(outline: &Polygon<f64>) -> Vec<Polygon<f64>> {
    let Some(envelope) = outline
        .bounding_rect()
        .filter(|hole| hole.max().x > ANTIMERIDIAN_DEG)
    else {
        return vec![outline.clone()];
    };
    let west = Rect::new(
        envelope.min(),
        Coord {
            x: ANTIMERIDIAN_DEG,
            ..envelope.max()
        },
    )
    .to_polygon();
    let east = Rect::new(
        Coord {
            x: ANTIMERIDIAN_DEG,
            ..envelope.min()
        },
        envelope.max(),
    )
    .to_polygon();
    let back = |corner: Coord<f64>| Coord {
        x: corner.x - TURN_DEG,
        ..corner
    };
    let east = outline.intersection(&east).map_coords(back);
    outline
        .intersection(&west)
        .into_iter()
        .chain(east)
        .collect()
}

fn neighbours(
    borders: &Borders<'_>,
    pieces: &[Polygon<f64>],
    beside_deg: f64,
) -> Vec<JurisdictionId> {
    let each = pieces
        .iter()
        .flat_map(|piece| borders.neighbours(piece, beside_deg));
    let mut all: Vec<_> = each.collect();
    all.sort_unstable();
    all.dedup();
    all
}
