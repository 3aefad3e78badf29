//! Which connections have been heard for a while: who tracks has, who presses after a long silence, or for the first
//! time, has not.

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
    /// A small packet of this connection came. Whether it is one of the first after a silence of a unit or longer.
    pub(super) fn is_fresh(&mut self, now: Millis, id: Id) -> bool {
        // Ids are random, so their first bytes are as good as a hash of them.
        let slot = u32::from_le_bytes(id.first_bytes()) as usize % HEARD_SLOTS;
        let slot = &mut self.slots[slot];
        // Slots begin at zero, which no connection has been heard in.
        let unit = (now.0 / HEARD_UNIT.0 + 2) as u8;
        if unit.wrapping_sub(slot.unit) > 1 {
            slot.packets = 0;
        }
        slot.unit = unit;
        let is_fresh = slot.packets < FRESH_PACKETS;
        slot.packets += u8::from(is_fresh);
        is_fresh
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_packets_are_fresh_and_again_after_a_silence() {
        let mut heard = Heard::default();
        let mut at = |units: u64, id: u8| {
            let id = Id::of(&[id, 0, 0, 0]).unwrap();
            heard.is_fresh(Millis(units * HEARD_UNIT.0), id)
        };
        for _ in 0..FRESH_PACKETS {
            assert!(at(0, 1));
        }
        assert!(!at(0, 1));
        assert!(!at(1, 1));
        assert!(at(1, 2), "another one");
        assert!(at(3, 1));
    }
}
