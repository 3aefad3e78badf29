//! Which connections have been heard for a while: who tracks has, who presses after a long silence, or for the first
//! time, has not. And who of those who track has been left outside for too long: a connection that never hears
//! anything is given up by its phone, which comes again with a handshake, and that costs as much as ten positions.

use protocol::Millis;

use super::look::Id;
use crate::limits::{FRESH_PACKETS, HEARD_SLOTS, HEARD_UNIT};

/// The connections that share a slot, which count as one.
#[derive(Clone, Copy, Default, Debug)]
struct Slot {
    /// When it was heard for the last time, in units of [`HEARD_UNIT`], modulo 256. After an hour without a word it
    /// can be mistaken for a heard one for two units.
    unit: u8,
    /// Packets since the last silence, as far as they are counted.
    packets: u8,
    /// When the last one went in, in the same units.
    went_in: u8,
}

#[derive(Debug)]
pub(super) struct Heard {
    slots: Box<[Slot]>,
}

impl Default for Heard {
    fn default() -> Self {
        Self {
            slots: vec![Slot::default(); HEARD_SLOTS].into_boxed_slice(),
        }
    }
}

impl Heard {
    /// A small packet of this connection came. Whether it goes in before others: as one of the first after a silence of
    /// a unit or longer, or as none of its packets went in for as long.
    pub(super) fn goes_first(&mut self, now: Millis, id: Id) -> bool {
        let unit = unit_of(now);
        let slot = self.slot(id);
        if unit.wrapping_sub(slot.unit) > 1 {
            slot.packets = 0;
        }
        slot.unit = unit;
        let is_fresh = slot.packets < FRESH_PACKETS;
        slot.packets += u8::from(is_fresh);
        let goes_first = is_fresh || unit.wrapping_sub(slot.went_in) > 1;
        if goes_first {
            slot.went_in = unit;
        }
        goes_first
    }

    /// A small packet of this connection goes in with the others.
    pub(super) fn note_in(&mut self, now: Millis, id: Id) {
        self.slot(id).went_in = unit_of(now);
    }

    fn slot(&mut self, id: Id) -> &mut Slot {
        // Ids are random, so their first bytes are as good as a hash of them.
        let slot = u32::from_le_bytes(id.first_bytes()) as usize % HEARD_SLOTS;
        &mut self.slots[slot]
    }
}

/// Slots begin at zero, which no connection has been heard in.
fn unit_of(now: Millis) -> u8 {
    (now.0 / HEARD_UNIT.0 + 2) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_packets_are_fresh_and_again_after_a_silence() {
        let mut heard = Heard::default();
        let mut at = |units: u64, id: u8| {
            let id = Id::of(&[id, 0, 0, 0]).unwrap();
            let now = Millis(units * HEARD_UNIT.0);
            let goes_first = heard.goes_first(now, id);
            heard.note_in(now, id);
            goes_first
        };
        for _ in 0..FRESH_PACKETS {
            assert!(at(0, 1));
        }
        assert!(!at(0, 1));
        assert!(!at(1, 1));
        assert!(at(1, 2), "another one");
        assert!(at(3, 1));
    }

    #[test]
    fn who_speaks_and_never_goes_in_is_next_after_a_unit() {
        let mut heard = Heard::default();
        let id = Id::of(&[1, 0, 0, 0]).unwrap();
        let mut at = |units: u64| heard.goes_first(Millis(units * HEARD_UNIT.0), id);
        for _ in 0..FRESH_PACKETS {
            assert!(at(0));
        }
        assert_eq!(
            [0, 1, 2, 2, 3, 4].map(at),
            [false, false, true, false, false, true]
        );
    }
}
