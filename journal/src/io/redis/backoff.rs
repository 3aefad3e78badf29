//! How long to wait before a server is asked once more.

use std::time::Duration;

/// The first wait: a server that was restarted in place is back within moments.
const SHORTEST: Duration = Duration::from_millis(50);

/// The longest: a server that comes back is found before a relay would have taken another way. Who waits so long is
/// told when the writer has found one ([`super::lead::Lead`]).
const LONGEST: Duration = Duration::from_secs(2);

/// The longest of the writer, by whom all others find the server. Of ten processes with sixteen partitions, whoever tells where
/// the master is has 320 questions a second, while there is none.
const LONGEST_OF_WRITER: Duration = Duration::from_millis(500);

/// Waits that double up to the longest.
#[derive(Clone, Copy, Debug)]
pub(super) struct Backoff {
    next: Duration,
    longest: Duration,
}

impl Backoff {
    pub(super) const fn new() -> Self {
        Self {
            next: SHORTEST,
            longest: LONGEST,
        }
    }

    pub(super) const fn of_writer() -> Self {
        Self {
            next: SHORTEST,
            longest: LONGEST_OF_WRITER,
        }
    }

    /// How long to wait now.
    pub(super) fn next(&mut self) -> Duration {
        let wait = self.next;
        self.next = (wait * 2).min(self.longest);
        wait
    }

    /// Whether nothing has failed since the server answered.
    pub(super) fn is_fresh(&self) -> bool {
        self.next == SHORTEST
    }

    /// The server has answered.
    pub(super) const fn reset(&mut self) {
        self.next = SHORTEST;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let waits = |backoff: &mut Backoff| -> Vec<u128> {
            (0..8).map(|_| backoff.next().as_millis()).collect()
        };
        let mut of_writer = Backoff::of_writer();
        assert_eq!(
            waits(&mut of_writer),
            [50, 100, 200, 400, 500, 500, 500, 500]
        );
        let mut backoff = Backoff::new();
        assert_eq!(
            waits(&mut backoff),
            [50, 100, 200, 400, 800, 1_600, 2_000, 2_000]
        );
        assert!(!backoff.is_fresh());
        backoff.reset();
        assert!(backoff.is_fresh());
        assert_eq!(backoff.next(), SHORTEST);
    }
}
