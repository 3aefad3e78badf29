//! The phone's clocks.

use std::time::{Duration, Instant, SystemTime};

use protocol::UnixMillis;

use crate::Now;

/// Clocks that began together. The one for deadlines is tokio's, so that paused time stops it too.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    start: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { start: instant() }
    }

    pub(crate) fn now(&self) -> Now {
        self.at(instant())
    }

    /// The wall clock is read now; it only stamps.
    pub(crate) fn at(&self, at: Instant) -> Now {
        Now {
            since_start: at.saturating_duration_since(self.start),
            wall: wall(),
        }
    }

    pub(crate) fn instant(&self, since_start: Duration) -> Instant {
        self.start + since_start
    }
}

pub(crate) fn instant() -> Instant {
    tokio::time::Instant::now().into_std()
}

fn wall() -> UnixMillis {
    let since_1970 = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    UnixMillis::new(i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX))
}
