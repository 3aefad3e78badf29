//! Time as an argument: who needs it is given it.

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01T00:00:00Z, by the clock of whoever stamped them.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct UnixMillis(i64);

impl UnixMillis {
    /// Takes milliseconds since the epoch.
    #[must_use]
    pub const fn new(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub const fn as_i64(self) -> i64 {
        self.0
    }

    /// The time that lies `duration` later, at most the last one that can be written.
    #[must_use]
    pub const fn plus(self, duration: Millis) -> Self {
        Self(self.0.saturating_add_unsigned(duration.0))
    }

    /// The time that lies `duration` earlier, at least the first one that can be written.
    #[must_use]
    pub const fn minus(self, duration: Millis) -> Self {
        Self(self.0.saturating_sub_unsigned(duration.0))
    }

    /// How long after `earlier` this is; zero when it is not later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Millis {
        if self.0 <= earlier.0 {
            Millis(0)
        } else {
            Millis(self.0.abs_diff(earlier.0))
        }
    }

    /// The day in UTC that names the key under which content is sealed.
    #[must_use]
    pub fn day(self) -> Day {
        Day(u32::try_from(self.0.div_euclid(MILLIS_PER_DAY)).unwrap_or(0))
    }
}

const MILLIS_PER_DAY: i64 = 86_400_000;

/// A duration in milliseconds.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Millis(pub u64);

impl Millis {
    /// A duration of whole seconds.
    #[must_use]
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// The same duration for the standard library.
    #[must_use]
    pub const fn to_duration(self) -> std::time::Duration {
        std::time::Duration::from_millis(self.0)
    }
}

/// A day in UTC, counted from 1970-01-01; names a day key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Day(pub u32);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_went_backwards_gives_no_negative_duration() {
        let later = UnixMillis::new(2_000);
        assert_eq!(UnixMillis::new(1_000).since(later), Millis(0));
        assert_eq!(later.since(UnixMillis::new(1_000)), Millis(1_000));
    }

    #[test]
    fn a_day_begins_at_midnight_utc() {
        assert_eq!(UnixMillis::new(86_399_999).day(), Day(0));
        assert_eq!(UnixMillis::new(86_400_000).day(), Day(1));
        assert_eq!(UnixMillis::new(-1).day(), Day(0));
    }
}
