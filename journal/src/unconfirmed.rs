//! For how long the replicas have confirmed nothing of what was shipped.

use crate::offset::Offset;
use crate::shipping::Progress;

/// From when on the replicas are called missing: they answer within milliseconds, and one that connects anew within a
/// second or two.
pub const REPLICAS_MISSING_AFTER_MS: u64 = 5_000;

/// Since when something waits for the replicas and they confirm nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unconfirmed {
    confirmed: Offset,
    since_ms: Option<u64>,
}

impl Unconfirmed {
    /// Takes note of how far an author is; says since when nothing was confirmed. Milliseconds of any clock that does not
    /// go back.
    pub fn note(&mut self, now_ms: u64, progress: Progress) -> Option<u64> {
        let advanced = progress.confirmed > self.confirmed;
        self.confirmed = progress.confirmed;
        if progress.confirmed >= progress.shipped.alerts {
            self.since_ms = None;
        } else if advanced || self.since_ms.is_none() {
            self.since_ms = Some(now_ms);
        }
        self.since_ms
    }
}

/// Replicas that confirm nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplicasMissing {
    /// How many are to have what is appended.
    pub wanted: u8,
    /// For how long nothing was confirmed, in milliseconds.
    pub for_ms: u64,
}

impl std::fmt::Display for ReplicasMissing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { wanted, for_ms } = self;
        let seconds = for_ms / 1_000;
        write!(
            f,
            "replicas are missing: {wanted} wanted, none confirmed for {seconds} s; \
             start them, or connect them to their master again"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::offset::PerLog;

    fn at(shipped: u64, confirmed: u64) -> Progress {
        Progress {
            confirmed: Offset(confirmed),
            shipped: PerLog {
                alerts: Offset(shipped),
                tracks: Offset::ZERO,
            },
            ..Progress::default()
        }
    }

    #[test]
    fn time_runs_while_something_waits_and_nothing_is_confirmed() {
        let mut unconfirmed = Unconfirmed::default();
        assert_eq!(unconfirmed.note(1, at(0, 0)), None);
        assert_eq!(unconfirmed.note(2, at(1, 0)), Some(2));
        assert_eq!(unconfirmed.note(9, at(5, 0)), Some(2), "more waits");
        assert_eq!(unconfirmed.note(10, at(6, 3)), Some(10), "some came");
        assert_eq!(unconfirmed.note(11, at(6, 3)), Some(10));
        assert_eq!(unconfirmed.note(12, at(6, 1)), Some(10), "some was lost");
        assert_eq!(unconfirmed.note(13, at(6, 6)), None);
        assert_eq!(unconfirmed.note(14, at(7, 6)), Some(14));
    }

    #[test]
    fn the_words_name_how_many_and_how_long() {
        let missing = ReplicasMissing {
            wanted: 2,
            for_ms: 61_900,
        };
        let words = missing.to_string();
        let expected = "replicas are missing: 2 wanted, none confirmed for 61 s;";
        assert!(words.starts_with(expected), "{words}");
    }
}
