//! What waits for the one who writes, the same for a thread over a disk and a task over a server.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::sync::oneshot;

use super::store::Trimmed;
use crate::batcher::{Appended, Batch, Batcher, Outcome};
use crate::error::{AppendError, StoreError};
use crate::offset::LogName;
use crate::snapshot::SnapshotSlice;
use crate::trim::TrimBy;

/// Snapshot slices and trims that wait for the writer: each caller awaits its own, so more than a
/// few are a caller gone wild.
const CHORES_MAX: usize = 16;

/// Who is told how an append ended; runs where the writer runs.
pub(crate) type Reply = Box<dyn FnOnce(Result<Appended, AppendError>) + Send>;

/// Writing that is not an append.
pub(crate) enum Chore {
    Snapshot(SnapshotSlice, oneshot::Sender<Result<(), StoreError>>),
    Trim {
        log: LogName,
        by: TrimBy,
        reply: oneshot::Sender<Result<Trimmed, StoreError>>,
    },
}

impl Chore {
    pub(crate) fn refuse(self, error: StoreError) {
        // Whoever no longer waits does not need the answer.
        match self {
            Self::Snapshot(_, reply) => drop(reply.send(Err(error))),
            Self::Trim { reply, .. } => drop(reply.send(Err(error))),
        }
    }
}

/// What the writer does next.
pub(crate) enum Work {
    Batch(Batch),
    Chore(Chore),
    Done,
}

/// Offers and chores.
pub(crate) struct Pending {
    pub(crate) batcher: Batcher<Reply>,
    pub(crate) chores: VecDeque<Chore>,
    /// A chore goes first after a batch, so that neither waits for the other for ever.
    chore_next: bool,
    pub(crate) closing: bool,
}

impl Pending {
    pub(crate) fn new(batcher: Batcher<Reply>) -> Self {
        Self {
            batcher,
            chores: VecDeque::new(),
            chore_next: false,
            closing: false,
        }
    }

    /// Takes a chore, or tells its author why not; whether it was taken.
    pub(crate) fn push_chore(&mut self, chore: Chore) -> bool {
        if self.closing {
            chore.refuse(StoreError::Closed);
        } else if self.chores.len() >= CHORES_MAX {
            chore.refuse(StoreError::Busy {
                waiting: CHORES_MAX,
            });
        } else {
            self.chores.push_back(chore);
            return true;
        }
        false
    }

    /// From now on nothing is taken, and what is there waits for nothing.
    pub(crate) fn close(&mut self) {
        self.closing = true;
        self.batcher.flush();
    }

    /// Until when the writer may sleep if nobody wakes it, and whether it has a batch at once.
    /// Whoever changes either has to wake it.
    pub(crate) fn wait_of_writer(&self, now_ms: u64) -> (bool, Option<u64>) {
        (self.batcher.is_ready(now_ms), self.batcher.next_deadline())
    }

    pub(crate) fn take(&mut self, now_ms: u64) -> Option<Work> {
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

/// Writes a slice by way of the writer; `push` takes the chore.
pub(crate) async fn snapshot_write(
    slice: SnapshotSlice,
    push: impl FnOnce(Chore),
) -> Result<(), StoreError> {
    let (reply, answer) = oneshot::channel();
    push(Chore::Snapshot(slice, reply));
    answer.await.unwrap_or(Err(StoreError::Closed))
}

/// Trims both logs in steps, between which appends go on; `push` takes the chores.
pub(crate) async fn trim(now_ms: u64, push: impl Fn(Chore)) -> Result<Trimmed, StoreError> {
    let mut sum = Trimmed::default();
    for log in LogName::ALL {
        sum += trim_by(log, TrimBy::Snapshot { now_ms }, &push).await?;
    }
    Ok(sum)
}

/// Trims one log in steps, between which appends go on; `push` takes the chores.
pub(crate) async fn trim_by(
    log: LogName,
    by: TrimBy,
    push: impl Fn(Chore),
) -> Result<Trimmed, StoreError> {
    let mut sum = Trimmed::default();
    loop {
        let (reply, answer) = oneshot::channel();
        push(Chore::Trim { log, by, reply });
        let trimmed = answer.await.unwrap_or(Err(StoreError::Closed))?;
        sum += trimmed;
        if !trimmed.is_full() {
            return Ok(sum);
        }
    }
}

/// Tells everybody how their append ended.
pub(crate) fn answer(outcomes: Vec<Outcome<Reply>>) {
    for Outcome { ticket, result } in outcomes {
        // A bug in one caller's answer is not to take the others' answers, or the journal, with it.
        if catch_unwind(AssertUnwindSafe(|| ticket(result))).is_err() {
            tracing::error!("an answer to an append panicked");
        }
    }
}
