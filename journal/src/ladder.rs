//! What an author remembers of where its own entries came to stand in the shared log, and so how
//! far it goes back when that log has lost some of them.
//!
//! A log that was rewound is a beginning of what it was, with something else behind it. So a rung
//! that is still in it, at its offset and with its content, says that everything which was shipped
//! before it is there too.

use bytes::{Buf, BufMut, Bytes};

use crate::offset::Offset;
use crate::proof::{DIGEST_BYTES, Digest, Proof};

/// Rungs that are remembered, in memory and on the disk: 6 KiB that are written once a second. They
/// reach back to the first, ever farther apart: between two of them more is shipped again than was
/// lost, at most a quarter of what comes behind them.
pub const RUNGS_MAX: usize = 128;

/// The newest rungs, all of which are remembered: a failover takes back the last second.
const RUNGS_NEAR: usize = RUNGS_MAX / 2;

/// Format of a remembered ladder. Raised when the layout changes.
const MEMORY_VERSION: u8 = 1;

/// Bytes of a rung on the disk.
const RUNG_BYTES: usize = 8 + 8 + DIGEST_BYTES;

/// A shipment that came into the shared log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rung {
    /// The own offset up to which everything that belongs to this partition was shipped with it and
    /// before it.
    pub own_end: Offset,
    /// Where that entry is in the shared log, and what it is there.
    pub last: Proof,
}

/// Shipments in order, the newest last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ladder(Vec<Rung>);

impl Ladder {
    /// Remembers a shipment that came after all others.
    pub fn push(&mut self, rung: Rung) {
        self.0.push(rung);
        if self.0.len() > RUNGS_MAX {
            // The one without which the least more is shipped, beside what is shipped anyway.
            let far = 1..self.0.len() - RUNGS_NEAR;
            let least = far.min_by(|&one, &other| {
                let (hole, behind) = self.without(one);
                let (other_hole, behind_other) = self.without(other);
                (hole * behind_other).cmp(&(other_hole * behind))
            });
            self.0.remove(least.unwrap_or(0));
        }
    }

    /// Takes note that up to `own_end` nothing else belongs to this partition: the newest shipment says
    /// as much about that.
    pub fn stretch(&mut self, own_end: Offset) {
        if let Some(newest) = self.0.last_mut() {
            newest.own_end = own_end.max(newest.own_end);
        }
    }

    /// The entries between the neighbours of a rung, and those behind the older of them.
    fn without(&self, at: usize) -> (u128, u128) {
        let own_end = |at: usize| self.0.get(at).map_or(Offset::ZERO, |rung| rung.own_end);
        let (older, newer, newest) = (own_end(at - 1), own_end(at + 1), own_end(self.0.len() - 1));
        (newer.since(older).into(), newest.since(older).into())
    }

    /// The newest shipment.
    #[must_use]
    pub fn newest(&self) -> Option<Rung> {
        self.0.last().copied()
    }

    /// All that are remembered, the newest first.
    #[must_use]
    pub fn newest_first(&self) -> Vec<Rung> {
        self.0.iter().rev().copied().collect()
    }

    /// Forgets the newest shipments, so many.
    pub fn forget_newest(&mut self, count: usize) {
        self.0.truncate(self.0.len().saturating_sub(count));
    }
}

/// What an author knows after a restart of what it has shipped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Everything of the alert log before this own offset is confirmed; where nothing was shipped, there
    /// was nothing to ship.
    pub confirmed: Offset,
    /// Everything of the track log before this own offset was shipped.
    pub tracks_end: Offset,
    /// Where alerts came to stand.
    pub ladder: Ladder,
}

