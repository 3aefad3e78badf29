//! Levels and what came of them.

use serde::{Deserialize, Serialize};

use super::{Generator, Machine, StageName};
use crate::scenario::Levels;

/// A service level of the machine.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Alerts raised and not on the console: none.
    Lost,
    /// Alerts on the console too often: none.
    Doubled,
    /// Incidents at another desk than a brute-force answer on the same map: none.
    MapMismatches,
    /// Alerts without a receipt: none.
    Unreceipted,
    /// Raise to receipt, 999 of 1,000, in milliseconds.
    ReceiptP999,
    /// Raise to console, 99 of 100, in milliseconds.
    ConsoleP99,
    /// After a restart until every phone that tracks is connected again, in milliseconds; only where
    /// the scenario asks for it.
    Returned,
}

/// A level and whether it was kept.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Judgement {
    /// What was promised.
    pub level: Level,
    /// The most that is allowed: a count, or milliseconds.
    pub wanted: f64,
    /// What came of it, in the same unit; absent when nothing was measured, and then it is not kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<f64>,
    /// Whether it holds.
    pub kept: bool,
}

/// What a run says about the service.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// All levels kept, and the run is conclusive.
    Passed,
    /// A level was not kept, and that cannot be put down to the generator.
    Missed,
    /// The generator was the bottleneck: not conclusive at this rate.
    #[default]
    NotConclusive,
}

impl Machine {
    /// Judges what was counted and measured by the levels of the scenario: fills `judgements` and
    /// `verdict`.
    ///
    /// A level of time that a busy generator missed says nothing about the service; an alert that was
    /// lost is lost, whoever was busy.
    pub fn judge(&mut self, levels: &Levels, generator: &Generator) {
        self.judgements = vec![
            none(Level::Lost, self.lost),
            none(Level::Doubled, self.doubled),
            none(Level::MapMismatches, self.map_mismatches),
            none(
                Level::Unreceipted,
                self.raised.saturating_sub(self.receipted),
            ),
            self.within(
                Level::ReceiptP999,
                levels.receipt_p999_ms,
                StageName::Receipt,
            ),
            self.within(Level::ConsoleP99, levels.console_p99_ms, StageName::Console),
        ];
        if let Some(within_s) = levels.returned_within_s {
            let wanted = within_s * 1_000.0;
            self.judgements
                .push(at_most(Level::Returned, wanted, self.returned_ms));
        }
        self.verdict = verdict(&self.judgements, generator);
    }

    /// A time from the intended press, against what is allowed.
    fn within(&self, level: Level, wanted: f64, stage: StageName) -> Judgement {
        let measured = self
            .stage(stage)
            .map(|stage| &stage.from_intended)
            .filter(|latency| latency.count > 0)
            .map(|latency| match level {
                Level::ReceiptP999 => latency.p999_ms,
                _ => latency.p99_ms,
            });
        at_most(level, wanted, measured)
    }
}

impl Level {
    /// A time in milliseconds; otherwise a count.
    #[must_use]
    pub const fn is_time(self) -> bool {
        matches!(self, Self::ReceiptP999 | Self::ConsoleP99 | Self::Returned)
    }
}

/// A time that must not be longer.
fn at_most(level: Level, wanted: f64, measured: Option<f64>) -> Judgement {
    Judgement {
        level,
        wanted,
        measured,
        kept: measured.is_some_and(|ms| ms <= wanted),
    }
}

/// A count of which there must be none.
fn none(level: Level, count: u64) -> Judgement {
    Judgement {
        level,
        wanted: 0.0,
        measured: Some(count as f64),
        kept: count == 0,
    }
}

fn verdict(judgements: &[Judgement], generator: &Generator) -> Verdict {
    let missed = |times: bool| {
        judgements
            .iter()
            .any(|judgement| !judgement.kept && judgement.level.is_time() == times)
    };
    if missed(false) {
        Verdict::Missed
    } else if !generator.is_conclusive() {
        Verdict::NotConclusive
    } else if missed(true) {
        Verdict::Missed
    } else {
        Verdict::Passed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Doubt, Report, invented};

    fn judged(change: impl FnOnce(&mut Report)) -> Verdict {
        let mut report = invented();
        report.generator.doubts.clear();
        change(&mut report);
        report
            .machine
            .judge(&report.scenario.levels, &report.generator);
        report.machine.verdict
    }

    /// After a restart, where a minute is allowed.
    fn returned(returned_ms: Option<f64>) -> Verdict {
        judged(|report| {
            report.scenario.levels.returned_within_s = Some(60.0);
            report.machine.returned_ms = returned_ms;
        })
    }

    fn doubt(report: &mut Report) {
        report.generator.doubts = vec![Doubt::NotBegun { alerts: 7 }];
    }

    #[test]
    fn a_run_without_a_fault_passes() {
        assert_eq!(judged(|_| ()), Verdict::Passed);
    }

    #[test]
    fn each_fault_alone_is_missed() {
        type Fault = fn(&mut Report);
        let faults: [Fault; 6] = [
            |report| report.machine.lost = 1,
            |report| report.machine.doubled = 1,
            |report| report.machine.map_mismatches = 1,
            |report| report.machine.receipted -= 1,
            |report| report.scenario.levels.receipt_p999_ms = 0.5,
            |report| report.scenario.levels.console_p99_ms = 0.5,
        ];
        for fault in faults {
            assert_eq!(judged(fault), Verdict::Missed);
        }
        assert_eq!(returned(Some(60_000.0)), Verdict::Passed);
        assert_eq!(returned(Some(60_001.0)), Verdict::Missed);
        assert_eq!(returned(None), Verdict::Missed, "they never all returned");
        assert_eq!(
            judged(|report| report.machine.stages.clear()),
            Verdict::Missed,
            "what was not measured is not kept"
        );
    }

    #[test]
    fn a_busy_generator_excuses_times_and_nothing_else() {
        assert_eq!(judged(doubt), Verdict::NotConclusive);
        let late = |report: &mut Report| {
            doubt(report);
            report.scenario.levels.console_p99_ms = 0.5;
        };
        assert_eq!(judged(late), Verdict::NotConclusive);
        let lost = |report: &mut Report| {
            doubt(report);
            report.machine.lost = 1;
        };
        assert_eq!(judged(lost), Verdict::Missed);
    }
}
