//! What may be deleted, as a value, before anything is.
//!
//! The alert log is trimmed up to one hour before the confirmed snapshot and for no other reason;
//! the track log up to one hour ago. Readers never hold trimming back: one that comes too late is
//! told of the gap.

use crate::offset::{LogName, Offset};

/// How long entries outlive what makes them superfluous: one hour, so that a reader that was away
/// for a shift change or a restart goes on from its cursor instead of the snapshot.
pub const RETENTION_MS: u64 = 60 * 60 * 1000;

/// Batches deleted in one transaction: deleting 4 GB in one took 4.6 s, without a receipt
/// meanwhile.
pub const TRIM_BATCHES_MAX: usize = 256;

/// A batch as the plan sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Offset of its first entry.
    pub first: Offset,
    /// The offset after its last entry.
    pub end: Offset,
    /// When it was committed, milliseconds since the Unix epoch.
    pub committed_at_ms: u64,
}

/// The confirmed snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Confirmed {
    /// Where its reader goes on.
    pub resume_at: Offset,
    /// When its last slice was committed, milliseconds since the Unix epoch.
    pub at_ms: u64,
}

/// Up to where a log may be trimmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrimPoint {
    /// Batches that end after this offset stay.
    pub end: Offset,
    /// Batches that were committed after this stay, milliseconds since the Unix epoch.
    pub committed_at_ms: u64,
}

impl TrimPoint {
    /// The point of the alert log: one hour before the confirmed snapshot; nothing without one.
    #[must_use]
    pub fn of_alerts(snapshot: Option<Confirmed>) -> Option<Self> {
        let snapshot = snapshot?;
        let committed_at_ms = snapshot.at_ms.checked_sub(RETENTION_MS)?;
        Some(Self {
            end: snapshot.resume_at,
            committed_at_ms,
        })
    }

    /// The point of the track log: one hour before `now_ms` (milliseconds since the Unix epoch).
    #[must_use]
    pub fn of_tracks(now_ms: u64) -> Option<Self> {
        let committed_at_ms = now_ms.checked_sub(RETENTION_MS)?;
        Some(Self {
            end: Offset(u64::MAX),
            committed_at_ms,
        })
    }
}

/// Who says up to where a log is trimmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrimBy {
    /// The snapshot and the clock: milliseconds since the Unix epoch.
    Snapshot {
        /// Now.
        now_ms: u64,
    },
    /// Somebody who knows better.
    Point(TrimPoint),
}

impl TrimBy {
    /// The point in `log`, whose snapshot was last confirmed like this; `None` when nothing may go.
    #[must_use]
    pub fn point(self, log: LogName, snapshot: Option<Confirmed>) -> Option<TrimPoint> {
        match (self, log) {
            (Self::Snapshot { .. }, LogName::Alerts) => TrimPoint::of_alerts(snapshot),
            (Self::Snapshot { now_ms }, LogName::Tracks) => TrimPoint::of_tracks(now_ms),
            (Self::Point(point), _) => Some(point),
        }
    }
}

/// How many of the oldest batches may go now: `oldest` are the first batches of the log in order,
/// of which at most [`TRIM_BATCHES_MAX`] are looked at.
///
/// Everything before a batch that is old enough is older still, whatever its stamp says: a batch
/// that was stamped while the clock stood in the future does not hold back the log behind it.
#[must_use]
pub fn plan(oldest: &[Candidate], point: TrimPoint) -> usize {
    let window = &oldest[..oldest.len().min(TRIM_BATCHES_MAX)];
    let covered = window.partition_point(|batch| batch.end <= point.end);
    window[..covered]
        .iter()
        .rposition(|batch| batch.committed_at_ms <= point.committed_at_ms)
        .map_or(0, |last| last + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn batches(stamps: &[u64]) -> Vec<Candidate> {
        (0u64..)
            .zip(stamps)
            .map(|(n, &committed_at_ms)| Candidate {
                first: Offset(n * 10),
                end: Offset(n * 10 + 10),
                committed_at_ms,
            })
            .collect()
    }

    #[test]
    fn nothing_is_trimmed_without_a_snapshot_or_within_its_hour() {
        assert_eq!(TrimPoint::of_alerts(None), None);
        let early = Confirmed {
            resume_at: Offset(100),
            at_ms: RETENTION_MS - 1,
        };
        assert_eq!(TrimPoint::of_alerts(Some(early)), None);
        assert_eq!(TrimPoint::of_tracks(RETENTION_MS - 1), None);
    }

    #[test]
    fn stops_at_the_snapshot_and_at_the_hour() {
        let log = batches(&[1, 2, 3, 4]);
        let all = TrimPoint {
            end: Offset(40),
            committed_at_ms: 9,
        };
        assert_eq!(plan(&log, all), 4);
        assert_eq!(
            plan(
                &log,
                TrimPoint {
                    end: Offset(39),
                    ..all
                }
            ),
            3
        );
        assert_eq!(
            plan(
                &log,
                TrimPoint {
                    committed_at_ms: 2,
                    ..all
                }
            ),
            2
        );
        assert_eq!(
            plan(
                &log,
                TrimPoint {
                    committed_at_ms: 0,
                    ..all
                }
            ),
            0
        );
    }

    #[test]
    fn a_stamp_from_the_future_does_not_hold_back_the_log() {
        let log = batches(&[1, 9_999, 2, 3, 8_888]);
        assert_eq!(
            plan(
                &log,
                TrimPoint {
                    end: Offset(50),
                    committed_at_ms: 3
                }
            ),
            4
        );
    }

    #[test]
    fn at_most_256_at_once() {
        let log = batches(&vec![0; 1_000]);
        let all = TrimPoint {
            end: Offset(u64::MAX),
            committed_at_ms: 0,
        };
        assert_eq!(plan(&log, all), 256);
    }

    proptest! {
        #[test]
        fn never_past_the_point(stamps in prop::collection::vec(0u64..20, 0..300), end in 0u64..3_500, at in 0u64..20) {
            let log = batches(&stamps);
            let point = TrimPoint { end: Offset(end), committed_at_ms: at };
            let gone = plan(&log, point);
            prop_assert!(gone <= TRIM_BATCHES_MAX);
            prop_assert!(log[..gone].iter().all(|batch| batch.end <= point.end));
            // The last one to go is old enough by its own stamp, and the next one is not.
            prop_assert!(gone == 0 || log[gone - 1].committed_at_ms <= at);
            let next = log.get(gone).filter(|_| gone < TRIM_BATCHES_MAX);
            prop_assert!(next.is_none_or(|batch| batch.end > point.end || batch.committed_at_ms > at));
        }
    }
}
