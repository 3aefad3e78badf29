//! The commit thread: it alone writes. While it syncs one batch, the next is collected behind the
//! lock, which is held for pushing and taking and never during a commit.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::{oneshot, watch};

use super::journal::{Clock, Health};
use super::lock::PidFile;
use super::pending::{Chore, Pending, Reply, Work, answer};
use super::store::Store;
use crate::batcher::{Batch, Batcher, Limits};
use crate::crowding::CROWDED_TRIM_EVERY_MS;
use crate::error::{AppendError, StoreError};
use crate::offset::{LogName, Offset, PerLog};
use crate::trim::TrimBy;

/// What the handles and the commit thread share.
pub(crate) struct Writer {
    state: Mutex<Pending>,
    wake: Condvar,
    pub(crate) store: Arc<Store>,
    ends: PerLog<watch::Sender<Offset>>,
    health: watch::Sender<Health>,
    ended: watch::Sender<bool>,
    started: Instant,
    clock: Clock,
    /// When a full journal deletes positions again, by [`Self::now_ms`].
    room_due_ms: AtomicU64,
}

impl Writer {
    pub(crate) fn new(store: Arc<Store>, limits: Limits, clock: Clock) -> Self {
        let ends = store.ends();
        Self {
            state: Mutex::new(Pending::new(Batcher::new(limits, ends))),
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
            room_due_ms: AtomicU64::new(0),
        }
    }

    pub(crate) fn offer(
        &self,
        log: LogName,
        entries: Vec<Bytes>,
        reply: Reply,
    ) -> Result<(), AppendError> {
        let size = self.store.size();
        if log == LogName::Tracks && !size.takes_tracks() {
            let live_bytes = size.live_bytes;
            self.make_room();
            return Err(AppendError::Full { live_bytes });
        }
        let now_ms = self.now_ms();
        let mut state = self.lock();
        if state.closing {
            return Err(AppendError::Closed);
        }
        let before = state.wait_of_writer(now_ms);
        let offered = state.batcher.offer(now_ms, log, entries, reply);
        let is_sooner = state.wait_of_writer(now_ms) != before;
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
        if state.push_chore(chore) {
            drop(state);
            self.wake.notify_one();
        }
    }

    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.close();
        drop(state);
        self.wake.notify_one();
    }

    pub(crate) fn end_of(&self, log: LogName) -> watch::Receiver<Offset> {
        self.ends.get(log).subscribe()
    }

    #[cfg(feature = "redis")]
    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
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
                self.make_room();
            }
            Err(error) => self.fail(error.to_string()),
        }
    }

    /// Has old positions of a crowded journal deleted. Also whoever is refused asks for it: where nothing is
    /// taken, no commit would.
    fn make_room(&self) {
        let Some(point) = self.store.size().track_trim_point(self.clock.unix_ms()) else {
            return;
        };
        let now_ms = self.now_ms();
        let is_due = |due: u64| (now_ms >= due).then_some(now_ms + CROWDED_TRIM_EVERY_MS);
        let due = &self.room_due_ms;
        if due
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, is_due)
            .is_err()
        {
            return;
        }
        // Nobody waits for it.
        let (reply, _) = oneshot::channel();
        self.chore(Chore::Trim {
            log: LogName::Tracks,
            by: TrimBy::Point(point),
            reply,
        });
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
            Chore::Trim { log, by, reply } => {
                let trimmed = self.store.trim_by(log, by);
                self.look_at(&trimmed);
                drop(reply.send(trimmed));
            }
        }
    }

    /// What failed in the storage has failed for everybody, a chore or a read: the database answers nothing any more.
    pub(crate) fn look_at<T>(&self, result: &Result<T, StoreError>) {
        if let Err(error @ (StoreError::Storage { .. } | StoreError::Failed { .. })) = result {
            self.fail(error.to_string());
        }
    }

    /// From here on no receipt is given by this process: readiness goes first, then those who wait
    /// are told.
    fn fail(&self, why: String) {
        let is_first = self.health.send_if_modified(|health| {
            let first = *health == Health::Healthy;
            if first {
                *health = Health::Failed { why: why.clone() };
            }
            first
        });
        if is_first {
            tracing::error!(%why, "the journal has failed; no receipt is given any more in this process");
        }
        let mut state = self.lock();
        let outcomes = state.batcher.fail(why.clone());
        let chores = std::mem::take(&mut state.chores);
        drop(state);
        answer(outcomes);
        for chore in chores {
            chore.refuse(StoreError::Failed { why: why.clone() });
        }
    }

    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Milliseconds since this journal was opened, never going back.
    fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
