//! What the handles, the writer and the tails of a partition share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};

use super::lead::Lead;
use super::settings::{Address, Keys, Settings};
use crate::batcher::{Batcher, Outcome};
use crate::error::{AppendError, StoreError};
use crate::io::journal::{Clock, Health, Options};
use crate::io::pending::{Chore, Pending, Reply, Work, answer};
use crate::offset::{LogName, Offset, PerLog};
use crate::server_check::{Finding, MEMORY_SHED_PERCENT, Memory};

pub(super) struct State {
    pub(super) pending: Pending,
    /// Why no server is there to be asked.
    away: Option<String>,
    /// Where the logs end, as far as was heard; others append too.
    pub(super) ends: PerLog<Offset>,
    pub(super) memory: Memory,
}

pub(super) struct Shared {
    pub(super) settings: Settings,
    pub(super) keys: Keys,
    pub(super) clock: Clock,
    pub(super) runtime: Handle,
    state: Mutex<State>,
    pub(super) wake: Notify,
    /// Raised by whoever was refused as if another server had the place of this one.
    pub(super) doubts: Notify,
    /// Where the writer is, while it is anywhere. Said again when a server that is there takes writes again.
    master: watch::Sender<Option<Address>>,
    pub(super) health: watch::Sender<Health>,
    pub(super) findings: watch::Sender<Vec<Finding>>,
    closing: watch::Sender<bool>,
    pub(super) ended: watch::Sender<bool>,
    started: Instant,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("topology", &self.settings.topology)
            .field("partition", &self.settings.partition)
            .finish_non_exhaustive()
    }
}

impl Shared {
    pub(super) fn new(settings: Settings, options: &Options) -> Arc<Self> {
        let keys = Keys::new(&settings.key_prefix, settings.partition);
        let batcher = Batcher::new(options.limits, PerLog::default());
        Arc::new(Self {
            settings,
            keys,
            clock: options.clock.clone(),
            runtime: Handle::current(),
            state: Mutex::new(State {
                pending: Pending::new(batcher),
                away: None,
                ends: PerLog::default(),
                memory: Memory::default(),
            }),
            wake: Notify::new(),
            doubts: Notify::new(),
            master: watch::Sender::new(None),
            health: watch::Sender::new(Health::Healthy),
            findings: watch::Sender::new(Vec::new()),
            closing: watch::Sender::new(false),
            ended: watch::Sender::new(false),
            started: Instant::now(),
        })
    }

    pub(super) fn offer(
        &self,
        log: LogName,
        entries: Vec<Bytes>,
        reply: Reply,
    ) -> Result<(), AppendError> {
        let now_ms = self.now_ms();
        let mut state = self.lock();
        if state.pending.closing {
            return Err(AppendError::Closed);
        }
        if log == LogName::Tracks && state.memory.has_reached(MEMORY_SHED_PERCENT) {
            let live_bytes = state.memory.used_bytes;
            return Err(AppendError::Full { live_bytes });
        }
        let before = state.pending.wait_of_writer(now_ms);
        let offered = state.pending.batcher.offer(now_ms, log, entries, reply);
        let is_sooner = state.pending.wait_of_writer(now_ms) != before;
        drop(state);
        offered.map_err(|refused| refused.error)?;
        if is_sooner {
            self.wake.notify_one();
        }
        Ok(())
    }

    /// A chore waits for no server: its author tries again, or does without.
    pub(super) fn chore(&self, chore: Chore) {
        let mut state = self.lock();
        if let Some(why) = state.away.clone().filter(|_| !state.pending.closing) {
            drop(state);
            return chore.refuse(unreachable(why));
        }
        if state.pending.push_chore(chore) {
            drop(state);
            self.wake.notify_one();
        }
    }

    pub(super) fn take(&self) -> Option<Work> {
        let now_ms = self.now_ms();
        self.lock().pending.take(now_ms)
    }

