//! The task that brings the own journal into one partition of the shared log: does what [`Shipping`]
//! says.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::watch;
use tokio::time::sleep;

use super::dealer::Dealer;
use super::health::Standing;
use super::notebook::{self, Notebook};
use super::state::State;
use crate::batcher::{Batch, BatchId, Run};
use crate::error::StoreError;
use crate::io::redis::{Delivered, Delivery, Sought};
use crate::io::writer::Writer;
use crate::offset::{LogName, Offset, Partition, PerLog};
use crate::partitions::PartitionCount;
use crate::proof::{Digest, Proof};
use crate::shipping::{Shipping, Step};
use crate::unconfirmed::Unconfirmed;

/// Brings into one partition what belongs to it.
pub(super) struct Shipper {
    partition: Partition,
    own: Arc<Writer>,
    dealer: Arc<Dealer>,
    notebook: Arc<Notebook>,
    delivery: Delivery,
    shipping: Shipping,
    due: watch::Receiver<PerLog<Offset>>,
    state: Arc<State>,
    started: Instant,
    unconfirmed: Unconfirmed,
    standing: watch::Sender<Standing>,
}

/// The own journal is closed.
struct Closed;

/// How far an own journal is with a partition of so many.
pub(super) fn reached(
    own: &Writer,
    partition: Partition,
    partitions: PartitionCount,
) -> Result<Shipping, StoreError> {
    let memory = notebook::read(&own.store, partition, partitions)?;
    let firsts = PerLog {
        alerts: own.store.first(LogName::Alerts)?,
        tracks: own.store.first(LogName::Tracks)?,
    };
    Ok(Shipping::new(firsts, own.store.ends(), memory))
}

impl Shipper {
    /// One who goes on where it was.
    pub(super) fn new(
        own: Arc<Writer>,
        (dealer, notebook): (Arc<Dealer>, Arc<Notebook>),
        shipping: Shipping,
        (partition, delivery): (Partition, Delivery),
        state: Arc<State>,
    ) -> Self {
        Self {
            due: dealer.due(partition),
            partition,
            own,
            dealer,
            notebook,
            delivery,
            shipping,
            state,
            started: Instant::now(),
            unconfirmed: Unconfirmed::default(),
            standing: watch::Sender::default(),
        }
    }

    /// How it gets on, to be watched.
    pub(super) fn standing(&self) -> watch::Receiver<Standing> {
        self.standing.subscribe()
    }

