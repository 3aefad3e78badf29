//! Where an entry is: partition, log, offset.

use std::fmt;

/// One cut of the log by device (see [`crate::partitions`]). The embedded backend has one, number 0; a
/// journal handle reads one partition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition(pub u16);

impl Partition {
    /// The partition that also holds what belongs to no phone: map, policy and format in force,
    /// units, sign-ins.
    pub const ZERO: Self = Self(0);
}

/// The two logs of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogName {
    /// Raises, texts, cancel claims, device events, decisions: synced before the receipt.
    Alerts,
    /// Positions and trails: no receipt, kept for an hour.
    Tracks,
}

impl LogName {
    /// Both logs, in the order in which a batch writes them.
    pub const ALL: [Self; 2] = [Self::Alerts, Self::Tracks];
}

impl fmt::Display for LogName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Alerts => "alert log",
            Self::Tracks => "track log",
        })
    }
}

/// Position of an entry in one log of one partition: the first entry ever has 0, each next one
/// more. Never reused, also not after trimming.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Offset(pub u64);

impl Offset {
    /// The place of the first entry that was ever appended.
    pub const ZERO: Self = Self(0);

    /// The offset `entries` further on.
    #[must_use]
    pub const fn plus(self, entries: u64) -> Self {
        Self(self.0.saturating_add(entries))
    }

    /// The offset before this one; `None` for the first.
    #[must_use]
    pub const fn previous(self) -> Option<Self> {
        match self.0.checked_sub(1) {
            Some(offset) => Some(Self(offset)),
            None => None,
        }
    }

    /// Entries from `earlier` to here; 0 when `earlier` is not earlier.
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// One value for each of the two logs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PerLog<T> {
    /// What belongs to the alert log.
    pub alerts: T,
    /// What belongs to the track log.
    pub tracks: T,
}

impl<T> PerLog<T> {
    /// The value of `log`.
    pub const fn get(&self, log: LogName) -> &T {
        match log {
            LogName::Alerts => &self.alerts,
            LogName::Tracks => &self.tracks,
        }
    }

    /// The value of `log`, to be changed.
    pub const fn get_mut(&mut self, log: LogName) -> &mut T {
        match log {
            LogName::Alerts => &mut self.alerts,
            LogName::Tracks => &mut self.tracks,
        }
    }
}
