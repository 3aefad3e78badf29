//! Sending at a rate, whatever the other side does.

use std::ops::Range;
use std::time::{Duration, Instant};

use tokio::time::{Interval, MissedTickBehavior, interval};

/// How often it is looked what is due.
pub(crate) const TICK: Duration = Duration::from_millis(1);

/// So many a second, spread evenly over a time.
pub(crate) struct Pace {
    per_s: f64,
    lasts: Duration,
    begun: Instant,
    ticks: Interval,
    sent: u64,
}

impl Pace {
    pub(crate) fn new(per_s: f64, lasts: Duration) -> Self {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        Self {
            per_s,
            lasts,
            begun: Instant::now(),
            ticks,
            sent: 0,
        }
    }

    /// Numbers of those that are due by now, counted from 0; nothing when the time is over.
    pub(crate) async fn due(&mut self) -> Option<Range<u64>> {
        if self.begun.elapsed() >= self.lasts {
            return None;
        }
        self.ticks.tick().await;
        let due = (self.begun.elapsed().as_secs_f64() * self.per_s) as u64;
        let range = self.sent..due.max(self.sent);
        self.sent = range.end;
        Some(range)
    }

    /// How many have been due so far.
    pub(crate) fn sent(&self) -> u64 {
        self.sent
    }
}
