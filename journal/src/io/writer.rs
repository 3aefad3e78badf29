//! The commit thread: it alone writes. While it syncs one batch, the next is collected behind the
//! lock, which is held for pushing and taking and never during a commit.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::{oneshot, watch};

use super::journal::{Clock, Health};
use super::lock::PidFile;
use super::store::{LIVE_BYTES_MAX, Store, Trimmed};
use crate::batcher::{Appended, Batch, Batcher, Limits, Outcome};
use crate::error::{AppendError, StoreError};
use crate::offset::{LogName, Offset, PerLog};
use crate::snapshot::SnapshotSlice;

/// Snapshot slices and trims that wait for the commit thread: each caller awaits its own, so more
/// than a few are a caller gone wild.
const CHORES_MAX: usize = 16;

/// Who is told how an append ended; runs on the commit thread.
pub(crate) type Reply = Box<dyn FnOnce(Result<Appended, AppendError>) + Send>;

/// Writing that is not an append.
pub(crate) enum Chore {
    Snapshot(SnapshotSlice, oneshot::Sender<Result<(), StoreError>>),
    Trim {
        log: LogName,
        now_ms: u64,
        reply: oneshot::Sender<Result<Trimmed, StoreError>>,
    },
}

impl Chore {
    fn refuse(self, error: StoreError) {
        // Whoever no longer waits does not need the answer.
        match self {
            Self::Snapshot(_, reply) => drop(reply.send(Err(error))),
            Self::Trim { reply, .. } => drop(reply.send(Err(error))),
        }
    }
}

enum Work {
    Batch(Batch),
    Chore(Chore),
    Done,
}

struct State {
    batcher: Batcher<Reply>,
    chores: VecDeque<Chore>,
    /// A chore goes first after a batch, so that neither waits for the other for ever.
    chore_next: bool,
    closing: bool,
}

/// What the handles and the commit thread share.
pub(crate) struct Writer {
    state: Mutex<State>,
    wake: Condvar,
    pub(crate) store: Arc<Store>,
    ends: PerLog<watch::Sender<Offset>>,
    health: watch::Sender<Health>,
    ended: watch::Sender<bool>,
    started: Instant,
    clock: Clock,
}

impl Writer {
    pub(crate) fn new(store: Arc<Store>, limits: Limits, clock: Clock) -> Self {
        let ends = store.ends();
        Self {
            state: Mutex::new(State {
                batcher: Batcher::new(limits, ends),
                chores: VecDeque::new(),
                chore_next: false,
                closing: false,
            }),
            wake: Condvar::new(),
            store,
            ends: PerLog {
                alerts: watch::Sender::new(ends.alerts),
                tracks: watch::Sender::new(ends.tracks),
            },
            health: watch::Sender::new(Health::Healthy),
            ended: watch::Sender::new(false),
            started: Instant::now(),
            clock,
        }
    }

    pub(crate) fn offer(
        &self,
        log: LogName,
        entries: Vec<Bytes>,
        reply: Reply,
    ) -> Result<(), AppendError> {
        let live_bytes = self.store.live_bytes();
        if log == LogName::Tracks && live_bytes >= LIVE_BYTES_MAX {
            return Err(AppendError::Full { live_bytes });
        }
        let now_ms = self.now_ms();
        let mut state = self.lock();
        if state.closing {
            return Err(AppendError::Closed);
        }
        let before = state.wait_of_thread(now_ms);
        let offered = state.batcher.offer(now_ms, log, entries, reply);
        let is_sooner = state.wait_of_thread(now_ms) != before;
        drop(state);
        offered.map_err(|refused| refused.error)?;
        // Who makes the thread do nothing new lets it sleep: a position that waits behind another
        // would cost two switches of thread and find out that it waits.
        if is_sooner {
            self.wake.notify_one();
        }
        Ok(())
    }