impl Memory {
    /// Writes it: `version: u8 = 1 | confirmed: u64 | tracks_end: u64 | rungs × (own_end: u64 |
    /// offset: u64 | digest: 32 bytes)`, numbers little-endian.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut value = Vec::with_capacity(1 + 16 + self.ladder.0.len() * RUNG_BYTES);
        value.put_u8(MEMORY_VERSION);
        value.put_u64_le(self.confirmed.0);
        value.put_u64_le(self.tracks_end.0);
        for rung in &self.ladder.0 {
            value.put_u64_le(rung.own_end.0);
            value.put_u64_le(rung.last.offset.0);
            value.put_slice(&rung.last.digest.to_bytes());
        }
        value.into()
    }

    /// Reads it; `None` when it is of another release or ends early. Then nothing is remembered, and
    /// everything that is kept is shipped again.
    #[must_use]
    pub fn decode(mut value: Bytes) -> Option<Self> {
        if value.try_get_u8().ok()? != MEMORY_VERSION {
            return None;
        }
        let confirmed = Offset(value.try_get_u64_le().ok()?);
        let tracks_end = Offset(value.try_get_u64_le().ok()?);
        let mut rungs = Vec::new();
        while value.has_remaining() {
            let own_end = Offset(value.try_get_u64_le().ok()?);
            let offset = Offset(value.try_get_u64_le().ok()?);
            let mut digest = [0; DIGEST_BYTES];
            value.try_copy_to_slice(&mut digest).ok()?;
            let digest = Digest::from_bytes(digest);
            let last = Proof { offset, digest };
            rungs.push(Rung { own_end, last });
        }
        let in_order = rungs
            .windows(2)
            .all(|pair| pair[0].own_end < pair[1].own_end);
        (in_order && rungs.len() <= RUNGS_MAX).then_some(Self {
            confirmed,
            tracks_end,
            ladder: Ladder(rungs),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rung(own_end: u64) -> Rung {
        let offset = Offset(own_end * 3);
        let digest = Digest::of(own_end, b"entry");
        Rung {
            own_end: Offset(own_end),
            last: Proof { offset, digest },
        }
    }

    fn ladder(ends: impl IntoIterator<Item = u64>) -> Ladder {
        let mut ladder = Ladder::default();
        ends.into_iter().for_each(|end| ladder.push(rung(end)));
        ladder
    }

    #[test]
    fn a_long_ladder_is_bounded_and_reaches_back_to_its_beginning() {
        let ladder = ladder(1..=100_000);
        let rungs = ladder.newest_first();
        assert!(rungs.len() <= RUNGS_MAX, "{}", rungs.len());
        let newest = rungs[..RUNGS_NEAR].iter().map(|rung| rung.own_end.0);
        let expected = (0..RUNGS_NEAR as u64).map(|n| 100_000 - n);
        assert!(newest.eq(expected), "the newest are all there");
        assert_eq!(rungs.last(), Some(&rung(1)), "and the first");
        for pair in rungs.windows(2) {
            let (hole, behind) = (
                pair[0].own_end.since(pair[1].own_end),
                100_000 - pair[0].own_end.0,
            );
            assert!(hole > 0 && hole <= 1 + behind / 4, "{hole} before {behind}");
        }
    }

    #[test]
    fn the_newest_are_forgotten_first() {
        let mut ladder = ladder(1..=5);
        ladder.forget_newest(2);
        assert_eq!(ladder.newest(), Some(rung(3)));
        ladder.forget_newest(9);
        assert_eq!(ladder.newest(), None);
    }

    #[test]
    fn a_stretch_without_entries_keeps_its_proof() {
        let mut one = ladder([3, 5]);
        one.stretch(Offset(9));
        one.stretch(Offset(7));
        let expected = Rung {
            own_end: Offset(9),
            ..rung(5)
        };
        assert_eq!(one.newest_first(), [expected, rung(3)]);
        let mut none = Ladder::default();
        none.stretch(Offset(9));
        assert_eq!(none, Ladder::default());
    }

    #[test]
    fn a_memory_comes_back_and_what_is_no_memory_does_not() {
        let memory = Memory {
            confirmed: Offset(4),
            tracks_end: Offset(9),
            ladder: ladder([3, 5]),
        };
        let value = memory.encode();
        assert_eq!(value.len(), 17 + 2 * RUNG_BYTES);
        assert_eq!(Memory::decode(value.clone()), Some(memory));
        let none = Memory::default().encode();
        assert_eq!(Memory::decode(none), Some(Memory::default()));
        for cut in (0..value.len()).filter(|cut| *cut != 17 && *cut != 17 + RUNG_BYTES) {
            assert_eq!(Memory::decode(value.slice(..cut)), None, "{cut}");
        }
        let mut other = value.to_vec();
        other[0] = 2;
        assert_eq!(Memory::decode(other.into()), None);
        let mut disordered = Memory::default();
        disordered.ladder.0 = vec![rung(5), rung(3)];
        assert_eq!(Memory::decode(disordered.encode()), None);
    }
}
