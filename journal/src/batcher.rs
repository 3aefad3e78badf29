//! Group commit as a state machine: offers go in, batches come out one at a time, and a ticket is
//! answered when the batch that holds its entries has been committed.
//!
//! While a batch is in flight the next one is collected. On a disk ([`Batcher::committed`])
//! everything that waits fails after a failed commit, and so does everything that is offered
//! afterwards: nothing is ever tried again, because a sync that failed once may answer *ok* the
//! second time without having written (invariant 1). On a server ([`Batcher::settled`]) a lost
//! batch concerns nobody but those who wait for it, and the server gives the offsets.

mod queue;

use bytes::Bytes;

use crate::error::AppendError;
use crate::offset::{LogName, Offset, PerLog};
use queue::{Offer, Queue};

/// How long a position waits for an alert to ride along with: 100 ms, ten commits a second when
/// nothing else happens, and still live on a map.
pub const TRACKS_WAIT_MS: u64 = 100;

/// Positions that ride along with alerts before they have waited for [`TRACKS_WAIT_MS`]: as many as cost
/// the alerts nothing that can be measured. The others have a batch of their own, ten times a second,
/// and few alerts come while it is committed.
pub const TRACKS_RIDING_MAX: usize = 64;

/// Bounds of a batch and of what waits for one, for each log apart: positions never take the room
/// of alerts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Entries in one batch. 2,048 reach most of the throughput; more only lets the first of them
    /// wait longer.
    pub batch_entries_max: usize,
    /// Bytes of entries in one batch: 1 MiB, written and synced within milliseconds.
    pub batch_bytes_max: usize,
    /// Entries that wait. 65,536 alerts are over a minute of a nation in trouble (862 a second).
    pub queue_entries_max: usize,
    /// Bytes that wait: 32 MiB, the share of the relay's memory that may hold unwritten entries.
    pub queue_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            batch_entries_max: 2_048,
            batch_bytes_max: 1 << 20,
            queue_entries_max: 65_536,
            queue_bytes_max: 32 << 20,
        }
    }
}

/// Which batch a commit was of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BatchId(pub u64);

/// What is written in one transaction: for each log the entries and the offset of the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Its number, to be given back to [`Batcher::committed`].
    pub id: BatchId,
    /// The entries of each log; at least one log has some.
    pub runs: PerLog<Run>,
}

/// Entries of one log in a row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// The offset of the first entry, or the end of the log when there is none.
    pub first: Offset,
    /// The entries.
    pub entries: Vec<Bytes>,
}

impl Run {
    /// The offset after the last entry.
    #[must_use]
    pub fn end(&self) -> Offset {
        self.first.plus(self.entries.len() as u64)
    }
}

/// How durable an append is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// On the author's own disk, synced, and on its way into the log that others read; the offset is
    /// that of the author's own journal, which keeps it until the log has it for good.
    Local,
    /// In the log, and not confirmed by as many replicas as are wanted: a failover may take it
    /// back. Its author keeps it.
    Offered,
    /// In the log, and on as many replicas as are wanted. The embedded journal wants none and
    /// answers 0: its own disk, synced.
    Confirmed {
        /// Replicas that have it.
        replicas: u8,
    },
}

/// How the commit of a batch ended on a server, which many write to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It is in the log, each run in a row.
    Placed {
        /// The offset of the first entry of each run; that of an empty run means nothing.
        firsts: PerLog<Offset>,
        /// How durable it is.
        durability: Durability,
    },
    /// Nobody may rely on it, and everybody who waits for it is told this.
    Lost(AppendError),
}

/// Where an offer's entries are: `count` in a row from `first`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The offset of the first entry.
    pub first: Offset,
    /// How many entries there are.
    pub count: u64,
    /// How durable they are.
    pub durability: Durability,
}

/// The answer to one offer.
#[derive(Debug)]
pub struct Outcome<T> {
    /// What was offered with the entries.
    pub ticket: T,
    /// Where they are, or why nobody may rely on them.
    pub result: Result<Appended, AppendError>,
}

/// An offer that was not taken, with its ticket.
#[derive(Debug)]
pub struct Refused<T> {
    /// What was offered with the entries.
    pub ticket: T,
    /// Why.
    pub error: AppendError,
}

/// The group commit. `T` is what the shell needs to answer with.
#[derive(Debug)]
pub struct Batcher<T> {
    limits: Limits,
    queues: PerLog<Queue<T>>,
    /// The offset that the next entry of each log gets when it is put into a batch.
    ends: PerLog<Offset>,
    next_id: BatchId,
    in_flight: Option<InFlight<T>>,
    failed: Option<String>,
    flush: bool,
}

