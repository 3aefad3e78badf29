//! The system's randomness, for nonces, keys and connection ids.

use std::cell::RefCell;
use std::convert::Infallible;

use rand::{TryCryptoRng, TryRng};

/// Bytes that each thread asks for at once. Every question costs most of a microsecond whatever its length, and an
/// alert needs eight small answers: the ids of its connection and a nonce.
const AHEAD_BYTES: usize = 512;

/// Bytes of the longest answer that is taken from those. Secrets that live on disk are longer, and are asked for when
/// they are made.
const SMALL_BYTES_MAX: usize = 16;

thread_local! {
    static AHEAD: RefCell<Ahead> = const { RefCell::new(Ahead { bytes: [0; AHEAD_BYTES], given: AHEAD_BYTES }) };
}

/// Random bytes of which the first are given away already.
struct Ahead {
    bytes: [u8; AHEAD_BYTES],
    given: usize,
}

impl Ahead {
    /// What was given is wiped, so that nobody gets it a second time.
    fn give(&mut self, to: &mut [u8], refill: impl FnOnce(&mut [u8])) {
        if AHEAD_BYTES - self.given < to.len() {
            refill(&mut self.bytes);
            self.given = 0;
        }
        let from = &mut self.bytes[self.given..self.given + to.len()];
        to.copy_from_slice(from);
        from.fill(0);
        self.given += to.len();
    }
}

/// Fills from AWS-LC's generator.
pub(crate) fn fill(bytes: &mut [u8]) {
    if bytes.len() > SMALL_BYTES_MAX {
        return ask(bytes);
    }
    let given = AHEAD.try_with(|ahead| ahead.borrow_mut().give(bytes, ask));
    if given.is_err() {
        // The thread is ending.
        ask(bytes);
    }
}

fn ask(bytes: &mut [u8]) {
    aws_lc_rs::rand::fill(bytes).expect("AWS-LC aborts the process rather than answer an error");
}

/// Asks AWS-LC's generator, which is seeded by the system and has a state per thread.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SystemRng;

impl TryRng for SystemRng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        fill(bytes);
        Ok(())
    }
}

impl TryCryptoRng for SystemRng {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn what_was_given_is_never_given_again() {
        let mut seen = BTreeSet::new();
        for length in (8..=SMALL_BYTES_MAX + 4).cycle().take(1_000) {
            let mut bytes = vec![0; length];
            fill(&mut bytes);
            assert!(seen.insert(bytes[..8].to_vec()), "eight bytes came twice");
        }
    }

    #[test]
    fn bytes_are_given_in_order_and_wiped() {
        let mut ahead = Ahead {
            bytes: [0; AHEAD_BYTES],
            given: AHEAD_BYTES,
        };
        let mut refills = 0_u8;
        for part in 0..2 * AHEAD_BYTES / SMALL_BYTES_MAX {
            let mut bytes = [0; SMALL_BYTES_MAX];
            ahead.give(&mut bytes, |all| {
                refills += 1;
                all.fill(refills);
            });
            assert_eq!(bytes, [refills; SMALL_BYTES_MAX], "part {part}");
            assert!(ahead.bytes[..ahead.given].iter().all(|byte| *byte == 0));
        }
        assert_eq!(refills, 2);
    }
}
