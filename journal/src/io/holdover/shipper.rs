//! The task that brings the own journal into the shared log: does what [`Shipping`] says.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::watch;
use tokio::time::sleep;

use super::health::Standing;
use crate::batcher::{Batch, BatchId, Limits, Run};
use crate::error::{OpenError, StoreError};
use crate::io::pending;
use crate::io::redis::{Delivered, Delivery};
use crate::io::store::ReadAt;
use crate::io::writer::Writer;
use crate::ladder::Memory;
use crate::offset::{LogName, Offset, PerLog};
use crate::proof::{Digest, Proof};
use crate::shipping::{Progress, Shipping, Step};
use crate::snapshot::{Row, SnapshotSlice};
use crate::unconfirmed::Unconfirmed;

/// The row of the own snapshot table, which is otherwise unused, that says how far the author is.
const MEMORY_ROW: &[u8] = b"holdover";

pub(super) struct Shipper {
    own: Arc<Writer>,
    delivery: Delivery,
    shipping: Shipping,
    ends: PerLog<watch::Receiver<Offset>>,
    progress: watch::Sender<Progress>,
    stop: watch::Receiver<bool>,
    started: Instant,
    unconfirmed: Unconfirmed,
    standing: watch::Sender<Standing>,
}

/// The own journal is closed.
struct Closed;

impl Shipper {
    /// The author of an own journal, and how far it is.
    pub(super) fn new(
        own: Arc<Writer>,
        delivery: Delivery,
        stop: watch::Receiver<bool>,
    ) -> Result<(Self, watch::Receiver<Progress>), OpenError> {
        let unreadable = |error: StoreError| OpenError::Storage {
            path: crate::io::store::IN_MEMORY.into(),
            why: error.to_string(),
        };
        let row = own.store.snapshot_row(MEMORY_ROW).map_err(unreadable)?;
        let memory = row.and_then(|row| Memory::decode(row.value));
        let firsts = PerLog {
            alerts: own.store.first(LogName::Alerts).map_err(unreadable)?,
            tracks: own.store.first(LogName::Tracks).map_err(unreadable)?,
        };
        let shipping = Shipping::new(firsts, own.store.ends(), memory);
        let (progress, read) = watch::channel(shipping.progress());
        let ends = PerLog {
            alerts: own.end_of(LogName::Alerts),
            tracks: own.end_of(LogName::Tracks),
        };
        let shipper = Self {
            own,
            delivery,
            shipping,
            ends,
            progress,
            stop,
            started: Instant::now(),
            unconfirmed: Unconfirmed::default(),
            standing: watch::Sender::default(),
        };
        Ok((shipper, read))
    }

    /// How it gets on, to be watched.
    pub(super) fn standing(&self) -> watch::Receiver<Standing> {
        self.standing.subscribe()
    }

    /// Until it is told to stop or the own journal is closed.
    pub(super) async fn run(mut self) {
        let mut stop = self.stop.clone();
        tokio::select! {
            biased;
            // What is given up in the middle is taken for not shipped.
            _ = stop.wait_for(|stop| *stop) => {}
            () = async { while self.step().await.is_ok() {} } => {}
        }
        self.remember().await;
    }

    async fn step(&mut self) -> Result<(), Closed> {
        let ends = PerLog {
            alerts: *self.ends.alerts.borrow_and_update(),
            tracks: *self.ends.tracks.borrow_and_update(),
        };
        match self.shipping.step(self.now_ms(), ends) {
            Step::Connect => match self.delivery.connect().await {
                Ok(()) => self.shipping.connected(),
                Err(why) => self.pause(why).await,
            },
            Step::Prove => self.prove().await?,
            Step::Ship { from } => self.ship(from, ends).await?,
            Step::Confirm => self.confirm().await,
            Step::Remember => self.remember().await,
            Step::Rest { until_ms } => {
                let rest = Duration::from_millis(until_ms.saturating_sub(self.now_ms()));
                let PerLog { alerts, tracks } = &mut self.ends;
                let changed = tokio::select! {
                    changed = alerts.changed() => changed,
                    changed = tracks.changed() => changed,
                    () = sleep(rest) => Ok(()),
                };
                changed.map_err(|_| Closed)?;
            }
        }
        self.progress.send_if_modified(|known| {
            let now = self.shipping.progress();
            let changes = *known != now;
            *known = now;
            changes
        });
        self.note_unconfirmed();
        Ok(())
    }

    fn note_unconfirmed(&mut self) {
        let since = self
            .unconfirmed
            .note(self.now_ms(), self.shipping.progress());
        let since = since.map(|ms| self.started + Duration::from_millis(ms));
        self.standing.send_if_modified(|standing| {
            let changes = standing.unconfirmed_since != since;
            standing.unconfirmed_since = since;
            changes
        });
    }

    /// What goes into the shared log goes there.
    fn get_on(&self) {
        let was_stuck = self
            .standing
            .send_if_modified(|standing| standing.stuck.take().is_some());
        if was_stuck {
            tracing::info!("the shared log takes what is shipped again");
        }
    }