    pub(crate) fn chore(&self, chore: Chore) {
        let mut state = self.lock();
        if state.closing {
            return chore.refuse(StoreError::Closed);
        }
        if state.chores.len() >= CHORES_MAX {
            return chore.refuse(StoreError::Busy {
                waiting: CHORES_MAX,
            });
        }
        state.chores.push_back(chore);
        drop(state);
        self.wake.notify_one();
    }

    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closing = true;
        state.batcher.flush();
        drop(state);
        self.wake.notify_one();
    }

    pub(crate) fn end_of(&self, log: LogName) -> watch::Receiver<Offset> {
        self.ends.get(log).subscribe()
    }

    pub(crate) fn health(&self) -> watch::Receiver<Health> {
        self.health.subscribe()
    }

    pub(crate) fn ended(&self) -> watch::Receiver<bool> {
        self.ended.subscribe()
    }

    /// The commit thread: until the journal is closed. The pid file is let go when the database is
    /// closed.
    pub(crate) fn run(&self, pid_file: Option<PidFile>) {
        let worked = catch_unwind(AssertUnwindSafe(|| while self.step() {}));
        if worked.is_err() {
            self.fail("the commit thread panicked".to_owned());
            // Nobody commits any more; who still comes is told.
            while catch_unwind(AssertUnwindSafe(|| self.step())).unwrap_or(true) {}
        }
        // After a panic beneath it the database may panic again when it is closed; that is no
        // reason to hang whoever waits for the end.
        match catch_unwind(AssertUnwindSafe(|| self.store.close())) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the next start repairs the journal"),
            Err(_) => tracing::warn!("closing panicked; the next start repairs the journal"),
        }
        drop(pid_file);
        self.health.send_if_modified(|health| {
            let closed = *health == Health::Healthy;
            if closed {
                *health = Health::Closed;
            }
            closed
        });
        self.ended.send_replace(true);
    }

    fn step(&self) -> bool {
        match self.next_work() {
            Work::Batch(batch) => self.commit(&batch),
            Work::Chore(chore) => self.do_chore(chore),
            Work::Done => return false,
        }
        true
    }

    fn next_work(&self) -> Work {
        let mut state = self.lock();
        loop {
            if let Some(work) = state.take(self.now_ms()) {
                return work;
            }
            let deadline = state.batcher.next_deadline();
            state = match deadline {
                Some(due) => {
                    let wait = Duration::from_millis(due.saturating_sub(self.now_ms()));
                    let waited = self.wake.wait_timeout(state, wait);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self
                    .wake
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    fn commit(&self, batch: &Batch) {
        match self.store.commit(batch, self.clock.unix_ms()) {
            Ok(()) => {
                for log in LogName::ALL {
                    self.publish(log, batch.runs.get(log).end());
                }
                let outcomes = self.lock().batcher.committed(batch.id, Ok(()));
                answer(outcomes);
            }
            Err(error) => self.fail(error.to_string()),
        }
    }

    fn publish(&self, log: LogName, end: Offset) {
        self.ends.get(log).send_if_modified(|published| {
            let newer = end > *published;
            *published = end;
            newer
        });
    }

    fn do_chore(&self, chore: Chore) {
        match chore {
            Chore::Snapshot(slice, reply) => {
                let written = self.store.snapshot_write(&slice, self.clock.unix_ms());
                self.look_at(&written);
                drop(reply.send(written));
            }
            Chore::Trim { log, now_ms, reply } => {
                let trimmed = self.store.trim(log, now_ms);
                self.look_at(&trimmed);
                drop(reply.send(trimmed));
            }
        }
    }

    /// A chore that failed in the storage has failed for everybody.
    fn look_at<T>(&self, result: &Result<T, StoreError>) {
        if let Err(error @ (StoreError::Storage { .. } | StoreError::Failed { .. })) = result {
            self.fail(error.to_string());
        }
    }

    /// From here on no receipt is given by this process: readiness goes first, then those who wait
    /// are told.
    fn fail(&self, why: String) {
        tracing::error!(%why, "the journal has failed; no receipt is given any more in this process");
        self.health.send_if_modified(|health| {
            let first = *health == Health::Healthy;
            if first {
                *health = Health::Failed { why: why.clone() };
            }
            first
        });
        let mut state = self.lock();
        let outcomes = state.batcher.fail(why.clone());
        let chores = std::mem::take(&mut state.chores);
        drop(state);
        answer(outcomes);
        for chore in chores {
            chore.refuse(StoreError::Failed { why: why.clone() });
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Milliseconds since this journal was opened, never going back.
    fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl State {
    /// Until when the commit thread may sleep if nobody wakes it, and whether it has a batch at
    /// once. Whoever changes either has to wake it.
    fn wait_of_thread(&self, now_ms: u64) -> (bool, Option<u64>) {
        (self.batcher.is_ready(now_ms), self.batcher.next_deadline())
    }

    fn take(&mut self, now_ms: u64) -> Option<Work> {
        if self.chore_next
            && let Some(chore) = self.chores.pop_front()
        {
            self.chore_next = false;
            return Some(Work::Chore(chore));
        }
        if let Some(batch) = self.batcher.poll_batch(now_ms) {
            self.chore_next = true;
            return Some(Work::Batch(batch));
        }
        if let Some(chore) = self.chores.pop_front() {
            return Some(Work::Chore(chore));
        }
        // A closing batcher waits for nothing, so nothing is left.
        self.closing.then_some(Work::Done)
    }
}

fn answer(outcomes: Vec<Outcome<Reply>>) {
    for Outcome { ticket, result } in outcomes {
        // A bug in one caller's answer is not to take the others' answers, or the journal, with it.
        if catch_unwind(AssertUnwindSafe(|| ticket(result))).is_err() {
            tracing::error!("an answer to an append panicked");
        }
    }
}
