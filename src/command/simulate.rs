//! `ansim simulate`: will it hold? A load on a service, and the report that says so.

mod fill;
mod own;
mod reports;
mod target;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand, ValueEnum};
use dispatcher::jurisdiction::build::{KOREA_STATIONS_CSV, stations};
use simulator::desks::what_if;
use simulator::io::{Load, LoadError, Loaded, Ready, SoFar};
use simulator::plan::PlanError;
use simulator::report::{Language, Report, ServicePlace, Verdict};
use simulator::scenario::{NAMES, Scenario, ScenarioError};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use super::demo::stop_at_interrupt;
use super::{NotMet, WrongUsage};
use fill::Setup;
use own::OwnService;
use reports::{Compare, Merge};
use target::Target;

/// From the last preparation to the first moment of the scenario.
const HEAD_START: Duration = Duration::from_millis(500);

/// People press, phones send, officers wait: a scenario against a service, and a report.
///
/// SCENARIO is a TOML file, or one of quiet-night, saturday-night, crowd-crush, typhoon, earthquake,
/// tracking, reconnect-storm and abuse. Without --target the service is one of this process, on
/// loopback, with its log in a temporary folder.
///
/// Exit code 3 when a verdict is missed or the run says nothing at this rate, 2 for a wrong scenario
/// or target, 1 when the run itself failed.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Simulate {
    #[command(subcommand)]
    other: Option<Other>,
    #[command(flatten)]
    run: RunOptions,
}

#[derive(Debug, Subcommand)]
enum Other {
    Compare(Compare),
    Merge(Merge),
}

#[derive(Debug, Args)]
struct RunOptions {
    /// A file, or the name of a built-in scenario
    #[arg(required = true)]
    scenario: Option<String>,
    /// Shortens it to so many seconds: each wave keeps its share of the time
    #[arg(long, value_name = "N")]
    seconds: Option<f64>,
    /// Multiplies the rates of those who press
    #[arg(long, value_name = "F")]
    rate_factor: Option<f64>,
    /// A service that runs: a TOML file with console, user, password_file, enrolment, issuer_key, map
    #[arg(long, value_name = "FILE")]
    target: Option<PathBuf>,
    /// Instead of the scenario's own
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// Writes the report as JSON (docs/report.schema.json)
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Writes the report as a page
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Language of the page: ko or en
    #[arg(long, value_name = "LANGUAGE", default_value = "ko")]
    lang: String,
    /// Which verdict the exit code is about
    #[arg(long, value_enum, default_value_t = Judged::Both)]
    verdict: Judged,
    /// What share would be looked at within 15 s with other seats: seats=N, all rooms together
    #[arg(long, value_name = "seats=N")]
    what_if: Vec<String>,
    /// For how many seconds phones go on after the end with what has not arrived; then it is lost
    #[arg(long, value_name = "N", default_value_t = 60)]
    patience: u64,
    /// The districts of the own service's map; looked for in console/node_modules when not given
    #[arg(long, value_name = "FILE", conflicts_with = "target")]
    districts: Option<PathBuf>,
}

/// What the exit code is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Judged {
    /// The service alone.
    Machine,
    /// The service and the desks.
    Both,
}

impl Simulate {
    /// Runs it; a missed verdict is an error with an exit code of its own.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        match self.other {
            Some(Other::Compare(compare)) => compare.run(),
            Some(Other::Merge(merge)) => merge.run(),
            None => self.run.run(),
        }
    }
}

impl RunOptions {
    fn run(self) -> anyhow::Result<()> {
        let quiet = || EnvFilter::new("error");
        tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::try_from_default_env().unwrap_or_else(|_| quiet()))
            .with_writer(std::io::stderr)
            .init();
        let language = language(&self.lang)?;
        let scenario = self.scenario()?;
        let seats = self.seats()?;
        let target = self.target.as_deref().map(Target::read).transpose()?;
        if target.is_some() && !scenario.events.is_empty() {
            return Err(WrongUsage(format!(
                "`{}` restarts the service, which is done to the own service only: leave out \
                 --target, or take `events` out of the scenario",
                scenario.name
            ))
            .into());
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .context("cannot start the runtime")?;
        let report = runtime.block_on(self.load(scenario, target, &seats))?;
        self.write(&report, language)?;
        reports::tell(&report);
        self.judge(&report)
    }

    fn scenario(&self) -> anyhow::Result<Scenario> {
        let name = self.scenario.as_deref().unwrap_or_default();
        let wrong = |error: ScenarioError| WrongUsage(error.to_string());
        let mut scenario = if NAMES.contains(&name) {
            Scenario::named(name).map_err(wrong)?
        } else {
            let text = std::fs::read_to_string(name).map_err(|error| {
                WrongUsage(format!(
                    "`{name}` is no built-in scenario ({}) and cannot be read as a file: {error}",
                    NAMES.join(", ")
                ))
            })?;
            Scenario::from_toml(&text, name).map_err(wrong)?
        };
        if let Some(seed) = self.seed {
            scenario = scenario.with_seed(seed);
        }
        if self.seconds.is_some() || self.rate_factor.is_some() {
            let seconds = self.seconds.unwrap_or(scenario.seconds);
            scenario = scenario.shortened(seconds, self.rate_factor.unwrap_or(1.0));
            scenario.check(name).map_err(wrong)?;
        }
        Ok(scenario)
    }

