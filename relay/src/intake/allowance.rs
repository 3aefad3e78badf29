//! How many small packets may go in between two pulses.
//!
//! A pulse is a task that sleeps and asks how late it woke: behind the tasks of all connections, and as late as they
//! are. While it is in time there is no limit. When it is late, positions are what makes it late, or what can be done
//! without: an eighth less of them goes in at each late pulse, and a little more at each that is in time, as congestion
//! control does it (more by steps, less by a share), so that the processors are never quite full and a
//! raise never waits.

use std::time::Duration;

use crate::limits::PULSE_LATE_ABOVE;

/// Late pulses in a row before anything is done about it: once or twice is another program that has its turns.
const LATE_PULSES: u32 = 3;

/// A late pulse takes one of so many away.
const DECREASE: u32 = 8;

/// A pulse in time adds one of so many: back to twice as many after a second.
const INCREASE: u32 = 256;

/// The least, so that phones that track are heard now and then whatever happens: two hundred a second.
const LEAST: u32 = 1;

/// What went is averaged over about so many pulses.
const MEAN_OF: u32 = 16;

/// Pulses in time without all of the allowance being used, after which there is no limit again: half a second.
const UNUSED_PULSES: u32 = 100;

#[derive(Debug, Default)]
pub(super) struct Allowance {
    /// Between two pulses; without it there is no limit.
    limit: Option<u32>,
    /// Since the last pulse.
    went: u32,
    /// What goes between two pulses on average, times [`MEAN_OF`].
    mean: u32,
    /// Late pulses in a row.
    late: u32,
    /// Pulses in a row at which some of it was left.
    unused: u32,
}

impl Allowance {
    /// A pulse that was so late.
    pub(super) fn handle_pulse(&mut self, late: Duration) {
        let went = std::mem::take(&mut self.went);
        let is_unused = self.limit.is_some_and(|limit| went < limit);
        self.unused = if is_unused { self.unused + 1 } else { 0 };
        self.mean = (self.mean - self.mean / MEAN_OF).saturating_add(went);
        self.late = if late > PULSE_LATE_ABOVE {
            self.late + 1
        } else {
            0
        };
        if self.late >= LATE_PULSES {
            let limit = self.limit.unwrap_or(self.mean / MEAN_OF);
            self.limit = Some((limit - limit.div_ceil(DECREASE).min(limit)).max(LEAST));
        } else if self.unused >= UNUSED_PULSES {
            self.limit = None;
        } else if !is_unused {
            self.limit = self.limit.map(|limit| limit + limit.div_ceil(INCREASE));
        }
    }

    /// How many may still go in before the next pulse.
    pub(super) fn left(&self) -> u32 {
        self.limit
            .map_or(u32::MAX, |limit| limit.saturating_sub(self.went))
    }

    /// Whether the processors were full a moment ago.
    pub(super) fn is_limited(&self) -> bool {
        self.limit.is_some()
    }

    pub(super) fn take(&mut self, count: u32) {
        self.went = self.went.saturating_add(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IN_TIME: Duration = Duration::ZERO;

    /// A machine that can take `capacity` between two pulses while `offered` come, and is late when more go in.
    fn went(allowance: &mut Allowance, offered: u32, capacity: u32) -> u32 {
        let went = offered.min(allowance.left());
        allowance.take(went);
        let late = if went > capacity {
            PULSE_LATE_ABOVE * 2
        } else {
            IN_TIME
        };
        allowance.handle_pulse(late);
        went
    }

    #[test]
    fn what_can_be_taken_has_no_limit() {
        let mut allowance = Allowance::default();
        for _ in 0..1_000 {
            assert_eq!(went(&mut allowance, 90, 100), 90);
        }
        assert_eq!(allowance.left(), u32::MAX);
    }

    #[test]
    fn an_accident_limits_nothing() {
        let mut allowance = Allowance::default();
        allowance.handle_pulse(PULSE_LATE_ABOVE * 2);
        allowance.handle_pulse(IN_TIME);
        assert_eq!(allowance.left(), u32::MAX);
    }

    #[test]
    fn of_five_times_as_many_nearly_all_that_can_be_taken_go_in_and_hardly_a_pulse_is_late() {
        let mut allowance = Allowance::default();
        for _ in 0..200 {
            went(&mut allowance, 500, 100);
        }
        let rounds: Vec<u32> = (0..2_000).map(|_| went(&mut allowance, 500, 100)).collect();
        let mean = f64::from(rounds.iter().sum::<u32>()) / 2_000.0;
        assert!(mean > 90.0 && mean < 110.0, "{mean}");
        let late = rounds.iter().filter(|went| **went > 100).count();
        assert!(late < 1_000, "{late}");
    }

    #[test]
    fn when_the_load_ends_so_does_the_limit() {
        let mut allowance = Allowance::default();
        for _ in 0..200 {
            went(&mut allowance, 500, 100);
        }
        assert!(allowance.left() < 500);
        for _ in 0..200 {
            went(&mut allowance, 10, 100);
        }
        assert_eq!(allowance.left(), u32::MAX);
    }

    #[test]
    fn some_are_heard_however_late_it_is() {
        let mut allowance = Allowance::default();
        for _ in 0..1_000 {
            went(&mut allowance, 500, 0);
        }
        assert_eq!(allowance.left(), LEAST);
    }
}
