//! Times as histograms.

use hdrhistogram::Histogram;

use super::Press;
use crate::report::{Latency, Stage, StageName};

/// Three significant digits are a thousandth of a time.
const DIGITS: u8 = 3;

/// The longest time that is told apart, in microseconds: an hour, which no run waits for.
const LONGEST_US: u64 = 3_600_000_000;

/// Times of everything that is timed.
#[derive(Debug, Default)]
pub(super) struct StageTimes {
    late: Times,
    pub(super) receipt: TwinTimes,
    pub(super) assigned: TwinTimes,
    pub(super) console: TwinTimes,
}

impl StageTimes {
    /// How late a press was begun, in microseconds.
    pub(super) fn late(&mut self, late_us: u64) {
        self.late.record(late_us);
    }

    pub(super) fn lateness(&self) -> Latency {
        self.late.latency()
    }

    /// In the order of an alert's way.
    pub(super) fn stages(&self) -> Vec<Stage> {
        let stage = |name, twins: &TwinTimes| Stage {
            name,
            from_intended: twins.from_intended.latency(),
            from_begun: twins.from_begun.latency(),
        };
        vec![
            stage(StageName::Receipt, &self.receipt),
            stage(StageName::Assigned, &self.assigned),
            stage(StageName::Console, &self.console),
        ]
    }

    pub(super) fn receipt_p99_ms(&self) -> f64 {
        self.receipt.from_intended.p99_ms()
    }

    pub(super) fn console_p99_ms(&self) -> f64 {
        self.console.from_intended.p99_ms()
    }
}

/// The same times from two moments.
#[derive(Debug, Default)]
pub(super) struct TwinTimes {
    from_intended: Times,
    from_begun: Times,
}

impl TwinTimes {
    /// Records how long it took until then, and returns it from the intended moment, in microseconds.
    pub(super) fn record(&mut self, press: &Press, at_us: u64) -> u32 {
        let from_intended_us = at_us.saturating_sub(press.intended_us);
        self.from_intended.record(from_intended_us);
        self.from_begun.record(at_us.saturating_sub(press.begun_us));
        u32::try_from(from_intended_us).unwrap_or(u32::MAX)
    }
}

#[derive(Debug)]
struct Times(Histogram<u64>);

impl Default for Times {
    fn default() -> Self {
        Self(
            Histogram::new_with_max(LONGEST_US, DIGITS)
                .expect("an hour in microseconds and three digits are allowed by the crate"),
        )
    }
}

impl Times {
    fn record(&mut self, micros: u64) {
        self.0.saturating_record(micros);
    }

    fn latency(&self) -> Latency {
        Latency::of(&self.0)
    }

    fn p99_ms(&self) -> f64 {
        self.0.value_at_quantile(0.99) as f64 / 1_000.0
    }
}