    /// Until it is told to stop or the own journal is closed.
    pub(super) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        tokio::select! {
            biased;
            // What is given up in the middle is taken for not shipped.
            _ = stop.wait_for(|stop| *stop) => {}
            () = self.ship_for_ever() => {}
        }
        self.remember();
    }

    async fn ship_for_ever(&mut self) {
        while self.step().await.is_ok() {}
    }

    async fn step(&mut self) -> Result<(), Closed> {
        if self.partition != Partition::ZERO && self.shipping.behind().is_none() {
            // The first says how many there are; with another number nothing is in its place. Where this author has
            // shipped before, what is still there says as much, and is looked for before anything is shipped.
            self.state.admitted().await;
        }
        let due = *self.due.borrow_and_update();
        self.shipping.want(self.state.round.load(Ordering::SeqCst));
        if !self.delivery.goes_on() {
            self.shipping.disconnected();
        }
        match self.shipping.step(self.now_ms(), due) {
            Step::Connect => match self.delivery.connect().await {
                Ok(()) => self.shipping.connected(),
                Err(why) => self.pause(why).await,
            },
            Step::Prove => self.prove().await?,
            Step::Ship { from } => self.ship(from, due).await?,
            Step::Confirm => self.confirm().await,
            Step::Remember => self.remember(),
            Step::Rest { until_ms } => {
                let rest = Duration::from_millis(until_ms.saturating_sub(self.now_ms()));
                let changed = tokio::select! {
                    changed = self.due.changed() => changed,
                    () = sleep(rest) => Ok(()),
                };
                changed.map_err(|_| Closed)?;
            }
        }
        self.dealer.note(self.partition, self.shipping.progress());
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
            let partition = self.partition.0;
            tracing::info!(partition, "the shared log takes what is shipped again");
        }
    }

    /// Looks whether what was shipped is still there, and goes back to where it is.
    async fn prove(&mut self) -> Result<(), Closed> {
        let trimmed_to = self.shipping.trimmed_to(self.now_ms());
        let rungs = self.shipping.rungs().into_iter();
        let sought = rungs.map(|rung| Sought {
            proof: rung.last,
            may_be_trimmed: rung.own_end <= trimmed_to,
        });
        let there = match self.delivery.first_there(&sought.collect::<Vec<_>>()).await {
            Ok(there) => there,
            Err(why) => {
                self.shipping.disconnected();
                self.pause(why).await;
                return Ok(());
            }
        };
        // What is new in another partition than the first says nothing.
        let can_tell = self.partition == Partition::ZERO || there.is_some();
        if can_tell && self.delivery.knows_layout() {
            self.state.admit();
        }
        let first = self.own_answer(self.own.store.first(LogName::Alerts))?;
        let again = self.shipping.proved(self.now_ms(), there, first);
        if again > 0 {
            tracing::warn!(
                partition = self.partition.0,
                entries = again,
                "the shared log has lost what it had taken; of these entries its own are shipped again"
            );
        }
        self.pass();
        // Who has something to ship gets on when that is taken: a server may answer and still refuse it.
        let shipped = self.shipping.progress().shipped;
        if self.dealer.passed_by(self.partition, shipped).is_some() {
            self.get_on();
        }
        Ok(())
    }

    async fn ship(&mut self, from: PerLog<Offset>, due: PerLog<Offset>) -> Result<(), Closed> {
        let reading = self.dealer.read(self.partition, from, due).await;
        let PerLog { alerts, tracks } = self.own_answer(reading)?;
        for (log, share) in [(LogName::Alerts, &alerts), (LogName::Tracks, &tracks)] {
            if share.missing > 0 {
                let (partition, entries) = (self.partition.0, share.missing);
                tracing::warn!(%log, partition, entries, "the own journal does not have them any more; they are passed over");
            }
        }
        let ends = PerLog {
            alerts: alerts.end,
            tracks: tracks.end,
        };
        if alerts.entries.is_empty() && tracks.entries.is_empty() {
            self.shipping.passed(ends);
            return Ok(());
        }
        let run = |first, entries| Run { first, entries };
        let batch = Batch {
            id: BatchId(0),
            runs: PerLog {
                alerts: run(from.alerts, alerts.entries),
                tracks: run(from.tracks, tracks.entries),
            },
        };
        let at_ms = self.own.clock().unix_ms();
        self.shipping.sending(&alerts.offsets);
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

    /// What the own journal has answered. One that cannot be read is no journal: it is said, as nothing of it is shipped
    /// any more.
    fn own_answer<T>(&self, answer: Result<T, StoreError>) -> Result<T, Closed> {
        self.own.look_at(&answer);
        answer.map_err(|_| Closed)
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

    /// Passes over what was dealt to others since.
    fn pass(&mut self) {
        let shipped = self.shipping.progress().shipped;
        if let Some(to) = self.dealer.passed_by(self.partition, shipped) {
            self.shipping.passed(to);
        }
    }

    /// Has it written down how far it is.
    fn remember(&mut self) {
        self.pass();
        self.notebook.note(self.partition, &self.shipping.memory());
        self.shipping.remembered(self.now_ms(), true);
    }

    /// After something that failed.
    async fn pause(&mut self, why: String) {
        // Once for each reason, however often it is tried.
        self.standing.send_if_modified(|standing| {
            let is_new = standing.stuck.as_ref() != Some(&why);
            if is_new {
                tracing::warn!(
                    partition = self.partition.0,
                    why,
                    "nothing is shipped into the shared log now; the own journal keeps it"
                );
                standing.stuck = Some(why);
            }
            is_new
        });
        // Positions drop out of the own journal meanwhile, alerts do not.
        self.delivery.rest().await;
    }

    /// Milliseconds since the start, never going back.
    fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// Where the last entry came to stand, and what it is there.
fn last_of(entries: &[Bytes], first: Offset, at_ms: u64) -> Option<Proof> {
    let last = entries.last()?;
    Some(Proof {
        offset: first.plus(entries.len() as u64 - 1),
        digest: Digest::of(at_ms, last),
    })
}
