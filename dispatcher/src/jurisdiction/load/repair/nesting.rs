//! Rings that do not meet and lie in each other as they should not.

use std::cell::OnceCell;

use geo::{BoundingRect as _, Coord, Polygon};
use rstar::RTree;
use rstar::primitives::{GeomWithData, Rectangle};

use super::super::super::inside::{Side, side_by_rings};
use super::super::super::stripes::StripedPolygon;
use super::meetings::Budget;
use super::{Groups, Rings, Tangled};

/// Joins polygons of which one may be inside of the other, and marks those with a hole that is
/// outside or within another hole. Of rings that do not meet one corner tells; of those that do it
/// may tell too much, never too little.
pub(super) fn join_nested(area: &Rings<'_>, groups: &mut Groups) -> Result<(), Tangled> {
    if area.rings.len() < 2 {
        return Ok(());
    }
    let sides = Sides::of(area);
    let mut budget = Budget::for_lines(area.rings.iter().map(|ring| ring.0.len()).sum());
    let mut boxes = Vec::with_capacity(area.rings.len());
    let mut exterior: Option<(u32, geo::Rect<f64>)> = None;
    for (number, ring) in (0_u32..).zip(&area.rings) {
        let Some(own) = ring.bounding_rect() else {
            continue;
        };
        let owner = area.owners[number as usize];
        match exterior {
            Some((of, around)) if of == owner => {
                let joined = super::super::super::cells::joined(around, own);
                if joined != around {
                    groups.join(owner, owner);
                }
            }
            _ => exterior = Some((owner, own)),
        }
        let (lower, upper) = (own.min(), own.max());
        let own = Rectangle::from_corners([lower.x, lower.y], [upper.x, upper.y]);
        boxes.push(GeomWithData::new(own, number));
    }
    let boxes = RTree::bulk_load(boxes);
    for (a, b) in boxes.intersection_candidates_with_other_tree(&boxes) {
        if a.data >= b.data {
            continue;
        }
        budget.spend()?;
        if sides.nested_wrongly(a.data, b.data) {
            let owners = [a, b].map(|ring| area.owners[ring.data as usize]);
            groups.join(owners[0], owners[1]);
        }
    }
    Ok(())
}

/// Answers on which side of rings corners are.
struct Sides<'a> {
    area: &'a Rings<'a>,
    /// The number of each polygon's exterior, and the number behind its last hole.
    spans: Vec<(u32, u32)>,
    striped: Vec<OnceCell<StripedPolygon>>,
}

impl<'a> Sides<'a> {
    fn of(area: &'a Rings<'a>) -> Self {
        let mut spans: Vec<(u32, u32)> = Vec::new();
        for (number, owner) in (0..).zip(&area.owners) {
            match spans.get_mut(*owner as usize) {
                Some(span) => span.1 = number + 1,
                None => spans.push((number, number + 1)),
            }
        }
        Self {
            area,
            spans,
            striped: area.rings.iter().map(|_| OnceCell::new()).collect(),
        }
    }

    fn corner(&self, ring: u32) -> Coord<f64> {
        self.area.rings[ring as usize].0[0]
    }

    fn of_ring(&self, point: Coord<f64>, ring: u32) -> Side {
        let striped = self.striped[ring as usize].get_or_init(|| {
            let ring = self.area.rings[ring as usize].clone();
            StripedPolygon::new(&Polygon::new(ring, Vec::new()))
        });
        striped.side_of(point)
    }

    fn of_polygon(&self, point: Coord<f64>, exterior: u32) -> Side {
        let (_, end) = self.spans[self.area.owners[exterior as usize] as usize];
        side_by_rings(exterior, exterior + 1..end, |ring| {
            self.of_ring(point, ring)
        })
    }

    /// The first ring comes before the second one.
    fn nested_wrongly(&self, first: u32, second: u32) -> bool {
        let owners = [first, second].map(|ring| self.area.owners[ring as usize]);
        let [first_exterior, second_exterior] = owners.map(|owner| self.spans[owner as usize].0);
        let (corner, other) = (self.corner(first), self.corner(second));
        if owners[0] == owners[1] {
            return match first == first_exterior {
                true => self.of_ring(other, first) != Side::Inside,
                false => {
                    self.of_ring(other, first) == Side::Inside
                        || self.of_ring(corner, second) == Side::Inside
                }
            };
        }
        // A hole is not looked at: what is around it belongs to its own polygon.
        [first, second] == [first_exterior, second_exterior]
            && (self.of_polygon(corner, second) == Side::Inside
                || self.of_polygon(other, first) == Side::Inside)
    }
}
