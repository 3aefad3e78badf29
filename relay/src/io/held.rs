//! Alerts for which the journal's queue has no room just now: they wait here and are offered again. An alert is not
//! shed.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::hub::Hub;
use super::mailbox::Mailbox;
use crate::append::ReportKey;
use crate::limits::{HELD_ENTRIES_MAX, HELD_PATIENCE, HELD_RETRY};

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
    pub(crate) mailbox: Arc<Mailbox>,
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
    pub(crate) fn new(run: Run, mailbox: Arc<Mailbox>) -> Self {
        Self {
            entries: run.entries,
            keys: run.keys.into(),
            mailbox,
            since: Instant::now(),
        }
    }
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
    entries: usize,
}

/// Those who wait, first come first served.
#[derive(Debug, Default)]
pub(crate) struct Held {
    queue: Mutex<Queue>,
    arrived: Notify,
}

impl Held {
    pub(crate) fn is_empty(&self) -> bool {
        self.queue().waiting.is_empty()
    }

    /// Gives back what there is no room for.
    pub(crate) fn push(&self, waiting: Waiting) -> Result<(), Waiting> {
        let mut queue = self.queue();
        if queue.entries + waiting.entries.len() > HELD_ENTRIES_MAX {
            return Err(waiting);
        }
        queue.entries += waiting.entries.len();
        queue.waiting.push_back(waiting);
        drop(queue);
        self.arrived.notify_one();
        Ok(())
    }

    fn pop(&self) -> Option<Waiting> {
        let mut queue = self.queue();
        let waiting = queue.waiting.pop_front()?;
        queue.entries -= waiting.entries.len();
        Some(waiting)
    }

    fn put_back(&self, waiting: Waiting) {
        let mut queue = self.queue();
        queue.entries += waiting.entries.len();
        queue.waiting.push_front(waiting);
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
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
        while let Some(waiting) = self.held.pop() {
            match self.offer(&waiting) {
                Ok(()) => {}
                Err(Refused::Busy) if waiting.since.elapsed() < HELD_PATIENCE.to_duration() => {
                    return self.held.put_back(waiting);
                }
                Err(_) => self.refuse(&waiting),
            }
        }
    }
}