#[derive(Debug)]
struct InFlight<T> {
    id: BatchId,
    /// The ends of the logs when the batch was made.
    ends: PerLog<Offset>,
    waiting: Vec<(T, LogName, Appended)>,
}

impl<T> Batcher<T> {
    /// A batcher for logs that end at `ends`.
    #[must_use]
    pub fn new(limits: Limits, ends: PerLog<Offset>) -> Self {
        Self {
            limits,
            queues: PerLog {
                alerts: Queue::new(),
                tracks: Queue::new(),
            },
            ends,
            next_id: BatchId(0),
            in_flight: None,
            failed: None,
            flush: false,
        }
    }

    /// Takes entries for `log`. They are committed together, in order, in a row. `now_ms` is any
    /// clock that does not go back.
    ///
    /// # Errors
    /// When the offer is empty or larger than a batch, the queue is full, or a commit has failed;
    /// nothing was taken.
    pub fn offer(
        &mut self,
        now_ms: u64,
        log: LogName,
        entries: Vec<Bytes>,
        ticket: T,
    ) -> Result<(), Refused<T>> {
        let bytes = entries.iter().map(Bytes::len).sum();
        match self.admit(log, entries.len(), bytes) {
            Ok(()) => {
                self.queues.get_mut(log).push(Offer {
                    entries,
                    bytes,
                    offered_ms: now_ms,
                    ticket,
                });
                Ok(())
            }
            Err(error) => Err(Refused { ticket, error }),
        }
    }

    fn admit(&self, log: LogName, entries: usize, bytes: usize) -> Result<(), AppendError> {
        let Limits {
            batch_entries_max,
            batch_bytes_max,
            queue_entries_max,
            queue_bytes_max,
        } = self.limits;
        if let Some(why) = &self.failed {
            return Err(AppendError::Failed { why: why.clone() });
        }
        if entries == 0 {
            return Err(AppendError::Empty);
        }
        if entries > batch_entries_max || bytes > batch_bytes_max {
            let (entries_max, bytes_max) = (batch_entries_max, batch_bytes_max);
            return Err(AppendError::TooLarge {
                entries,
                bytes,
                entries_max,
                bytes_max,
            });
        }
        let queue = self.queues.get(log);
        if queue.entries + entries > queue_entries_max || queue.bytes + bytes > queue_bytes_max {
            return Err(AppendError::Busy {
                log,
                queued_entries: queue.entries,
            });
        }
        Ok(())
    }

    /// The next batch to commit, when there is one and none is in flight.
    pub fn poll_batch(&mut self, now_ms: u64) -> Option<Batch> {
        if !self.is_ready(now_ms) {
            return None;
        }
        let id = self.next_id;
        self.next_id = BatchId(id.0 + 1);
        let ends = self.ends;
        let entries_max = self.limits.batch_entries_max;
        let tracks_max = if self.tracks_due(now_ms) {
            entries_max
        } else {
            TRACKS_RIDING_MAX.min(entries_max)
        };
        let mut waiting = Vec::new();
        let runs = PerLog {
            alerts: self.take(LogName::Alerts, entries_max, &mut waiting),
            tracks: self.take(LogName::Tracks, tracks_max, &mut waiting),
        };
        self.in_flight = Some(InFlight { id, ends, waiting });
        Some(Batch { id, runs })
    }

    /// Whether [`Self::poll_batch`] has a batch now.
    #[must_use]
    pub fn is_ready(&self, now_ms: u64) -> bool {
        self.in_flight.is_none() && self.failed.is_none() && self.due(now_ms)
    }

    fn due(&self, now_ms: u64) -> bool {
        self.queues.alerts.entries > 0 || self.tracks_due(now_ms)
    }

    /// Whether positions need no alert to be committed.
    fn tracks_due(&self, now_ms: u64) -> bool {
        let tracks = &self.queues.tracks;
        tracks.entries >= self.limits.batch_entries_max
            || tracks.bytes >= self.limits.batch_bytes_max
            || (self.flush && tracks.entries > 0)
            || self.tracks_due_ms().is_some_and(|due| due <= now_ms)
    }

