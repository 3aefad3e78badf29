//! Places that two areas hold.

use std::collections::BTreeMap;

use geo::{BooleanOps as _, Polygon, Rect, unary_union};
use rstar::primitives::{GeomWithData, Rectangle};
use rstar::{AABB, RTree};

use super::super::inside::Side;
use super::super::surface::surface_m2;
use super::{Ground, Overlap, Part, Small, clip};

/// Two areas by their places in the map's list, the smaller first.
type Pair = (u32, u32);

/// Overlaps whose pieces have at least so many square metres, the largest first.
pub(super) fn overlaps(ground: &Ground<'_>, least_m2: f64) -> (Vec<Overlap>, Small) {
    let mut small = Small::default();
    let mut overlaps = Vec::new();
    for (pair, pieces) in shared(ground) {
        let mut listed = (0.0, Vec::new());
        for piece in joined(pieces) {
            let piece_m2 = surface_m2([&piece]);
            if piece_m2 < least_m2 {
                small.take(piece_m2);
            } else {
                listed.0 += piece_m2;
                listed.1.push(piece);
            }
        }
        if !listed.1.is_empty() {
            // Areas are in the order of their ids, and the smallest id owns what several hold.
            overlaps.push(Overlap {
                owner: ground.area(pair.0).id.clone(),
                other: ground.area(pair.1).id.clone(),
                area_m2: listed.0,
                pieces: listed.1,
            });
        }
    }
    overlaps.sort_by(|a, b| b.area_m2.total_cmp(&a.area_m2));
    (overlaps, small)
}

/// What polygons of different areas share, proven in its middle. Only there: the middle of what
/// several polygons of one area share may be on the line between them, where none has its interior.
fn shared(ground: &Ground<'_>) -> BTreeMap<Pair, Vec<Polygon<f64>>> {
    let parts = &ground.parts;
    let rectangle = |envelope: Rect<f64>| {
        let (low, high) = (envelope.min(), envelope.max());
        Rectangle::from_corners([low.x, low.y], [high.x, high.y])
    };
    let envelopes = parts
        .iter()
        .enumerate()
        .map(|(at, part)| GeomWithData::new(rectangle(part.envelope), at));
    let envelopes = RTree::bulk_load(envelopes.collect());
    let mut shared: BTreeMap<Pair, Vec<Polygon<f64>>> = BTreeMap::new();
    for one in parts {
        let (low, high) = (one.envelope.min(), one.envelope.max());
        let near = AABB::from_corners([low.x, low.y], [high.x, high.y]);
        for found in envelopes.locate_in_envelope_intersecting(near) {
            let other = &parts[found.data];
            if one.area < other.area {
                let pair = (one.area, other.area);
                let mut pieces = intersection(one, other);
                pieces.retain(|piece| both_hold(ground, pair, piece));
                if !pieces.is_empty() {
                    shared.entry(pair).or_default().extend(pieces);
                }
            }
        }
    }
    shared
}

fn intersection(one: &Part<'_>, other: &Part<'_>) -> Vec<Polygon<f64>> {
    let (a, b) = (one.envelope, other.envelope);
    let low = (a.min().x.max(b.min().x), a.min().y.max(b.min().y));
    let high = (a.max().x.min(b.max().x), a.max().y.min(b.max().y));
    if low.0 >= high.0 || low.1 >= high.1 {
        return Vec::new();
    }
    let window = Rect::new(low, high);
    let Some(one) = clip::within(one.polygon, window) else {
        return Vec::new();
    };
    let Some(other) = clip::within(other.polygon, window) else {
        return Vec::new();
    };
    one.intersection(&other).0
}

/// The polygons of one area may overlap, or touch: each place once, and one piece where it is one.
fn joined(pieces: Vec<Polygon<f64>>) -> Vec<Polygon<f64>> {
    match pieces.len() {
        0 | 1 => pieces,
        _ => unary_union(&pieces).0,
    }
}

fn both_hold(ground: &Ground<'_>, (a, b): Pair, piece: &Polygon<f64>) -> bool {
    let holders = ground.holders_within(piece).unwrap_or_default();
    let inside = |area| {
        let mut holders = holders.iter();
        holders.any(|holder| holder.area == area && holder.side == Side::Inside)
    };
    inside(a) && inside(b)
}
