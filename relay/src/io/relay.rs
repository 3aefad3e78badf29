//! The assembly: everything is built first, then the relay listens.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use journal::{Clock, DayKeyError, DayKeys, Health, Journal, Progress};
use prometheus_client::registry::Registry;
use protocol::token::Authority;
use quinn::{Endpoint, VarInt};
use tokio::time::{interval, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::acceptor::{self, Acceptor};
use super::hub::Hub;
use super::intake_socket::IntakeSocket;
use super::kernel_drops::{self, KernelDrops};
use super::keys::{KeyError, Keys};
use super::mailbox::Stop;
use super::metrics::Metrics;
use super::pulse;
use super::quic;
use super::rng::SystemRng;
use super::session_store::SessionStore;
use super::side_door::{self, Dispatchers};
use super::tls::{Certificate, CertificateSwitch, provider, server_crypto};
use crate::close::CloseCode;
use crate::limits::{Patience, RETRY_ABOVE_HANDSHAKES, TLS_SESSIONS_MAX};

/// How long a shutdown waits at least for connections to end, and at most for their last packets.
const FAREWELL: Duration = Duration::from_secs(3);

/// Whether a phone must prove its address before the relay works for it (Retry, RFC 9000 section 8.1.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RetryPolicy {
    /// Each phone without an address token. Costs it a round trip.
    Always,
    /// While more handshakes than this are under way.
    AboveHandshakes(usize),
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self::AboveHandshakes(RETRY_ABOVE_HANDSHAKES)
    }
}

/// How a relay is set up.
#[derive(Clone, Debug)]
pub struct RelayConfig {
    /// The UDP address to listen at; port 0 takes any.
    pub listen: SocketAddr,
    /// The folder of the relay's own keys; created when absent. Never shared between relays.
    pub keys_folder: PathBuf,
    /// What it shows to phones.
    pub certificate: Certificate,
    /// When phones must prove their address.
    pub retry: RetryPolicy,
    /// Whether the kernel cuts large writes into packets. Switch it off on machines whose network drops them.
    pub segmentation_offload: bool,
    /// TLS sessions that can be resumed, about half a kilobyte each.
    pub tls_sessions_max: usize,
    /// How long a connection may take for what.
    pub patience: Patience,
    /// Who is told of alerts while the log takes nothing.
    pub dispatchers: Dispatchers,
}

impl RelayConfig {
    /// The defaults, at this address with these keys and this certificate.
    #[must_use]
    pub fn new(
        listen: SocketAddr,
        keys_folder: impl Into<PathBuf>,
        certificate: Certificate,
    ) -> Self {
        Self {
            listen,
            keys_folder: keys_folder.into(),
            certificate,
            retry: RetryPolicy::default(),
            segmentation_offload: true,
            tls_sessions_max: TLS_SESSIONS_MAX,
            patience: Patience::default(),
            dispatchers: Dispatchers::default(),
        }
    }
}

/// What a relay works with and others have too.
#[derive(Clone, Debug)]
pub struct Parts {
    /// The log.
    pub journal: Journal,
    /// The site's public key, which checks tokens.
    pub authority: Authority,
    /// The keys under which bodies are sealed.
    pub day_keys: Arc<DayKeys>,
    /// What stamps reports.
    pub clock: Clock,
}

/// A relay could not be started. Nothing listens.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its own keys cannot be used.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// Today's key cannot be made.
    #[error(transparent)]
    DayKey(#[from] DayKeyError),
    /// TLS cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
    /// The address cannot be listened at.
    #[error("cannot listen at {address} (UDP): {source}; give the relay another address")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The system's answer.
        source: std::io::Error,
    },
}

