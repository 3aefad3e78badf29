//! The shell around [`Dispatch`]: reads the log, folds, appends what is proposed, wakes consoles.

mod folding;
mod format;
mod map;
mod reader;
mod readiness;
mod side_door;
mod snapshots;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use journal::{AppendError, Clock, Day, DayKeys, Journal, LogName, Partition, StoreError};
use prometheus_client::registry::Registry;
use protocol::{
    Decision, DecisionId, Header, MapVersion, OfficerId, Site, SitePrivateKey, Subject, UnixMillis,
};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::engine_metrics::EngineMetrics;
use crate::desk::Officer;
use crate::dispatch::{Command, Dispatch, Refused, Verdict};
use crate::jurisdiction::JurisdictionIndex;
use crate::opened::seal_decision;
use crate::proposer::{Policy, Proposal};
pub(super) use format::FormatError;
pub use map::{MapSource, NotRecorded};

/// A verdict comes with the next sync; a log that takes ten seconds is a log that does not answer.
const VERDICT_WITHIN: Duration = Duration::from_secs(10);

/// Failed appends that wait for the reader. After the first failure the journal takes no more, so
/// few are ever under way; what does not fit is given up by its own deadline.
const MAX_FAILURES_WAITING: usize = 1_024;

/// What an engine is made of.
pub struct EngineConfig {
    /// The log.
    pub journal: Journal,
    /// The partitions of it that the board shows, to which the first is added; `None` for all.
    pub fold: Option<BTreeSet<Partition>>,
    /// The keys of the days.
    pub day_keys: Arc<DayKeys>,
    /// Opens cancel codes.
    pub site_key: SitePrivateKey,
    /// Finds who answers for what; another takes its place while the engine runs.
    pub index: Arc<JurisdictionIndex>,
    /// Reads the map anew.
    pub map_source: MapSource,
    /// What else holds at the site.
    pub policy: Policy,
    /// What stamps decisions.
    pub clock: Clock,
}

/// Whether consoles may rely on the board.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EngineState {
    /// The board is as new as the log, and decisions become durable.
    pub ready: bool,
    /// What is wrong, in words, and what officers have to know though the board is ready.
    pub problems: Vec<String>,
    /// What operators have to look at, and keeps no officer from their work.
    pub warnings: Vec<String>,
    /// The board may be shown to officers who do not see it yet: it has caught up with the log, and does not lag.
    pub takes_consoles: bool,
    /// Entries of the alert log that are not folded yet.
    pub lag_entries: u64,
    /// Why nobody follows the log any more, when that is so.
    pub ended: Option<String>,
}

/// Why a command has no verdict.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CommandError {
    /// It was not taken.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The board is not as new as the log yet.
    #[error("the board is still reading the log; try again in a moment")]
    NotReady,
    /// The log did not take it, or did not answer in time: the same command may be sent again.
    #[error("the decision is not known to be durable ({why}); send the same command again")]
    NotDurable {
        /// What the log said.
        why: String,
    },
}

