//! Reports: told, compared, and added up.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use simulator::report::{Report, Verdict, compare, merge};

use super::{language, write_file};
use crate::command::WrongUsage;

/// Compares what was (A) with what is (B): text on standard output.
#[derive(Debug, Args)]
pub(super) struct Compare {
    /// What was: a file that --json wrote
    #[arg(value_name = "A.json")]
    a: PathBuf,
    /// What is
    #[arg(value_name = "B.json")]
    b: PathBuf,
    /// Writes the comparison as a page
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Language: ko or en
    #[arg(long, value_name = "LANGUAGE", default_value = "ko")]
    lang: String,
}

impl Compare {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let language = language(&self.lang)?;
        let comparison = compare(&read(&self.a)?, &read(&self.b)?);
        print!("{}", comparison.to_text(language));
        if let Some(path) = &self.html {
            write_file(path, &comparison.to_html(language))?;
        }
        Ok(())
    }
}

/// Adds up the reports of several machines that loaded one service at the same time.
#[derive(Debug, Args)]
pub(super) struct Merge {
    /// Files that --json wrote, one for each machine
    #[arg(value_name = "REPORT.json", num_args = 2.., required = true)]
    reports: Vec<PathBuf>,
    /// Writes the sum as JSON
    #[arg(long, value_name = "FILE")]
    json: PathBuf,
    /// Writes the sum as a page
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Language of the page: ko or en
    #[arg(long, value_name = "LANGUAGE", default_value = "ko")]
    lang: String,
}

impl Merge {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let language = language(&self.lang)?;
        let reports: Result<Vec<_>, _> = self.reports.iter().map(|path| read(path)).collect();
        let merged = merge(&reports?).map_err(|error| WrongUsage(error.to_string()))?;
        write_file(&self.json, &merged.to_json()?)?;
        if let Some(path) = &self.html {
            write_file(path, &merged.to_html(language))?;
        }
        tell(&merged);
        Ok(())
    }
}

fn read(path: &Path) -> anyhow::Result<Report> {
    let wrong = |error: anyhow::Error| WrongUsage(format!("{error:#}"));
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read {}", path.display()))
        .map_err(wrong)?;
    let report = Report::from_json(&text).with_context(|| path.display().to_string());
    Ok(report.map_err(wrong)?)
}

/// The report in a few lines on standard error.
pub(super) fn tell(report: &Report) {
    let machine = &report.machine;
    let verdict = match machine.verdict {
        Verdict::Passed => "passed",
        Verdict::Missed => "MISSED",
        Verdict::NotConclusive => "not conclusive at this rate",
    };
    eprintln!(
        "machine: {verdict}. raised {} receipted {} on board {} lost {} doubled {} mismatches {} \
         reordered {}",
        machine.raised,
        machine.receipted,
        machine.on_board,
        machine.lost,
        machine.doubled,
        machine.map_mismatches,
        machine.reordered
    );
    for doubt in &report.generator.doubts {
        eprintln!("  the generator: {doubt:?}");
    }
    for stage in &machine.stages {
        let (late, begun) = (&stage.from_intended, &stage.from_begun);
        eprintln!(
            "  {:?}: p50 {:.1} p99 {:.1} p99.9 {:.1} max {:.1} ms (from begun: p99 {:.1} ms)",
            stage.name, late.p50_ms, late.p99_ms, late.p999_ms, late.max_ms, begun.p99_ms
        );
    }
    if let Some(people) = &report.people {
        let needed = people.seats_needed;
        eprintln!(
            "people: {}. {:.1} % looked at within 15 s; {} seats, {} needed",
            if people.passed { "passed" } else { "MISSED" },
            100.0 * people.within_15_s,
            people.seats,
            needed.map_or_else(|| "no number".to_owned(), |seats| seats.to_string())
        );
    }
    eprintln!("  {}", report.build.setting.note);
}
