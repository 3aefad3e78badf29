//! Numbers of reports: reserved in blocks before use, so that a restart skips and never repeats.

use protocol::ReportNumber;

/// The number of every raise. Each alert has exactly one and its id is new, so a press never waits
/// for a disk.
pub const RAISE_NUMBER: ReportNumber = ReportNumber(1);

/// Numbers that are reserved on the phone's disk at a time: one write for some minutes of positions.
pub const BLOCK: u64 = 256;

/// A block is asked for while this many numbers are left: at one position a second the disk has two
/// minutes to take it.
const ASK_WHEN_LEFT: u64 = BLOCK / 2;

/// Hands out numbers for whatever is no raise. They are unique on the phone, and so within each
/// alert.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Numbers {
    next: u64,
    reserved_to: u64,
}

impl Numbers {
    /// For a phone whose alerts do not outlive the process: nothing needs to be reserved.
    #[must_use]
    pub const fn in_memory() -> Self {
        Self {
            next: RAISE_NUMBER.0 + 1,
            reserved_to: u64::MAX,
        }
    }

    /// Goes on behind all that was ever reserved. A phone that never reserved begins with 0.
    #[must_use]
    pub const fn resume(reserved_to: u64) -> Self {
        let first = RAISE_NUMBER.0 + 1;
        let next = if reserved_to < first {
            first
        } else {
            reserved_to
        };
        Self {
            next,
            reserved_to: next,
        }
    }

    /// A number that was never handed out; `None` until [`Numbers::reserved`] is told of more.
    pub fn take(&mut self) -> Option<ReportNumber> {
        if self.next >= self.reserved_to {
            return None;
        }
        let number = self.next;
        self.next += 1;
        Some(ReportNumber(number))
    }

    /// What the disk has to hold: the first number that may not be used yet.
    #[must_use]
    pub fn to_reserve(&self) -> u64 {
        if self.wants_block() {
            self.reserved_to.saturating_add(BLOCK)
        } else {
            self.reserved_to
        }
    }

    /// Whether a block is to be reserved now.
    #[must_use]
    pub fn wants_block(&self) -> bool {
        self.reserved_to - self.next <= ASK_WHEN_LEFT
    }

    /// The disk holds that all numbers below `to` may have been used.
    pub fn reserved(&mut self, to: u64) {
        self.reserved_to = self.reserved_to.max(to);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_is_handed_out_before_it_is_reserved() {
        let mut numbers = Numbers::resume(0);
        assert_eq!(numbers.take(), None);
        let to = numbers.to_reserve();
        assert_eq!(numbers.take(), None);
        numbers.reserved(to);
        assert_eq!(numbers.take(), Some(ReportNumber(2)));
    }

    #[test]
    fn a_block_is_asked_for_before_the_last_is_used_up() {
        let mut numbers = Numbers::resume(0);
        numbers.reserved(numbers.to_reserve());
        let mut taken = 0;
        while !numbers.wants_block() {
            assert!(numbers.take().is_some());
            taken += 1;
        }
        assert_eq!(taken, BLOCK - ASK_WHEN_LEFT);
        assert!(numbers.take().is_some());
    }

    #[test]
    fn a_phone_without_a_disk_never_waits() {
        let mut numbers = Numbers::in_memory();
        assert!(!numbers.wants_block());
        assert_eq!(numbers.take(), Some(ReportNumber(2)));
    }

    proptest! {
        /// Each step takes a number, tries to write the disk (which may fail), or loses the memory.
        #[test]
        fn no_number_repeats_over_restarts(steps in prop::collection::vec(0_u8..8, 0..2_000)) {
            let mut disk = 0;
            let mut numbers = Numbers::resume(disk);
            let mut seen = BTreeSet::from([RAISE_NUMBER.0]);
            for step in steps {
                match step {
                    0 => numbers = Numbers::resume(disk),
                    1 => {
                        disk = disk.max(numbers.to_reserve());
                        numbers.reserved(disk);
                    }
                    2 => disk = disk.max(numbers.to_reserve()), // written, and never heard of
                    _ => if let Some(number) = numbers.take() {
                        prop_assert!(seen.insert(number.0), "{} twice", number.0);
                    },
                }
            }
        }
    }
}
