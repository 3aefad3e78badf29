//! How long to wait before a server is asked once more.

use std::time::Duration;

/// The first wait: a server that was restarted in place is back within moments.
const SHORTEST: Duration = Duration::from_millis(50);

/// The longest: a server that comes back is found before a relay would have taken another way.
const LONGEST: Duration = Duration::from_secs(2);

/// Waits that double up to [`LONGEST`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Backoff(Duration);

impl Backoff {
    pub(super) const fn new() -> Self {
        Self(SHORTEST)
    }

    /// How long to wait now.
    pub(super) fn next(&mut self) -> Duration {
        let wait = self.0;
        self.0 = (wait * 2).min(LONGEST);
        wait
    }

    /// Whether nothing has failed since the server answered.
    pub(super) fn is_fresh(&self) -> bool {
        self.0 == SHORTEST
    }

    /// The server has answered.
    pub(super) const fn reset(&mut self) {
        self.0 = SHORTEST;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let mut backoff = Backoff::new();
        let waits: Vec<u128> = (0..8).map(|_| backoff.next().as_millis()).collect();
        assert_eq!(waits, [50, 100, 200, 400, 800, 1_600, 2_000, 2_000]);
        assert!(!backoff.is_fresh());
        backoff.reset();
        assert!(backoff.is_fresh());
        assert_eq!(backoff.next(), SHORTEST);
    }
}
