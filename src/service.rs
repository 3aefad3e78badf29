//! The one place where the parts are put together: a relay, a dispatcher and its console over one
//! embedded log. Everything is read and built first; then it listens.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use anyhow::{Context as _, bail};
use dispatcher::io::http::{HttpConfig, MapReloader, Server, ServerHandle, TlsFiles};
use dispatcher::io::users::Users;
use dispatcher::io::{Engine, EngineConfig, MapSource};
use dispatcher::jurisdiction::{
    Authority as MapAuthority, IdProperties, JurisdictionIndex, JurisdictionMap, load,
};
use dispatcher::proposer::Policy;
use journal::{Clock, DayKeys, Health, Journal, Options};
use prometheus_client::registry::Registry;
use protocol::token::Authority;
use protocol::{Millis, SitePrivateKey};
use relay::{Certificate, Parts, Relay, RelayConfig, RelayHandle, RetryPolicy};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::map_text;
use crate::site_keys::SiteKeys;

/// The journal's file within the data folder.
const JOURNAL_FILE: &str = "journal.redb";

/// The relay's own keys within the data folder.
const RELAY_KEYS_FOLDER: &str = "relay-keys";

/// How often the relay is asked what keeps it from its work.
const LOOK_AT_THE_RELAY_EVERY: Duration = Duration::from_secs(1);

/// How long the dispatcher may take to write its last snapshot.
const DISPATCHER_FAREWELL: Duration = Duration::from_secs(5);

/// What a service is made of: everything has been read and checked.
pub struct ServiceParts {
    /// The journal's file; its folder exists.
    pub journal_path: PathBuf,
    /// How the journal is opened.
    pub journal: Options,
    /// Folder of the day keys.
    pub day_keys: PathBuf,
    /// The phones' door.
    pub relay: RelayConfig,
    /// Checks tokens.
    pub authority: Authority,
    /// Opens cancel codes.
    pub site_key: SitePrivateKey,
    /// Who answers for what.
    pub map: JurisdictionMap,
    /// Reads it anew, for a service that runs.
    pub map_source: MapSource,
    /// What else holds.
    pub policy: Policy,
    /// The officers' door.
    pub console: HttpConfig,
    /// The officers.
    pub users: Users,
}

impl ServiceParts {
    /// Reads everything that a configuration names. Nothing is written or bound.
    ///
    /// # Errors
    /// With the file, and the line or feature, of whatever cannot be used.
    pub fn read(config: &Config) -> anyhow::Result<Self> {
        let keys = SiteKeys::in_folder(&config.site.keys);
        let mut relay = RelayConfig::new(
            config.relay.listen,
            config.site.data.join(RELAY_KEYS_FOLDER),
            read_certificate(config)?,
        );
        relay.segmentation_offload = config.relay.segmentation_offload;
        relay.retry = match config.relay.retry_above_handshakes {
            0 => RetryPolicy::Always,
            handshakes => RetryPolicy::AboveHandshakes(handshakes),
        };
        let tls = match (&config.console.certificate, &config.console.private_key) {
            (Some(certificate), Some(private_key)) => Some(TlsFiles {
                certificate: certificate.clone(),
                key: private_key.clone(),
            }),
            _ => None,
        };
        let map = read_map(config)?;
        let users = read_users(config, &map)?;
        Ok(Self {
            journal_path: config.site.data.join(JOURNAL_FILE),
            journal: Options {
                cache_bytes: config.journal.cache_mib << 20,
                quick_repair: config.journal.quick_repair,
                ..Options::default()
            },
            day_keys: config.site.day_keys.clone(),
            relay,
            authority: keys.authority()?,
            site_key: keys.site_key()?,
            map,
            map_source: map_source(config),
            policy: Policy {
                acknowledge_within: Millis::from_secs(config.policy.acknowledge_within_s),
            },
            console: HttpConfig {
                listen: config.console.listen,
                tls,
                build: build_name(),
            },
            users,
        })
    }
}

/// The name of this build, as operators and officers see it.
#[must_use]
pub fn build_name() -> String {
    match dispatcher::io::assets::page_hash() {
        Some(page) => format!("{} page {page}", env!("CARGO_PKG_VERSION")),
        None => format!("{} without page", env!("CARGO_PKG_VERSION")),
    }
}

fn read_certificate(config: &Config) -> anyhow::Result<Certificate> {
    let read = |path: &PathBuf| {
        std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
    };
    let (chain, key) = (&config.relay.certificate, &config.relay.private_key);
    Certificate::from_pem(&read(chain)?, &read(key)?)
        .with_context(|| format!("{} with {} cannot be used", chain.display(), key.display()))
}

fn read_users(config: &Config, map: &JurisdictionMap) -> anyhow::Result<Users> {
    let path = &config.console.users;
    let users = Users::load(path).with_context(|| path.display().to_string())?;
    for officer in users.officers() {
        if !officer.desk.is_on(map) {
            bail!(
                "{}: the map has no desk `{}`, so officer `{}` would never be shown an alert",
                path.display(),
                officer.desk.id(),
                officer.id
            );
        }
    }
    Ok(users)
}

/// Reads the map that this configuration names, as at the start.
fn map_source(config: &Config) -> MapSource {
    let config = config.clone();
    MapSource::new(move || read_map(&config).map_err(|error| format!("{error:#}")))
}

