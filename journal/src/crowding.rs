//! What a crowded journal does with positions: it keeps them for seconds instead of an hour, and a
//! full one takes no more only when even those need too much room. Alerts are always taken.
//!
//! Where somebody is now is worth more than where everybody was, and readers see a position within
//! moments of its commit: a board that follows the log loses nothing by this.

use crate::offset::Offset;
use crate::trim::TrimPoint;

/// Live bytes at which a journal is full: the repair after a crash reads them all, and stays under
/// 2 s up to here (17 to 39 s for 4 GB).
pub const LIVE_BYTES_MAX: u64 = 256 << 20;

/// Live bytes at which a journal is crowded, and somebody has to look: 70 % of [`LIVE_BYTES_MAX`].
pub const LIVE_BYTES_ALARM: u64 = LIVE_BYTES_MAX / 10 * 7;

/// Bytes of positions that a full journal takes: a quarter of it, so that the repair takes half a
/// second more; 20,000 positions of 160 bytes a second for twenty seconds.
pub const CROWDED_TRACK_BYTES_MAX: u64 = LIVE_BYTES_MAX / 4;

/// Bytes of positions from which a crowded journal deletes the oldest: half of the room that they
/// have in a full one, so that there is room while it deletes.
pub const CROWDED_TRACK_BYTES_KEPT: u64 = CROWDED_TRACK_BYTES_MAX / 2;

/// How long positions stay at least in a crowded journal: ten seconds. A reader that is further behind
/// says that it lags, and shows the newest first.
pub const CROWDED_RETENTION_MS: u64 = 10_000;

/// How often the oldest positions are deleted: one transaction of at most
/// [`crate::trim::TRIM_BATCHES_MAX`] batches each time is 1,280 a second, several times the commits
/// that a disk does.
pub const CROWDED_TRIM_EVERY_MS: u64 = 200;

/// How large a journal is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Live batches of both logs and snapshot rows, with their keys, in bytes.
    pub live_bytes: u64,
    /// Those of the track log.
    pub track_bytes: u64,
}

impl Size {
    /// Whether positions are kept for seconds only, and somebody has to look.
    #[must_use]
    pub const fn is_crowded(self) -> bool {
        self.live_bytes >= LIVE_BYTES_ALARM
    }

    /// Whether a position is taken.
    #[must_use]
    pub const fn takes_tracks(self) -> bool {
        self.live_bytes < LIVE_BYTES_MAX || self.track_bytes < CROWDED_TRACK_BYTES_MAX
    }

    /// Up to where positions go now, to make room; `now_ms` is milliseconds since the Unix epoch.
    #[must_use]
    pub fn track_trim_point(self, now_ms: u64) -> Option<TrimPoint> {
        if !self.is_crowded() || self.track_bytes < CROWDED_TRACK_BYTES_KEPT {
            return None;
        }
        let committed_at_ms = now_ms.checked_sub(CROWDED_RETENTION_MS)?;
        Some(TrimPoint {
            end: Offset(u64::MAX),
            committed_at_ms,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: u64 = 1_000_000;

    fn size(live_bytes: u64, track_bytes: u64) -> Size {
        Size {
            live_bytes,
            track_bytes,
        }
    }

    #[test]
    fn while_there_is_room_positions_are_taken_and_kept() {
        for track_bytes in [0, CROWDED_TRACK_BYTES_MAX, LIVE_BYTES_ALARM - 1] {
            let size = size(LIVE_BYTES_ALARM - 1, track_bytes);
            assert!(size.takes_tracks());
            assert_eq!(size.track_trim_point(NOW_MS), None);
        }
    }

    #[test]
    fn a_crowded_journal_makes_room_before_it_is_full() {
        let size = size(LIVE_BYTES_ALARM, LIVE_BYTES_ALARM);
        assert!(size.takes_tracks());
        assert!(size.track_trim_point(NOW_MS).is_some());
    }

    #[test]
    fn a_full_journal_makes_room_for_positions_before_it_refuses_them() {
        let few = size(LIVE_BYTES_MAX, CROWDED_TRACK_BYTES_KEPT - 1);
        assert!(few.takes_tracks());
        assert_eq!(few.track_trim_point(NOW_MS), None);
        let many = size(LIVE_BYTES_MAX, CROWDED_TRACK_BYTES_MAX - 1);
        assert!(many.takes_tracks());
        let point = many.track_trim_point(NOW_MS).unwrap();
        assert_eq!(point.committed_at_ms, NOW_MS - CROWDED_RETENTION_MS);
        let too_many = size(LIVE_BYTES_MAX, CROWDED_TRACK_BYTES_MAX);
        assert!(!too_many.takes_tracks());
        assert!(too_many.track_trim_point(NOW_MS).is_some());
    }
}