    fn seats(&self) -> anyhow::Result<Vec<u64>> {
        let seats = self.what_if.iter().map(|text| what_if(text));
        let seats: Result<_, _> = seats.collect();
        Ok(seats.map_err(|error| WrongUsage(error.to_string()))?)
    }

    async fn load(
        &self,
        scenario: Scenario,
        target: Option<Target>,
        seats: &[u64],
    ) -> anyhow::Result<Report> {
        let stop = CancellationToken::new();
        let interrupted = tokio::spawn(stop_at_interrupt(stop.clone()));
        let load = |site, service_pid| {
            Ok::<_, anyhow::Error>(Load {
                scenario: scenario.clone(),
                stations: stations(KOREA_STATIONS_CSV)?,
                site,
                patience: Duration::from_secs(self.patience),
                service_pid,
                stop: stop.clone(),
            })
        };
        let report = match target {
            Some(target) => {
                let load = load(target.site()?, target.service_pid())?;
                let setup = Setup::of(&load, target.place(), target.is_shared());
                let run = prepared(load).await?;
                let loaded = run.loaded(&setup).await?;
                fill::report(setup, loaded, None, seats)?
            }
            None => {
                let mut own = OwnService::start(self.districts.as_deref()).await?;
                let load = load(own.site()?, None)?;
                let setup = Setup::of(&load, ServicePlace::SameProcess, false);
                let run = prepared(load).await?;
                let start = run.start;
                let loaded = tokio::select! {
                    loaded = run.loaded(&setup) => loaded?,
                    why = own.keep(&scenario.events, start, &stop) => bail!(why),
                };
                let report = fill::report(setup, loaded, own.up_at(), seats)?;
                own.shutdown().await;
                report
            }
        };
        interrupted.abort();
        Ok(report)
    }

    fn write(&self, report: &Report, language: Language) -> anyhow::Result<()> {
        if let Some(path) = &self.json {
            write_file(path, &report.to_json()?)?;
        }
        if let Some(path) = &self.html {
            write_file(path, &report.to_html(language))?;
        }
        Ok(())
    }

    /// What is not conclusive has not been shown to hold.
    fn judge(&self, report: &Report) -> anyhow::Result<()> {
        let machine = report.machine.verdict;
        let people = report.people.as_ref().is_none_or(|people| people.passed);
        let mut missed = Vec::new();
        match machine {
            Verdict::Passed => {}
            Verdict::Missed => missed.push("the machine missed its levels"),
            Verdict::NotConclusive => missed.push("the machine: not conclusive at this rate"),
        }
        if self.verdict == Judged::Both && !people {
            missed.push("the people missed their target");
        }
        if missed.is_empty() {
            return Ok(());
        }
        Err(NotMet(missed.join("; ")).into())
    }
}

/// A load that begins at a known moment.
struct Run {
    ready: Ready,
    start: Instant,
    began_at: SystemTime,
}

async fn prepared(load: Load) -> anyhow::Result<Run> {
    eprintln!("{}: {}", load.scenario.name, load.scenario.summary);
    let mut told = Instant::now();
    let ready = load
        .prepare(|met| {
            if told.elapsed() >= Duration::from_secs(1) {
                told = Instant::now();
                eprintln!("before the start {met} phones have met the relay for a ticket");
            }
        })
        .await
        .map_err(wrong_plan)?;
    Ok(Run {
        ready,
        start: Instant::now() + HEAD_START,
        began_at: SystemTime::now() + HEAD_START,
    })
}

impl Run {
    async fn loaded(self, setup: &Setup) -> anyhow::Result<(Loaded, SystemTime)> {
        let told = |so_far: &SoFar| tell(setup, so_far);
        let loaded = self.ready.run(self.start, told).await?;
        Ok((loaded, self.began_at))
    }
}

/// A plan that cannot be made is the scenario's fault.
fn wrong_plan(error: LoadError) -> anyhow::Error {
    match error {
        LoadError::Plan(error @ PlanError::NoSuchAgency { .. }) => {
            WrongUsage(error.to_string()).into()
        }
        error => error.into(),
    }
}

/// One line a second: how far, what was to happen and what happened, and how fast.
fn tell(setup: &Setup, so_far: &SoFar) {
    let counts = so_far.progress.counts;
    let elapsed_s = so_far.elapsed.as_secs_f64();
    let percent = (100.0 * elapsed_s / setup.scenario.seconds).min(100.0);
    let missing = counts.begun.saturating_sub(counts.receipted);
    eprintln!(
        "{:>5.0} s {percent:>3.0} %  offered {:<7} begun {:<7} receipts {:<7} console {:<7} \
         p99 {:.0} / {:.0} ms  connected {:<6} positions {:<7} owed {missing} unknown {}",
        elapsed_s,
        counts.offered,
        counts.begun,
        counts.receipted,
        counts.on_board,
        so_far.progress.receipt_p99_ms,
        so_far.progress.console_p99_ms,
        so_far.connected,
        counts.positions_sent,
        so_far.progress.strangers,
    );
}

fn language(code: &str) -> Result<Language, WrongUsage> {
    Language::from_code(code)
        .ok_or_else(|| WrongUsage(format!("`{code}` is no language of the report: ko or en")))
}

fn write_file(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
