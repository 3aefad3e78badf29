//! What an author may delete of its own journal, as a value, before anything is.
//!
//! An alert stays until it is confirmed *and* whoever appended it says that its incident is closed,
//! and that the close is confirmed; where nobody says so, at least [`KEEP_MS`]. Even then it stays for
//! the hour for which the shared log would keep it, unless others need the room: what was confirmed
//! can still be lost, by the promotion of another replica than the one that had it. A crowded journal,
//! which is an alarm, gives up what has been confirmed for a day and is still open, as it would where
//! nobody says anything: one incident that nobody closes must not fill the disk. There is no other reason
//! to delete one. Positions are promised to nobody, and go when
//! they are shipped, when they are old, or when alerts need their room.

use crate::offset::{Offset, PerLog};
use crate::shipping::Progress;
use crate::trim::{RETENTION_MS, TrimPoint};

/// How long a confirmed alert is kept at least where nobody says that its incident is closed: a day.
/// Whoever finds in the morning that a server was set up anew in the night still finds everything
/// with its authors.
pub const KEEP_MS: u64 = 24 * 60 * 60 * 1000;

/// Up to where each log may be deleted. `keep_from` is the first own offset of the alert log that
/// [`crate::kept`] has not let go of, if anybody says what is closed; `now_ms` is milliseconds since the Unix
/// epoch; `is_crowded` says that what has to be kept needs the room of what need not.
#[must_use]
pub fn points(
    progress: Progress,
    keep_from: Option<Offset>,
    now_ms: u64,
    is_crowded: bool,
) -> PerLog<Vec<TrimPoint>> {
    let closed_at_ms = if is_crowded {
        Some(u64::MAX)
    } else {
        now_ms.checked_sub(RETENTION_MS)
    };
    let point = |end: Offset, committed_at_ms| TrimPoint {
        end: end.min(progress.confirmed),
        committed_at_ms,
    };
    let closed = keep_from.and_then(|end| Some(point(end, closed_at_ms?)));
    // A disk that is full of what is open and confirmed for a day would take no raise any more.
    let by_age = keep_from.is_none() || is_crowded;
    let a_day_ago = now_ms.checked_sub(KEEP_MS).filter(|_| by_age);
    let aged = a_day_ago.map(|at_ms| point(progress.confirmed, at_ms));
    let shipped = TrimPoint {
        end: progress.shipped.tracks,
        committed_at_ms: u64::MAX,
    };
    let old = TrimPoint::of_tracks(if is_crowded { u64::MAX } else { now_ms });
    PerLog {
        alerts: closed.into_iter().chain(aged).collect(),
        tracks: [shipped].into_iter().chain(old).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trim::{Candidate, plan};

    const PROGRESS: Progress = Progress {
        confirmed: Offset(50),
        shipped: PerLog {
            alerts: Offset(70),
            tracks: Offset(30),
        },
        shipped_again: 0,
        rewinds: 0,
        round: 0,
    };

    /// Ten batches of ten entries, one an hour.
    fn oldest() -> Vec<Candidate> {
        let batch = |n: u64| Candidate {
            first: Offset(n * 10),
            end: Offset(n * 10 + 10),
            committed_at_ms: n * RETENTION_MS,
        };
        (0..10).map(batch).collect()
    }

    fn deleted(points: &[TrimPoint]) -> usize {
        let counts = points.iter().map(|&point| plan(&oldest(), point));
        counts.max().unwrap_or(0)
    }

    #[test]
    fn alerts_stay_until_they_are_confirmed_and_a_day_is_over() {
        let alerts = |now_ms| deleted(&points(PROGRESS, None, now_ms, true).alerts);
        assert_eq!(alerts(KEEP_MS - 1), 0);
        assert_eq!(alerts(KEEP_MS), 1);
        assert_eq!(alerts(KEEP_MS + 3 * RETENTION_MS), 4);
        assert_eq!(alerts(u64::MAX), 5, "what is not confirmed stays for ever");
    }

    #[test]
    fn a_caller_that_knows_its_incidents_decides_among_what_is_confirmed() {
        let alerts = |keep_from| deleted(&points(PROGRESS, Some(keep_from), 0, true).alerts);
        let hours = |hours| points(PROGRESS, Some(Offset(99)), hours * RETENTION_MS, false);
        assert_eq!(deleted(&hours(0).alerts), 0);
        assert_eq!(deleted(&hours(3).alerts), 3, "older than an hour");
        assert_eq!(deleted(&hours(99).alerts), 5);
        assert_eq!(alerts(Offset(0)), 0);
        assert_eq!(alerts(Offset(29)), 2);
        assert_eq!(alerts(Offset(50)), 5);
        assert_eq!(
            alerts(Offset(99)),
            5,
            "what is not confirmed stays for ever"
        );
    }

    #[test]
    fn a_crowded_journal_gives_up_what_is_open_and_confirmed_for_a_day() {
        let alerts = |now_ms, is_crowded| {
            deleted(&points(PROGRESS, Some(Offset(0)), now_ms, is_crowded).alerts)
        };
        assert_eq!(alerts(u64::MAX, false), 0, "open");
        assert_eq!(alerts(KEEP_MS - 1, true), 0);
        assert_eq!(alerts(KEEP_MS + 3 * RETENTION_MS, true), 4);
        assert_eq!(alerts(u64::MAX, true), 5, "what is not confirmed stays");
    }

    #[test]
    fn positions_go_when_they_are_shipped_or_old_or_in_the_way() {
        let tracks = |now_ms, crowded| deleted(&points(PROGRESS, None, now_ms, crowded).tracks);
        assert_eq!(tracks(0, false), 3, "shipped");
        assert_eq!(tracks(6 * RETENTION_MS, false), 6, "older than an hour");
        assert_eq!(tracks(0, true), 10, "in the way");
    }
}
