//! Where a reader of the log stands.

use journal::{Offset, Partition};

/// In one partition: the first offset of each log that it has not folded.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Cursor {
    /// In the alert log.
    pub alerts: Offset,
    /// In the track log.
    pub tracks: Offset,
}

impl Cursor {
    /// Whether a reader here has seen what changed when the logs stood there.
    #[must_use]
    pub fn has_seen(&self, changed: &Self) -> bool {
        changed.alerts <= self.alerts && changed.tracks <= self.tracks
    }
}

/// Where the logs of a partition stood at a change.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LogPlace {
    /// The partition of the entry that made the change. That may be another one than the incident's:
    /// the same alert id from two devices changes both.
    pub partition: Partition,
    /// How far its logs were folded then.
    pub cursor: Cursor,
}

/// In all partitions. A partition that is not in it was not read.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Cursors(Vec<Cursor>);

impl Cursors {
    /// By partition, from the first on.
    #[must_use]
    pub const fn new(cursors: Vec<Cursor>) -> Self {
        Self(cursors)
    }

    /// By partition, from the first on.
    pub fn iter(&self) -> impl Iterator<Item = Cursor> {
        self.0.iter().copied()
    }

    /// In one of them.
    #[must_use]
    pub fn of(&self, partition: Partition) -> Cursor {
        let place = usize::from(partition.0);
        self.0.get(place).copied().unwrap_or_default()
    }

    /// Whether a reader here has seen this change.
    #[must_use]
    pub fn has_seen(&self, changed: &LogPlace) -> bool {
        self.of(changed.partition).has_seen(&changed.cursor)
    }

    /// Goes on to a place, and never back.
    pub fn reach(&mut self, LogPlace { partition, cursor }: LogPlace) {
        let place = usize::from(partition.0);
        if self.0.len() <= place {
            self.0.resize(place + 1, Cursor::default());
        }
        let known = &mut self.0[place];
        known.alerts = known.alerts.max(cursor.alerts);
        known.tracks = known.tracks.max(cursor.tracks);
    }
}