    fn take(
        &mut self,
        log: LogName,
        entries_max: usize,
        waiting: &mut Vec<(T, LogName, Appended)>,
    ) -> Run {
        let end = self.ends.get_mut(log);
        let mut run = Run {
            first: *end,
            entries: Vec::new(),
        };
        let bytes_max = self.limits.batch_bytes_max;
        for offer in self.queues.get_mut(log).take(entries_max, bytes_max) {
            let appended = Appended {
                first: run.end(),
                count: offer.entries.len() as u64,
                durability: Durability::Confirmed { replicas: 0 },
            };
            run.entries.extend(offer.entries);
            waiting.push((offer.ticket, log, appended));
        }
        *end = run.end();
        run
    }

    /// The commit of batch `id` has ended: who is to be told what. After an error this is
    /// everybody, for ever.
    ///
    /// A batch that is not in flight answers nobody.
    #[must_use]
    pub fn committed(&mut self, id: BatchId, result: Result<(), String>) -> Vec<Outcome<T>> {
        if self.in_flight.as_ref().is_none_or(|batch| batch.id != id) {
            return Vec::new();
        }
        match result {
            Ok(()) => {
                let waiting = self
                    .in_flight
                    .take()
                    .map(|batch| batch.waiting)
                    .unwrap_or_default();
                let outcome = |(ticket, _, appended)| Outcome {
                    ticket,
                    result: Ok(appended),
                };
                waiting.into_iter().map(outcome).collect()
            }
            Err(why) => self.fail(why),
        }
    }

    /// The server has spoken, or not, about batch `id`: who is to be told what. What waits behind
    /// the batch goes on.
    ///
    /// A batch that is not in flight answers nobody.
    #[must_use]
    pub fn settled(&mut self, id: BatchId, settled: Settled) -> Vec<Outcome<T>> {
        let Some(batch) = self.in_flight.take_if(|batch| batch.id == id) else {
            return Vec::new();
        };
        let result = |log: LogName, planned: Appended| match &settled {
            Settled::Placed { firsts, durability } => Ok(Appended {
                first: firsts
                    .get(log)
                    .plus(planned.first.since(*batch.ends.get(log))),
                durability: *durability,
                ..planned
            }),
            Settled::Lost(error) => Err(error.clone()),
        };
        let outcome = |(ticket, log, planned)| Outcome {
            ticket,
            result: result(log, planned),
        };
        batch.waiting.into_iter().map(outcome).collect()
    }

    /// Takes everything that waits for a batch out of the queues, to be answered with `error`. A
    /// batch in flight is left to [`Self::settled`].
    #[must_use]
    pub fn turn_away(&mut self, error: &AppendError) -> Vec<Outcome<T>> {
        let mut outcomes = Vec::new();
        for log in LogName::ALL {
            let offers = self.queues.get_mut(log).drain();
            outcomes.extend(offers.map(|offer| Outcome {
                ticket: offer.ticket,
                result: Err(error.clone()),
            }));
        }
        outcomes
    }

    /// Something beside a batch has failed for good: everybody who waits is told, and nothing is
    /// taken any more. The first reason stays.
    #[must_use]
    pub fn fail(&mut self, why: String) -> Vec<Outcome<T>> {
        let why = self.failed.get_or_insert(why).clone();
        let in_flight = self
            .in_flight
            .take()
            .map(|batch| batch.waiting)
            .unwrap_or_default();
        let mut tickets: Vec<T> = in_flight.into_iter().map(|(ticket, ..)| ticket).collect();
        for log in LogName::ALL {
            tickets.extend(self.queues.get_mut(log).drain().map(|offer| offer.ticket));
        }
        let failed = |ticket| Outcome {
            ticket,
            result: Err(AppendError::Failed { why: why.clone() }),
        };
        tickets.into_iter().map(failed).collect()
    }

    /// When [`Self::poll_batch`] will have a batch without any further offer.
    #[must_use]
    pub fn next_deadline(&self) -> Option<u64> {
        let idle = self.in_flight.is_none() && self.failed.is_none();
        self.tracks_due_ms().filter(|_| idle)
    }

    fn tracks_due_ms(&self) -> Option<u64> {
        let oldest = self.queues.tracks.offers.front()?;
        Some(oldest.offered_ms.saturating_add(TRACKS_WAIT_MS))
    }

    /// From now on positions wait for nothing: the journal is closing.
    pub fn flush(&mut self) {
        self.flush = true;
    }

    /// Whether nothing waits and nothing is in flight.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        let queued = LogName::ALL
            .iter()
            .any(|&log| self.queues.get(log).entries > 0);
        self.in_flight.is_none() && !queued
    }

    /// Entries of `log` that wait for a batch.
    #[must_use]
    pub fn queued_entries(&self, log: LogName) -> usize {
        self.queues.get(log).entries
    }
}

#[cfg(test)]
mod tests;
