//! The one place where the parts are put together: a relay, a dispatcher with its console, or both,
//! over a log. Everything is read and built first; then it listens.

mod holdover;
mod operations;
mod parts;
mod process;
mod ready;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use anyhow::Context as _;
use dispatcher::io::http::{MapReloader, Server, ServerHandle};
use dispatcher::io::{Engine, EngineConfig};
use dispatcher::jurisdiction::JurisdictionIndex;
use journal::io::redis::settings::Settings;
use journal::{Clock, ConnectError, DayKeys, Health, Journal, Options, Redis};
use prometheus_client::registry::Registry;
use relay::{Parts, Relay, RelayHandle};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

pub use parts::{DispatcherParts, RelayParts, Role, ServiceParts, read_certificate};

/// How often the relay is asked what keeps it from its work.
const LOOK_AT_THE_RELAY_EVERY: Duration = Duration::from_secs(1);

/// How long the server of the log may take, at the start, to say whether it is the one that is meant:
/// phones wait for that.
const LOOK_AT_THE_LOG_WITHIN: Duration = Duration::from_secs(1);

/// How long the dispatcher may take to write its last snapshot.
const DISPATCHER_FAREWELL: Duration = Duration::from_secs(5);

/// The name of this build, as operators and officers see it.
#[must_use]
pub fn build_name() -> String {
    match dispatcher::io::assets::page_hash() {
        Some(page) => format!("{} page {page}", env!("CARGO_PKG_VERSION")),
        None => format!("{} without page", env!("CARGO_PKG_VERSION")),
    }
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

/// Said where a relay is expected and the process has none.
pub const NO_RELAY: &str = "this process has no relay";

/// Said where a console is expected and the process has none.
pub const NO_CONSOLE: &str = "this process has no dispatcher";

/// What the parts of one process share.
struct Common {
    journal: Journal,
    day_keys: Arc<DayKeys>,
    clock: Clock,
    stop: CancellationToken,
}

/// The officers' side, running.
struct Dispatcher {
    engine: Engine,
    task: JoinHandle<()>,
    server: ServerHandle,
}

/// A running process: a relay, a dispatcher, or both.
pub struct Service {
    journal: Journal,
    relay: Option<Arc<RelayHandle>>,
    dispatcher: Option<Dispatcher>,
    /// Of a relay without a dispatcher.
    operations: Option<operations::Door>,
    stop: CancellationToken,
}

impl Service {
    /// Opens the log, builds everything, then listens.
    ///
    /// # Errors
    /// When anything cannot be opened or bound; then nothing listens any more.
    pub async fn start(parts: ServiceParts) -> anyhow::Result<Self> {
        let clock = parts.journal.clock.clone();
        let journal = open_log(&parts).await?;
        Self::over(journal, clock, parts).await
    }

    /// Builds everything over a log that is open already, then listens.
    ///
    /// # Errors
    /// When anything cannot be built or bound; then nothing listens any more.
    pub async fn over(journal: Journal, clock: Clock, parts: ServiceParts) -> anyhow::Result<Self> {
        let common = Common {
            journal,
            day_keys: Arc::new(DayKeys::open(&parts.day_keys)?),
            clock,
            stop: CancellationToken::new(),
        };
        let mut registry = Registry::default();
        if let Journal::Held(held) = &common.journal {
            holdover::watch(held.clone(), &mut registry, common.stop.clone());
        }
        // Phones first: a board reads before it shows anything, and a receipt waits for nothing.
        let operations_at = parts.relay.as_ref().and_then(|relay| relay.operations);
        let relay = match parts.relay {
            Some(parts) => Some(start_relay(&common, parts, &mut registry)?),
            None => None,
        };
        let board = match parts.dispatcher {
            Some(parts) => Some(Board::fold(&common, parts, &mut registry).await?),
            None => None,
        };
        if let (Some(relay), Some(board)) = (&relay, &board) {
            let watched = watch_relay(Arc::downgrade(relay), board.engine.clone());
            tokio::spawn(common.stop.clone().run_until_cancelled_owned(watched));
        }
        let engine = board.as_ref().map(|board| &board.engine);
        ready::watch(relay.as_ref(), engine, &mut registry, common.stop.clone());
        process::watch(&mut registry);
        let registry = Arc::new(Mutex::new(registry));
        let operations = match (&relay, &board, operations_at) {
            (Some(relay), None, Some(at)) => {
                let door = operations::Door::open(at, relay, &registry, common.stop.clone());
                Some(door.await?)
            }
            _ => None,
        };
        let dispatcher = match board {
            Some(board) => Some(board.serve(registry, common.stop.clone()).await?),
            None => None,
        };
        Ok(Self {
            journal: common.journal,
            relay,
            dispatcher,
            operations,
            stop: common.stop,
        })
    }

    /// Where phones find it; none without a relay.
    #[must_use]
    pub fn relay_address(&self) -> Option<SocketAddr> {
        self.relay.as_ref().map(|relay| relay.local_addr())
    }

    /// Where officers find it; none without a dispatcher.
    #[must_use]
    pub fn console_address(&self) -> Option<SocketAddr> {
        let dispatcher = self.dispatcher.as_ref();
        dispatcher.map(|dispatcher| dispatcher.server.local_addr())
    }

    /// The address of the officers' page; none without a dispatcher.
    #[must_use]
    pub fn console_url(&self) -> Option<String> {
        let dispatcher = self.dispatcher.as_ref();
        dispatcher.map(|dispatcher| dispatcher.server.url())
    }

    /// Where operators find a relay without a dispatcher.
    #[must_use]
    pub fn operations_address(&self) -> Option<SocketAddr> {
        self.operations.as_ref().map(operations::Door::local_addr)
    }

    /// Reads the map anew when it is asked to; none without a dispatcher.
    #[must_use]
    pub fn map_reloader(&self) -> Option<&MapReloader> {
        let dispatcher = self.dispatcher.as_ref();
        dispatcher.map(|dispatcher| dispatcher.server.reloader())
    }

    /// The phones' door.
    #[must_use]
    pub fn relay(&self) -> Option<&RelayHandle> {
        self.relay.as_deref()
    }

    /// The dispatcher.
    #[must_use]
    pub fn engine(&self) -> Option<&Engine> {
        self.dispatcher
            .as_ref()
            .map(|dispatcher| &dispatcher.engine)
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
        let board_ended = async {
            match &self.dispatcher {
                Some(dispatcher) => dispatcher.engine.ended().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            stopped = health.wait_for(Health::is_over) => match stopped.as_deref() {
                Ok(Health::Failed { why }) => format!("the log has failed: {why}"),
                _ => "the log has been closed".to_owned(),
            },
            why = board_ended => format!("the dispatcher has ended: {why}"),
        }
    }

    /// Ends in good order: receipts under way are given, phones are sent elsewhere, the board's
    /// snapshot is written, the log is closed.
    pub async fn shutdown(self) {
        if let Some(relay) = self.relay {
            relay.shutdown().await;
        }
        self.stop.cancel();
        if let Some(dispatcher) = self.dispatcher {
            dispatcher.end().await;
        }
        if let Some(operations) = self.operations {
            operations.closed().await;
        }
        self.journal.close().await;
    }
}

/// Opens the journal of this process, or the log that it shares.
async fn open_log(parts: &ServiceParts) -> anyhow::Result<Journal> {
    let path = parts.journal_path.clone();
    let folder = path.parent().context("the journal has no folder")?;
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot create {}", folder.display()))?;
    let options = parts.journal.clone();
    if let Some(settings) = parts.log.clone() {
        refuse_other_log(settings.clone(), &options).await?;
        let opening =
            tokio::task::spawn_blocking(move || Journal::open_held(path, settings, options));
        return Ok(opening.await??);
    }
    let opening = tokio::task::spawn_blocking(move || Journal::open_embedded(path, options));
    Ok(opening.await??)
}

/// Whoever is configured for another log would never ship what it receipts. A server that is away is no
/// reason not to start: that is seen later.
async fn refuse_other_log(settings: Settings, options: &Options) -> anyhow::Result<()> {
    match timeout(LOOK_AT_THE_LOG_WITHIN, Redis::open(settings, options)).await {
        Ok(Err(error @ ConnectError::OtherPartitions { .. })) => Err(error.into()),
        Ok(Err(_)) | Err(_) => Ok(()),
        Ok(Ok(redis)) => {
            Journal::Redis(redis).close().await;
            Ok(())
        }
    }
}

fn start_relay(
    common: &Common,
    parts: RelayParts,
    registry: &mut Registry,
) -> anyhow::Result<Arc<RelayHandle>> {
    let shared = Parts {
        journal: common.journal.clone(),
        authority: parts.authority,
        day_keys: Arc::clone(&common.day_keys),
        clock: common.clock.clone(),
    };
    Ok(Arc::new(Relay::start(parts.config, shared, registry)?))
}

/// A board that is being folded, and whose door is still closed.
struct Board {
    engine: Engine,
    task: JoinHandle<()>,
    console: dispatcher::io::http::HttpConfig,
    users: dispatcher::io::users::Users,
}

impl Board {
    async fn fold(
        common: &Common,
        parts: DispatcherParts,
        registry: &mut Registry,
    ) -> anyhow::Result<Self> {
        let map = parts.map;
        let index = tokio::task::spawn_blocking(move || JurisdictionIndex::new(map)).await?;
        let config = EngineConfig {
            journal: common.journal.clone(),
            fold: parts.fold,
            day_keys: Arc::clone(&common.day_keys),
            site_key: parts.site_key,
            index: Arc::new(index),
            map_source: parts.map_source,
            policy: parts.policy,
            clock: common.clock.clone(),
        };
        let (engine, task) = Engine::start(config, registry, common.stop.clone()).await?;
        Ok(Self {
            engine,
            task,
            console: parts.console,
            users: parts.users,
        })
    }

    async fn serve(
        self,
        registry: Arc<Mutex<Registry>>,
        stop: CancellationToken,
    ) -> anyhow::Result<Dispatcher> {
        let engine = self.engine.clone();
        let server = Server::start(self.console, engine, self.users, registry, stop).await?;
        Ok(Dispatcher {
            engine: self.engine,
            task: self.task,
            server,
        })
    }
}

impl Dispatcher {
    /// After the word to stop.
    async fn end(self) {
        if timeout(DISPATCHER_FAREWELL, self.task).await.is_err() {
            tracing::warn!("the dispatcher did not end in time");
        }
        if let Err(error) = self.server.closed().await {
            tracing::warn!(%error, "the console did not close in good order");
        }
    }
}
