//! Alerts for which the journal's queue has no room just now: they wait here and are offered again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::hub::{Hub, Seat};
use super::mailbox::Mailbox;
use crate::append::ReportKey;
use crate::limits::{HELD_ENTRIES_MAX, HELD_PATIENCE, HELD_RETRY};
use crate::precedence::{Queue, Rank};
use crate::way_back::SessionId;

/// Entries of one log from one connection.
#[derive(Default)]
pub(crate) struct Run {
    pub(crate) entries: Vec<Bytes>,
    pub(crate) keys: Vec<ReportKey>,
    pub(crate) unsealed: Vec<ReportKey>,
}

/// Alerts of one connection on their way into the journal.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) entries: Vec<Bytes>,
    pub(crate) keys: Arc<[ReportKey]>,
    pub(crate) session: SessionId,
    pub(crate) mailbox: Arc<Mailbox>,
    rank: Rank,
    since: Instant,
}

/// Why the journal did not take alerts.
pub(crate) enum Refused {
    /// Its queue is full; it will not be for ever.
    Busy,
    /// It takes nothing any more.
    ForGood,
}

impl Waiting {
    pub(crate) fn new(run: Run, rank: Rank, seat: &Seat) -> Self {
        Self {
            entries: run.entries,
            keys: run.keys.into(),
            session: seat.id,
            mailbox: Arc::clone(&seat.mailbox),
            rank,
            since: Instant::now(),
        }
    }

    fn is_out_of_patience(&self) -> bool {
        self.since.elapsed() >= HELD_PATIENCE.to_duration()
    }
}

/// Those who wait.
#[derive(Debug)]
pub(crate) struct Held {
    queue: Mutex<Queue<Waiting>>,
    arrived: Notify,
}

impl Default for Held {
    fn default() -> Self {
        Self {
            queue: Mutex::new(Queue::new(HELD_ENTRIES_MAX)),
            arrived: Notify::new(),
        }
    }
}

impl Held {
    pub(crate) fn is_empty(&self) -> bool {
        self.queue().is_empty()
    }

    /// Gives back those for whom there is no room now.
    pub(crate) fn push(&self, waiting: Waiting) -> Vec<Waiting> {
        let (rank, entries) = (waiting.rank, waiting.entries.len());
        let left = self.queue().push(rank, entries, waiting);
        self.arrived.notify_one();
        left
    }

    fn queue(&self) -> MutexGuard<'_, Queue<Waiting>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hub {
    /// Offers those who wait until they are taken or their patience has ended; at a shutdown for as long as their
    /// connections wait for an answer.
    pub(crate) async fn offer_held(self: Arc<Self>, stop: CancellationToken) {
        while let Some(()) = stop.run_until_cancelled(self.held.arrived.notified()).await {
            let _ = stop.run_until_cancelled(self.empty_held()).await;
        }
        let _ = timeout(self.patience.farewell.to_duration(), self.empty_held()).await;
    }

    async fn empty_held(self: &Arc<Self>) {
        while !self.held.is_empty() {
            sleep(HELD_RETRY.to_duration()).await;
            self.offer_held_once();
        }
    }

    fn offer_held_once(self: &Arc<Self>) {
        let expired = self.held.queue().take_expired(Waiting::is_out_of_patience);
        for waiting in &expired {
            self.refuse(waiting);
        }
        // The lock is not held while the journal is offered something: it answers on its own thread.
        let next = || self.held.queue().pop();
        while let Some((rank, waiting)) = next() {
            match self.offer(&waiting) {
                Ok(()) => {}
                Err(Refused::Busy) => {
                    let entries = waiting.entries.len();
                    return self.held.queue().put_back(rank, entries, waiting);
                }
                Err(Refused::ForGood) => self.refuse(&waiting),
            }
        }
    }
}
