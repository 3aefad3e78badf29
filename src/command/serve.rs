//! `ansim serve --config ansim.toml`.

use std::path::PathBuf;
use std::process::exit;
use std::time::Duration;

use ansim::config::Config;
use ansim::service::{Service, ServiceParts};
use anyhow::{Context as _, bail};
use clap::Args;
use dispatcher::io::http::MapReloader;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::timeout;

use super::WrongUsage;

/// After a failure, the process is gone within ten seconds, whatever hangs.
const FAILED_FAREWELL: Duration = Duration::from_secs(8);

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// The configuration; `ansim.example.toml` has every key.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Print the configuration with all defaults and end.
    #[arg(long)]
    print_config: bool,
}

impl Serve {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let wrong = |error: anyhow::Error| WrongUsage(format!("{error:#}"));
        let config = Config::read(&self.config).map_err(|error| wrong(error.into()))?;
        if self.print_config {
            print!("{}", toml::to_string(&config)?);
            return Ok(());
        }
        let parts = ServiceParts::read(&config).map_err(wrong)?;
        super::start_logging();
        tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .context("cannot start the runtime")?
            .block_on(serve(parts))
    }

    /// One file, one process: alone, neither part has a log that the other could read.
    pub(crate) fn refuse_alone(self, part: &str) -> anyhow::Result<()> {
        Config::read(&self.config).map_err(|error| WrongUsage(error.to_string()))?;
        Err(WrongUsage(format!(
            "the embedded log is one file for one process, and a {part} alone would have nobody \
             to share it with: run `ansim serve --config {}`",
            self.config.display()
        ))
        .into())
    }
}

async fn serve(parts: ServiceParts) -> anyhow::Result<()> {
    // Before anything else: until it is waited for, SIGHUP ends a process.
    let hung_up = signal(SignalKind::hangup()).context("cannot wait for SIGHUP")?;
    let mut terminated = signal(SignalKind::terminate()).context("cannot wait for SIGTERM")?;
    let service = Service::start(parts).await?;
    eprintln!(
        "relay: {} (UDP), console: {}",
        service.relay_address(),
        service.console_address()
    );
    let reloading = tokio::spawn(reload_on(hung_up, service.map_reloader().clone()));
    let failure = tokio::select! {
        _ = tokio::signal::ctrl_c() => None,
        _ = terminated.recv() => None,
        why = service.failed() => Some(why),
    };
    reloading.abort();
    let Some(why) = failure else {
        service.shutdown().await;
        return Ok(());
    };
    tracing::error!(why, "the service has failed; this process ends");
    if timeout(FAILED_FAREWELL, service.shutdown()).await.is_err() {
        exit(1);
    }
    bail!("{why}; what was receipted is in the log; start again to read it anew")
}

/// Reads the map anew at each SIGHUP, unforced. What came of it is logged.
async fn reload_on(mut hung_up: Signal, maps: MapReloader) {
    while hung_up.recv().await.is_some() {
        let _ = maps.reload(false).await;
    }
}
