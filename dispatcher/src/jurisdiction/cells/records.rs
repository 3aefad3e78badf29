//! The claims on a cell and the corners of their lines, written one behind the other: a place that is
//! asked for once is not in the processor's cache, and each jump to another table would cost more than
//! all that is computed.
//!
//! A record is a word with the number of claims, a word for each claim, and two for each corner, in the
//! order of the claims.

use geo::Coord;

use super::super::inside::Side;
use super::super::way::Way;
use super::claim::{Claim, Strand, What, only_strand};

/// A claim in a word.
#[derive(Clone, Copy)]
struct Word(u64);

impl Word {
    const LINES: u64 = 1 << 32;
    const ASK: u64 = 1 << 33;
    const HOLE: u64 = 1 << 34;
    const BEGINS_RING: u64 = 1 << 35;
    const MIDDLE_INSIDE: u64 = 1 << 36;
    /// The next claim is of the same polygon.
    const MORE: u64 = 1 << 37;
    /// The only lines of this polygon are the only ones of the polygon before, a border between two:
    /// they are not written again.
    const AGAIN: u64 = 1 << 38;
    const LINES_FROM_BIT: u32 = 56;

    fn new(claim: Claim, more: bool, again: bool) -> Self {
        let flag = |is: bool, flag: u64| if is { flag } else { 0 };
        let what = match claim.what {
            What::Whole => 0,
            What::Ask => Self::ASK,
            What::Lines(strand) => {
                Self::LINES
                    | u64::from(strand.lines) << Self::LINES_FROM_BIT
                    | flag(strand.is_hole, Self::HOLE)
                    | flag(strand.begins_ring, Self::BEGINS_RING)
                    | flag(strand.middle_inside, Self::MIDDLE_INSIDE)
            }
        };
        Self(u64::from(claim.part) | what | flag(more, Self::MORE) | flag(again, Self::AGAIN))
    }

    #[inline]
    fn is(self, flag: u64) -> bool {
        self.0 & flag != 0
    }

    #[inline]
    fn part(self) -> u32 {
        self.0 as u32
    }

    #[inline]
    fn corners(self) -> usize {
        (self.0 >> Self::LINES_FROM_BIT) as usize + 1
    }
}

/// Writes the claims on a cell behind the others; `corners` are those of all rings.
pub(super) fn write(claims: &[Claim], corners: &[Coord<f64>], words: &mut Vec<u64>) {
    words.push(claims.len() as u64);
    let mut written: Vec<Strand> = Vec::new();
    let mut before: Option<&[Coord<f64>]> = None;
    for polygon in claims.chunk_by(|a, b| a.part == b.part) {
        let only = only_strand(polygon).map(|strand| strand.corners(corners));
        let again = match (before, only) {
            (Some(one), Some(other)) => one == other || one.iter().eq(other.iter().rev()),
            _ => false,
        };
        before = only;
        for (place, claim) in polygon.iter().enumerate() {
            let more = place + 1 < polygon.len();
            words.push(Word::new(*claim, more, again).0);
            if let What::Lines(strand) = claim.what
                && !again
            {
                written.push(strand);
            }
        }
    }
    for corner in written.iter().flat_map(|strand| strand.corners(corners)) {
        words.extend([corner.x.to_bits(), corner.y.to_bits()]);
    }
}

/// Reads the record that begins with the first of these words: the polygons and on which side of each the
/// beginning of the way is, which ends in the middle of the cell. `ask` tells it from all of a polygon's
/// lines.
#[inline]
pub(super) fn sides<A: Fn(u32) -> Side>(words: &[u64], way: Way, ask: A) -> Sides<'_, A> {
    let (count, words) = words.split_first().unwrap_or((&0, &[]));
    let (claims, corners) = words.split_at(*count as usize);
    Sides {
        claims,
        corners,
        way,
        ask,
        odd: None,
    }
}

pub(super) struct Sides<'a, A> {
    claims: &'a [u64],
    /// From the first of the next strand on.
    corners: &'a [u64],
    way: Way,
    ask: A,
    /// Of the strand before: whether the way crosses it an odd number of times.
    odd: Option<bool>,
}

impl<A: Fn(u32) -> Side> Iterator for Sides<'_, A> {
    type Item = (u32, Side);

    #[inline]
    fn next(&mut self) -> Option<(u32, Side)> {
        let claim = self.claim()?;
        let side = if claim.is(Word::LINES) {
            self.by_lines(claim)
        } else if claim.is(Word::ASK) {
            (self.ask)(claim.part())
        } else {
            Side::Inside
        };
        Some((claim.part(), side))
    }
}

impl<A: Fn(u32) -> Side> Sides<'_, A> {
    #[inline]
    fn claim(&mut self) -> Option<Word> {
        let (first, others) = self.claims.split_first()?;
        self.claims = others;
        Some(Word(*first))
    }

    /// Inside the exterior and in no hole, as [`super::super::inside::side_by_rings`] has it: the first
    /// ring that says otherwise decides. A ring without lines in the cell has nothing to say.
    #[inline]
    fn by_lines(&mut self, first: Word) -> Side {
        let (mut ring, mut odd) = (first, self.crosses_oddly(first));
        let mut polygon = Side::Inside;
        let mut last = first;
        while last.is(Word::MORE)
            && let Some(next) = self.claim()
        {
            let crossed = self.crosses_oddly(next);
            if next.is(Word::BEGINS_RING) {
                polygon = decided(polygon, ring, odd);
                (ring, odd) = (next, crossed);
            } else {
                odd = odd.zip(crossed).map(|(one, other)| one != other);
            }
            last = next;
        }
        decided(polygon, ring, odd)
    }

    /// `None` when the place is on one of the lines.
    #[inline]
    fn crosses_oddly(&mut self, claim: Word) -> Option<bool> {
        if !claim.is(Word::AGAIN) {
            let (corners, others) = self.corners.split_at(2 * claim.corners());
            self.corners = others;
            let corner = |words: &[u64]| Coord {
                x: f64::from_bits(words[0]),
                y: f64::from_bits(words[1]),
            };
            self.odd = self.way.crosses_oddly(corners.chunks_exact(2).map(corner));
        }
        self.odd
    }
}

/// What a further ring makes of the side: nothing when an earlier one has decided.
#[inline]
fn decided(before: Side, ring: Word, odd: Option<bool>) -> Side {
    if before != Side::Inside {
        return before;
    }
    match odd {
        None => Side::Boundary,
        Some(odd) => match odd ^ ring.is(Word::MIDDLE_INSIDE) ^ ring.is(Word::HOLE) {
            true => Side::Inside,
            false => Side::Outside,
        },
    }
}