    /// When there will be a batch without any further offer, in milliseconds from now.
    pub(super) fn next_deadline_in_ms(&self) -> Option<u64> {
        let deadline = self.lock().pending.batcher.next_deadline()?;
        Some(deadline.saturating_sub(self.now_ms()))
    }

    /// Takes a change of the state that answers somebody.
    pub(super) fn settle(&self, change: impl FnOnce(&mut State) -> Vec<Outcome<Reply>>) {
        let outcomes = change(&mut self.lock());
        answer(outcomes);
    }

    pub(super) fn close(&self) {
        self.lock().pending.close();
        self.closing.send_replace(true);
        self.wake.notify_one();
    }

    pub(super) fn is_closing(&self) -> bool {
        *self.closing.borrow()
    }

    /// Returns when the handles are gone or have closed.
    pub(super) async fn closed(&self) {
        // The sender is in `self`.
        let _ = self.closing.subscribe().wait_for(|closing| *closing).await;
    }

    /// A server is there.
    pub(super) fn come_back(&self, at: &Address) {
        self.lock().away = None;
        self.master.send_replace(Some(at.clone()));
    }

    /// To go where the writer goes.
    pub(super) fn lead(&self) -> Lead {
        Lead::new(self.master.subscribe())
    }

    /// No server is there: appends wait, chores are told.
    pub(super) fn go_away(&self, why: &str) {
        self.master.send_replace(None);
        let chores = {
            let mut state = self.lock();
            state.away = Some(why.to_owned());
            std::mem::take(&mut state.pending.chores)
        };
        self.be_troubled(why);
        for chore in chores {
            chore.refuse(unreachable(why.to_owned()));
        }
    }

    pub(super) fn be_troubled(&self, why: &str) {
        let troubled = Health::Troubled {
            why: why.to_owned(),
        };
        if self.be(troubled) {
            let partition = self.settings.partition.0;
            tracing::warn!(partition, why, "the log takes nothing now");
        }
    }

    pub(super) fn be_healthy(&self) {
        if self.be(Health::Healthy) {
            // Who waits after a refusal waits no longer.
            self.master.send_modify(|_| {});
            let partition = self.settings.partition.0;
            tracing::info!(partition, "the log takes entries again");
        }
    }

    fn be(&self, health: Health) -> bool {
        self.health.send_if_modified(|now| {
            let changes = *now != health;
            *now = health;
            changes
        })
    }

    /// The log reaches at least this far.
    pub(super) fn raise_end(&self, log: LogName, end: Offset) {
        let mut state = self.lock();
        let known = state.ends.get_mut(log);
        *known = end.max(*known);
    }

    /// The log ends here, and not where it did before.
    pub(super) fn set_end(&self, log: LogName, end: Offset) {
        *self.lock().ends.get_mut(log) = end;
    }

    /// Where the log ends, as far as is known.
    pub(super) fn known_end(&self, log: LogName) -> Offset {
        *self.lock().ends.get(log)
    }

    /// Nothing comes behind `cursor`. Unless more has become known since `known` was, the log ends there, also when
    /// it reached further before a failover.
    pub(super) fn note_end(&self, log: LogName, known: Offset, cursor: Offset) {
        let mut state = self.lock();
        let end = state.ends.get_mut(log);
        if *end == known {
            *end = cursor;
        }
    }

    /// The writer's last words.
    pub(super) fn end(&self) {
        let chores = {
            let mut state = self.lock();
            state.pending.close();
            std::mem::take(&mut state.pending.chores)
        };
        self.be(Health::Closed);
        self.settle(|state| state.pending.batcher.turn_away(&AppendError::Closed));
        for chore in chores {
            chore.refuse(StoreError::Closed);
        }
        self.ended.send_replace(true);
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Milliseconds since this handle was made, never going back.
    fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // A runtime that ends takes the writer with it, also in the middle of a batch.
        let why = "the program's runtime has ended";
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        answer(state.pending.batcher.fail(why.to_owned()));
    }
}

fn unreachable(why: String) -> StoreError {
    StoreError::Unreachable {
        doing: "asking the log's server",
        why,
    }
}
