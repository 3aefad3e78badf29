//! Steps that are run one after the other, timed, and told about at the end.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use crate::house::{House, Usage};

/// One step of a task.
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) run: fn(&House) -> anyhow::Result<()>,
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed,
    Failed,
    NotRun,
}

/// A line of the table.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) name: &'static str,
    pub(crate) took: Duration,
    pub(crate) outcome: Outcome,
}

/// What came of all steps.
pub(crate) struct Report {
    pub(crate) records: Vec<Record>,
    /// The error of the step that failed.
    pub(crate) error: Option<anyhow::Error>,
}

/// Runs the steps in order and stops at the first that fails: what follows would only say the same.
pub(crate) fn run(house: &House, steps: &[Step]) -> Report {
    let mut report = Report {
        records: Vec::new(),
        error: None,
    };
    for step in steps {
        if report.error.is_some() {
            report.records.push(Record {
                name: step.name,
                took: Duration::ZERO,
                outcome: Outcome::NotRun,
            });
            continue;
        }
        eprintln!("\n== {}", step.name);
        let began = Instant::now();
        let result = (step.run)(house);
        let outcome = if result.is_ok() {
            Outcome::Passed
        } else {
            Outcome::Failed
        };
        report.records.push(Record {
            name: step.name,
            took: began.elapsed(),
            outcome,
        });
        report.error = result.err();
    }
    report
}

impl Report {
    pub(crate) fn took(&self) -> Duration {
        self.records.iter().map(|record| record.took).sum()
    }

    /// Wrong usage and a missing package keep their exit code, whatever step they were found in.
    pub(crate) fn is_usage(&self) -> bool {
        self.error.as_ref().is_some_and(|error| error.is::<Usage>())
    }

    /// The minutes of each step and their sum.
    pub(crate) fn table(&self) -> String {
        let mut text = String::new();
        for record in &self.records {
            let _ = match record.outcome {
                Outcome::Passed => {
                    writeln!(text, "{:>7.1} min  {}", minutes(record.took), record.name)
                }
                Outcome::Failed => {
                    writeln!(
                        text,
                        "{:>7.1} min  {}: FAILED",
                        minutes(record.took),
                        record.name
                    )
                }
                Outcome::NotRun => writeln!(text, "      –      {}: not run", record.name),
            };
        }
        let _ = writeln!(text, "{:>7.1} min  total", minutes(self.took()));
        text
    }
}

/// A duration in minutes.
pub(crate) fn minutes(duration: Duration) -> f64 {
    duration.as_secs_f64() / 60.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(name: &'static str, seconds: u64, outcome: Outcome) -> Record {
        Record {
            name,
            took: Duration::from_secs(seconds),
            outcome,
        }
    }

    #[test]
    fn the_table_says_what_failed_and_what_was_not_run() {
        let report = Report {
            records: vec![
                record("formatting", 6, Outcome::Passed),
                record("lints", 90, Outcome::Failed),
                record("tests", 0, Outcome::NotRun),
            ],
            error: Some(anyhow::anyhow!("no")),
        };
        assert_eq!(
            report.table(),
            "    0.1 min  formatting\n    1.5 min  lints: FAILED\n      –      tests: not run\n    \
             1.6 min  total\n"
        );
    }

    #[test]
    fn after_a_failure_nothing_runs() {
        // Any place will do: these steps look at nothing.
        let house = House::find().expect("the tests run under cargo");
        let steps = [
            Step {
                name: "one",
                run: |_| Ok(()),
            },
            Step {
                name: "two",
                run: |_| Err(Usage::new("wrong")),
            },
            Step {
                name: "three",
                run: |_| panic!("must not run"),
            },
        ];
        let report = run(&house, &steps);
        let outcomes: Vec<Outcome> = report.records.iter().map(|record| record.outcome).collect();
        assert_eq!(
            outcomes,
            [Outcome::Passed, Outcome::Failed, Outcome::NotRun]
        );
        assert!(report.is_usage());
    }
}
