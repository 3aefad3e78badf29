//! `ansim serve --config ansim.toml`.

use std::path::PathBuf;
use std::process::exit;
use std::time::Duration;

use ansim::config::{Config, Relay};
use ansim::service::{Role, Service, ServiceParts, read_certificate};
use anyhow::{Context as _, bail};
use clap::Args;
use dispatcher::io::http::MapReloader;
use relay::CertificateSwitch;
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
    pub(crate) fn run(self, role: Role) -> anyhow::Result<()> {
        let wrong = |error: anyhow::Error| WrongUsage(format!("{error:#}"));
        let config = Config::read(&self.config).map_err(|error| wrong(error.into()))?;
        if self.print_config {
            print!("{}", toml::to_string(&config)?);
            return Ok(());
        }
        let parts = ServiceParts::read(&config, role).map_err(wrong)?;
        super::start_logging();
        tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .context("cannot start the runtime")?
            .block_on(serve(parts, config.relay))
    }
}

async fn serve(parts: ServiceParts, relay: Option<Relay>) -> anyhow::Result<()> {
    // Before anything else: until it is waited for, SIGHUP ends a process.
    let hung_up = signal(SignalKind::hangup()).context("cannot wait for SIGHUP")?;
    let mut terminated = signal(SignalKind::terminate()).context("cannot wait for SIGTERM")?;
    let service = Service::start(parts).await?;
    eprintln!("{}", where_it_is(&service));
    let certificate = service.relay().map(|relay| relay.certificate().clone());
    let reloading = tokio::spawn(reload_on(
        hung_up,
        service.map_reloader().cloned(),
        certificate.zip(relay),
    ));
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

/// The doors of this process.
fn where_it_is(service: &Service) -> String {
    let relay = service
        .relay_address()
        .map(|at| format!("relay: {at} (UDP)"));
    let console = service.console_address().map(|at| format!("console: {at}"));
    let operations = service
        .operations_address()
        .map(|at| format!("operations: {at}"));
    let doors = [relay, console, operations];
    doors.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// Reads the map and the certificate of the phones' door anew at each SIGHUP, the map unforced. What came of it is
/// logged. A process reads what it has a use for.
async fn reload_on(
    mut hung_up: Signal,
    maps: Option<MapReloader>,
    certificate: Option<(CertificateSwitch, Relay)>,
) {
    while hung_up.recv().await.is_some() {
        if let Some((switch, relay)) = &certificate {
            match read_certificate(relay) {
                Ok(certificate) => {
                    switch.swap(certificate);
                    tracing::info!("the certificate of the phones' door was read anew");
                }
                Err(error) => {
                    let why = format!("{error:#}");
                    tracing::error!(
                        why,
                        "the certificate in use stays: the new one cannot be used"
                    );
                }
            }
        }
        if let Some(maps) = &maps {
            let _ = maps.reload(false).await;
        }
    }
}