/// A relay that listens. Dropping it cuts all connections; [`RelayHandle::shutdown`] lets them end well.
#[derive(Debug)]
pub struct RelayHandle {
    local_addr: SocketAddr,
    endpoint: Endpoint,
    hub: Arc<Hub>,
    certificate: CertificateSwitch,
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// The relay; see [`Relay::start`].
#[derive(Debug)]
pub struct Relay;

impl Relay {
    /// Builds a relay, then listens. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// See [`StartError`]; nothing listens then.
    pub fn start(
        config: RelayConfig,
        parts: Parts,
        registry: &mut Registry,
    ) -> Result<RelayHandle, StartError> {
        warm_up();
        let keys = Keys::open(&config.keys_folder)?;
        // The first raise of the day need not wait for the key's file.
        let today = journal::Day::of_unix_ms(parts.clock.unix_ms());
        parts.day_keys.get_or_create(today, &mut SystemRng)?;
        let certificate = CertificateSwitch::new(config.certificate);
        let sessions = Arc::new(SessionStore::new(config.tls_sessions_max));
        let crypto = Arc::new(server_crypto(&certificate, sessions)?);
        let server = quic::server_config(crypto, &keys, config.segmentation_offload);
        let metrics = Metrics::register(registry);
        let health = parts.journal.health();
        let hub = Arc::new(Hub::new(
            parts.journal,
            parts.day_keys,
            Arc::new(parts.authority),
            parts.clock,
            config.patience,
            metrics,
        ));
        let replicas = hub.expect_replicas();
        let failed = |source| StartError::Listen {
            address: config.listen,
            source,
        };
        let (socket, granted) = quic::bind(config.listen).map_err(failed)?;
        let granted = i64::try_from(granted).unwrap_or(i64::MAX);
        hub.metrics.receive_buffer_bytes.set(granted);
        let (endpoint, intake) = quic::listen(&keys, server, socket, &hub).map_err(failed)?;
        let handle = RelayHandle {
            local_addr: endpoint.local_addr().map_err(failed)?,
            endpoint,
            hub,
            certificate,
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        };
        handle.spawn(config.retry, intake, health, replicas);
        let side_door = side_door::Shell::new(Arc::clone(&handle.hub), config.dispatchers)?;
        handle.run(side_door.run());
        tracing::info!(address = %handle.local_addr, "the relay listens");
        Ok(handle)
    }
}

impl RelayHandle {
    fn spawn(
        &self,
        retry: RetryPolicy,
        intake: Arc<IntakeSocket>,
        health: tokio::sync::watch::Receiver<Health>,
        replicas: Option<tokio::sync::watch::Receiver<Progress>>,
    ) {
        let acceptor = Acceptor::new(
            self.endpoint.clone(),
            Arc::clone(&self.hub),
            retry,
            self.tasks.clone(),
        );
        let accepting = acceptor.run(self.stop.clone());
        self.tasks.spawn(accepting);
        for partition in self.hub.journal.partitions() {
            self.run(Arc::clone(&self.hub).follow_log(partition));
        }
        self.run(Arc::clone(&self.hub).keep_day_keys());
        self.run(Arc::clone(&self.hub).keep_what_is_open());
        self.run(pulse::feel(Arc::clone(&self.hub), intake));
        self.tasks
            .spawn(Arc::clone(&self.hub).offer_held(self.stop.clone()));
        self.run(watch_health(Arc::clone(&self.hub), health));
        if let Some(progress) = replicas {
            self.run(Arc::clone(&self.hub).tell_of_replicas(progress));
        }
        let counter = self.hub.metrics.receive_buffer_errors.clone();
        self.run(sample(KernelDrops::new(self.local_addr, counter)));
    }

    /// Until the relay is shut down.
    fn run(&self, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.tasks
            .spawn(async move { stop.run_until_cancelled(task).await });
    }

    /// Where it listens, with the port that it got.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Whether reports are taken, made durable and answered; false for ever after a failed sync.
    /// [`RelayHandle::problems`] says why not.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.hub.is_ready()
    }

    /// What somebody has to look at, in words: whatever keeps the relay from being ready, and what will (tomorrow's
    /// key cannot be made). Empty when all is well. Paths of files may be named; no device and no place is.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        self.hub.problems()
    }

    /// What it counts.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.hub.metrics
    }

    #[cfg(test)]
    pub(crate) fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// Where a new certificate can be put in place.
    #[must_use]
    pub fn certificate(&self) -> &CertificateSwitch {
        &self.certificate
    }

    /// Takes no more connections, gives the receipts that are under way, closes all connections with code 5, and
    /// returns when they have ended, or three seconds and twice the patience for a farewell have passed. Close the journal after it.
    pub async fn shutdown(&self) {
        self.hub.stop_all(Stop::ShuttingDown);
        self.stop.cancel();
        self.tasks.close();
        // Whoever comes meanwhile goes elsewhere at once, and does not wait for an answer in vain.
        // A farewell is commits, then answers.
        let limit = FAREWELL.max(self.hub.patience.farewell.to_duration() * 2);
        let ended = tokio::select! {
            ended = timeout(limit, self.tasks.wait()) => ended.is_ok(),
            () = acceptor::refuse_all(&self.endpoint, &self.hub) => false,
        };
        if !ended {
            tracing::warn!("connections did not end in time and are cut");
        }
        let code = CloseCode::ShuttingDown;
        self.endpoint
            .close(VarInt::from_u32(code.code()), code.words().as_bytes());
        if timeout(FAREWELL, self.endpoint.wait_idle()).await.is_err() {
            tracing::debug!("some phones did not hear the farewell");
        }
    }
}

impl Drop for RelayHandle {
    fn drop(&mut self) {
        self.hub.stop_all(Stop::ShuttingDown);
        self.stop.cancel();
        let code = CloseCode::ShuttingDown;
        self.endpoint
            .close(VarInt::from_u32(code.code()), code.words().as_bytes());
    }
}

/// AWS-LC gathers entropy when it is first used, some 40 ms: not while somebody waits for a handshake.
fn warm_up() {
    let provider = provider();
    // Whether it works is the handshake's question.
    let _ = provider.secure_random.fill(&mut [0; 1]);
    for group in provider.kx_groups {
        if let Ok(exchange) = group.start() {
            let own = exchange.pub_key().to_vec();
            let _ = group.start_and_complete(&own);
        }
    }
}

/// After a failed sync there is no receipt ever again: phones are sent to another relay.
async fn watch_health(hub: Arc<Hub>, mut health: tokio::sync::watch::Receiver<Health>) {
    let stopped = health.wait_for(Health::is_over).await;
    if let Ok(health) = stopped {
        tracing::error!(health = ?*health, "nothing can be made durable any more");
    }
    hub.stop_all(Stop::NotDurable);
}

async fn sample(mut drops: KernelDrops) {
    let mut ticks = interval(kernel_drops::INTERVAL.to_duration());
    loop {
        ticks.tick().await;
        drops.sample();
    }
}
