//! The service that a load brings along: of this process, on loopback, with a temporary log.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ansim::demo::{self, Areas};
use ansim::demo_site::{DemoOfficer, DemoSite};
use ansim::service::{NO_CONSOLE, NO_RELAY, Service, ServiceParts};
use anyhow::Context as _;
use dispatcher::jurisdiction::JurisdictionMap;
use simulator::io::Site;
use simulator::scenario::Event;
use tokio::runtime::{Builder, Runtime};
use tokio::time::sleep_until;
use tokio_util::sync::CancellationToken;

use crate::command::folder::Folder;

/// A service, and all that is needed to start it again at the same addresses.
pub(super) struct OwnService {
    site: Arc<DemoSite>,
    officer: DemoOfficer,
    map: Arc<JurisdictionMap>,
    relay: SocketAddr,
    console: SocketAddr,
    console_url: String,
    /// Absent while it is stopped.
    service: Option<Service>,
    /// Of the service alone: phones that have their hands full must not keep it from its turn.
    runtime: ServiceRuntime,
    /// When its last start began.
    up_at: Option<Instant>,
    folder: Folder,
}

impl OwnService {
    pub(super) async fn start(districts: Option<&Path>) -> anyhow::Result<Self> {
        let districts = districts
            .map(Path::to_path_buf)
            .or_else(demo::find_districts);
        let (map, areas) = demo::map_of_korea(districts.as_deref())?;
        if areas == Areas::Nearest {
            eprintln!("the districts of Korea are not here: an alert goes to the nearest station");
        }
        let folder = Folder::create("simulate")?;
        let site = Arc::new(DemoSite::new()?);
        // Sees everything, and acknowledges nothing.
        let officer = DemoOfficer {
            role: "viewer".to_owned(),
            ..DemoOfficer::new("load", "부하", "national")
        };
        let officers = std::slice::from_ref(&officer);
        let parts = site.parts(folder.path(), map.clone(), officers)?;
        let runtime = ServiceRuntime::new()?;
        let service = runtime.start(parts).await?;
        let console_url = service.console_url().context(NO_CONSOLE)?;
        Ok(Self {
            runtime,
            relay: service.relay_address().context(NO_RELAY)?,
            console: service.console_address().context(NO_CONSOLE)?,
            console_url: console_url.trim_end_matches('/').to_owned(),
            site,
            officer,
            map: Arc::new(map),
            service: Some(service),
            up_at: None,
            folder,
        })
    }

    /// What phones and officers know of it.
    pub(super) fn site(&self) -> anyhow::Result<Site> {
        let site = Arc::clone(&self.site);
        Ok(Site {
            console: self.console_url.clone(),
            user: self.officer.user.clone(),
            password: self.officer.password.clone(),
            enrolment: site.enrolment_without_token(self.relay)?,
            sign: Arc::new(move |claims| site.issuer().issue(claims)),
            drill: false,
            map: Arc::clone(&self.map),
        })
    }

    /// Lets happen what the scenario has, then waits. Returns why the service is of no use any more.
    pub(super) async fn keep(
        &mut self,
        events: &[Event],
        start: Instant,
        stop: &CancellationToken,
    ) -> String {
        for event in events {
            let Event::Restart { at_s, down_s } = event;
            let at = start + Duration::from_secs_f64(*at_s);
            tokio::select! {
                () = sleep_until(at.into()) => {}
                () = stop.cancelled() => break,
                why = failed(self.service.as_ref()) => return why,
            }
            let up_at = Instant::now() + Duration::from_secs_f64(*down_s);
            if let Err(error) = self.restart(up_at).await {
                return format!("the service could not be started again: {error:#}");
            }
        }
        failed(self.service.as_ref()).await
    }

    async fn restart(&mut self, up_at: Instant) -> anyhow::Result<()> {
        eprintln!("the service is stopped");
        if let Some(service) = self.service.take() {
            service.shutdown().await;
        }
        let officers = std::slice::from_ref(&self.officer);
        let map = JurisdictionMap::clone(&self.map);
        let mut parts = self.site.parts(self.folder.path(), map, officers)?;
        if let Some(relay) = &mut parts.relay {
            relay.config.listen = self.relay;
        }
        if let Some(dispatcher) = &mut parts.dispatcher {
            dispatcher.console.listen = self.console;
        }
        sleep_until(up_at.into()).await;
        self.up_at = Some(Instant::now());
        self.service = Some(self.runtime.start(parts).await?);
        eprintln!("the service has been started again");
        Ok(())
    }

    /// When it was started again, if it was.
    pub(super) fn up_at(&self) -> Option<Instant> {
        self.up_at
    }

    pub(super) async fn shutdown(self) {
        if let Some(service) = self.service {
            service.shutdown().await;
        }
    }
}

/// Threads of the service's own, as many as it would have as a process.
struct ServiceRuntime(Option<Runtime>);

impl ServiceRuntime {
    fn new() -> anyhow::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .thread_name("service")
            .enable_all()
            .build()
            .context("cannot start the runtime of the service")?;
        Ok(Self(Some(runtime)))
    }

    async fn start(&self, parts: ServiceParts) -> anyhow::Result<Service> {
        let runtime = self
            .0
            .as_ref()
            .context("the runtime of the service has ended")?;
        runtime.spawn(Service::start(parts)).await?
    }
}

impl Drop for ServiceRuntime {
    /// A runtime cannot wait for its threads within another.
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

async fn failed(service: Option<&Service>) -> String {
    match service {
        Some(service) => service.failed().await,
        None => std::future::pending().await,
    }
}