fn read_map(config: &Config) -> anyhow::Result<JurisdictionMap> {
    let path = &config.site.map;
    let text = map_text::read(path)?;
    let loaded = load(&text, &path.display().to_string(), &IdProperties::default())?;
    if let Some(doubt) = loaded.doubts().next() {
        bail!(
            "{}: {doubt}; {} such places: see `ansim jurisdictions check`",
            path.display(),
            loaded.doubts().count()
        );
    }
    if !loaded.warnings.is_empty() {
        tracing::warn!(
            "{}: {} repairs while it was read: see `ansim jurisdictions check`",
            path.display(),
            loaded.warnings.len()
        );
    }
    if loaded.map.authority() != MapAuthority::Official && !config.site.allow_unofficial_map {
        bail!(
            "the map {} says that it is {}; use an official one, or set \
             site.allow_unofficial_map = true to start all the same",
            path.display(),
            loaded.map.authority()
        );
    }
    Ok(loaded.map)
}

/// Hands what keeps the relay from its work to whoever asks whether the site is ready.
async fn watch_relay(relay: Weak<RelayHandle>, engine: Engine) {
    let mut ticks = tokio::time::interval(LOOK_AT_THE_RELAY_EVERY);
    loop {
        ticks.tick().await;
        let Some(relay) = relay.upgrade() else {
            return;
        };
        // What the relay only warns of does not keep the site from its work.
        let problems = if relay.is_ready() {
            Vec::new()
        } else {
            relay.problems()
        };
        engine.note_elsewhere(problems);
    }
}

/// A running service.
pub struct Service {
    journal: Journal,
    relay: Arc<RelayHandle>,
    engine: Engine,
    engine_task: JoinHandle<()>,
    server: ServerHandle,
    stop: CancellationToken,
}

impl Service {
    /// Opens the log, builds everything, then listens.
    ///
    /// # Errors
    /// When anything cannot be opened or bound; then nothing listens any more.
    pub async fn start(parts: ServiceParts) -> anyhow::Result<Self> {
        let folder = parts
            .journal_path
            .parent()
            .context("the journal has no folder")?;
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        let (path, options) = (parts.journal_path.clone(), parts.journal.clone());
        let clock = options.clock.clone();
        let journal =
            tokio::task::spawn_blocking(move || Journal::open_embedded(path, options)).await??;
        Self::over(journal, clock, parts).await
    }

    /// Builds everything over a log that is open already, then listens.
    ///
    /// # Errors
    /// When anything cannot be built or bound; then nothing listens any more.
    pub async fn over(journal: Journal, clock: Clock, parts: ServiceParts) -> anyhow::Result<Self> {
        let day_keys = Arc::new(DayKeys::open(&parts.day_keys)?);
        let map = parts.map;
        let index = tokio::task::spawn_blocking(move || JurisdictionIndex::new(map)).await?;
        let stop = CancellationToken::new();
        let mut registry = Registry::default();
        let engine_config = EngineConfig {
            journal: journal.clone(),
            day_keys: Arc::clone(&day_keys),
            site_key: parts.site_key,
            index: Arc::new(index),
            map_source: parts.map_source,
            policy: parts.policy,
            clock: clock.clone(),
        };
        let (engine, engine_task) =
            Engine::start(engine_config, &mut registry, stop.clone()).await?;
        let relay_parts = Parts {
            journal: journal.clone(),
            authority: parts.authority,
            day_keys,
            clock,
        };
        let relay = Arc::new(Relay::start(parts.relay, relay_parts, &mut registry)?);
        let watched = watch_relay(Arc::downgrade(&relay), engine.clone());
        tokio::spawn(stop.clone().run_until_cancelled_owned(watched));
        let registry = Arc::new(Mutex::new(registry));
        let server = Server::start(
            parts.console,
            engine.clone(),
            parts.users,
            registry,
            stop.clone(),
        )
        .await?;
        Ok(Self {
            journal,
            relay,
            engine,
            engine_task,
            server,
            stop,
        })
    }

    /// Where phones find it.
    #[must_use]
    pub fn relay_address(&self) -> SocketAddr {
        self.relay.local_addr()
    }

    /// Where officers find it.
    #[must_use]
    pub fn console_address(&self) -> SocketAddr {
        self.server.local_addr()
    }

    /// The address of the officers' page.
    #[must_use]
    pub fn console_url(&self) -> String {
        self.server.url()
    }

    /// Reads the map anew when it is asked to.
    #[must_use]
    pub fn map_reloader(&self) -> &MapReloader {
        self.server.reloader()
    }

    /// The phones' door.
    #[must_use]
    pub fn relay(&self) -> &RelayHandle {
        &self.relay
    }

    /// The dispatcher.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The log.
    #[must_use]
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Returns when this process is of no use any more, and why: the log has failed, so that no
    /// receipt will ever leave it again, or nobody follows the log, so that no officer would see
    /// what is receipted.
    pub async fn failed(&self) -> String {
        let mut health = self.journal.health();
        tokio::select! {
            biased;
            stopped = health.wait_for(Health::is_over) => match stopped.as_deref() {
                Ok(Health::Failed { why }) => format!("the log has failed: {why}"),
                _ => "the log has been closed".to_owned(),
            },
            why = self.engine.ended() => format!("the dispatcher has ended: {why}"),
        }
    }

    /// Ends in good order: receipts under way are given, phones are sent elsewhere, the board's
    /// snapshot is written, the log is closed.
    pub async fn shutdown(self) {
        self.relay.shutdown().await;
        self.stop.cancel();
        if timeout(DISPATCHER_FAREWELL, self.engine_task)
            .await
            .is_err()
        {
            tracing::warn!("the dispatcher did not end in time");
        }
        if let Err(error) = self.server.closed().await {
            tracing::warn!(%error, "the console did not close in good order");
        }
        self.journal.close().await;
    }
}