    /// Looks whether what was shipped is still there, and goes back to where it is.
    async fn prove(&mut self) -> Result<(), Closed> {
        let rungs = self.shipping.rungs();
        let proofs: Vec<Proof> = rungs.iter().map(|rung| rung.last).collect();
        let there = match self.delivery.first_there(&proofs).await {
            Ok(there) => there,
            Err(why) => {
                self.shipping.disconnected();
                self.pause(why).await;
                return Ok(());
            }
        };
        let first = self.own.store.first(LogName::Alerts).map_err(|_| Closed)?;
        let again = self.shipping.proved(self.now_ms(), there, first);
        if again > 0 {
            tracing::warn!(
                entries = again,
                "the shared log has lost what it had taken; it is shipped again"
            );
        }
        // Who has something to ship gets on when that is taken: a server may answer and still refuse it.
        let shipped = self.shipping.progress().shipped;
        if shipped == self.own.store.ends() {
            self.get_on();
        }
        Ok(())
    }

    async fn ship(&mut self, from: PerLog<Offset>, ends: PerLog<Offset>) -> Result<(), Closed> {
        let own = Arc::clone(&self.own);
        let reading = tokio::task::spawn_blocking(move || read(&own, from, ends));
        let runs = reading.await.map_err(|_| Closed)?.map_err(|_| Closed)?;
        for log in LogName::ALL {
            let (run, wanted) = (runs.get(log), *from.get(log));
            if run.first > wanted {
                let entries = run.first.since(wanted);
                tracing::warn!(%log, entries, "the own journal does not have them any more; they are passed over");
                self.shipping.skipped(log, run.first);
            }
        }
        let batch = Batch {
            id: BatchId(0),
            runs,
        };
        if LogName::ALL
            .iter()
            .all(|&log| batch.runs.get(log).entries.is_empty())
        {
            return Ok(());
        }
        let ends = PerLog {
            alerts: batch.runs.alerts.end(),
            tracks: batch.runs.tracks.end(),
        };
        let at_ms = self.own.clock().unix_ms();
        self.shipping.sending(ends);
        let behind = self.shipping.behind();
        let delivered = self.delivery.append(&batch, behind, at_ms).await;
        if !self.delivery.is_connected() {
            self.shipping.disconnected();
        }
        match delivered {
            Delivered::Placed { firsts, durability } => {
                let last = last_of(&batch.runs.alerts.entries, firsts.alerts, at_ms);
                self.shipping.shipped(ends, last, durability);
                self.get_on();
            }
            Delivered::Disproved => self.shipping.disproved(),
            Delivered::Rejected { why } | Delivered::Unknown { why } => self.pause(why).await,
        }
        Ok(())
    }

    async fn confirm(&mut self) {
        let behind = self.shipping.behind();
        let at_ms = self.own.clock().unix_ms();
        match self.delivery.confirm(behind, at_ms).await {
            Ok(Some(is_confirmed)) => self.shipping.asked(self.now_ms(), is_confirmed),
            Ok(None) => self.shipping.disproved(),
            Err(why) => {
                self.shipping.disconnected();
                self.pause(why).await;
            }
        }
    }

    /// Writes down how far it is. A disk that has failed is the own journal's matter; what is on it is
    /// shipped all the same.
    async fn remember(&mut self) {
        let row = Row {
            key: Bytes::from_static(MEMORY_ROW),
            value: self.shipping.memory().encode(),
            folded_to: self.shipping.progress().shipped.alerts,
        };
        let slice = SnapshotSlice {
            rows: vec![row],
            ..SnapshotSlice::default()
        };
        let written = pending::snapshot_write(slice, |chore| self.own.chore(chore)).await;
        self.shipping.remembered(self.now_ms(), written.is_ok());
    }

    /// After something that failed.
    async fn pause(&mut self, why: String) {
        // Once for each reason, however often it is tried.
        self.standing.send_if_modified(|standing| {
            let is_new = standing.stuck.as_ref() != Some(&why);
            if is_new {
                tracing::warn!(
                    why,
                    "nothing is shipped into the shared log now; the own journal keeps it"
                );
                standing.stuck = Some(why);
            }
            is_new
        });
        // Positions drop out of the own journal meanwhile, alerts do not.
        sleep(self.delivery.pause()).await;
    }

    /// Milliseconds since the start, never going back.
    fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// What comes next of both logs, as much as one batch takes. A run that begins later than `from` says
/// that what is before it cannot be read.
fn read(
    own: &Writer,
    from: PerLog<Offset>,
    ends: PerLog<Offset>,
) -> Result<PerLog<Run>, StoreError> {
    let limits = Limits::default();
    let mut runs = PerLog::<Run>::default();
    for log in LogName::ALL {
        let (first, run) = (*from.get(log), runs.get_mut(log));
        run.first = first;
        if first >= *ends.get(log) {
            continue;
        }
        match own.store.read_at(log, first, limits.batch_bytes_max)? {
            ReadAt::Entries(entries) => run.entries = entries,
            ReadAt::Gap { first_available } => run.first = first_available,
            ReadAt::End | ReadAt::Beyond { .. } => {}
        }
        run.entries.truncate(limits.batch_entries_max);
    }
    Ok(runs)
}

/// Where the last entry came to stand, and what it is there.
fn last_of(entries: &[Bytes], first: Offset, at_ms: u64) -> Option<Proof> {
    let last = entries.last()?;
    Some(Proof {
        offset: first.plus(entries.len() as u64 - 1),
        digest: Digest::of(at_ms, last),
    })
}