/// Why an engine does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The journal cannot be read.
    #[error("the journal cannot be read: {0}")]
    Store(#[from] StoreError),
    /// The journal takes nothing.
    #[error("the map in force cannot be recorded: {0}")]
    Append(#[from] AppendError),
}

/// A running dispatcher. Clones share it.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

struct Shared {
    config: EngineConfig,
    dispatch: Mutex<Dispatch>,
    waiting: Mutex<BTreeMap<DecisionId, Vec<oneshot::Sender<Verdict>>>>,
    failures: mpsc::Sender<(DecisionId, String)>,
    changed: watch::Sender<u64>,
    states: watch::Sender<EngineState>,
    maps: watch::Sender<MapVersion>,
    unusable_keys: Mutex<BTreeSet<Day>>,
    elsewhere: Mutex<Vec<String>>,
    metrics: EngineMetrics,
}

impl Engine {
    /// Reads the snapshot, then follows the log until `stop`. Returns when an embedded log has given its snapshot, and at
    /// once when the log is on a server, which may be away; [`Engine::state`] says when the board is as new as the log.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn start(
        config: EngineConfig,
        registry: &mut Registry,
        stop: CancellationToken,
    ) -> Result<(Self, JoinHandle<()>), StartError> {
        let (engine, failed) = Self::new(config, registry);
        let mut reader = reader::Reader::new(engine.clone(), failed);
        let task = if matches!(engine.shared.config.journal, Journal::Embedded(_)) {
            reader.begin(&stop).await?;
            tokio::spawn(supervise(engine.clone(), reader.run(stop)))
        } else {
            tokio::spawn(supervise(engine.clone(), reader.begin_and_run(stop)))
        };
        Ok((engine, task))
    }

    /// An engine that follows nothing yet.
    fn new(
        mut config: EngineConfig,
        registry: &mut Registry,
    ) -> (Self, mpsc::Receiver<(DecisionId, String)>) {
        if let Some(fold) = &mut config.fold {
            // It says which map and format are in force: whoever did not read it would propose by others.
            fold.insert(Partition::ZERO);
        }
        let (failures, failed) = mpsc::channel(MAX_FAILURES_WAITING);
        let dispatch = Dispatch::new(Arc::clone(&config.index), config.policy);
        let maps = watch::Sender::new(config.index.map().version().clone());
        let state = EngineState {
            ready: false,
            problems: vec!["the board is still reading the log".to_owned()],
            warnings: Vec::new(),
            takes_consoles: false,
            lag_entries: 0,
            ended: None,
        };
        let shared = Arc::new(Shared {
            config,
            dispatch: Mutex::new(dispatch),
            waiting: Mutex::new(BTreeMap::new()),
            failures,
            changed: watch::Sender::new(0),
            states: watch::Sender::new(state),
            maps,
            unusable_keys: Mutex::new(BTreeSet::new()),
            elsewhere: Mutex::new(Vec::new()),
            metrics: EngineMetrics::register(registry),
        });
        (Self { shared }, failed)
    }

    /// Looks at the board. The look is short: nobody else reads or writes meanwhile.
    pub fn read<R>(&self, look: impl FnOnce(&Dispatch) -> R) -> R {
        look(&self.dispatch())
    }

    /// The number of the board's newest change, to be watched.
    #[must_use]
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.shared.changed.subscribe()
    }

    /// Whether consoles may rely on the board.
    #[must_use]
    pub fn state(&self) -> EngineState {
        self.shared.states.borrow().clone()
    }

    /// The same, to be watched.
    #[must_use]
    pub fn states(&self) -> watch::Receiver<EngineState> {
        self.shared.states.subscribe()
    }

    /// The site's clock.
    #[must_use]
    pub fn now(&self) -> UnixMillis {
        UnixMillis::new(i64::try_from(self.shared.config.clock.unix_ms()).unwrap_or(i64::MAX))
    }

    /// Makes a command a decision and waits for what the log says of it.
    ///
    /// # Errors
    /// See [`CommandError`]; after any of them the same command may be sent again.
    pub async fn command(
        &self,
        officer: &Officer,
        command: Command,
    ) -> Result<Verdict, CommandError> {
        if !self.read(Dispatch::is_caught_up) {
            return Err(CommandError::NotReady);
        }
        let (sender, receiver) = oneshot::channel();
        let id = command.id;
        self.waiting().entry(id).or_default().push(sender);
        let taken = self.dispatch().handle_command(officer, command);
        if let Err(refused) = taken {
            self.waiting().remove(&id);
            return Err(refused.into());
        }
        self.drain();
        match tokio::time::timeout(VERDICT_WITHIN, receiver).await {
            Ok(Ok(verdict)) => Ok(verdict),
            Ok(Err(_)) => {
                let why = "the log did not take it".to_owned();
                Err(CommandError::NotDurable { why })
            }
            Err(_) => {
                self.waiting().remove(&id);
                let why = format!("no answer within {} s", VERDICT_WITHIN.as_secs());
                Err(CommandError::NotDurable { why })
            }
        }
    }

    /// Records that an officer has signed in.
    ///
    /// # Errors
    /// When the log does not take it.
    pub async fn record_sign_in(&self, officer: OfficerId) -> Result<(), AppendError> {
        self.record(Site::SignedIn(officer)).await
    }

    async fn record(&self, site: Site) -> Result<(), AppendError> {
        let now = self.now();
        let header = Header {
            time: now,
            day: now.day(),
            subject: Subject::Site(site),
        };
        let entry = protocol::join(&header.encode(), &[]);
        self.shared
            .config
            .journal
            .append(LogName::Alerts, vec![entry])
            .await?;
        Ok(())
    }

    /// Sends off what the state machine wants to leave.
    fn drain(&self) {
        loop {
            let (proposal, verdict) = {
                let mut dispatch = self.dispatch();
                (dispatch.poll_append(), dispatch.poll_verdict())
            };
            if proposal.is_none() && verdict.is_none() {
                return;
            }
            if let Some(proposal) = proposal {
                self.append(proposal);
            }
            if let Some((id, verdict)) = verdict {
                for waiting in self.waiting().remove(&id).unwrap_or_default() {
                    // Whoever stopped waiting will ask again.
                    let _ = waiting.send(verdict.clone());
                }
            }
        }
    }

    fn append(&self, proposal: Proposal) {
        if let Decision::Assigned(assigned) = &proposal.decision {
            self.shared
                .metrics
                .proposal(assigned.assignment.reason.as_str());
        }
        let id = proposal.header.id;
        let entry = match self.seal(proposal) {
            Ok(entry) => entry,
            Err(why) => return self.fail(id, why),
        };
        let failures = self.shared.failures.clone();
        let offered =
            self.shared
                .config
                .journal
                .offer_with(LogName::Alerts, vec![entry], move |result| {
                    if let Err(error) = result {
                        // A full queue is answered by the command's own deadline.
                        let _ = failures.try_send((id, error.to_string()));
                    }
                });
        if let Err(error) = offered {
            self.fail(id, error.to_string());
        }
    }

    fn seal(&self, proposal: Proposal) -> Result<bytes::Bytes, String> {
        let now = self.now();
        let day = now.day();
        let key = self.sealing_key(Day(day.0));
        let key = key.map_err(|error| error.to_string())?;
        let header = Header {
            time: now,
            day,
            subject: Subject::Decision(proposal.header),
        };
        seal_decision(&header, &proposal.decision, &key, &mut rand::rng())
            .map_err(|error| error.to_string())
    }

    /// Tells whoever waits that nothing was recorded.
    fn fail(&self, id: DecisionId, why: String) {
        self.shared.metrics.appends_failed.inc();
        tracing::error!(decision = %id, why, "the log did not take a decision");
        self.dispatch().handle_append_failed(&id);
        // Dropping the senders wakes their commands with an error.
        self.waiting().remove(&id);
    }

    fn publish(&self) {
        let change = self.read(|dispatch| dispatch.board().change());
        self.shared.changed.send_replace(change);
    }

    fn dispatch(&self) -> MutexGuard<'_, Dispatch> {
        self.shared
            .dispatch
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn waiting(&self) -> MutexGuard<'_, BTreeMap<DecisionId, Vec<oneshot::Sender<Verdict>>>> {
        self.shared
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Nobody may go on relying on a board that follows nothing.
async fn supervise(engine: Engine, reading: impl Future<Output = Result<(), String>>) {
    if AssertUnwindSafe(reading).catch_unwind().await.is_err() {
        engine.shared.metrics.panics.inc();
        engine.end("the task that follows the log has panicked");
    }
}
